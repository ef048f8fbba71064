//! The demo's past: what would be in the store if the sample functions had been called for two months. Made from the
//! traffic (`super::traffic`), and loaded by the ordinary write path.
//!
//! Never twice: which stretch of time is loaded stands in a file in the data folder (`marker`), written before the first
//! row. A load that was cut off goes on behind the last row that the store has (`resume`); every attempt has an id that
//! seed and day decide. A folder that is started again later has the time in between filled, at most as many days as the
//! history has.

mod environments;
mod groups;
mod load;
mod logs;
mod marker;
mod resume;
mod rows;
mod simulation;
#[cfg(test)]
mod tests;

pub use groups::Groups;
pub use load::{History, Parts, Progress};
pub use marker::Wanted;

/// Where the rows say that they were made.
#[derive(Debug, Clone)]
pub struct Place {
    /// The region that prices and records name.
    pub region: String,
    /// The billing account.
    pub account: String,
}

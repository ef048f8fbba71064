//! Owns the rollup of `invocations`: counts, sums and sketches by minute and by hour, and groups of errors. It does not know
//! SQL (`crate::query`).
//!
//! Rollups add up, so there is one of each data file, in side files of its own, and one of the rows that are in no file yet,
//! made when it is asked for. What a view of the table shows moves between files as a whole, and its rollup moves along:
//! late rows, joined files and retention need nothing more.

mod bytes;
mod columns;
mod errors;
mod fresh;
mod groups;
mod message;
mod raw;
mod registry;
mod roll;
mod schema;
mod side;
mod sketch;
#[cfg(test)]
pub(crate) mod tests;

pub use errors::{ERROR_GROUPS, OTHER};
pub use message::{SHAPE_CHARS, error_fingerprint, error_shape};
pub use registry::RollupView;
pub(crate) use registry::{Rollups, data_of};
pub use schema::Rollup;
pub(crate) use side::{Roller, Sides};
pub use sketch::{Bin, RELATIVE_ERROR, Sketch, SketchError};

//! Owns what comes from elsewhere: telemetry of functions that run on other executors becomes the same records as our own
//! executor's. It decodes, prices what can be priced, and stores each record once; it does not know HTTP, gRPC or the
//! command line (`crate::web`, `crate::cli`), and makes no rows of our own calls (`crate::trigger`).

pub mod aws_lambda;
mod config;
mod counters;
mod dedupe;
mod error;
mod gzip;
mod keyed;
mod otlp;
mod receiver;
mod room;
mod summary;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use counters::{SignalStatus, Status};
pub use dedupe::{Claim, Dedupe, Key};
pub use error::Error;
pub use otlp::{Encoding, Format, Import, Signal};
pub use receiver::{Outcome, Parts, Receiver, Request};
pub use room::Room;
pub use summary::{Counts, Skipped, Summary};

//! The demo: sample functions that are part of the program, and a live workload that calls them.
//! Serving is `crate::app`'s; which functions there are, and how they are called, is data in `sample-data/`.

mod samples;
mod workload;

pub use samples::{Sample, samples};
pub use workload::Workload;

use crate::units::ParseDurationError;

/// Why the demo cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not what a list of samples is.
    #[error("sample-data/functions.toml is wrong: {0}")]
    Malformed(#[from] toml::de::Error),
    /// A time-out is not a length of time.
    #[error("sample-data/functions.toml: {0}")]
    Timeout(#[from] ParseDurationError),
    /// A module is not part of the program.
    #[error("sample-data/functions.toml names '{0}', which is not part of the program")]
    Missing(String),
    /// The server's address makes no URL.
    #[error("'{0}' is not the URL of a server")]
    Url(String),
    /// The HTTP client cannot be made.
    #[error("the workload's client cannot be made: {0}")]
    Client(reqwest::Error),
}

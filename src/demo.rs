//! The demo: sample functions that are part of the program, a history of calls to them, and a live workload that goes on
//! where the history ends. Serving is `crate::app`'s; which functions there are, and how they are called, is data in
//! `sample-data/`.
//!
//! The traffic is one: `recipe` is read and joined with the samples to `traffic`, whose `arrivals` are drawn by `chance`
//! from a seed, hour by hour. `history` makes rows of those that are past, `workload` calls for those that come.

mod arrivals;
mod chance;
pub mod history;
mod measured;
mod recipe;
mod samples;
mod traffic;
mod workload;

pub use history::History;
pub use samples::{Sample, samples};
pub use traffic::{Settings, Traffic};
pub use workload::Workload;

use std::path::PathBuf;

use crate::units::ParseDurationError;
use crate::{cost, query, store};

/// Why the demo cannot begin, or go on.
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
    /// It is not what a recipe is.
    #[error("sample-data/history.toml is wrong: {0}")]
    Recipe(String),
    /// It is not what figures of the samples are.
    #[error("sample-data/measured.toml is wrong: {0}")]
    Measured(String),
    /// The server's address makes no URL.
    #[error("'{0}' is not the URL of a server")]
    Url(String),
    /// The HTTP client cannot be made.
    #[error("the workload's client cannot be made: {0}")]
    Client(reqwest::Error),
    /// What the data folder says of its history cannot be read or written.
    #[error("'{}' cannot be read or written: {source}", .path.display())]
    Marker { path: PathBuf, source: std::io::Error },
    /// The folder has its history already, and it is another one.
    #[error(
        "the data folder has a history of {what} {has} and not {wanted}: take another folder, or leave the option out"
    )]
    Differs { what: &'static str, wanted: u64, has: u64 },
    /// Another program began to load it.
    #[error("the history in '{}' was begun by another version of the program, which alone can go on: take another folder", .folder.display())]
    Begun { folder: PathBuf },
    /// The rows were not taken.
    #[error("the history cannot be stored: {0}")]
    Store(#[from] store::Error),
    /// What is there cannot be read.
    #[error("what there is of the history cannot be read: {0}")]
    Query(#[from] query::Error),
    /// The rows have no price.
    #[error("the history cannot be priced: {0}")]
    Price(#[from] cost::Error),
    /// The program stops; the next start goes on.
    #[error("the history is not loaded whole: the next start on this folder goes on")]
    Stopped,
    /// A thread of ours broke off.
    #[error("the making of the history broke off: {0}")]
    Broken(String),
}

impl Error {
    /// For a task that did not end by itself.
    fn task(error: tokio::task::JoinError) -> Self {
        Self::Broken(error.to_string())
    }
}

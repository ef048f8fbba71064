//! Owns what can go wrong when logs are taken in, by what the sender can do about it.

use std::io;

use crate::ingest::Summary;
use crate::{cost, store};

/// Why logs were not taken in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The sender must say more, or something else.
    #[error("{0}")]
    Invalid(String),
    /// The input could not be read to its end.
    #[error("the input cannot be read: {0}")]
    Unreadable(io::Error),
    /// The input is larger than it may be.
    #[error("the input has more than {limit} bytes uncompressed, the most that is taken here")]
    TooLarge {
        /// The most.
        limit: u64,
    },
    /// Try again: too many others are at it.
    #[error("{0}")]
    Busy(String),
    /// The store took nothing more.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What is there already could not be found out.
    #[error("what is stored already cannot be looked up: {0}")]
    Lookup(store::Error),
    /// A price went out of range.
    #[error("an invocation cannot be priced: {0}")]
    Price(#[from] cost::Error),
    /// The work was given up.
    #[error("the work was given up")]
    Stopped,
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// Why an import ended early, and what it had done by then, which stays.
#[derive(Debug, thiserror::Error)]
#[error("{error}; what came before is stored: {} invocations and {} log records", so_far.stored.invocations, so_far.stored.logs)]
pub struct Failed {
    /// Why.
    pub error: Error,
    /// What was stored.
    pub so_far: Box<Summary>,
}

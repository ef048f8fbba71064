//! Owns why something was not received, by what the sender can do about it.

use std::time::Duration;

use crate::store;

/// Why nothing of a request was kept. What it holds is one sentence for the sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The body cannot be read: sending it again does not help.
    #[error("{0}")]
    Bad(String),
    /// The body is encoded in a way that is not known here.
    #[error("{0}")]
    Unsupported(String),
    /// The body is over a limit: send less at once.
    #[error("{0}")]
    TooLarge(String),
    /// There is no room now: send the same again after so long.
    #[error("{reason}")]
    Busy {
        /// What there is no room in.
        reason: String,
        /// When to come again.
        retry_after: Duration,
    },
    /// Our fault.
    #[error("{0}")]
    Faulty(String),
}

/// How long to wait until a person may have made room or started the server again.
const BY_HAND: Duration = Duration::from_secs(30);

impl Error {
    /// The same, of a part of what was sent.
    pub(super) fn at(self, place: &str) -> Self {
        let named = |why: String| format!("{place}: {why}");
        match self {
            Self::Bad(why) => Self::Bad(named(why)),
            Self::Unsupported(why) => Self::Unsupported(named(why)),
            Self::TooLarge(why) => Self::TooLarge(named(why)),
            Self::Busy { reason, retry_after } => Self::Busy { reason: named(reason), retry_after },
            Self::Faulty(why) => Self::Faulty(named(why)),
        }
    }

    /// What the store's refusal means to a sender, who is to come again after `retry_after` where the store is only full.
    pub(super) fn from_store(error: &store::Error, retry_after: Duration) -> Self {
        use store::Error as E;
        let reason = error.to_string();
        match error {
            E::Full { .. } | E::Slots { .. } => Self::Busy { reason, retry_after },
            E::Closed => Self::Busy { reason: "the server is stopping".to_owned(), retry_after },
            E::NoSpace(_) => Self::Busy { reason, retry_after: BY_HAND },
            E::TooLarge { .. } => Self::TooLarge(reason),
            E::Faulty(_) => {
                tracing::error!(error = reason, "what was received could not be kept");
                Self::Busy { reason, retry_after: BY_HAND }
            }
            _ => {
                tracing::error!(error = reason, "what was received could not be kept");
                Self::Faulty(reason)
            }
        }
    }
}

//! Why a call or a deployment could not be taken. Faults of a guest are no errors here: they are answers.

use crate::model::SpecError;
use crate::{catalog, cost, runtime, store};

/// Named by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No function has this name.
    #[error("there is no function '{0}'")]
    NotFound(String),
    /// The function has no version that can run yet.
    #[error("function '{name}' cannot be called yet: version {version} is still being compiled")]
    Pending { name: String, version: u32 },
    /// The function's only version, or the one that was asked for, cannot run.
    #[error("function '{name}' cannot be called: version {version} failed to deploy: {reason}")]
    Failed { name: String, version: u32, reason: String },
    /// The version that was asked for cannot run yet.
    #[error("version {version} of function '{name}' cannot run yet: it is still being compiled")]
    VersionPending { name: String, version: u32 },
    /// The deployment breaks a limit.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The deployment names a price book that there is not, or a price left the range.
    #[error(transparent)]
    Price(#[from] cost::Error),
    /// What was uploaded is not a function.
    #[error(transparent)]
    Guest(#[from] runtime::Error),
    /// The catalog refused or failed.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// The record could not be kept.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The server is stopping.
    #[error("the server is stopping and takes no new calls")]
    Stopping,
}

impl Error {
    /// Whether the call was refused before it ran, since there is no room for its record now.
    #[must_use]
    pub fn is_store_full(&self) -> bool {
        use store::Error::{Full, NoSpace, Slots};
        matches!(self, Self::Store(Full { .. } | Slots { .. } | NoSpace(_)))
    }
}

//! Owns the bus on which one part hands something notable to whoever listens, alerts above all.
//! It keeps nothing: a listener that is slow loses the oldest, and is told how many.

use tokio::sync::broadcast;

use crate::model::ThrottleReason;

/// Notable things that wait for a slow listener, at most.
const CAPACITY: usize = 1_024;

/// Something that a person or a rule may want to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notable {
    /// A version was deployed and can be called.
    FunctionActive { function: String, version: u32 },
    /// A version cannot run, and why.
    FunctionFailed { function: String, version: u32, reason: String },
    /// A function was removed.
    FunctionRemoved { function: String },
    /// A limit turned a call away.
    Throttled { function: String, reason: ThrottleReason },
    /// A call was refused before it ran, since its record could not have been kept.
    StoreRefused { function: String, reason: String },
}

impl Notable {
    /// The word for its kind, as metrics label it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::FunctionActive { .. } => "function_active",
            Self::FunctionFailed { .. } => "function_failed",
            Self::FunctionRemoved { .. } => "function_removed",
            Self::Throttled { .. } => "throttled",
            Self::StoreRefused { .. } => "store_refused",
        }
    }
}

/// Where notable things are handed in and heard. A cheap clone.
#[derive(Debug, Clone)]
pub struct Bus(broadcast::Sender<Notable>);

impl Default for Bus {
    fn default() -> Self {
        Self(broadcast::channel(CAPACITY).0)
    }
}

impl Bus {
    /// Hands it to all who listen now; nobody listening is fine.
    pub fn publish(&self, notable: Notable) {
        let _nobody_listens = self.0.send(notable);
    }

    /// Listens from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Notable> {
        self.0.subscribe()
    }
}

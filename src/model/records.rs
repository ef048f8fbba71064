//! What is written together, whole or not at all.

use super::{Invocation, LogRecord, MetricPoint, Span};

/// Rows for the four tables that one writer appends as one group.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Records {
    /// Rows of `invocations`.
    pub invocations: Vec<Invocation>,
    /// Rows of `spans`.
    pub spans: Vec<Span>,
    /// Rows of `logs`.
    pub logs: Vec<LogRecord>,
    /// Rows of `metrics`.
    pub metrics: Vec<MetricPoint>,
}

impl Records {
    /// Rows in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.invocations.len() + self.spans.len() + self.logs.len() + self.metrics.len()
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

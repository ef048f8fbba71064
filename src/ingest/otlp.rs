//! OTLP: what a request of traces, logs or metrics says, as rows. How it arrives is `crate::web`'s, how it is kept is
//! `receiver`'s. Pure: no I/O, no clock.
//!
//! A body becomes rows in three steps, each within a limit that is checked before the memory is taken: `body` decompresses
//! it, `decode` makes a request of it (JSON is first written as protobuf, by the tables of `schema`, so that there is one
//! decoder), and `traces`, `logs` and `metrics` make rows of that.

mod attributes;
mod body;
mod decode;
mod faas;
mod ids;
mod import;
mod json;
mod logs;
mod metrics;
mod points;
mod rejected;
mod resource;
mod schema;
#[cfg(test)]
mod tests;
mod times;
mod traces;
mod weigh;

pub use body::{Encoding, Format};
pub use import::Import;

pub(super) use body::plain;
pub(super) use decode::{Context, Read, read};

/// What a request holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
    /// Points of metrics.
    Metrics,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 3] = [Self::Traces, Self::Logs, Self::Metrics];

    /// The word in paths and labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }

    /// What one of its items is called.
    #[must_use]
    pub fn item(self) -> &'static str {
        match self {
            Self::Traces => "span",
            Self::Logs => "log record",
            Self::Metrics => "data point",
        }
    }
}

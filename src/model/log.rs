//! A log record, as OTLP has it.

use crate::units::{SpanId, Timestamp, TraceId};

use super::Attributes;

/// OTLP's six severity ranges, by the number that begins each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Severity {
    /// The finest.
    Trace = 1,
    /// For finding faults.
    Debug = 5,
    /// Ordinary events.
    Info = 9,
    /// Worth a look.
    Warn = 13,
    /// Something failed.
    Error = 17,
    /// Nothing goes on.
    Fatal = 21,
}

impl Severity {
    /// OTLP's number, 1 to 24.
    #[must_use]
    pub fn number(self) -> i32 {
        self as i32
    }

    /// OTLP's short name.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }

    /// Reads the words that loggers use, in any case; none for another word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "trace" => Some(Self::Trace),
            "debug" => Some(Self::Debug),
            "info" | "information" | "notice" => Some(Self::Info),
            "warn" | "warning" => Some(Self::Warn),
            "error" | "err" => Some(Self::Error),
            "fatal" | "critical" | "panic" | "alert" | "emergency" => Some(Self::Fatal),
            _ => None,
        }
    }
}

/// One row of `logs`.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRecord {
    /// Whom it belongs to.
    pub tenant: String,
    /// The function that wrote it, where one is known.
    pub function: Option<String>,
    /// That function's version.
    pub version: Option<String>,
    /// The invocation that wrote it.
    pub invocation_id: Option<String>,
    /// The environment that wrote it.
    pub environment_id: Option<String>,
    /// Where the record comes from: `executor`, `aws-lambda`, `otlp`.
    pub source: String,
    /// When it happened.
    pub time: Timestamp,
    /// When it was seen by a collector.
    pub observed_time: Timestamp,
    /// OTLP's number, 0 (not said) to 24.
    pub severity_number: i32,
    /// The writer's own word for the severity.
    pub severity_text: String,
    /// The text.
    pub body: String,
    /// More about it.
    pub attributes: Attributes,
    /// Attributes that were left out.
    pub dropped_attributes_count: u32,
    /// W3C trace flags.
    pub flags: u32,
    /// The trace.
    pub trace_id: Option<TraceId>,
    /// The span.
    pub span_id: Option<SpanId>,
    /// OTLP's event name; empty for a plain record.
    pub event_name: String,
    /// What made it.
    pub resource_attributes: Attributes,
    /// The instrumentation's name; `stdout` or `stderr` for what a guest printed.
    pub scope_name: String,
    /// The instrumentation's version.
    pub scope_version: String,
    /// What tells it from the same record sent again: the event's id at its source, or the digest of the request that brought
    /// it. None for what our own executor wrote.
    pub origin_id: Option<String>,
}

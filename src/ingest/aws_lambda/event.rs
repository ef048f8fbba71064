//! Owns what a record of Lambda's says, whatever form it came in: text in CloudWatch, JSON in CloudWatch, or the Telemetry
//! API. Reading the forms is `line`'s and `telemetry`'s.

use std::time::Duration;

use crate::model::{Attributes, InitType, Outcome};
use crate::units::{ByteCount, Megabytes, SpanId, TraceId};

/// A record that breaks its own grammar, and how: such a record is counted, shown and skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken(pub(super) &'static str);

/// What one record says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    /// An environment is being started, or restored from a snapshot.
    Init(Init),
    /// How long that took.
    InitReport(InitReport),
    /// An invocation begins.
    Start { request_id: String, version: Option<String>, trace: Option<Trace> },
    /// The runtime is done with an invocation; extensions may go on.
    Done { request_id: String, response: Option<ByteCount>, failure: Option<Failure>, trace: Option<Trace> },
    /// An invocation is over: what is billed of it.
    Report(Box<Report>),
    /// A line that says how an invocation failed. It is a log line too.
    Failed { request_id: Option<String>, failure: Failure, line: Line },
    /// The trace of the invocation that was reported last.
    Trace(Trace),
    /// What a function, or an extension of it, wrote.
    Line(Line),
    /// The platform's own, and no part of an invocation's record.
    Other,
}

/// Where and as what an environment runs, as far as it was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Init {
    /// Such as `python:3.12.v36`.
    pub(super) runtime: Option<String>,
    pub(super) region: Option<String>,
    pub(super) function: Option<String>,
    pub(super) version: Option<String>,
    /// Names the environment.
    pub(super) instance: Option<String>,
    pub(super) kind: Option<InitType>,
}

/// How an init went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct InitReport {
    pub(super) length: Option<Duration>,
    pub(super) kind: Option<InitType>,
    /// Whether it was done again within an invocation, whose duration holds it.
    pub(super) within_invocation: bool,
    pub(super) failure: Option<Failure>,
}

/// What is billed of an invocation, and what was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) request_id: String,
    pub(super) duration: Duration,
    pub(super) billed_ms: i64,
    pub(super) memory: Megabytes,
    pub(super) peak_memory: Option<Megabytes>,
    pub(super) init: Option<Duration>,
    pub(super) restore: Option<Duration>,
    pub(super) failure: Option<Failure>,
    pub(super) trace: Option<Trace>,
}

/// How something failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) outcome: Outcome,
    pub(super) error_type: Option<String>,
    pub(super) message: Option<String>,
}

/// An X-Ray trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trace {
    pub(super) trace_id: TraceId,
    pub(super) span_id: Option<SpanId>,
    pub(super) parent: Option<SpanId>,
    pub(super) sampled: bool,
}

/// One log line; it may have several lines of text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Line {
    pub(super) request_id: Option<String>,
    /// The writer's own word; empty when it said none.
    pub(super) level: String,
    pub(super) body: String,
    pub(super) attributes: Attributes,
    pub(super) scope: Scope,
}

/// Who wrote a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Scope {
    #[default]
    Function,
    Extension,
    Platform,
}

impl Scope {
    /// The word in `scope_name`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Extension => "extension",
            Self::Platform => "platform",
        }
    }
}

impl Failure {
    /// What a status of Lambda's means: `timeout`, `error` or `failure`; none for `success`.
    pub(super) fn of_status(status: &str, error_type: Option<&str>) -> Result<Option<Self>, Broken> {
        let outcome = match status {
            "success" => return Ok(None),
            "timeout" => Outcome::Timeout,
            "error" | "failure" if error_type == Some("Runtime.OutOfMemory") => Outcome::OutOfMemory,
            "error" | "failure" => Outcome::Error,
            _ => return Err(Broken("a status that is not success, failure, error or timeout")),
        };
        Ok(Some(Self { outcome, error_type: error_type.map(str::to_owned), message: None }))
    }

    /// This failure, and what another record says of the same one where this says nothing. The platform's word on the
    /// outcome is finer where it is not a plain error.
    pub(super) fn and(self, other: Option<Self>) -> Self {
        let Some(other) = other else { return self };
        let outcome = if self.outcome == Outcome::Error { other.outcome } else { self.outcome };
        Self { outcome, error_type: self.error_type.or(other.error_type), message: self.message.or(other.message) }
    }
}

/// Whether a text can be a request's id: AWS's are UUIDs, emulators' are alike.
pub(super) fn is_request_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Reads a trace's id as X-Ray writes it: `1-66d978e5-0123456789abcdef01234567`.
pub(super) fn xray_trace_id(text: &str) -> Option<TraceId> {
    let (epoch, unique) = text.strip_prefix("1-")?.split_once('-')?;
    if epoch.len() != 8 || unique.len() != 24 {
        return None;
    }
    format!("{epoch}{unique}").parse().ok()
}

/// The region in an ARN, such as `arn:aws:lambda:us-east-1::runtime:...`.
pub(super) fn region_of(arn: &str) -> Option<String> {
    let mut parts = arn.split(':');
    let is_arn = parts.next() == Some("arn") && parts.next().is_some() && parts.next().is_some();
    parts.next().filter(|region| is_arn && !region.is_empty() && region.len() <= 32).map(str::to_owned)
}

/// The first `chars` of a text.
pub(super) fn first_chars(text: &str, chars: usize) -> &str {
    text.char_indices().nth(chars).map_or(text, |(end, _)| &text[..end])
}

//! A span, as OTLP has it.

use crate::units::{SpanId, Timestamp, TraceId};

use super::Attributes;

/// OTLP's span kinds, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum SpanKind {
    /// Not said.
    Unspecified = 0,
    /// Work inside a process.
    Internal = 1,
    /// The receiving side of a call.
    Server = 2,
    /// The calling side.
    Client = 3,
    /// The sending side of a message.
    Producer = 4,
    /// The receiving side of a message.
    Consumer = 5,
}

/// OTLP's status codes, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum StatusCode {
    /// Not said.
    Unset = 0,
    /// Said to be well.
    Ok = 1,
    /// Failed.
    Error = 2,
}

/// Something that happened within a span.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When.
    pub time: Timestamp,
    /// What.
    pub name: String,
    /// More about it.
    pub attributes: Attributes,
    /// Attributes that were left out.
    pub dropped_attributes_count: u32,
}

/// A span that this one is tied to, without being its child.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The other span's trace.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
    /// The other span's `tracestate`.
    pub trace_state: String,
    /// More about it.
    pub attributes: Attributes,
    /// Attributes that were left out.
    pub dropped_attributes_count: u32,
    /// W3C trace flags.
    pub flags: u32,
}

/// One row of `spans`.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Whom it belongs to.
    pub tenant: String,
    /// The function that made it, where one is known.
    pub function: Option<String>,
    /// Where the record comes from: `executor`, `otlp`.
    pub source: String,
    /// The invocation that it belongs to, where one is known.
    pub invocation_id: Option<String>,
    /// The trace.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
    /// The parent; none for a root.
    pub parent_span_id: Option<SpanId>,
    /// W3C `tracestate`.
    pub trace_state: String,
    /// W3C trace flags and OTLP's own bits.
    pub flags: u32,
    /// What it did.
    pub name: String,
    /// Its role.
    pub kind: SpanKind,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// More about it.
    pub attributes: Attributes,
    /// Attributes that were left out.
    pub dropped_attributes_count: u32,
    /// What happened within.
    pub events: Vec<Event>,
    /// Events that were left out.
    pub dropped_events_count: u32,
    /// What it is tied to.
    pub links: Vec<Link>,
    /// Links that were left out.
    pub dropped_links_count: u32,
    /// How it ended.
    pub status_code: StatusCode,
    /// Why, when it failed.
    pub status_message: String,
    /// What made it.
    pub resource_attributes: Attributes,
    /// The instrumentation's name.
    pub scope_name: String,
    /// The instrumentation's version.
    pub scope_version: String,
}

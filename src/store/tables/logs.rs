//! Owns the columns of `logs`: OTLP's fields under OTLP's names in snake case, and what ties a record to a function.

use crate::model::LogRecord;

use super::column::{Column, Values};

/// The columns, in order; `ingested_at` and `date` follow in every table.
pub(crate) const COLUMNS: &[Column<LogRecord>] = &[
    Column { name: "tenant", doc: "whom the function belongs to", values: Values::Text(|r| &r.tenant) },
    Column {
        name: "function",
        doc: "the function that wrote it; null where none is known",
        values: Values::OptionalText(|r| r.function.as_deref()),
    },
    Column {
        name: "version",
        doc: "that function's version; null where none is known",
        values: Values::OptionalText(|r| r.version.as_deref()),
    },
    Column {
        name: "invocation_id",
        doc: "the invocation that wrote it; null where none is known",
        values: Values::OptionalText(|r| r.invocation_id.as_deref()),
    },
    Column {
        name: "environment_id",
        doc: "the execution environment that wrote it; null where none is known",
        values: Values::OptionalText(|r| r.environment_id.as_deref()),
    },
    Column {
        name: "source",
        doc: "where the record comes from: executor, aws-lambda, otlp, ...",
        values: Values::Text(|r| &r.source),
    },
    Column { name: "time", doc: "when it happened, UTC, to the microsecond", values: Values::Time(|r| r.time) },
    Column {
        name: "time_unix_nano",
        doc: "when it happened, ns since 1970 UTC",
        values: Values::Int64(|r| r.time.nanos()),
    },
    Column {
        name: "observed_time_unix_nano",
        doc: "when a collector saw it, ns since 1970 UTC",
        values: Values::Int64(|r| r.observed_time.nanos()),
    },
    Column {
        name: "severity_number",
        doc: "OTLP's number: 0 not said, 1 trace, 5 debug, 9 info, 13 warn, 17 error, 21 fatal, and three steps above each",
        values: Values::Int32(|r| r.severity_number),
    },
    Column {
        name: "severity_text",
        doc: "the writer's own word for the severity",
        values: Values::Text(|r| &r.severity_text),
    },
    Column { name: "body", doc: "the text", values: Values::Text(|r| &r.body) },
    Column {
        name: "attributes",
        doc: "attributes; a value that is no string is its JSON",
        values: Values::Attributes(|r| &r.attributes),
    },
    Column {
        name: "dropped_attributes_count",
        doc: "attributes that were left out",
        values: Values::Int64(|r| i64::from(r.dropped_attributes_count)),
    },
    Column { name: "flags", doc: "W3C trace flags", values: Values::Int64(|r| i64::from(r.flags)) },
    Column {
        name: "trace_id",
        doc: "the trace, 32 lower-case hex digits",
        values: Values::Trace(|r| r.trace_id.as_ref()),
    },
    Column { name: "span_id", doc: "the span, 16 lower-case hex digits", values: Values::Span(|r| r.span_id.as_ref()) },
    Column {
        name: "event_name",
        doc: "OTLP's event name; empty for a plain record",
        values: Values::Text(|r| &r.event_name),
    },
    Column { name: "resource_attributes", doc: "what made it", values: Values::Attributes(|r| &r.resource_attributes) },
    Column {
        name: "scope_name",
        doc: "the instrumentation's name; stdout or stderr for what a guest printed",
        values: Values::Text(|r| &r.scope_name),
    },
    Column { name: "scope_version", doc: "the instrumentation's version", values: Values::Text(|r| &r.scope_version) },
    Column {
        name: "origin_id",
        doc: "what tells the record from the same one sent again: the event's id at its source, or the digest of the request that brought it; null for our own executor's",
        values: Values::OptionalText(|r| r.origin_id.as_deref()),
    },
];

//! Owns the columns of `spans`: OTLP's fields under OTLP's names in snake case, and what ties a span to a function.

use crate::model::{Event, Link, Span};

use super::column::{Column, Values, struct_list, struct_list_type};

/// The columns, in order; `ingested_at` and `date` follow in every table.
pub(crate) const COLUMNS: &[Column<Span>] = &[
    Column { name: "tenant", doc: "whom the function belongs to", values: Values::Text(|r| &r.tenant) },
    Column {
        name: "function",
        doc: "the function that made it; null where none is known",
        values: Values::OptionalText(|r| r.function.as_deref()),
    },
    Column {
        name: "source",
        doc: "where the record comes from: executor, aws-lambda, otlp, ...",
        values: Values::Text(|r| &r.source),
    },
    Column {
        name: "invocation_id",
        doc: "the invocation that it belongs to; null where none is known",
        values: Values::OptionalText(|r| r.invocation_id.as_deref()),
    },
    Column {
        name: "trace_id",
        doc: "the trace, 32 lower-case hex digits",
        values: Values::Trace(|r| Some(&r.trace_id)),
    },
    Column { name: "span_id", doc: "the span, 16 lower-case hex digits", values: Values::Span(|r| Some(&r.span_id)) },
    Column {
        name: "parent_span_id",
        doc: "the parent; null for a root",
        values: Values::Span(|r| r.parent_span_id.as_ref()),
    },
    Column { name: "trace_state", doc: "W3C tracestate", values: Values::Text(|r| &r.trace_state) },
    Column { name: "flags", doc: "W3C trace flags and OTLP's own bits", values: Values::Int64(|r| i64::from(r.flags)) },
    Column { name: "name", doc: "what it did", values: Values::Text(|r| &r.name) },
    Column {
        name: "kind",
        doc: "OTLP's number: 1 internal, 2 server, 3 client, 4 producer, 5 consumer",
        values: Values::Int32(|r| r.kind as i32),
    },
    Column { name: "started_at", doc: "when it began, UTC, to the microsecond", values: Values::Time(|r| r.start) },
    Column {
        name: "start_time_unix_nano",
        doc: "when it began, ns since 1970 UTC",
        values: Values::Int64(|r| r.start.nanos()),
    },
    Column {
        name: "end_time_unix_nano",
        doc: "when it ended, ns since 1970 UTC",
        values: Values::Int64(|r| r.end.nanos()),
    },
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
    Column {
        name: "events",
        doc: "what happened within",
        values: Values::List(|| struct_list_type(EVENT), |rows| struct_list(rows, |r| &r.events, EVENT)),
    },
    Column {
        name: "dropped_events_count",
        doc: "events that were left out",
        values: Values::Int64(|r| i64::from(r.dropped_events_count)),
    },
    Column {
        name: "links",
        doc: "spans that it is tied to without being their child",
        values: Values::List(|| struct_list_type(LINK), |rows| struct_list(rows, |r| &r.links, LINK)),
    },
    Column {
        name: "dropped_links_count",
        doc: "links that were left out",
        values: Values::Int64(|r| i64::from(r.dropped_links_count)),
    },
    Column {
        name: "status_code",
        doc: "how it ended, OTLP's number: 0 unset, 1 ok, 2 error",
        values: Values::Int32(|r| r.status_code as i32),
    },
    Column { name: "status_message", doc: "why it failed", values: Values::Text(|r| &r.status_message) },
    Column { name: "resource_attributes", doc: "what made it", values: Values::Attributes(|r| &r.resource_attributes) },
    Column { name: "scope_name", doc: "the instrumentation's name", values: Values::Text(|r| &r.scope_name) },
    Column { name: "scope_version", doc: "the instrumentation's version", values: Values::Text(|r| &r.scope_version) },
];

const EVENT: &[Column<Event>] = &[
    Column { name: "time_unix_nano", doc: "when, ns since 1970 UTC", values: Values::Int64(|r| r.time.nanos()) },
    Column { name: "name", doc: "what", values: Values::Text(|r| &r.name) },
    Column { name: "attributes", doc: "more about it", values: Values::Attributes(|r| &r.attributes) },
    Column {
        name: "dropped_attributes_count",
        doc: "attributes that were left out",
        values: Values::Int64(|r| i64::from(r.dropped_attributes_count)),
    },
];

const LINK: &[Column<Link>] = &[
    Column { name: "trace_id", doc: "the other span's trace", values: Values::Trace(|r| Some(&r.trace_id)) },
    Column { name: "span_id", doc: "the other span", values: Values::Span(|r| Some(&r.span_id)) },
    Column { name: "trace_state", doc: "the other span's tracestate", values: Values::Text(|r| &r.trace_state) },
    Column { name: "attributes", doc: "more about it", values: Values::Attributes(|r| &r.attributes) },
    Column {
        name: "dropped_attributes_count",
        doc: "attributes that were left out",
        values: Values::Int64(|r| i64::from(r.dropped_attributes_count)),
    },
    Column { name: "flags", doc: "W3C trace flags", values: Values::Int64(|r| i64::from(r.flags)) },
];

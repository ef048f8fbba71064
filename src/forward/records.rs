//! Turns stored spans and log records of our own executor into OTLP's messages. Pure.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
use serde_json::{Map, Value};

use crate::units::{SpanId, TraceId};

/// A row of an answer, by column.
pub(super) type Row = Map<String, Value>;

/// What is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Spans,
    Logs,
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Spans, Self::Logs];

    pub(super) fn table(self) -> &'static str {
        match self {
            Self::Spans => "spans",
            Self::Logs => "logs",
        }
    }

    /// Up to where the next batch goes: whole groups, since the rows of a group share their `ingested_at`.
    pub(super) fn until(self) -> &'static str {
        match self {
            Self::Spans => {
                "SELECT max(ingested_at) AS until FROM (SELECT ingested_at FROM spans \
                 WHERE source = 'executor' AND ingested_at > $after ORDER BY ingested_at LIMIT $batch)"
            }
            Self::Logs => {
                "SELECT max(ingested_at) AS until FROM (SELECT ingested_at FROM logs \
                 WHERE source = 'executor' AND ingested_at > $after ORDER BY ingested_at LIMIT $batch)"
            }
        }
    }

    /// That batch.
    pub(super) fn rows(self) -> &'static str {
        match self {
            Self::Spans => {
                "SELECT * FROM spans WHERE source = 'executor' AND ingested_at > $after \
                 AND ingested_at <= $until ORDER BY ingested_at"
            }
            Self::Logs => {
                "SELECT * FROM logs WHERE source = 'executor' AND ingested_at > $after \
                 AND ingested_at <= $until ORDER BY ingested_at"
            }
        }
    }
}

/// Rows of `spans`, those of one resource together.
pub(super) fn spans(rows: &[Row]) -> ExportTraceServiceRequest {
    let of_resource = |(resource, rows): (Resource, Vec<&Row>)| ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![ScopeSpans {
            scope: rows.first().map(|row| scope(row)),
            spans: rows.into_iter().map(span).collect(),
            schema_url: String::new(),
        }],
        schema_url: String::new(),
    };
    ExportTraceServiceRequest { resource_spans: by_resource(rows).into_iter().map(of_resource).collect() }
}

/// Rows of `logs`, those of one resource together.
pub(super) fn logs(rows: &[Row]) -> ExportLogsServiceRequest {
    let of_resource = |(resource, rows): (Resource, Vec<&Row>)| ResourceLogs {
        resource: Some(resource),
        scope_logs: vec![ScopeLogs {
            scope: rows.first().map(|row| scope(row)),
            log_records: rows.into_iter().map(log).collect(),
            schema_url: String::new(),
        }],
        schema_url: String::new(),
    };
    ExportLogsServiceRequest { resource_logs: by_resource(rows).into_iter().map(of_resource).collect() }
}

/// Rows of one resource and scope, in the order in which these first come.
fn by_resource(rows: &[Row]) -> Vec<(Resource, Vec<&Row>)> {
    let mut groups: Vec<(Resource, Vec<&Row>)> = Vec::new();
    let mut known = std::collections::HashMap::new();
    for row in rows {
        let key =
            ["resource_attributes", "scope_name", "scope_version"].map(|column| row.get(column).map(Value::to_string));
        let at = *known.entry(key).or_insert_with(|| {
            let attributes = attributes(row, "resource_attributes");
            groups.push((Resource { attributes, ..Resource::default() }, Vec::new()));
            groups.len() - 1
        });
        groups[at].1.push(row);
    }
    groups
}

fn scope(row: &Row) -> InstrumentationScope {
    let (name, version) = (text(row, "scope_name"), text(row, "scope_version"));
    InstrumentationScope { name, version, ..InstrumentationScope::default() }
}

fn span(row: &Row) -> Span {
    Span {
        trace_id: id::<TraceId, 16>(row, "trace_id", TraceId::bytes),
        span_id: id::<SpanId, 8>(row, "span_id", SpanId::bytes),
        parent_span_id: id::<SpanId, 8>(row, "parent_span_id", SpanId::bytes),
        trace_state: text(row, "trace_state"),
        flags: number(row, "flags"),
        name: text(row, "name"),
        kind: number(row, "kind"),
        start_time_unix_nano: number(row, "start_time_unix_nano"),
        end_time_unix_nano: number(row, "end_time_unix_nano"),
        attributes: with_invocation(row),
        dropped_attributes_count: number(row, "dropped_attributes_count"),
        events: objects(row, "events").map(event).collect(),
        dropped_events_count: number(row, "dropped_events_count"),
        links: objects(row, "links").map(link).collect(),
        dropped_links_count: number(row, "dropped_links_count"),
        status: Some(Status { code: number(row, "status_code"), message: text(row, "status_message") }),
    }
}

fn event(row: &Row) -> span::Event {
    span::Event {
        time_unix_nano: number(row, "time_unix_nano"),
        name: text(row, "name"),
        attributes: attributes(row, "attributes"),
        dropped_attributes_count: number(row, "dropped_attributes_count"),
    }
}

fn link(row: &Row) -> span::Link {
    span::Link {
        trace_id: id::<TraceId, 16>(row, "trace_id", TraceId::bytes),
        span_id: id::<SpanId, 8>(row, "span_id", SpanId::bytes),
        trace_state: text(row, "trace_state"),
        attributes: attributes(row, "attributes"),
        dropped_attributes_count: number(row, "dropped_attributes_count"),
        flags: number(row, "flags"),
    }
}

fn log(row: &Row) -> LogRecord {
    LogRecord {
        time_unix_nano: number(row, "time_unix_nano"),
        observed_time_unix_nano: number(row, "observed_time_unix_nano"),
        severity_number: number(row, "severity_number"),
        severity_text: text(row, "severity_text"),
        body: Some(AnyValue { value: Some(Any::StringValue(text(row, "body"))) }),
        attributes: with_invocation(row),
        dropped_attributes_count: number(row, "dropped_attributes_count"),
        flags: number(row, "flags"),
        trace_id: id::<TraceId, 16>(row, "trace_id", TraceId::bytes),
        span_id: id::<SpanId, 8>(row, "span_id", SpanId::bytes),
        event_name: text(row, "event_name"),
    }
}

/// A row's attributes, and the invocation that it belongs to.
fn with_invocation(row: &Row) -> Vec<KeyValue> {
    const INVOCATION: &str = "faas.invocation_id";
    let mut all = attributes(row, "attributes");
    let invocation = text(row, "invocation_id");
    if !invocation.is_empty() && all.iter().all(|attribute| attribute.key != INVOCATION) {
        all.push(attribute(INVOCATION, invocation));
    }
    all
}

fn attributes(row: &Row, column: &str) -> Vec<KeyValue> {
    let map = row.get(column).and_then(Value::as_object);
    map.into_iter()
        .flatten()
        .map(|(key, value)| attribute(key, value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

fn attribute(key: &str, value: String) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(Any::StringValue(value)) }),
        ..KeyValue::default()
    }
}

fn objects<'a>(row: &'a Row, column: &str) -> impl Iterator<Item = &'a Row> {
    row.get(column).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

fn text(row: &Row, column: &str) -> String {
    row.get(column).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A whole number; 0 where there is none or it does not fit, as with a time before 1970.
fn number<N: TryFrom<i64> + Default>(row: &Row, column: &str) -> N {
    row.get(column).and_then(Value::as_i64).and_then(|number| N::try_from(number).ok()).unwrap_or_default()
}

fn id<I: std::str::FromStr, const N: usize>(row: &Row, column: &str, bytes: fn(&I) -> &[u8; N]) -> Vec<u8> {
    let id = row.get(column).and_then(Value::as_str).and_then(|text| text.parse::<I>().ok());
    id.map(|id| bytes(&id).to_vec()).unwrap_or_default()
}

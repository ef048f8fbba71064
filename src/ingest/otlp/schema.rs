//! OTLP's messages as tables: each field's number, its name in JSON and its kind. `json` writes protobuf by them and
//! `weigh` knows by them what decoding will take. The types themselves are the library's.
//!
//! The library reads JSON too, but a value that it cannot read inside of a `oneof` it takes for an absent one, an empty
//! array for an error, and a null as well; so it is not asked to.

use std::mem::size_of;

use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::logs::v1 as logs;
use opentelemetry_proto::tonic::metrics::v1 as metrics;
use opentelemetry_proto::tonic::resource::v1 as resource;
use opentelemetry_proto::tonic::trace::v1 as trace;

/// A message.
pub(super) struct Message {
    /// Bytes that it takes in memory, without what it points to.
    pub(super) bytes: usize,
    pub(super) fields: &'static [Field],
}

/// A field of a message.
pub(super) struct Field {
    pub(super) number: u32,
    /// Its name in JSON.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// What a field holds, and how protobuf writes it.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Bool,
    /// Base64 in JSON.
    Bytes,
    /// Bytes that are hex in JSON.
    Id,
    /// `int32` and enumerations, which are numbers in OTLP's JSON.
    Int32,
    /// `uint32`
    Uint32,
    /// `sint32`
    Sint32,
    /// `fixed32`
    Fixed32,
    /// `int64`
    Int64,
    /// `fixed64`
    Fixed64,
    /// `sfixed64`
    Sfixed64,
    Double,
    /// `repeated string`
    Texts,
    /// `repeated fixed64`
    Fixed64s,
    /// `repeated uint64`
    Uint64s,
    /// `repeated double`
    Doubles,
    One(&'static Message),
    Many(&'static Message),
}

use Kind::{
    Bool, Bytes, Double, Doubles, Fixed32, Fixed64, Fixed64s, Id, Int32, Int64, Many, One, Sfixed64, Sint32, Text,
    Texts, Uint32, Uint64s,
};

const fn field(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind }
}

const fn message<T>(fields: &'static [Field]) -> Message {
    Message { bytes: size_of::<T>(), fields }
}

/// `ExportTraceServiceRequest`
pub(super) static TRACES: Message = message::<trace::TracesData>(&[field(1, "resourceSpans", Many(&RESOURCE_SPANS))]);
/// `ExportLogsServiceRequest`
pub(super) static LOGS: Message = message::<logs::LogsData>(&[field(1, "resourceLogs", Many(&RESOURCE_LOGS))]);
/// `ExportMetricsServiceRequest`
pub(super) static METRICS: Message =
    message::<metrics::MetricsData>(&[field(1, "resourceMetrics", Many(&RESOURCE_METRICS))]);

static RESOURCE: Message = message::<resource::Resource>(&[
    field(1, "attributes", Many(&KEY_VALUE)),
    field(2, "droppedAttributesCount", Uint32),
    field(3, "entityRefs", Many(&ENTITY_REF)),
]);
static ENTITY_REF: Message = message::<common::EntityRef>(&[
    field(1, "schemaUrl", Text),
    field(2, "type", Text),
    field(3, "idKeys", Texts),
    field(4, "descriptionKeys", Texts),
]);
static SCOPE: Message = message::<common::InstrumentationScope>(&[
    field(1, "name", Text),
    field(2, "version", Text),
    field(3, "attributes", Many(&KEY_VALUE)),
    field(4, "droppedAttributesCount", Uint32),
]);
static KEY_VALUE: Message = message::<common::KeyValue>(&[field(1, "key", Text), field(2, "value", One(&ANY_VALUE))]);
static ANY_VALUE: Message = message::<common::AnyValue>(&[
    field(1, "stringValue", Text),
    field(2, "boolValue", Bool),
    field(3, "intValue", Int64),
    field(4, "doubleValue", Double),
    field(5, "arrayValue", One(&ARRAY)),
    field(6, "kvlistValue", One(&KEY_VALUES)),
    field(7, "bytesValue", Bytes),
]);
static ARRAY: Message = message::<common::ArrayValue>(&[field(1, "values", Many(&ANY_VALUE))]);
static KEY_VALUES: Message = message::<common::KeyValueList>(&[field(1, "values", Many(&KEY_VALUE))]);

static RESOURCE_SPANS: Message = message::<trace::ResourceSpans>(&[
    field(1, "resource", One(&RESOURCE)),
    field(2, "scopeSpans", Many(&SCOPE_SPANS)),
    field(3, "schemaUrl", Text),
]);
static SCOPE_SPANS: Message = message::<trace::ScopeSpans>(&[
    field(1, "scope", One(&SCOPE)),
    field(2, "spans", Many(&SPAN)),
    field(3, "schemaUrl", Text),
]);
static SPAN: Message = message::<trace::Span>(&[
    field(1, "traceId", Id),
    field(2, "spanId", Id),
    field(3, "traceState", Text),
    field(4, "parentSpanId", Id),
    field(5, "name", Text),
    field(6, "kind", Int32),
    field(7, "startTimeUnixNano", Fixed64),
    field(8, "endTimeUnixNano", Fixed64),
    field(9, "attributes", Many(&KEY_VALUE)),
    field(10, "droppedAttributesCount", Uint32),
    field(11, "events", Many(&EVENT)),
    field(12, "droppedEventsCount", Uint32),
    field(13, "links", Many(&LINK)),
    field(14, "droppedLinksCount", Uint32),
    field(15, "status", One(&STATUS)),
    field(16, "flags", Fixed32),
]);
static EVENT: Message = message::<trace::span::Event>(&[
    field(1, "timeUnixNano", Fixed64),
    field(2, "name", Text),
    field(3, "attributes", Many(&KEY_VALUE)),
    field(4, "droppedAttributesCount", Uint32),
]);
static LINK: Message = message::<trace::span::Link>(&[
    field(1, "traceId", Id),
    field(2, "spanId", Id),
    field(3, "traceState", Text),
    field(4, "attributes", Many(&KEY_VALUE)),
    field(5, "droppedAttributesCount", Uint32),
    field(6, "flags", Fixed32),
]);
static STATUS: Message = message::<trace::Status>(&[field(2, "message", Text), field(3, "code", Int32)]);

static RESOURCE_LOGS: Message = message::<logs::ResourceLogs>(&[
    field(1, "resource", One(&RESOURCE)),
    field(2, "scopeLogs", Many(&SCOPE_LOGS)),
    field(3, "schemaUrl", Text),
]);
static SCOPE_LOGS: Message = message::<logs::ScopeLogs>(&[
    field(1, "scope", One(&SCOPE)),
    field(2, "logRecords", Many(&LOG_RECORD)),
    field(3, "schemaUrl", Text),
]);
static LOG_RECORD: Message = message::<logs::LogRecord>(&[
    field(1, "timeUnixNano", Fixed64),
    field(2, "severityNumber", Int32),
    field(3, "severityText", Text),
    field(5, "body", One(&ANY_VALUE)),
    field(6, "attributes", Many(&KEY_VALUE)),
    field(7, "droppedAttributesCount", Uint32),
    field(8, "flags", Fixed32),
    field(9, "traceId", Id),
    field(10, "spanId", Id),
    field(11, "observedTimeUnixNano", Fixed64),
    field(12, "eventName", Text),
]);

static RESOURCE_METRICS: Message = message::<metrics::ResourceMetrics>(&[
    field(1, "resource", One(&RESOURCE)),
    field(2, "scopeMetrics", Many(&SCOPE_METRICS)),
    field(3, "schemaUrl", Text),
]);
static SCOPE_METRICS: Message = message::<metrics::ScopeMetrics>(&[
    field(1, "scope", One(&SCOPE)),
    field(2, "metrics", Many(&METRIC)),
    field(3, "schemaUrl", Text),
]);
static METRIC: Message = message::<metrics::Metric>(&[
    field(1, "name", Text),
    field(2, "description", Text),
    field(3, "unit", Text),
    field(5, "gauge", One(&GAUGE)),
    field(7, "sum", One(&SUM)),
    field(9, "histogram", One(&HISTOGRAM)),
    field(10, "exponentialHistogram", One(&EXPONENTIAL)),
    field(11, "summary", One(&SUMMARY)),
    field(12, "metadata", Many(&KEY_VALUE)),
]);
static GAUGE: Message = message::<metrics::Gauge>(&[field(1, "dataPoints", Many(&NUMBER_POINT))]);
static SUM: Message = message::<metrics::Sum>(&[
    field(1, "dataPoints", Many(&NUMBER_POINT)),
    field(2, "aggregationTemporality", Int32),
    field(3, "isMonotonic", Bool),
]);
static HISTOGRAM: Message = message::<metrics::Histogram>(&[
    field(1, "dataPoints", Many(&HISTOGRAM_POINT)),
    field(2, "aggregationTemporality", Int32),
]);
static EXPONENTIAL: Message = message::<metrics::ExponentialHistogram>(&[
    field(1, "dataPoints", Many(&EXPONENTIAL_POINT)),
    field(2, "aggregationTemporality", Int32),
]);
static SUMMARY: Message = message::<metrics::Summary>(&[field(1, "dataPoints", Many(&SUMMARY_POINT))]);
static NUMBER_POINT: Message = message::<metrics::NumberDataPoint>(&[
    field(2, "startTimeUnixNano", Fixed64),
    field(3, "timeUnixNano", Fixed64),
    field(4, "asDouble", Double),
    field(5, "exemplars", Many(&EXEMPLAR)),
    field(6, "asInt", Sfixed64),
    field(7, "attributes", Many(&KEY_VALUE)),
    field(8, "flags", Uint32),
]);
static HISTOGRAM_POINT: Message = message::<metrics::HistogramDataPoint>(&[
    field(2, "startTimeUnixNano", Fixed64),
    field(3, "timeUnixNano", Fixed64),
    field(4, "count", Fixed64),
    field(5, "sum", Double),
    field(6, "bucketCounts", Fixed64s),
    field(7, "explicitBounds", Doubles),
    field(8, "exemplars", Many(&EXEMPLAR)),
    field(9, "attributes", Many(&KEY_VALUE)),
    field(10, "flags", Uint32),
    field(11, "min", Double),
    field(12, "max", Double),
]);
static EXPONENTIAL_POINT: Message = message::<metrics::ExponentialHistogramDataPoint>(&[
    field(1, "attributes", Many(&KEY_VALUE)),
    field(2, "startTimeUnixNano", Fixed64),
    field(3, "timeUnixNano", Fixed64),
    field(4, "count", Fixed64),
    field(5, "sum", Double),
    field(6, "scale", Sint32),
    field(7, "zeroCount", Fixed64),
    field(8, "positive", One(&BUCKETS)),
    field(9, "negative", One(&BUCKETS)),
    field(10, "flags", Uint32),
    field(11, "exemplars", Many(&EXEMPLAR)),
    field(12, "min", Double),
    field(13, "max", Double),
    field(14, "zeroThreshold", Double),
]);
static BUCKETS: Message = message::<metrics::exponential_histogram_data_point::Buckets>(&[
    field(1, "offset", Sint32),
    field(2, "bucketCounts", Uint64s),
]);
static SUMMARY_POINT: Message = message::<metrics::SummaryDataPoint>(&[
    field(2, "startTimeUnixNano", Fixed64),
    field(3, "timeUnixNano", Fixed64),
    field(4, "count", Fixed64),
    field(5, "sum", Double),
    field(6, "quantileValues", Many(&QUANTILE)),
    field(7, "attributes", Many(&KEY_VALUE)),
    field(8, "flags", Uint32),
]);
static QUANTILE: Message =
    message::<metrics::summary_data_point::ValueAtQuantile>(&[field(1, "quantile", Double), field(2, "value", Double)]);
static EXEMPLAR: Message = message::<metrics::Exemplar>(&[
    field(2, "timeUnixNano", Fixed64),
    field(3, "asDouble", Double),
    field(4, "spanId", Id),
    field(5, "traceId", Id),
    field(6, "asInt", Sfixed64),
    field(7, "filteredAttributes", Many(&KEY_VALUE)),
]);

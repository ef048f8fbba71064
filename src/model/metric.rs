//! One point of a metric, as OTLP has it. A table row is a point with its metric's name and unit.

use crate::units::{SpanId, Timestamp, TraceId};

use super::Attributes;

/// OTLP's aggregation temporality, by its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Temporality {
    /// Not said, or of no meaning for the kind.
    Unspecified = 0,
    /// Since the last report.
    Delta = 1,
    /// Since the start.
    Cumulative = 2,
}

/// A number as OTLP carries it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NumberValue {
    /// `as_int`
    Int(i64),
    /// `as_double`
    Double(f64),
}

/// A point that a measurement was taken from.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// When it was taken.
    pub time: Timestamp,
    /// What it measured.
    pub value: NumberValue,
    /// Its trace.
    pub trace_id: Option<TraceId>,
    /// Its span.
    pub span_id: Option<SpanId>,
    /// Attributes that the aggregation left out.
    pub filtered_attributes: Attributes,
}

/// One side of an exponential histogram.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExponentialBuckets {
    /// Index of the first bucket.
    pub offset: i32,
    /// Counts, from that bucket on.
    pub bucket_counts: Vec<u64>,
}

/// A quantile of a summary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuantileValue {
    /// 0 to 1.
    pub quantile: f64,
    /// The value at it.
    pub value: f64,
}

/// What a point holds, by its metric's kind.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricData {
    /// A reading.
    Gauge(Option<NumberValue>),
    /// A sum of what was counted.
    Sum { value: Option<NumberValue>, temporality: Temporality, is_monotonic: bool },
    /// Counts in buckets of stated bounds.
    Histogram {
        temporality: Temporality,
        count: u64,
        sum: Option<f64>,
        min: Option<f64>,
        max: Option<f64>,
        bucket_counts: Vec<u64>,
        explicit_bounds: Vec<f64>,
    },
    /// Counts in buckets that grow exponentially.
    ExponentialHistogram {
        temporality: Temporality,
        count: u64,
        sum: Option<f64>,
        min: Option<f64>,
        max: Option<f64>,
        scale: i32,
        zero_count: u64,
        zero_threshold: f64,
        positive: ExponentialBuckets,
        negative: ExponentialBuckets,
    },
    /// Quantiles that the client computed.
    Summary { count: u64, sum: f64, quantile_values: Vec<QuantileValue> },
}

/// One row of `metrics`.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricPoint {
    /// Whom it belongs to.
    pub tenant: String,
    /// The function that made it, where one is known.
    pub function: Option<String>,
    /// Where the record comes from: `executor`, `otlp`.
    pub source: String,
    /// The metric's name.
    pub name: String,
    /// What it means.
    pub description: String,
    /// UCUM unit, such as `s`, `By` or `1`.
    pub unit: String,
    /// Start of the interval; zero time when not said.
    pub start_time: Option<Timestamp>,
    /// End of the interval, or the time of the reading.
    pub time: Timestamp,
    /// What was measured.
    pub data: MetricData,
    /// What tells this series from its siblings.
    pub attributes: Attributes,
    /// OTLP's data point flags; bit 0 is "no recorded value".
    pub flags: u32,
    /// Points that measurements were taken from.
    pub exemplars: Vec<Exemplar>,
    /// What made it.
    pub resource_attributes: Attributes,
    /// The instrumentation's name.
    pub scope_name: String,
    /// The instrumentation's version.
    pub scope_version: String,
    /// What tells it from the same point sent again: the digest of the request that brought it.
    pub origin_id: Option<String>,
}

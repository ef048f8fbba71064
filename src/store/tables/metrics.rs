//! Owns the columns of `metrics`: one row for each data point. OTLP's fields stand under OTLP's names in snake case; the
//! fields of the five kinds of point lie side by side, and those of the other kinds are null.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use arrow::datatypes::DataType;

use crate::model::{Exemplar, ExponentialBuckets, MetricData, MetricPoint, NumberValue, QuantileValue, Temporality};
use crate::units::Timestamp;

use super::column::{Column, Values, list, list_type, struct_list, struct_list_type};

/// The columns, in order; `ingested_at` and `date` follow in every table.
pub(crate) const COLUMNS: &[Column<MetricPoint>] = &[
    Column { name: "tenant", doc: "whom the function belongs to", values: Values::Text(|r| &r.tenant) },
    Column {
        name: "function",
        doc: "the function that made it; null where none is known",
        values: Values::OptionalText(|r| r.function.as_deref()),
    },
    Column {
        name: "source",
        doc: "where the record comes from: executor, otlp, ...",
        values: Values::Text(|r| &r.source),
    },
    Column { name: "name", doc: "the metric's name", values: Values::Text(|r| &r.name) },
    Column { name: "description", doc: "what the metric means", values: Values::Text(|r| &r.description) },
    Column { name: "unit", doc: "UCUM unit, such as s, By or 1", values: Values::Text(|r| &r.unit) },
    Column {
        name: "type",
        doc: "the kind of point: gauge, sum, histogram, exponential_histogram or summary",
        values: Values::Text(|r| kind(&r.data)),
    },
    Column {
        name: "start_time_unix_nano",
        doc: "start of the interval, ns since 1970 UTC; null when not said",
        values: Values::OptionalInt64(|r| r.start_time.map(Timestamp::nanos)),
    },
    Column {
        name: "time",
        doc: "end of the interval or time of the reading, UTC, to the microsecond",
        values: Values::Time(|r| r.time),
    },
    Column {
        name: "time_unix_nano",
        doc: "end of the interval or time of the reading, ns since 1970 UTC",
        values: Values::Int64(|r| r.time.nanos()),
    },
    Column {
        name: "as_int",
        doc: "the value of a gauge or sum that is whole",
        values: Values::OptionalInt64(|r| int(number(&r.data))),
    },
    Column {
        name: "as_double",
        doc: "the value of a gauge or sum that is not whole",
        values: Values::OptionalFloat(|r| double(number(&r.data))),
    },
    Column {
        name: "aggregation_temporality",
        doc: "OTLP's number: 1 delta, 2 cumulative; null for gauge and summary",
        values: Values::OptionalInt32(|r| temporality(&r.data).map(|temporality| temporality as i32)),
    },
    Column {
        name: "is_monotonic",
        doc: "whether a sum never falls; null for other kinds",
        values: Values::OptionalBool(|r| match r.data {
            MetricData::Sum { is_monotonic, .. } => Some(is_monotonic),
            _ => None,
        }),
    },
    Column {
        name: "count",
        doc: "measurements in a histogram or summary",
        values: Values::OptionalInt64(|r| distribution(&r.data).map(|found| found.count)),
    },
    Column {
        name: "sum",
        doc: "their sum",
        values: Values::OptionalFloat(|r| distribution(&r.data).and_then(|found| found.sum)),
    },
    Column {
        name: "min",
        doc: "the least of them",
        values: Values::OptionalFloat(|r| distribution(&r.data).and_then(|found| found.min)),
    },
    Column {
        name: "max",
        doc: "the greatest of them",
        values: Values::OptionalFloat(|r| distribution(&r.data).and_then(|found| found.max)),
    },
    Column {
        name: "bucket_counts",
        doc: "measurements in each bucket of a histogram",
        values: Values::List(|| list_type(DataType::Int64), |rows| counts(rows, |r| buckets(&r.data).0)),
    },
    Column {
        name: "explicit_bounds",
        doc: "upper bounds of a histogram's buckets, the last one left out",
        values: Values::List(|| list_type(DataType::Float64), bounds),
    },
    Column {
        name: "scale",
        doc: "resolution of an exponential histogram: bucket bounds grow by 2^(2^-scale)",
        values: Values::OptionalInt32(|r| exponential(&r.data).map(|found| found.scale)),
    },
    Column {
        name: "zero_count",
        doc: "measurements in an exponential histogram's zero bucket",
        values: Values::OptionalInt64(|r| exponential(&r.data).map(|found| whole(found.zero_count))),
    },
    Column {
        name: "zero_threshold",
        doc: "width of that zero bucket",
        values: Values::OptionalFloat(|r| exponential(&r.data).map(|found| found.zero_threshold)),
    },
    Column {
        name: "positive_offset",
        doc: "index of the first bucket above zero",
        values: Values::OptionalInt32(|r| exponential(&r.data).map(|found| found.positive.offset)),
    },
    Column {
        name: "positive_bucket_counts",
        doc: "measurements in each bucket above zero",
        values: Values::List(
            || list_type(DataType::Int64),
            |rows| counts(rows, |r| exponential(&r.data).map_or(&[], |found| &found.positive.bucket_counts)),
        ),
    },
    Column {
        name: "negative_offset",
        doc: "index of the first bucket below zero",
        values: Values::OptionalInt32(|r| exponential(&r.data).map(|found| found.negative.offset)),
    },
    Column {
        name: "negative_bucket_counts",
        doc: "measurements in each bucket below zero",
        values: Values::List(
            || list_type(DataType::Int64),
            |rows| counts(rows, |r| exponential(&r.data).map_or(&[], |found| &found.negative.bucket_counts)),
        ),
    },
    Column {
        name: "quantile_values",
        doc: "quantiles that the client computed, of a summary",
        values: Values::List(|| struct_list_type(QUANTILE), |rows| struct_list(rows, |r| quantiles(&r.data), QUANTILE)),
    },
    Column {
        name: "attributes",
        doc: "what tells this series from its siblings; a value that is no string is its JSON",
        values: Values::Attributes(|r| &r.attributes),
    },
    Column {
        name: "flags",
        doc: "OTLP's data point flags; bit 0 is: no recorded value",
        values: Values::Int64(|r| i64::from(r.flags)),
    },
    Column {
        name: "exemplars",
        doc: "measurements that were kept as examples",
        values: Values::List(|| struct_list_type(EXEMPLAR), |rows| struct_list(rows, |r| &r.exemplars, EXEMPLAR)),
    },
    Column { name: "resource_attributes", doc: "what made it", values: Values::Attributes(|r| &r.resource_attributes) },
    Column { name: "scope_name", doc: "the instrumentation's name", values: Values::Text(|r| &r.scope_name) },
    Column { name: "scope_version", doc: "the instrumentation's version", values: Values::Text(|r| &r.scope_version) },
    Column {
        name: "origin_id",
        doc: "what tells the point from the same one sent again: the digest of the request that brought it; null for our own executor's",
        values: Values::OptionalText(|r| r.origin_id.as_deref()),
    },
];

const QUANTILE: &[Column<QuantileValue>] = &[
    Column { name: "quantile", doc: "0 to 1", values: Values::Float(|r| r.quantile) },
    Column { name: "value", doc: "the value at it", values: Values::Float(|r| r.value) },
];

const EXEMPLAR: &[Column<Exemplar>] = &[
    Column { name: "time_unix_nano", doc: "when, ns since 1970 UTC", values: Values::Int64(|r| r.time.nanos()) },
    Column { name: "as_int", doc: "the value, when whole", values: Values::OptionalInt64(|r| int(Some(r.value))) },
    Column {
        name: "as_double",
        doc: "the value, when not whole",
        values: Values::OptionalFloat(|r| double(Some(r.value))),
    },
    Column { name: "trace_id", doc: "its trace", values: Values::Trace(|r| r.trace_id.as_ref()) },
    Column { name: "span_id", doc: "its span", values: Values::Span(|r| r.span_id.as_ref()) },
    Column {
        name: "filtered_attributes",
        doc: "attributes that the aggregation left out",
        values: Values::Attributes(|r| &r.filtered_attributes),
    },
];

fn kind(data: &MetricData) -> &'static str {
    match data {
        MetricData::Gauge(_) => "gauge",
        MetricData::Sum { .. } => "sum",
        MetricData::Histogram { .. } => "histogram",
        MetricData::ExponentialHistogram { .. } => "exponential_histogram",
        MetricData::Summary { .. } => "summary",
    }
}

fn number(data: &MetricData) -> Option<NumberValue> {
    match data {
        MetricData::Gauge(value) | MetricData::Sum { value, .. } => *value,
        _ => None,
    }
}

fn int(value: Option<NumberValue>) -> Option<i64> {
    match value {
        Some(NumberValue::Int(value)) => Some(value),
        _ => None,
    }
}

fn double(value: Option<NumberValue>) -> Option<f64> {
    match value {
        Some(NumberValue::Double(value)) => Some(value),
        _ => None,
    }
}

fn temporality(data: &MetricData) -> Option<Temporality> {
    match data {
        MetricData::Sum { temporality, .. }
        | MetricData::Histogram { temporality, .. }
        | MetricData::ExponentialHistogram { temporality, .. } => Some(*temporality),
        MetricData::Gauge(_) | MetricData::Summary { .. } => None,
    }
}

/// What histograms and summaries have in common.
struct Distribution {
    count: i64,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
}

fn distribution(data: &MetricData) -> Option<Distribution> {
    match data {
        MetricData::Histogram { count, sum, min, max, .. }
        | MetricData::ExponentialHistogram { count, sum, min, max, .. } => {
            Some(Distribution { count: whole(*count), sum: *sum, min: *min, max: *max })
        }
        MetricData::Summary { count, sum, .. } => {
            Some(Distribution { count: whole(*count), sum: Some(*sum), min: None, max: None })
        }
        MetricData::Gauge(_) | MetricData::Sum { .. } => None,
    }
}

fn buckets(data: &MetricData) -> (&[u64], &[f64]) {
    match data {
        MetricData::Histogram { bucket_counts, explicit_bounds, .. } => (bucket_counts, explicit_bounds),
        _ => (&[], &[]),
    }
}

/// The fields of an exponential histogram.
struct Exponential<'a> {
    scale: i32,
    zero_count: u64,
    zero_threshold: f64,
    positive: &'a ExponentialBuckets,
    negative: &'a ExponentialBuckets,
}

fn exponential(data: &MetricData) -> Option<Exponential<'_>> {
    match data {
        MetricData::ExponentialHistogram { scale, zero_count, zero_threshold, positive, negative, .. } => {
            let (scale, zero_count, zero_threshold) = (*scale, *zero_count, *zero_threshold);
            Some(Exponential { scale, zero_count, zero_threshold, positive, negative })
        }
        _ => None,
    }
}

fn quantiles(data: &MetricData) -> &[QuantileValue] {
    match data {
        MetricData::Summary { quantile_values, .. } => quantile_values,
        _ => &[],
    }
}

fn counts(rows: &[&MetricPoint], get: fn(&MetricPoint) -> &[u64]) -> ArrayRef {
    let flat = Int64Array::from_iter_values(rows.iter().flat_map(|row| get(row)).map(|count| whole(*count)));
    list(rows.iter().map(|row| get(row).len()), Arc::new(flat))
}

fn bounds(rows: &[&MetricPoint]) -> ArrayRef {
    let flat = Float64Array::from_iter_values(rows.iter().flat_map(|row| buckets(&row.data).1).copied());
    list(rows.iter().map(|row| buckets(&row.data).1.len()), Arc::new(flat))
}

/// A count as a column holds it; one beyond 2^63 is held at the column's largest value.
fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

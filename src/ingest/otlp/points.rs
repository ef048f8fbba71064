//! What points of each kind of metric hold.

use opentelemetry_proto::tonic::metrics::v1 as proto;
use proto::exponential_histogram_data_point::Buckets;
use proto::metric::Data;
use proto::{exemplar, number_data_point};

use crate::model::{Exemplar, ExponentialBuckets, MetricData, NumberValue, QuantileValue, Temporality};

use super::attributes::attributes;
use super::ids;
use super::metrics::Point;
use super::times::clamped;

/// How many points a metric has.
pub(super) fn count(metric: &proto::Metric) -> usize {
    match &metric.data {
        None => 0,
        Some(Data::Gauge(data)) => data.data_points.len(),
        Some(Data::Sum(data)) => data.data_points.len(),
        Some(Data::Histogram(data)) => data.data_points.len(),
        Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
        Some(Data::Summary(data)) => data.data_points.len(),
    }
}

pub(super) fn gauge(point: proto::NumberDataPoint) -> Point {
    let value = number(point.value);
    of_number(point, MetricData::Gauge(value))
}

pub(super) fn sum(sum: proto::Sum) -> Vec<Point> {
    let (temporality, is_monotonic) = (temporality(sum.aggregation_temporality), sum.is_monotonic);
    let point = |point: proto::NumberDataPoint| {
        let value = number(point.value);
        of_number(point, MetricData::Sum { value, temporality, is_monotonic })
    };
    sum.data_points.into_iter().map(point).collect()
}

fn of_number(point: proto::NumberDataPoint, data: MetricData) -> Point {
    Point {
        start_time_unix_nano: point.start_time_unix_nano,
        time_unix_nano: point.time_unix_nano,
        attributes: point.attributes,
        flags: point.flags,
        exemplars: point.exemplars,
        data: Ok(data),
    }
}

pub(super) fn histogram(histogram: proto::Histogram) -> Vec<Point> {
    let temporality = temporality(histogram.aggregation_temporality);
    let point = |point: proto::HistogramDataPoint| {
        let (counts, bounds) = (point.bucket_counts.len(), point.explicit_bounds.len());
        let fits = counts == bounds + 1 || (counts == 0 && bounds == 0);
        let data = MetricData::Histogram {
            temporality,
            count: point.count,
            sum: point.sum,
            min: point.min,
            max: point.max,
            bucket_counts: point.bucket_counts,
            explicit_bounds: point.explicit_bounds,
        };
        let wrong = || format!("it has {counts} buckets and {bounds} bounds between them");
        Point {
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            attributes: point.attributes,
            flags: point.flags,
            exemplars: point.exemplars,
            data: if fits { Ok(data) } else { Err(wrong()) },
        }
    };
    histogram.data_points.into_iter().map(point).collect()
}

pub(super) fn exponential(histogram: proto::ExponentialHistogram) -> Vec<Point> {
    let temporality = temporality(histogram.aggregation_temporality);
    let point = |point: proto::ExponentialHistogramDataPoint| Point {
        start_time_unix_nano: point.start_time_unix_nano,
        time_unix_nano: point.time_unix_nano,
        attributes: point.attributes,
        flags: point.flags,
        exemplars: point.exemplars,
        data: Ok(MetricData::ExponentialHistogram {
            temporality,
            count: point.count,
            sum: point.sum,
            min: point.min,
            max: point.max,
            scale: point.scale,
            zero_count: point.zero_count,
            zero_threshold: point.zero_threshold,
            positive: buckets(point.positive),
            negative: buckets(point.negative),
        }),
    };
    histogram.data_points.into_iter().map(point).collect()
}

pub(super) fn summary(point: proto::SummaryDataPoint) -> Point {
    let quantile = |found: proto::summary_data_point::ValueAtQuantile| QuantileValue {
        quantile: found.quantile,
        value: found.value,
    };
    Point {
        start_time_unix_nano: point.start_time_unix_nano,
        time_unix_nano: point.time_unix_nano,
        attributes: point.attributes,
        flags: point.flags,
        exemplars: Vec::new(),
        data: Ok(MetricData::Summary {
            count: point.count,
            sum: point.sum,
            quantile_values: point.quantile_values.into_iter().map(quantile).collect(),
        }),
    }
}

/// An exemplar; none where it holds no value.
pub(super) fn exemplar(found: proto::Exemplar) -> Option<Exemplar> {
    Some(Exemplar {
        time: clamped(found.time_unix_nano),
        value: match found.value? {
            exemplar::Value::AsInt(value) => NumberValue::Int(value),
            exemplar::Value::AsDouble(value) => NumberValue::Double(value),
        },
        trace_id: ids::trace(&found.trace_id).ok().flatten(),
        span_id: ids::span(&found.span_id, "span id").ok().flatten(),
        filtered_attributes: attributes(found.filtered_attributes),
    })
}

fn number(value: Option<number_data_point::Value>) -> Option<NumberValue> {
    value.map(|value| match value {
        number_data_point::Value::AsInt(value) => NumberValue::Int(value),
        number_data_point::Value::AsDouble(value) => NumberValue::Double(value),
    })
}

fn buckets(buckets: Option<Buckets>) -> ExponentialBuckets {
    let Buckets { offset, bucket_counts } = buckets.unwrap_or_default();
    ExponentialBuckets { offset, bucket_counts }
}

fn temporality(number: i32) -> Temporality {
    let known = [Temporality::Delta, Temporality::Cumulative];
    known.into_iter().find(|known| *known as i32 == number).unwrap_or(Temporality::Unspecified)
}

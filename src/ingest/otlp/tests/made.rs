//! Requests made up at random: every kind of value, id and point, right and wrong ones.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, LogsData, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
    MetricsData, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar,
    number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, TracesData};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn any() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        ".{0,8}".prop_map(Any::StringValue),
        proptest::bool::ANY.prop_map(Any::BoolValue),
        proptest::num::i64::ANY.prop_map(Any::IntValue),
        finite().prop_map(Any::DoubleValue),
        vec(proptest::num::u8::ANY, 0..9).prop_map(Any::BytesValue),
    ];
    let value = leaf.prop_recursive(3, 12, 3, |inner| {
        let any = option::of(inner).prop_map(|value| AnyValue { value });
        let pair =
            (".{0,4}", option::of(any.clone())).prop_map(|(key, value)| KeyValue { key, value, key_strindex: 0 });
        prop_oneof![
            vec(any, 0..3).prop_map(|values| Any::ArrayValue(ArrayValue { values })),
            vec(pair, 0..3).prop_map(|values| Any::KvlistValue(KeyValueList { values })),
        ]
    });
    option::of(value).prop_map(|value| AnyValue { value })
}

/// Numbers that JSON's decimals hold exactly: of others the reader may differ in the last bit.
fn finite() -> impl Strategy<Value = f64> {
    (-1_000_000..1_000_000_i32).prop_map(|eighths| f64::from(eighths) / 8.0)
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let name = prop_oneof![
        "[a-z.]{0,6}",
        Just("faas.name".to_owned()),
        Just("faas.max_memory".to_owned()),
        Just("faremeter.tenant".to_owned())
    ];
    vec((name, option::of(any())).prop_map(|(key, value)| KeyValue { key, value, key_strindex: 0 }), 0..4)
}

/// An id of a length, often of that which it must have.
fn id(length: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![8 => vec(proptest::num::u8::ANY, length), 1 => vec(proptest::num::u8::ANY, 0..20), 1 => Just(vec![0; length])]
}

/// A time, often of a day that is taken.
fn time() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 1_780_000_000_000_000_000..1_790_000_000_000_000_000_u64, 1 => proptest::num::u64::ANY, 1 => Just(0)]
}

fn scope() -> impl Strategy<Value = Option<InstrumentationScope>> {
    let scope = (".{0,4}", ".{0,4}", attributes(), proptest::num::u32::ANY);
    option::of(scope.prop_map(|(name, version, attributes, dropped_attributes_count)| InstrumentationScope {
        name,
        version,
        attributes,
        dropped_attributes_count,
    }))
}

fn resource() -> impl Strategy<Value = Option<Resource>> {
    let resource = (attributes(), proptest::num::u32::ANY);
    option::of(resource.prop_map(|(attributes, dropped_attributes_count)| Resource {
        attributes,
        dropped_attributes_count,
        entity_refs: vec![],
    }))
}

fn span() -> impl Strategy<Value = Span> {
    let event = (time(), ".{0,4}", attributes()).prop_map(|(time_unix_nano, name, attributes)| Event {
        time_unix_nano,
        name,
        attributes,
        dropped_attributes_count: 1,
    });
    let link =
        (id(16), id(8), attributes(), proptest::num::u32::ANY).prop_map(|(trace_id, span_id, attributes, flags)| {
            Link { trace_id, span_id, attributes, flags, ..Link::default() }
        });
    let status = option::of((".{0,4}", -1..4).prop_map(|(message, code)| Status { message, code }));
    let ids = (id(16), id(8), option::of(id(8)).prop_map(Option::unwrap_or_default));
    (
        ids,
        ".{0,6}",
        -1..7,
        time(),
        time(),
        attributes(),
        vec(event, 0..3),
        vec(link, 0..3),
        status,
        proptest::num::u32::ANY,
    )
        .prop_map(
            |(
                (trace_id, span_id, parent_span_id),
                name,
                kind,
                start,
                end,
                attributes,
                events,
                links,
                status,
                flags,
            )| Span {
                trace_id,
                span_id,
                parent_span_id,
                name,
                kind,
                start_time_unix_nano: start,
                end_time_unix_nano: end,
                attributes,
                events,
                links,
                status,
                flags,
                ..Span::default()
            },
        )
}

pub(super) fn traces() -> impl Strategy<Value = TracesData> {
    let scoped =
        (scope(), vec(span(), 0..4)).prop_map(|(scope, spans)| ScopeSpans { scope, spans, schema_url: "u".to_owned() });
    let group = (resource(), vec(scoped, 0..3)).prop_map(|(resource, scope_spans)| ResourceSpans {
        resource,
        scope_spans,
        schema_url: String::new(),
    });
    vec(group, 0..3).prop_map(|resource_spans| TracesData { resource_spans })
}

fn record() -> impl Strategy<Value = LogRecord> {
    (time(), time(), -1..26, ".{0,4}", option::of(any()), attributes(), proptest::num::u32::ANY, id(16), id(8))
        .prop_map(
            |(
                time_unix_nano,
                observed_time_unix_nano,
                severity_number,
                severity_text,
                body,
                attributes,
                flags,
                trace_id,
                span_id,
            )| LogRecord {
                time_unix_nano,
                observed_time_unix_nano,
                severity_number,
                severity_text,
                body,
                attributes,
                flags,
                trace_id,
                span_id,
                ..LogRecord::default()
            },
        )
}

pub(super) fn logs() -> impl Strategy<Value = LogsData> {
    let scoped = (scope(), vec(record(), 0..4)).prop_map(|(scope, log_records)| ScopeLogs {
        scope,
        log_records,
        ..ScopeLogs::default()
    });
    let group = (resource(), vec(scoped, 0..3)).prop_map(|(resource, scope_logs)| ResourceLogs {
        resource,
        scope_logs,
        ..ResourceLogs::default()
    });
    vec(group, 0..3).prop_map(|resource_logs| LogsData { resource_logs })
}

fn exemplars() -> impl Strategy<Value = Vec<Exemplar>> {
    let value = prop_oneof![
        proptest::num::i64::ANY.prop_map(exemplar::Value::AsInt),
        finite().prop_map(exemplar::Value::AsDouble)
    ];
    let exemplar = (attributes(), time(), id(8), id(16), option::of(value)).prop_map(
        |(filtered_attributes, time_unix_nano, span_id, trace_id, value)| Exemplar {
            filtered_attributes,
            time_unix_nano,
            span_id,
            trace_id,
            value,
        },
    );
    vec(exemplar, 0..2)
}

fn numbers() -> impl Strategy<Value = Vec<NumberDataPoint>> {
    let value = prop_oneof![
        proptest::num::i64::ANY.prop_map(number_data_point::Value::AsInt),
        finite().prop_map(number_data_point::Value::AsDouble),
    ];
    let point = (attributes(), time(), time(), exemplars(), 0..2_u32, option::of(value)).prop_map(
        |(attributes, start_time_unix_nano, time_unix_nano, exemplars, flags, value)| NumberDataPoint {
            attributes,
            start_time_unix_nano,
            time_unix_nano,
            exemplars,
            flags,
            value,
        },
    );
    vec(point, 0..3)
}

fn histogram() -> impl Strategy<Value = Histogram> {
    let sums = (option::of(finite()), option::of(finite()), option::of(finite()));
    let point =
        (attributes(), time(), proptest::num::u64::ANY, sums, vec(proptest::num::u64::ANY, 0..4), vec(finite(), 0..3))
            .prop_map(|(attributes, time_unix_nano, count, (sum, min, max), bucket_counts, explicit_bounds)| {
                HistogramDataPoint {
                    attributes,
                    time_unix_nano,
                    count,
                    sum,
                    min,
                    max,
                    bucket_counts,
                    explicit_bounds,
                    ..HistogramDataPoint::default()
                }
            });
    (vec(point, 0..3), 0..4)
        .prop_map(|(data_points, aggregation_temporality)| Histogram { data_points, aggregation_temporality })
}

fn exponential() -> impl Strategy<Value = ExponentialHistogram> {
    let buckets = || {
        option::of((proptest::num::i32::ANY, vec(proptest::num::u64::ANY, 0..4)))
            .prop_map(|side| side.map(|(offset, bucket_counts)| Buckets { offset, bucket_counts }))
    };
    let point = (time(), proptest::num::i32::ANY, proptest::num::u64::ANY, buckets(), buckets(), finite()).prop_map(
        |(time_unix_nano, scale, zero_count, positive, negative, zero_threshold)| ExponentialHistogramDataPoint {
            time_unix_nano,
            scale,
            zero_count,
            positive,
            negative,
            zero_threshold,
            ..ExponentialHistogramDataPoint::default()
        },
    );
    vec(point, 0..3).prop_map(|data_points| ExponentialHistogram { data_points, aggregation_temporality: 1 })
}

fn summary() -> impl Strategy<Value = Summary> {
    let quantile = (finite(), finite()).prop_map(|(quantile, value)| ValueAtQuantile { quantile, value });
    let point = (time(), proptest::num::u64::ANY, finite(), vec(quantile, 0..3)).prop_map(
        |(time_unix_nano, count, sum, quantile_values)| SummaryDataPoint {
            time_unix_nano,
            count,
            sum,
            quantile_values,
            ..SummaryDataPoint::default()
        },
    );
    vec(point, 0..3).prop_map(|data_points| Summary { data_points })
}

pub(super) fn metrics() -> impl Strategy<Value = MetricsData> {
    let data = prop_oneof![
        numbers().prop_map(|data_points| Data::Gauge(Gauge { data_points })),
        (numbers(), 0..4, proptest::bool::ANY).prop_map(|(data_points, aggregation_temporality, is_monotonic)| {
            Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic })
        }),
        histogram().prop_map(Data::Histogram),
        exponential().prop_map(Data::ExponentialHistogram),
        summary().prop_map(Data::Summary),
    ];
    let metric = (".{0,4}", ".{0,4}", ".{0,3}", option::of(data), attributes())
        .prop_map(|(name, description, unit, data, metadata)| Metric { name, description, unit, data, metadata });
    let scoped = (scope(), vec(metric, 0..4)).prop_map(|(scope, metrics)| ScopeMetrics {
        scope,
        metrics,
        ..ScopeMetrics::default()
    });
    let group = (resource(), vec(scoped, 0..3)).prop_map(|(resource, scope_metrics)| ResourceMetrics {
        resource,
        scope_metrics,
        ..ResourceMetrics::default()
    });
    vec(group, 0..3).prop_map(|resource_metrics| MetricsData { resource_metrics })
}

//! Rows of spans, logs and points, as bodies tell of them.

use super::*;
use crate::model::{MetricData, NumberValue, SpanKind, StatusCode, Temporality};

#[test]
fn a_span_has_all_that_the_body_says() {
    let body = one_span(
        &json!({"service.name": "shop", "faremeter.tenant": "acme"}),
        &json!({
            "parentSpanId": "eee19b7ec3c1b173", "traceState": "a=1", "flags": 257, "kind": 3,
            "attributes": attributes(&json!({"n": 7, "ok": true, "text": "ü"})), "droppedAttributesCount": 2,
            "events": [{"timeUnixNano": "1789999999100000000", "name": "e", "attributes": attributes(&json!({"k": "v"}))}],
            "links": [{"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "EEE19B7EC3C1B175"}, {"traceId": "00"}],
            "status": {"code": 2, "message": "broken"}, "unheardOf": [1, {"x": null}],
        }),
    );
    let read = read_json(Signal::Traces, &body);
    assert_eq!((read.rejected.count, read.records.invocations.len()), (0, 0));
    let [span] = &read.records.spans[..] else { panic!("{read:?}") };
    assert_eq!((span.tenant.as_str(), span.function.as_deref(), span.source.as_str()), ("acme", None, "otlp"));
    assert_eq!(span.trace_id.to_string(), "5b8efff798038103d269b633813fc60c");
    assert_eq!(span.span_id.to_string(), "eee19b7ec3c1b174");
    assert_eq!(span.parent_span_id.unwrap().to_string(), "eee19b7ec3c1b173");
    assert_eq!((span.start.nanos(), span.end.nanos()), (1_789_999_999_000_000_000, 1_789_999_999_250_000_000));
    assert_eq!((span.kind, span.flags, span.trace_state.as_str()), (SpanKind::Client, 257, "a=1"));
    assert_eq!((span.status_code, span.status_message.as_str()), (StatusCode::Error, "broken"));
    let text = |name: &str| span.attributes[name].as_str();
    assert_eq!((text("n"), text("ok"), text("text")), ("7", "true", "ü"));
    assert_eq!(
        (span.dropped_attributes_count, span.dropped_links_count),
        (2, 1),
        "a link to nowhere counts as dropped"
    );
    assert_eq!((span.events[0].name.as_str(), span.links.len()), ("e", 1));
    assert_eq!(span.resource_attributes["service.name"], "shop");
}

#[test]
fn items_that_cannot_be_kept_are_rejected_one_by_one() {
    let wrong = [
        (json!({"traceId": ""}), "no trace id"),
        (json!({"traceId": "00000000000000000000000000000000"}), "no trace id"),
        (json!({"traceId": "5b8efff7"}), "its trace id has 4 bytes: it must have 16"),
        (json!({"spanId": null}), "no span id"),
        (json!({"spanId": "00000000000000"}), "its span id has 7 bytes"),
        (json!({"parentSpanId": "01"}), "its parent span id has 1 bytes"),
        (json!({"startTimeUnixNano": 0}), "no time"),
        (json!({"startTimeUnixNano": "18446744073709551615"}), "ahead of this server's clock"),
        (json!({"endTimeUnixNano": 0}), "long before it begins"),
    ];
    for (fields, why) in wrong {
        let mut body = one_span(&json!({}), &fields);
        let good = one_span(&json!({}), &json!({}))["resourceSpans"][0].take();
        body["resourceSpans"].as_array_mut().unwrap().push(good);
        let read = read_json(Signal::Traces, &body);
        assert_eq!((read.rejected.count, read.records.spans.len()), (1, 1), "{fields}");
        let message = read.rejected.message("span").unwrap();
        assert!(message.contains(why) && message.contains("the span 'handle'"), "{message}");
    }
    let read = read_json(Signal::Traces, &one_span(&json!({"faremeter.tenant": "no such/tenant"}), &json!({})));
    assert_eq!((read.rejected.count, read.records.len()), (1, 0));
    assert!(read.rejected.message("span").unwrap().contains("no such/tenant"));
}

#[test]
fn a_clock_that_went_back_a_little_makes_a_span_that_took_no_time() {
    let read = read_json(Signal::Traces, &one_span(&json!({}), &json!({"endTimeUnixNano": "1789999998999999999"})));
    assert_eq!(read.records.spans[0].end, read.records.spans[0].start);
}

#[test]
fn log_records_have_a_time_and_a_body_of_any_kind() {
    let record = |fields: Value| json!({"resourceLogs": [{"scopeLogs": [{"scope": {"name": "s", "version": "1"}, "logRecords": [fields]}]}]});
    let row = |fields: Value| {
        let read = read_json(Signal::Logs, &record(fields));
        assert_eq!(read.rejected.count, 0, "{read:?}");
        read.records.logs[0].clone()
    };
    let whole = row(json!({
        "timeUnixNano": "1789999999000000001", "observedTimeUnixNano": 1_789_999_999_000_000_002_u64, "severityNumber": 17,
        "severityText": "Error", "body": {"kvlistValue": {"values": [{"key": "a", "value": {"intValue": 1}}]}},
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "flags": 1, "eventName": "e",
        "attributes": attributes(&json!({"faas.name": "f", "faas.invocation_id": "i"})),
    }));
    assert_eq!(
        (whole.time.nanos(), whole.observed_time.nanos()),
        (1_789_999_999_000_000_001, 1_789_999_999_000_000_002)
    );
    assert_eq!((whole.severity_number, whole.body.as_str(), whole.event_name.as_str()), (17, "{\"a\":1}", "e"));
    assert_eq!((whole.function.as_deref(), whole.invocation_id.as_deref()), (Some("f"), Some("i")));
    assert_eq!((whole.scope_name.as_str(), whole.scope_version.as_str()), ("s", "1"));
    assert!(whole.trace_id.is_some() && whole.span_id.is_some());
    assert_eq!(whole.origin_id.as_ref().map(String::len), Some(32));
    let observed = row(json!({"observedTimeUnixNano": "5", "severityNumber": 99}));
    assert_eq!((observed.time.nanos(), observed.severity_number, observed.body.as_str()), (5, 0, ""));
    assert_eq!((row(json!({})).time, row(json!({})).observed_time), (NOW, NOW));
    let read = read_json(Signal::Logs, &record(json!({"traceId": "ff", "body": {"stringValue": "x"}})));
    assert_eq!((read.rejected.count, read.records.len()), (1, 0));
}

#[test]
fn the_origin_of_a_request_is_what_it_says_and_for_whom() {
    let body =
        |text: &str| json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": text}}]}]}]});
    let origin = |body: &Value, tenant: &str| {
        let context = Context { tenant: tenant.to_owned(), ..context() };
        let mut room = Rooms::new(&Config::default()).open();
        let read = super::super::read(Signal::Logs, Format::Json, body.to_string().into(), &context, &mut room);
        read.unwrap().records.logs[0].origin_id.clone().unwrap()
    };
    assert_eq!(origin(&body("a"), "x"), origin(&body("a"), "x"));
    assert_ne!(origin(&body("a"), "x"), origin(&body("a"), "y"));
    assert_ne!(origin(&body("a"), "x"), origin(&body("b"), "x"));
}

fn metric(data: Value) -> Value {
    let mut metric = json!({"name": "m", "description": "d", "unit": "By"});
    metric.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
    json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]})
}

fn point(fields: Value) -> Value {
    let mut point = json!({"timeUnixNano": "1789999999000000000", "startTimeUnixNano": "1789999990000000000"});
    point.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!([point])
}

#[test]
fn points_of_every_kind_of_metric_are_rows() {
    let row = |data: Value| {
        let read = read_json(Signal::Metrics, &metric(data));
        assert_eq!((read.rejected.message("data point"), read.records.metrics.len()), (None, 1));
        let row = &read.records.metrics[0];
        assert_eq!((row.name.as_str(), row.description.as_str(), row.unit.as_str()), ("m", "d", "By"));
        assert_eq!(
            (row.time.nanos(), row.start_time.unwrap().nanos()),
            (1_789_999_999_000_000_000, 1_789_999_990_000_000_000)
        );
        row.data.clone()
    };
    let exemplar = json!([{"asInt": "3", "timeUnixNano": "1"}, {"timeUnixNano": "1"}]);
    assert_eq!(row(json!({"gauge": {"dataPoints": point(json!({"asDouble": "NaN"}))}})).to_string_of_gauge(), "NaN");
    assert_eq!(row(json!({"gauge": {"dataPoints": point(json!({"flags": 1}))}})), MetricData::Gauge(None));
    let sum = json!({"dataPoints": point(json!({"asInt": "-5", "exemplars": exemplar})), "aggregationTemporality": 2, "isMonotonic": true});
    let expected =
        MetricData::Sum { value: Some(NumberValue::Int(-5)), temporality: Temporality::Cumulative, is_monotonic: true };
    assert_eq!(row(json!({"sum": sum})), expected);
    let histogram = json!({"dataPoints": point(json!({"count": 3, "sum": 1, "bucketCounts": ["1", 2], "explicitBounds": [0.5], "max": 2.5})), "aggregationTemporality": 1});
    let expected = MetricData::Histogram {
        temporality: Temporality::Delta,
        count: 3,
        sum: Some(1.0),
        min: None,
        max: Some(2.5),
        bucket_counts: vec![1, 2],
        explicit_bounds: vec![0.5],
    };
    assert_eq!(row(json!({"histogram": histogram})), expected);
    let point_of =
        json!({"count": "4", "scale": -2, "zeroCount": 1, "positive": {"offset": -3, "bucketCounts": [300, "2"]}});
    match row(json!({"exponentialHistogram": {"dataPoints": point(point_of), "aggregationTemporality": 1}})) {
        MetricData::ExponentialHistogram { count: 4, scale: -2, zero_count: 1, positive, negative, .. } => {
            assert_eq!((positive.offset, positive.bucket_counts), (-3, vec![300, 2]));
            assert_eq!((negative.offset, negative.bucket_counts), (0, vec![]));
        }
        other => panic!("{other:?}"),
    }
    let quantiles = json!({"count": 2, "sum": 0.5, "quantileValues": [{"quantile": 0.99, "value": 7}]});
    match row(json!({"summary": {"dataPoints": point(quantiles)}})) {
        MetricData::Summary { count: 2, quantile_values, .. } => assert_eq!(quantile_values[0].value, 7.0),
        other => panic!("{other:?}"),
    }
}

impl MetricData {
    fn to_string_of_gauge(&self) -> String {
        match self {
            Self::Gauge(Some(NumberValue::Double(value))) => value.to_string(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn points_that_contradict_themselves_are_rejected() {
    let uneven = json!({"count": 3, "bucketCounts": [1, 2], "explicitBounds": [0.5, 1]});
    let read = read_json(Signal::Metrics, &metric(json!({"histogram": {"dataPoints": point(uneven)}})));
    assert_eq!((read.rejected.count, read.records.len()), (1, 0));
    assert!(read.rejected.message("data point").unwrap().contains("2 buckets and 2 bounds"));
    let timeless = json!({"gauge": {"dataPoints": [{"asInt": 1}]}});
    assert_eq!(read_json(Signal::Metrics, &metric(timeless)).rejected.count, 1);
    let unknown = read_json(Signal::Metrics, &metric(json!({"newKind": {}})));
    assert_eq!(unknown.rejected.count, 0);
    assert!(unknown.rejected.message("data point").unwrap().contains("'m'"), "it is worth saying");
}

#[test]
fn the_shared_samples_are_read() {
    for (name, signal, rows) in [
        ("trace.json", Signal::Traces, 1),
        ("logs.json", Signal::Logs, 1),
        ("events.json", Signal::Logs, 1),
        ("metrics.json", Signal::Metrics, 4),
    ] {
        let Some(text) = sample(name) else { continue };
        let read = read(signal, Format::Json, text).unwrap();
        assert_eq!((read.rejected.count, read.records.len()), (0, rows), "{name}");
    }
}

//! Invocations: which spans tell of one, and that what they do not tell stays unknown.

use std::time::Duration;

use super::*;
use crate::model::{Architecture, Invocation, Outcome, Trigger};
use crate::units::Megabytes;

fn invocations(resource: Value, span: Value) -> Vec<Invocation> {
    read_json(Signal::Traces, &one_span(&resource, &span)).records.invocations
}

fn one(resource: Value, span: Value) -> Invocation {
    let mut found = invocations(resource, span);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn what_a_span_tells_of_an_invocation_is_in_its_row_and_it_is_priced() {
    let resource = json!({
        "faas.name": "checkout", "faas.version": "7", "faas.instance": "i-1", "faas.max_memory": 134_217_728,
        "cloud.region": "eu-west-1", "cloud.account.id": "123", "cloud.provider": "aws", "host.arch": "arm64",
        "process.runtime.name": "nodejs",
    });
    let own = json!({
        "faas.invocation_id": "req-1", "faas.trigger": "timer", "faas.coldstart": true, "http.response.status_code": 201,
    });
    let row = one(resource, json!({"attributes": attributes(&own)}));
    assert_eq!((row.invocation_id.0.as_str(), row.attempt, row.source.as_str()), ("req-1", 1, "otlp"));
    assert_eq!(
        (row.function.as_str(), row.version.as_deref(), row.tenant.as_str()),
        ("checkout", Some("7"), "default")
    );
    assert_eq!((row.region.as_deref(), row.account.as_deref()), (Some("eu-west-1"), Some("123")));
    assert_eq!((row.architecture, row.memory), (Some(Architecture::Arm64), Some(Megabytes(128))));
    assert_eq!((row.trigger, row.cold, row.outcome), (Some(Trigger::Timer), Some(true), Outcome::Ok));
    assert_eq!((row.runtime.as_deref(), row.http_status), (Some("nodejs"), Some(201)));
    assert_eq!(row.phases.handler, Some(Duration::from_millis(250)));
    assert_eq!((row.phases.init, row.cpu_ns, row.peak_memory), (None, None, None));
    assert_eq!(row.billed_ms, Some(250));
    // 250 ms at 128 MB on arm64: 0.03125 GiB·s at 0.0000133334, and a request at 0.0000002.
    assert_eq!(row.list_cost.unwrap().to_string(), "0.00000061666875");
    assert!(row.price_book.unwrap().starts_with("aws-lambda@"));
}

#[test]
fn what_a_span_does_not_tell_is_unknown_and_not_zero() {
    let row = one(json!({"faas.name": "f"}), json!({}));
    assert_eq!(row.invocation_id.0, "eee19b7ec3c1b174", "the span's id names it");
    assert_eq!((row.version, row.region, row.account, row.memory), (None, None, None, None));
    assert_eq!((row.cold, row.trigger, row.architecture, row.init_type), (None, None, None, None));
    assert_eq!((row.list_cost, row.price_book, row.currency), (None, None, None));
    assert_eq!((row.request_size, row.response_size, row.streamed, row.ephemeral_storage), (None, None, None, None));
}

#[test]
fn another_providers_function_is_not_priced_by_amazons_book() {
    let priced = |provider: &str| {
        let resource =
            json!({"faas.name": "f", "faas.max_memory": 268_435_456, "host.arch": "amd64", "cloud.provider": provider});
        one(resource, json!({})).list_cost.is_some()
    };
    assert!(priced("aws") && !priced("gcp") && !priced("azure"));
    let megabytes = one(json!({"faas.name": "f", "faas.max_memory": 128, "host.arch": "amd64"}), json!({}));
    assert_eq!((megabytes.memory, megabytes.list_cost), (None, None), "128 bytes are no memory of a function");
}

#[test]
fn only_the_span_that_a_call_came_in_by_is_an_invocation() {
    let function = json!({"faas.name": "f"});
    let count = |resource: &Value, span: Value| invocations(resource.clone(), span).len();
    let with = |kind: i32, own: Value| json!({"kind": kind, "attributes": attributes(&own)});
    assert_eq!(count(&function, json!({"kind": 5})), 1, "a consumer");
    assert_eq!((count(&function, json!({"kind": 1})), count(&function, json!({"kind": 3}))), (0, 0));
    assert_eq!(count(&function, with(1, json!({"faas.invocation_id": "x"}))), 1, "it says so");
    assert_eq!(
        count(&function, with(3, json!({"faas.invocation_id": "x"}))),
        0,
        "a call to a function is not one of it"
    );
    assert_eq!(count(&json!({"service.name": "s"}), json!({})), 0, "no function");
    assert_eq!(count(&json!({"service.name": "s", "faas.version": "1"}), json!({})), 1);
    assert_eq!(count(&json!({"service.name": "s"}), with(2, json!({"faas.trigger": "http"}))), 1);
    assert_eq!(one(json!({"service.name": "s"}), with(2, json!({"faas.trigger": "http"}))).function, "s");
    let parent = |flags: u32| json!({"parentSpanId": "eee19b7ec3c1b173", "flags": flags});
    assert_eq!(count(&function, parent(0x100)), 0, "its parent is in the same process");
    assert_eq!((count(&function, parent(0x300)), count(&function, parent(1))), (1, 1));
    let mut ours = one_span(&function, &json!({}));
    ours["resourceSpans"][0]["scopeSpans"][0]["scope"] = json!({"name": "faremeter"});
    assert_eq!(read_json(Signal::Traces, &ours).records.invocations.len(), 0, "our executor recorded it");
}

#[test]
fn where_several_spans_tell_of_one_invocation_its_entry_comes_first() {
    let inner =
        json!({"kind": 1, "spanId": "eee19b7ec3c1b175", "attributes": attributes(&json!({"faas.invocation_id": "x"}))});
    let mut body = one_span(&json!({"faas.name": "f"}), &inner);
    let entry = json!({"attributes": attributes(&json!({"faas.invocation_id": "x"}))});
    let entry = one_span(&json!({"faas.name": "f"}), &entry)["resourceSpans"][0].take();
    body["resourceSpans"].as_array_mut().unwrap().push(entry);
    let found = read_json(Signal::Traces, &body).records.invocations;
    let spans: Vec<String> = found.iter().map(|row| row.span_id.unwrap().to_string()).collect();
    assert_eq!(spans, ["eee19b7ec3c1b174", "eee19b7ec3c1b175"]);
}

#[test]
fn outcomes_follow_the_status_and_the_errors_type() {
    let failed = |own: Value, more: Value| {
        let mut span = json!({"status": {"code": 2}, "attributes": attributes(&own)});
        span.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let row = one(json!({"faas.name": "f"}), span);
        (row.outcome, row.error_type, row.error_message)
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(failed(json!({}), json!({})), (Outcome::Error, None, None));
    assert_eq!(failed(json!({"error.type": "java.util.concurrent.TimeoutException"}), json!({})).0, Outcome::Timeout);
    assert_eq!(failed(json!({"error.type": "Task timed out"}), json!({})).0, Outcome::Timeout);
    assert_eq!(failed(json!({"error.type": "Runtime.OutOfMemory"}), json!({})).0, Outcome::OutOfMemory);
    let thrown = json!({"events": [{"name": "exception", "attributes": attributes(&json!({"exception.type": "KeyError", "exception.message": "'x'"}))}]});
    assert_eq!(failed(json!({}), thrown), (Outcome::Error, text("KeyError"), text("'x'")));
    let status = json!({"status": {"code": 2, "message": "it broke"}});
    assert_eq!(failed(json!({"error.type": "500"}), status), (Outcome::Error, text("500"), text("it broke")));
    let fine = one(json!({"faas.name": "f"}), json!({"attributes": attributes(&json!({"error.type": "retried"}))}));
    assert_eq!((fine.outcome, fine.error_type), (Outcome::Ok, None));
}

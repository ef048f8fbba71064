//! OTLP over HTTP and gRPC: what each answers, in the form that its sender reads.

use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::BodyExt;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::json;
use tonic_types::StatusExt;
use tower::ServiceExt;

use super::{App, Reply, request};
use crate::web::access::{Principal, Role};
use crate::web::{Config, router};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// A span, and one that cannot be kept.
fn traces() -> String {
    let span = |id: &str| json!({"traceId": id, "spanId": "eee19b7ec3c1b174", "startTimeUnixNano": "1789999999000000000", "endTimeUnixNano": "1789999999000000000"});
    let spans = [span("5b8efff798038103d269b633813fc60c"), span("00")];
    json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).to_string()
}

async fn post(app: &App, path: &str, media_type: &str, body: impl Into<Body>) -> Reply {
    app.send(Request::post(path).header("content-type", media_type), body).await
}

/// Checks that this is OTLP's error, in JSON, and gives its code and message.
fn status(reply: &Reply, status: u16) -> (i64, String) {
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (status, JSON), "{}", reply.text());
    let body = reply.json();
    (body["code"].as_i64().unwrap(), body["message"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_of_the_requests_type_and_count_what_was_not_taken() {
    let app = App::new().await;
    let reply = post(&app, "/v1/traces", "application/json; charset=utf-8", traces()).await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, JSON), "{}", reply.text());
    let partial = &reply.json()["partialSuccess"];
    assert_eq!(partial["rejectedSpans"], "1");
    assert!(partial["errorMessage"].as_str().unwrap().contains("its trace id has 1 bytes"), "{partial}");
    for path in ["/v1/traces", "/v1/logs", "/v1/metrics"] {
        assert_eq!(post(&app, path, JSON, "{}").await.json(), json!({}), "an empty request succeeds");
        let empty = post(&app, path, PROTOBUF, "").await;
        assert_eq!((empty.status.as_u16(), empty.header("content-type"), empty.body.len()), (200, PROTOBUF, 0));
    }
    let rows = app.sql("SELECT trace_id, source FROM spans").await["rows"].clone();
    assert_eq!(rows, json!([{"trace_id": "5b8efff798038103d269b633813fc60c", "source": "otlp"}]));
    let text = app.get("/metrics").await;
    for line in [
        "faremeter_ingest_items_accepted_total{signal=\"traces\"} 1",
        "faremeter_ingest_items_rejected_total{signal=\"traces\"} 1",
        "faremeter_ingest_requests_refused_total{signal=\"logs\"} 0",
        "faremeter_ingest_keys_remembered 1",
    ] {
        assert!(text.text().lines().any(|shown| shown == line), "{line}: {}", text.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_of_the_requests_type() {
    let app = App::new().await;
    let (code, why) = status(&post(&app, "/v1/traces", JSON, "{").await, 400);
    assert!(code == 3 && why.contains("line 1 column 1"), "{why}");
    let bad = post(&app, "/v1/logs", PROTOBUF, "nonsense").await;
    assert_eq!((bad.status.as_u16(), bad.header("content-type")), (400, PROTOBUF));
    let read = tonic_types::Status::decode(bad.body).unwrap();
    assert!(read.code == 3 && read.message.contains("protobuf"), "{read:?}");
    let (_, why) = status(&post(&app, "/v1/traces", "text/plain", "x").await, 415);
    assert!(why.contains("'text/plain'") && why.contains(PROTOBUF), "{why}");
    status(&app.send(Request::post("/v1/traces"), "x").await, 415);
    let wrong = app.send(request(&Method::GET, "/v1/traces"), "").await;
    assert_eq!((status(&wrong, 405).0, wrong.header("allow")), (12, "POST"));
    let encoded = Request::post("/v1/traces").header("content-type", JSON).header("content-encoding", "br");
    assert!(status(&app.send(encoded, "x").await, 415).1.contains("'br'"));
    let packed = Request::post("/v1/traces").header("content-type", JSON).header("content-encoding", "gzip");
    assert!(status(&app.send(packed, "no gzip").await, 400).1.contains("gzip"));
    let tenant = Request::post("/v1/traces").header("content-type", JSON).header("x-scope-orgid", "a/b");
    assert!(status(&app.send(tenant, "{}").await, 400).1.contains("'a/b'"));
    let away = Request::post("/v1/traces").header("content-type", JSON).header("origin", "http://evil.example");
    assert_eq!(status(&app.send(away, "{}").await, 403).0, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_too_large_are_refused_by_what_they_say() {
    let app = App::new().await;
    let said = Request::post("/v1/traces").header("content-type", JSON);
    let reply = app.send(said, vec![b' '; (64 << 20) + 1]).await;
    assert_eq!(status(&reply, 413).0, 8);
    let mut taken = app.state.receiver.room();
    taken.hold(1_023 << 20).unwrap();
    let reply = post(&app, "/v1/traces", JSON, vec![b' '; 2 << 20]).await;
    assert_eq!((status(&reply, 503).0, reply.header("retry-after")), (14, "1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_sends_nothing() {
    let viewer = Principal { id: "a-viewer".to_owned(), role: Role::Viewer, tenant: None };
    let app = App::with(Config::default(), viewer).await;
    let (code, why) = status(&post(&app, "/v1/logs", JSON, "{}").await, 403);
    assert!(code == 7 && why.contains("a-viewer") && why.contains("telemetry:write"), "{why}");
    let call = call(&app, TRACES, frame(b"")).await;
    assert_eq!(call.status.code(), tonic::Code::PermissionDenied);
}

/// What a call of gRPC came to.
struct Call {
    status: tonic::Status,
    message: Option<Bytes>,
}

fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}

async fn call(app: &App, path: &str, body: Vec<u8>) -> Call {
    let request = Request::post(path).header("content-type", "application/grpc").header("host", "localhost:4317");
    call_with(app, request, body).await
}

async fn call_with(app: &App, request: http::request::Builder, body: Vec<u8>) -> Call {
    let router = router::otlp_grpc().finish(&app.state).unwrap();
    let response = router.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()),
        (200, "application/grpc")
    );
    let (head, body) = response.into_parts();
    let collected = body.collect().await.unwrap();
    let trailers = collected.trailers().cloned();
    let body = collected.to_bytes();
    let status = tonic::Status::from_header_map(trailers.as_ref().unwrap_or(&head.headers)).unwrap();
    Call { status, message: (!body.is_empty()).then(|| body.slice(5..)) }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_grpc_are_answered_with_a_message_or_a_status() {
    let app = App::new().await;
    let fine = call(&app, TRACES, frame(b"")).await;
    assert_eq!(fine.status.code(), tonic::Code::Ok);
    assert_eq!(
        ExportTraceServiceResponse::decode(fine.message.unwrap()).unwrap(),
        ExportTraceServiceResponse::default()
    );
    let packed = zstd::encode_all(&b""[..], 1).unwrap();
    let mut body = frame(&packed);
    body[0] = 1;
    let said = |encoding: &str| {
        let request =
            Request::post(TRACES).header("content-type", "application/grpc+proto").header("host", "localhost");
        request.header("grpc-encoding", encoding)
    };
    assert_eq!(call_with(&app, said("zstd"), body.clone()).await.status.code(), tonic::Code::Ok);
    assert_eq!(call_with(&app, said("gzip"), body.clone()).await.status.code(), tonic::Code::InvalidArgument);
    assert_eq!(call_with(&app, said("br"), body.clone()).await.status.code(), tonic::Code::Unimplemented);
    let wrong: [(&str, Vec<u8>, tonic::Code); 7] = [
        (TRACES, body, tonic::Code::InvalidArgument),
        (TRACES, Vec::new(), tonic::Code::InvalidArgument),
        (TRACES, vec![0, 0, 0], tonic::Code::InvalidArgument),
        (TRACES, [frame(b""), frame(b"")].concat(), tonic::Code::InvalidArgument),
        (TRACES, vec![0, 255, 255, 255, 255], tonic::Code::InvalidArgument),
        (TRACES, frame(b"nonsense"), tonic::Code::InvalidArgument),
        ("/opentelemetry.proto.collector.trace.v1.TraceService/Unknown", frame(b""), tonic::Code::Unimplemented),
    ];
    for (path, body, code) in wrong {
        let call = call(&app, path, body.clone()).await;
        assert_eq!(call.status.code(), code, "{body:?}: {:?}", call.status);
        assert!(!call.status.message().is_empty());
    }
    let large = call(&app, TRACES, vec![0; (64 << 20) + 1]).await;
    assert_eq!(large.status.code(), tonic::Code::ResourceExhausted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_there_is_no_room_for_is_told_when_to_come_again() {
    let app = App::new().await;
    let mut taken = app.state.receiver.room();
    taken.hold(1_024 << 20).unwrap();
    let busy = call(&app, TRACES, frame(b"x")).await;
    assert_eq!(busy.status.code(), tonic::Code::Unavailable);
    let retry = busy.status.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert_eq!(retry.as_secs(), 1);
    drop(taken);
    let refused = app.state.receiver.status().signals[0].refused;
    assert_eq!(refused, 1);
}

//! The receivers of what AWS Lambda wrote, over HTTP.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::*;

const ID: &str = "94f4a28a-dbe3-4114-9f2b-0b3ae40f4dbc";
/// 2026-11-20T12:00:00Z
const AT: i64 = 1_795_176_000_000;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn payload(events: &[(i64, String)]) -> String {
    let events: Vec<Value> = events
        .iter()
        .enumerate()
        .map(
            |(number, (time, message))| json!({"id": format!("{time}{number}"), "timestamp": time, "message": message}),
        )
        .collect();
    let payload = json!({"messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "/aws/lambda/shop",
        "logStream": "2026/11/20/[$LATEST]5b1105", "subscriptionFilters": ["all"], "logEvents": events});
    STANDARD.encode(gzip(payload.to_string().as_bytes()))
}

fn delivery(records: &[String]) -> String {
    let records: Vec<Value> = records.iter().map(|data| json!({ "data": data })).collect();
    json!({"requestId": "r1", "timestamp": 1, "records": records}).to_string()
}

fn start() -> String {
    format!("START RequestId: {ID} Version: $LATEST\n")
}

fn report() -> String {
    format!(
        "REPORT RequestId: {ID}\tDuration: 155.51 ms\tBilled Duration: 156 ms\tMemory Size: 1769 MB\tMax Memory Used: 40 MB\t\n"
    )
}

async fn send_firehose(app: &App, body: impl Into<Body>) -> Reply {
    let request = Request::post("/api/v1/aws-lambda/firehose?architecture=arm64")
        .header("content-type", "application/json")
        .header("x-amz-firehose-request-id", "r1")
        .header("x-amz-firehose-source-arn", "arn:aws:firehose:eu-west-1:123456789012:deliverystream/logs");
    app.send(request, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn firehose_is_answered_as_it_wants_and_nothing_is_stored_twice() {
    let app = App::new().await;
    let control = STANDARD.encode(gzip(br#"{"messageType":"CONTROL_MESSAGE","logGroup":"","logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE"}]}"#));
    let first = delivery(&[
        control,
        payload(&[(AT, start()), (AT + 1, "[INFO]\t2026-11-20T12:00:00.001Z\tx\thello".to_owned())]),
    ]);
    let second = delivery(&[payload(&[(AT + 156, report())])]);
    for _ in 0..2 {
        for body in [gzip(first.as_bytes()), second.clone().into_bytes()] {
            let reply = send_firehose(&app, body).await;
            assert_eq!(
                (reply.status.as_u16(), reply.header("content-type")),
                (200, "application/json"),
                "{}",
                reply.text()
            );
            let answer = reply.json();
            assert_eq!(answer["requestId"], "r1");
            assert!(answer["timestamp"].is_i64() && answer.get("errorMessage").is_none(), "{answer}");
        }
    }
    let rows = app.sql("SELECT * FROM invocations").await;
    assert_eq!(rows["rows"].as_array().map(Vec::len), Some(1), "{rows}");
    let row = &rows["rows"][0];
    assert_eq!((row["invocation_id"].as_str(), row["function"].as_str()), (Some(ID), Some("shop")));
    assert_eq!((row["region"].as_str(), row["account"].as_str()), (Some("eu-west-1"), Some("123456789012")));
    assert_eq!((row["billed_ms"].as_i64(), row["duration_ns"].as_i64()), (Some(156), Some(155_510_000)));
    assert_eq!(row["started_at"].as_str().map(|at| &at[..19]), Some("2026-11-20T12:00:00"), "by its START: {row}");
    assert!(row["list_cost"].is_string(), "the architecture is known, so it has a price: {row}");
    let logs = app.sql("SELECT * FROM logs").await;
    assert_eq!(logs["rows"].as_array().map(Vec::len), Some(1), "{logs}");
    assert_eq!(
        (logs["rows"][0]["body"].as_str(), logs["rows"][0]["invocation_id"].as_str()),
        (Some("hello"), Some("x"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn firehose_hears_what_is_wrong_in_its_own_way() {
    let app = App::new().await;
    let refused = |reply: Reply, status: u16| {
        assert_eq!(reply.status, status, "{}", reply.text());
        assert_eq!(reply.json()["requestId"], "r1");
        reply.json()["errorMessage"].as_str().unwrap().to_owned()
    };
    assert!(refused(send_firehose(&app, "{}").await, 400).contains("not a delivery"));
    assert!(refused(send_firehose(&app, delivery(&["?".to_owned()])).await, 400).contains("base64"));
    let other = delivery(&[]).replace("r1", "r2");
    assert!(refused(send_firehose(&app, other).await, 400).contains("'r2'"));
    let bomb = delivery(&[STANDARD.encode(gzip(&vec![b' '; 65 << 20]))]);
    assert!(refused(send_firehose(&app, bomb).await, 413).contains("67108864"));
    let bomb = gzip(&vec![b' '; 65 << 20]);
    assert!(refused(send_firehose(&app, bomb).await, 413).contains("67108864"));
    let nameless = app.post("/api/v1/aws-lambda/firehose", delivery(&[])).await;
    assert_eq!(nameless.status, 400);
    assert!(nameless.json()["errorMessage"].as_str().unwrap().contains("X-Amz-Firehose-Request-Id"));
}

fn telemetry_event(time: &str, kind: &str, record: &Value) -> Value {
    json!({"time": format!("2026-11-20T12:00:{time}Z"), "type": kind, "record": record})
}

async fn send_telemetry(app: &App, query: &str, events: &[Value]) -> Reply {
    let request =
        Request::post(format!("/api/v1/aws-lambda/telemetry{query}")).header("content-type", "application/json");
    app.send(request, Value::from(events.to_vec()).to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn telemetry_goes_on_from_one_request_to_the_next() {
    let app = App::new().await;
    let first = [
        telemetry_event(
            "00.000",
            "platform.initStart",
            &json!({"initializationType": "on-demand", "phase": "init",
            "runtimeVersion": "nodejs:20.v7", "runtimeVersionArn": "arn:aws:lambda:us-east-2::runtime:1",
            "functionName": "cart", "functionVersion": "7", "instanceId": "i-1"}),
        ),
        telemetry_event("00.500", "platform.start", &json!({"requestId": ID, "version": "7"})),
        telemetry_event("00.501", "function", &json!("2026-11-20T12:00:00.501Z\tundefined\tWARN\tlow\n")),
    ];
    let second = [
        telemetry_event(
            "00.600",
            "platform.runtimeDone",
            &json!({"requestId": ID, "status": "success", "metrics": {"durationMs": 99.5, "producedBytes": 42}}),
        ),
        telemetry_event(
            "00.602",
            "platform.report",
            &json!({"requestId": ID, "status": "success", "metrics": {"durationMs": 101.51,
            "billedDurationMs": 218, "memorySizeMB": 512, "maxMemoryUsedMB": 33, "initDurationMs": 116.67}, "tracing": {"spanId":
            "54565fb41ac79632", "type": "X-Amzn-Trace-Id", "value": "Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1"}}),
        ),
    ];
    let summary = send_telemetry(&app, "", &first).await;
    assert_eq!((summary.status.as_u16(), &summary.json()["stored"]["logs"]), (200, &json!(1)), "{}", summary.text());
    for stored in [1, 0] {
        let summary = send_telemetry(&app, "?instance=i-1", &second).await;
        assert_eq!(
            (summary.status.as_u16(), &summary.json()["stored"]["invocations"]),
            (200, &json!(stored)),
            "{}",
            summary.text()
        );
    }
    let rows = app.sql("SELECT * FROM invocations").await;
    let row = &rows["rows"][0];
    assert_eq!(
        (row["function"].as_str(), row["version"].as_str(), row["environment_id"].as_str()),
        (Some("cart"), Some("7"), Some("i-1"))
    );
    assert_eq!(
        (row["runtime"].as_str(), row["region"].as_str(), row["cold"].as_bool()),
        (Some("nodejs:20.v7"), Some("us-east-2"), Some(true))
    );
    assert_eq!(
        (row["response_bytes"].as_i64(), row["init_ns"].as_i64(), row["billed_ms"].as_i64()),
        (Some(42), Some(116_670_000), Some(218))
    );
    assert!(row["list_cost"].is_null(), "what it runs on is not known: {row}");
    let spans = app.sql("SELECT name, parent_span_id, span_id FROM spans ORDER BY started_at, name").await;
    let names: Vec<&str> = spans["rows"].as_array().unwrap().iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names, ["cart", "init", "handler"], "{spans}");
    assert_eq!(spans["rows"][0]["parent_span_id"], "0efbd19962d95b05");
    let logs = app.sql("SELECT invocation_id, severity_text FROM logs").await;
    assert_eq!(logs["rows"], json!([{"invocation_id": ID, "severity_text": "WARN"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn telemetry_that_names_no_function_is_refused() {
    let app = App::new().await;
    let start = [telemetry_event("00.500", "platform.start", &json!({"requestId": ID}))];
    let detail = send_telemetry(&app, "?instance=i-9", &start).await.problem(400, "invalid-request");
    assert!(detail.contains("name the function"), "{detail}");
    assert_eq!(send_telemetry(&app, "?instance=i-9&function=f", &start).await.status, 200);
    send_telemetry(&app, "?function=a%20b", &start).await.problem(400, "invalid-request");
    send_telemetry(&app, "?architecture=mips", &start).await.problem(400, "invalid-request");
    let request = Request::post("/api/v1/aws-lambda/telemetry?function=f").header("content-encoding", "br");
    app.send(request, "x").await.problem(415, "unsupported-media-type");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_tells_what_it_skipped() {
    let app = App::new().await;
    let event =
        |time: i64, message: &str| json!({"timestamp": time, "message": message, "logStreamName": "2026/11/20/[1]e"});
    let events = json!([event(AT, &start()), event(AT + 1, "REPORT RequestId: x\tno"), {"message": "no time"}, event(AT + 156, &report())]);
    for (stored, again) in [(1, 0), (0, 1)] {
        let reply = app.post("/api/v1/import/aws-lambda-logs?function=f", gzip(events.to_string().as_bytes())).await;
        let summary = reply.json();
        assert_eq!((&summary["read"], &summary["stored"]["invocations"]), (&json!(4), &json!(stored)), "{summary}");
        assert_eq!(summary["duplicates"]["invocations"], again);
        assert_eq!(summary["skipped"].as_array().map(Vec::len), Some(2), "{summary}");
    }
    app.post("/api/v1/import/aws-lambda-logs", events.to_string()).await.problem(400, "invalid-request");
    let mut cut = gzip(events.to_string().as_bytes());
    cut.truncate(cut.len() / 2);
    let detail = app.post("/api/v1/import/aws-lambda-logs?function=f", cut).await.problem(400, "invalid-request");
    assert!(detail.contains("cannot be read") && detail.contains("stored"), "{detail}");
}

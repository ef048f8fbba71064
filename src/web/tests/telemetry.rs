//! Queries and their formats, logs, metrics, health.

use std::time::Duration;

use http::Request;

use super::{App, ECHO, PROBE, Reply};
use crate::bus::Notable;

async fn query(app: &App, accept: &str, body: &str) -> Reply {
    let request = Request::post("/api/v1/query").header("content-type", "application/json").header("accept", accept);
    app.send(request, body.to_owned()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_answer_in_three_formats() {
    let app = App::new().await;
    let asked = r#"{"sql":"SELECT $n AS n, CAST('0.10' AS DECIMAL(10,2)) AS cost, 'a,b' AS t","params":{"n":7}}"#;
    let json = query(&app, "application/json", asked).await;
    assert_eq!((json.status.as_u16(), json.header("content-type")), (200, "application/json"));
    assert_eq!(json.json()["rows"], serde_json::json!([{"n": 7, "cost": "0.1", "t": "a,b"}]));
    let names: Vec<String> =
        json.json()["columns"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        (names, json.header("x-faremeter-rows")),
        (vec!["n".to_owned(), "cost".to_owned(), "t".to_owned()], "1")
    );
    let csv = query(&app, "text/csv", asked).await;
    assert_eq!((csv.header("content-type"), csv.text()), ("text/csv", "n,cost,t\r\n7,0.1,\"a,b\"\r\n"));
    let arrow = query(&app, "application/vnd.apache.arrow.stream", asked).await;
    let batches: Vec<_> =
        arrow::ipc::reader::StreamReader::try_new(&arrow.body[..], None).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(batches.iter().map(arrow::record_batch::RecordBatch::num_rows).sum::<usize>(), 1);
    query(&app, "text/html", asked).await.problem(406, "not-acceptable");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_queries_are_problems() {
    let app = App::new().await;
    let cases = [
        ("{}", 400, "invalid-request"),
        (r#"{"sql":"SELECT 1","name":"last_logs"}"#, 400, "invalid-request"),
        (r#"{"sql":"SELECT 1","extra":1}"#, 400, "invalid-request"),
        (r#"{"sql":"SELECT 1","params":{"a":[]}}"#, 400, "invalid-request"),
        ("SELECT 1", 400, "invalid-request"),
        (r#"{"sql":"SELEC 1"}"#, 400, "invalid-query"),
        (r#"{"sql":"SELECT nothing FROM invocations"}"#, 400, "invalid-query"),
        (r#"{"name":"unheard_of"}"#, 400, "invalid-query"),
        (r#"{"sql":"DROP TABLE invocations"}"#, 403, "query-not-allowed"),
    ];
    for (body, status, slug) in cases {
        query(&app, "*/*", body).await.problem(status, slug);
    }
    let long = format!(r#"{{"sql":"SELECT '{}'"}}"#, "x".repeat(200_000));
    query(&app, "*/*", &long).await.problem(422, "query-limit");
    query(&app, "*/*", &" ".repeat(1 << 20 | 1)).await.problem(413, "body-too-large");
    app.post("/api/v1/query", r#"{"sql":"SELECT 1"}"#).await.problem(415, "unsupported-media-type");
}

#[tokio::test(flavor = "multi_thread")]
async fn named_queries_are_listed_and_run() {
    let app = App::new().await;
    let items = app.get("/api/v1/queries").await.json()["items"].as_array().unwrap().clone();
    let named = |name: &str| items.iter().find(|item| item["name"] == name).unwrap();
    assert!(!named("cost_by_function")["doc"].as_str().unwrap().is_empty());
    assert!(named("cost_by_function")["sql"].as_str().unwrap().contains("SELECT"));
    let limit = &named("last_invocations")["params"][1];
    assert_eq!((&limit["name"], &limit["type"], &limit["required"]), (&"limit".into(), &"int".into(), &false.into()));
    let first = app.get("/api/v1/queries?limit=1").await.json();
    let next =
        app.get(&format!("/api/v1/queries?limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).await.json();
    assert_eq!(next["items"][0]["name"], items[1]["name"]);
    let rows = query(&app, "*/*", r#"{"name":"last_invocations","params":{"limit":5}}"#).await;
    assert_eq!((rows.status.as_u16(), rows.header("x-faremeter-rows")), (200, "0"), "{}", rows.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_read_and_followed() {
    let app = App::new().await;
    app.deploy("probe", PROBE, "").await;
    app.get("/fn/probe/log").await;
    let page = app.get("/api/v1/functions/probe/logs?since=10m").await.json();
    let items = page["items"].as_array().unwrap();
    assert!(items.len() >= 2, "{page}");
    assert!(items.iter().all(|item| item["body"].is_string() && item["invocation_id"].is_string()), "{page}");
    let cursor = page["next_cursor"].as_str().unwrap().replace('+', "%2B");
    let follow = format!("/api/v1/functions/probe/logs?since=10m&after={cursor}");
    assert_eq!(app.get(&follow).await.json(), serde_json::json!({"items": [], "next_cursor": null}));
    tokio::time::sleep(Duration::from_millis(2)).await;
    app.get("/fn/probe/log").await;
    assert_eq!(app.get(&follow).await.json()["items"].as_array().unwrap().len(), items.len());
    app.get("/api/v1/functions/nobody/logs").await.problem(404, "function-not-found");
    for wrong in ["since=soon", "limit=0", "after=x", "follow=1"] {
        app.get(&format!("/api/v1/functions/probe/logs?{wrong}")).await.problem(400, "invalid-request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_shown_in_both_formats() {
    let app = App::new().await;
    app.deploy("echo", ECHO, "").await;
    app.post("/fn/echo", "x").await;
    app.get("/nope").await;
    let text = app.get("/metrics").await;
    assert_eq!(text.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let lines = [
        "# TYPE faremeter_http_requests_total counter",
        "faremeter_http_requests_total{route=\"/fn/{name}\",method=\"POST\",status=\"200\"} 1",
        "faremeter_http_requests_total{route=\"unmatched\",method=\"GET\",status=\"404\"} 1",
        "faremeter_function_invocations_total{function=\"echo\",outcome=\"ok\"} 1",
        "faremeter_function_cold_starts_total{function=\"echo\"} 1",
        "faremeter_function_duration_seconds_count{function=\"echo\"} 1",
        "faremeter_function_init_seconds_count{function=\"echo\"} 1",
        "faremeter_store_up 1",
        "faremeter_store_refused_total 0",
        "faremeter_runtime_invocations_running 0",
        "# TYPE faremeter_build_info gauge",
    ];
    for line in lines {
        assert!(text.text().lines().any(|shown| shown == line), "{line} is not in {}", text.text());
    }
    assert!(text.text().contains("faremeter_function_billed_milliseconds_total{function=\"echo\"} "));
    assert!(text.text().contains("\nprocess_start_time_seconds "));
    let open = app.send(Request::get("/metrics").header("accept", "application/openmetrics-text;q=0.9"), "").await;
    assert!(open.header("content-type").starts_with("application/openmetrics-text"));
    assert!(open.text().ends_with("# EOF\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn notable_events_are_counted_and_removed_functions_forgotten() {
    let app = App::new().await;
    app.deploy("echo", ECHO, "").await;
    app.post("/fn/echo", "x").await;
    let (events, stop) = (app.bus.subscribe(), tokio_util::sync::CancellationToken::new());
    let listening = crate::web::metrics::listen(std::sync::Arc::clone(&app.state), events, stop.clone());
    app.bus.publish(Notable::StoreRefused { function: "echo".to_owned(), reason: "full".to_owned() });
    app.bus.publish(Notable::FunctionRemoved { function: "echo".to_owned() });
    let ended = tokio::time::timeout(Duration::from_millis(200), listening).await;
    assert!(ended.is_err(), "it listens until it is stopped");
    let text = app.get("/metrics").await;
    assert!(text.text().contains("faremeter_notable_events_total{kind=\"store_refused\"} 1"), "{}", text.text());
    assert!(!text.text().contains("function=\"echo\""), "{}", text.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_says_what_is_not_up() {
    let app = App::new().await;
    assert_eq!(app.get("/healthz").await.json(), serde_json::json!({"status": "ok"}));
    let ready = app.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), &ready.json()["status"]), (200, &"ready".into()));
    app.state.readiness.wait_for("history", "12 of 65 days");
    let waiting = app.get("/readyz").await;
    assert_eq!(waiting.status, 503);
    let checks = waiting.json()["checks"].as_array().unwrap().clone();
    assert!(checks.contains(&serde_json::json!({"name": "history", "ok": false, "detail": "12 of 65 days"})));
    assert!(app.get("/").await.text().contains("history: 12 of 65 days"), "the page answers and shows it");
    app.state.readiness.done("history");
    assert_eq!(app.get("/readyz").await.status, 200);
}

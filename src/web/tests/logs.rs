//! Log records as a page and as API: found by each filter, counted, with what surrounds them, and followed live.

use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::traces::said;
use super::{App, PROBE};
use crate::model::{LogRecord, Records};
use crate::units::{Timestamp, TraceId};
use crate::web::Config;
use crate::web::access::Principal;

/// Five records, a second apart, from an hour ago.
async fn some(app: &App) -> Timestamp {
    let begin = app.state.clock.now().minus(Duration::from_secs(3_600));
    let trace = TraceId::from_bytes([3; 16]).unwrap();
    let line = |second: u64, severity: i32, body: &str, environment: &str| LogRecord {
        severity_number: severity,
        severity_text: String::new(),
        body: body.to_owned(),
        environment_id: Some(environment.to_owned()),
        invocation_id: Some(format!("i{}", second / 2)),
        attributes: [("order".to_owned(), (second % 2).to_string())].into(),
        resource_attributes: [("service.name".to_owned(), "cart".to_owned())].into(),
        ..said(trace, begin.plus(Duration::from_secs(second)))
    };
    let logs = vec![
        line(0, 9, "begin", "e1"),
        line(1, 13, "Slow: 50% done", "e1"),
        line(2, 17, "failed <script>alert(1)</script>", "e2"),
        line(3, 0, "plain", "e1"),
        line(4, 21, "gave up", "e1"),
    ];
    app.state.store.reserve(1 << 20).unwrap().append(Records { logs, ..Records::default() }).await.unwrap();
    begin
}

fn bodies(answer: &Value) -> Vec<&str> {
    let items = answer["items"].as_array().unwrap_or_else(|| panic!("{answer}"));
    items.iter().map(|item| item["body"].as_str().unwrap().split(' ').next().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_found_by_each_filter() {
    let app = App::new().await;
    some(&app).await;
    let all = ["gave", "plain", "failed", "Slow:", "begin"];
    assert_eq!(bodies(&app.get("/api/v1/logs").await.json()), all);
    let cases: [(&str, &[&str]); 14] = [
        ("severity=warn,error", &["failed", "Slow:"]),
        ("severity=none", &["plain"]),
        ("q=SLOW", &["Slow:"]),
        ("q=50%25", &["Slow:"]),
        ("q=5_%25", &[]),
        ("regex=%5E(begin%7Cplain)$", &["plain", "begin"]),
        ("regex=(?i)slow", &["Slow:"]),
        ("environment_id=e2", &["failed"]),
        ("invocation_id=i0", &["Slow:", "begin"]),
        ("trace_id=03030303030303030303030303030303&severity=fatal", &["gave"]),
        ("attr=order=1", &["plain", "Slow:"]),
        ("attr=service.name=other", &[]),
        ("fn=f&tenant=default&source=otlp", &all),
        ("fn=g", &[]),
    ];
    for (filter, expected) in cases {
        let answer = app.get(&format!("/api/v1/logs?{filter}")).await;
        assert_eq!(bodies(&answer.json()), expected, "{filter}");
        let html = app.get(&format!("/logs?{filter}")).await.text().to_owned();
        assert_eq!(html.matches("<summary><time class=\"when\"").count(), expected.len(), "{filter}");
        assert!(!html.contains("<script>alert"), "what is said stays text");
    }
    for (wrong, place) in
        [("a(b", "unclosed group, at character 2"), ("x{2,1}", "at character"), ("[z-a]", "at character")]
    {
        let asked = format!(
            "/api/v1/logs?{}",
            url::form_urlencoded::Serializer::new(String::new()).append_pair("regex", wrong).finish()
        );
        let detail = app.get(&asked).await.problem(400, "invalid-request");
        assert!(detail.contains(place) && !detail.contains('\n'), "{detail}");
        let page = app.get(&asked.replace("/api/v1/logs", "/logs")).await;
        assert!(
            page.status == 200 && page.text().contains("role=\"alert\">The records could not be read: regex="),
            "{}",
            page.text()
        );
    }
    for wrong in ["severity=loud", "trace_id=x", "attr=k", "cursor=x", "limit=0", "x=1"] {
        app.get(&format!("/api/v1/logs?{wrong}")).await.problem(400, "invalid-request");
        app.get(&format!("/logs?{wrong}")).await.problem(400, "invalid-request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_join_also_where_times_are_the_same() {
    let app = App::new().await;
    let time = app.state.clock.now().minus(Duration::from_secs(60));
    let trace = TraceId::from_bytes([3; 16]).unwrap();
    let logs = (0..10).map(|n| LogRecord { body: n.to_string(), ..said(trace, time) });
    let others = (10..13).map(|n| LogRecord { body: n.to_string(), ..said(trace, time.minus(Duration::from_secs(n))) });
    let records = Records { logs: logs.chain(others).collect(), ..Records::default() };
    app.state.store.reserve(1 << 20).unwrap().append(records).await.unwrap();
    let (mut seen, mut target) = (Vec::new(), "/api/v1/logs?limit=3".to_owned());
    loop {
        let page = app.get(&target).await.json();
        seen.extend(bodies(&page).iter().map(|body| body.parse::<u64>().unwrap()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        target = format!("/api/v1/logs?limit=3&cursor={cursor}");
    }
    assert_eq!(&seen[10..], [10, 11, 12]);
    seen.sort_unstable();
    assert_eq!(seen, (0..13).collect::<Vec<_>>(), "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_counted() {
    let app = App::new().await;
    some(&app).await;
    let counts = app.get("/api/v1/logs/histogram?from=now-2h").await.json();
    let sums: Vec<(&str, i64)> = counts["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|series| {
            let values = series["values"].as_array().unwrap();
            assert_eq!(values.len(), counts["times"].as_array().unwrap().len());
            (series["name"].as_str().unwrap(), values.iter().map(|value| value.as_i64().unwrap()).sum())
        })
        .collect();
    assert_eq!(sums, [("none", 1), ("info", 1), ("warn", 1), ("error", 1), ("fatal", 1)]);
    assert_eq!(counts["total"], 5);
    let facets = app.get("/api/v1/logs/facets?severity=none,info,warn,fatal").await.json();
    assert_eq!((&facets["counted"], &facets["is_part"]), (&json!(4), &json!(false)));
    let values = |name: &str, key: &str| -> Value {
        let all = facets["facets"].as_array().unwrap();
        let found = all.iter().find(|facet| facet["name"] == name && facet["key"] == key);
        found.unwrap_or_else(|| panic!("{name} {key}: {facets}"))["values"].clone()
    };
    assert_eq!(values("environment", ""), json!([{"value": "e1", "records": 4}]));
    assert_eq!(values("attribute", "order"), json!([{"value": "0", "records": 2}, {"value": "1", "records": 2}]));
    assert_eq!(values("severity", "").as_array().unwrap().len(), 4);
    assert_eq!(values("version", ""), json!([{"value": "", "records": 4}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_surrounds_a_record_is_of_its_environment() {
    let app = App::new().await;
    some(&app).await;
    let found = app.get("/api/v1/logs?q=plain").await.json();
    let at = found["items"][0]["time_unix_nano"].as_str().unwrap();
    let around = async |of: &str| {
        let answer = app.get(&format!("/api/v1/logs/context?at={at}&tenant=default&{of}")).await.json();
        bodies(&answer).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(around("environment_id=e1").await, ["begin", "Slow:", "plain", "gave"]);
    assert_eq!(around("environment_id=e1&lines=1").await, ["Slow:", "plain", "gave"]);
    assert_eq!(around("invocation_id=i1").await, ["failed", "plain"]);
    assert_eq!(around("fn=f&source=otlp").await.len(), 5);
    for wrong in
        ["tenant=default&fn=f", "at=1&fn=f", "at=1&tenant=t", "at=x&tenant=t&fn=f", "at=1&tenant=t&fn=f&lines=0"]
    {
        app.get(&format!("/api/v1/logs/context?{wrong}")).await.problem(400, "invalid-request");
    }
}

/// What a follower has read so far.
struct Follower {
    body: axum::body::Body,
    text: String,
}

impl Follower {
    async fn begin(app: &App, target: &str) -> Self {
        let request = Request::get(target).header("host", "localhost:8080").body(axum::body::Body::empty()).unwrap();
        let response = app.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut follower = Self { body: response.into_body(), text: String::new() };
        follower.until("event: open").await;
        follower
    }

    async fn until(&mut self, part: &str) {
        let more = async {
            while !self.text.contains(part) {
                let frame = self.body.frame().await.expect("it goes on").expect("it is well");
                self.text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(30), more).await;
        assert!(in_time.is_ok(), "'{part}' does not come: {}", self.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_followed_as_they_arrive() {
    let config = Config { max_tails: 2, tail_rows: 5, ..Config::default() };
    let app = App::with(config, Principal::local_operator()).await;
    app.deploy("probe", PROBE, "").await;
    let mut all = Follower::begin(&app, "/api/v1/logs/tail?fn=probe").await;
    let mut warned = Follower::begin(&app, "/api/v1/logs/tail?fn=probe&severity=warn").await;
    let refused = app.get("/api/v1/logs/tail").await;
    assert!(refused.problem(503, "busy").contains("2 follow log records already"));
    let id = app.get("/fn/probe/log").await.header("x-faremeter-invocation-id").to_owned();
    all.until(&id).await;
    // The probe writes seven records at once, and a look takes five.
    all.until("event: dropped\ndata: {\"dropped\":2}").await;
    assert_eq!(all.text.matches(&id).count(), 5, "{}", all.text);
    warned.until("careful").await;
    assert_eq!(warned.text.matches("\"body\"").count(), 1, "{}", warned.text);
    let mark = warned.text.rsplit("id: ").next().unwrap().lines().next().unwrap().to_owned();
    drop((all, warned));
    let next = app.get("/fn/probe/log").await.header("x-faremeter-invocation-id").to_owned();
    let mut again = Follower::begin(&app, &format!("/api/v1/logs/tail?severity=warn&after={mark}")).await;
    again.until(&next).await;
    assert!(!again.text.contains(&id), "what was seen does not come again: {}", again.text);
    app.state.stopping.cancel();
    let rest = tokio::time::timeout(Duration::from_secs(10), again.body.collect()).await;
    assert!(rest.is_ok(), "it ends when the server stops");
    app.get("/api/v1/logs/tail?after=x").await.problem(400, "invalid-request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_records_says_why() {
    let app = App::new().await;
    let html = app.get("/logs").await.text().to_owned();
    assert!(html.contains("Nothing has come yet") && html.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{html}");
    let old = app.get("/logs?from=2020-01-01&to=2020-01-02").await.text().to_owned();
    assert!(old.contains("no longer kept: logs are kept for 30 days, since 20"), "{old}");
    let brief = app.get("/logs?from=now-10d&to=now-5d&tenant=brief").await.text().to_owned();
    assert!(brief.contains("logs are kept for 3 days"), "a tenant may have its own: {brief}");
    some(&app).await;
    assert!(app.get("/logs?q=nobody").await.text().contains("Clear them"));
    assert!(app.get("/logs?from=now-30m").await.text().contains("Nothing was recorded in this range"));
    let html = app.get("/logs?region=r&live=1").await.text().to_owned();
    assert!(html.contains("Log records have no region"), "{html}");
    for part in
        ["/traces/03030303030303030303030303030303", "/invocations/i0", "/functions/f", "data-environment=\"e1\""]
    {
        assert!(html.contains(part), "{part}: {html}");
    }
}

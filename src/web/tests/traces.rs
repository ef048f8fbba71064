//! Traces as pages and as API: what is found, what it cost, and what is said where there is nothing.

use serde_json::{Value, json};

use super::{App, PROBE, TRAP};
use crate::model::{Event, Link, LogRecord, Records, Span, SpanKind, StatusCode};
use crate::units::{Money, SpanId, Timestamp, TraceId};

fn trace(number: u8) -> TraceId {
    TraceId::from_bytes([number; 16]).unwrap()
}

fn id(number: u64) -> SpanId {
    SpanId::from_bytes(number.to_be_bytes()).unwrap()
}

impl App {
    /// When rows of tests begin: an hour ago.
    fn begin(&self) -> Timestamp {
        self.state.clock.now().minus(std::time::Duration::from_secs(3_600))
    }

    async fn store(&self, records: Records) {
        let slot = self.state.store.reserve(crate::store::size_of(&records)).unwrap();
        slot.append(records).await.unwrap();
    }
}

/// A span of another program.
fn span(begin: Timestamp, trace_number: u8, number: u64, parent: Option<u64>, start_ms: u64, length_ms: u64) -> Span {
    let start = begin.plus(std::time::Duration::from_millis(start_ms));
    Span {
        tenant: "default".to_owned(),
        function: None,
        source: "otlp".to_owned(),
        invocation_id: None,
        trace_id: trace(trace_number),
        span_id: id(number),
        parent_span_id: parent.map(id),
        trace_state: String::new(),
        flags: 1,
        name: format!("step {number}"),
        kind: SpanKind::Client,
        start,
        end: start.plus(std::time::Duration::from_millis(length_ms)),
        attributes: [("db.name".to_owned(), format!("db-{number}"))].into(),
        dropped_attributes_count: 0,
        events: Vec::new(),
        dropped_events_count: 0,
        links: Vec::new(),
        dropped_links_count: 0,
        status_code: StatusCode::Unset,
        status_message: String::new(),
        resource_attributes: [("service.name".to_owned(), "cart".to_owned())].into(),
        scope_name: String::new(),
        scope_version: String::new(),
    }
}

fn trace_ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap_or_else(|| panic!("{list}"));
    items.iter().map(|item| item["trace_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_traces_with_their_cost() {
    let app = App::new().await;
    app.deploy("probe", PROBE, "&tenant=shop&tag=team=a").await;
    app.deploy("trap", TRAP, "").await;
    let (of, caller) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let parent = format!("00-{of}-{caller}-01");
    let mut cost = Money::ZERO;
    for _ in 0..2 {
        let called = app.send(http::Request::get("/fn/probe/log").header("traceparent", &parent), "").await;
        cost = cost + called.header("x-faremeter-list-cost").parse().unwrap();
    }
    app.get("/fn/trap").await;

    let list = app.get("/api/v1/traces").await.json();
    assert_eq!((list["items"].as_array().unwrap().len(), &list["next_cursor"]), (2, &Value::Null), "{list}");
    let found = list["items"].as_array().unwrap().iter().find(|item| item["trace_id"] == of).unwrap().clone();
    let expected = json!([{"amount": cost.to_string(), "currency": "USD"}]);
    assert_eq!((&found["list_cost"], &found["invocations"], &found["cold"]), (&expected, &json!(2), &json!(1)));
    let spans = app.sql(&format!("SELECT count(*) AS n FROM spans WHERE trace_id = '{of}'")).await;
    assert_eq!(found["spans"], spans["rows"][0]["n"]);

    let whole = app.get(&format!("/api/v1/traces/{of}")).await.json();
    assert_eq!((&whole["list_cost"], &whole["orphans"], &whole["is_cut"]), (&expected, &json!(2), &json!(false)));
    let roots: Vec<&Value> =
        whole["items"].as_array().unwrap().iter().filter(|item| item["parent"].is_null()).collect();
    assert!(roots.iter().all(|root| root["missing_parent"] == caller && root["name"] == "probe"), "{roots:?}");
    let amounts = roots.iter().map(|root| root["list_cost"][0]["amount"].as_str().unwrap().parse::<Money>().unwrap());
    assert_eq!(amounts.fold(Money::ZERO, |sum, amount| sum + amount), cost, "inclusive costs of the roots are all");

    let page = app.get(&format!("/traces/{of}")).await;
    assert_eq!(page.status, 200);
    for part in [&format!("{cost} USD"), "2 spans name a parent that is not here", "id=\"trace\"", "/logs?trace_id="] {
        assert!(page.text().contains(part), "{part} is not in {}", page.text());
    }
    let html = app.get("/traces").await.text().to_owned();
    assert!(html.contains(&format!("href=\"/traces/{of}\"")) && html.contains(&format!("{cost} USD")), "{html}");
    for (filter, count) in [
        ("fn=probe", 1),
        ("tenant=shop&tag=team:a", 1),
        ("outcome=failed", 1),
        ("outcome=timeout", 0),
        ("cold=yes", 2),
        ("cold=no", 1),
        ("min_duration=1h", 0),
        ("max_duration=1h", 2),
        ("attr=faas.coldstart=true", 2),
        ("attr=faas.name=trap", 1),
        ("from=now-2h&to=now-1h", 0),
    ] {
        assert_eq!(trace_ids(&app.get(&format!("/api/v1/traces?{filter}")).await.json()).len(), count, "{filter}");
    }
    let logs = app.get(&format!("/api/v1/traces/{of}/logs")).await.json();
    let stored = app.sql(&format!("SELECT count(*) AS n FROM logs WHERE trace_id = '{of}'")).await;
    assert_eq!(json!(logs["items"].as_array().unwrap().len()), stored["rows"][0]["n"]);
    let id = app.sql(&format!("SELECT invocation_id FROM invocations WHERE trace_id = '{of}'")).await;
    let of_invocation = app.get(&format!("/invocations/{}", id["rows"][0]["invocation_id"].as_str().unwrap())).await;
    assert!(of_invocation.text().contains(&format!("href=\"/traces/{of}\"")), "a jump to the trace");
    let points = app.get("/api/v1/traces/scatter").await.json();
    assert_eq!((points["entries"].clone(), points["points"].as_array().unwrap().len()), (json!(3), 3), "{points}");
    for wrong in ["outcome=bad", "attr=x", "cursor=x", "min_duration=1", "limit=0", "x=1"] {
        app.get(&format!("/api/v1/traces?{wrong}")).await.problem(400, "invalid-request");
        app.get(&format!("/traces?{wrong}")).await.problem(400, "invalid-request");
    }
}

/// More traces than are drawn, over eight days: the sample is of all days, and what few match is drawn whole.
#[tokio::test(flavor = "multi_thread")]
async fn the_chart_covers_a_long_range_evenly() {
    const TRACES: u32 = 16_000;
    let app = App::new().await;
    let begin = app.state.clock.now().minus(std::time::Duration::from_secs(8 * 86_400));
    let apart = 8 * 86_400_000 / u64::from(TRACES);
    let spans = (1..=TRACES).map(|number| {
        let length = if number.is_multiple_of(4_000) { 600_000 } else { 5 };
        let mut digest = [0; 16];
        digest[..4].copy_from_slice(&number.to_be_bytes());
        digest[12..].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
        let plain = span(begin, 1, u64::from(number), None, u64::from(number - 1) * apart, length);
        Span { trace_id: TraceId::from_bytes(digest).unwrap(), ..plain }
    });
    app.store(Records { spans: spans.collect(), ..Records::default() }).await;

    let all = app.get("/api/v1/traces/scatter?from=now-12d").await.json();
    let (entries, every) = (all["entries"].as_i64().unwrap(), all["every"].as_i64().unwrap());
    assert!(every > 1 && (13_600..=18_400).contains(&entries), "about 16,000: {entries}, one of {every}");
    let points = all["points"].as_array().unwrap();
    assert!((1_600..=2_000).contains(&points.len()), "{} points", points.len());
    let mut days = [0; 8];
    for point in points {
        let since = point["time"].as_i64().unwrap() - begin.micros() / 1_000;
        days[usize::try_from(since / 86_400_000).unwrap().min(7)] += 1;
    }
    assert!(days.iter().all(|points| (150..=350).contains(points)), "{days:?}");
    assert!(all["notice"].as_str().unwrap().starts_with("an even sample: "), "{}", all["notice"]);

    let slow = app.get("/api/v1/traces/scatter?from=now-12d&min_duration=1m").await.json();
    assert_eq!((&slow["entries"], &slow["every"], &slow["notice"]), (&json!(4), &json!(1), &Value::Null));
    assert_eq!(slow["points"].as_array().unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_traces_join_without_a_gap_or_a_repeat() {
    let app = App::new().await;
    let begin = app.begin();
    let mut spans = Vec::new();
    for number in 1..=9_u8 {
        // Two spans without a parent in each, far enough apart to be on two pages.
        spans.push(span(begin, number, u64::from(number), None, u64::from(number) * 10, 5));
        spans.push(span(begin, number, u64::from(number) + 100, None, u64::from(number) * 10 + 35, 5));
    }
    app.store(Records { spans, ..Records::default() }).await;
    let all = trace_ids(&app.get("/api/v1/traces").await.json());
    assert_eq!(all, (1..=9).rev().map(|number| trace(number).to_string()).collect::<Vec<_>>());
    let (mut seen, mut target) = (Vec::new(), "/api/v1/traces?limit=2".to_owned());
    for _ in 0..20 {
        let page = app.get(&target).await.json();
        seen.extend(trace_ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        target = format!("/api/v1/traces?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, all, "each once, in one order");
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_of_others_are_shown_with_all_they_say() {
    let app = App::new().await;
    let begin = app.begin();
    let mut root = span(begin, 7, 1, None, 0, 100);
    let mut child = span(begin, 7, 2, Some(1), 10, 40);
    child.status_code = StatusCode::Error;
    child.status_message = "no <route>".to_owned();
    root.events = vec![Event {
        time: root.start.plus(std::time::Duration::from_millis(3)),
        name: "retry".to_owned(),
        attributes: [("n".to_owned(), "1".to_owned())].into(),
        dropped_attributes_count: 0,
    }];
    root.links = vec![Link {
        trace_id: trace(8),
        span_id: id(5),
        trace_state: String::new(),
        attributes: Default::default(),
        dropped_attributes_count: 0,
        flags: 0,
    }];
    app.store(Records { spans: vec![child, root], ..Records::default() }).await;
    let of = trace(7).to_string();
    let whole = app.get(&format!("/api/v1/traces/{}", of.to_uppercase())).await.json();
    assert_eq!(
        (&whole["duration_ns"], &whole["errors"], &whole["list_cost"]),
        (&json!(100_000_000), &json!(1), &json!([]))
    );
    let [root, child] = [&whole["items"][0], &whole["items"][1]];
    assert_eq!((&root["name"], &root["function"], &root["below"]), (&json!("step 1"), &json!("cart"), &json!(1)));
    assert_eq!((&root["own_ns"], &root["critical_ns"]), (&json!(60_000_000), &json!(60_000_000)));
    assert_eq!((&root["events"], &root["links"], &root["kind"]), (&json!(1), &json!(1), &json!("client")));
    assert_eq!((&child["parent"], &child["depth"], &child["start_ns"]), (&json!(0), &json!(1), &json!(10_000_000)));
    assert_eq!((&child["failed"], &child["status_message"]), (&json!(true), &json!("no <route>")));
    let span = app.get(&format!("/api/v1/traces/{of}/spans/{}", id(1))).await.json();
    let (event, link) = (&span["items"][0]["events"][0], &span["items"][0]["links"][0]);
    assert_eq!((&event["name"], &event["attributes"]), (&json!("retry"), &json!({"n": "1"})));
    assert!(event["time_unix_nano"].is_string(), "exact: {event}");
    assert_eq!(link["trace_id"], trace(8).to_string());
    app.get(&format!("/api/v1/traces/{of}/spans/{}", id(99))).await.problem(404, "not-found");
    let html = app.get(&format!("/traces/{of}")).await.text().to_owned();
    assert!(html.contains("1 failed") && html.contains("no \\u003croute") && !html.contains("<route>"), "{html}");
    let found = |list: Value| trace_ids(&list);
    for (filter, count) in [
        ("attr=db.name=db-2", 1),
        ("attr=service.name=cart", 1),
        ("attr=db.name=db-3", 0),
        ("min_duration=100ms", 1),
        ("max_duration=99ms", 0),
        ("outcome=ok", 1),
    ] {
        assert_eq!(found(app.get(&format!("/api/v1/traces?{filter}")).await.json()).len(), count, "{filter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_spans_are_one_answer() {
    let app = App::new().await;
    let begin = app.begin();
    let parent = |number: u64| (number > 1).then_some(number / 3 + 1).filter(|parent| *parent != number);
    let spans: Vec<Span> = (1..=10_000).map(|number| span(begin, 3, number, parent(number), number / 10, 50)).collect();
    for part in spans.chunks(1_000) {
        app.store(Records { spans: part.to_vec(), ..Records::default() }).await;
    }
    let whole = app.get(&format!("/api/v1/traces/{}", trace(3))).await.json();
    let items = whole["items"].as_array().unwrap();
    assert_eq!((items.len(), &whole["is_cut"]), (10_000, &json!(false)));
    for (place, item) in items.iter().enumerate() {
        let parent = item["parent"].as_u64();
        assert!(parent.is_none_or(|parent| usize::try_from(parent).unwrap() < place), "parents come first");
    }
    let page =
        app.send(http::Request::get(format!("/traces/{}", trace(3))).header("accept-encoding", "gzip"), "").await;
    assert_eq!(page.status, 200);
    assert!(page.body.len() < 600_000, "{} bytes are sent", page.body.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_explained() {
    let app = App::new().await;
    let html = app.get("/traces").await.text().to_owned();
    for part in ["Nothing has come yet", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318", "faremeter deploy"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let old = app.get("/traces?from=2020-01-01&to=2020-01-02").await.text().to_owned();
    assert!(old.contains("no longer kept: invocations are kept for 400 days"), "{old}");
    let unknown = trace(9).to_string();
    let reply = app.get(&format!("/traces/{unknown}")).await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (404, "text/html; charset=utf-8"));
    for part in
        [unknown.as_str(), "<code>spans</code>: kept for 30 days", "<code>invocations</code>: kept for 400 days"]
    {
        assert!(reply.text().contains(part), "{part}: {}", reply.text());
    }
    assert!(app.get("/traces/%3Cscript%3E").await.text().contains("&lt;script&gt;' is no trace's id"));
    app.get(&format!("/api/v1/traces/{unknown}")).await.problem(404, "not-found");
    app.get("/api/v1/traces/xyz").await.problem(404, "not-found");
    let moved = app.get("/traces?trace_id=1-5759e988-bd862e3fe1be46a994272793").await;
    assert_eq!((moved.status.as_u16(), moved.header("location")), (303, "/traces/5759e988bd862e3fe1be46a994272793"));

    let begin = app.begin();
    app.store(Records {
        logs: vec![said(trace(9), begin)],
        spans: vec![span(begin, 1, 1, None, 0, 1)],
        ..Records::default()
    })
    .await;
    assert!(app.get(&format!("/traces/{unknown}")).await.text().contains(&format!("/logs?trace_id={unknown}")));
    let filtered = app.get("/traces?fn=nobody").await.text().to_owned();
    assert!(filtered.contains("matches the filters") && filtered.contains("Clear them"), "{filtered}");
    assert!(app.get("/traces?from=now-30m").await.text().contains("Nothing was recorded in this range"));
    assert!(app.get("/traces?from=now-60d").await.text().contains("spans are kept for 30 days: since 20"));
}

/// A record that names a trace.
pub(super) fn said(trace_id: TraceId, time: Timestamp) -> LogRecord {
    LogRecord {
        tenant: "default".to_owned(),
        function: Some("f".to_owned()),
        version: None,
        invocation_id: None,
        environment_id: Some("e".to_owned()),
        source: "otlp".to_owned(),
        origin_id: None,
        time,
        observed_time: time,
        severity_number: 9,
        severity_text: "INFO".to_owned(),
        body: "said".to_owned(),
        attributes: Default::default(),
        dropped_attributes_count: 0,
        flags: 0,
        trace_id: Some(trace_id),
        span_id: None,
        event_name: String::new(),
        resource_attributes: Default::default(),
        scope_name: String::new(),
        scope_version: String::new(),
    }
}

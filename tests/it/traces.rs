//! What a call leaves besides its record: headers for its caller, one tree of spans, and log records.

use std::collections::HashSet;

use serde_json::Value;

use crate::support::cli::Running;
use crate::support::http::Request;
use crate::support::rows::Row;
use crate::support::server::Server;
use crate::support::{guest, probe, wait_until};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

#[test]
fn an_incoming_trace_is_continued() {
    let server = Server::shared();
    server.deploy("trace-probe", &probe(), &[]);
    let incoming = format!("00-{TRACE}-{CALLER}-01");
    let answer = server.send(&Request::get("/fn/trace-probe/headers").header("traceparent", &incoming));
    let parts: Vec<&str> = answer.header("traceparent").split('-').collect();
    let [version, trace, own, flags] = parts[..] else { panic!("a traceparent has four parts: {answer:?}") };
    assert_eq!((version, trace, flags), ("00", TRACE, "01"));
    assert_ne!(own, CALLER);
    let seen = answer.json()["traceparent"][0].as_str().expect("the guest sees a traceparent").to_owned();
    assert_eq!(seen, answer.header("traceparent"), "the guest's own calls continue below the invocation's span");

    let id = answer.invocation_id();
    let record = server.record(id);
    assert_eq!((record.text("trace_id"), record.text("span_id")), (TRACE, own));
    let spans = server.sql(&format!("SELECT * FROM spans WHERE invocation_id = '{id}'"));
    let root = check_tree(&spans, &record);
    assert_eq!(root.text("parent_span_id"), CALLER);
    check_phases(&spans, &record);
    for phase in answer.header("server-timing").split(',') {
        let (name, length) = phase.trim().split_once(";dur=").expect("server-timing is name;dur=ms");
        assert!(length.parse::<f64>().is_ok_and(|ms| ms >= 0.0), "{name}: {answer:?}");
    }
    assert!(answer.header("server-timing").contains("handler;dur="), "{answer:?}");
}

/// All spans of the call are of one trace and hang together; returns the root.
fn check_tree<'a>(spans: &'a [Row], record: &Row) -> &'a Row {
    let ids: HashSet<&str> = spans.iter().map(|span| span.text("span_id")).collect();
    assert_eq!(ids.len(), spans.len(), "no span twice");
    let (roots, children): (Vec<_>, Vec<_>) =
        spans.iter().partition(|span| span.text("span_id") == record.text("span_id"));
    let [root] = roots[..] else { panic!("one root: {spans:?}") };
    assert_eq!((root.int("kind"), root.text("name")), (2, record.text("function")));
    let (start, end) = (root.int("start_time_unix_nano"), root.int("end_time_unix_nano"));
    assert_eq!(end - start, record.felt_ns(), "the root lasts as long as the caller felt it");
    for span in spans {
        assert_eq!(span.text("trace_id"), record.text("trace_id"));
        assert_eq!((span.text("tenant"), span.text("function")), (record.text("tenant"), record.text("function")));
        assert_eq!(span.entry("resource_attributes", "faas.name"), record.text("function"));
        assert!(start <= span.int("start_time_unix_nano") && span.int("end_time_unix_nano") <= end, "{span:?}");
    }
    for child in children {
        assert!(ids.contains(child.text("parent_span_id")), "no orphan: {child:?}");
    }
    assert_eq!(root.entry("attributes", "faas.invocation_id"), record.text("invocation_id"));
    assert_eq!(root.entry("attributes", "faas.coldstart"), record.flag("cold").to_string());
    root
}

/// Each phase that took time is a span of that length.
fn check_phases(spans: &[Row], record: &Row) {
    for phase in ["queue", "load", "compile", "instantiate", "init", "handler"] {
        let column = if phase == "handler" { "duration_ns".to_owned() } else { format!("{phase}_ns") };
        let length = |span: &Row| span.int("end_time_unix_nano") - span.int("start_time_unix_nano");
        let lengths: Vec<i64> = spans.iter().filter(|span| span.text("name") == phase).map(length).collect();
        let expected = record.int(&column);
        assert_eq!(lengths, if expected > 0 { vec![expected] } else { vec![] }, "{phase}: {record:?}");
    }
}

#[test]
fn without_an_incoming_trace_a_new_one_begins() {
    let server = Server::shared();
    server.deploy("trace-ok", &guest("ok.wat"), &[]);
    let broken = format!("00-{TRACE}-0000000000000000-01");
    for header in [None, Some("nonsense"), Some(broken.as_str())] {
        let request = Request::post("/fn/trace-ok", "x");
        let answer = server.send(&header.map_or(request.clone(), |text| request.header("traceparent", text)));
        let record = server.record(answer.invocation_id());
        assert_ne!(record.text("trace_id"), TRACE);
        let sql = format!("SELECT * FROM spans WHERE invocation_id = '{}'", answer.invocation_id());
        assert!(check_tree(&server.sql(&sql), &record).is_null("parent_span_id"), "{header:?}");
    }
}

#[test]
fn a_failed_call_is_a_failed_span() {
    let server = Server::shared();
    server.deploy("trace-exit", &guest("exit.wat"), &[]);
    let answer = server.invoke("trace-exit", "");
    let record = server.record(answer.invocation_id());
    let spans = server.sql(&format!("SELECT * FROM spans WHERE invocation_id = '{}'", answer.invocation_id()));
    let root = check_tree(&spans, &record);
    assert_eq!(root.int("status_code"), 2);
    assert_eq!(root.text("status_message"), record.text("error_message"));
    assert_eq!(root.entry("attributes", "error.type"), record.text("error_type"));
}

#[test]
fn what_a_component_prints_becomes_log_records() {
    let server = Server::shared();
    server.deploy("trace-log", &probe(), &[]);
    let answer = server.get("/fn/trace-log/log");
    let record = server.record(answer.invocation_id());
    let sql = format!("SELECT * FROM logs WHERE invocation_id = '{}'", answer.invocation_id());
    let logs = server.sql(&sql);
    let find = |body: &str| {
        let found: Vec<&Row> = logs.iter().filter(|log| log.text("body") == body).collect();
        let [log] = found[..] else { panic!("'{body}' once: {logs:?}") };
        log
    };
    let expected = [
        ("plain line on stderr", "stderr", 9, "INFO"),
        ("careful", "stderr", 13, "WARN"),
        ("ERROR something broke", "stderr", 17, "ERROR"),
        ("in two pieces", "stderr", 9, "INFO"),
        ("plain line on stdout", "stdout", 9, "INFO"),
        ("json on stdout", "stdout", 9, "INFO"),
        ("last line without an end", "stderr", 9, "INFO"),
    ];
    for (body, stream, number, text) in expected {
        let log = find(body);
        assert_eq!(
            (log.text("scope_name"), log.int("severity_number"), log.text("severity_text")),
            (stream, number, text)
        );
        for column in ["trace_id", "span_id", "function", "version", "environment_id", "tenant"] {
            assert_eq!(log.text(column), record.text(column), "{column} of '{body}'");
        }
    }
    assert_eq!(find("careful").entry("attributes", "n"), "7");
    assert_eq!(logs.len(), expected.len());
}

#[test]
fn logs_are_printed_in_each_format_and_followed() {
    let server = Server::shared();
    server.deploy("trace-follow", &guest("log.wat"), &[]);
    let first = server.invoke("trace-follow", "");
    assert_eq!(first.text(), "logged");
    let printed = server.cli(&["logs", "trace-follow"]).ok();
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 3, "{printed}");
    assert!(lines[0].ends_with("INFO  plain line"), "{printed}");
    assert!(lines[1].ends_with("WARN  careful n=7"), "{printed}");
    assert!(lines[2].contains("ERROR") && lines[2].contains("something broke"), "{printed}");

    let json = server.cli(&["logs", "trace-follow", "--output", "json"]).ok();
    let records: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect();
    assert!(records.iter().all(|record| record["invocation_id"] == first.invocation_id()), "{json}");
    let csv = server.cli(&["logs", "trace-follow", "--output", "csv"]).ok();
    assert_eq!(csv.lines().count(), 4, "{csv}");

    let follow = Running::begin(&["logs", "trace-follow", "--follow", "--output", "json", "--server", &server.url]);
    wait_until("the records so far are printed", || (follow.stdout().lines().count() == 3).then_some(()));
    let second = server.invoke("trace-follow", "").invocation_id().to_owned();
    let printed = wait_until("the new records follow", || {
        let printed = follow.stdout();
        (printed.matches(&second).count() == 3).then_some(printed)
    });
    assert_eq!(printed.lines().count(), 6, "each record once: {printed}");
}

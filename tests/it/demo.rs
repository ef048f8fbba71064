//! `faremeter demo`: one command, and functions are called and seen, with a history behind them; when it ends
//! nothing of it is left.

use std::sync::Arc;

use crate::support::rows::Row;
use crate::support::server::{Home, Server};
use crate::support::{path_text, wait_until};

const SAMPLES: [&str; 12] = [
    "auth",
    "checkout",
    "export-csv",
    "fraud-score",
    "geocode",
    "hello",
    "invoice",
    "notify",
    "report",
    "search",
    "thumbnail",
    "wordcount",
];

/// Those that are called at every hour of the day and every day of the week.
const BUSY: [&str; 6] = ["auth", "checkout", "fraud-score", "geocode", "notify", "search"];

/// The demo's own folder, which it makes where temporary folders go.
fn scratch(home: &Home, server: &Server) -> std::path::PathBuf {
    home.folder().join(format!("faremeter-demo-{}", server.pid()))
}

fn until_ready(server: &Server) {
    wait_until("the demo is ready", || (server.get("/readyz").status == 200).then_some(()));
}

#[test]
fn the_demo_calls_its_functions_and_shows_them() {
    let home = Arc::new(Home::demo().arg("--history").arg("20k").arg("--load").arg("2000"));
    let server = home.serve();
    let scratch = scratch(&home, &server);
    assert!(scratch.is_dir(), "{}", scratch.display());
    let begin = server.text("SELECT max(started_at) AS at FROM invocations", "at");
    let live = format!("FROM invocations WHERE outcome = 'ok' AND started_at > TIMESTAMP '{begin}'");
    wait_until("the busy functions were called and answered", || {
        let rows = server.sql(&format!("SELECT DISTINCT function {live} ORDER BY function"));
        let found: Vec<&str> = rows.iter().map(|row| row.text("function")).collect();
        BUSY.iter().all(|name| found.contains(name)).then_some(())
    });
    assert!(server.printed().iter().any(|line| line.contains("faremeter invoke hello")), "it says what to try");
    let hello = server.cli(&["invoke", "hello", "--payload", "Ada"]).ok();
    assert!(hello.contains("Hello, Ada!"), "{hello}");
    the_history_looks_like_the_live_rows(&server, &begin);

    let shown = server.sql("SELECT invocation_id FROM invocations ORDER BY started_at DESC LIMIT 10");
    let page = server.get("/functions");
    assert_eq!(page.status, 200);
    for name in SAMPLES {
        assert!(page.text().contains(name), "{name} is on the page");
    }
    let calls = server.get("/invocations");
    assert!(shown.iter().any(|row| calls.text().contains(row.text("invocation_id"))), "calls are on their page");
    assert!(server.stop().success(), "{}", home.log());
    assert!(!scratch.exists(), "the demo cleans up");
}

/// Same columns filled, same spans, same attributes: nobody sees which rows were made.
fn the_history_looks_like_the_live_rows(server: &Server, begin: &str) {
    let one = |function: &str, when: &str| {
        let warm = format!("function = '{function}' AND NOT cold AND outcome = 'ok' AND http_status = 200");
        let sql = format!(
            "SELECT * FROM invocations WHERE {warm} AND started_at {when} TIMESTAMP '{begin}' \
            AND started_at > TIMESTAMP '{begin}' - INTERVAL '1 day' ORDER BY started_at DESC LIMIT 1"
        );
        wait_until("there is a warm call", || server.sql(&sql).into_iter().next())
    };
    for function in ["checkout", "geocode"] {
        let [past, live] = ["<", ">"].map(|when| one(function, when));
        let same = [
            "tenant",
            "version",
            "region",
            "runtime",
            "trigger",
            "source",
            "tags",
            "account",
            "init_type",
            "memory_mb",
            "price_book",
            "currency",
            "attempt",
            "error_type",
            "throttle_reason",
            "fuel",
            "egress_bytes",
        ];
        for column in same {
            assert_eq!(past.get(column), live.get(column), "{function}: {column}");
        }
        for table in ["spans", "logs"] {
            let [past, live] = [&past, &live].map(|row| shapes(server, table, row.text("invocation_id")));
            assert_eq!(past, live, "{function}: {table}");
        }
    }
}

/// The names of everything that is said of an invocation in spans or logs.
fn shapes(server: &Server, table: &str, invocation: &str) -> Vec<String> {
    let time = if table == "spans" { "start_time_unix_nano, parent_span_id IS NOT NULL" } else { "time" };
    let rows = server.sql(&format!("SELECT * FROM {table} WHERE invocation_id = '{invocation}' ORDER BY {time}"));
    assert!(!rows.is_empty(), "{table} of {invocation}");
    let said = |row: &Row, columns: &[&str]| {
        columns.iter().map(|name| row.get(name).to_string()).collect::<Vec<_>>().join(" ")
    };
    let keys = |row: &Row, column: &str| {
        row.get(column).as_object().map(|map| map.keys().cloned().collect::<Vec<_>>().join(",")).unwrap_or_default()
    };
    let shape = |row: &Row| {
        let more: &[&str] = match table {
            "spans" => &[
                "name",
                "kind",
                "status_code",
                "status_message",
                "flags",
                "scope_name",
                "scope_version",
                "trace_state",
            ],
            _ => &[
                "severity_text",
                "severity_number",
                "body",
                "scope_name",
                "flags",
                "event_name",
                "dropped_attributes_count",
            ],
        };
        format!("{} {} {}", said(row, more), keys(row, "attributes"), row.get("resource_attributes"))
    };
    rows.iter().map(shape).collect()
}

#[test]
fn the_page_is_there_before_the_history_and_shows_how_far_it_is() {
    let home = Arc::new(Home::demo().arg("--history").arg("60000").arg("--no-load").arg("--seed").arg("5"));
    let server = home.begin().listening();
    let first = server.get("/readyz");
    assert_eq!(first.status, 503, "{}", first.text());
    assert!(first.text().contains("\"history\"") && first.text().contains("\"functions\""), "{}", first.text());
    let page = server.get("/");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Not all is up yet") && page.text().contains("history:"), "{}", page.text());
    until_ready(&server);
    assert!(!server.get("/").text().contains("Not all is up yet"));
    let found = server.row(
        "SELECT count(*) AS n, count(DISTINCT function) AS functions, max(started_at) <= now() AS past, \
         count(DISTINCT date) AS days FROM invocations",
    );
    assert!((60_000..66_000).contains(&found.int("n")), "{found:?}");
    assert_eq!((found.int("functions"), found.flag("past"), found.int("days")), (12, true, 66));
    let bad = "SELECT count(*) AS n FROM invocations WHERE outcome <> 'throttled' \
        AND billed_ms <> greatest(1, (init_ns + duration_ns + 999999) / 1000000)";
    assert_eq!(server.count(bad), 0);
    let names: Vec<String> = server.get("/api/v1/functions").json()["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|function| function["name"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(names, SAMPLES);
    let versions = "SELECT count(*) AS n FROM invocations WHERE function = 'checkout' AND version = '3'";
    assert!(server.count(versions) > 0 && server.get("/api/v1/functions").text().contains("\"version\":3"));
    assert!(!home.log().contains('█'), "a pipe gets no bar");
    assert!(server.stop().success(), "{}", home.log());
}

#[test]
fn a_load_that_was_killed_is_completed_by_the_next_start() {
    let home = Home::demo().arg("--history").arg("150k").arg("--no-load");
    let folder = home.folder().join("kept");
    let home = Arc::new(home.arg("--data").arg(&path_text(&folder)));
    let server = home.begin().listening();
    wait_until("some of it is loaded", || {
        (server.count("SELECT count(*) AS n FROM invocations") > 10_000).then_some(())
    });
    server.kill();
    let server = home.begin().listening();
    until_ready(&server);
    let found = server.row(
        "SELECT count(*) AS n, count(DISTINCT invocation_id || ' ' || CAST(attempt AS VARCHAR)) AS different FROM invocations",
    );
    assert_eq!(found.int("n"), found.int("different"));
    assert!((150_000..165_000).contains(&found.int("n")), "{found:?}");
    assert!(server.stop().success(), "{}", home.log());
    assert!(folder.is_dir(), "a named folder stays");
}

#[test]
fn without_history_and_load_there_are_no_rows() {
    let home = Arc::new(Home::demo().arg("--no-load").arg("--history").arg("none"));
    let server = home.serve();
    let scratch = scratch(&home, &server);
    assert_eq!(server.get("/readyz").status, 200);
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(server.count("SELECT count(*) AS n FROM invocations"), 0);
    assert!(server.stop().success(), "{}", home.log());
    assert!(!scratch.exists(), "the demo cleans up");
}

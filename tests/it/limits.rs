//! Limits on calls at once: over one, a call is turned away at once and leaves a record; never a call gets over.

use std::sync::Arc;

use serde_json::Value;

use crate::support::http::Response;
use crate::support::rows::Row;
use crate::support::server::{Home, Server};
use crate::support::{guest, money, probe, wait_until};

/// Checks a call that was turned away, and its record, for which the answer does not wait.
fn check_throttled(server: &Server, answer: &Response, reason: &str) {
    answer.problem(429);
    assert_eq!(answer.json().get("reason").and_then(Value::as_str), Some(reason), "{answer:?}");
    assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{answer:?}");
    let sql = format!("SELECT * FROM invocations WHERE invocation_id = '{}'", answer.invocation_id());
    let row = wait_until("the throttled call is on record", || {
        let mut rows = server.sql(&sql);
        assert!(rows.len() <= 1, "{rows:?}");
        rows.pop()
    });
    assert_eq!((row.text("outcome"), row.text("throttle_reason"), row.int("http_status")), ("throttled", reason, 429));
    assert_eq!((row.int("billed_ms"), money::units(row.text("list_cost")), row.felt_ns()), (0, 0, 0), "{row:?}");
    assert!(row.is_null("environment_id") && !row.flag("cold"), "{row:?}");
}

#[test]
fn a_function_without_concurrency_is_stopped() {
    let server = Server::shared();
    server.deploy("limit-none", &guest("ok.wat"), &["--reserved-concurrency", "0"]);
    for _ in 0..3 {
        check_throttled(&server, &server.invoke("limit-none", "x"), "function-concurrency");
    }
    check_throttled(&server, &server.get("/fn/limit-none"), "function-concurrency");
    let refused = server.cli(&["invoke", "limit-none"]);
    refused.failed(1);
    server.deploy("limit-none", &guest("ok.wat"), &["--reserved-concurrency", "1"]);
    assert_eq!(server.invoke("limit-none", "x").text(), "x", "a new version has its own limit");
}

#[test]
fn of_two_calls_at_once_one_is_turned_away() {
    let server = Server::shared();
    server.deploy("limit-one", &probe(), &["--reserved-concurrency", "1", "--timeout", "30s"]);
    let answers = at_once(&server, 2, "/fn/limit-one/sleep?ms=1500");
    let (ran, turned_away): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((ran.len(), turned_away.len()), (1, 1), "{answers:?}");
    check_throttled(&server, turned_away[0], "function-concurrency");
    assert_eq!(server.get("/fn/limit-one/sleep?ms=1").status, 200, "what was taken is given back");
}

#[test]
fn the_account_has_a_limit_of_its_own() {
    let home = Arc::new(Home::new().config("[runtime]\naccount_concurrency = 2\n"));
    let server = home.serve();
    server.deploy("one", &probe(), &["--timeout", "30s"]);
    let answers = at_once(&server, 3, "/fn/one/sleep?ms=1500");
    let turned_away: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert_eq!(turned_away.len(), 1, "{answers:?}");
    check_throttled(&server, turned_away[0], "account-concurrency");
    assert!(server.stop().success());
}

#[test]
fn never_a_call_gets_over_the_limit() {
    const LIMIT: usize = 5;
    const CALLS: usize = 50;
    let server = Server::shared();
    server.deploy("limit-five", &probe(), &["--reserved-concurrency", "5", "--timeout", "30s"]);
    let answers = at_once(&server, CALLS, "/fn/limit-five/sleep?ms=300");
    let ran = answers.iter().filter(|answer| answer.status == 200).count();
    let turned_away = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!(ran + turned_away, CALLS, "{answers:?}");
    assert!(ran >= LIMIT && turned_away > 0, "{ran} ran");

    let sql = "SELECT *, CAST(started_at AS BIGINT) AS at FROM invocations WHERE function = 'limit-five'";
    let rows = wait_until("every call is on record", || {
        let rows = server.sql(sql);
        (rows.len() >= CALLS).then_some(rows)
    });
    assert_eq!(rows.len(), CALLS, "one record for each");
    let count = |outcome: &str| rows.iter().filter(|row| row.text("outcome") == outcome).count();
    assert_eq!((count("ok"), count("throttled")), (ran, turned_away));
    let ok: Vec<&Row> = rows.iter().filter(|row| row.text("outcome") == "ok").collect();
    let most = most_at_once(&ok);
    assert!(most <= LIMIT, "{most} at once");
    let environments: std::collections::HashSet<&str> = ok.iter().map(|row| row.text("environment_id")).collect();
    assert!(environments.len() <= LIMIT, "{environments:?}");
    assert_eq!(ok.iter().filter(|row| row.flag("cold")).count(), environments.len(), "each is cold once");
}

/// A record's room is reserved before its call runs, so a buffer that is full refuses work and loses no record.
#[test]
fn a_full_buffer_refuses_calls_before_they_run() {
    let home = Arc::new(Home::new().config("[store]\nbuffer_mb = 1\ncommit_interval = \"500ms\"\n"));
    let server = home.serve();
    server.deploy("slow", &probe(), &["--timeout", "30s"]);
    let answers = at_once(&server, 12, "/fn/slow/sleep?ms=1500");
    let (ran, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(!ran.is_empty() && !refused.is_empty(), "{answers:?}");
    for answer in &refused {
        answer.problem(503);
        assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{answer:?}");
    }
    wait_until("there is room again", || (server.get("/fn/slow/noread").status == 200).then_some(()));
    let metrics = server.get("/metrics");
    let counted = metrics.text().lines().any(|line| line.contains("store_refused") && !line.ends_with(" 0"));
    assert!(counted, "what was refused is counted: {}", metrics.text());
    let rows = server.sql("SELECT outcome FROM invocations WHERE outcome <> 'ok'");
    assert!(rows.is_empty(), "what was refused left no record: {rows:?}");
    assert_eq!(server.count("SELECT count(*) AS n FROM invocations"), i64::try_from(ran.len()).expect("few") + 1);
    assert!(server.stop().success());
}

/// Calls so many times at once, each on a connection of its own.
fn at_once(server: &Server, calls: usize, target: &str) -> Vec<Response> {
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..calls).map(|_| scope.spawn(|| server.get(target))).collect();
        calls.into_iter().map(|call| call.join().expect("a call is answered")).collect()
    })
}

/// The most handlers that ran at one moment, by the records. Times are in whole µs, so 2 µs at each end do not count.
fn most_at_once(rows: &[&Row]) -> usize {
    let mut moments: Vec<(i64, i64)> = Vec::new();
    for row in rows {
        let end = row.int("at") * 1_000 + row.felt_ns();
        moments.push((end - row.int("duration_ns") + 2_000, 1));
        moments.push((end - 2_000, -1));
    }
    moments.sort_unstable();
    let (mut now, mut most) = (0, 0);
    for (_, step) in moments {
        now += step;
        most = most.max(now);
    }
    usize::try_from(most).expect("at least none")
}

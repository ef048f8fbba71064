//! A thousand connections that all call at once, from nothing: each is served, or turned away by the limit that is set,
//! and leaves one record.

use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;

use crate::support::http::{Connection, Request, Response};
use crate::support::probe;
use crate::support::server::{Home, Server};
use crate::support::wait_until;

const CONNECTIONS: usize = 1_000;
/// Long enough for all calls to be there before the first ends, as far as the machine is not very busy.
const TARGET: &str = "/fn/burst/sleep?ms=6000";

/// Connects, then sends on all connections before it reads an answer from any.
fn burst(server: &Server) -> Vec<Response> {
    // Each connection is an open file here too.
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < 2 * CONNECTIONS as u64) {
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        setrlimit(Resource::Nofile, raised).expect("the limit may be raised to its maximum");
    }
    let mut connections: Vec<Connection> = (0..CONNECTIONS).map(|_| server.connect()).collect();
    let request = Request::get(TARGET);
    connections.iter_mut().for_each(|connection| connection.write(&request).expect("the server reads"));
    connections.iter_mut().map(|connection| connection.read(&request).expect("the server answers")).collect()
}

#[test]
fn a_thousand_connections_are_served_at_once() {
    let server = Server::start();
    server.deploy("burst", &probe(), &["--timeout", "60s"]);
    let answers = burst(&server);
    let failed = answers.iter().find(|answer| answer.status != 200);
    assert!(failed.is_none(), "{failed:?}");
    assert_eq!(answers.iter().filter(|answer| answer.text() == "slept").count(), CONNECTIONS);
    let sql = "SELECT count(*) AS n FROM invocations WHERE outcome = 'ok' AND duration_ns >= 6000000000";
    assert_eq!(server.count(sql), 1_000, "each answer follows its record");
    assert_eq!(server.count("SELECT count(*) AS n FROM invocations"), 1_000);
    assert!(server.stop().success());
}

#[test]
fn what_is_over_the_accounts_limit_is_turned_away_and_recorded() {
    let home = Arc::new(Home::new().config("[runtime]\naccount_concurrency = 600\n"));
    let server = home.serve();
    server.deploy("burst", &probe(), &["--timeout", "60s"]);
    let answers = burst(&server);
    let ran = answers.iter().filter(|answer| answer.status == 200).count();
    let throttled: Vec<&Response> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert_eq!(ran + throttled.len(), CONNECTIONS);
    for answer in &throttled {
        assert_eq!(answer.json().get("reason").and_then(Value::as_str), Some("account-concurrency"));
        assert_eq!(answer.header("retry-after"), "1");
    }
    let count =
        |outcome: &str| server.count(&format!("SELECT count(*) AS n FROM invocations WHERE outcome = '{outcome}'"));
    wait_until("every call is on record", || (count("ok") + count("throttled") >= 1_000).then_some(()));
    let rows = (count("ok"), count("throttled"));
    let expected = |n: usize| i64::try_from(n).expect("few");
    assert_eq!(rows, (expected(ran), expected(throttled.len())));
    // On a machine so slow that a call had ended before the last one came, that one found a place that was free.
    let spread = server.row(
        "SELECT CAST(max(started_at) AS BIGINT) - CAST(min(started_at) AS BIGINT) AS arrivals_us FROM invocations",
    );
    if spread.int("arrivals_us") < 6_000_000 {
        assert_eq!((ran, throttled.len()), (600, 400), "exactly");
    }
    assert!(server.stop().success());
}

#[test]
fn tenants_and_rates_are_limited_by_the_configuration() {
    let config = "[runtime]\ntenant_concurrency = 1\n[tenants.metered]\nconcurrency = 9\nrate_per_s = 1\n[tenants.closed]\nconcurrency = 0\n";
    let home = Arc::new(Home::new().config(config));
    let server = home.serve();
    let reason = |answer: &Response| answer.json().get("reason").and_then(Value::as_str).map(str::to_owned);
    for tenant in ["metered", "closed", "other"] {
        server.deploy(tenant, &probe(), &["--tenant", tenant, "--timeout", "60s"]);
    }
    let closed = server.get("/fn/closed/echo");
    assert_eq!((closed.status, reason(&closed).as_deref()), (429, Some("tenant-concurrency")));

    let mut connections: Vec<Connection> = (0..2).map(|_| server.connect()).collect();
    let slow = Request::get("/fn/other/sleep?ms=3000");
    connections.iter_mut().for_each(|connection| connection.write(&slow).expect("the server reads"));
    let answers: Vec<_> =
        connections.iter_mut().map(|connection| connection.read(&slow).expect("the server answers")).collect();
    let over: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert_eq!(
        (over.len(), over.first().and_then(|answer| reason(answer)).as_deref()),
        (1, Some("tenant-concurrency"))
    );

    let calls: Vec<Response> = (0..20).map(|_| server.get("/fn/metered/noread")).collect();
    let limited: Vec<_> = calls.iter().filter(|answer| answer.status == 429).collect();
    assert!(!limited.is_empty(), "twenty calls in less than as many seconds");
    assert!(
        limited.iter().all(|answer| reason(answer).as_deref() == Some("rate") && answer.header("retry-after") == "1")
    );
    wait_until("what was said is true", || {
        std::thread::sleep(std::time::Duration::from_secs(1));
        (server.get("/fn/metered/noread").status == 200).then_some(())
    });
    let sql = "SELECT count(*) AS n FROM invocations WHERE throttle_reason = 'rate' AND tenant = 'metered'";
    let throttled = i64::try_from(limited.len()).expect("few");
    wait_until("each is on record", || (server.count(sql) >= throttled).then_some(()));
    assert!(server.stop().success());
}

#[test]
fn environments_are_started_ahead_again_after_a_restart() {
    let home = Arc::new(Home::new());
    let server = home.serve();
    server.deploy("ahead", &probe(), &["--provisioned-concurrency", "2", "--timeout", "30s"]);
    let ready = |server: &Server| {
        wait_until("two environments are started", || {
            let item = server.get("/api/v1/functions/ahead").json();
            (item.get("provisioned_ready").and_then(Value::as_u64) == Some(2)).then_some(())
        });
        let row = server.record(server.get("/fn/ahead/count").invocation_id());
        assert_eq!((row.text("init_type"), row.flag("cold")), ("provisioned", false), "{row:?}");
        assert_eq!((row.int("init_ns"), row.int("instantiate_ns"), row.int("load_ns")), (0, 0, 0), "{row:?}");
    };
    ready(&server);
    assert!(server.stop().success());
    let server = home.serve();
    ready(&server);
    assert!(server.stop().success());
}

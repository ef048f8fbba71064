//! `kill -9` at random moments under load: every answered call is on record exactly once, and none twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::support::http::Request;
use crate::support::load::Load;
use crate::support::server::{Home, Server};
use crate::support::{guest, probe, wait_until};

/// Rounds, unless `FAREMETER_CRASH_ROUNDS` says otherwise.
const ROUNDS: usize = 20;

/// Commits and joins files so often that kills hit both.
const CONFIG: &str = "[store]\ncommit_interval = \"100ms\"\nmaintenance_interval = \"150ms\"\nvacuum_after = \"1s\"\n";

#[test]
fn kill_9_loses_and_doubles_nothing() {
    let rounds = std::env::var("FAREMETER_CRASH_ROUNDS").ok().map_or(ROUNDS, |text| text.parse().expect("a number"));
    crash(Home::new().config(CONFIG), rounds);
}

#[test]
fn kill_9_loses_nothing_when_each_answer_waits_for_the_disk() {
    crash(Home::new().config(CONFIG).arg("--wal-sync").arg("always"), 2);
}

/// A deployment that was acknowledged goes on where it stood, whatever the compiler had done.
#[test]
fn kill_9_during_a_deployment_leaves_it_to_the_next_start() {
    let home = Arc::new(Home::new());
    let mut moments = StdRng::from_os_rng();
    for version in 1..=3 {
        let server = home.serve();
        let deployed = server.cli(&["deploy", "late", &probe(), "--no-wait", "--env", &format!("N={version}")]).ok();
        assert!(deployed.contains(&format!("version {version} ")), "{deployed}");
        std::thread::sleep(Duration::from_millis(moments.random_range(0..300)));
        server.kill();
    }
    let server = home.serve();
    wait_until("the last version is active", || {
        let function = server.get("/api/v1/functions/late").json();
        assert_ne!(function["state"], "failed", "{function}");
        (function["state"] == "active" && function["version"] == 3).then_some(())
    });
    assert_eq!(server.get("/fn/late/env").json()["N"], "3");
    assert!(server.stop().success());
}

fn crash(home: Home, rounds: usize) {
    let home = Arc::new(home);
    let seed: u64 = StdRng::from_os_rng().random();
    println!("moments are drawn with the seed {seed}");
    let mut moments = StdRng::seed_from_u64(seed);
    let mut answered: Vec<String> = Vec::new();
    let mut server = home.serve();
    server.deploy("ok", &guest("ok.wat"), &["--memory-mb", "16"]);
    for round in 0..rounds {
        let load = Load::begin(server.address, "ok", 4);
        std::thread::sleep(Duration::from_millis(moments.random_range(100..900)));
        server.kill();
        let now = load.join();
        println!("round {round}: {} calls were answered", now.len());
        answered.extend(now);
        if moments.random_ratio(1, 4) {
            let starting = home.begin();
            std::thread::sleep(Duration::from_millis(moments.random_range(0..300)));
            starting.kill();
        }
        server = home.serve();
        check_records(&server, &answered);
    }
    assert!(answered.len() > rounds, "there was load: {} calls", answered.len());
    check_groups(&server);
    assert!(server.stop().success(), "{}", home.log());
    let server = home.serve();
    check_records(&server, &answered);
    check_groups(&server);
}

/// Each answered call is there once; a call that was never answered is there at most once.
fn check_records(server: &Server, answered: &[String]) {
    let body = r#"{"sql":"SELECT invocation_id FROM invocations"}"#;
    let request = Request::post("/api/v1/query", body).header("content-type", "application/json");
    let csv = server.send(&request.header("accept", "text/csv"));
    assert_eq!(csv.status, 200, "{}", csv.text());
    let mut found: HashMap<&str, usize> = HashMap::new();
    for id in csv.text().lines().skip(1) {
        *found.entry(id).or_default() += 1;
    }
    let lost: Vec<&String> = answered.iter().filter(|id| !found.contains_key(id.as_str())).collect();
    assert!(lost.is_empty(), "{} of {} answered calls are lost: {:?}", lost.len(), answered.len(), first(&lost));
    let doubled: Vec<(&&str, &usize)> = found.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "{} calls are there more than once: {:?}", doubled.len(), first(&doubled));
}

fn first<T>(all: &[T]) -> &[T] {
    &all[..all.len().min(5)]
}

/// A call's record and its spans come and go together.
fn check_groups(server: &Server) {
    let calls = server.count("SELECT count(*) AS n FROM invocations");
    assert_eq!(server.count("SELECT count(*) AS n FROM spans WHERE kind = 2"), calls, "one root span for each call");
    let spans = server.row("SELECT count(*) AS n, count(DISTINCT span_id) AS once FROM spans");
    assert_eq!(spans.int("n"), spans.int("once"), "no span twice");
}

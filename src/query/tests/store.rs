//! The engine over the real store: rows are counted once while they move from memory to files.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::tables::{answer, config, params, rows};
use crate::clock::Clock;
use crate::model::{Attributes, LogRecord, Records};
use crate::query::{Engine, Param, rollup_check};
use crate::store::tests::fixtures::Fixtures;
use crate::store::{self, Handle, Service, size_of};
use crate::units::Timestamp;

struct Running {
    handle: Handle,
    shutdown: CancellationToken,
    service: JoinHandle<Result<(), store::Error>>,
}

async fn start(dir: &Path) -> Running {
    let config = store::Config { commit_interval: Duration::from_millis(20), ..store::Config::at(dir) };
    let (service, handle) = Service::open(config, Clock::system()).await.unwrap();
    let shutdown = CancellationToken::new();
    Running { handle, shutdown: shutdown.clone(), service: tokio::spawn(service.run(shutdown)) }
}

fn line(n: i64) -> LogRecord {
    // Eleven hours apart, so that several partitions come to be.
    let time = Timestamp::from_nanos(1_772_323_200_000_000_000 + n % 9 * 39_600_000_000_000);
    LogRecord {
        tenant: "default".to_owned(),
        function: Some("hello".to_owned()),
        version: Some("1".to_owned()),
        invocation_id: None,
        environment_id: None,
        source: "executor".to_owned(),
        time,
        observed_time: time,
        severity_number: 9,
        severity_text: "INFO".to_owned(),
        body: n.to_string(),
        attributes: Attributes::from([("n".to_owned(), n.to_string())]),
        dropped_attributes_count: 0,
        flags: 0,
        trace_id: None,
        span_id: None,
        event_name: String::new(),
        resource_attributes: Attributes::new(),
        scope_name: "stderr".to_owned(),
        scope_version: String::new(),
        origin_id: None,
    }
}

async fn append(handle: &Handle, numbers: impl Iterator<Item = i64>) {
    let records = Records { logs: numbers.map(line).collect(), ..Records::default() };
    let slot = handle.reserve(size_of(&records)).unwrap();
    slot.append(records).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_counted_once_while_they_move() {
    let dir = tempfile::tempdir().unwrap();
    let store = start(dir.path()).await;
    let engine = Engine::start(config(), store.handle.clone()).unwrap();
    let (writer, rounds) = (store.handle.clone(), 60);
    let writing = tokio::spawn(async move {
        for round in 0..rounds {
            append(&writer, round * 10..round * 10 + 10).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let (mut last, mut looks) = (0, 0);
    while !writing.is_finished() {
        let seen = rows(&engine, "SELECT count(*) AS n, count(DISTINCT body) AS d FROM logs").await;
        let (n, distinct) = (seen[0]["n"].as_i64().unwrap(), seen[0]["d"].as_i64().unwrap());
        assert!(n == distinct && n >= last && n % 10 == 0, "{n} rows, {distinct} different, {last} before");
        (last, looks) = (n, looks + 1);
    }
    writing.await.unwrap();
    assert!(looks > 3, "{looks}");
    let sum = "SELECT count(*) AS n, sum(CAST(body AS BIGINT)) AS s, count(DISTINCT date) AS days FROM logs";
    let expected = json!([{"n": 600, "s": 179_700, "days": 4}]);
    assert_eq!(rows(&engine, sum).await, expected);
    store.handle.flush().await.unwrap();
    assert_eq!(rows(&engine, sum).await, expected);
    let one_day = "SELECT count(*) AS n FROM logs WHERE time < '2026-03-01T11:00:00Z'";
    assert_eq!(rows(&engine, one_day).await, json!([{"n": 67}]));
    store.shutdown.cancel();
    store.service.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_followed_from_memory_and_from_files() {
    let dir = tempfile::tempdir().unwrap();
    let store = start(dir.path()).await;
    let engine = Engine::start(config(), store.handle.clone()).unwrap();
    let (mut seen, mut after) = (Vec::new(), None::<String>);
    for round in 0..12 {
        append(&store.handle, round * 10..round * 10 + 10).await;
        let mut given = params([("function", "hello"), ("from", "2026-01-01"), ("limit", "15")]);
        given.extend(params([("after_ingested", after.as_deref().unwrap_or("1970-01-01"))]));
        let page = answer(&engine.named("function_logs", &given).await.unwrap());
        for row in page.as_array().unwrap() {
            seen.push(row["body"].as_str().unwrap().parse::<i64>().unwrap());
            after = row["ingested_at"].as_str().map(str::to_owned);
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..120).collect::<Vec<_>>());
    store.shutdown.cancel();
    store.service.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_the_store_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let store = start(dir.path()).await;
    let engine = Engine::start(config(), store.handle.clone()).unwrap();
    for table in store::Table::ALL {
        let all = format!("SELECT * FROM {}", table.name());
        assert_eq!(rows(&engine, &all).await, json!([]));
    }
    store.shutdown.cancel();
    store.service.await.unwrap().unwrap();
}

/// The answers of the comparison with the rows, for each rollup.
async fn compared(engine: &Engine) -> Vec<Value> {
    let mut all = Vec::new();
    for rollup in store::Rollup::ALL {
        let mut given = params([("from", "2024-09-01T00:00:00Z"), ("to", "2024-11-01T00:00:00Z")]);
        given.insert("step".to_owned(), Param::Int(1));
        let found = engine.sql(&rollup_check(rollup), &given).await.unwrap_or_else(|error| panic!("{error}"));
        all.push(answer(&found)[0].clone());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_of_the_rollup_finds_no_difference_but_those_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let store = start(dir.path()).await;
    let engine = Engine::start(config(), store.handle.clone()).unwrap();
    let mut fixtures = Fixtures::new(3);
    for _ in 0..4 {
        let records = fixtures.records([300, 0, 0, 0]);
        store.handle.reserve(size_of(&records)).unwrap().append(records).await.unwrap();
        store.handle.flush().await.unwrap();
        let records = fixtures.records([40, 0, 0, 0]);
        store.handle.reserve(size_of(&records)).unwrap().append(records).await.unwrap();
    }
    let found = compared(&engine).await;
    for (answer, least) in found.iter().zip([1_360, 1_360, 300]) {
        assert!(answer["rows"].as_i64().unwrap() >= least && answer["different"] == 0, "{answer}");
    }
    assert_eq!(found[0]["rows"], 1_360);
    // The side files of one file in the place of another's.
    store.handle.flush().await.unwrap();
    let sides = dir.path().join("tables/rollups/1");
    for folder in ["minute", "hour", "errors"] {
        let day = std::fs::read_dir(sides.join(folder).join("invocations")).unwrap().next().unwrap().unwrap().path();
        let files: Vec<_> = std::fs::read_dir(day).unwrap().map(|file| file.unwrap().path()).collect();
        let mut sizes: Vec<_> = files.iter().map(|path| (path.metadata().unwrap().len(), path)).collect();
        sizes.sort();
        let (small, large) = (sizes[0].1, sizes[sizes.len() - 1].1);
        std::fs::copy(small, large).unwrap();
    }
    store.shutdown.cancel();
    store.service.await.unwrap().unwrap();
    let store = start(dir.path()).await;
    let engine = Engine::start(config(), store.handle.clone()).unwrap();
    for answer in compared(&engine).await {
        assert!(answer["different"].as_i64().unwrap() > 0 && answer["first"].is_string(), "{answer}");
    }
    store.shutdown.cancel();
    store.service.await.unwrap().unwrap();
}

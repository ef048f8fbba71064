//! Measures the rollup on a million rows of the demo's history; run by hand:
//! `cargo test --lib query::tests::measure_rollup -- --ignored --nocapture`.

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::tables::{config, rows};
use crate::clock::Clock;
use crate::cost::PriceBooks;
use crate::demo::history::{Groups, Place};
use crate::demo::{Settings, Traffic, samples};
use crate::model::Records;
use crate::query::{Engine, Param, Params};
use crate::store::{Config, Handle, Service, Sketch, size_of};
use crate::units::Timestamp;

const DAY: i32 = 20_778;
const ROWS: u64 = 1_000_000;
const NOW: Timestamp = Timestamp::from_micros(20_778 * 86_400_000_000);

struct Running {
    handle: Handle,
    shutdown: CancellationToken,
    service: tokio::task::JoinHandle<Result<(), crate::store::Error>>,
}

async fn start(dir: &Path) -> Running {
    let (service, handle) = Service::open(Config::at(dir), Clock::manual(NOW)).await.unwrap();
    let shutdown = CancellationToken::new();
    Running { handle, shutdown: shutdown.clone(), service: tokio::spawn(service.run(shutdown)) }
}

impl Running {
    async fn stop(self) {
        self.shutdown.cancel();
        self.service.await.unwrap().unwrap();
    }
}

async fn load(handle: &Handle) -> usize {
    let settings = Settings { seed: 1, day: DAY, days: 35, invocations: ROWS };
    let traffic = Traffic::new(settings, &samples().unwrap()).unwrap();
    let place = Place { region: "us-east-1".to_owned(), account: "default".to_owned() };
    let books = PriceBooks::embedded().unwrap();
    let mut groups = Groups::whole(traffic, &books, &place, Duration::from_secs(300), NOW).unwrap();
    let mut rows = 0;
    while let Some(Records { invocations, .. }) = groups.make().unwrap() {
        rows += invocations.len();
        let records = Records { invocations, ..Records::default() };
        while handle.status().buffered_bytes > handle.status().buffer_limit_bytes / 2 {
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
        handle.reserve(size_of(&records)).unwrap().append(records).await.unwrap();
    }
    handle.flush().await.unwrap();
    rows
}

fn bytes(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { bytes(&path) } else { path.metadata().unwrap().len() }).sum()
}

/// What this process has used of the processors, in ticks of 10 ms.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    [11, 12].iter().map(|at| fields[*at].parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

async fn time(clock: &Clock, engine: &Engine, what: &str, sql: &str, given: &Params) {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let start = clock.instant();
        engine.sql(sql, given).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
        best = best.min(clock.instant() - start);
    }
    println!("{:>10.1} ms  {what}", best.as_secs_f64() * 1e3);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
async fn measure() {
    let sum = "SELECT sum(invocations + throttled + platform_errors) = (SELECT count(*) FROM invocations) AS same FROM rollup_hour";
    let (dir, clock) = (tempfile::tempdir().unwrap(), Clock::system());
    let store = start(dir.path()).await;
    let (began, cpu) = (clock.instant(), cpu_s());
    let loaded = load(&store.handle).await;
    println!("{loaded} rows loaded in {:?}, {:.1} s of CPU", clock.instant() - began, cpu_s() - cpu);
    let began = clock.instant();
    store.handle.maintain().await.unwrap();
    println!("joined in {:?}", clock.instant() - began);
    store.stop().await;
    let tables = dir.path().join("tables");
    for folder in ["invocations", "rollups/1/minute", "rollups/1/hour", "rollups/1/errors"] {
        println!("{:>12} bytes  {folder}", bytes(&tables.join(folder)));
    }
    std::fs::remove_dir_all(tables.join("rollups")).unwrap();
    let (began, cpu) = (clock.instant(), cpu_s());
    let store = start(dir.path()).await;
    let (took, cpu) = (clock.instant() - began, cpu_s() - cpu);
    println!("side files made again when the store opened, in {took:?}, {cpu:.1} s of CPU, reading rows included");
    let engine = Engine::start(config(), store.handle.clone()).unwrap();
    assert_eq!(rows(&engine, sum).await, serde_json::json!([{"same": true}]));
    panels(&clock, &engine).await;
    store.stop().await;
}

async fn panels(clock: &Clock, engine: &Engine) {
    for (what, hours, step) in
        [("an hour by 10 s", 1, 10_i64), ("a day by 5 min", 24, 300), ("35 days by 6 h", 24 * 35, 21_600)]
    {
        let from = NOW.minus(Duration::from_secs(hours * 3_600));
        let given = Params::from([
            ("from".to_owned(), Param::Text(from.to_string())),
            ("to".to_owned(), Param::Text(NOW.to_string())),
            ("step".to_owned(), Param::Int(step)),
        ]);
        let head =
            "-- param from: timestamp, required\n-- param to: timestamp, required\n-- param step: int, required\n";
        let bins = |time: &str| format!("date_bin(INTERVAL '{step} seconds', {time}) AS t");
        let made = |sums: &str| {
            format!(
                "{head}SELECT {}, {sums} FROM rollup WHERE bucket >= $from AND bucket < $to AND $step > 0 GROUP BY 1",
                bins("bucket")
            )
        };
        let raw = |sums: &str| {
            format!(
                "{head}SELECT {}, {sums} FROM invocations WHERE started_at >= $from AND started_at < $to AND $step > 0 GROUP BY 1",
                bins("started_at")
            )
        };
        time(
            clock,
            engine,
            &format!("{what}: sums, rollup"),
            &made("sum(invocations), sum(errors), sum(list_cost)"),
            &given,
        )
        .await;
        time(
            clock,
            engine,
            &format!("{what}: sums, rows"),
            &raw("count(*), count(*) FILTER (WHERE outcome = 'error'), sum(list_cost)"),
            &given,
        )
        .await;
        time(clock, engine, &format!("{what}: p95, rollup"), &made("sketch_quantile(duration_sketch, 0.95)"), &given)
            .await;
        time(
            clock,
            engine,
            &format!("{what}: p95, rows exactly"),
            &raw("percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ns)"),
            &given,
        )
        .await;
    }
}

#[test]
#[ignore = "measures"]
fn measure_merging() {
    let clock = Clock::system();
    let sketch = |n: u64| {
        let mut sketch = Sketch::default();
        (0..40).for_each(|value| sketch.add(1e6 * (1.0 + (n * 7 + value * 31) as f64 % 20.0 * 0.02)));
        sketch.to_bytes().unwrap()
    };
    let all: Vec<Vec<u8>> = (0..90_000).map(sketch).collect();
    let began = clock.instant();
    let mut merged = Sketch::default();
    all.iter().for_each(|bytes| merged.merge(bytes).unwrap());
    println!("90,000 sketches of {} bytes merged in {:?}", all[0].len(), clock.instant() - began);
    assert_eq!(merged.count(), 90_000 * 40);
}

//! Measures whether a server holds: a real one takes a mixed load for minutes, with commits every second and so as much
//! compaction as hours bring. Prints memory, file handles, files and query times by the minute, and their growth from the
//! second quarter to the last. It ends with a count: each call that was answered has one row.
//!
//!     cargo bench --bench soak -- 600      (seconds; 60 if left out)

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};
use support::{heading, now};

/// Commits and maintenance ten times as often as by default: ten minutes bring what 100 do. Files that were joined go soon.
const CONFIG: &str = "[store]\ncommit_interval = \"1s\"\nmaintenance_interval = \"6s\"\nvacuum_after = \"1m\"\n";
/// Time between samples.
const SAMPLE_EVERY: Duration = Duration::from_secs(2);
/// What is asked of the last minute, which is as large at the end as at the beginning.
const LAST_MINUTE: &str = "SELECT function, outcome, count(*) AS calls, sum(list_cost) AS cost FROM invocations \
                           WHERE started_at > now() - INTERVAL '1 minute' GROUP BY function, outcome";

/// A kind of call: function, path, payload and how often a second.
struct Traffic {
    function: &'static str,
    path: &'static str,
    payload_bytes: usize,
    per_s: f64,
}

const TRAFFIC: &[Traffic] = &[
    Traffic { function: "probe", path: "/echo", payload_bytes: 1_000, per_s: 60.0 },
    Traffic { function: "probe", path: "/log", payload_bytes: 0, per_s: 10.0 },
    Traffic { function: "probe", path: "/trap", payload_bytes: 0, per_s: 2.0 },
    Traffic { function: "probe", path: "/grow", payload_bytes: 0, per_s: 1.0 },
    Traffic { function: "probe", path: "/stream", payload_bytes: 0, per_s: 2.0 },
    Traffic { function: "command", path: "", payload_bytes: 10, per_s: 20.0 },
    Traffic { function: "flood", path: "", payload_bytes: 0, per_s: 0.5 },
    Traffic { function: "narrow", path: "/sleep", payload_bytes: 0, per_s: 5.0 },
    Traffic { function: "spin", path: "", payload_bytes: 0, per_s: 0.2 },
];

/// Functions: name, guest, settings.
const FUNCTIONS: &[(&str, &str, &str)] = &[
    ("probe", "probe/probe.wasm", ""),
    ("command", "ok.wat", ""),
    ("flood", "flood.wat", ""),
    ("narrow", "probe/probe.wasm", "&reserved_concurrency=1"),
    ("spin", "spin.wat", "&timeout=200ms"),
];

#[tokio::main]
async fn main() {
    let seconds = std::env::args().rev().find_map(|arg| arg.parse::<u64>().ok()).unwrap_or(60);
    let server = Arc::new(Server::start().await);
    for function in FUNCTIONS {
        server.deploy(function).await;
    }
    let end = now() + Duration::from_secs(seconds);
    let load = TRAFFIC.iter().map(|traffic| tokio::spawn(send(Arc::clone(&server), traffic, end)));
    let load: Vec<_> = load.collect();
    let browsing = tokio::spawn(browse(Arc::clone(&server), end));
    let samples = sample(&server, end).await;
    join_all(load).await;
    browsing.await.expect("the browsing ends");
    report(&samples);
    server.count().await;
}

/// A server on a folder of its own, and what was asked of it.
struct Server {
    client: Client,
    url: String,
    folder: tempfile::TempDir,
    child: Child,
    answered: AtomicU64,
    unanswered: AtomicU64,
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("faremeter.toml");
        std::fs::write(&config, CONFIG).expect("written");
        let data = folder.path().join("data");
        let child = Command::new(env!("CARGO_BIN_EXE_faremeter"))
            .args(["serve", "--listen", "127.0.0.1:0", "--otlp-grpc", "off", "--otlp-http", "off", "--config"])
            .arg(&config)
            .arg("--data")
            .arg(&data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let client = Client::builder().timeout(Duration::from_secs(30)).build().expect("a client");
        let (answered, unanswered) = (AtomicU64::new(0), AtomicU64::new(0));
        let mut server = Self { client, url: String::new(), folder, child, answered, unanswered };
        while server.url.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            server.url = std::fs::read_to_string(data.join("server.url")).unwrap_or_default();
        }
        server
    }

    async fn deploy(&self, (name, guest, settings): &(&str, &str, &str)) {
        let module = std::fs::read(format!("{}/tests/guests/{guest}", env!("CARGO_MANIFEST_DIR"))).expect("a guest");
        let url = format!("{}/api/v1/functions?name={name}{settings}", self.url);
        let reply = self.client.post(url).header("content-type", "application/wasm").body(module).send().await;
        assert_eq!(reply.expect("deployed").status(), 202, "{name}");
        loop {
            let reply = self.client.get(format!("{}/api/v1/functions/{name}", self.url)).send().await;
            let function: Value = json_of(reply.expect("an answer")).await;
            match function["state"].as_str() {
                Some("active") => return,
                Some("failed") => panic!("{function}"),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn query(&self, sql: &str) -> Value {
        let body = json!({"sql": sql}).to_string();
        let request = self.client.post(format!("{}/api/v1/query", self.url)).header("content-type", "application/json");
        json_of(request.body(body).send().await.expect("an answer")).await
    }

    /// Every call that was answered has its row; one whose connection broke may have one.
    async fn count(&self) {
        let rows = self.query("SELECT count(*) AS n, count(DISTINCT invocation_id) AS ids FROM invocations").await;
        let (rows, ids) = (&rows["rows"][0]["n"], &rows["rows"][0]["ids"]);
        let (answered, lost) = (self.answered.load(Ordering::SeqCst), self.unanswered.load(Ordering::SeqCst));
        heading("each answer has one row");
        println!("  {answered} answered, {lost} without an answer, {rows} rows, {ids} of them distinct");
        assert_eq!(rows, ids, "no row is there twice");
        let rows = rows.as_u64().expect("a count");
        assert!((answered..=answered + lost).contains(&rows), "no row is missing and none is too many");
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}

async fn json_of(reply: reqwest::Response) -> Value {
    let body = reply.bytes().await.expect("a body");
    serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&body)))
}

/// Sends calls on time, whether or not earlier ones were answered.
async fn send(server: Arc<Server>, traffic: &'static Traffic, end: std::time::Instant) {
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / traffic.per_s));
    let mut calls = tokio::task::JoinSet::new();
    while now() < end {
        ticks.tick().await;
        let server = Arc::clone(&server);
        calls.spawn(async move {
            let url = format!("{}/fn/{}{}", server.url, traffic.function, traffic.path);
            let sent = server.client.post(url).body(vec![b'x'; traffic.payload_bytes]).send().await;
            let whole = match sent {
                // A stream that a fault cut short was answered too: its row is there.
                Ok(reply) => reply.bytes().await.is_ok() || traffic.path == "/stream",
                Err(_) => false,
            };
            let counter = if whole { &server.answered } else { &server.unanswered };
            counter.fetch_add(1, Ordering::SeqCst);
        });
        while calls.try_join_next().is_some() {}
    }
    calls.join_all().await;
}

/// Looks at pages and metrics, as people and Prometheus do.
async fn browse(server: Arc<Server>, end: std::time::Instant) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    while now() < end {
        ticks.tick().await;
        for path in ["/", "/metrics", "/readyz"] {
            let reply = server.client.get(format!("{}{path}", server.url)).send().await.expect("an answer");
            assert!(reply.status().is_success(), "{path}: {}", reply.status());
            reply.bytes().await.expect("a body");
        }
    }
}

/// What the server takes at one moment.
struct Sample {
    second: f64,
    /// In the order of `NAMES`.
    figures: [f64; NAMES.len()],
}

const NAMES: [&str; 6] = ["memory, MiB", "file handles", "threads", "files in tables", "data, MiB", "query, ms"];

async fn sample(server: &Server, end: std::time::Instant) -> Vec<Sample> {
    let began = now();
    let mut ticks = tokio::time::interval(SAMPLE_EVERY);
    let mut samples = Vec::new();
    while now() < end {
        ticks.tick().await;
        let asked = now();
        let reply = server.query(LAST_MINUTE).await;
        assert!(reply["rows"].is_array(), "{reply}");
        let query_ms = asked.elapsed().as_secs_f64() * 1e3;
        let (files, bytes) = files(&server.data());
        let process = PathBuf::from(format!("/proc/{}", server.child.id()));
        let status = std::fs::read_to_string(process.join("status")).expect("the server runs");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a field");
            line.split_whitespace().next().expect("a value").parse::<f64>().expect("a number")
        };
        let handles = std::fs::read_dir(process.join("fd")).expect("the server runs").count() as f64;
        let mib = 1_048_576.0;
        let figures =
            [field("VmRSS:") / 1_024.0, handles, field("Threads:"), files as f64, bytes as f64 / mib, query_ms];
        samples.push(Sample { second: began.elapsed().as_secs_f64(), figures });
    }
    samples
}

/// Parquet files below a folder, and the bytes of all files there.
fn files(folder: &Path) -> (usize, u64) {
    let (mut count, mut bytes, mut folders) = (0, 0, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        // What is deleted while it is looked at is not there.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(data) = entry.metadata() else { continue };
            let path = entry.path();
            if data.is_dir() {
                folders.push(path);
                continue;
            }
            bytes += data.len();
            count += usize::from(path.extension().is_some_and(|extension| extension == "parquet"));
        }
    }
    (count, bytes)
}

fn report(samples: &[Sample]) {
    let last = samples.last().expect("a sample").second;
    heading(&format!("medians over {last:.0} s, by the minute"));
    println!("  {:>8} {}", "minute", NAMES.map(|name| format!("{name:>16}")).join(""));
    for minute in 0..=(last / 60.0) as usize {
        let within = |sample: &&Sample| (sample.second / 60.0) as usize == minute;
        let of: Vec<&Sample> = samples.iter().filter(within).collect();
        if !of.is_empty() {
            println!("  {minute:>8} {}", medians(&of).map(|figure| format!("{figure:>16.1}")).join(""));
        }
    }
    let quarter = |from: f64, to: f64| -> Vec<&Sample> {
        samples.iter().filter(|sample| (from * last..=to * last).contains(&sample.second)).collect()
    };
    let (early, late) = (medians(&quarter(0.25, 0.5)), medians(&quarter(0.75, 1.0)));
    heading("last quarter / second quarter");
    for ((name, early), late) in NAMES.iter().zip(early).zip(late) {
        println!("  {name:<34} {:>10.2} x ({early:.1} to {late:.1})", late / early);
    }
}

fn medians(samples: &[&Sample]) -> [f64; NAMES.len()] {
    std::array::from_fn(|at| {
        let mut all: Vec<f64> = samples.iter().map(|sample| sample.figures[at]).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    })
}

//! Measures what looking something up costs among many spans and log records: a trace by its id, and text in log records,
//! against DuckDB over the same Parquet files. docs/benchmarks.md says what came out.
//!
//!     cargo bench --bench search -- 1M 50M
//!
//! A size is so many rows, half of them spans and half log records, over 30 days. A size's store is made once, under target/,
//! and kept. The peer needs Python with benches/peers/requirements.txt; name it by PEERS_PYTHON (python3).

mod support;
#[path = "support/telemetry.rs"]
mod telemetry;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use faremeter::clock::Clock;
use faremeter::model::Records;
use faremeter::query::{self, Engine, Param, Params};
use faremeter::store::{Config, Error, Handle, Maintenance, Retention, Service, size_of};
use faremeter::units::Timestamp;
use serde_json::{Value, json};
use support::{ROUNDS, figures, heading, now, ratio};
use telemetry::{OF_A_TRACE, needle, trace, trace_id};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// Days that the rows lie in.
const DAYS: u64 = 30;
/// Traces that are written together.
const GROUP: u64 = 200;
/// Groups that are being written while the next is made.
const AHEAD: usize = 4;

#[tokio::main]
async fn main() {
    let sizes: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    for size in if sizes.is_empty() { vec!["1M".to_owned()] } else { sizes } {
        let traces = rows(&size) / (2 * OF_A_TRACE);
        let data = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("search-{size}"));
        if !data.join("made").exists() {
            make(&data, traces).await;
            std::fs::write(data.join("made"), &size).expect("the folder can be written");
        }
        ask(&data, &size, traces).await;
    }
}

fn rows(size: &str) -> u64 {
    let number = size.strip_suffix('M').and_then(|text| text.parse::<u64>().ok());
    number.expect("a size is millions of rows, such as 50M") * 1_000_000
}

fn config(data: &Path) -> Config {
    let kept = 100_000;
    let maintenance =
        Maintenance { settle_after: Duration::ZERO, vacuum_after: Duration::ZERO, ..Maintenance::default() };
    let retention = Retention { invocations: kept, spans: kept, logs: kept, metrics: kept };
    // Large commits: the fewer files a day has, the less often its rows are joined, which takes most of the making.
    Config { buffer_bytes: 1 << 30, segment_bytes: 256 << 20, maintenance, retention, ..Config::at(data) }
}

/// A store that is open.
struct Store {
    handle: Handle,
    stop: CancellationToken,
    runs: tokio::task::JoinHandle<Result<(), Error>>,
}

impl Store {
    async fn open(data: &Path) -> Self {
        let (service, handle) = Service::open(config(data), Clock::system()).await.expect("the store opens");
        let stop = CancellationToken::new();
        Self { handle, runs: tokio::spawn(service.run(stop.clone())), stop }
    }

    async fn close(self) {
        self.stop.cancel();
        self.runs.await.expect("the store's task ends").expect("the last commit is made");
    }
}

/// When the `n`th of so many traces began: spread evenly over the days.
fn began(n: u64, traces: u64) -> Timestamp {
    let day = 86_400_000_000_u64;
    let micros = 1_780_000_000_000_000 + u128::from(n) * u128::from(DAYS * day) / u128::from(traces);
    Timestamp::from_micros(i64::try_from(micros).expect("it is this century"))
}

fn written(group: Option<Result<Result<(), Error>, JoinError>>) {
    group.expect("there is one").expect("it ends").expect("the log has room");
}

async fn make(data: &Path, traces: u64) {
    heading(&format!("making {traces} traces of {OF_A_TRACE} spans and {OF_A_TRACE} log records over {DAYS} days"));
    let began_at = now();
    let store = Store::open(data).await;
    let mut writing = JoinSet::new();
    for first in (0..traces).step_by(GROUP as usize) {
        let mut group = Records::default();
        for n in first..(first + GROUP).min(traces) {
            let Records { spans, logs, .. } = trace(n, began(n, traces));
            group.spans.extend(spans);
            group.logs.extend(logs);
        }
        let slot = loop {
            match store.handle.reserve(size_of(&group)) {
                Ok(slot) => break slot,
                Err(_full) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        writing.spawn(slot.append(group));
        if writing.len() >= AHEAD {
            written(writing.join_next().await);
        }
    }
    while !writing.is_empty() {
        written(writing.join_next().await);
    }
    store.handle.flush().await.expect("the rows are committed");
    store.handle.maintain().await.expect("the files are joined");
    store.close().await;
    println!("  took {:.0} s", began_at.elapsed().as_secs_f64());
}

/// One question, in our words and in DuckDB's.
struct Question {
    name: &'static str,
    ours: &'static str,
    table: &'static str,
    theirs: &'static str,
}

const QUESTIONS: [Question; 5] = [
    Question {
        name: "spans of a trace",
        ours: "SELECT * FROM spans WHERE trace_id = $id",
        table: "spans",
        theirs: "SELECT * FROM spans WHERE trace_id = $id",
    },
    Question {
        name: "log records of a trace",
        ours: "SELECT * FROM logs WHERE trace_id = $id",
        table: "logs",
        theirs: "SELECT * FROM logs WHERE trace_id = $id",
    },
    Question {
        name: "a trace that is not there",
        ours: "SELECT * FROM spans WHERE trace_id = $missing",
        table: "spans",
        theirs: "SELECT * FROM spans WHERE trace_id = $missing",
    },
    Question {
        name: "text in log records, 30 days",
        ours: "SELECT time, function, body FROM logs WHERE body LIKE '%' || $needle || '%'",
        table: "logs",
        theirs: "SELECT time, function, body FROM logs WHERE body LIKE '%' || $needle || '%'",
    },
    Question {
        name: "text in any case, 30 days",
        ours: "SELECT time, function, body FROM logs WHERE body ILIKE '%' || $needle || '%'",
        table: "logs",
        theirs: "SELECT time, function, body FROM logs WHERE body ILIKE '%' || $needle || '%'",
    },
];

async fn ask(data: &Path, size: &str, traces: u64) {
    let store = Store::open(data).await;
    let engine = Engine::start(query::Config::default(), store.handle.clone()).expect("the engine starts");
    let mut peer = Peer::start(data);
    heading(&format!(
        "{size} rows: ms; {}",
        peer.as_ref()
            .map_or("no peer: set PEERS_PYTHON to a Python with benches/peers/requirements.txt", |p| &p.version)
    ));
    for question in &QUESTIONS {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS as u64 {
            // Another one each time, since what was just read is in memory.
            let n = traces * (2 * round + 1) / (2 * ROUNDS as u64 + 4);
            let params = [
                ("id", trace_id(n).to_string()),
                ("missing", trace_id(n + traces).to_string()),
                ("needle", needle(n * OF_A_TRACE / 100_000)),
            ];
            let (took, rows) = time(&engine, question.ours, &params).await;
            let found = peer.as_mut().map(|peer| peer.ask(question, &params));
            if let Some((_, other)) = found {
                assert_eq!(rows, other, "{}: both find the same", question.name);
            }
            // The first round opens the files.
            if round > 0 {
                ours.push(took);
                theirs.extend(found.map(|(took, _)| took));
            }
        }
        figures(question.name, "ms", &ours);
        if !theirs.is_empty() {
            figures("  DuckDB", "ms", &theirs);
            ratio("  / DuckDB", &ours, &theirs);
        }
    }
    store.close().await;
}

/// Milliseconds until the rows are there, and how many there are.
async fn time(engine: &Engine, sql: &str, params: &[(&str, String)]) -> (f64, u64) {
    let used = params.iter().filter(|(name, _)| sql.contains(&format!("${name}")));
    let params: Params = used.map(|(name, value)| ((*name).to_owned(), Param::Text(value.clone()))).collect();
    let began = now();
    let answer = engine.sql(sql, &params).await.expect("the query is right");
    (began.elapsed().as_secs_f64() * 1e3, answer.rows() as u64)
}

/// DuckDB behind a pipe.
struct Peer {
    process: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    version: String,
}

impl Peer {
    fn start(data: &Path) -> Option<Self> {
        let python = std::env::var("PEERS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut command = Command::new(python);
        command.arg("benches/peers/search.py").arg(data.join("tables")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().ok()?;
        let (asks, answers) = (process.stdin.take()?, BufReader::new(process.stdout.take()?));
        let mut peer = Self { process, asks, answers, version: String::new() };
        peer.version = peer.line()?.to_string();
        Some(peer)
    }

    fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.answers.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }

    /// Milliseconds that it took, and how many rows it found.
    fn ask(&mut self, question: &Question, params: &[(&str, String)]) -> (f64, u64) {
        let used = params.iter().filter(|(name, _)| question.theirs.contains(&format!("${name}")));
        let params: serde_json::Map<_, _> = used.map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let ask = json!({ "table": question.table, "sql": question.theirs, "params": params });
        writeln!(self.asks, "{ask}").expect("it reads");
        let answer = self.line().unwrap_or_else(|| panic!("no answer to {}", question.name));
        (answer["ms"].as_f64().expect("a number"), answer["rows"].as_u64().expect("a number"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ended_already = self.process.kill();
        let _status = self.process.wait();
    }
}

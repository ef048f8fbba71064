//! Measures what a page costs the server as data grows: every panel of every board over five weeks and over a day, cold and
//! warm, and raw queries against DuckDB and chDB over the same Parquet files. docs/benchmarks.md says what came out.
//!
//!     cargo bench --bench dashboards -- 1M 10M 50M
//!
//! A size's store is made once, under target/, and kept. The peers need Python with benches/peers/requirements.txt; name it
//! by PEERS_PYTHON (python3), without it they are left out.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use support::{ROUNDS, figures, heading, now, ratio};

/// Days of the history.
const DAYS: &str = "35";
/// How often each panel is asked once it is warm.
const REPEATS: usize = 20;
/// The ranges that pages are asked for.
const RANGES: [(&str, &str); 2] = [("5 weeks", "now-35d"), ("a day", "now-24h")];
/// The longest that a store may take to be made, and then to be joined.
const MADE_WITHIN: Duration = Duration::from_secs(3_600);
/// Files that have not changed for so long are joined: there are rounds each minute.
const SETTLED: Duration = Duration::from_secs(150);
/// Where the raw queries are.
const QUERIES: &str = "benches/peers/panels.toml";

fn main() {
    let sizes: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let sizes = if sizes.is_empty() { vec!["1M".to_owned()] } else { sizes };
    for size in &sizes {
        let data = store(size);
        pages(size, &data);
        raw(size, &data);
    }
}

/// The folder with so many invocations; made by the demo where it is not there.
fn store(size: &str) -> PathBuf {
    let data = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("dashboards-{size}"));
    if data.join("made").exists() {
        return data;
    }
    heading(&format!("making {size} invocations over {DAYS} days"));
    let began = now();
    let server = Server::start("demo", &data, &["--no-load", "--history", size, "--history-days", DAYS]);
    until("the history is loaded", MADE_WITHIN, || server.get("/readyz").starts_with("HTTP/1.1 200"));
    println!("  took {:.0} s", began.elapsed().as_secs_f64());
    // Until no round of joining has changed anything. The last files of a day that is over are joined an hour after its last
    // row, which is not waited for: where the folder is served for longer, there are fewer files.
    let (mut files, mut since) = (server.files(), now());
    until("the files are joined", MADE_WITHIN, || {
        let found = server.files();
        if found != files {
            (files, since) = (found, now());
        }
        since.elapsed() > SETTLED
    });
    println!("  {files} after {:.0} s", began.elapsed().as_secs_f64());
    server.stop();
    std::fs::write(data.join("made"), size).expect("the folder can be written");
    data
}

/// Looks once a second, and gives up when it takes too long.
fn until(what: &str, limit: Duration, mut is_so: impl FnMut() -> bool) {
    let began = now();
    while !is_so() {
        assert!(began.elapsed() < limit, "waited {limit:?} in vain until {what}");
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// One panel's times in milliseconds.
struct Timed {
    name: String,
    cold: f64,
    warm: Vec<f64>,
}

/// Each panel alone, first in a fresh process, then again and again.
fn pages(size: &str, data: &Path) {
    for (range, from) in RANGES {
        let server = Server::start("serve", data, &[]);
        let mut panels = Vec::new();
        for board in server.json("/api/v1/dashboards")["items"].as_array().expect("a list") {
            let name = board["name"].as_str().expect("a name");
            let whole = server.json(&format!("/api/v1/dashboards/{name}"));
            for panel in whole["panels"].as_array().expect("a list") {
                let id = panel["id"].as_str().expect("an id");
                let function = if name == "function" { "&fn=checkout" } else { "" };
                let path = format!("/api/v1/dashboards/{name}/data?from={from}{function}&panel={id}");
                let cold = server.time(&path);
                let warm = (0..REPEATS).map(|_| server.time(&path)).collect();
                panels.push(Timed { name: format!("{name}/{id}"), cold, warm });
            }
        }
        heading(&format!("{size} invocations, panels over {range}: ms, asked alone, {REPEATS} times after the first"));
        panels.sort_by(|a, b| at(&b.warm, 95).total_cmp(&at(&a.warm, 95)));
        for panel in &panels {
            let [p50, p95] = [50, 95].map(|percent| at(&panel.warm, percent));
            println!("  {:<40} first {:>8.1}   p50 {p50:>8.1}   p95 {p95:>8.1}", panel.name, panel.cold);
        }
        let all: Vec<f64> = panels.iter().flat_map(|panel| panel.warm.clone()).collect();
        let over = panels.iter().filter(|panel| at(&panel.warm, 95) > 150.0).count();
        println!("  all: p50 {:.1}, p95 {:.1}; panels with p95 over 150 ms: {over}", at(&all, 50), at(&all, 95));
        server.stop();
    }
}

fn at(times: &[f64], percent: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() - 1) * percent / 100]
}

/// The same questions of the raw rows, to us and to the peers in turn.
fn raw(size: &str, data: &Path) {
    let text = std::fs::read_to_string(QUERIES).expect("the bench runs in the repository");
    let queries: toml::Table = text.parse().expect("the queries are TOML");
    // The peers read the files of the log; nobody writes meanwhile.
    let server = Server::start("serve", data, &[]);
    let Some(mut peers) = Peers::start(&data.join("tables/invocations")) else {
        println!("  no peers: set PEERS_PYTHON to a Python with benches/peers/requirements.txt");
        return;
    };
    heading(&format!("{size} invocations, raw rows: ms; {}", peers.versions));
    for (name, entry) in &queries {
        let sql = entry["sql"].as_str().expect("text");
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        for round in 0..=ROUNDS {
            let found = [server.query(sql), peers.ask("duckdb", name), peers.ask("chdb", name)];
            // The first round opens the files.
            if round > 0 {
                times.iter_mut().zip(found).for_each(|(times, found)| times.push(found));
            }
        }
        let [ours, duckdb, chdb] = times;
        figures(name, "ms", &ours);
        ratio("  / DuckDB", &ours, &duckdb);
        ratio("  / chDB", &ours, &chdb);
    }
    server.stop();
}

/// A running `faremeter`, ended when it is dropped.
struct Server {
    process: Child,
    address: SocketAddr,
    /// Held to the end: whoever cannot say that he is ready ends.
    _said: BufReader<ChildStdout>,
}

impl Server {
    fn start(command: &str, data: &Path, args: &[&str]) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_faremeter"));
        program
            .args([command, "--listen", "127.0.0.1:0", "--otlp-grpc", "off", "--otlp-http", "off", "--data"])
            .arg(data)
            .args(args);
        let mut process = program.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        let mut said = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut line = String::new();
        said.read_line(&mut line).expect("it says where it listens");
        let address = line.trim().rsplit("http://").next().and_then(|text| text.parse().ok()).expect("an address");
        Self { process, address, _said: said }
    }

    fn send(&self, request: &str) -> String {
        let mut connection = TcpStream::connect(self.address).expect("it listens");
        connection.write_all(request.as_bytes()).expect("it reads");
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).expect("it answers");
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get(&self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address))
    }

    /// How many files the table of invocations has, in the words of /metrics.
    fn files(&self) -> String {
        let metrics = self.get("/metrics");
        let line = metrics.lines().find(|line| line.starts_with("faremeter_store_files{table=\"invocations\"}"));
        line.expect("/metrics has the store's files").to_owned()
    }

    fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        let body = answer.split_once("\r\n\r\n").expect("an answer has a head").1;
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {answer}"))
    }

    /// Milliseconds until a panel's data is there.
    fn time(&self, path: &str) -> f64 {
        let began = now();
        let answer = self.get(path);
        let took = began.elapsed();
        assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("\"error\":\""), "{path}: {answer}");
        took.as_secs_f64() * 1e3
    }

    /// Milliseconds until a query's rows are there.
    fn query(&self, sql: &str) -> f64 {
        let body = json!({ "sql": sql }).to_string();
        let head = format!("POST /api/v1/query HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        let head = format!("{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        let began = now();
        let answer = self.send(&(head + &body));
        let took = began.elapsed();
        assert!(answer.starts_with("HTTP/1.1 200"), "{sql}: {answer}");
        took.as_secs_f64() * 1e3
    }

    /// Ends it as an operator does, so that all is committed.
    fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        let _status = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.process.kill();
        let _status = self.process.wait();
    }
}

/// DuckDB and chDB behind a pipe.
struct Peers {
    process: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    versions: String,
}

impl Peers {
    fn start(table: &Path) -> Option<Self> {
        let python = std::env::var("PEERS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut command = Command::new(python);
        command.arg("benches/peers/panels.py").arg(table).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().ok()?;
        let (asks, answers) = (process.stdin.take()?, BufReader::new(process.stdout.take()?));
        let mut peers = Self { process, asks, answers, versions: String::new() };
        let versions = peers.line()?;
        peers.versions = versions.to_string();
        Some(peers)
    }

    fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.answers.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }

    /// Milliseconds that the engine took.
    fn ask(&mut self, engine: &str, query: &str) -> f64 {
        writeln!(self.asks, "{}", json!({ "engine": engine, "query": query })).expect("it reads");
        let answer = self.line().unwrap_or_else(|| panic!("{engine} gave no answer to {query}"));
        answer["ms"].as_f64().expect("a number")
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        let _ended_already = self.process.kill();
        let _status = self.process.wait();
    }
}

//! Measures what a page costs the server as data grows: every panel of every board over five weeks and over a day, cold and
//! warm, and raw queries against DuckDB and chDB over the same Parquet files. docs/benchmarks.md says what came out.
//!
//!     cargo bench --bench dashboards -- 1M 10M 50M
//!
//! A size's store is made once, under target/, and kept. The peers need Python with benches/peers/requirements.txt; name it
//! by PEERS_PYTHON (python3), without it they are left out.

#[path = "support/history.rs"]
mod history;
#[path = "support/program.rs"]
mod program;
mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use program::Server;
use serde_json::{Value, json};
use support::{ROUNDS, figures, heading, ratio};

/// How often each panel is asked once it is warm.
const REPEATS: usize = 20;
/// The ranges that pages are asked for.
const RANGES: [(&str, &str); 2] = [("5 weeks", "now-35d"), ("a day", "now-24h")];
/// Where the raw queries are.
const QUERIES: &str = "benches/peers/panels.toml";

fn main() {
    let sizes: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let sizes = if sizes.is_empty() { vec!["1M".to_owned()] } else { sizes };
    for size in &sizes {
        let data = history::store(size);
        pages(size, &data);
        raw(size, &data);
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
                let cold = time(&server, &path);
                let warm = (0..REPEATS).map(|_| time(&server, &path)).collect();
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

/// Milliseconds until a panel's data is there.
fn time(server: &Server, path: &str) -> f64 {
    let (took, answer) = server.timed(path);
    assert!(!answer.contains("\"error\":\""), "{path}: {answer}");
    took
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
            // Another one begins each round: nobody is always asked after the same one.
            for turn in 0..times.len() {
                let engine = (round + turn) % times.len();
                let found = match engine {
                    0 => server.query(sql),
                    1 => peers.ask("duckdb", name),
                    _ => peers.ask("chdb", name),
                };
                // The first round opens the files.
                if round > 0 {
                    times[engine].push(found);
                }
            }
        }
        let [ours, duckdb, chdb] = times;
        figures(name, "ms", &ours);
        ratio("  / DuckDB", &ours, &duckdb);
        ratio("  / chDB", &ours, &chdb);
    }
    server.stop();
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

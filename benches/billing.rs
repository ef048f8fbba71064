//! Measures what rating costs as records grow: reports in all formats by the command, and the what-if of one page by a
//! server, against the same sums by SQL without rating. docs/benchmarks.md says what came out.
//!
//!     cargo bench --bench billing -- 1M 10M 50M
//!
//! The stores are those of the bench `dashboards`: made once for each size, under target/, and kept.

#[path = "support/history.rs"]
mod history;
#[path = "support/program.rs"]
mod program;
mod support;

use std::path::Path;
use std::time::Duration;

use faremeter::billing::Month;
use faremeter::clock::Clock;
use faremeter::cost::rating::Zone;
use faremeter::units::Timestamp;
use program::{Ran, Server, run};
use serde_json::Value;
use support::{ROUNDS, heading, spread};

/// The month that is rated is that of so many days ago: of a history of five weeks it has 18 days or more.
const AGO: Duration = Duration::from_secs(17 * 86_400);
/// What is reported, as the command's arguments, and in which formats.
const REPORTS: [(&str, &[&str], &[&str]); 3] = [
    ("statement", &["statement"], &["json", "csv", "parquet", "xlsx", "pdf"]),
    ("chargeback by function", &["chargeback", "--by", "function"], &["json", "pdf"]),
    ("chargeback by tag:team", &["chargeback", "--by", "tag:team"], &["json", "xlsx"]),
];
/// The pages that are asked for; the first is of one scenario.
const PAGES: [(&str, &str); 2] =
    [("what-if", "/what-if?from=now-30d"), ("what-if, all books and sizes", "/what-if?from=now-30d&show=all")];
/// What is compared with: the sums that rating is of, asked as one query.
const SUMS: &str = "sums by SQL";
/// By what records are told apart that a price may depend on, and whose they are.
const ALIKE: &str =
    "region, architecture, init_type, memory_mb, ephemeral_storage_mb, tenant, function, tags, price_book, currency";

fn main() {
    let sizes: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let sizes = if sizes.is_empty() { vec!["1M".to_owned()] } else { sizes };
    let mut all = Vec::new();
    for size in sizes {
        let data = history::store(&size);
        let (records, mut cases) = reports(&size, &data);
        cases.extend(pages(&size, &data));
        all.push(Size { name: size, records, cases });
    }
    for pair in all.windows(2) {
        growth(&pair[0], &pair[1]);
    }
}

/// What one size took.
struct Size {
    name: String,
    /// Records that were rated.
    records: u64,
    cases: Vec<Case>,
}

/// One thing that was done again and again.
struct Case {
    name: String,
    /// Milliseconds until it was done, and of CPU, in each round.
    wall: Vec<f64>,
    cpu: Vec<f64>,
    /// The largest moment of its process, MiB.
    peak: u64,
}

impl Case {
    fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), wall: Vec::new(), cpu: Vec::new(), peak: 0 }
    }

    fn add(&mut self, ran: &Ran) {
        self.push(ran.took.as_secs_f64() * 1e3, ran.cpu);
        self.peak = self.peak.max(ran.peak_mib);
    }

    fn push(&mut self, wall_ms: f64, cpu: Duration) {
        self.wall.push(wall_ms);
        self.cpu.push(cpu.as_secs_f64() * 1e3);
    }

    /// One line, with the ratios to what it is compared with, round by round.
    fn print(&self, base: &Self) {
        let [low, median, high] = spread(self.wall.clone());
        let [_, cpu, _] = spread(self.cpu.clone());
        let [wall_ratio, cpu_ratio] = [(&self.wall, &base.wall), (&self.cpu, &base.cpu)].map(|(ours, base)| {
            let [low, median, high] = spread(ours.iter().zip(base).map(|(ours, base)| ours / base).collect());
            format!("{median:>6.2} x ({low:.2} to {high:.2})")
        });
        println!(
            "  {:<30} {median:>8.0} ms ({low:.0} to {high:.0})   CPU {cpu:>7.0} ms   peak {:>5} MiB   / sums {wall_ratio}   by CPU {cpu_ratio}",
            self.name, self.peak
        );
    }
}

/// The sums over a time, by SQL: the columns that rating reads, with nothing rated.
fn sums(from: &str, to: &str) -> String {
    format!(
        "SELECT {ALIKE}, count(*) AS records, sum(billed_ms), sum(cpu_ns), sum(streamed_bytes), sum(request_bytes), sum(list_cost), \
         max(ingested_at) FROM invocations WHERE {} GROUP BY {ALIKE}",
        among(from, to)
    )
}

/// The least that any answer has to read.
fn scan(from: &str, to: &str) -> String {
    format!("SELECT count(*), sum(billed_ms), sum(memory_mb) FROM invocations WHERE {}", among(from, to))
}

/// What is billed of a time.
fn among(from: &str, to: &str) -> String {
    format!("started_at >= {from} AND started_at < {to} AND outcome NOT IN ('throttled', 'platform_error')")
}

/// Each report in each format and the sums, in turn, each by a process of its own on the folder. Returns how many records
/// were rated.
fn reports(size: &str, data: &Path) -> (u64, Vec<Case>) {
    let month = Month::newest(Clock::system().now().minus(AGO));
    let [from, to] = [month.start(Zone::Utc), month.end(Zone::Utc)].map(|at: Timestamp| format!("'{at}'"));
    let month = month.to_string();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder can be made");
    let data = data.to_str().expect("a path of ours is text");
    let query = |sql: &str| run(&["query", sql, "--output", "json", "--data", data]);
    let (sums, scan) = (sums(&from, &to), scan(&from, &to));
    let mut cases = vec![Case::new(SUMS), Case::new("scan of two columns by SQL")];
    for (name, _, formats) in REPORTS {
        cases.extend(formats.iter().map(|format| Case::new(format!("{name}, {format}"))));
    }
    let mut records = 0;
    for round in 0..=ROUNDS {
        let summed = query(&sums);
        let mut ran = vec![summed, query(&scan)];
        for (name, args, formats) in REPORTS {
            for format in formats {
                let out = folder.path().join(format!("{name}.{format}"));
                let out = out.to_str().expect("a path of ours is text");
                let common = ["--month", &*month, "--format", format, "--out", out, "--data", data];
                ran.push(run(&[&["report"][..], args, &common[..]].concat()));
            }
        }
        // The first round opens the files.
        if round > 0 {
            cases.iter_mut().zip(&ran).for_each(|(case, ran)| case.add(ran));
        }
        let statement = std::fs::read_to_string(folder.path().join("statement.json")).expect("it was written");
        records = rated(&statement);
        assert_eq!(records, total(&ran[0].said), "the report is of the records that were summed");
    }
    heading(&format!(
        "{size} invocations, of them {records} in {month}: each a process on the folder, {ROUNDS} rounds in turn"
    ));
    cases.iter().for_each(|case| case.print(&cases[0]));
    (records, cases)
}

/// Records that a statement rated.
fn rated(statement: &str) -> u64 {
    let statement: Value = serde_json::from_str(statement).expect("a statement is JSON");
    let bills = statement["bills"].as_array().expect("a statement has bills");
    bills
        .iter()
        .map(|bill| bill["records"].as_str().and_then(|text| text.parse::<u64>().ok()).expect("a bill's records"))
        .sum()
}

/// Records that were summed by SQL.
fn total(answer: &str) -> u64 {
    let answer: Value = serde_json::from_str(answer).expect("the answer is JSON");
    let rows = answer["rows"].as_array().expect("an answer has rows");
    rows.iter().map(|row| row["records"].as_u64().expect("a count")).sum()
}

/// The pages of a server on the folder, and the sums over the same time by the same server, in turn.
fn pages(size: &str, data: &Path) -> Vec<Case> {
    let server = Server::start("serve", data, &[]);
    let sums = sums("now() - INTERVAL '30 days'", "now()");
    let mut cases = vec![Case::new(format!("{SUMS}, 30 days, served"))];
    cases.extend(PAGES.map(|(name, _)| Case::new(name)));
    for round in 0..=ROUNDS {
        for (at, case) in cases.iter_mut().enumerate() {
            let before = server.cpu();
            let took = match at.checked_sub(1) {
                None => server.query(&sums),
                Some(page) => ask(&server, PAGES[page].1),
            };
            // The first round opens the files.
            if round > 0 {
                case.push(took, server.cpu().saturating_sub(before));
            }
            case.peak = server.peak_mib();
        }
    }
    server.stop();
    heading(&format!(
        "{size} invocations, of 30 days: pages of one server, {ROUNDS} rounds in turn; memory is the server's, so far"
    ));
    cases.iter().for_each(|case| case.print(&cases[0]));
    cases
}

/// Milliseconds until a page is there, which must have figures.
fn ask(server: &Server, path: &str) -> f64 {
    let (took, page) = server.timed(path);
    assert!(!page.contains("class=\"failed\""), "{path}: {page}");
    took
}

/// How much more the larger size took, beside how many more records it has.
fn growth(small: &Size, large: &Size) {
    let more = large.records as f64 / small.records as f64;
    heading(&format!("from {} to {}: {more:.1} times the records", small.name, large.name));
    for (few, many) in small.cases.iter().zip(&large.cases) {
        let [wall, cpu] = [(&few.wall, &many.wall), (&few.cpu, &many.cpu)].map(|(few, many)| {
            let [few, many] = [few, many].map(|rounds| spread(rounds.clone())[1]);
            many / few
        });
        let peak = many.peak as f64 / few.peak as f64;
        println!("  {:<30} wall {wall:>6.2} x   CPU {cpu:>6.2} x   peak memory {peak:>5.2} x", few.name);
    }
}

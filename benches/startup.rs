//! Measures how the demo comes up: from the start of the process to the first page and to ready, and its history's rows
//! per second on the way into the store, against making the same rows only, and against writing them to bare Parquet.
//! docs/benchmarks.md says what came out.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use faremeter::clock::Clock;
use faremeter::cost::PriceBooks;
use faremeter::demo::history::{Groups, Parts, Place, Wanted};
use faremeter::demo::{History, Settings, Traffic, samples};
use faremeter::query::{self, Engine};
use faremeter::store::{Config, Service, Table, batches};
use faremeter::units::Timestamp;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use support::{ROUNDS, cpu, figures, heading, lengths, now, ratio};
use tokio_util::sync::CancellationToken;

/// Starts of the whole program, each with the usual million.
const STARTS: usize = 3;
/// Those of a comparison's round.
const INVOCATIONS: u64 = 200_000;
const IDLE: Duration = Duration::from_secs(300);
/// The last day of the history, and half past nine on it.
const DAY: i32 = 20_778;
const NOW: Timestamp = Timestamp::from_micros(20_778 * 86_400_000_000 + 34_200_000_000);

#[tokio::main]
async fn main() {
    heading("`faremeter demo` with the usual million, from the start of the process");
    let (pages, ready): (Vec<Duration>, Vec<Duration>) = (0..STARTS).map(|_| start()).unzip();
    lengths("first page", pages);
    figures("ready", "s", &ready.iter().map(Duration::as_secs_f64).collect::<Vec<_>>());

    let [mut made, mut bare, mut loaded] = std::array::from_fn(|_| Side::default());
    for _ in 0..ROUNDS {
        made.add(make(|_| {}));
        bare.add(write_parquet());
        loaded.add(load().await);
    }
    heading(&format!("{INVOCATIONS} invocations with their spans and logs, {ROUNDS} rounds in turn"));
    made.print("made only");
    bare.print("made and written, bare Parquet");
    loaded.print("loaded and committed");
    loaded.compare("loaded / made only", &made);
    loaded.compare("loaded / bare Parquet", &bare);
}

/// What one side did in each round: rows of all tables.
#[derive(Default)]
struct Side {
    rows_per_s: Vec<f64>,
    rows_per_cpu_s: Vec<f64>,
}

/// Rows, wall time and CPU time of one round.
type Round = (u64, Duration, Duration);

impl Side {
    fn add(&mut self, (rows, took, cpu): Round) {
        self.rows_per_s.push(rows as f64 / took.as_secs_f64());
        self.rows_per_cpu_s.push(rows as f64 / cpu.as_secs_f64());
    }

    fn print(&self, name: &str) {
        figures(name, "rows/s", &self.rows_per_s);
        figures("", "rows per second of CPU", &self.rows_per_cpu_s);
    }

    fn compare(&self, name: &str, base: &Self) {
        ratio(name, &self.rows_per_s, &base.rows_per_s);
        ratio("  by CPU time", &self.rows_per_cpu_s, &base.rows_per_cpu_s);
    }
}

/// Starts the demo: the time to its first page, and until it is ready.
fn start() -> (Duration, Duration) {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let began = now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_faremeter"));
    command.args(["demo", "--no-load", "--listen", "127.0.0.1:0", "--data"]).arg(dir.path());
    let mut server = Guard(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts"));
    // Held to the end: whoever cannot say that he is ready ends.
    let mut said = BufReader::new(server.0.stdout.take().expect("it is piped"));
    let mut line = String::new();
    said.read_line(&mut line).expect("it says where it listens");
    let address = line.trim().rsplit("http://").next().expect("a URL").parse().expect("an address and a port");
    assert!(get(address, "/").starts_with("HTTP/1.1 200"), "the page is there");
    let page = began.elapsed();
    while !get(address, "/readyz").starts_with("HTTP/1.1 200") {
        std::thread::sleep(Duration::from_millis(50));
    }
    (page, began.elapsed())
}

/// Ends the process when it is dropped.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _status = self.0.wait();
    }
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut connection = TcpStream::connect(address).expect("it listens");
    write!(connection, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").expect("it reads");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).expect("it answers");
    String::from_utf8_lossy(&answer).into_owned()
}

fn place() -> Place {
    Place { region: "us-east-1".to_owned(), account: "default".to_owned() }
}

/// Makes every row and hands the batches out.
fn make(mut each: impl FnMut(Vec<(Table, RecordBatch)>)) -> Round {
    let (began, cpu_began) = (now(), cpu());
    let samples = samples().expect("the samples are right");
    let settings = Settings { seed: 1, day: DAY, days: 65, invocations: INVOCATIONS };
    let traffic = Traffic::new(settings, &samples).expect("the recipe is right");
    let books = PriceBooks::embedded().expect("the books are right");
    let mut groups = Groups::whole(traffic, &books, &place(), IDLE, NOW).expect("every sample has a book");
    let mut rows = 0;
    while let Some(records) = groups.make().expect("each row has a price") {
        rows += records.len() as u64;
        each(batches(&records, Timestamp::from_micros(1)));
    }
    (rows, began.elapsed(), cpu() - cpu_began)
}

/// The bare way: one file for each table, in the order of the rows, and one fsync for each.
fn write_parquet() -> Round {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let level = ZstdLevel::try_new(1).expect("zstd has a level 1");
    let mut writers = Table::ALL.map(|table| {
        let file = std::fs::File::create(dir.path().join(table.name())).expect("the folder can be written");
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
        ArrowWriter::try_new(file, table.schema(), Some(properties)).expect("the schema suits Parquet")
    });
    let (began, cpu_began) = (now(), cpu());
    let (rows, ..) = make(|tables| {
        for (table, batch) in tables {
            writers[table as usize].write(&batch).expect("the disk has room");
        }
    });
    for writer in writers {
        writer.into_inner().expect("the disk has room").sync_all().expect("the disk has room");
    }
    (rows, began.elapsed(), cpu() - cpu_began)
}

/// The demo's way: through the log, committed to Delta.
async fn load() -> Round {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let clock = Clock::manual(NOW);
    let (service, store) = Service::open(Config::at(dir.path()), clock.clone()).await.expect("a new store opens");
    let (stop, ready) = (CancellationToken::new(), CancellationToken::new());
    let runs = tokio::spawn(service.run(stop.clone()));
    ready.cancel();
    let parts = Parts {
        store: store.clone(),
        query: Engine::start(query::Config::default(), store.clone()).expect("the query threads start"),
        books: PriceBooks::embedded().expect("the books are right"),
        clock,
        place: place(),
        idle_timeout: IDLE,
        folder: dir.path().to_owned(),
    };
    let (began, cpu_began) = (now(), cpu());
    let wanted = Wanted { invocations: Some(INVOCATIONS), ..Wanted::default() };
    let mut history = History::open(parts, wanted, &samples().expect("right")).expect("the folder is new");
    history.load(|_| {}, &ready, &stop).await.expect("the disk has room");
    store.flush().await.expect("the rows are committed");
    let round = (store.status().rows_appended, began.elapsed(), cpu() - cpu_began);
    stop.cancel();
    runs.await.expect("it ends").expect("all is committed");
    round
}

//! Measures what joining small files is worth and what it costs: named queries over many files and over few, rows joined
//! per second against bare reading and writing of Parquet, and the time to open a store by the number of its commits.

#[path = "support/rows.rs"]
mod rows;
mod support;

use std::time::Duration;

use bytes::Bytes;
use faremeter::clock::Clock;
use faremeter::query::{self, Engine, Param, Params};
use faremeter::store::{Config, Handle, Maintenance, Service, Table, View, size_of};
use faremeter::units::{IdSource, Timestamp};
use object_store::ObjectStoreExt;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rows::{START, group};
use support::{ROUNDS, cpu, figures, heading, lengths, now, ratio};

/// Small files that are queried, and the rows in each.
const FILES: u64 = 200;
const FILE_ROWS: u64 = 250;
/// Files that are joined against the clock, and the rows in each.
const JOINED_FILES: u64 = 16;
const JOINED_ROWS: u64 = 6_000;
/// After so many commits the store is opened.
const COMMITS: [u64; 3] = [10, 1_000, 10_000];

#[tokio::main]
async fn main() {
    queries().await;
    joining().await;
    opening().await;
}

/// Two stores of the same rows, one of them joined, asked in turn.
async fn queries() {
    heading(&format!("named queries over {FILES} files of {FILE_ROWS} rows, and over the same rows joined, in turn"));
    let [many, few] = [Store::open(quiet()).await, Store::open(quiet()).await];
    for store in [&many, &few] {
        let ids = IdSource::seeded(1);
        for at in 0..FILES {
            store.commit(&ids, at * FILE_ROWS, FILE_ROWS).await;
        }
    }
    few.settle().await;
    let files = |store: &Store| store.handle.view(Table::Invocations).files.len();
    println!("  {} files and {}", files(&many), files(&few));
    let id = some_id(&many).await;
    let day = [("from", "2026-09-21T00:00:00Z"), ("to", "2026-09-23T00:00:00Z")];
    let cases: [(&str, Vec<(&str, &str)>); 5] = [
        ("invocation", vec![("invocation_id", &id)]),
        ("last_invocations", vec![("function", "function-3")]),
        ("outcomes_by_minute", [&day[..], &[("function", "function-3")]].concat()),
        ("invocations_by_function", day.to_vec()),
        ("cost_by_function", day.to_vec()),
    ];
    for (name, params) in cases {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let (one, other) = (ask(&many, name, &params).await, ask(&few, name, &params).await);
            // The first round opens the files.
            if round > 0 {
                before.push(one);
                after.push(other);
            }
        }
        figures(name, "ms over many files", &before);
        figures("", "ms over few files", &after);
        ratio("  many / few", &before, &after);
    }
    many.close().await;
    few.close().await;
}

async fn some_id(store: &Store) -> String {
    let found = store.engine.sql("SELECT max(invocation_id) AS id FROM invocations", &Params::new()).await;
    let rows = query::format::rows(&found.expect("it is SQL")).expect("text is JSON");
    rows[0]["id"].as_str().expect("ids are text").to_owned()
}

/// In milliseconds.
async fn ask(store: &Store, name: &str, params: &[(&str, &str)]) -> f64 {
    let params = params.iter().map(|(name, value)| ((*name).to_owned(), Param::Text((*value).to_owned()))).collect();
    let began = now();
    let found = store.engine.named(name, &params).await.expect("the query is ours");
    assert!(found.rows() > 0, "{name} finds rows");
    began.elapsed().as_secs_f64() * 1e3
}

/// The store joins files; the bare way reads the same files and writes one, without sorting, filters or statistics.
async fn joining() {
    let rows = (JOINED_FILES * JOINED_ROWS) as f64;
    heading(&format!("joining {JOINED_FILES} files of {JOINED_ROWS} rows, {ROUNDS} rounds in turn"));
    let [mut bare, mut ours, mut bare_cpu, mut ours_cpu] = std::array::from_fn(|_| Vec::new());
    for _ in 0..ROUNDS {
        let (store, ids) = (Store::open(quiet()).await, IdSource::seeded(1));
        for at in 0..JOINED_FILES {
            store.commit(&ids, at * JOINED_ROWS, JOINED_ROWS).await;
        }
        let view = store.handle.view(Table::Invocations);
        let (began, cpu_began) = (now(), cpu());
        rewrite(&view).await;
        bare.push(rows / began.elapsed().as_secs_f64());
        bare_cpu.push(rows / (cpu() - cpu_began).as_secs_f64());
        let (began, cpu_began) = (now(), cpu());
        store.settle().await;
        ours.push(rows / began.elapsed().as_secs_f64());
        ours_cpu.push(rows / (cpu() - cpu_began).as_secs_f64());
        assert_eq!(store.handle.view(Table::Invocations).files.len(), 1);
        store.close().await;
    }
    figures("bare read and write, zstd 1", "rows/s", &bare);
    figures("join, put, commit", "rows/s", &ours);
    ratio("join / bare", &ours, &bare);
    ratio("  by CPU time", &ours_cpu, &bare_cpu);
}

async fn rewrite(view: &View) {
    let level = ZstdLevel::try_new(1).expect("zstd has a level 1");
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let mut writer = None;
    for file in view.files.iter() {
        let bytes: Bytes =
            view.object_store.get(&file.path).await.expect("it is there").bytes().await.expect("readable");
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).expect("it is Parquet");
        for batch in reader.build().expect("it is Parquet") {
            let batch = batch.expect("it is Parquet");
            let begin = || ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties.clone()));
            let writer = writer.get_or_insert_with(|| begin().expect("the schema suits Parquet"));
            writer.write(&batch).expect("memory has room");
        }
    }
    let bytes = writer.expect("there are files").into_inner().expect("memory has room");
    let path = "rewritten.parquet".into();
    view.object_store.put(&path, bytes.into()).await.expect("the disk has room");
    view.object_store.delete(&path).await.expect("it is there");
}

/// A commit each ten seconds of the store's clock, and a look after the files each 64 commits.
async fn opening() {
    heading("opening a store by the number of its commits, one row each, looked after each 64 commits");
    let (mut store, ids, mut commits) = (Store::open(quiet()).await, IdSource::seeded(1), 0);
    for target in COMMITS {
        let began = now();
        let from = commits;
        while commits < target {
            store.commit(&ids, commits * 10_000, 1).await;
            store.clock.advance(Duration::from_secs(10));
            commits += 1;
            if commits.is_multiple_of(64) {
                store.handle.maintain().await.expect("the disk works");
            }
        }
        let each = began.elapsed().as_secs_f64() * 1e3 / (target - from) as f64;
        let mut took = Vec::new();
        for _ in 0..ROUNDS {
            let (opened, length) = store.reopen().await;
            store = opened;
            took.push(length);
        }
        let files = store.handle.view(Table::Invocations).files.len();
        lengths(&format!("{commits} commits, {files} files"), took);
        println!("  {:<34} {each:>10.1} ms a commit, joining included", "");
    }
    store.close().await;
}

/// A store in a folder of its own, on a clock that stands.
struct Store {
    handle: Handle,
    engine: Engine,
    clock: Clock,
    config: Config,
    stop: tokio_util::sync::CancellationToken,
    running: tokio::task::JoinHandle<()>,
    dir: tempfile::TempDir,
}

/// Nothing happens by itself.
fn quiet() -> Config {
    let never = Duration::from_secs(86_400);
    let maintenance = Maintenance { interval: never, ..Maintenance::default() };
    Config { commit_interval: never, maintenance, ..Config::at("") }
}

impl Store {
    async fn open(config: Config) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let config = Config { dir: dir.path().to_owned(), ..config };
        Self::start(config, Clock::manual(Timestamp::from_nanos(START)), dir).await
    }

    async fn start(config: Config, clock: Clock, dir: tempfile::TempDir) -> Self {
        let (service, handle) = Service::open(config.clone(), clock.clone()).await.expect("the store opens");
        let engine = Engine::start(query::Config::default(), handle.clone()).expect("the engine starts");
        let stop = tokio_util::sync::CancellationToken::new();
        let token = stop.clone();
        let running = tokio::spawn(async move { service.run(token).await.expect("the store stops well") });
        Self { handle, engine, clock, config, stop, running, dir }
    }

    async fn commit(&self, ids: &IdSource, first: u64, rows: u64) {
        let records = group(ids, first, rows);
        let slot = self.handle.reserve(size_of(&records)).expect("the buffer has room");
        slot.append(records).await.expect("the log has room");
        self.handle.flush().await.expect("the disk works");
    }

    /// Lets the day be over, and joins what is there.
    async fn settle(&self) {
        self.clock.advance(Duration::from_secs(2 * 86_400));
        self.handle.maintain().await.expect("the disk works");
    }

    /// Closes the store and opens it again; says how long the opening took.
    async fn reopen(self) -> (Self, Duration) {
        let Self { handle, engine, clock, config, stop, running, dir } = self;
        stop.cancel();
        running.await.expect("the store's task ends well");
        drop((handle, engine));
        let began = now();
        let opened = Service::open(config.clone(), clock.clone()).await.expect("the store opens");
        let took = began.elapsed();
        drop(opened);
        (Self::start(config, clock, dir).await, took)
    }

    async fn close(self) {
        self.stop.cancel();
        self.running.await.expect("the store's task ends well");
    }
}

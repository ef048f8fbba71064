//! Measures the store: rows per second of appends that end committed to Delta, against the same Arrow batches written
//! straight to Parquet, and what appending one record costs. docs/benchmarks.md says what came out.

#[path = "support/rows.rs"]
mod rows;
mod support;

use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;
use faremeter::clock::Clock;
use faremeter::model::Records;
use faremeter::store::{Config, Handle, Service, Table, batches, size_of};
use faremeter::units::{IdSource, Timestamp};
use futures::future::join_all;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rows::group;
use support::{ROUNDS, cpu, figures, heading, lengths, now, ratio};

const ROWS: u64 = 200_000;
const GROUP_ROWS: u64 = 1_000;
const SINGLE_ROWS: u64 = 20_000;

#[tokio::main]
async fn main() {
    let ids = IdSource::seeded(1);
    let groups: Vec<Records> = (0..ROWS / GROUP_ROWS).map(|at| group(&ids, at * GROUP_ROWS, GROUP_ROWS)).collect();
    let arrow: Vec<RecordBatch> =
        groups.iter().flat_map(|group| batches(group, Timestamp::from_micros(1))).map(|(_, rows)| rows).collect();
    let [mut bare, mut one, mut four] = std::array::from_fn(|_| Side::default());
    for _ in 0..ROUNDS {
        bare.add(write_parquet(&arrow));
        one.add(write_store(&groups, 1).await);
        four.add(write_store(&groups, 4).await);
    }
    heading(&format!("{ROWS} rows in groups of {GROUP_ROWS}, {ROUNDS} rounds in turn"));
    bare.print("bare ArrowWriter, zstd 1, fsync");
    one.print("append + flush, 1 client");
    four.print("append + flush, 4 clients");
    one.compare("1 client / bare", &bare);
    four.compare("4 clients / bare", &bare);

    heading(&format!("one record at a time, {SINGLE_ROWS} records"));
    for clients in [1, 16] {
        append_singly(&ids, clients).await;
    }
}

/// What one side of the comparison did in each round.
#[derive(Default)]
struct Side {
    rows_per_s: Vec<f64>,
    rows_per_cpu_s: Vec<f64>,
    file_bytes: u64,
}

/// What one round took, and the length of the files that it left.
struct Written {
    took: Duration,
    cpu: Duration,
    file_bytes: u64,
}

impl Side {
    fn add(&mut self, round: Written) {
        self.rows_per_s.push(ROWS as f64 / round.took.as_secs_f64());
        self.rows_per_cpu_s.push(ROWS as f64 / round.cpu.as_secs_f64());
        self.file_bytes = round.file_bytes;
    }

    fn print(&self, name: &str) {
        figures(name, "rows/s", &self.rows_per_s);
        figures("", "rows per second of CPU", &self.rows_per_cpu_s);
        println!("  {:<34} {:>10.1} bytes a row in Parquet", "", self.file_bytes as f64 / ROWS as f64);
    }

    fn compare(&self, name: &str, base: &Self) {
        ratio(name, &self.rows_per_s, &base.rows_per_s);
        ratio("  by CPU time", &self.rows_per_cpu_s, &base.rows_per_cpu_s);
    }
}

/// The bare way: one writer, one file, one fsync.
fn write_parquet(rows: &[RecordBatch]) -> Written {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let (began, cpu_began) = (now(), cpu());
    let file = std::fs::File::create(dir.path().join("bare.parquet")).expect("the folder can be written");
    let level = ZstdLevel::try_new(1).expect("zstd has a level 1");
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let mut writer = ArrowWriter::try_new(&file, rows[0].schema(), Some(properties)).expect("the schema suits Parquet");
    for batch in rows {
        writer.write(batch).expect("the disk has room");
    }
    writer.close().expect("the disk has room");
    file.sync_all().expect("the disk has room");
    let (took, cpu) = (began.elapsed(), cpu() - cpu_began);
    Written { took, cpu, file_bytes: file.metadata().expect("the file is open").len() }
}

/// The store's way: from records to rows that are committed to Delta, through the log.
async fn write_store(groups: &[Records], clients: usize) -> Written {
    let store = Store::open().await;
    let mut shares: Vec<Vec<Records>> = vec![Vec::new(); clients];
    for (at, group) in groups.iter().enumerate() {
        shares[at % clients].push(group.clone());
    }
    let (began, cpu_began) = (now(), cpu());
    append_all(&store.handle, shares).await;
    store.handle.flush().await.expect("the rows are committed");
    let (took, cpu) = (began.elapsed(), cpu() - cpu_began);
    let view = store.handle.view(Table::Invocations);
    assert!(view.batches.is_empty() && view.rows() == ROWS, "every row is in a file, once");
    let file_bytes = view.files.iter().map(|file| file.bytes).sum();
    store.close().await;
    Written { took, cpu, file_bytes }
}

/// Each client appends its share, waiting for each answer, and says how long each took.
async fn append_all(handle: &Handle, shares: Vec<Vec<Records>>) -> Vec<Duration> {
    let clients: Vec<_> = shares.into_iter().map(|share| tokio::spawn(append_share(handle.clone(), share))).collect();
    join_all(clients).await.into_iter().flat_map(|taken| taken.expect("a client ends well")).collect()
}

async fn append_share(handle: Handle, share: Vec<Records>) -> Vec<Duration> {
    let mut taken = Vec::with_capacity(share.len());
    for group in share {
        let began: Instant = now();
        let slot = handle.reserve(size_of(&group)).expect("the buffer has room for all rows");
        slot.append(group).await.expect("the log has room");
        taken.push(began.elapsed());
    }
    taken
}

async fn append_singly(ids: &IdSource, clients: u64) {
    let store = Store::open().await;
    let each = SINGLE_ROWS / clients;
    let share = |client| (0..each).map(|at| group(ids, client * each + at, 1)).collect();
    let shares: Vec<Vec<Records>> = (0..clients).map(share).collect();
    let (began, cpu_began) = (now(), cpu());
    let taken = append_all(&store.handle, shares).await;
    let rows = (each * clients) as f64;
    let [wall, cpu] = [began.elapsed(), cpu() - cpu_began].map(|took| support::micros(took) / rows);
    println!("  {clients} clients: {wall:.1} µs a record, {cpu:.1} µs of CPU");
    lengths("one append, until it is answered", taken);
    store.close().await;
}

/// An empty store in a folder of its own.
struct Store {
    handle: Handle,
    stop: tokio_util::sync::CancellationToken,
    running: tokio::task::JoinHandle<()>,
    _dir: tempfile::TempDir,
}

impl Store {
    /// With room for all rows, so that nobody is refused; and committed when a segment is full, or at the flush.
    async fn open() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let config =
            Config { commit_interval: Duration::from_secs(3_600), buffer_bytes: 2 << 30, ..Config::at(dir.path()) };
        let (service, handle) = Service::open(config, Clock::system()).await.expect("an empty store opens");
        let stop = tokio_util::sync::CancellationToken::new();
        let token = stop.clone();
        let running = tokio::spawn(async move { service.run(token).await.expect("the store stops well") });
        Self { handle, stop, running, _dir: dir }
    }

    async fn close(self) {
        self.stop.cancel();
        self.running.await.expect("the store's task ends well");
    }
}

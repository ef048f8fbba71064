//! Looking after the tables' files: each row stays there once, files stay few, what nobody needs goes.

mod ceiling;
mod failures;
mod history;
mod retention;
mod vacuum;
mod weeks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::AsArray;
use arrow::record_batch::RecordBatch;
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::faulty::Faulty;
use super::fixtures::Fixtures;
use super::*;
use crate::units::{InvocationId, Timestamp};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// A store on a faulty object store, with a clock that stands, and the ids of the invocations that were appended.
struct Bench {
    _dir: tempfile::TempDir,
    objects: Arc<Faulty>,
    clock: Clock,
    config: Config,
    store: Running,
    fixtures: Fixtures,
    expected: BTreeMap<String, usize>,
    /// Whether there is a log record for each invocation.
    logs: bool,
}

impl Bench {
    async fn new(change: impl FnOnce(&mut Config)) -> Self {
        let (dir, objects) = (tempfile::tempdir().unwrap(), Faulty::new());
        // Objects have the system's time, so the clock begins there, at a noon.
        let clock =
            Clock::manual(Timestamp::from_micros((i64::from(Clock::system().now().days()) * 24 + 36) * 3_600_000_000));
        let object_store: Arc<dyn object_store::ObjectStore> = Arc::clone(&objects) as _;
        let mut config = Config { object_store: Some(object_store), min_free_bytes: 0, ..quiet(dir.path()) };
        change(&mut config);
        let store = open(&config, &clock).await;
        Self {
            _dir: dir,
            objects,
            clock,
            config,
            store,
            fixtures: Fixtures::new(1),
            expected: BTreeMap::new(),
            logs: true,
        }
    }

    /// Appends so many invocations and as many logs, `ago` before now.
    async fn append(&mut self, rows: usize, ago: Duration) {
        let records = self.records(rows, ago);
        append(&self.store.handle, records).await;
    }

    fn records(&mut self, rows: usize, ago: Duration) -> Records {
        let mut records = self.fixtures.records([rows, 0, if self.logs { rows } else { 0 }, 0]);
        let at = self.clock.now().minus(ago);
        for invocation in &mut records.invocations {
            let id = format!("call-{}", self.expected.len());
            self.expected.insert(id.clone(), 1);
            (invocation.invocation_id, invocation.started_at) = (InvocationId(id), at);
        }
        records.logs.iter_mut().for_each(|log| log.time = at);
        records
    }

    /// Appends and commits.
    async fn commit(&mut self, rows: usize) {
        self.append(rows, Duration::ZERO).await;
        self.store.handle.flush().await.unwrap();
    }

    async fn maintain(&self) {
        self.store.handle.maintain().await.unwrap();
    }

    async fn reopen(&mut self, crash: bool) {
        self.store.reopen(&self.config, &self.clock, crash).await;
    }

    fn files(&self, table: Table) -> Arc<[DataFile]> {
        self.store.handle.view(table).files
    }

    /// Each row is there once.
    async fn check(&self) {
        let view = self.store.handle.view(Table::Invocations);
        assert_eq!(ids(&view).await, self.expected);
        let logs = if self.logs { self.expected.len() as u64 } else { 0 };
        assert_eq!(self.store.handle.view(Table::Logs).rows(), logs);
    }

    /// Files of rows in storage, whether or not a table has them.
    async fn stored(&self, table: Table) -> usize {
        let of_table = |path: &str| path.starts_with(&format!("{}/date=", table.name()));
        self.objects.objects().await.iter().filter(|(path, _)| of_table(path)).count()
    }
}

/// How often each invocation is in the view.
async fn ids(view: &View) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for rows in contents(view).await {
        for id in rows.column_by_name("invocation_id").unwrap().as_string::<i32>().iter().flatten() {
            *found.entry(id.to_owned()).or_default() += 1;
        }
    }
    found
}

/// All rows of a view; those in files without their partition.
async fn contents(view: &View) -> Vec<RecordBatch> {
    let mut all = view.batches.clone();
    for file in view.files.iter() {
        let bytes = view.object_store.get(&file.path).await.unwrap().bytes().await.unwrap();
        assert_eq!(bytes.len() as u64, file.bytes);
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
        let batches: Vec<_> = reader.map(Result::unwrap).collect();
        assert_eq!(batches.iter().map(|rows| rows.num_rows() as u64).sum::<u64>(), file.rows);
        all.extend(batches);
    }
    all
}

//! Owns one Delta table: opening or creating it, its files, and commits that happen once.

mod change;
mod shape;

pub(crate) use change::{Change, Kept, Reason};

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use deltalake_core::DeltaResult;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{Action, Transaction};
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::table::state::DeltaTableState;
use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use rand::RngCore;
use url::Url;

use crate::clock::Clock;
use crate::store::live::Sealed;
use crate::store::rollup::Rollups;
use crate::store::tables::PARTITION;
use crate::store::{DataFile, Error, Table};

use super::bounds::data_file;
use super::file::NewFile;
use super::parquet;

/// A commit in so many makes a checkpoint (the library does so by itself) and deletes log files that are past retention.
const CHECKPOINT_COMMITS: u64 = 100;

/// One table in storage.
pub(crate) struct DeltaTable {
    table: Table,
    app_id: String,
    root: Arc<dyn ObjectStore>,
    rollups: Arc<Rollups>,
    log_store: LogStoreRef,
    snapshot: DeltaTableState,
    /// The application transaction's version in `snapshot`; 0 when there is none.
    watermark: u64,
    /// The files of `snapshot`.
    files: Arc<[DataFile]>,
    /// Whether storage may be ahead of `snapshot`: the last commit had no answer.
    stale: bool,
    /// Files that were written for a commit that failed.
    written: Option<Written>,
    clock: Clock,
}

/// Files in storage that no commit has named yet.
struct Written {
    after: u64,
    through: u64,
    files: Vec<NewFile>,
}

impl DeltaTable {
    /// Opens the table under `root`, or creates it.
    pub(crate) async fn open(
        table: Table,
        root: Arc<dyn ObjectStore>,
        rollups: Arc<Rollups>,
        app_id: String,
        clock: Clock,
    ) -> Result<Self, Error> {
        let log_store = log_store(table, &root);
        let delta = |error| Error::delta(table, error);
        let snapshot = shape::open(table, &log_store).await?;
        let watermark = watermark(&snapshot, &log_store, &app_id).await.map_err(delta)?;
        let files = files(table, &snapshot)?;
        let (stale, written) = (false, None);
        Ok(Self { table, app_id, root, rollups, log_store, snapshot, watermark, files, stale, written, clock })
    }

    /// The number of the last segment whose rows are in the table.
    pub(crate) fn watermark(&self) -> u64 {
        self.watermark
    }

    /// The table's files.
    pub(crate) fn files(&self) -> Arc<[DataFile]> {
        Arc::clone(&self.files)
    }

    /// Commits rows of the segments, from the first on, those excepted that are in the table already: all of them, or as
    /// many as were written for a commit that failed (`watermark` tells). After an error nothing is known but that calling
    /// again does no harm.
    pub(crate) async fn commit(&mut self, segments: &[Sealed], rng: &mut (impl RngCore + Send)) -> Result<(), Error> {
        if std::mem::replace(&mut self.stale, true) {
            self.refresh().await?;
        }
        let new: Vec<&Sealed> = segments.iter().filter(|segment| segment.seq > self.watermark).collect();
        let Some(through) = new.last().map(|last| last.seq) else {
            self.stale = false;
            return Ok(());
        };
        let written = match self.written.take() {
            // Segments come in order: those that wait now begin with those that were written.
            Some(written) if written.after == self.watermark && written.through <= through => written,
            _ => self.write(&new, through, rng).await?,
        };
        let written = self.written.insert(written);
        let (through, new) = (written.through, written.files.clone());
        self.commit_rows(through, new).await?;
        self.written = None;
        self.stale = false;
        Ok(())
    }

    /// Reads the table's newest state, and from it the number that tells what is committed.
    async fn refresh(&mut self) -> Result<(), Error> {
        let delta = |error| Error::delta(self.table, error);
        self.snapshot.update(&self.log_store, None).await.map_err(delta)?;
        self.watermark = watermark(&self.snapshot, &self.log_store, &self.app_id).await.map_err(delta)?;
        self.files = files(self.table, &self.snapshot)?;
        // A commit whose answer was lost was made after all: its files are the table's, to keep and to take out.
        let watermark = self.watermark;
        self.written.take_if(|written| written.after != watermark);
        Ok(())
    }

    async fn write(&self, segments: &[&Sealed], through: u64, rng: &mut impl RngCore) -> Result<Written, Error> {
        let table = self.table;
        let batches: Vec<RecordBatch> = segments.iter().flat_map(|sealed| sealed.batches.iter()).cloned().collect();
        let encoded = tokio::task::spawn_blocking(move || parquet::encode(table, &batches)).await;
        let encoded = encoded.map_err(|error| Error::Internal(format!("encoding {}: {error}", table.name())))??;
        let mut files = Vec::with_capacity(encoded.len());
        for file in encoded {
            let name = format!("part-{through:020}-{:016x}", rng.next_u64());
            files.push(NewFile::put(table, &self.root, &self.rollups, &name, file).await?);
        }
        Ok(Written { after: self.watermark, through, files })
    }

    async fn commit_rows(&mut self, through: u64, new: Vec<NewFile>) -> Result<(), Error> {
        let version = i64::try_from(through).map_err(|_| Error::Internal(format!("segment {through} is too high")))?;
        let properties =
            CommitProperties::default().with_application_transaction(Transaction::new(&self.app_id, version));
        let partition_by = Some(vec![PARTITION.to_owned()]);
        let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by, predicate: None };
        let now = self.clock.now();
        let adds = new.iter().map(|new| Action::Add(new.add(self.table, true, now))).collect();
        let files = new.into_iter().map(|new| new.file).collect();
        self.commit_actions(adds, properties, operation, &[], files).await?;
        self.watermark = through;
        Ok(())
    }

    /// Commits the actions, which take out `removed` and bring `added`.
    async fn commit_actions(
        &mut self,
        actions: Vec<Action>,
        properties: CommitProperties,
        operation: DeltaOperation,
        removed: &[DataFile],
        added: Vec<DataFile>,
    ) -> Result<(), Error> {
        let delta = |error| Error::delta(self.table, error);
        let next = self.snapshot.version() + 1;
        let properties = properties.with_cleanup_expired_logs(Some((next + 1).is_multiple_of(CHECKPOINT_COMMITS)));
        let commit = CommitBuilder::from(properties).with_actions(actions).build(
            Some(&self.snapshot),
            Arc::clone(&self.log_store),
            operation,
        );
        let done = commit.await.map_err(delta)?;
        self.files = if done.version == next {
            let gone: HashSet<&Path> = removed.iter().map(|file| &file.path).collect();
            self.files.iter().filter(|file| !gone.contains(&file.path)).cloned().chain(added).collect()
        } else {
            // Others committed in between: what they did is in the snapshot.
            files(self.table, &done.snapshot)?
        };
        self.snapshot = done.snapshot;
        Ok(())
    }
}

/// When files were taken out of a table, milliseconds since the epoch, as its log in storage remembers it.
pub(crate) async fn removals(table: Table, root: &Arc<dyn ObjectStore>) -> Result<HashMap<Path, i64>, Error> {
    let delta = |error| Error::delta(table, error);
    let log_store = log_store(table, root);
    let state = DeltaTableState::try_new(&log_store, None).await.map_err(delta)?;
    let mut found = HashMap::new();
    let mut marks = state.all_tombstones(&log_store);
    while let Some(mark) = marks.try_next().await.map_err(delta)? {
        let path = Path::parse(format!("{}/{}", table.name(), mark.path()));
        if let (Ok(path), Some(at)) = (path, mark.deletion_timestamp()) {
            found.insert(path, at);
        }
    }
    Ok(found)
}

/// The number of the table's newest commit, as its log in storage has it.
pub(crate) async fn newest_version(table: Table, root: &Arc<dyn ObjectStore>) -> Result<i64, Error> {
    let log = Path::from(format!("{}/_delta_log", table.name()));
    let listed: Vec<_> =
        root.list(Some(&log)).try_collect().await.map_err(|source| Error::Storage { table, source })?;
    let number = |path: &Path| path.filename()?.strip_suffix(".json")?.parse::<i64>().ok();
    let newest = listed.iter().filter_map(|file| number(&file.location)).max();
    newest.ok_or_else(|| Error::Internal(format!("the log of {} is empty", table.name())))
}

/// The table's log, in the folder of its name. The location's path is what the library finds the folder by in `root`; with
/// any scheme but `file` it asks nothing but the store, and expects sorted listings.
fn log_store(table: Table, root: &Arc<dyn ObjectStore>) -> LogStoreRef {
    let location = Url::parse(&format!("store:///{}/", table.name())).expect("a table's name is plain");
    let folder = Arc::new(PrefixStore::new(Arc::clone(root), table.name()));
    default_logstore(folder, Arc::clone(root), &location, &StorageConfig::default())
}

async fn watermark(snapshot: &DeltaTableState, log_store: &LogStoreRef, app_id: &str) -> DeltaResult<u64> {
    let version = snapshot.transaction_version(log_store, app_id).await?;
    Ok(version.and_then(|version| u64::try_from(version).ok()).unwrap_or(0))
}

fn files(table: Table, snapshot: &DeltaTableState) -> Result<Arc<[DataFile]>, Error> {
    let file = |view: deltalake_core::kernel::LogicalFileView| {
        let path = view.path().into_owned();
        let dates = view.partition_values_map();
        let date = dates.get(PARTITION).and_then(Option::as_deref).unwrap_or_default();
        let known = data_file(table, &path, view.size(), date, &view.stats().unwrap_or_default());
        known.ok_or_else(|| Error::Schema { table, reason: format!("the log says too little of {path}") })
    };
    snapshot.log_data().iter().map(file).collect()
}

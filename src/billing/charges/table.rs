//! Owns the Delta table of `charges` in storage: one Parquet file for each month, and the log that names them. What is in
//! the rows is `rows`'.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::compute::concat_batches;
use arrow::record_batch::{RecordBatch, RecordBatchReader};
use deltalake_core::DeltaTableError;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{Action, Add, Remove, StructType, Transaction};
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::table::config::TableProperty;
use deltalake_core::table::state::DeltaTableState;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use url::Url;

use crate::billing::Error;
use crate::units::Timestamp;

use super::NAME;
use super::schema::{MONTH, schema};

/// The application transaction whose version is the time until which records are rated, microseconds since the epoch.
const RATED_THROUGH: &str = "faremeter-rated-through";
/// Commits between checkpoints, after which log files that are past their retention are deleted.
const CHECKPOINT_COMMITS: u64 = 100;
/// Marks of replaced files and commits that a checkpoint holds are kept for a day.
const PROPERTIES: [(TableProperty, &str); 2] = [
    (TableProperty::LogRetentionDuration, "interval 1 days"),
    (TableProperty::DeletedFileRetentionDuration, "interval 1 days"),
];

pub(super) struct Table {
    /// Within the table's folder.
    folder: Arc<dyn ObjectStore>,
    log_store: LogStoreRef,
    snapshot: DeltaTableState,
    /// Whether storage may be ahead of `snapshot`: the last commit had no answer.
    stale: bool,
}

/// A file that the log names.
struct Named {
    path: String,
    month: String,
    bytes: i64,
}

impl Table {
    /// Opens the table below `root`, or makes it.
    pub(super) async fn open(root: Arc<dyn ObjectStore>) -> Result<Self, Error> {
        let location = Url::parse(&format!("store:///{NAME}/")).expect("the name is plain");
        let folder: Arc<dyn ObjectStore> = Arc::new(PrefixStore::new(Arc::clone(&root), NAME));
        let log_store = default_logstore(Arc::clone(&folder), root, &location, &StorageConfig::default());
        let snapshot = match DeltaTableState::try_new(&log_store, None).await {
            Err(DeltaTableError::NotATable(_)) => create(&log_store).await?,
            opened => opened.map_err(delta)?,
        };
        check(&snapshot)?;
        Ok(Self { folder, log_store, snapshot, stale: false })
    }

    pub(super) fn version(&self) -> u64 {
        self.snapshot.version()
    }

    /// Until when records are rated.
    pub(super) async fn rated_through(&self) -> Result<Option<Timestamp>, Error> {
        let version = self.snapshot.transaction_version(&self.log_store, RATED_THROUGH).await.map_err(delta)?;
        Ok(version.map(Timestamp::from_micros))
    }

    /// The rows of each month.
    pub(super) async fn read(&self) -> Result<BTreeMap<String, RecordBatch>, Error> {
        let mut months = BTreeMap::new();
        for file in self.files() {
            let path = Path::parse(&file.path).map_err(wrong)?;
            let bytes = self.folder.get(&path).await.map_err(wrong)?.bytes().await.map_err(wrong)?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(wrong)?.build().map_err(wrong)?;
            let schema = reader.schema();
            let batches = reader.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
            let rows = concat_batches(&schema, &batches).map_err(wrong)?;
            months.insert(file.month.clone(), with_month(&file.month, &rows)?);
        }
        Ok(months)
    }

    /// Puts rows in the place of a month's, in one commit. After an error nothing is known but that calling again does no harm.
    pub(super) async fn replace(
        &mut self,
        month: &str,
        rows: &RecordBatch,
        through: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Error> {
        if std::mem::replace(&mut self.stale, true) {
            self.snapshot.update(&self.log_store, None).await.map_err(delta)?;
        }
        let at = now.micros() / 1_000;
        let mut actions: Vec<Action> = Vec::new();
        for old in self.files().into_iter().filter(|file| file.month == month) {
            actions.push(Action::Remove(removal(old, at)));
        }
        if rows.num_rows() > 0 {
            actions.push(Action::Add(self.put(month, rows, at).await?));
        }
        let next = self.snapshot.version() + 1;
        let mut properties =
            CommitProperties::default().with_cleanup_expired_logs(Some((next + 1).is_multiple_of(CHECKPOINT_COMMITS)));
        if let Some(through) = through {
            properties = properties.with_application_transaction(Transaction::new(RATED_THROUGH, through.micros()));
        }
        let predicate = Some(format!("{MONTH} = '{month}'"));
        let partition_by = Some(vec![MONTH.to_owned()]);
        let operation = DeltaOperation::Write { mode: SaveMode::Overwrite, partition_by, predicate };
        let commit = CommitBuilder::from(properties).with_actions(actions).build(
            Some(&self.snapshot),
            Arc::clone(&self.log_store),
            operation,
        );
        self.snapshot = commit.await.map_err(delta)?.snapshot;
        self.stale = false;
        Ok(())
    }

    /// Deletes files that the table does not name since before `before`.
    pub(super) async fn vacuum(&self, before: Timestamp) -> Result<(), Error> {
        let mut recent = HashSet::new();
        let mut marks = self.snapshot.all_tombstones(&self.log_store);
        while let Some(mark) = marks.try_next().await.map_err(delta)? {
            if mark.deletion_timestamp().is_none_or(|at| at >= before.micros() / 1_000) {
                recent.insert(mark.path().to_string());
            }
        }
        drop(marks);
        let named: HashSet<String> = self.files().into_iter().map(|file| file.path).collect();
        let listed: Vec<_> = self.folder.list(None).try_collect().await.map_err(wrong)?;
        for file in listed {
            let path = file.location.as_ref();
            let is_data = path.starts_with(MONTH) && path.ends_with(".parquet");
            let is_old = file.last_modified.timestamp_micros() < before.micros();
            if is_data && is_old && !named.contains(path) && !recent.contains(path) {
                self.folder.delete(&file.location).await.map_err(wrong)?;
            }
        }
        Ok(())
    }

    fn files(&self) -> Vec<Named> {
        let named = |view: deltalake_core::kernel::LogicalFileView| {
            let month = view.partition_values_map().get(MONTH).cloned().flatten().unwrap_or_default();
            Named { path: view.path().into_owned(), month, bytes: view.size() }
        };
        self.snapshot.log_data().iter().map(named).collect()
    }

    async fn put(&self, month: &str, rows: &RecordBatch, at: i64) -> Result<Add, Error> {
        let bytes = encode(rows)?;
        let size = i64::try_from(bytes.len()).map_err(wrong)?;
        let path = format!("{MONTH}={month}/part-{:020}.parquet", self.snapshot.version() + 1);
        self.folder.put(&Path::parse(&path).map_err(wrong)?, bytes.into()).await.map_err(wrong)?;
        Ok(Add {
            path,
            size,
            partition_values: [(MONTH.to_owned(), Some(month.to_owned()))].into(),
            modification_time: at,
            data_change: true,
            stats: Some(format!("{{\"numRecords\":{}}}", rows.num_rows())),
            ..Add::default()
        })
    }
}

async fn create(log_store: &LogStoreRef) -> Result<DeltaTableState, Error> {
    let columns: StructType = schema().as_ref().try_into_kernel().map_err(wrong)?;
    let mut create = CreateBuilder::new()
        .with_log_store(Arc::clone(log_store))
        .with_table_name(NAME)
        .with_comment("what each month costs, by meter, tier, function, tenant and tags")
        .with_columns(columns.fields().cloned())
        .with_partition_columns([MONTH]);
    for (key, value) in PROPERTIES {
        create = create.with_configuration_property(key, Some(value));
    }
    create.await.map_err(delta)?.state.ok_or_else(|| Error::Charges("it was made and is not there".to_owned()))
}

/// A table with other columns is refused, rather than written files that do not fit.
fn check(snapshot: &DeltaTableState) -> Result<(), Error> {
    let (found, ours) = (snapshot.snapshot().arrow_schema(), schema());
    for field in ours.fields() {
        let fits = found.field_with_name(field.name()).is_ok_and(|f| f.data_type().equals_datatype(field.data_type()));
        if !fits {
            let name = field.name();
            return Err(Error::Charges(format!("its column {name} is not there or not {}", field.data_type())));
        }
    }
    Ok(())
}

fn removal(file: Named, at: i64) -> Remove {
    Remove {
        path: file.path,
        data_change: true,
        deletion_timestamp: Some(at),
        extended_file_metadata: Some(true),
        partition_values: Some([(MONTH.to_owned(), Some(file.month))].into()),
        size: Some(file.bytes),
        ..Remove::default()
    }
}

/// All columns but the partition's.
fn encode(rows: &RecordBatch) -> Result<Vec<u8>, Error> {
    let columns: Vec<usize> = (1..rows.num_columns()).collect();
    let rows = rows.project(&columns).map_err(wrong)?;
    let zstd = Compression::ZSTD(ZstdLevel::try_new(3).map_err(wrong)?);
    let properties = WriterProperties::builder().set_compression(zstd).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).map_err(wrong)?;
    writer.write(&rows).map_err(wrong)?;
    writer.into_inner().map_err(wrong)
}

/// The rows of a file, with the column that it does not have.
fn with_month(month: &str, rows: &RecordBatch) -> Result<RecordBatch, Error> {
    let name: ArrayRef = Arc::new(StringArray::from_iter_values(std::iter::repeat_n(month, rows.num_rows())));
    let columns = std::iter::once(name).chain(rows.columns().iter().cloned()).collect();
    RecordBatch::try_new(schema(), columns).map_err(wrong)
}

fn delta(error: DeltaTableError) -> Error {
    Error::Charges(error.to_string())
}

fn wrong(error: impl std::fmt::Display) -> Error {
    Error::Charges(error.to_string())
}

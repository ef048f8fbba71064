//! A store of an older program: tables without the columns that are new, with rows in files and in the log.

use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{Action, Add, MetadataExt, StructType};
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::protocol::DeltaOperation;
use deltalake_core::table::state::DeltaTableState;
use object_store::prefix::PrefixStore;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::super::delta::SyncedFolder;
use super::contents::read;
use super::fixtures::Fixtures;
use super::*;
use crate::query::{self, Engine};
use crate::units::Timestamp;

const NEW: [&str; 4] = ["fuel", "egress_bytes", "concurrency", "init_cost"];

fn older(schema: &Schema, without: &[&str]) -> SchemaRef {
    let fields = schema.fields().iter().filter(|field| !without.contains(&field.name().as_str())).cloned();
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn project(rows: &RecordBatch, schema: &SchemaRef) -> RecordBatch {
    let columns = schema.fields().iter().map(|field| Arc::clone(rows.column_by_name(field.name()).unwrap()));
    RecordBatch::try_new(Arc::clone(schema), columns.collect()).unwrap()
}

fn log_store(dir: &Path) -> LogStoreRef {
    let root = Arc::new(SyncedFolder::new(&dir.join("tables")).unwrap());
    let folder = Arc::new(PrefixStore::new(Arc::clone(&root), "invocations"));
    let location = url::Url::parse("store:///invocations/").unwrap();
    default_logstore(folder, root, &location, &StorageConfig::default())
}

async fn commit(dir: &Path, actions: impl FnOnce(&DeltaTableState) -> Vec<Action>) {
    let log_store = log_store(dir);
    let state = DeltaTableState::try_new(&log_store, None).await.unwrap();
    let operation = DeltaOperation::SetTableProperties { properties: std::collections::HashMap::new() };
    let actions = actions(&state);
    let commit = CommitBuilder::from(CommitProperties::default()).with_actions(actions);
    commit.build(Some(&state), log_store, operation).await.unwrap();
}

/// Makes the table and its files as if those columns had never been.
async fn age(dir: &Path, files: &[DataFile], without: &[&str]) {
    let schema = older(&Table::Invocations.schema(), without);
    for file in files {
        let rows = read(dir, file);
        let rows = project(&rows, &older(&rows.schema(), without));
        let path = dir.join("tables").join(file.path.as_ref());
        let mut writer =
            parquet::arrow::ArrowWriter::try_new(std::fs::File::create(path).unwrap(), rows.schema(), None).unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();
    }
    commit(dir, |state| {
        let schema: StructType = schema.as_ref().try_into_kernel().unwrap();
        let metadata = state.metadata().clone().with_schema(&schema).unwrap();
        let metadata = metadata.remove_config_key("delta.logRetentionDuration").unwrap();
        let files = state.log_data();
        let sized = files.iter().map(|file| {
            let path = file.path().into_owned();
            let size = dir.join("tables/invocations").join(&path).metadata().unwrap().len();
            Action::Add(Add {
                path,
                size: i64::try_from(size).unwrap(),
                partition_values: file.partition_values_map(),
                modification_time: file.modification_time(),
                data_change: true,
                stats: file.stats(),
                ..Add::default()
            })
        });
        let sized: Vec<_> = sized.collect();
        [Action::Metadata(metadata)].into_iter().chain(sized).collect()
    })
    .await;
}

async fn ask(engine: &Engine, sql: &str) -> String {
    let answer = engine.sql(sql, &query::Params::default()).await.unwrap();
    String::from_utf8(query::format::csv(&answer).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_new_columns_gains_them_and_older_rows_are_null_there() {
    let dir = tempfile::tempdir().unwrap();
    let config = || Config { retention: FOREVER, ..quiet(dir.path()) };
    let store = start(config()).await;
    append(&store.handle, Fixtures::new(1).records([40, 0, 0, 0])).await;
    store.handle.flush().await.unwrap();
    let files = store.handle.view(Table::Invocations).files;
    store.stop().await.unwrap();
    age(dir.path(), &files, &NEW).await;
    let rows = batches(&Fixtures::new(2).records([7, 0, 0, 0]), Timestamp::from_micros(1)).remove(0).1;
    let rows = project(&rows, &older(&rows.schema(), &NEW));
    let stream = super::super::wal::stream_id(&dir.path().join("wal"), &mut StdRng::seed_from_u64(1)).unwrap();
    super::super::wal::tests::write_older(&dir.path().join("wal"), &stream, 1_000, rows);

    for round in 0..2 {
        let store = start(config()).await;
        let view = store.handle.view(Table::Invocations);
        assert_eq!((view.rows(), view.schema), (47, Table::Invocations.schema()));
        let engine = Engine::start(query::Config::default(), store.handle.clone()).unwrap();
        let counts = NEW.map(|column| format!("count({column}) AS {column}")).join(", ");
        let sql = format!("SELECT count(*) AS n, {counts}, count(outcome) AS c FROM invocations");
        let shown = ask(&engine, &sql).await;
        assert!(shown.contains("47,0,0,0,0,47"), "round {round}: {shown}");
        store.handle.flush().await.unwrap();
        store.stop().await.unwrap();
    }
    // Files with and without the columns are joined.
    let store = start(config()).await;
    append(&store.handle, Fixtures::new(3).records([300, 0, 0, 0])).await;
    store.handle.flush().await.unwrap();
    store.handle.maintain().await.unwrap();
    let view = store.handle.view(Table::Invocations);
    assert_eq!((view.rows(), view.files.len()), (347, 9), "rows of just now wait until nothing comes any more");
    store.stop().await.unwrap();
    let config = Config {
        maintenance: Maintenance { settle_after: std::time::Duration::ZERO, ..config().maintenance },
        ..config()
    };
    let store = start(config).await;
    store.handle.maintain().await.unwrap();
    let view = store.handle.view(Table::Invocations);
    assert_eq!((view.rows(), view.files.len()), (347, 3));
    let rows: Vec<_> = view.files.iter().map(|file| read(dir.path(), file)).collect();
    for column in NEW {
        let nulls: usize = rows.iter().map(|rows| rows.column_by_name(column).unwrap().null_count()).sum();
        assert!((47..347).contains(&nulls), "{column}: {nulls}");
    }
    store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn other_differences_are_refused() {
    for (without, reason) in [(vec!["outcome"], "it has no column outcome"), (vec![], "it has an unknown column more")]
    {
        let dir = tempfile::tempdir().unwrap();
        start(quiet(dir.path())).await.stop().await.unwrap();
        if without.is_empty() {
            commit(dir.path(), |state| {
                let ours = state.snapshot().arrow_schema();
                let more = arrow::datatypes::Field::new("more", arrow::datatypes::DataType::Int64, true);
                let fields: Vec<_> = ours.fields().iter().cloned().chain([Arc::new(more)]).collect();
                let schema: StructType = (&Schema::new(fields)).try_into_kernel().unwrap();
                vec![Action::Metadata(state.metadata().clone().with_schema(&schema).unwrap())]
            })
            .await;
        } else {
            age(dir.path(), &[], &without).await;
        }
        let Err(error) = Service::open(quiet(dir.path()), Clock::system()).await else { panic!("opened it") };
        assert!(matches!(&error, Error::Schema { table: Table::Invocations, .. }), "{error}");
        assert!(error.to_string().ends_with(reason), "{error}");
    }
}

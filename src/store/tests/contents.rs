//! What is read is what was written: in memory, in files, and by Delta's own reading of the log.

use std::collections::BTreeSet;
use std::fs::File;

use arrow::array::{Array, AsArray};
use arrow::compute::concat_batches;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::fixtures::Fixtures;
use super::*;

/// The rows as texts, whatever their order.
fn lines(batches: &[RecordBatch]) -> BTreeSet<String> {
    let text = pretty_format_batches(batches).unwrap().to_string();
    text.lines().skip(3).filter(|line| line.starts_with('|')).map(|line| line.split_whitespace().collect()).collect()
}

pub(super) fn read(dir: &Path, file: &DataFile) -> RecordBatch {
    let path = dir.join("tables").join(file.path.as_ref());
    assert_eq!(path.metadata().unwrap().len(), file.bytes);
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = std::sync::Arc::clone(reader.schema());
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_hold_the_rows_that_were_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let store = start(quiet(dir.path())).await;
    let mut fixtures = Fixtures::new(1);
    for _ in 0..5 {
        append(&store.handle, fixtures.records([7, 7, 7, 7])).await;
    }
    let before = Table::ALL.map(|table| store.handle.view(table).batches);
    store.handle.flush().await.unwrap();
    for (table, before) in Table::ALL.into_iter().zip(before) {
        let view = store.handle.view(table);
        let columns: Vec<usize> = (0..view.schema.fields().len() - 1).collect();
        let before: Vec<_> = before.iter().map(|rows| rows.project(&columns).unwrap()).collect();
        let files: Vec<_> = view.files.iter().map(|file| read(dir.path(), file)).collect();
        assert_eq!(files[0].schema(), before[0].schema());
        assert_eq!(lines(&files), lines(&before), "{}", table.name());
        assert_eq!(view.files.len(), 3, "a file for each of three days");
    }
    store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_sorted_and_within_their_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let store = start(quiet(dir.path())).await;
    append(&store.handle, Fixtures::new(1).records([200, 200, 200, 200])).await;
    store.handle.flush().await.unwrap();
    for table in Table::ALL {
        for file in store.handle.view(table).files.iter() {
            let rows = read(dir.path(), file);
            assert_eq!(file.rows, rows.num_rows() as u64);
            let functions = rows.column_by_name("function").unwrap().as_string::<i32>();
            let times = rows.column_by_name(table.time_column()).unwrap().as_primitive::<TimestampMicrosecondType>();
            let keys: Vec<_> = functions.iter().zip(times.values()).collect();
            assert!(keys.is_sorted(), "{}", table.name());
            assert!(times.values().iter().all(|time| time.div_euclid(86_400_000_000) == i64::from(file.date)));
            let bounds = |name: &str| file.bounds.iter().find(|(found, _)| found == name).map(|(_, bounds)| bounds);
            let function = bounds("function").unwrap();
            assert_eq!(function.nulls, functions.null_count() as u64);
            assert_eq!(function.min, Bound::Text("name-0".to_owned()));
            assert_eq!(function.max, Bound::Text("name-2".to_owned()));
            let time = bounds(table.time_column()).unwrap();
            let (Bound::TimestampMicros(min), Bound::TimestampMicros(max)) = (&time.min, &time.max) else { panic!() };
            assert!(times.values().iter().all(|time| min <= time && time <= max));
            assert!(bounds("ingested_at").is_some() && bounds("tenant").is_some());
        }
    }
    store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn delta_lists_the_same_files_and_documents_every_column() {
    let dir = tempfile::tempdir().unwrap();
    let store = start(quiet(dir.path())).await;
    append(&store.handle, Fixtures::new(1).records([20, 20, 20, 20])).await;
    store.handle.flush().await.unwrap();
    for table in Table::ALL {
        let location = url::Url::from_directory_path(dir.path().join("tables").join(table.name())).unwrap();
        let delta = deltalake_core::open_table(location).await.unwrap();
        let listed: BTreeSet<String> = delta
            .snapshot()
            .unwrap()
            .log_data()
            .iter()
            .map(|file| format!("{}/{}", table.name(), file.path()))
            .collect();
        let view = store.handle.view(table);
        assert_eq!(listed, view.files.iter().map(|file| file.path.to_string()).collect());
        let schema = delta.snapshot().unwrap().snapshot().arrow_schema();
        for field in view.schema.fields() {
            assert_eq!(schema.field_with_name(field.name()).unwrap(), field.as_ref());
        }
        let metadata = delta.snapshot().unwrap().metadata();
        assert_eq!(metadata.name(), Some(table.name()));
        assert_eq!(metadata.partition_columns().to_vec(), ["date"]);
    }
    store.stop().await.unwrap();
}

//! Keeps columns of the rollup's side files in memory, decoded, since pages ask for the same ones again and again, and opening
//! a file costs more than what is in it. Which rows are asked for is the plan's; which files there are is the view's.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use bytes::Bytes;
use datafusion::error::{DataFusionError, Result};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::kept::Kept;
use super::views;

/// The columns of side files that are kept. They are all of the same format: a column's place says which it is.
#[derive(Debug)]
pub(super) struct SideColumns {
    kept: Kept<(Path, usize), ArrayRef>,
}

impl SideColumns {
    /// Keeps so many bytes at most.
    pub(super) fn new(limit: usize) -> Self {
        Self { kept: Kept::new(limit) }
    }

    /// These columns of a side file, in this order. Those that are not kept are read. Two that ask at once both read.
    pub(super) async fn get(&self, store: &dyn ObjectStore, path: &Path, wanted: &[usize]) -> Result<Vec<ArrayRef>> {
        let known = |column: &usize| Some((*column, self.kept.get(&(path.clone(), *column))?));
        let mut found: HashMap<usize, ArrayRef> = wanted.iter().filter_map(known).collect();
        let missing: Vec<usize> = wanted.iter().copied().filter(|column| !found.contains_key(column)).collect();
        if !missing.is_empty() {
            let read = decode(bytes_of(store, path).await?, missing)?;
            for (column, values) in &read {
                self.kept.put((path.clone(), *column), Arc::clone(values), values.get_array_memory_size());
            }
            found.extend(read);
        }
        Ok(wanted.iter().map(|column| Arc::clone(&found[column])).collect())
    }
}

async fn bytes_of(store: &dyn ObjectStore, path: &Path) -> Result<Bytes> {
    let failed = |error: object_store::Error| DataFusionError::ObjectStore(Box::new(error));
    store.get(path).await.map_err(failed)?.bytes().await.map_err(failed)
}

/// The columns at these places, each as one array.
fn decode(file: Bytes, mut places: Vec<usize>) -> Result<Vec<(usize, ArrayRef)>> {
    places.sort_unstable();
    places.dedup();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let mask = ProjectionMask::roots(reader.parquet_schema(), places.iter().copied());
    let rows = usize::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or_default();
    let batches = reader.with_batch_size(rows.max(1)).with_projection(mask).build()?.collect::<Result<Vec<_>, _>>()?;
    let column = |(at, place): (usize, usize)| {
        let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(at).as_ref()).collect();
        let whole = if let [_] = parts[..] { Arc::clone(batches[0].column(at)) } else { concat(&parts)? };
        Ok((place, views::kept(&whole)?))
    };
    places.into_iter().enumerate().map(column).collect()
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;
    use arrow::record_batch::RecordBatch;
    use object_store::memory::InMemory;
    use parquet::arrow::ArrowWriter;

    use super::*;

    async fn put(store: &InMemory, path: &Path, values: [i64; 3]) {
        let column =
            |times: i64| Arc::new(values.iter().map(|value| value * times).collect::<Int64Array>()) as ArrayRef;
        let rows = RecordBatch::try_from_iter([("a", column(1)), ("b", column(10)), ("c", column(100))]).unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None).unwrap();
        writer.write(&rows).unwrap();
        store.put(path, writer.into_inner().unwrap().into()).await.unwrap();
    }

    fn ints(column: &ArrayRef) -> Vec<i64> {
        use arrow::array::AsArray;
        column.as_primitive::<arrow::datatypes::Int64Type>().values().to_vec()
    }

    #[tokio::test]
    async fn what_was_read_once_is_not_read_again() {
        let (store, path) = (InMemory::new(), Path::from("x"));
        put(&store, &path, [1, 2, 3]).await;
        let columns = SideColumns::new(1 << 20);
        let first = columns.get(&store, &path, &[2, 0]).await.unwrap();
        assert_eq!([ints(&first[0]), ints(&first[1])], [vec![100, 200, 300], vec![1, 2, 3]]);
        let both = columns.get(&store, &path, &[1, 2]).await.unwrap();
        assert_eq!([ints(&both[0]), ints(&both[1])], [vec![10, 20, 30], vec![100, 200, 300]]);
        store.delete(&path).await.unwrap();
        let again = columns.get(&store, &path, &[0, 1, 2]).await.unwrap();
        assert_eq!(ints(&again[1]), [10, 20, 30]);
        let other = columns.get(&store, &Path::from("y"), &[0]).await.unwrap_err();
        assert!(matches!(other, DataFusionError::ObjectStore(_)), "{other}");
    }
}

//! Keeps columns of the rollup's side files in memory, decoded, since pages ask for the same ones again and again, and opening
//! a file costs more than what is in it. Which rows are asked for is the plan's; which files there are is the view's.
//!
//! A file's content never changes, and a view names the files that it is of: so what is kept cannot be out of date, and a file
//! that is joined to another is no longer asked for and makes way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use bytes::Bytes;
use datafusion::error::{DataFusionError, Result};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::views;

/// Of what is kept when the limit is passed, one part in so many goes: what was not asked for the longest.
const GOES: usize = 4;

/// The columns of side files that are kept. They are all of the same format: a column's place says which it is.
#[derive(Debug)]
pub(super) struct SideColumns {
    /// Bytes that may be kept.
    limit: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    files: HashMap<Path, File>,
    bytes: usize,
    /// Counts the times that something was asked for.
    asked: u64,
}

#[derive(Debug, Default)]
struct File {
    columns: HashMap<usize, ArrayRef>,
    bytes: usize,
    /// When it was asked for last.
    asked: u64,
}

impl SideColumns {
    /// Keeps so many bytes at most.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, kept: Mutex::default() }
    }

    /// These columns of a side file, in this order. Those that are not kept are read. Two that ask at once both read.
    pub(super) async fn get(&self, store: &dyn ObjectStore, path: &Path, wanted: &[usize]) -> Result<Vec<ArrayRef>> {
        let mut found = self.known(path, wanted);
        let missing: Vec<usize> = wanted.iter().copied().filter(|column| !found.contains_key(column)).collect();
        if !missing.is_empty() {
            let read = decode(bytes_of(store, path).await?, missing)?;
            self.keep(path, &read);
            found.extend(read);
        }
        Ok(wanted.iter().map(|column| Arc::clone(&found[column])).collect())
    }

    fn known(&self, path: &Path, wanted: &[usize]) -> HashMap<usize, ArrayRef> {
        let mut kept = self.lock();
        kept.asked += 1;
        let asked = kept.asked;
        let Some(file) = kept.files.get_mut(path) else { return HashMap::new() };
        file.asked = asked;
        wanted.iter().filter_map(|column| Some((*column, Arc::clone(file.columns.get(column)?)))).collect()
    }

    fn keep(&self, path: &Path, read: &[(usize, ArrayRef)]) {
        let mut kept = self.lock();
        let Kept { files, bytes, asked } = &mut *kept;
        let file = files.entry(path.clone()).or_default();
        file.asked = *asked;
        for (column, values) in read {
            let more = values.get_array_memory_size();
            if file.columns.insert(*column, Arc::clone(values)).is_none() {
                file.bytes += more;
                *bytes += more;
            }
        }
        if *bytes > self.limit {
            kept.make_room(self.limit - self.limit / GOES);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Forgets files until no more than so many bytes are kept.
    fn make_room(&mut self, limit: usize) {
        let mut oldest_first: Vec<(u64, Path)> =
            self.files.iter().map(|(path, file)| (file.asked, path.clone())).collect();
        oldest_first.sort_unstable();
        for (_, path) in oldest_first {
            if self.bytes <= limit {
                break;
            }
            self.bytes -= self.files.remove(&path).map_or(0, |file| file.bytes);
        }
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

    #[tokio::test]
    async fn what_was_asked_for_last_stays_within_the_limit() {
        let store = InMemory::new();
        let columns = SideColumns::new(2_000);
        let paths: Vec<Path> = (0..100).map(|number| Path::from(number.to_string())).collect();
        for (path, number) in paths.iter().zip(0..) {
            put(&store, path, [number, number, number]).await;
            let read = columns.get(&store, path, &[0]).await.unwrap();
            assert_eq!(ints(&read[0]), [number; 3]);
            let kept = columns.lock();
            assert!(kept.bytes <= 2_000, "{}", kept.bytes);
            assert_eq!(kept.bytes, kept.files.values().map(|file| file.bytes).sum::<usize>());
            assert!(kept.files.contains_key(path) && kept.files.len() > usize::from(number > 0));
        }
    }
}

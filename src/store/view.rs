//! Owns what a query sees of a table: files with their bounds, and rows that are not in a file yet.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use object_store::ObjectStore;

use super::Table;
use super::tables::INGESTED_AT;

/// One table at one moment: each acknowledged row is in exactly one of `files` and `batches`.
#[derive(Clone)]
pub struct View {
    /// Which table.
    pub table: Table,
    /// All columns, the partition column `date` included (last).
    pub schema: SchemaRef,
    /// Where `files` are: one store for all tables.
    pub object_store: Arc<dyn ObjectStore>,
    /// The table's Parquet files.
    pub files: Arc<[DataFile]>,
    /// Rows that are not in a file yet, in the order of their coming; all columns, `date` included.
    pub batches: Vec<RecordBatch>,
}

/// One Parquet file of a table. It holds every column but the partition's.
#[derive(Debug, Clone, PartialEq)]
pub struct DataFile {
    /// Within `View::object_store`.
    pub path: object_store::path::Path,
    /// The file's length.
    pub bytes: u64,
    /// Rows in it.
    pub rows: u64,
    /// The partition: days since the epoch (column `date`).
    pub date: i32,
    /// Bounds of some columns, by name: no value lies outside of them, but they need not be reached. Time stamps are
    /// widened to whole milliseconds. A column without bounds is left out.
    pub bounds: Vec<(String, Bounds)>,
}

/// Between what a column's values lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    /// No value is less.
    pub min: Bound,
    /// No value is greater.
    pub max: Bound,
    /// How many values are null.
    pub nulls: u64,
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound {
    /// Microseconds since the epoch.
    TimestampMicros(i64),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
}

impl DataFile {
    /// An upper bound of `ingested_at`, microseconds since the epoch.
    pub(crate) fn last_ingested(&self) -> Option<i64> {
        self.bounds.iter().find_map(|(name, bounds)| match bounds.max {
            Bound::TimestampMicros(max) if name == INGESTED_AT => Some(max),
            _ => None,
        })
    }
}

impl View {
    /// Rows in all.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let files = self.files.iter().map(|file| file.rows).sum::<u64>();
        files + self.batches.iter().map(|batch| batch.num_rows() as u64).sum::<u64>()
    }
}

//! Owns the telemetry: the write-ahead log, the move to Delta tables, and what a query may read of both.
//! It does not know SQL (`crate::query`) nor where records come from (`crate::trigger`, `crate::ingest`).
//!
//! A record's way: `Handle::reserve` takes room in the buffer before the work begins; `Slot::append` hands the records to
//! the log's one thread, which merges all waiting groups, writes them as one frame, shows them to `Handle::view` and
//! answers. The committer seals the log's segment every commit interval, writes its rows as Parquet and commits them to
//! Delta with the segment's number as application transaction; then it drops the rows from memory and deletes the segment.
//!
//! Exactly once: a segment's rows are in a table if and only if the table's transaction version has reached the segment's
//! number. The number is read from the very snapshot that is committed on, so that a commit whose answer was lost is not
//! made again; replay at start shows from memory what is above it. Files, number and rows in memory change for readers
//! under one lock, so that a view has each row once at any moment.
//!
//! Durable: an append is acknowledged after write(2), which outlives the process; fsync follows within the interval, or
//! comes first where it is asked for. Parquet files and commits are synced too (`delta::local`) before the segment that
//! they replace is deleted.

mod budget;
mod committer;
mod config;
mod delta;
mod error;
mod handle;
mod live;
mod maintain;
mod recent;
mod rollup;
mod service;
mod status;
mod tables;
mod view;
mod wal;

pub use config::{Config, Maintenance, Retention, WalSync};
pub use delta::{FILTERED_COLUMNS, blooms, values};
pub use error::{Error, NoSpace};
pub use handle::{Handle, Slot};
pub use recent::Span;
pub use rollup::{
    Bin, ERROR_GROUPS, OTHER, RELATIVE_ERROR, Rollup, RollupView, SHAPE_CHARS, Sketch, SketchError, error_fingerprint,
    error_shape,
};
pub use service::Service;
pub use status::{Disk, DiskLevel, Status, TableStatus};
pub use tables::{batches, size_of};
pub use view::{Bound, Bounds, DataFile, View};

/// The tables of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// One row for each attempt.
    Invocations,
    /// Spans of traces.
    Spans,
    /// Log records.
    Logs,
    /// Data points of metrics.
    Metrics,
}

#[cfg(test)]
pub(crate) mod tests;

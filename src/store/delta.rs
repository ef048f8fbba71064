//! Owns the tables in storage: Parquet files and the Delta log that lists them. It does not know the write-ahead log
//! beyond its name and its segments' numbers.

mod bounds;
mod file;
mod local;
mod merge;
mod parquet;
mod table;

pub(crate) use file::NewFile;
pub(crate) use local::SyncedFolder;
pub(crate) use merge::{merge, rows_of, without};
pub(crate) use table::{Change, DeltaTable, Kept, Reason, newest_version, removals};

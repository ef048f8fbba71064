//! Owns the tables in storage: Parquet files and the Delta log that lists them. It does not know the write-ahead log
//! beyond its name and its segments' numbers.

mod bounds;
mod local;
mod parquet;
mod table;

pub(crate) use local::SyncedFolder;
pub(crate) use table::DeltaTable;

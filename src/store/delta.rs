//! Owns the tables in storage: Parquet files and the Delta log that lists them. It does not know the write-ahead log
//! beyond its name and its segments' numbers.

mod blooms;
mod bounds;
mod file;
mod local;
mod merge;
mod parquet;
mod source;
mod table;
mod values;

pub use blooms::blooms;
pub(crate) use file::NewFile;
pub(crate) use local::SyncedFolder;
pub(crate) use merge::{merge, rows_of, without};
pub use parquet::FILTERED_COLUMNS;
pub(crate) use source::Source;
pub(crate) use table::{Change, DeltaTable, Kept, Reason, newest_version, removals};
pub use values::values;

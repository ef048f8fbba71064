//! Owns what can go wrong in the store, by what the caller can do about it.

use std::path::{Path, PathBuf};

use super::Table;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Try again later: rows wait for their commit.
    #[error("the write buffer is full: {waiting} of {limit} bytes wait for their commit")]
    Full {
        /// Bytes that wait.
        waiting: u64,
        /// `Config::buffer_bytes`.
        limit: u64,
    },
    /// Try again later: too much work is under way.
    #[error("all {limit} slots of the write buffer are taken")]
    Slots {
        /// `Config::max_slots`.
        limit: u64,
    },
    /// Try again when there is room on the disk.
    #[error("{0}")]
    NoSpace(NoSpace),
    /// Split it: this will never fit.
    #[error("a group of {bytes} bytes is larger than the write buffer takes: {limit} bytes")]
    TooLarge {
        /// The group's size.
        bytes: u64,
        /// The most that a group may have.
        limit: u64,
    },
    /// The service has stopped.
    #[error("the store is closed")]
    Closed,
    /// The log cannot be written: nothing is accepted until a restart. What was acknowledged before is kept.
    #[error("the store accepts nothing since its log failed: {0}")]
    Faulty(String),
    /// Another process has the folder.
    #[error("{} is in use by another faremeter", dir.display())]
    Locked {
        /// The folder.
        dir: PathBuf,
    },
    /// The log is damaged where a torn write cannot be the cause.
    #[error("the log is damaged: {} at byte {offset}: {reason}", path.display())]
    CorruptLog {
        /// The segment.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The table in storage is not of the shape that this program writes.
    #[error("the table {} in storage does not fit: {reason}", table.name())]
    Schema {
        /// Which.
        table: Table,
        /// What differs.
        reason: String,
    },
    /// A file of the store could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The tables' storage failed; a commit is tried again by itself.
    #[error("cannot store files of {}: {source}", table.name())]
    Storage {
        /// Which table.
        table: Table,
        /// Why.
        source: object_store::Error,
    },
    /// A Delta table could not be read or committed to; a commit is tried again by itself.
    #[error("cannot open or commit to {}: {source}", table.name())]
    Delta {
        /// Which table.
        table: Table,
        /// Why.
        source: Box<deltalake_core::DeltaTableError>,
    },
    /// Rows could not be encoded.
    #[error("cannot encode rows: {0}")]
    Encode(#[from] arrow::error::ArrowError),
    /// Rows could not be encoded as Parquet.
    #[error("cannot encode rows as Parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A part of the store came to an end where it should not.
    #[error("internal error: {0}")]
    Internal(String),
}

/// What keeps the store from taking more, and what helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSpace {
    /// Tables and log have reached the limit that was set.
    #[error("tables and log hold {used} bytes and may hold {limit}: raise disk_limit_mb or shorten the retention")]
    Limit {
        /// Bytes of tables and log.
        used: u64,
        /// `Config::disk_limit_bytes`.
        limit: u64,
    },
    /// The disk is about full.
    #[error("the disk has {free} bytes free and must have {least}: make room on it or shorten the retention")]
    Disk {
        /// Bytes free.
        free: u64,
        /// `Config::min_free_bytes`.
        least: u64,
    },
}

impl Error {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    pub(crate) fn delta(table: Table, source: deltalake_core::DeltaTableError) -> Self {
        Self::Delta { table, source: Box::new(source) }
    }
}

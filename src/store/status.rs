//! Owns the figures that the store tells of itself, and what is counted for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{DataFile, Table};

/// What is counted since the start.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) rows_appended: Arc<AtomicU64>,
    pub(super) commits: AtomicU64,
    pub(super) commit_failures: AtomicU64,
    pub(super) compactions: AtomicU64,
    pub(super) files_joined: AtomicU64,
    pub(super) rows_joined: AtomicU64,
    pub(super) files_expired: AtomicU64,
    pub(super) rows_expired: AtomicU64,
    pub(super) files_deleted: AtomicU64,
    pub(super) bytes_deleted: AtomicU64,
    pub(super) maintenance_failures: AtomicU64,
}

/// Adds to a counter.
pub(super) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

/// Figures about the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Why appends cannot succeed; none when they can.
    pub fault: Option<String>,
    /// Bytes that are reserved or wait for their commit.
    pub buffered_bytes: u64,
    /// `Config::buffer_bytes`.
    pub buffer_limit_bytes: u64,
    /// Rows accepted since the start.
    pub rows_appended: u64,
    /// Commits to Delta tables since the start.
    pub commits: u64,
    /// Commits that failed since the start; each is tried again.
    pub commit_failures: u64,
    /// Segments in the log, the one that is being written included.
    pub wal_segments: u64,
    /// The tables, in the order of `Table::ALL`.
    pub tables: [TableStatus; 4],
    /// Times that files were joined, since the start.
    pub compactions: u64,
    /// Files that were joined to larger ones, since the start.
    pub files_joined: u64,
    /// Rows in them.
    pub rows_joined: u64,
    /// Files of days past their retention that were taken out of a table, since the start.
    pub files_expired: u64,
    /// Rows in them.
    pub rows_expired: u64,
    /// Files that were deleted from storage, since the start.
    pub files_deleted: u64,
    /// Bytes of them.
    pub bytes_deleted: u64,
    /// Times that joining, retention or deleting failed, since the start; each is tried again.
    pub maintenance_failures: u64,
    /// Room on the disk.
    pub disk: Disk,
}

/// Figures about a table's files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableStatus {
    /// Files.
    pub files: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Rows in the files.
    pub rows: u64,
}

/// Room on the disk, as it was when it was last looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disk {
    /// Bytes of tables and log.
    pub used_bytes: u64,
    /// `Config::disk_limit_bytes`.
    pub limit_bytes: Option<u64>,
    /// Bytes that the disk has free.
    pub free_bytes: u64,
    /// `Config::min_free_bytes`.
    pub min_free_bytes: u64,
    /// How near the limits are.
    pub level: DiskLevel,
}

/// How near the limits of the disk are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskLevel {
    /// There is room.
    #[default]
    Room,
    /// Four fifths of a limit are reached.
    Low,
    /// A limit is reached: appends are refused.
    Full,
}

impl Disk {
    /// Whether appends are refused for it.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.level == DiskLevel::Full
    }

    /// What is short; none while there is room.
    #[must_use]
    pub fn shortage(&self) -> Option<String> {
        if self.level == DiskLevel::Room {
            return None;
        }
        let used = self.limit_bytes.map(|limit| format!("tables and log hold {} of {limit} bytes, ", self.used_bytes));
        let used = used.unwrap_or_default();
        Some(format!("{used}the disk has {} bytes free and must have {}", self.free_bytes, self.min_free_bytes))
    }
}

impl TableStatus {
    pub(super) fn of(files: &[DataFile]) -> Self {
        let sum = |of: fn(&DataFile) -> u64| files.iter().map(of).sum();
        Self { files: files.len() as u64, bytes: sum(|file| file.bytes), rows: sum(|file| file.rows) }
    }
}

impl Counters {
    /// A status with what is counted here, and the tables as `files` has them.
    pub(super) fn status(&self, files: impl Fn(Table) -> Arc<[DataFile]>) -> Status {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Status {
            rows_appended: read(&self.rows_appended),
            commits: read(&self.commits),
            commit_failures: read(&self.commit_failures),
            tables: Table::ALL.map(|table| TableStatus::of(&files(table))),
            compactions: read(&self.compactions),
            files_joined: read(&self.files_joined),
            rows_joined: read(&self.rows_joined),
            files_expired: read(&self.files_expired),
            rows_expired: read(&self.rows_expired),
            files_deleted: read(&self.files_deleted),
            bytes_deleted: read(&self.bytes_deleted),
            maintenance_failures: read(&self.maintenance_failures),
            ..Status::default()
        }
    }
}

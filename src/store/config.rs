//! Owns the store's settings and limits, with their units and defaults.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;

use super::Table;

/// When the log's bytes reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WalSync {
    /// At the latest `Config::wal_sync_interval` after the answer.
    #[default]
    Interval,
    /// Before the answer.
    Always,
}

/// Settings and limits of the store.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder that holds `wal/` and `tables/`.
    pub dir: PathBuf,
    /// When the log's bytes reach the disk (at an interval).
    pub wal_sync: WalSync,
    /// fsync at the latest this long after a write (20 ms).
    pub wal_sync_interval: Duration,
    /// Time between commits to Delta (10 s).
    pub commit_interval: Duration,
    /// Bytes of records that may wait in memory for their commit, about (256 MiB). Above it `reserve` refuses.
    pub buffer_bytes: u64,
    /// Slots that may be reserved and not yet written (65,536). Above it `reserve` refuses.
    pub max_slots: u64,
    /// A segment of the log is committed when its rows take this many bytes of memory, however early it is (32 MiB).
    pub segment_bytes: u64,
    /// Joining files, and deleting those that nobody needs.
    pub maintenance: Maintenance,
    /// How long rows are kept.
    pub retention: Retention,
    /// How long rows of some tenants are kept, by the tenant's name, where that is shorter or longer.
    pub tenant_retention: BTreeMap<String, Retention>,
    /// Bytes of tables and log, at most; from there on `reserve` refuses. None (the default) is no limit.
    pub disk_limit_bytes: Option<u64>,
    /// Bytes that the disk of `dir` must have free (1 GiB); with less `reserve` refuses.
    pub min_free_bytes: u64,
    /// Time between looks at the disk (5 s).
    pub disk_check_interval: Duration,
    /// Where the tables are; none (the default) is the folder `tables/` in `dir`. The log stays in `dir`.
    pub object_store: Option<Arc<dyn ObjectStore>>,
}

/// How the tables' files are looked after.
#[derive(Debug, Clone)]
pub struct Maintenance {
    /// Time between rounds (60 s).
    pub interval: Duration,
    /// So many files of a day that are of about one size are joined (8). A row is written again at most once for each power
    /// of this.
    pub fan_in: u32,
    /// Bytes of the files that are joined at once, at most (64 MiB): a joined file has no more. Those of half of this and
    /// more are left as they are. A run holds about twice this in memory.
    pub file_bytes: u64,
    /// Rows of a joined file, at most (1,048,576). Files of half of this and more are left as they are.
    pub file_rows: u64,
    /// A day that is over ends up as few files once nothing came for so long (1 h).
    pub settle_after: Duration,
    /// Files that a table does not have any more are deleted so long after (1 h). Longer than any query may last.
    pub vacuum_after: Duration,
    /// Files that no table ever had, as failed commits leave them, are deleted when they are so old (24 h).
    pub orphan_after: Duration,
    /// Time between looks for files to delete (10 min); `vacuum_after` where that is less.
    pub vacuum_interval: Duration,
}

impl Default for Maintenance {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            fan_in: 8,
            file_bytes: 64 << 20,
            file_rows: 1 << 20,
            settle_after: Duration::from_secs(3_600),
            vacuum_after: Duration::from_secs(3_600),
            orphan_after: Duration::from_secs(86_400),
            vacuum_interval: Duration::from_secs(600),
        }
    }
}

/// For how many whole days the rows of each table are kept, beside today's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// 400: a year and a month, for the books.
    pub invocations: u32,
    /// 30
    pub spans: u32,
    /// 30
    pub logs: u32,
    /// 90
    pub metrics: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { invocations: 400, spans: 30, logs: 30, metrics: 90 }
    }
}

impl Retention {
    /// The days of one table.
    #[must_use]
    pub fn days(&self, table: Table) -> u32 {
        match table {
            Table::Invocations => self.invocations,
            Table::Spans => self.spans,
            Table::Logs => self.logs,
            Table::Metrics => self.metrics,
        }
    }
}

impl Config {
    /// The defaults, in the folder `dir`.
    #[must_use]
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            wal_sync: WalSync::default(),
            wal_sync_interval: Duration::from_millis(20),
            commit_interval: Duration::from_secs(10),
            buffer_bytes: 256 << 20,
            max_slots: 65_536,
            segment_bytes: 32 << 20,
            maintenance: Maintenance::default(),
            retention: Retention::default(),
            tenant_retention: BTreeMap::new(),
            disk_limit_bytes: None,
            min_free_bytes: 1 << 30,
            disk_check_interval: Duration::from_secs(5),
            object_store: None,
        }
    }
}

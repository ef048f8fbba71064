//! Owns the store's settings and limits, with their units and defaults.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;

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
    /// Where the tables are; none (the default) is the folder `tables/` in `dir`. The log stays in `dir`.
    pub object_store: Option<Arc<dyn ObjectStore>>,
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
            object_store: None,
        }
    }
}

//! The metrics of the store, which it counts itself: read from its status when they are shown.

use std::sync::atomic::Ordering;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::store::{DiskLevel, Status, Table};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTable {
    table: &'static str,
}

/// Figures that the store keeps.
#[derive(Default)]
pub(super) struct StoreFigures {
    up: Gauge,
    buffered: Gauge,
    buffer_limit: Gauge,
    rows: Counter,
    commits: Counter,
    commit_failures: Counter,
    wal_segments: Gauge,
    files: Family<OfTable, Gauge>,
    file_bytes: Family<OfTable, Gauge>,
    file_rows: Family<OfTable, Gauge>,
    compactions: Counter,
    files_joined: Counter,
    rows_joined: Counter,
    files_expired: Counter,
    rows_expired: Counter,
    files_deleted: Counter,
    bytes_deleted: Counter,
    maintenance_failures: Counter,
    disk_used: Gauge,
    disk_limit: Gauge,
    disk_free: Gauge,
    disk_level: Gauge,
}

impl StoreFigures {
    pub(super) fn register(&self, store: &mut Registry) {
        store.register("up", "1 while records can be written", self.up.clone());
        let help = "Records that wait for their commit";
        store.register_with_unit("buffered", help, Unit::Bytes, self.buffered.clone());
        let help = "Records that may wait for their commit";
        store.register_with_unit("buffer_limit", help, Unit::Bytes, self.buffer_limit.clone());
        store.register("rows_appended", "Rows written to the log", self.rows.clone());
        store.register("commits", "Commits to the tables", self.commits.clone());
        store.register("commit_failures", "Commits to the tables that failed", self.commit_failures.clone());
        store.register("wal_segments", "Segments of the write-ahead log", self.wal_segments.clone());
        self.register_maintenance(store);
        let help = "What tables and log take of the disk";
        store.register_with_unit("disk_used", help, Unit::Bytes, self.disk_used.clone());
        let help = "What tables and log may take of the disk; 0 where there is no limit";
        store.register_with_unit("disk_limit", help, Unit::Bytes, self.disk_limit.clone());
        let help = "What the disk of the data folder has free";
        store.register_with_unit("disk_free", help, Unit::Bytes, self.disk_free.clone());
        let help = "0 while there is room on the disk, 1 from four fifths of a limit on, 2 while records are refused";
        store.register("disk_level", help, self.disk_level.clone());
    }

    fn register_maintenance(&self, store: &mut Registry) {
        store.register("files", "Files of the table", self.files.clone());
        let help = "What the table's files take";
        store.register_with_unit("file", help, Unit::Bytes, self.file_bytes.clone());
        store.register("file_rows", "Rows in the table's files", self.file_rows.clone());
        store.register("compactions", "Times that files were joined", self.compactions.clone());
        store.register("files_joined", "Files that were joined to larger ones", self.files_joined.clone());
        store.register("rows_joined", "Rows in files that were joined", self.rows_joined.clone());
        store.register(
            "files_expired",
            "Files dropped since they were past their retention",
            self.files_expired.clone(),
        );
        store.register("rows_expired", "Rows dropped since they were past their retention", self.rows_expired.clone());
        store.register("files_deleted", "Files deleted that nobody needed", self.files_deleted.clone());
        let help = "What the files took that were deleted";
        store.register_with_unit("deleted", help, Unit::Bytes, self.bytes_deleted.clone());
        let help = "Times that looking after the tables' files failed";
        store.register("maintenance_failures", help, self.maintenance_failures.clone());
    }

    pub(super) fn read(&self, status: &Status) {
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let raise = |counter: &Counter, to: u64| counter.inner().fetch_max(to, Ordering::Relaxed);
        self.up.set(i64::from(status.fault.is_none()));
        self.buffered.set(gauge(status.buffered_bytes));
        self.buffer_limit.set(gauge(status.buffer_limit_bytes));
        self.wal_segments.set(gauge(status.wal_segments));
        raise(&self.rows, status.rows_appended);
        raise(&self.commits, status.commits);
        raise(&self.commit_failures, status.commit_failures);
        for (table, found) in Table::ALL.into_iter().zip(&status.tables) {
            let table = OfTable { table: table.name() };
            self.files.get_or_create(&table).set(gauge(found.files));
            self.file_bytes.get_or_create(&table).set(gauge(found.bytes));
            self.file_rows.get_or_create(&table).set(gauge(found.rows));
        }
        raise(&self.compactions, status.compactions);
        raise(&self.files_joined, status.files_joined);
        raise(&self.rows_joined, status.rows_joined);
        raise(&self.files_expired, status.files_expired);
        raise(&self.rows_expired, status.rows_expired);
        raise(&self.files_deleted, status.files_deleted);
        raise(&self.bytes_deleted, status.bytes_deleted);
        raise(&self.maintenance_failures, status.maintenance_failures);
        self.disk_used.set(gauge(status.disk.used_bytes));
        self.disk_limit.set(gauge(status.disk.limit_bytes.unwrap_or(0)));
        self.disk_free.set(gauge(status.disk.free_bytes));
        self.disk_level.set(match status.disk.level {
            DiskLevel::Room => 0,
            DiskLevel::Low => 1,
            DiskLevel::Full => 2,
        });
    }
}

//! Owns what other parts hold of the store: reserving, appending, viewing. The work is done by `wal` and `committer`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use object_store::ObjectStore;
use tokio::sync::{mpsc, oneshot};

use crate::model::Records;

use super::budget::{Budget, Reservation};
use super::live::Live;
use super::tables::size_of;
use super::wal::{Command, Fault, Group};
use super::{Error, Table, View};

/// A group may not be larger, however large the buffer is: its columns' offsets are 32 bits wide.
const GROUP_BYTES: u64 = 1 << 30;

/// Reserved room in the buffer. Dropping it gives the room back.
pub struct Slot {
    handle: Handle,
    reservation: Reservation,
}

/// The store, for those who write to it and read it. A cheap clone.
#[derive(Clone)]
pub struct Handle(pub(super) Arc<Shared>);

/// What handles share.
pub(super) struct Shared {
    pub(super) commands: Sender<Command>,
    pub(super) flushes: mpsc::Sender<oneshot::Sender<Result<(), Error>>>,
    pub(super) budget: Arc<Budget>,
    pub(super) live: Arc<Live>,
    pub(super) fault: Arc<Fault>,
    pub(super) counters: Arc<Counters>,
    pub(super) object_store: Arc<dyn ObjectStore>,
}

/// What is counted since the start.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) rows_appended: Arc<AtomicU64>,
    pub(super) commits: AtomicU64,
    pub(super) commit_failures: AtomicU64,
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
}

impl Slot {
    /// Writes the records to the log as one group, whole or not at all: when this returns they survive kill -9 and queries
    /// see them. Returns after fsync when `Config::wal_sync` is `Always`. Records that need more than the slot take more;
    /// what the slot has too much is given back.
    ///
    /// An `Error::Faulty` leaves open whether the records survive: the disk failed.
    pub async fn append(self, records: Records) -> Result<(), Error> {
        self.write(records, false).await
    }

    /// `append`, and after fsync whatever the Config says.
    pub async fn append_durable(self, records: Records) -> Result<(), Error> {
        self.write(records, true).await
    }

    async fn write(self, records: Records, durable: bool) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        let (done, answer) = oneshot::channel();
        self.send(records, durable, Some(done))?;
        answer.await.map_err(|_| Error::Closed)?
    }

    fn send(
        mut self,
        records: Records,
        durable: bool,
        done: Option<oneshot::Sender<Result<(), Error>>>,
    ) -> Result<(), Error> {
        let shared = &self.handle.0;
        let (bytes, limit) = (size_of(&records), shared.budget.max_bytes.min(GROUP_BYTES));
        if bytes > limit {
            return Err(Error::TooLarge { bytes, limit });
        }
        self.reservation.grow_to(bytes);
        let group = Group { records, reservation: self.reservation, durable, done };
        shared.commands.send(Command::Append(group)).map_err(|_| Error::Closed)
    }
}

impl Handle {
    /// Reserves room for records of up to `bytes` (see `size_of`) before the work that makes them begins; never waits.
    pub fn reserve(&self, bytes: u64) -> Result<Slot, Error> {
        if let Some(why) = self.0.fault.get() {
            return Err(Error::Faulty(why));
        }
        let reservation = self.0.budget.reserve(bytes)?;
        Ok(Slot { handle: self.clone(), reservation })
    }

    /// Appends without waiting for the write (throttled calls): the group goes the same way, nobody waits. Records that
    /// cannot be written are lost, and the log says so.
    pub fn append_unconfirmed(&self, slot: Slot, records: Records) {
        if records.is_empty() {
            return;
        }
        let rows = records.len();
        if let Err(error) = slot.send(records, false, None) {
            tracing::error!(rows, %error, "unconfirmed rows were not written");
        }
    }

    /// What a query may read of a table now: each acknowledged row exactly once.
    #[must_use]
    pub fn view(&self, table: Table) -> View {
        let (files, batches) = self.0.live.view(table);
        View { table, schema: table.schema(), object_store: Arc::clone(&self.0.object_store), files, batches }
    }

    /// Commits all that was appended before this call. One attempt: after an error the rows wait on, and are tried again
    /// by themselves. Needs `Service::run` to be running.
    pub async fn flush(&self) -> Result<(), Error> {
        let (done, answer) = oneshot::channel();
        self.0.flushes.send(done).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Figures for /metrics and /readyz.
    #[must_use]
    pub fn status(&self) -> Status {
        let Shared { budget, counters, live, fault, .. } = &*self.0;
        Status {
            fault: fault.get(),
            buffered_bytes: budget.used(),
            buffer_limit_bytes: budget.max_bytes,
            rows_appended: counters.rows_appended.load(Ordering::Relaxed),
            commits: counters.commits.load(Ordering::Relaxed),
            commit_failures: counters.commit_failures.load(Ordering::Relaxed),
            wal_segments: live.sealed_segments() as u64 + 1,
        }
    }
}

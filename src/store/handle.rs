//! Owns what other parts hold of the store: reserving, appending, viewing. The work is done by `wal` and `committer`.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use object_store::ObjectStore;
use tokio::sync::{mpsc, oneshot};

use crate::model::Records;

use super::budget::{Budget, Reservation};
use super::delta::newest_version;
use super::live::Live;
use super::maintain::Ceiling;
use super::rollup::{Rollup, RollupView, Rollups};
use super::status::Counters;
use super::tables::size_of;
use super::wal::{Command, Fault, Group};
use super::{Error, Status, Table, View};

/// A group may not be larger, however large the buffer is: its columns' offsets are 32 bits wide.
const GROUP_BYTES: u64 = 1 << 30;

/// Who waits for work of the service.
pub(super) type Answer = oneshot::Sender<Result<(), Error>>;

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
    pub(super) flushes: mpsc::Sender<Answer>,
    pub(super) rounds: mpsc::Sender<Answer>,
    pub(super) budget: Arc<Budget>,
    pub(super) live: Arc<Live>,
    pub(super) fault: Arc<Fault>,
    pub(super) ceiling: Arc<Ceiling>,
    pub(super) counters: Arc<Counters>,
    pub(super) object_store: Arc<dyn ObjectStore>,
    pub(super) rollups: Arc<Rollups>,
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
        self.0.ceiling.check()?;
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

    /// The version of the table in storage: that of its newest commit. Rows that came since then are in the log.
    pub async fn table_version(&self, table: Table) -> Result<i64, Error> {
        newest_version(table, &self.0.object_store).await
    }

    /// Where the tables are, each in a folder of its name.
    #[must_use]
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.0.object_store)
    }

    /// A rollup of the very rows of `rows`, a view of `invocations`: each of them is in it once. The rows that are in no file
    /// yet are rolled up now, which takes about a second for a million of them.
    pub fn rollup(&self, rollup: Rollup, rows: &View) -> Result<RollupView, Error> {
        self.0.rollups.view(rollup, rows)
    }

    /// Commits all that was appended before this call. One attempt: after an error the rows wait on, and are tried again
    /// by themselves. Needs `Service::run` to be running.
    pub async fn flush(&self) -> Result<(), Error> {
        let (done, answer) = oneshot::channel();
        self.0.flushes.send(done).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Looks after the tables' files at once: drops days past their retention, joins small files, deletes what nobody needs.
    /// It happens by itself every `Maintenance::interval`. Needs `Service::run` to be running.
    pub async fn maintain(&self) -> Result<(), Error> {
        let (done, answer) = oneshot::channel();
        self.0.rounds.send(done).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Figures for /metrics and /readyz.
    #[must_use]
    pub fn status(&self) -> Status {
        let Shared { budget, counters, live, fault, ceiling, .. } = &*self.0;
        Status {
            fault: fault.get(),
            buffered_bytes: budget.used(),
            buffer_limit_bytes: budget.max_bytes,
            wal_segments: live.sealed_segments() as u64 + 1,
            disk: ceiling.disk(),
            ..counters.status(|table| live.files(table))
        }
    }
}

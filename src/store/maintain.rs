//! Owns the one periodic job that looks after the tables' files: days past their retention go, small files are joined, what
//! nobody needs is deleted, and the disk is watched. It reads and writes files beside the commits; the commits themselves
//! are the committer's, so that there is one at a time and readers see each row once.

mod ceiling;
mod compact;
mod plan;
mod retain;
mod vacuum;

pub(super) use ceiling::Ceiling;

use std::collections::HashMap;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use rand::rngs::StdRng;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::clock::Clock;
use crate::units::Timestamp;

use super::committer::Request;
use super::delta::{Change, Kept, Reason};
use super::handle::{Answer, Shared};
use super::live::Live;
use super::rollup::Rollups;
use super::status::{Counters, count};
use super::{Config, DiskLevel, Error, Table};

/// Does the rounds, one after the other.
pub(super) struct Maintainer {
    config: Config,
    clock: Clock,
    object_store: Arc<dyn ObjectStore>,
    rollups: Arc<Rollups>,
    live: Arc<Live>,
    ceiling: Arc<Ceiling>,
    counters: Arc<Counters>,
    requests: mpsc::Sender<Request>,
    rounds: mpsc::Receiver<Answer>,
    rng: StdRng,
    /// Of each table the change whose commit failed: it may have been made all the same, and is made first of all.
    unsettled: [Option<Change>; 4],
    /// Of each table the files that hold nothing of tenants whose rows are past their retention, as far as that was looked at.
    retained: [HashMap<Path, retain::Expired>; 4],
    /// When files were last looked for that can be deleted.
    vacuumed: Option<Timestamp>,
}

impl Maintainer {
    /// Looks after the store of `shared`, when the time comes and when `rounds` say so.
    pub(super) fn new(
        config: Config,
        clock: Clock,
        shared: &Shared,
        requests: mpsc::Sender<Request>,
        rounds: mpsc::Receiver<Answer>,
        rng: StdRng,
    ) -> Self {
        Self {
            config,
            clock,
            object_store: Arc::clone(&shared.object_store),
            rollups: Arc::clone(&shared.rollups),
            live: Arc::clone(&shared.live),
            ceiling: Arc::clone(&shared.ceiling),
            counters: Arc::clone(&shared.counters),
            requests,
            rounds,
            rng,
            unsettled: Default::default(),
            retained: Default::default(),
            vacuumed: None,
        }
    }

    /// Works until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut checks = interval(self.config.disk_check_interval);
        let mut rounds = interval(self.config.maintenance.interval);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is at once, and a start has more urgent things to do.
        rounds.tick().await;
        let work = async {
            if let Err(error) = self.measure().await {
                warn!(%error, "cannot list the tables' files: what they take of the disk is counted at the next round");
            }
            loop {
                tokio::select! {
                    _ = checks.tick() => self.ceiling.look().await,
                    _ = rounds.tick() => drop(self.round(&stop).await),
                    Some(done) = self.rounds.recv() => {
                        // Whoever gave up waiting needs no answer.
                        let _ = done.send(self.round(&stop).await);
                    }
                }
            }
        };
        stop.run_until_cancelled(work).await;
    }

    /// Everything that is due. What fails does not keep the rest from being done; the first error is returned.
    async fn round(&mut self, stop: &CancellationToken) -> Result<(), Error> {
        let mut result = Ok(());
        for table in Table::ALL {
            let done = Box::pin(self.look_after(table, stop)).await;
            result = result.and(self.note(done, table.name(), "cannot look after the table's files"));
        }
        if self.vacuum_is_due() {
            let done = Box::pin(self.vacuum()).await;
            result = result.and(self.note(done, "all", "cannot delete files that nobody needs"));
        }
        self.ceiling.look().await;
        result
    }

    fn note(&self, done: Result<(), Error>, table: &'static str, what: &'static str) -> Result<(), Error> {
        if let Err(error) = &done
            && !matches!(error, Error::Closed)
        {
            count(&self.counters.maintenance_failures, 1);
            warn!(table, %error, "{what}: to be tried again");
        }
        done
    }

    async fn look_after(&mut self, table: Table, stop: &CancellationToken) -> Result<(), Error> {
        if let Some(change) = self.unsettled[table.index()].take() {
            self.change(table, change).await?;
        }
        // Of what the table has by now, whatever became of earlier commits.
        self.settle(table).await?;
        self.retain(table).await?;
        self.retain_tenants(table, stop).await?;
        while self.join_next(table, stop).await? {
            self.ceiling.look().await;
        }
        Ok(())
    }

    /// Has the change committed. It is kept to be made again should that fail.
    async fn change(&mut self, table: Table, change: Change) -> Result<bool, Error> {
        let (done, answer) = oneshot::channel();
        let request = Request::Change(table, change.clone(), done);
        self.requests.send(request).await.map_err(|_| Error::Closed)?;
        self.unsettled[table.index()] = Some(change);
        let made = answer.await.map_err(|_| Error::Closed)??;
        let change = self.unsettled[table.index()].take();
        if let Some(change) = change.filter(|_| made) {
            self.count(&change);
        }
        Ok(made)
    }

    fn count(&self, change: &Change) {
        let files = change.removed.len() as u64;
        let (rows, bytes) = change.removed.iter().fold((0, 0), |sum, file| (sum.0 + file.rows, sum.1 + file.bytes));
        self.ceiling.left_behind(bytes);
        match change.reason {
            Reason::Joined => {
                count(&self.counters.compactions, 1);
                count(&self.counters.files_joined, files);
                count(&self.counters.rows_joined, rows);
            }
            Reason::Expired(_) | Reason::TenantsExpired => {
                let kept = change.added.iter().map(|new| new.file.rows).sum::<u64>();
                count(&self.counters.files_expired, files - change.added.len() as u64);
                count(&self.counters.rows_expired, rows - kept);
            }
        }
    }

    async fn settle(&self, table: Table) -> Result<Kept, Error> {
        let (done, answer) = oneshot::channel();
        self.requests.send(Request::Settle(table, done)).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    fn vacuum_is_due(&self) -> bool {
        let config = &self.config.maintenance;
        let waited = |last: Timestamp| self.clock.now().since(last) >= config.vacuum_interval.min(config.vacuum_after);
        self.ceiling.disk().level == DiskLevel::Full || self.vacuumed.is_none_or(waited)
    }
}

//! Owns the move from the log to the tables: what is sealed when, which table commits what, what happens after a failure,
//! and when a segment may be deleted.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use tokio::sync::oneshot;
use tracing::{Instrument, info_span, warn};

use super::budget::Budget;
use super::delta::{Change, DeltaTable, Kept};
use super::live::Live;
use super::status::{Counters, count};
use super::wal::{Command, delete};
use super::{Error, Table};

/// Rows of so many bytes in the log go into one commit, several segments if need be.
const COMMIT_BYTES: u64 = 256 << 20;
/// The first wait after a failed commit; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait after a failed commit.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What the maintenance asks of the tables. The committer alone commits, so that nothing is committed beside anything else.
pub(super) enum Request {
    /// Makes the change, if it can be made; says whether the table has it.
    Change(Table, Change, oneshot::Sender<Result<bool, Error>>),
    /// Makes sure of what the table has, and says which files storage must keep.
    Settle(Table, oneshot::Sender<Result<Kept, Error>>),
}

/// Commits sealed segments.
pub(super) struct Committer {
    pub(super) wal: PathBuf,
    pub(super) tables: [DeltaTable; 4],
    pub(super) commands: Sender<Command>,
    pub(super) live: Arc<Live>,
    pub(super) budget: Arc<Budget>,
    pub(super) counters: Arc<Counters>,
    pub(super) rng: StdRng,
    pub(super) failures: u32,
}

impl Committer {
    /// Seals what was appended until now, and commits it.
    pub(super) async fn flush(&mut self) -> Result<(), Error> {
        let (done, sealed) = oneshot::channel();
        self.commands.send(Command::Seal(done)).map_err(|_| Error::Closed)?;
        sealed.await.map_err(|_| Error::Closed)?;
        self.commit().await
    }

    /// Commits every sealed segment. A table that fails does not keep the others from theirs; the first error is returned.
    pub(super) async fn commit(&mut self) -> Result<(), Error> {
        let mut result = Ok(());
        for table in Table::ALL {
            if let Err(error) = Box::pin(self.commit_table(table)).await {
                count(&self.counters.commit_failures, 1);
                warn!(table = table.name(), %error, "commit failed, to be tried again");
                result = result.and(Err(error));
            }
        }
        self.forget_segments().await;
        self.failures = if result.is_ok() { 0 } else { self.failures.saturating_add(1) };
        result
    }

    async fn commit_table(&mut self, table: Table) -> Result<(), Error> {
        loop {
            let segments = self.live.waiting(table, COMMIT_BYTES);
            if segments.is_empty() {
                return Ok(());
            }
            let delta = &mut self.tables[table.index()];
            let span =
                info_span!(target: "faremeter::traced", "commit", table = table.name(), segments = segments.len());
            delta.commit(&segments, &mut self.rng).instrument(span).await?;
            self.live.committed(table, delta.watermark(), delta.files());
            count(&self.counters.commits, 1);
        }
    }

    /// Does what the maintenance asks, and shows readers the files as they are then.
    pub(super) async fn answer(&mut self, request: Request) {
        // Whoever gave up waiting needs no answer.
        match request {
            Request::Change(table, change, done) => {
                let made = Box::pin(self.tables[table.index()].change(&change)).await;
                self.show(table, made.is_ok());
                let _ = done.send(made);
            }
            Request::Settle(table, done) => {
                let kept = Box::pin(self.tables[table.index()].settle()).await;
                self.show(table, kept.is_ok());
                let _ = done.send(kept);
            }
        }
    }

    fn show(&self, table: Table, settled: bool) {
        if settled {
            let delta = &self.tables[table.index()];
            self.live.committed(table, delta.watermark(), delta.files());
        }
    }

    /// Deletes the segments whose rows are in their tables, and gives their room back. One that cannot be deleted is found
    /// to be committed at the next start.
    async fn forget_segments(&self) {
        for segment in self.live.take_done() {
            self.budget.release(segment.bytes);
            let wal = self.wal.clone();
            let deleted = tokio::task::spawn_blocking(move || delete(&wal, segment.seq)).await;
            if let Ok(Err(error)) = deleted {
                warn!(segment = segment.seq, %error, "cannot delete a committed segment of the log");
            }
        }
    }

    /// How long to wait before the next attempt; none when the last one went well.
    pub(super) fn wait(&mut self) -> Option<Duration> {
        let doublings = self.failures.checked_sub(1)?.min(16);
        let longest = FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT);
        Some(longest.mul_f64(self.rng.random_range(0.5..1.0)))
    }
}

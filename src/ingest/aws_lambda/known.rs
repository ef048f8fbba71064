//! Owns the finding of what the store has already, and of what is new in a batch. An attempt is known by its request's id
//! and by when it began: AWS repeats an asynchronous event under the same id, a minute later at the earliest. A log line is
//! known by its origin.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use arrow::array::{Array, AsArray, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;

use crate::model::{Invocation, LogRecord};
use crate::store::{self, Span, Table};
use crate::units::Timestamp;

use super::Error;
use super::hours::Hours;
use super::join::{Finished, Made};
use super::rows::SOURCE;

/// Two reports of one request that began within this time are of one attempt: one form of logs has the start to the
/// millisecond, another has it worked out from the end.
const SAME_ATTEMPT: Duration = Duration::from_secs(10);
/// The longest time between the attempts of one event: six hours in the queue, and how long a function may run.
const RETRY_SPAN: Duration = Duration::from_secs(7 * 3_600);

/// What the store has of a batch.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The attempts of each request: their numbers and when they began.
    attempts: HashMap<String, Vec<(u32, Timestamp)>>,
    origins: HashSet<String>,
}

impl Known {
    /// Looks into the store. The batch's own few keys are what is held: rows of the time pass by them, some thousand at once.
    pub(super) async fn of(store: &store::Handle, hours: &mut Hours, made: &Made) -> Result<Self, Error> {
        let mut known = Self::default();
        known.find_attempts(store, hours, &made.invocations).await?;
        if let Some((from, to)) = span(made.logs.iter().map(|log| log.time)) {
            let ids: HashSet<&str> = made.logs.iter().filter_map(|log| log.origin_id.as_deref()).collect();
            let mut rows = store.view(Table::Logs).read(&["source", "origin_id"], Span::Between(from, to));
            while let Some(rows) = rows.try_next().await.map_err(Error::Lookup)? {
                known.add_origins(&rows, &ids).ok_or_else(|| Error::Lookup(malformed(Table::Logs)))?;
            }
        }
        Ok(known)
    }

    /// An attempt that is stored already began at about the same time. Of those that are not, another attempt of the request
    /// may have begun hours before or after, which is looked for where the request may be known at all.
    async fn find_attempts(
        &mut self,
        store: &store::Handle,
        hours: &mut Hours,
        made: &[Finished],
    ) -> Result<(), Error> {
        let Some((from, to)) = span(made.iter().map(|finished| finished.invocation.started_at)) else { return Ok(()) };
        let id_of = |finished: &Finished| finished.invocation.invocation_id.0.clone();
        let ids: HashSet<String> = made.iter().map(id_of).collect();
        self.read_attempts(store, &ids, (from.minus(SAME_ATTEMPT), to.plus(SAME_ATTEMPT))).await?;
        let undecided = made.iter().filter(|finished| !self.has(&finished.invocation));
        let mut undecided: HashSet<String> = undecided.map(id_of).collect();
        if undecided.is_empty() {
            return Ok(());
        }
        let around = (from.minus(RETRY_SPAN), to.plus(RETRY_SPAN));
        if hours.cover(store, around.0, around.1).await? {
            undecided.retain(|id| hours.may_have(id));
        }
        if undecided.is_empty() {
            return Ok(());
        }
        self.attempts.retain(|id, _| !undecided.contains(id));
        self.read_attempts(store, &undecided, around).await
    }

    async fn read_attempts(
        &mut self,
        store: &store::Handle,
        ids: &HashSet<String>,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<(), Error> {
        let columns = &["source", "invocation_id", "attempt", "started_at"];
        let mut rows = store.view(Table::Invocations).read(columns, Span::Between(from, to));
        while let Some(rows) = rows.try_next().await.map_err(Error::Lookup)? {
            self.add_attempts(&rows, ids).ok_or_else(|| Error::Lookup(malformed(Table::Invocations)))?;
        }
        Ok(())
    }

    /// Whether the attempt is among those that were found.
    fn has(&self, row: &Invocation) -> bool {
        let attempts = self.attempts.get(&row.invocation_id.0).into_iter().flatten();
        attempts.into_iter().any(|(_, started_at)| is_same(*started_at, row.started_at))
    }

    fn add_attempts(&mut self, rows: &RecordBatch, wanted: &HashSet<String>) -> Option<()> {
        let attempts = rows.column_by_name("attempt")?.as_primitive_opt::<Int32Type>()?;
        let times = times_of(rows)?;
        for (row, id) in ours(rows, "invocation_id")?.filter(|(_, id)| wanted.contains(*id)) {
            let attempt = u32::try_from(attempts.value(row)).unwrap_or(0);
            let attempt = (attempt, Timestamp::from_micros(times.value(row)));
            self.attempts.entry(id.to_owned()).or_default().push(attempt);
        }
        Some(())
    }

    fn add_origins(&mut self, rows: &RecordBatch, wanted: &HashSet<&str>) -> Option<()> {
        let found = ours(rows, "origin_id")?.filter(|(_, id)| wanted.contains(id));
        self.origins.extend(found.map(|(_, id)| id.to_owned()));
        Some(())
    }

    /// What of the batch is new, each attempt with its number: one more than the last that is known of its request.
    pub(super) fn fresh(mut self, made: Made) -> Made {
        let Made { mut invocations, logs } = made;
        invocations.sort_by_key(|finished| finished.invocation.started_at);
        let invocations = invocations.into_iter().filter_map(|finished| self.number(finished)).collect();
        let logs = logs.into_iter().filter(|log| self.is_new(log)).collect();
        Made { invocations, logs }
    }

    fn number(&mut self, mut finished: Finished) -> Option<Finished> {
        if self.has(&finished.invocation) {
            return None;
        }
        let row = &mut finished.invocation;
        let attempts = self.attempts.entry(row.invocation_id.0.clone()).or_default();
        row.attempt = attempts.iter().map(|(attempt, _)| *attempt).max().unwrap_or(0) + 1;
        attempts.push((row.attempt, row.started_at));
        Some(finished)
    }

    fn is_new(&mut self, log: &LogRecord) -> bool {
        log.origin_id.as_ref().is_none_or(|origin| self.origins.insert(origin.clone()))
    }
}

/// The first and the last of some times.
fn span(times: impl Iterator<Item = Timestamp> + Clone) -> Option<(Timestamp, Timestamp)> {
    times.clone().min().zip(times.max())
}

fn is_same(one: Timestamp, other: Timestamp) -> bool {
    one.since(other).max(other.since(one)) <= SAME_ATTEMPT
}

/// The rows of ours that have a value in a column, and the value.
pub(super) fn ours<'a>(rows: &'a RecordBatch, column: &str) -> Option<impl Iterator<Item = (usize, &'a str)>> {
    let sources: &StringArray = rows.column_by_name("source")?.as_string_opt()?;
    let values: &StringArray = rows.column_by_name(column)?.as_string_opt()?;
    let is_ours = |row: &usize| values.is_valid(*row) && sources.value(*row) == SOURCE;
    Some((0..rows.num_rows()).filter(is_ours).map(|row| (row, values.value(row))))
}

/// When rows began, microseconds since the Unix epoch.
pub(super) fn times_of(rows: &RecordBatch) -> Option<&TimestampMicrosecondArray> {
    rows.column_by_name("started_at")?.as_primitive_opt::<TimestampMicrosecondType>()
}

pub(super) fn malformed(table: Table) -> store::Error {
    store::Error::Internal(format!("rows of {} lack a column that all have", table.name()))
}

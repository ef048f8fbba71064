//! Owns the finding of what the store has already, and of what is new in a batch. An attempt is known by its request's id
//! and by when it began: AWS repeats an asynchronous event under the same id, a minute later at the earliest. A log line is
//! known by its origin.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::model::LogRecord;
use crate::query::{Engine, Param, Params, format};
use crate::units::Timestamp;

use super::Error;
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
    /// Asks the store.
    pub(super) async fn of(query: &Engine, made: &Made) -> Result<Self, Error> {
        let mut known = Self::default();
        let starts = made.invocations.iter().map(|finished| finished.invocation.started_at);
        if let Some((from, to)) = span(starts) {
            let ids = made.invocations.iter().map(|finished| finished.invocation.invocation_id.0.as_str());
            // The batch's few keys are what is held, and the rows of the time pass by them.
            let sql = "SELECT invocation_id, attempt, started_at FROM (SELECT DISTINCT unnest(string_to_array($keys, ',')) AS key) AS keys \
                       JOIN invocations ON invocation_id = key \
                       WHERE source = $source AND started_at >= $from AND started_at <= $to";
            for row in ask(query, sql, from.minus(RETRY_SPAN), to.plus(RETRY_SPAN), ids).await? {
                known.add_attempt(&row);
            }
        }
        if let Some((from, to)) = span(made.logs.iter().map(|log| log.time)) {
            let ids = made.logs.iter().filter_map(|log| log.origin_id.as_deref());
            let sql = "SELECT origin_id FROM (SELECT DISTINCT unnest(string_to_array($keys, ',')) AS key) AS keys \
                       JOIN logs ON origin_id = key WHERE source = $source AND time >= $from AND time <= $to";
            for row in ask(query, sql, from, to, ids).await? {
                known.origins.extend(row.get("origin_id").and_then(Value::as_str).map(str::to_owned));
            }
        }
        Ok(known)
    }

    fn add_attempt(&mut self, row: &Map<String, Value>) {
        let read = || {
            let attempt = u32::try_from(row.get("attempt")?.as_i64()?).ok()?;
            let started_at = Timestamp::parse_rfc3339(row.get("started_at")?.as_str()?)?;
            Some((row.get("invocation_id")?.as_str()?.to_owned(), (attempt, started_at)))
        };
        if let Some((id, attempt)) = read() {
            self.attempts.entry(id).or_default().push(attempt);
        }
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
        let row = &mut finished.invocation;
        let attempts = self.attempts.entry(row.invocation_id.0.clone()).or_default();
        let apart = |other: Timestamp| row.started_at.since(other).max(other.since(row.started_at));
        if attempts.iter().any(|(_, started_at)| apart(*started_at) <= SAME_ATTEMPT) {
            return None;
        }
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

async fn ask<'a>(
    query: &Engine,
    sql: &str,
    from: Timestamp,
    to: Timestamp,
    keys: impl Iterator<Item = &'a str>,
) -> Result<Vec<Map<String, Value>>, Error> {
    // Request ids, CloudWatch's ids and digests are letters, digits and dashes.
    let keys = keys.collect::<Vec<_>>().join(",");
    let params = [("source", SOURCE.to_owned()), ("from", from.to_string()), ("to", to.to_string()), ("keys", keys)];
    let params: Params = params.into_iter().map(|(name, text)| (name.to_owned(), Param::Text(text))).collect();
    Ok(format::rows(&query.sql(sql, &params).await?)?)
}

//! Finds out how far a load came that was cut off. Rows were appended in order, so those that the store has are the first
//! ones: a search by halves among every so many finds the place, and the rows about it are then looked at one by one.

use std::collections::HashSet;

use crate::demo::Error;
use crate::query::{Engine, Params, format};
use crate::units::Timestamp;

use super::rows::uuid_text;
use super::simulation::{Attempt, Simulation};

/// Attempts between those that the search looks at.
const STEP: usize = 4_096;

/// What need not be loaded again.
#[derive(Debug, Clone, Default)]
pub(super) struct Loaded {
    /// So many first attempts are there.
    pub(super) first: usize,
    /// Attempts after them that are there, by id and number.
    others: HashSet<(String, i64)>,
}

impl Loaded {
    /// How many attempts are there, about: the last of them may be others' rows.
    pub(super) fn count(&self) -> usize {
        self.first + self.others.len()
    }

    /// Whether an attempt after the first ones is there.
    pub(super) fn has(&self, attempt: &Attempt) -> bool {
        !self.others.is_empty() && self.others.contains(&(uuid_text(attempt.id), i64::from(attempt.attempt)))
    }
}

/// Every so many attempts of the simulation up to `to_us`, from the first on.
pub(super) fn probes(mut simulation: Simulation, to_us: i64) -> Vec<Attempt> {
    let attempts = std::iter::from_fn(|| simulation.next(to_us));
    attempts.step_by(STEP).collect()
}

/// What the store has of the attempts that the probes stand for.
pub(super) async fn find(query: &Engine, probes: &[Attempt], to_us: i64) -> Result<Loaded, Error> {
    let (mut there, mut open) = (0, probes.len());
    // Probes before `there` are in the store, those from `open` on are not.
    while there < open {
        let middle = there + (open - there) / 2;
        if is_stored(query, &probes[middle]).await? {
            there = middle + 1;
        } else {
            open = middle;
        }
    }
    let Some(last) = there.checked_sub(1) else { return Ok(Loaded::default()) };
    let until = probes.get(there).map_or(to_us, |probe| probe.at_us);
    Ok(Loaded { first: last * STEP, others: stored(query, probes[last].at_us, until).await? })
}

async fn is_stored(query: &Engine, probe: &Attempt) -> Result<bool, Error> {
    let found = stored(query, probe.at_us, probe.at_us + 1).await?;
    Ok(found.contains(&(uuid_text(probe.id), i64::from(probe.attempt))))
}

async fn stored(query: &Engine, from_us: i64, to_us: i64) -> Result<HashSet<(String, i64)>, Error> {
    let (from, to) = (Timestamp::from_micros(from_us), Timestamp::from_micros(to_us));
    let sql = format!(
        "SELECT invocation_id, attempt FROM invocations \
         WHERE source = 'executor' AND started_at >= TIMESTAMP '{from}' AND started_at < TIMESTAMP '{to}'"
    );
    let rows = format::rows(&query.sql(&sql, &Params::new()).await?)?;
    let key = |row: &serde_json::Map<String, serde_json::Value>| {
        Some((row.get("invocation_id")?.as_str()?.to_owned(), row.get("attempt")?.as_i64()?))
    };
    Ok(rows.iter().filter_map(key).collect())
}

/// When the executor's last row from a moment on began, if there is one.
pub(super) async fn last_row(query: &Engine, from_us: i64) -> Result<Option<Timestamp>, Error> {
    let from = Timestamp::from_micros(from_us);
    let sql = format!(
        "SELECT max(started_at) AS last FROM invocations WHERE source = 'executor' AND started_at >= TIMESTAMP '{from}'"
    );
    let rows = format::rows(&query.sql(&sql, &Params::new()).await?)?;
    let last = rows.first().and_then(|row| row.get("last")).and_then(serde_json::Value::as_str);
    Ok(last.and_then(Timestamp::parse_rfc3339))
}

//! Owns which requests the store has, by the hour in which they began: a request of which nothing is held here is surely new,
//! so that the rows of the hours around it need not be read for it. What holds a request is looked up in the store.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use futures::TryStreamExt;

use crate::store::{self, Span, Table};
use crate::units::Timestamp;

use super::Error;
use super::known::{malformed, ours, times_of};

/// Requests that are held at most: 64 MiB or so.
const MAX_REQUESTS: usize = 1 << 22;
/// Hours that are held at most, two days.
const MAX_HOURS: i64 = 48;
const HOUR_US: i64 = 3_600_000_000;

/// Hashes of the requests' ids, of hours that were read whole.
#[derive(Debug, Default)]
pub(super) struct Hours {
    hours: BTreeMap<i64, HashSet<u64>>,
    hashes: RandomState,
}

impl Hours {
    /// Reads the hours between two times that are not held, and forgets those outside of them where there are too many. Says
    /// whether all are held now.
    pub(super) async fn cover(&mut self, store: &store::Handle, from: Timestamp, to: Timestamp) -> Result<bool, Error> {
        let [first, last] = [from, to].map(hour_of);
        if last - first >= MAX_HOURS {
            return Ok(false);
        }
        let missing: Vec<i64> = (first..=last).filter(|hour| !self.hours.contains_key(hour)).collect();
        let (Some(start), Some(end)) = (missing.first(), missing.last()) else { return Ok(true) };
        let mut read: BTreeMap<i64, HashSet<u64>> = missing.iter().map(|hour| (*hour, HashSet::new())).collect();
        let span = Span::Between(
            Timestamp::from_micros(start.saturating_mul(HOUR_US)),
            Timestamp::from_micros((end + 1).saturating_mul(HOUR_US) - 1),
        );
        let malformed = || Error::Lookup(malformed(Table::Invocations));
        let mut rows = store.view(Table::Invocations).read(&["source", "invocation_id", "started_at"], span);
        let mut room = MAX_REQUESTS.saturating_sub(self.count(first, last));
        while let Some(rows) = rows.try_next().await.map_err(Error::Lookup)? {
            let times = times_of(&rows).ok_or_else(malformed)?;
            for (row, id) in ours(&rows, "invocation_id").ok_or_else(malformed)? {
                let Some(requests) = read.get_mut(&times.value(row).div_euclid(HOUR_US)) else { continue };
                if requests.insert(self.hashes.hash_one(id)) {
                    room = match room.checked_sub(1) {
                        Some(room) => room,
                        None => return Ok(false),
                    };
                }
            }
        }
        self.hours.append(&mut read);
        if self.count(i64::MIN, i64::MAX) > MAX_REQUESTS || self.hours.len() > usize::try_from(MAX_HOURS).unwrap_or(0) {
            self.hours.retain(|hour, _| (first..=last).contains(hour));
        }
        Ok(true)
    }

    /// Whether a request may have begun in an hour that is held.
    pub(super) fn may_have(&self, id: &str) -> bool {
        let hash = self.hashes.hash_one(id);
        self.hours.values().any(|requests| requests.contains(&hash))
    }

    /// To be called before a request is written, also where the writing may fail.
    pub(super) fn add(&mut self, id: &str, started_at: Timestamp) {
        let hash = self.hashes.hash_one(id);
        if let Some(requests) = self.hours.get_mut(&hour_of(started_at)) {
            requests.insert(hash);
        }
    }

    fn count(&self, first: i64, last: i64) -> usize {
        self.hours.range(first..=last).map(|(_, requests)| requests.len()).sum()
    }
}

fn hour_of(time: Timestamp) -> i64 {
    time.micros().div_euclid(HOUR_US)
}

//! Owns which times are taken. Tables have a partition for each day, so a request may not have times of any number of days,
//! nor of a future that retention would not reach.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::units::Timestamp;

/// How far ahead of this server's clock a sender's may be.
const MAX_AHEAD: Duration = Duration::from_secs(86_400);
/// Days that the times of one request may be of.
const MAX_DAYS: usize = 400;

/// The times of one request.
pub(super) struct Times {
    latest: Timestamp,
    days: BTreeSet<i32>,
}

impl Times {
    /// Of a request that was received at `received`.
    pub(super) fn new(received: Timestamp) -> Self {
        Self { latest: received.plus(MAX_AHEAD), days: BTreeSet::new() }
    }

    /// The time that a row is kept by; a reason where it is none.
    pub(super) fn of_row(&mut self, nanos: u64) -> Result<Timestamp, String> {
        let time = clamped(nanos);
        if nanos == 0 {
            return Err("it has no time".to_owned());
        }
        if time > self.latest {
            return Err(format!("its time {nanos} ns is more than a day ahead of this server's clock"));
        }
        if !self.days.contains(&time.days()) && self.days.len() >= MAX_DAYS {
            return Err(format!("the request has times of more than {MAX_DAYS} days: split it"));
        }
        self.days.insert(time.days());
        Ok(time)
    }
}

/// A time that nothing is kept by: past 2262 it is held at the end of the range.
pub(super) fn clamped(nanos: u64) -> Timestamp {
    Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// The same, where 0 is not said.
pub(super) fn said(nanos: u64) -> Option<Timestamp> {
    (nanos > 0).then(|| clamped(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000_000_000;

    #[test]
    fn times_of_too_many_days_or_of_the_future_are_not_taken() {
        let mut times = Times::new(Timestamp::from_nanos(1_000 * 86_400_000_000_000));
        assert!(times.of_row(0).is_err() && times.of_row(u64::MAX).is_err());
        assert!(times.of_row(1_001 * DAY).is_ok() && times.of_row(1_001 * DAY + 1).is_err());
        for day in 1..MAX_DAYS as u64 {
            assert!(times.of_row(day * DAY).is_ok(), "{day}");
        }
        assert!(times.of_row(999 * DAY).is_err() && times.of_row(1_001 * DAY - 1).is_err());
        assert!(times.of_row(7 * DAY + 5).is_ok());
    }
}

//! A rate limit, in whole numbers: what a call takes fills up again evenly. What it limits is the caller's affair.

use std::time::{Duration, Instant};

/// One call, in the unit that a bucket counts in: at a rate of 1 a second it takes so many nanoseconds to fill up again.
const CALL: u64 = 1_000_000_000;
/// How long to wait where nothing is let through at all.
const LATER: Duration = Duration::from_secs(1);

/// Lets `rate` calls a second through, with a burst of one second's worth: in any span of `t` seconds at most
/// `rate + rate * t`. Nothing is rounded, so it is never one over and loses none.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: u32,
    /// Billionths of a call; full at `rate` calls.
    level: u64,
    at: Instant,
}

impl Bucket {
    pub(super) fn full(rate: u32, now: Instant) -> Self {
        Self { rate, level: capacity(rate), at: now }
    }

    /// How long until a call may go at `rate`; none: it may go now. `now` does not go back.
    pub(super) fn wait(&mut self, rate: u32, now: Instant) -> Option<Duration> {
        self.level = self.level_at(now).min(capacity(rate));
        (self.rate, self.at) = (rate, now);
        let missing = CALL.saturating_sub(self.level);
        if missing == 0 {
            return None;
        }
        Some(if rate == 0 { LATER } else { Duration::from_nanos(missing.div_ceil(u64::from(rate))) })
    }

    /// Takes one call, after `wait` let it go.
    pub(super) fn take(&mut self) {
        self.level = self.level.saturating_sub(CALL);
    }

    /// Whether it is as good as new.
    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.level_at(now) >= capacity(self.rate)
    }

    fn level_at(&self, now: Instant) -> u64 {
        // A second fills it whatever the level was; and 2^32 calls a second fit 64 bits for that long.
        let elapsed = now.saturating_duration_since(self.at).min(Duration::from_secs(1));
        let filled = u64::try_from(elapsed.as_nanos()).unwrap_or(CALL).saturating_mul(u64::from(self.rate));
        self.level.saturating_add(filled).min(capacity(self.rate))
    }
}

fn capacity(rate: u32) -> u64 {
    u64::from(rate) * CALL
}

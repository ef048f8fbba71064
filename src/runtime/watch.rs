//! Owns the wall-clock limit of a running guest, and the moment at which its first code ran. Waits on I/O, where no
//! guest code runs, are ended by a timer of the caller's (`environment`).

use std::time::{Duration, Instant};

use wasmtime::UpdateDeadline;

use crate::clock::Clock;

/// Looks at the time whenever the epoch moves. Counting ticks would be a CPU budget; this is a wall-clock limit.
pub(super) struct Watch {
    clock: Clock,
    timeout: Duration,
    deadline: Instant,
    entered: Option<Instant>,
}

/// What ends a guest whose time is up.
#[derive(Debug, thiserror::Error)]
#[error("the time limit has passed")]
pub(super) struct TimedOut;

impl Watch {
    /// For a guest that may run for `timeout`, init and handler together.
    pub(super) fn new(clock: Clock, timeout: Duration) -> Self {
        let deadline = clock.instant() + timeout;
        Self { clock, timeout, deadline, entered: None }
    }

    /// Begins a handler after `init` has been used up; says what is left.
    pub(super) fn begin_handler(&mut self, init: Duration) -> Duration {
        let left = self.timeout.saturating_sub(init);
        let now = self.clock.instant();
        self.entered = Some(now);
        self.deadline = now + left;
        left
    }

    /// The limit, init and handler together.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// When the handler's time is up.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// When the guest's first code ran; none if none did.
    pub(super) fn entered(&self) -> Option<Instant> {
        self.entered
    }

    /// At an epoch's end, and at the first function entered: lets others run, or ends the guest.
    pub(super) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        let now = self.clock.instant();
        if self.entered.is_none() {
            self.entered = Some(now);
            self.deadline = now + self.timeout;
            return Ok(UpdateDeadline::Continue(1));
        }
        if now >= self.deadline {
            return Err(TimedOut.into());
        }
        // tokio's own yield also lets timers and I/O be looked at, which waking oneself would not.
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    }
}

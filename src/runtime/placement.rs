//! Decides which thread runs a guest. A call begins on its caller's thread, where a short one also ends: handing it to
//! another thread and back costs more than many a call. One that has used more than a slice of time goes on among the
//! guests' own threads, so that a guest that spins does not delay the web server. What a call does is `attempt`'s.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::Handle;

use super::service::Service;
use crate::clock::Clock;

/// Time that a call may use of its caller's thread. A guest is interrupted every 1 ms, so it is over by one at most.
const SLICE: Duration = Duration::from_millis(1);

/// A call that runs to its end, whatever becomes of its caller: dropped or past its slice, it goes on elsewhere. Resolves
/// when the call is done or has gone elsewhere.
pub(super) struct Attempt {
    run: Option<BoxFuture<'static, ()>>,
    used: Duration,
    clock: Clock,
    guests: Handle,
}

impl Attempt {
    pub(super) fn new(run: impl Future<Output = ()> + Send + 'static, service: &Arc<Service>) -> Self {
        // A panic of ours ends this call alone; its caller sees that the reply never comes.
        let run = AssertUnwindSafe(run).catch_unwind().map(drop).boxed();
        Self { run: Some(run), used: Duration::ZERO, clock: service.clock.clone(), guests: service.guests().clone() }
    }

    fn go_elsewhere(&mut self) {
        if let Some(run) = self.run.take() {
            self.guests.spawn(run);
        }
    }
}

impl Future for Attempt {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let began = self.clock.instant();
        let Some(run) = &mut self.run else { return Poll::Ready(()) };
        let polled = run.as_mut().poll(context);
        if polled.is_ready() {
            self.run = None;
            return Poll::Ready(());
        }
        let used = self.clock.instant().saturating_duration_since(began);
        self.used += used;
        if self.used <= SLICE {
            return Poll::Pending;
        }
        self.go_elsewhere();
        Poll::Ready(())
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.go_elsewhere();
    }
}

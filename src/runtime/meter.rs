//! Owns the metering of memory and CPU time. The wall-clock limit is `watch`'s.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use wasmtime::ResourceLimiter;

/// Elements of all of a guest's tables together (eight bytes each).
const MAX_TABLE_ELEMENTS: usize = 1_000_000;
/// Core instances of one guest; Python's components have about a dozen.
const MAX_INSTANCES: usize = 256;
const MAX_TABLES: usize = 256;
const MAX_MEMORIES: usize = 64;

/// Limits and measures the linear memories of one guest, all of them together.
pub(super) struct MemoryMeter {
    limit: u64,
    held: u64,
    peak: u64,
    table_elements: usize,
    refused: bool,
}

impl MemoryMeter {
    /// At most `limit` bytes.
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, held: 0, peak: 0, table_elements: 0, refused: false }
    }

    /// Begins an invocation: the peak so far is forgotten, and that growth was refused.
    pub(super) fn begin(&mut self) {
        self.peak = self.held;
        self.refused = false;
    }

    /// The most bytes held since `begin`.
    pub(super) fn peak(&self) -> u64 {
        self.peak
    }

    /// Whether growth was refused since `begin`.
    pub(super) fn refused(&self) -> bool {
        self.refused
    }
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current) as u64;
        let fits = self.held.saturating_add(growth) <= self.limit;
        if !fits || maximum.is_some_and(|maximum| desired > maximum) {
            self.refused = true;
            return Ok(false);
        }
        self.held += growth;
        self.peak = self.peak.max(self.held);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        // Nothing is taken back: wasmtime calls this for growth that it never asked for above, too, and to count what
        // the system refused as held is safe, where a guest that could lower the count would not be.
        self.refused = true;
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.table_elements.saturating_add(desired.saturating_sub(current));
        if total > MAX_TABLE_ELEMENTS {
            self.refused = true;
            return Ok(false);
        }
        self.table_elements = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}

/// Runs `future` and adds the CPU time of its own polls to `cpu`: what other tasks use on the same thread is left out.
pub(super) async fn metered<F: Future>(future: F, cpu: &mut Duration) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        let before = thread_cpu_time();
        let poll = future.as_mut().poll(context);
        *cpu += thread_cpu_time().saturating_sub(before);
        poll
    })
    .await
}

/// CPU time that this thread has used since it began.
fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_are_limited_together_and_the_peak_is_of_the_invocation() {
        let mut meter = MemoryMeter::new(300);
        assert!(meter.memory_growing(0, 100, None).unwrap());
        assert!(meter.memory_growing(0, 150, None).unwrap());
        assert_eq!((meter.peak(), meter.refused()), (250, false));
        assert!(!meter.memory_growing(100, 151, None).unwrap());
        assert_eq!((meter.peak(), meter.refused()), (250, true));
        meter.begin();
        assert_eq!((meter.peak(), meter.refused()), (250, false));
        assert!(meter.memory_growing(100, 150, None).unwrap());
        assert_eq!(meter.peak(), 300);
    }

    #[test]
    fn failed_growth_never_makes_room() {
        let mut meter = MemoryMeter::new(300);
        assert!(meter.memory_growing(0, 200, None).unwrap());
        meter.memory_grow_failed(wasmtime::Error::msg("no memory")).unwrap();
        assert!(meter.refused());
        assert!(!meter.memory_growing(200, 301, None).unwrap());
    }

    #[test]
    fn growth_past_the_guests_own_maximum_is_refused() {
        let mut meter = MemoryMeter::new(300);
        assert!(!meter.memory_growing(0, 200, Some(100)).unwrap());
        assert!(meter.refused());
    }
}

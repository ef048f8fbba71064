//! What one attempt used, in integers. Pricing it is `crate::cost`'s.

use std::time::Duration;

use crate::units::{ByteCount, Megabytes, nanos};

use super::Architecture;

/// The lengths of an attempt's phases. An absent phase is zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phases {
    /// Waiting for admission and for an environment.
    pub queue: Duration,
    /// Mapping the compiled artifact into memory.
    pub load: Duration,
    /// Compiling, where no artifact was ready.
    pub compile: Duration,
    /// Linking and making the instance, the guest's own start code left out.
    pub instantiate: Duration,
    /// The guest's own start code, before the handler.
    pub init: Duration,
    /// The handler alone; `duration_ns` in the table.
    pub handler: Duration,
}

impl Phases {
    /// What a caller felt: all phases together.
    #[must_use]
    pub fn felt(&self) -> Duration {
        self.queue + self.load + self.compile + self.instantiate + self.init + self.handler
    }

    /// The phases that took time, by name, in the order they happen in.
    pub fn took_time(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        let named = [
            ("queue", self.queue),
            ("load", self.load),
            ("compile", self.compile),
            ("instantiate", self.instantiate),
            ("init", self.init),
            ("handler", self.handler),
        ];
        named.into_iter().filter(|(_, length)| *length > Duration::ZERO)
    }

    /// Billed time in whole milliseconds: init and handler, rounded up, at least 1. The other phases are not billed.
    #[must_use]
    pub fn billed_ms(&self) -> i64 {
        billed_ms(self.init.saturating_add(self.handler))
    }

    /// What the billed time would be, had there been no init.
    #[must_use]
    pub fn billed_ms_without_init(&self) -> i64 {
        billed_ms(self.handler)
    }
}

fn billed_ms(length: Duration) -> i64 {
    let ns = nanos(length);
    ns.div_euclid(1_000_000).saturating_add(i64::from(ns % 1_000_000 != 0)).max(1)
}

/// The lengths of an attempt's phases as far as they are known: zero says that there was no such phase, none that nobody told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PhaseLengths {
    /// As `Phases::queue`.
    pub queue: Option<Duration>,
    /// As `Phases::load`.
    pub load: Option<Duration>,
    /// As `Phases::compile`.
    pub compile: Option<Duration>,
    /// As `Phases::instantiate`.
    pub instantiate: Option<Duration>,
    /// As `Phases::init`.
    pub init: Option<Duration>,
    /// As `Phases::handler`.
    pub handler: Option<Duration>,
}

impl From<Phases> for PhaseLengths {
    fn from(known: Phases) -> Self {
        Self {
            queue: Some(known.queue),
            load: Some(known.load),
            compile: Some(known.compile),
            instantiate: Some(known.instantiate),
            init: Some(known.init),
            handler: Some(known.handler),
        }
    }
}

impl PhaseLengths {
    /// With zero for what is not known.
    #[must_use]
    pub fn or_zero(&self) -> Phases {
        Phases {
            queue: self.queue.unwrap_or_default(),
            load: self.load.unwrap_or_default(),
            compile: self.compile.unwrap_or_default(),
            instantiate: self.instantiate.unwrap_or_default(),
            init: self.init.unwrap_or_default(),
            handler: self.handler.unwrap_or_default(),
        }
    }
}

/// The billable quantities of one attempt, all integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Requests billed: 1 for an attempt that ran, 0 for a throttled one or a fault of ours.
    pub requests: u32,
    /// Milliseconds billed.
    pub billed_ms: i64,
    /// Memory configured.
    pub memory: Megabytes,
    /// Ephemeral storage configured; the part above the book's free share is billed.
    pub ephemeral_storage: Megabytes,
    /// Bytes streamed to the caller.
    pub streamed: ByteCount,
    /// CPU time of the handler, nanoseconds; none where it is not known.
    pub cpu_ns: Option<i64>,
    /// What it ran on.
    pub architecture: Architecture,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn billed_time_rounds_up_and_is_at_least_one_millisecond() {
        let billed = |init_ns, handler_ns| {
            let (init, handler) = (Duration::from_nanos(init_ns), Duration::from_nanos(handler_ns));
            Phases { init, handler, queue: Duration::from_secs(9), ..Phases::default() }.billed_ms()
        };
        assert_eq!(billed(0, 0), 1);
        assert_eq!(billed(0, 1_000_000), 1);
        assert_eq!(billed(1, 1_000_000), 2);
        assert_eq!(billed(500_000, 500_000), 1);
        assert_eq!(billed(20_000_000, 127_100_000), 148);
        let (init, handler) = (Duration::from_millis(20), Duration::from_nanos(127_100_000));
        assert_eq!(Phases { init, handler, ..Phases::default() }.billed_ms_without_init(), 128);
        assert_eq!(Phases { init, ..Phases::default() }.billed_ms_without_init(), 1);
    }
}

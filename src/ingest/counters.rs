//! Counts what was received, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

use super::otlp::Signal;
use super::receiver::Outcome;

/// What was received since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// By signal, in the order of `Signal::ALL`.
    pub signals: [SignalStatus; 3],
    /// Keys that are remembered, so that what is sent again is known.
    pub remembered: u64,
}

/// What was received of one signal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SignalStatus {
    /// Items stored.
    pub accepted: u64,
    /// Items that were stored before.
    pub duplicate: u64,
    /// Items that could not be stored.
    pub rejected: u64,
    /// Requests that were refused whole.
    pub refused: u64,
}

#[derive(Default)]
pub(super) struct Counters([Counts; 3]);

#[derive(Default)]
struct Counts {
    accepted: AtomicU64,
    duplicate: AtomicU64,
    rejected: AtomicU64,
    refused: AtomicU64,
}

impl Counters {
    pub(super) fn received(&self, signal: Signal, outcome: &Outcome) {
        let counts = &self.0[signal as usize];
        counts.accepted.fetch_add(outcome.stored, Ordering::Relaxed);
        counts.duplicate.fetch_add(outcome.duplicates, Ordering::Relaxed);
        counts.rejected.fetch_add(outcome.rejected, Ordering::Relaxed);
    }

    pub(super) fn refused(&self, signal: Signal) {
        self.0[signal as usize].refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self, remembered: usize) -> Status {
        let read = |counts: &Counts| SignalStatus {
            accepted: counts.accepted.load(Ordering::Relaxed),
            duplicate: counts.duplicate.load(Ordering::Relaxed),
            rejected: counts.rejected.load(Ordering::Relaxed),
            refused: counts.refused.load(Ordering::Relaxed),
        };
        Status { signals: self.0.each_ref().map(read), remembered: remembered as u64 }
    }
}

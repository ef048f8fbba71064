//! Owns the count of bytes and slots that the write buffer has given out. It does not hold the records.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Error;

/// Room in the buffer. Bytes are held from the reservation until the rows are committed, slots until they are written.
pub(crate) struct Budget {
    bytes: AtomicU64,
    slots: AtomicU64,
    pub(crate) max_bytes: u64,
    max_slots: u64,
}

/// Room that is reserved; dropping it gives it back.
pub(crate) struct Reservation {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Budget {
    pub(crate) fn new(max_bytes: u64, max_slots: u64) -> Self {
        Self { bytes: AtomicU64::new(0), slots: AtomicU64::new(0), max_bytes, max_slots }
    }

    /// Bytes that are reserved or wait for their commit.
    pub(crate) fn used(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Takes room for `bytes` and a slot, or says what there is none of.
    pub(crate) fn reserve(self: &Arc<Self>, bytes: u64) -> Result<Reservation, Error> {
        if bytes > self.max_bytes {
            return Err(Error::TooLarge { bytes, limit: self.max_bytes });
        }
        let slot = |slots: u64| (slots < self.max_slots).then_some(slots + 1);
        if self.slots.fetch_update(Ordering::Relaxed, Ordering::Relaxed, slot).is_err() {
            return Err(Error::Slots { limit: self.max_slots });
        }
        let room = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.max_bytes);
        if let Err(waiting) = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room) {
            self.slots.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::Full { waiting, limit: self.max_bytes });
        }
        Ok(Reservation { budget: Arc::clone(self), bytes })
    }

    /// Counts bytes that wait for their commit, whether or not there is room: they are written already.
    pub(crate) fn hold(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Gives back what `hold` counted.
    pub(crate) fn release(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Reservation {
    /// Makes it at least `bytes`. It is never refused: the work is done, and its record must not be lost.
    pub(crate) fn grow_to(&mut self, bytes: u64) {
        self.budget.hold(bytes.saturating_sub(self.bytes));
        self.bytes = self.bytes.max(bytes);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.release(self.bytes);
        self.budget.slots.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_refused_when_it_is_gone_and_returns_with_the_drop() {
        let budget = Arc::new(Budget::new(100, 2));
        let first = budget.reserve(60).expect("room");
        assert!(matches!(budget.reserve(41), Err(Error::Full { waiting: 60, limit: 100 })));
        assert!(matches!(budget.reserve(101), Err(Error::TooLarge { bytes: 101, limit: 100 })));
        let second = budget.reserve(40).expect("room");
        assert!(matches!(budget.reserve(0), Err(Error::Slots { limit: 2 })));
        drop(first);
        assert_eq!(budget.used(), 40);
        drop(second);
        assert_eq!(budget.used(), 0);
        assert!(budget.reserve(100).is_ok());
    }

    #[test]
    fn growing_is_never_refused_and_shrinking_never_done() {
        let budget = Arc::new(Budget::new(100, 2));
        let mut reservation = budget.reserve(60).expect("room");
        reservation.grow_to(10);
        assert_eq!(budget.used(), 60);
        reservation.grow_to(150);
        assert_eq!(budget.used(), 150);
        assert!(matches!(budget.reserve(1), Err(Error::Full { waiting: 150, .. })));
        drop(reservation);
        assert_eq!(budget.used(), 0);
    }
}

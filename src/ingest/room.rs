//! Owns the count of bytes that requests hold while they are received.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Config, Error};

/// What one permit stands for.
const UNIT_BYTES: u64 = 1 << 10;

/// The room of all requests together. A cheap clone.
#[derive(Debug, Clone)]
pub(super) struct Rooms {
    units: Arc<Semaphore>,
    limit_bytes: u64,
    retry_after: Duration,
}

/// The room of one request, given back when it is dropped.
#[derive(Debug)]
pub struct Room {
    all: Rooms,
    units: Option<OwnedSemaphorePermit>,
    bytes: u64,
}

impl Rooms {
    pub(super) fn new(config: &Config) -> Self {
        // A request at every one of its limits fits when nothing else goes on.
        let one = config.max_body_bytes.saturating_add(config.max_decoded_bytes).saturating_mul(2);
        let limit_bytes = config.max_held_bytes.max(one);
        let units = usize::try_from(limit_bytes.div_ceil(UNIT_BYTES)).unwrap_or(usize::MAX);
        let units = Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS)));
        Self { units, limit_bytes, retry_after: config.retry_after }
    }

    /// Room for nothing yet.
    pub(super) fn open(&self) -> Room {
        Room { all: self.clone(), units: None, bytes: 0 }
    }
}

impl Room {
    /// Takes so many bytes more, or says that there is no room for them now; never waits.
    pub fn hold(&mut self, bytes: u64) -> Result<(), Error> {
        let after = self.bytes.saturating_add(bytes);
        let more = after.div_ceil(UNIT_BYTES) - self.bytes.div_ceil(UNIT_BYTES);
        if more > 0 {
            let units =
                u32::try_from(more).ok().and_then(|more| Arc::clone(&self.all.units).try_acquire_many_owned(more).ok());
            let Some(units) = units else {
                let reason =
                    format!("the requests at work together would hold more than {} bytes", self.all.limit_bytes);
                return Err(Error::Busy { reason, retry_after: self.all.retry_after });
            };
            match &mut self.units {
                Some(held) => held.merge(units),
                None => self.units = Some(units),
            }
        }
        self.bytes = after;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_counted_to_the_kibibyte_and_comes_back_with_the_drop() {
        let config =
            Config { max_body_bytes: 1 << 10, max_decoded_bytes: 1 << 10, max_held_bytes: 0, ..Config::default() };
        let rooms = Rooms::new(&config);
        let mut one = rooms.open();
        for _ in 0..1_024 {
            one.hold(1).expect("room");
        }
        one.hold(2 << 10).expect("room");
        let mut other = rooms.open();
        other.hold(1 << 10).expect("room");
        assert!(matches!(other.hold(1), Err(Error::Busy { .. })));
        assert!(matches!(one.hold(u64::MAX), Err(Error::Busy { .. })));
        drop(one);
        other.hold(3 << 10).expect("room");
    }
}

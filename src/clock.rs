//! Owns the reading of time: no other file calls `now()`. Arithmetic on time is `crate::units`'.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::units::Timestamp;

/// Tells the time: the system's, or one that a test moves by hand. A cheap clone; clones of a manual clock move together.
#[derive(Clone)]
pub struct Clock(Kind);

#[derive(Clone)]
enum Kind {
    System,
    Manual(Arc<Mutex<Manual>>),
}

struct Manual {
    now: Timestamp,
    instant: Instant,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Kind::System)
    }

    /// A clock that stands at `now` until `advance` moves it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one file that reads the clock")]
    pub fn manual(now: Timestamp) -> Self {
        Self(Kind::Manual(Arc::new(Mutex::new(Manual { now, instant: Instant::now() }))))
    }

    /// The wall clock's time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one file that reads the clock")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
                Timestamp::from_nanos(crate::units::nanos(since))
            }
            Kind::Manual(manual) => manual.lock().unwrap_or_else(PoisonError::into_inner).now,
        }
    }

    /// A reading of the steady clock, for lengths of time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one file that reads the clock")]
    pub fn instant(&self) -> Instant {
        match &self.0 {
            Kind::System => Instant::now(),
            Kind::Manual(manual) => manual.lock().unwrap_or_else(PoisonError::into_inner).instant,
        }
    }

    /// Moves a manual clock on; the system's clock is left as it is.
    pub fn advance(&self, by: Duration) {
        if let Kind::Manual(manual) = &self.0 {
            let mut manual = manual.lock().unwrap_or_else(PoisonError::into_inner);
            manual.now = manual.now.plus(by);
            manual.instant += by;
        }
    }
}

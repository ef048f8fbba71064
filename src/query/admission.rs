//! Owns the number of queries at once, and the bounded queue before it. It does not know what a query is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Error;

/// Places for queries, and a queue for those that find none.
pub(super) struct Admission {
    places: Arc<Semaphore>,
    concurrency: usize,
    waiting: AtomicUsize,
    max_waiting: usize,
    patience: Duration,
}

impl Admission {
    /// `concurrency` places, `max_waiting` waiters, each for at most `patience`.
    pub(super) fn new(concurrency: usize, max_waiting: usize, patience: Duration) -> Self {
        let places = Arc::new(Semaphore::new(concurrency));
        Self { places, concurrency, waiting: AtomicUsize::new(0), max_waiting, patience }
    }

    /// Waits for a place, which is held until the permit is dropped.
    pub(super) async fn enter(&self) -> Result<OwnedSemaphorePermit, Error> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        let _waiter = Waiter::enter(self)?;
        match tokio::time::timeout(self.patience, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Err(Error::Internal("the query engine is closed".to_owned())),
            Err(_) => Err(Error::Busy(format!(
                "no place for the query within {} s: {} queries run at once",
                self.patience.as_secs_f64(),
                self.concurrency
            ))),
        }
    }
}

/// One in the queue; leaves it when dropped.
struct Waiter<'a>(&'a AtomicUsize);

impl<'a> Waiter<'a> {
    fn enter(admission: &'a Admission) -> Result<Self, Error> {
        let count = &admission.waiting;
        let entered = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
            (waiting < admission.max_waiting).then_some(waiting + 1)
        });
        match entered {
            Ok(_) => Ok(Self(count)),
            Err(_) => Err(Error::Busy(format!(
                "{} queries run and {} wait already: try again later",
                admission.concurrency, admission.max_waiting
            ))),
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiters_are_few_and_impatient() {
        let admission = Admission::new(1, 1, Duration::from_millis(50));
        let place = admission.enter().await.unwrap();
        let (first, second) = tokio::join!(admission.enter(), admission.enter());
        assert_eq!(
            first.unwrap_err(),
            Error::Busy("no place for the query within 0.05 s: 1 queries run at once".to_owned())
        );
        assert_eq!(second.unwrap_err(), Error::Busy("1 queries run and 1 wait already: try again later".to_owned()));
        drop(place);
        assert!(admission.enter().await.is_ok());
    }
}

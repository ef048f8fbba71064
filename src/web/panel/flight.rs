//! Runs a query that several ask for at the same time once: who asks while it runs gets the same answer. Nothing is kept
//! beyond that. A query that nobody waits for any longer is ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use tokio::task::JoinHandle;

use crate::query::{Engine, Error, NamedQuery, Params, QueryResult};

/// What a query came to, for all who asked.
pub(super) type Answer = Result<Arc<QueryResult>, Error>;

/// An answer that is on its way.
pub(super) type Flight = Shared<BoxFuture<'static, Answer>>;

/// The statement and its parameters.
type Key = (Arc<str>, String);

/// The queries that run for panels. A cheap clone.
#[derive(Clone, Default)]
pub(in crate::web) struct Flights(Arc<Mutex<Running>>);

#[derive(Default)]
struct Running {
    flights: HashMap<Key, (u64, WeakShared<BoxFuture<'static, Answer>>)>,
    /// Tells one flight from a later one of the same key.
    begun: u64,
}

impl Flights {
    /// The answer to a query: that of a run which has begun, or of a new one. It ends when all who wait for it are gone.
    pub(super) fn ask(&self, engine: &Engine, query: &NamedQuery, params: Params) -> Flight {
        let key = (Arc::clone(&query.sql), format!("{params:?}"));
        let (engine, name) = (engine.clone(), Arc::clone(&query.name));
        self.join(key, async move { engine.named(&name, &params).await.map(Arc::new) })
    }

    fn join(&self, key: Key, run: impl Future<Output = Answer> + Send + 'static) -> Flight {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = running.flights.get(&key).and_then(|(_, flight)| flight.upgrade()) {
            return flight;
        }
        running.flights.retain(|_, (_, flight)| flight.upgrade().is_some());
        running.begun += 1;
        let (number, flights, landing) = (running.begun, self.clone(), key.clone());
        // A task of its own, so that it ends, and is joined no more, also while who began it is slow to read.
        let task = tokio::spawn(async move {
            let answer = run.await;
            flights.land(&landing, number);
            answer
        });
        let mut task = Ended(task);
        let flight = async move {
            let ended = (&mut task.0).await;
            ended.unwrap_or_else(|error| Err(Error::Internal(format!("the query broke off: {error}"))))
        };
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            running.flights.insert(key, (number, weak));
        }
        flight
    }

    /// From now on nobody joins it.
    fn land(&self, key: &Key, number: u64) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.flights.get(key).is_some_and(|(found, _)| *found == number) {
            running.flights.remove(key);
        }
    }
}

/// A task that ends when nobody waits for it any longer.
struct Ended(JoinHandle<Answer>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::sync::Notify;

    use super::*;

    #[derive(Clone, Default)]
    struct Probe {
        begun: Arc<AtomicUsize>,
        dropped: Arc<AtomicUsize>,
        go: Arc<Notify>,
    }

    struct Dropped(Arc<AtomicUsize>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl Probe {
        fn run(&self) -> impl Future<Output = Answer> + Send + use<> {
            let Self { begun, dropped, go } = self.clone();
            async move {
                let _dropped = Dropped(dropped);
                begun.fetch_add(1, Ordering::SeqCst);
                go.notified().await;
                Err(Error::Busy("landed".to_owned()))
            }
        }

        fn counts(&self) -> (usize, usize) {
            (self.begun.load(Ordering::SeqCst), self.dropped.load(Ordering::SeqCst))
        }

        async fn until(&self, counts: (usize, usize)) {
            for _ in 0..500 {
                if self.counts() == counts {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            panic!("{:?} begun and ended, not {counts:?}", self.counts());
        }
    }

    fn key(text: &str) -> Key {
        ("SELECT 1".into(), text.to_owned())
    }

    #[tokio::test]
    async fn who_asks_at_the_same_time_shares_one_run() {
        let (flights, probe) = (Flights::default(), Probe::default());
        let first = flights.join(key("a"), probe.run());
        let second = flights.join(key("a"), probe.run());
        let other = flights.join(key("b"), probe.run());
        probe.until((2, 0)).await;
        probe.go.notify_waiters();
        let answers = tokio::join!(first, second, other);
        assert_eq!(answers.0.as_ref().unwrap_err(), &Error::Busy("landed".to_owned()));
        assert_eq!(answers.1.unwrap_err(), answers.0.unwrap_err());
        let later = flights.join(key("a"), probe.run());
        probe.until((3, 2)).await;
        drop(later);
        probe.until((3, 3)).await;
    }

    #[tokio::test]
    async fn a_run_that_ended_is_joined_no_more_though_its_answer_was_not_read() {
        let (flights, probe) = (Flights::default(), Probe::default());
        let unread = flights.join(key("a"), probe.run());
        probe.until((1, 0)).await;
        probe.go.notify_waiters();
        probe.until((1, 1)).await;
        for _ in 0..500 {
            if flights.0.lock().unwrap().flights.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let _fresh = flights.join(key("a"), probe.run());
        probe.until((2, 1)).await;
        assert!(unread.await.is_err());
    }

    #[tokio::test]
    async fn a_run_ends_when_the_last_who_waits_is_gone() {
        let (flights, probe) = (Flights::default(), Probe::default());
        let (first, second) = (flights.join(key("a"), probe.run()), flights.join(key("a"), probe.run()));
        probe.until((1, 0)).await;
        drop(first);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(probe.counts(), (1, 0), "somebody waits still");
        drop(second);
        probe.until((1, 1)).await;
    }
}

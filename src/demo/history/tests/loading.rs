//! The way into the store: each row once, whatever comes in between.

use std::cell::Cell;
use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::cost::PriceBooks;
use crate::demo::Error;
use crate::demo::history::{History, Parts, Wanted};
use crate::query::{self, Engine, Params, format};
use crate::store::{self, Config, Service};
use crate::units::Timestamp;

use super::{IDLE, NOW_US, attempts, place, traffic};

const WANTED: Wanted = Wanted { seed: Some(9), days: None, invocations: Some(30_000) };

/// A store that runs, and what asks it.
struct Running {
    store: store::Handle,
    query: Engine,
    clock: Clock,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), store::Error>>,
}

impl Running {
    async fn open(folder: &Path, now_us: i64) -> Self {
        let clock = Clock::manual(Timestamp::from_micros(now_us));
        let config = Config { buffer_bytes: 16 << 20, segment_bytes: 4 << 20, ..Config::at(folder) };
        let (service, store) = Service::open(config, clock.clone()).await.expect("opens");
        let query = Engine::start(query::Config::default(), store.clone()).expect("starts");
        let stop = CancellationToken::new();
        let task = tokio::spawn(service.run(stop.clone()));
        Self { store, query, clock, stop, task }
    }

    fn history(&self, folder: &Path) -> Result<History, Error> {
        let parts = Parts {
            store: self.store.clone(),
            query: self.query.clone(),
            books: PriceBooks::embedded().expect("right"),
            clock: self.clock.clone(),
            place: place(),
            idle_timeout: IDLE,
            folder: folder.to_owned(),
        };
        History::open(parts, WANTED, &crate::demo::samples().expect("right"))
    }

    async fn load(&self, folder: &Path) -> Result<Timestamp, Error> {
        let ready = CancellationToken::new();
        ready.cancel();
        self.history(folder)?.load(|_| {}, &ready, &CancellationToken::new()).await
    }

    async fn count(&self, sql: &str) -> i64 {
        let rows = format::rows(&self.query.sql(sql, &Params::new()).await.expect("it is right")).expect("rows");
        rows[0]["n"].as_i64().expect("a number")
    }

    /// Rows, and different ones.
    async fn rows(&self) -> [i64; 2] {
        let sql = "SELECT count(*) AS n FROM invocations";
        let different = "SELECT count(*) AS n FROM (SELECT DISTINCT invocation_id, attempt FROM invocations) AS d";
        [self.count(sql).await, self.count(different).await]
    }

    async fn close(self) {
        self.stop.cancel();
        self.task.await.expect("it ends").expect("it is committed");
    }
}

fn expected(to_us: i64) -> i64 {
    let traffic = traffic(9, 30_000);
    i64::try_from(attempts(&traffic, traffic.start_us, to_us).len()).expect("few")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_was_cut_off_goes_on_and_no_row_is_doubled() {
    let folder = tempfile::tempdir().expect("a folder");
    for cut_at in [3_000, 17_000] {
        let running = Running::open(folder.path(), NOW_US).await;
        let (ready, stop) = (CancellationToken::new(), CancellationToken::new());
        ready.cancel();
        let seen = Cell::new(0);
        let told = |progress: crate::demo::history::Progress| {
            seen.set(progress.invocations);
            if progress.invocations > cut_at {
                stop.cancel();
            }
        };
        let mut history = running.history(folder.path()).expect("planned");
        let cut = history.load(told, &ready, &stop).await;
        assert!(matches!(cut, Err(Error::Stopped)), "{cut:?}");
        let [rows, different] = running.rows().await;
        assert!(rows == different && rows > i64::try_from(cut_at).expect("small") && rows < expected(NOW_US), "{rows}");
        running.close().await;
    }
    let running = Running::open(folder.path(), NOW_US).await;
    let end = running.load(folder.path()).await.expect("it goes on");
    assert_eq!((end.micros(), running.rows().await), (NOW_US, [expected(NOW_US); 2]));
    running.load(folder.path()).await.expect("there is nothing to do");
    assert_eq!(running.rows().await, [expected(NOW_US); 2]);
    running.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_started_later_has_the_time_between_filled() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::open(folder.path(), NOW_US).await;
    running.load(folder.path()).await.expect("loaded");
    let first = running.rows().await;
    running.close().await;

    let later_us = NOW_US + 3 * super::DAY_US;
    let running = Running::open(folder.path(), later_us).await;
    let end = running.load(folder.path()).await.expect("loaded");
    let [rows, different] = running.rows().await;
    let more = rows - first[0];
    assert!(rows == different && (1_500..4_500).contains(&more), "{more}");
    assert_eq!(end.micros(), later_us);
    let sql = format!(
        "SELECT count(*) AS n FROM invocations WHERE started_at >= TIMESTAMP '{}' AND started_at < TIMESTAMP '{}'",
        Timestamp::from_micros(NOW_US),
        Timestamp::from_micros(later_us)
    );
    assert_eq!(running.count(&sql).await, more);
    running.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_has_a_history_refuses_another_seed() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::open(folder.path(), NOW_US).await;
    running.load(folder.path()).await.expect("loaded");
    let marker = std::fs::read_to_string(folder.path().join("demo-history.json")).expect("written");
    assert!(marker.contains("\"loaded\": true"), "{marker}");
    std::fs::write(folder.path().join("demo-history.json"), marker.replace("\"seed\": 9", "\"seed\": 8"))
        .expect("written");
    assert!(matches!(running.history(folder.path()), Err(Error::Differs { what: "seed", .. })));
    running.close().await;
}

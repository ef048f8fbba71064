//! What is stored, over a real store in a folder of its own.

use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::query::{Engine, Params, format};
use crate::store::Service;
use crate::units::Timestamp;

use super::*;

const A: &str = "aaaaaaaa-0000-0000-0000-000000000001";
/// 2026-11-20T12:00:00Z
const AT: i64 = 1_795_176_000_000;

struct Taker {
    lambda: AwsLambda,
    store: store::Handle,
    clock: Clock,
    query: Engine,
    _stop: DropGuard,
    _dir: tempfile::TempDir,
}

async fn taker() -> Taker {
    let (dir, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new());
    let clock = Clock::manual(Timestamp::from_micros(AT * 1_000));
    let (service, store) = Service::open(store::Config::at(dir.path()), clock.clone()).await.unwrap();
    tokio::spawn(service.run(stop.clone()));
    let query = Engine::start(crate::query::Config::default(), store.clone()).unwrap();
    let lambda = lambda(store.clone(), clock.clone());
    Taker { lambda, store, clock, query, _stop: stop.drop_guard(), _dir: dir }
}

/// Nothing of the store is in its memory.
fn lambda(store: store::Handle, clock: Clock) -> AwsLambda {
    let parts = Parts {
        store,
        books: Arc::new(PriceBooks::embedded().unwrap()),
        clock,
        retention: store::Config::at("unused").retention,
        tenant_retention: BTreeMap::new(),
    };
    AwsLambda::new(Config { import_wait: Duration::from_millis(300), ..Config::default() }, parts).unwrap()
}

impl Taker {
    async fn import(&self, events: &[Value]) -> Summary {
        let said = Said { function: Some("f".to_owned()), ..Said::default() };
        let text = Value::from(events.to_vec()).to_string();
        Box::pin(self.lambda.import(std::io::Cursor::new(text), said)).await.unwrap()
    }

    async fn rows(&self, sql: &str) -> Vec<serde_json::Map<String, Value>> {
        format::rows(&self.query.sql(sql, &Params::new()).await.unwrap()).unwrap()
    }

    /// Each attempt and the second that it began in.
    async fn attempts(&self) -> Vec<(i64, String)> {
        let rows = self.rows("SELECT attempt, started_at FROM invocations ORDER BY attempt").await;
        let read = |row: &serde_json::Map<String, Value>| {
            (row["attempt"].as_i64().unwrap(), row["started_at"].as_str().unwrap()[11..19].to_owned())
        };
        rows.iter().map(read).collect()
    }
}

fn event(millis: i64, message: &str) -> Value {
    json!({"timestamp": AT + millis, "message": message, "logStreamName": "2026/11/20/[1]e"})
}

fn start(millis: i64) -> Value {
    event(millis, &format!("START RequestId: {A} Version: 1"))
}

fn report(millis: i64) -> Value {
    event(millis, &format!("REPORT RequestId: {A}\tDuration: 99.50 ms\tBilled Duration: 100 ms\tMemory Size: 128 MB\t"))
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_of_an_event_are_attempts_whatever_is_imported_how_often() {
    let taker = taker().await;
    let first = [start(0), report(100)];
    let both = [start(0), report(100), start(60_000), report(60_100)];
    let third = [report(180_100)];
    for (events, stored) in
        [(&first[..], 1), (&first[..], 0), (&both[..], 1), (&both[..], 0), (&third[..], 1), (&both[..], 0)]
    {
        let summary = taker.import(events).await;
        assert_eq!(summary.stored.invocations, stored, "{events:?}: {summary:?}");
    }
    let at = |text: &str| text.to_owned();
    assert_eq!(taker.attempts().await, [(1, at("12:00:00")), (2, at("12:01:00")), (3, at("12:03:00"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_hours_apart_are_found_whatever_is_in_memory() {
    const HOUR: i64 = 3_600_000;
    let mut taker = taker().await;
    let attempt = |millis: i64| [start(millis), report(millis + 100)];
    taker.import(&attempt(-9 * HOUR)).await;
    taker.import(&attempt(-3 * HOUR)).await;
    taker.lambda = lambda(taker.store.clone(), taker.clock.clone());
    assert_eq!(taker.import(&attempt(-3 * HOUR)).await.stored.invocations, 0, "after a restart it is known");
    assert_eq!(
        taker.import(&attempt(0)).await.stored.invocations,
        1,
        "another, three hours after one that was stored before"
    );
    // Days at once are more hours than are held.
    let other = |millis: i64| {
        let report = report(millis)["message"].as_str().unwrap().replace("000001", "000002");
        event(millis, &report)
    };
    let days = [&[other(-60 * HOUR)][..], &attempt(-6 * HOUR), &attempt(-9 * HOUR), &[other(-HOUR)]].concat();
    let summary = taker.import(&days).await;
    assert_eq!((summary.stored.invocations, summary.duplicates.invocations), (3, 1), "{summary:?}");
    let rows = taker.rows("SELECT attempt, started_at FROM invocations WHERE invocation_id LIKE '%1' ORDER BY 1").await;
    let found: Vec<(i64, &str)> = rows
        .iter()
        .map(|row| (row["attempt"].as_i64().unwrap(), &row["started_at"].as_str().unwrap()[11..13]))
        .collect();
    assert_eq!(found, [(1, "03"), (2, "09"), (3, "12"), (4, "06")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_without_its_start_is_the_same_attempt() {
    let taker = taker().await;
    taker.import(&[start(0), report(103)]).await;
    let summary = taker.import(&[report(103)]).await;
    assert_eq!((summary.stored.invocations, summary.duplicates.invocations), (0, 1), "it began 3 ms later by its end");
    let within = taker.import(&[report(60_000), report(60_000), report(60_001)]).await;
    assert_eq!((within.stored.invocations, within.duplicates.invocations), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_alike_are_stored_as_often_as_they_were_written() {
    let taker = taker().await;
    let events = [event(1, "same"), event(1, "same"), event(1, "other"), event(2, "same")];
    assert_eq!(taker.import(&events).await.stored.logs, 4);
    assert_eq!(taker.import(&events).await.stored.logs, 0);
    let ids = taker.rows("SELECT count(DISTINCT origin_id) AS n FROM logs").await;
    assert_eq!(ids[0]["n"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_past_their_retention_are_told() {
    let taker = taker().await;
    let day = 86_400_000;
    let summary =
        taker.import(&[event(-31 * day, "old"), event(-30 * day, "kept"), report(-401 * day), report(-60_000)]).await;
    assert_eq!((summary.past_retention, summary.stored.logs, summary.stored.invocations), (2, 2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_breaks_off_leaves_what_came_before() {
    let taker = taker().await;
    struct Breaks;
    impl Read for Breaks {
        fn read(&mut self, _buffer: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the line is down"))
        }
    }
    let lines: Vec<String> = (0..12_000).map(|number| event(number, "x").to_string()).collect();
    let input = std::io::Cursor::new(format!("[{},", lines.join(","))).chain(Breaks);
    let said = Said { function: Some("f".to_owned()), ..Said::default() };
    let failed = Box::pin(taker.lambda.import(input, said)).await.expect_err("it breaks off");
    assert!(failed.to_string().contains("the line is down"), "{failed}");
    let stored = failed.so_far.stored.logs;
    assert_eq!(stored, 10_000, "the batches that were full");
    assert_eq!(taker.rows("SELECT count(*) AS n FROM logs").await[0]["n"].as_u64(), Some(stored));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_imports_than_may_run_are_refused() {
    let taker = taker().await;
    let (one, two) = (taker.lambda.import_place().await.unwrap(), taker.lambda.import_place().await.unwrap());
    assert!(matches!(taker.lambda.import_place().await, Err(Error::Busy(_))));
    drop(one);
    let third = taker.lambda.import_place().await.unwrap();
    let waits = taker.lambda.import_place();
    drop((two, third));
    assert!(waits.await.is_ok());
}

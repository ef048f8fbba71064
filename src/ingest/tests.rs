//! The receiver over a real store in a folder of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::Clock;
use crate::cost::PriceBooks;
use crate::store::{self, Table};
use crate::units::Timestamp;

const NOW: Timestamp = Timestamp::from_nanos(1_790_000_000_000_000_000);

/// A store and a receiver on it.
struct Home {
    receiver: Receiver,
    store: store::Handle,
    clock: Clock,
    stop: CancellationToken,
    running: JoinHandle<Result<(), store::Error>>,
}

impl Home {
    async fn open(dir: &Path) -> Self {
        Self::with(store::Config::at(dir), Config::default(), Clock::manual(NOW)).await
    }

    async fn with(store: store::Config, config: Config, clock: Clock) -> Self {
        let (service, store) = store::Service::open(store, clock.clone()).await.unwrap();
        let stop = CancellationToken::new();
        let running = tokio::spawn(service.run(stop.clone()));
        let books = Arc::new(PriceBooks::embedded().unwrap());
        let parts = Parts { store: store.clone(), books, clock: clock.clone() };
        let receiver = Receiver::start(config, parts).await.unwrap();
        Self { receiver, store, clock, stop, running }
    }

    async fn close(self) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
    }

    async fn send(&self, signal: Signal, body: &str) -> Result<Outcome, Error> {
        self.receiver.receive(self.request(signal, body)).await
    }

    fn request(&self, signal: Signal, body: &str) -> Request {
        let body = body.as_bytes().to_vec().into();
        let (format, encoding, tenant, room) = (Format::Json, Encoding::Identity, None, self.receiver.room());
        Request { signal, format, encoding, tenant, body, room }
    }

    fn rows(&self, table: Table) -> u64 {
        self.store.view(table).rows()
    }
}

/// A request of so many spans from the `first`th on, each an invocation.
fn spans(first: u32, count: u32) -> String {
    let span = |n: u32| {
        format!(
            r#"{{"traceId":"{n:032x}","spanId":"{n:016x}","name":"s","kind":2,"startTimeUnixNano":"1789999999000000000","endTimeUnixNano":"1789999999000000005"}}"#
        )
    };
    let spans: Vec<String> = (first + 1..=first + count).map(span).collect();
    let resource = r#"{"attributes":[{"key":"faas.name","value":{"stringValue":"f"}}]}"#;
    format!(r#"{{"resourceSpans":[{{"resource":{resource},"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(","))
}

fn logs(text: &str, count: usize) -> String {
    let record = format!(r#"{{"timeUnixNano":"1789999999000000000","body":{{"stringValue":"{text}"}}}}"#);
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#, vec![record; count].join(","))
}

fn metrics(value: u32) -> String {
    format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m","gauge":{{"dataPoints":[{{"timeUnixNano":"1789999999000000000","asInt":{value}}}]}}}}]}}]}}]}}"#
    )
}

fn outcome(stored: u64, duplicates: u64) -> Outcome {
    Outcome { stored, duplicates, ..Outcome::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_is_stored_once_after_a_restart_too() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::open(dir.path()).await;
    assert_eq!(home.send(Signal::Traces, &spans(0, 3)).await, Ok(outcome(3, 0)));
    assert_eq!(home.send(Signal::Traces, &spans(1, 3)).await, Ok(outcome(1, 2)), "spans are known one by one");
    assert_eq!(home.send(Signal::Logs, &logs("a", 5)).await, Ok(outcome(5, 0)));
    assert_eq!(home.send(Signal::Metrics, &metrics(1)).await, Ok(outcome(1, 0)));
    home.store.flush().await.unwrap();
    assert_eq!(home.send(Signal::Logs, &logs("b", 2)).await, Ok(outcome(2, 0)));
    let rows =
        |home: &Home| [Table::Spans, Table::Invocations, Table::Logs, Table::Metrics].map(|table| home.rows(table));
    assert_eq!(rows(&home), [4, 4, 7, 1]);
    home.close().await;
    // Some rows are in files now, and some in the log.
    let home = Home::open(dir.path()).await;
    assert_eq!(home.send(Signal::Traces, &spans(0, 5)).await, Ok(outcome(1, 4)));
    assert_eq!(home.send(Signal::Logs, &logs("a", 5)).await, Ok(outcome(0, 5)));
    assert_eq!(home.send(Signal::Logs, &logs("b", 2)).await, Ok(outcome(0, 2)));
    assert_eq!(home.send(Signal::Metrics, &metrics(1)).await, Ok(outcome(0, 1)));
    assert_eq!(home.send(Signal::Metrics, &metrics(2)).await, Ok(outcome(1, 0)));
    assert_eq!(rows(&home), [5, 5, 7, 2]);
    let status = home.receiver.status();
    let [traces, logs, _] = status.signals;
    assert_eq!((traces.accepted, traces.duplicate, logs.duplicate, logs.refused), (1, 4, 7, 0));
    home.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_received_before_the_window_is_not_remembered_at_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::open(dir.path()).await;
    home.send(Signal::Logs, &logs("a", 1)).await.unwrap();
    home.clock.advance(Duration::from_secs(1_000));
    home.send(Signal::Logs, &logs("b", 1)).await.unwrap();
    let clock = home.clock.clone();
    home.close().await;
    let home = Home::with(store::Config::at(dir.path()), Config::default(), clock).await;
    assert_eq!(home.receiver.status().remembered, 1);
    assert_eq!(home.send(Signal::Logs, &logs("a", 1)).await, Ok(outcome(1, 0)));
    assert_eq!(home.send(Signal::Logs, &logs("b", 1)).await, Ok(outcome(0, 1)));
    home.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_sent_many_times_at_once_is_stored_once() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::open(dir.path()).await;
    let bodies = [(Signal::Traces, spans(0, 50)), (Signal::Logs, logs("a", 50))];
    for (signal, body) in bodies {
        let sent = (0..16).map(|_| home.send(signal, &body));
        let outcomes = futures::future::join_all(sent).await;
        let total: u64 = outcomes.iter().map(|outcome| outcome.as_ref().unwrap().stored).sum();
        assert_eq!(total, 50);
    }
    assert_eq!((home.rows(Table::Spans), home.rows(Table::Logs)), (50, 50));
    home.close().await;
}

/// A sender that goes away has its request finished: a row that may be written is known to be.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_on_when_its_sender_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::open(dir.path()).await;
    let body = logs("a", 3);
    {
        let mut sent = Box::pin(home.send(Signal::Logs, &body));
        assert!(futures::poll!(sent.as_mut()).is_pending());
    }
    assert_eq!(home.receiver.drain(Duration::from_secs(60)).await, 0);
    assert_eq!(home.rows(Table::Logs), 3);
    assert_eq!(home.send(Signal::Logs, &logs("a", 3)).await, Ok(outcome(0, 3)));
    home.close().await;
}

/// What so many spans and their invocations take in the buffer.
fn size_of_spans(count: u32) -> u64 {
    let books = Arc::new(PriceBooks::embedded().unwrap());
    let context = otlp::Context { tenant: "default".to_owned(), received: NOW, books, max_bytes: 1 << 30 };
    let mut room = room::Rooms::new(&Config::default()).open();
    let read = otlp::read(Signal::Traces, Format::Json, spans(0, count).into(), &context, &mut room);
    store::size_of(&read.unwrap().records)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_asks_to_come_again_and_keeps_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // Room for 21 of them, by the estimate that they are reserved for with; written ones take somewhat less.
    let bytes = size_of_spans(21);
    let store = store::Config {
        buffer_bytes: bytes,
        commit_interval: Duration::from_secs(3_600),
        ..store::Config::at(dir.path())
    };
    let home = Home::with(store, Config::default(), Clock::manual(NOW)).await;
    assert!(home.send(Signal::Traces, &spans(0, 10)).await.is_ok());
    let full = home.send(Signal::Traces, &spans(10, 20)).await;
    assert!(matches!(&full, Err(Error::Busy { reason, .. }) if reason.contains("full")), "{full:?}");
    assert_eq!(home.rows(Table::Spans), 10);
    assert_eq!(home.receiver.status().signals[0].refused, 1);
    home.store.flush().await.unwrap();
    let large = home.send(Signal::Traces, &spans(10, 100)).await;
    assert!(matches!(large, Err(Error::TooLarge(_))), "{large:?}");
    assert_eq!(home.send(Signal::Traces, &spans(10, 20)).await, Ok(outcome(20, 0)), "what was refused is not known");
    home.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn room_that_requests_hold_is_limited() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { max_body_bytes: 4_096, max_decoded_bytes: 8_192, max_held_bytes: 0, ..Config::default() };
    let home = Home::with(store::Config::at(dir.path()), config, Clock::manual(NOW)).await;
    let mut other = home.receiver.room();
    other.hold(16_384).unwrap();
    let refused = home.send(Signal::Traces, &spans(0, 2)).await;
    assert!(matches!(&refused, Err(Error::Busy { reason, .. }) if reason.contains("16384")), "{refused:?}");
    drop(other);
    assert!(home.send(Signal::Traces, &spans(0, 2)).await.is_ok());
    assert!(matches!(home.send(Signal::Traces, &spans(0, 60)).await, Err(Error::TooLarge(_))));
    home.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_tenant_is_refused_and_a_right_one_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::open(dir.path()).await;
    let with = |tenant: &str| Request { tenant: Some(tenant.to_owned()), ..home.request(Signal::Logs, &logs("a", 1)) };
    assert!(matches!(home.receiver.receive(with("../etc")).await, Err(Error::Bad(why)) if why.contains("../etc")));
    assert_eq!(home.receiver.receive(with("acme")).await, Ok(outcome(1, 0)));
    assert_eq!(home.receiver.receive(with("shop")).await, Ok(outcome(1, 0)), "another tenant's is another");
    assert_eq!(home.receiver.receive(with("acme")).await, Ok(outcome(0, 1)));
    home.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_imported_again_stores_nothing_however_long_ago_that_was() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::open(dir.path()).await;
    let timeless = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"t"}}]}]}]}"#;
    let bad = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"nameless"}]}]}]}"#;
    let file = [spans(0, 3), logs("a", 2), metrics(1), timeless.to_owned(), bad.to_owned()].join("\n");
    let import = Import { receiver: &home.receiver, tenant: None };
    let text = || std::io::Cursor::new(file.clone().into_bytes());
    let skipped = |summary: &Summary| summary.skipped.iter().map(|skipped| (skipped.line, skipped.count)).collect::<Vec<_>>();
    let first = import.read(text()).await.unwrap();
    assert_eq!((first.read, first.stored.all(), first.duplicates.all()), (5, 7, 0));
    assert_eq!((first.stored.spans, first.stored.logs, first.stored.metrics), (3, 3, 1));
    assert_eq!(skipped(&first), [(5, 1)]);
    assert!(first.skipped[0].reason.starts_with("1 span was not taken"), "{first:?}");
    home.store.flush().await.unwrap();
    home.clock.advance(Duration::from_secs(100_000));
    home.send(Signal::Logs, &logs("other", 1)).await.unwrap();
    assert_eq!(home.receiver.status().remembered, 1, "the window is over");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, file.as_bytes()).unwrap();
    for again in [import.read(text()).await.unwrap(), import.read(std::io::Cursor::new(packed.finish().unwrap())).await.unwrap()] {
        assert_eq!((again.read, again.stored, again.duplicates.all(), skipped(&again)), (5, Counts::default(), 7, vec![(5, 1)]));
    }
    let wrong = import.read(&b"{\"resourceSpans\":[]}\n{\"resourceLogs\":7}"[..]).await;
    assert!(matches!(wrong, Err(Error::Bad(why)) if why.starts_with("request 2: ")));
    home.close().await;
}

//! Measures receiving: spans per second from OTLP's bytes to durable rows, against bare decoding of the same bytes and bare
//! writing of the same rows as Parquet; and the memory that imports of files take. docs/benchmarks.md says what came out.
//!
//!     cargo bench --bench ingest
//!     cargo bench --bench ingest -- import 512 1024 2048
//!
//! The second imports files of so many MiB.

#[path = "support/imports.rs"]
mod imports;
#[path = "support/program.rs"]
mod program;
mod support;

use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use faremeter::clock::Clock;
use faremeter::cost::PriceBooks;
use faremeter::ingest::{self, Encoding, Format, Receiver, Request, Signal};
use faremeter::store::{Config, Handle, Service, Table};
use futures::future::join_all;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, TracesData};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use prost::Message;
use support::{ROUNDS, cpu, figures, heading, now, ratio};

/// As many as an SDK sends at once by default.
const BODY_SPANS: u64 = 512;
const BODIES: u64 = 200;

/// When the first span began: nanoseconds since the Unix epoch, in the middle of a day.
const START: u64 = 1_790_000_000_000_000_000;

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    if let Some(("import", sizes)) = words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return imports::measure(sizes);
    }
    let bodies: Vec<Bytes> = (0..BODIES).map(|n| body(n * BODY_SPANS).encode_to_vec().into()).collect();
    let rows = rows(&bodies).await;
    let [mut decoding, mut writing, mut bare] = std::array::from_fn(|_| Side::default());
    let mut ours: [Side; 2] = Default::default();
    let mut durable: [Side; 2] = Default::default();
    for _ in 0..ROUNDS {
        let (decoded, written) = (measured(|| decode(&bodies)), measured(|| write_parquet(&rows)));
        decoding.add(decoded);
        writing.add(written);
        bare.add([decoded[0] + written[0], decoded[1] + written[1]]);
        for (at, clients) in [1, 8].into_iter().enumerate() {
            let [received, committed] = receive(&bodies, clients).await;
            durable[at].add(received);
            ours[at].add(committed);
        }
    }
    let bytes: usize = bodies.iter().map(Bytes::len).sum();
    heading(&format!(
        "{} spans in bodies of {BODY_SPANS}, {} bytes each, {ROUNDS} rounds in turn",
        BODIES * BODY_SPANS,
        bytes as u64 / (BODIES * BODY_SPANS)
    ));
    decoding.print("bare prost decoding");
    writing.print("bare ArrowWriter, zstd 1, fsync");
    bare.print("both, one after the other");
    for (at, clients) in [1, 8].into_iter().enumerate() {
        durable[at].print(&format!("received until durable, {clients} clients"));
        durable[at].compare("  / bare decoding and writing", &bare);
        ours[at].print(&format!("received and committed, {clients} clients"));
        ours[at].compare("  / bare decoding and writing", &bare);
    }
}

/// What one side did in each round.
#[derive(Default)]
struct Side {
    spans_per_s: Vec<f64>,
    spans_per_cpu_s: Vec<f64>,
}

impl Side {
    /// Adds a round: how long it took, and its CPU time.
    fn add(&mut self, [took, cpu]: [Duration; 2]) {
        self.spans_per_s.push((BODIES * BODY_SPANS) as f64 / took.as_secs_f64());
        self.spans_per_cpu_s.push((BODIES * BODY_SPANS) as f64 / cpu.as_secs_f64());
    }

    fn print(&self, name: &str) {
        figures(name, "spans/s", &self.spans_per_s);
        figures("", "spans per second of CPU", &self.spans_per_cpu_s);
    }

    fn compare(&self, name: &str, base: &Self) {
        ratio(name, &self.spans_per_s, &base.spans_per_s);
        ratio("  by CPU time", &self.spans_per_cpu_s, &base.spans_per_cpu_s);
    }
}

/// How long the work took, and its CPU time.
fn measured(work: impl FnOnce()) -> [Duration; 2] {
    let (began, cpu_began) = (now(), cpu());
    work();
    [began.elapsed(), cpu() - cpu_began]
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(Value::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

/// Spans of a web service as its instrumentation makes them, from the `first`th on.
fn body(first: u64) -> TracesData {
    let resource = [
        ("service.name", "checkout"),
        ("service.instance.id", "627cc493-f310-47de-96bd-71410b7dec09"),
        ("telemetry.sdk.language", "nodejs"),
        ("telemetry.sdk.version", "2.9.0"),
        ("host.name", "ip-10-0-3-17"),
        ("cloud.region", "us-east-1"),
    ];
    let resource = Resource { attributes: resource.map(|(key, value)| text(key, value)).into(), ..Resource::default() };
    let scope = InstrumentationScope { name: "@opentelemetry/instrumentation-http".to_owned(), ..Default::default() };
    let spans = (first..first + BODY_SPANS).map(span).collect();
    let scoped = ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() };
    let group = ResourceSpans { resource: Some(resource), scope_spans: vec![scoped], ..ResourceSpans::default() };
    TracesData { resource_spans: vec![group] }
}

fn span(n: u64) -> Span {
    // Ids that do not compress, as random ones do not.
    let id = |salt: u64| {
        (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) ^ salt.wrapping_mul(0xd6e8_feb8_6659_fd93)
    };
    let trace = [id(n / 8).to_le_bytes(), id(1).to_le_bytes()].concat();
    let start = START + n * 1_000_000;
    let event = Event { time_unix_nano: start + 500, name: "cache miss".to_owned(), ..Event::default() };
    Span {
        trace_id: trace,
        span_id: id(2).to_le_bytes().into(),
        parent_span_id: id(3).to_le_bytes().into(),
        name: format!("GET /products/{}", n % 50),
        kind: 2,
        start_time_unix_nano: start,
        end_time_unix_nano: start + n * 7_919 % 200_000_000,
        attributes: vec![
            text("http.request.method", "GET"),
            text("url.path", &format!("/products/{}", n % 1_000)),
            text("http.response.status_code", "200"),
            text("server.address", "shop.example.com"),
            text("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"),
        ],
        events: if n.is_multiple_of(10) { vec![event] } else { Vec::new() },
        status: Some(Status::default()),
        flags: 0x101,
        ..Span::default()
    }
}

fn decode(bodies: &[Bytes]) {
    for body in bodies {
        std::hint::black_box(TracesData::decode(body.clone()).expect("it is right"));
    }
}

/// The rows that the bodies become, as Arrow has them.
async fn rows(bodies: &[Bytes]) -> Vec<RecordBatch> {
    let home = Home::open().await;
    home.send(bodies, 1).await;
    let rows = home.store.view(Table::Spans).batches;
    home.close().await;
    rows
}

/// The bare way to write: one writer, one file, one fsync.
fn write_parquet(rows: &[RecordBatch]) {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let file = std::fs::File::create(dir.path().join("bare.parquet")).expect("the folder can be written");
    let level = ZstdLevel::try_new(1).expect("zstd has a level 1");
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let mut writer = ArrowWriter::try_new(&file, rows[0].schema(), Some(properties)).expect("the schema suits Parquet");
    for batch in rows {
        writer.write(batch).expect("the disk has room");
    }
    writer.close().expect("the disk has room");
    file.sync_all().expect("the disk has room");
}

/// Our way: received until all is durable, and then until all is committed to Delta.
async fn receive(bodies: &[Bytes], clients: usize) -> [[Duration; 2]; 2] {
    let home = Home::open().await;
    let (began, cpu_began) = (now(), cpu());
    home.send(bodies, clients).await;
    let durable = [began.elapsed(), cpu() - cpu_began];
    home.store.flush().await.expect("the rows are committed");
    let committed = [began.elapsed(), cpu() - cpu_began];
    let view = home.store.view(Table::Spans);
    assert!(view.batches.is_empty() && view.rows() == BODIES * BODY_SPANS, "every row is in a file, once");
    home.close().await;
    [durable, committed]
}

/// A receiver on an empty store in a folder of its own.
struct Home {
    receiver: Receiver,
    store: Handle,
    stop: tokio_util::sync::CancellationToken,
    running: tokio::task::JoinHandle<()>,
    _dir: tempfile::TempDir,
}

impl Home {
    /// With room for all rows, so that nothing is refused; and committed at the flush.
    async fn open() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let never = Duration::from_secs(3_600);
        let config =
            Config { commit_interval: never, buffer_bytes: 2 << 30, segment_bytes: 1 << 30, ..Config::at(dir.path()) };
        let (service, store) = Service::open(config, Clock::system()).await.expect("an empty store opens");
        let stop = tokio_util::sync::CancellationToken::new();
        let token = stop.clone();
        let running = tokio::spawn(async move { service.run(token).await.expect("the store stops well") });
        let books = Arc::new(PriceBooks::embedded().expect("the embedded books are right"));
        let parts = ingest::Parts { store: store.clone(), books, clock: Clock::system() };
        let receiver = Receiver::start(ingest::Config::default(), parts).await.expect("an empty store is read");
        Self { receiver, store, stop, running, _dir: dir }
    }

    /// Each client sends its share, waiting for each answer.
    async fn send(&self, bodies: &[Bytes], clients: usize) {
        let shares = (0..clients).map(|client| {
            let share: Vec<Bytes> = bodies.iter().skip(client).step_by(clients).cloned().collect();
            let receiver = self.receiver.clone();
            tokio::spawn(async move {
                for body in share {
                    let room = receiver.room();
                    let request = Request {
                        signal: Signal::Traces,
                        format: Format::Protobuf,
                        encoding: Encoding::Identity,
                        tenant: None,
                        body,
                        room,
                    };
                    let outcome = receiver.receive(request).await.expect("there is room");
                    assert_eq!((outcome.stored, outcome.rejected), (BODY_SPANS, 0));
                }
            })
        });
        join_all(shares).await.into_iter().for_each(|client| client.expect("a client ends well"));
    }

    async fn close(self) {
        self.stop.cancel();
        self.running.await.expect("the store's task ends well");
    }
}

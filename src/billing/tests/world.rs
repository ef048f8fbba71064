//! A store with records, and billing over it, on a clock that stands still.

use std::sync::Arc;

use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::billing::{Charges, Config, Month, Parts, Rater, Service, break_even_aggregate};
use crate::clock::Clock;
use crate::cost::PriceBooks;
use crate::cost::rating::{Books, Ratio};
use crate::model::{Architecture, InitType, Invocation, Outcome, Records};
use crate::query::{self, Additions, Engine, format};
use crate::store::{self, size_of};
use crate::units::{ByteCount, InvocationId, Megabytes, Timestamp};

/// AWS Lambda's book with allowances and tiers that few records reach: 20 requests and 3,000 GiB-s are free, the first tier
/// ends after 10,000 GiB-s.
pub(super) fn small_books() -> Books {
    let text = include_str!("../../cost/books/aws-lambda.toml");
    let smaller = [
        ("quantity = \"1000000\"", "quantity = \"20\""),
        ("quantity = \"400000\"", "quantity = \"3000\""),
        ("[\"6000000000\", \"0.0000166667\"], [\"15000000000\"", "[\"10000\", \"0.0000166667\"], [\"25000\""),
    ];
    let text = smaller.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    let mut books = Books::embedded().expect("the books are right");
    books.add(&text).expect("the book is right");
    books
}

pub(super) fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("a time")
}

pub(super) fn month(text: &str) -> Month {
    text.parse().expect("a month")
}

pub(super) fn ratio(text: &str) -> Ratio {
    match text.strip_prefix('-') {
        Some(text) => Ratio::parse(text).expect("a number").negative(),
        None => Ratio::parse(text).expect("a number"),
    }
}

/// A record that its price book has not seen yet.
pub(super) fn record(id: usize, function: &str, at: &str) -> Invocation {
    let id = InvocationId(format!("r{id}"));
    Invocation {
        region: Some("us-east-1".to_owned()),
        architecture: Some(Architecture::X86_64),
        memory: Some(Megabytes(1_024)),
        ephemeral_storage: Some(Megabytes(512)),
        streamed: Some(ByteCount(0)),
        billed_ms: Some(1_000),
        init_type: Some(InitType::OnDemand),
        cpu_ns: Some(1_000_000),
        outcome: Outcome::Ok,
        ..Invocation::reported("test", id, "default", function, time(at))
    }
}

/// Everything that billing needs, over a folder.
pub(super) struct World {
    folder: TempDir,
    pub(super) store: store::Handle,
    pub(super) engine: Engine,
    pub(super) service: Service,
    stop: CancellationToken,
    runs: Option<JoinHandle<Result<(), store::Error>>>,
}

impl World {
    pub(super) async fn new(books: Books, now: &str) -> Self {
        Self::over(tempfile::tempdir().expect("a folder"), books, now).await
    }

    async fn over(folder: TempDir, books: Books, now: &str) -> Self {
        let clock = Clock::manual(time(now));
        let (service, store) =
            store::Service::open(store::Config::at(folder.path()), Clock::system()).await.expect("it opens");
        let stop = CancellationToken::new();
        let runs = Some(tokio::spawn(service.run(stop.clone())));
        let config = Config::default();
        let charges = Charges::open(&config, store.object_store()).await.expect("it opens");
        let additions =
            Additions { relations: vec![charges.relation()], aggregates: vec![break_even_aggregate(books.clone())] };
        let engine = Engine::start_with(query::Config::default(), store.clone(), additions).expect("it starts");
        let parts = Parts { engine: engine.clone(), store: store.clone(), charges, clock };
        let service = Service::new(config, books, parts);
        Self { folder, store, engine, service, stop, runs }
    }

    /// Stops, and starts again on the same folder.
    pub(super) async fn again(mut self, books: Books, now: &str) -> Self {
        self.stop.cancel();
        self.runs.take().expect("it runs").await.expect("it ends").expect("it is stored");
        let Self { folder, store, engine, service, .. } = self;
        drop((store, engine, service));
        Self::over(folder, books, now).await
    }

    /// Prices records by the program's book of this id, and stores them.
    pub(super) async fn add(&self, book: &str, records: Vec<Invocation>) {
        let books = Arc::new(PriceBooks::embedded().expect("they are right"));
        let book = books.get(book).expect("it is there");
        let price = |record| book.price_reported(record).expect("in range");
        self.add_priced(records.into_iter().map(price).collect()).await;
    }

    pub(super) async fn add_priced(&self, invocations: Vec<Invocation>) {
        let records = Records { invocations, ..Records::default() };
        let slot = self.store.reserve(size_of(&records)).expect("there is room");
        slot.append(records).await.expect("stored");
    }

    /// Looks once for what is to be rated, as the task does.
    pub(super) async fn look(&self) {
        Rater::new(self.service.clone(), 4_000).look().await.expect("it rates");
    }

    pub(super) async fn rows(&self, sql: &str) -> Vec<serde_json::Map<String, serde_json::Value>> {
        let answer = self.engine.sql(sql, &query::Params::new()).await.expect("it is answered");
        format::rows(&answer).expect("rows")
    }
}

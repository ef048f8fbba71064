//! Takes in requests: reads them, leaves out what is stored already, and answers once the rest is durable. It does not know
//! how requests arrive.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::cost::PriceBooks;
use crate::model::{Records, check_name};
use crate::store;

use super::counters::Counters;
use super::dedupe::{Dedupe, remember_recent};
use super::keyed::Keyed;
use super::otlp::{self, Context, Encoding, Format, Read, Signal};
use super::room::Rooms;
use super::{Config, Error, Room, Status};

/// A body of so many bytes is read on a thread of its own kind: it would hold up what else the thread does.
const LARGE_BYTES: usize = 64 << 10;
/// Whom what names no tenant belongs to.
const DEFAULT_TENANT: &str = "default";

/// What a receiver works with.
pub struct Parts {
    /// Keeps what is received.
    pub store: store::Handle,
    /// Prices the invocations among it.
    pub books: Arc<PriceBooks>,
    /// Tells when it arrived.
    pub clock: Clock,
}

/// Takes in telemetry from elsewhere. A cheap clone.
#[derive(Clone)]
pub struct Receiver(Arc<Shared>);

struct Shared {
    config: Config,
    parts: Parts,
    rooms: Rooms,
    dedupe: Dedupe,
    counters: Counters,
    /// Requests at work: they go on when their sender goes away, since a row may be written already.
    tasks: TaskTracker,
}

/// Where what was received before is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Memory {
    /// Among what is remembered.
    Window,
    /// In the tables too.
    Store,
}

/// A request of OTLP.
#[derive(Debug)]
pub struct Request {
    /// What it holds.
    pub signal: Signal,
    /// How it is written.
    pub format: Format,
    /// How it is compressed.
    pub encoding: Encoding,
    /// Whom what names no tenant belongs to; none is `default`.
    pub tenant: Option<String>,
    /// As it arrived.
    pub body: Bytes,
    /// The room that the body takes up.
    pub room: Room,
}

/// What became of a request that was received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Items that are stored now and were not before.
    pub stored: u64,
    /// Invocations that spans among them told of.
    pub invocations: u64,
    /// Items that were stored before.
    pub duplicates: u64,
    /// Items that cannot be stored.
    pub rejected: u64,
    /// Why not, for the sender.
    pub message: Option<String>,
}

impl Receiver {
    /// Begins with what the store says was received within the window.
    pub async fn start(config: Config, parts: Parts) -> Result<Self, store::Error> {
        let receiver = Self::without_memory(config, parts);
        let Shared { config, parts, dedupe, .. } = &*receiver.0;
        let since = parts.clock.now().minus(config.dedupe_window);
        let keys = remember_recent(dedupe, &parts.store, store::Span::IngestedAfter(since)).await?;
        if keys > 0 {
            tracing::info!(keys, "remembered what was received lately");
        }
        Ok(receiver)
    }

    /// Begins with no memory of what was received: enough for `receive_again`, which looks into the store.
    #[must_use]
    pub fn without_memory(config: Config, parts: Parts) -> Self {
        let (rooms, dedupe) = (Rooms::new(&config), Dedupe::new(&config, parts.clock.clone()));
        let (counters, tasks) = (Counters::default(), TaskTracker::new());
        Self(Arc::new(Shared { config, parts, rooms, dedupe, counters, tasks }))
    }

    /// Room for a request, to be held before its body is read.
    #[must_use]
    pub fn room(&self) -> Room {
        self.0.rooms.open()
    }

    /// Bytes that a body may have.
    #[must_use]
    pub fn max_body_bytes(&self) -> u64 {
        self.0.config.max_body_bytes
    }

    /// What remembers what was received.
    #[must_use]
    pub fn dedupe(&self) -> &Dedupe {
        &self.0.dedupe
    }

    /// Figures for `/metrics`.
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.counters.read(self.0.dedupe.len())
    }

    /// Counts a request that was refused before it was received, as for lack of room.
    pub fn refused(&self, signal: Signal) {
        self.0.counters.refused(signal);
    }

    /// Takes a request in. When this returns well, what it holds is durable.
    pub async fn receive(&self, request: Request) -> Result<Outcome, Error> {
        self.run(request, Memory::Window).await
    }

    /// The same, leaving out what is in the store at all, however long ago it was received.
    pub async fn receive_again(&self, request: Request) -> Result<Outcome, Error> {
        self.run(request, Memory::Store).await
    }

    async fn run(&self, request: Request, memory: Memory) -> Result<Outcome, Error> {
        let (receiver, signal) = (self.clone(), request.signal);
        let task = self.0.tasks.spawn(async move { receiver.take(request, memory).await });
        let taken = task.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a request's task broke off");
            Err(Error::Faulty("the request met a fault in Faremeter; its log says more".to_owned()))
        });
        match &taken {
            Ok(outcome) => self.0.counters.received(signal, outcome),
            Err(_) => self.0.counters.refused(signal),
        }
        taken
    }

    async fn take(&self, request: Request, memory: Memory) -> Result<Outcome, Error> {
        let tenant = request.tenant.as_deref().unwrap_or(DEFAULT_TENANT).to_owned();
        check_name(&tenant, "tenant").map_err(|error| Error::Bad(error.to_string()))?;
        // A full store is known before anything is done for it.
        drop(self.reserve(request.body.len() as u64)?);
        let context = self.context(tenant);
        let (signal, limit) = (request.signal, self.0.config.max_body_bytes);
        let large = request.body.len() >= LARGE_BYTES || request.encoding != Encoding::Identity;
        let work = move || {
            let Request { format, encoding, body, mut room, .. } = request;
            let plain = otlp::plain(body, encoding, limit, &mut room)?;
            Ok((otlp::read(signal, format, plain, &context, &mut room)?, room))
        };
        let (read, _room) = if large {
            let done = tokio::task::spawn_blocking(work).await;
            done.map_err(|error| Error::Faulty(format!("a request's thread broke off: {error}")))??
        } else {
            work()?
        };
        self.keep(signal, read, memory).await
    }

    fn context(&self, tenant: String) -> Context {
        let Shared { config, parts, .. } = &*self.0;
        let (received, books) = (parts.clock.now(), Arc::clone(&parts.books));
        Context { tenant, received, books, max_bytes: config.max_decoded_bytes }
    }

    /// Stores what is new of what was read.
    async fn keep(&self, signal: Signal, read: Read, memory: Memory) -> Result<Outcome, Error> {
        let Read { mut records, rejected } = read;
        let mut outcome =
            Outcome { rejected: rejected.count, message: rejected.message(signal.item()), ..Outcome::default() };
        let items = count(signal, &records);
        if items == 0 {
            return Ok(outcome);
        }
        let keyed = Keyed::new(&self.0.dedupe, &records);
        if memory == Memory::Store {
            keyed.recall(&self.0.dedupe, &self.0.parts.store, &records).await.map_err(|error| self.of_store(&error))?;
        }
        let claim = self.0.dedupe.claim(keyed.keys()).await;
        keyed.leave_out(&claim, &mut records);
        outcome.stored = count(signal, &records);
        outcome.duplicates = items - outcome.stored;
        outcome.invocations = records.invocations.len() as u64;
        if !records.is_empty() {
            let slot = self.reserve(store::size_of(&records))?;
            slot.append_durable(records).await.map_err(|error| self.of_store(&error))?;
        }
        claim.stored();
        Ok(outcome)
    }

    fn reserve(&self, bytes: u64) -> Result<store::Slot, Error> {
        self.0.parts.store.reserve(bytes).map_err(|error| self.of_store(&error))
    }

    fn of_store(&self, error: &store::Error) -> Error {
        Error::from_store(error, self.0.config.retry_after)
    }

    /// Waits until nothing is at work, `deadline` at most, and says how many requests are left behind.
    pub async fn drain(&self, deadline: Duration) -> usize {
        self.0.tasks.close();
        let _late = tokio::time::timeout(deadline, self.0.tasks.wait()).await;
        self.0.tasks.len()
    }
}

/// Items of the signal among the records: an invocation is what a span tells besides.
fn count(signal: Signal, records: &Records) -> u64 {
    let items = match signal {
        Signal::Traces => records.spans.len(),
        Signal::Logs => records.logs.len(),
        Signal::Metrics => records.metrics.len(),
    };
    items as u64
}

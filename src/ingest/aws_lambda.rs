//! Owns the taking in of what AWS Lambda wrote about its invocations: files of CloudWatch logs, deliveries of Firehose, and
//! events of the Telemetry API. All of them go one way: `input` finds messages, `line` and `telemetry` read them, `join`
//! makes invocations of them, `known` leaves out what is there already, `write` appends. Listening is `crate::web`'s.
//!
//! A message's billed time, durations and memory are taken as given, digit by digit. What is broken is counted and shown,
//! and the rest goes on. Nothing is stored twice, whichever way and however often it comes: look-up and append of a batch
//! are one step, of which there is one at a time.

mod decimal;
mod error;
mod event;
mod firehose;
mod hours;
mod input;
mod join;
mod known;
mod line;
mod message;
mod pipeline;
mod report;
mod rows;
mod skips;
mod spans;
mod split;
mod telemetry;
mod text;
mod write;

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc};

use crate::clock::Clock;
use crate::cost::{self, PriceBook, PriceBooks};
use crate::ingest::Summary;
use crate::model::Architecture;
use crate::store::{self, Retention};

pub use error::{Error, Failed};

use firehose::Delivery;
use hours::Hours;
use input::Found;
use join::{Join, Kept};
use pipeline::{Pipeline, Setting};

/// The book that Lambda's invocations are priced by.
const BOOK: &str = "aws-lambda";
/// Batches that are made before they are written.
const BATCHES_AHEAD: usize = 1;

/// Limits of what is taken in. Defaults in brackets.
#[derive(Debug, Clone)]
pub struct Config {
    /// Imports at once (2).
    pub imports: usize,
    /// How long an import waits for a place among them before it is refused (60 s).
    pub import_wait: Duration,
    /// Requests of receivers that are worked on at once (4).
    pub requests: usize,
    /// Requests that wait for that (256); more are refused.
    pub waiting: usize,
    /// Bytes of a request's events, uncompressed (64 MiB).
    pub max_request_bytes: u64,
    /// Bytes that may wait in the store for their commit when an import appends more (64 MiB; half of the store's buffer where
    /// that is less): an import is faster than commits are, and what waits is in memory once more as it is encoded.
    pub import_buffer_bytes: u64,
    /// Time between looks at a store that has no room (20 ms).
    pub room_wait: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            imports: 2,
            import_wait: Duration::from_secs(60),
            requests: 4,
            waiting: 256,
            max_request_bytes: 64 << 20,
            import_buffer_bytes: 64 << 20,
            room_wait: Duration::from_millis(20),
        }
    }
}

/// The parts that it needs.
#[derive(Clone)]
pub struct Parts {
    /// Where the rows go, and where is looked up what is there already.
    pub store: store::Handle,
    /// Price the invocations.
    pub books: Arc<PriceBooks>,
    /// Tells when records were seen.
    pub clock: Clock,
    /// How long rows are kept: who imports older ones is told.
    pub retention: Retention,
    /// How long those of some tenants are kept.
    pub tenant_retention: BTreeMap<String, Retention>,
}

/// What the sender says of all the records of an input; it goes before what they say themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The function's name.
    pub function: Option<String>,
    /// Whom it belongs to.
    pub tenant: String,
    /// What it runs on: Lambda's logs do not say, and without it there is no price.
    pub architecture: Option<Architecture>,
    /// Where it runs.
    pub region: Option<String>,
    /// The billing account.
    pub account: Option<String>,
    /// The execution environment whose events they are.
    pub instance: Option<String>,
}

impl Default for Said {
    fn default() -> Self {
        let tenant = "default".to_owned();
        Self { function: None, tenant, architecture: None, region: None, account: None, instance: None }
    }
}

/// Takes in what Lambda wrote. A cheap clone.
#[derive(Clone)]
pub struct AwsLambda(Arc<Shared>);

struct Shared {
    config: Config,
    parts: Parts,
    book: Arc<PriceBook>,
    /// The streams of receivers, whose requests go on with each other.
    kept: Kept,
    /// Which requests the store has; held from the look-up of a batch to the end of its append.
    gate: Mutex<Hours>,
    imports: Arc<Semaphore>,
    requests: Semaphore,
    waiting: Semaphore,
}

impl AwsLambda {
    /// Gets ready.
    pub fn new(config: Config, parts: Parts) -> Result<Self, cost::Error> {
        let book = Arc::new(parts.books.get(BOOK)?.clone());
        let permits = |count: usize| Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS));
        Ok(Self(Arc::new(Shared {
            book,
            kept: Kept::default(),
            gate: Mutex::default(),
            imports: Arc::new(permits(config.imports)),
            requests: permits(config.requests),
            waiting: permits(config.waiting.saturating_add(config.requests)),
            config,
            parts,
        })))
    }

    /// Imports a file of logs, of any length: as `aws logs filter-log-events` or `get-log-events` writes it, an array of such
    /// events, subscription payloads, Telemetry API events, or text; gzip or not. It waits where the store has no room.
    pub async fn import(&self, input: impl Read + Send + 'static, said: Said) -> Result<Summary, Failed> {
        let place = self.import_place().await.map_err(|error| Failed { error, so_far: Box::default() })?;
        let imported = self.run(said, Kept::default(), true, move |pipeline| {
            let _place = place;
            let mut room = u64::MAX;
            input::read(input, &mut room, &mut |line, found| pipeline.take(line, found))
        });
        imported.await.map(|(summary, _)| summary)
    }

    /// Waits for a place among the imports at once: one whose sender has gone ends soon.
    async fn import_place(&self) -> Result<OwnedSemaphorePermit, Error> {
        let place = Arc::clone(&self.0.imports).acquire_owned();
        let waited = tokio::time::timeout(self.0.config.import_wait, place).await;
        waited.ok().and_then(Result::ok).ok_or_else(|| {
            Error::Busy(format!(
                "{} imports are running, the most at once: try again when one is done",
                self.0.config.imports
            ))
        })
    }

    /// Takes in a list of Telemetry API events, as an extension forwards them. When it returns they are on disk.
    pub async fn telemetry(&self, body: Bytes, said: Said) -> Result<Summary, Error> {
        let limit = self.0.config.max_request_bytes;
        let kept = self.0.kept.clone();
        self.receive(said.clone(), move |pipeline| {
            let mut events = Vec::new();
            let mut room = limit;
            let read = input::read(&body[..], &mut room, &mut |line, found| {
                events.push((line, found));
                Ok::<(), Error>(())
            });
            read.map_err(|error| too_large(error, limit))?;
            let messages = events.iter().filter_map(|(_, found)| match found {
                Found::Message(message) => Some(message),
                _ => None,
            });
            pipeline.say(telemetry::complete(said, messages, &kept));
            events.into_iter().try_for_each(|(line, found)| pipeline.take(line, found))
        })
        .await
    }

    /// Takes in a delivery of Firehose's with payloads of a CloudWatch Logs subscription. When it returns they are on disk.
    pub async fn firehose(&self, body: Bytes, request_id: String, said: Said) -> Result<Summary, Error> {
        let limit = self.0.config.max_request_bytes;
        self.receive(said, move |pipeline| {
            let delivery = Delivery::read(&body, limit)?;
            if delivery.request_id != request_id {
                let other = delivery.request_id;
                return Err(Error::Invalid(format!(
                    "the header names the delivery '{request_id}', the body '{other}'"
                )));
            }
            let mut room = limit;
            delivery.records.into_iter().try_for_each(|record| {
                let payload = firehose::decode(record, room).map_err(|error| too_large(error, limit))?;
                let envelope = firehose::envelope(&payload);
                let is_known = envelope.is_some();
                pipeline.next_envelope(envelope.unwrap_or_default());
                let read = input::read(&payload[..], &mut room, &mut |line, found| match found {
                    Found::Envelope(_) if is_known => Ok(()),
                    found => pipeline.take(line, found),
                });
                read.map_err(|error| too_large(error, limit))
            })
        })
        .await
    }

    /// Bytes that a receiver's request may have.
    #[must_use]
    pub fn max_request_bytes(&self) -> u64 {
        self.0.config.max_request_bytes
    }

    /// Works on a receiver's request when it is its turn; its streams are kept for the next.
    async fn receive<F>(&self, said: Said, produce: F) -> Result<Summary, Error>
    where
        F: FnOnce(&mut Pipeline) -> Result<(), Error> + Send + 'static,
    {
        let waiting = self.0.waiting.try_acquire();
        let _waiting = waiting.map_err(|_| Error::Busy("too many deliveries wait: send it again later".to_owned()))?;
        let _turn = self.0.requests.acquire().await.map_err(|_| Error::Stopped)?;
        let done = self.run(said, self.0.kept.clone(), false, produce).await;
        let (summary, join) = done.map_err(|failed| failed.error)?;
        join.keep();
        Ok(summary)
    }

    /// Makes batches on a thread, and writes them.
    async fn run<F>(&self, said: Said, kept: Kept, waits: bool, produce: F) -> Result<(Summary, Join), Failed>
    where
        F: FnOnce(&mut Pipeline) -> Result<(), Error> + Send + 'static,
    {
        let (sender, mut batches) = mpsc::channel(BATCHES_AHEAD);
        let Shared { parts, book, .. } = &*self.0;
        let retention = parts.tenant_retention.get(&said.tenant).copied().unwrap_or(parts.retention);
        let now = parts.clock.now();
        let setting = Setting { book: Arc::clone(book), retention, now, said };
        let made = tokio::task::spawn_blocking(move || {
            let mut pipeline = Pipeline::new(setting, kept, sender);
            match produce(&mut pipeline).and_then(|()| pipeline.finish()) {
                Ok(()) => (pipeline.end(), None),
                Err(error) => (pipeline.end(), Some(error)),
            }
        });
        let mut stored = Summary::default();
        let written = self.write_all(&mut batches, waits, &mut stored).await;
        // Whoever makes batches ends when nobody takes them.
        drop(batches);
        let Ok(((read, join), failed)) = made.await else {
            let error = Error::Invalid("the work on the input broke off".to_owned());
            return Err(Failed { error, so_far: Box::new(stored) });
        };
        let summary = Summary { stored: stored.stored, duplicates: stored.duplicates, ..read };
        match written.err().or(failed) {
            Some(error) => Err(Failed { error, so_far: Box::new(summary) }),
            None => Ok((summary, join)),
        }
    }
}

fn too_large(error: Error, limit: u64) -> Error {
    match error {
        Error::TooLarge { .. } => Error::TooLarge { limit },
        Error::Unreadable(error) if error.kind() == ErrorKind::FileTooLarge => Error::TooLarge { limit },
        Error::Unreadable(error) => Error::Invalid(format!("the events cannot be read: {error}")),
        other => other,
    }
}

#[cfg(test)]
mod tests;

//! The one place where execution, price and storage meet: room for the record is reserved, the call is admitted and
//! run, its rows are made, priced and written, and only then is it answered. HTTP itself is `crate::web`'s.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::bus::{Bus, Notable};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::cost::{PriceBook, PriceBooks};
use crate::model::{FunctionVersion, Invocation, Outcome, Phases, Records, ThrottleReason, Trigger, VersionState};
use crate::runtime::{Admission, Execution, Reply, Request, Runtime, Throttled};
use crate::store::{self, Slot};
use crate::units::{ByteCount, IdSource, InvocationId, Timestamp};

use super::deploy::runnable;
use super::record::Recorder;
use super::{Config, Error, TraceContext};

/// Log records that are made by the thread that serves the call; more of them, which take milliseconds, elsewhere.
const INLINE_LOGS: usize = 64;

/// One call as it arrived.
#[derive(Debug)]
pub struct Call {
    /// The function's name.
    pub function: String,
    /// The version that is to run; none is the active one.
    pub version: Option<u32>,
    /// What caused it.
    pub trigger: Trigger,
    /// The request's method.
    pub method: http::Method,
    /// Path and query as the guest sees them.
    pub uri: http::Uri,
    /// The request's headers.
    pub headers: http::HeaderMap,
    /// The request's body, whole.
    pub body: Bytes,
    /// When it arrived, by the wall clock.
    pub started_at: Timestamp,
    /// When it arrived, by the steady clock.
    pub arrived: Instant,
}

/// What a call came to.
pub struct Invoked {
    /// The invocation's id.
    pub id: InvocationId,
    /// Where it stands in its trace.
    pub trace: TraceContext,
    /// What goes back to the caller.
    pub answer: Answer,
}

/// What goes back to the caller. The record is written by the time that the caller sees the end of it.
pub enum Answer {
    /// The guest answered.
    Response { response: http::Response<Bytes>, invocation: Box<Invocation> },
    /// The guest failed, or we did: the record says which.
    Fault { invocation: Box<Invocation> },
    /// A limit turned the call away; another may get through after `retry_after`.
    Throttled { reason: ThrottleReason, retry_after: Duration },
    /// The guest's answer streams; `phases` are those before its handler.
    Streaming { response: http::Response<mpsc::Receiver<Bytes>>, phases: Phases, end: StreamEnd },
}

/// Resolves to the record, once it is written, after the last byte of a streamed answer.
pub type StreamEnd = oneshot::Receiver<Result<Box<Invocation>, Error>>;

/// Takes calls. A cheap clone.
#[derive(Clone)]
pub struct Dispatcher(Arc<Inner>);

struct Inner {
    config: Config,
    catalog: Catalog,
    runtime: Runtime,
    store: store::Handle,
    books: Arc<PriceBooks>,
    bus: Bus,
    clock: Clock,
    ids: IdSource,
    calls: TaskTracker,
}

/// The parts that a call goes through.
pub struct Parts {
    /// Functions by name.
    pub catalog: Catalog,
    /// Runs them.
    pub runtime: Runtime,
    /// Keeps their records.
    pub store: store::Handle,
    /// Prices them.
    pub books: Arc<PriceBooks>,
    /// Hears what is notable.
    pub bus: Bus,
    /// Tells the time.
    pub clock: Clock,
    /// New ids.
    pub ids: IdSource,
}

impl Dispatcher {
    /// Joins the parts that a call goes through.
    #[must_use]
    pub fn new(config: Config, parts: Parts) -> Self {
        let Parts { catalog, runtime, store, books, bus, clock, ids } = parts;
        Self(Arc::new(Inner { config, catalog, runtime, store, books, bus, clock, ids, calls: TaskTracker::new() }))
    }

    /// The clock that arrivals are measured by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Runs one call to its end and writes its record, also when the caller goes away meanwhile.
    pub async fn invoke(&self, call: Call) -> Result<Invoked, Error> {
        if self.0.calls.is_closed() {
            return Err(Error::Stopping);
        }
        let inner = Arc::clone(&self.0);
        let task = self.0.calls.spawn(async move { inner.invoke(call).await });
        task.await.map_err(|_| Error::Stopping)?
    }

    /// Refuses new calls and waits for those that run, at most `deadline`; says how many were late.
    pub async fn drain(&self, deadline: Duration) -> usize {
        self.0.calls.close();
        let _late = tokio::time::timeout(deadline, self.0.calls.wait()).await;
        self.0.calls.len()
    }
}

impl Inner {
    async fn invoke(self: Arc<Self>, call: Call) -> Result<Invoked, Error> {
        let function = match call.version {
            Some(version) => self.catalog.version(&call.function, version).await?,
            None => self.callable(&call.function)?,
        };
        runnable(&function)?;
        let slot = self.store.reserve(self.config.record_bytes).inspect_err(|error| {
            self.bus.publish(Notable::StoreRefused { function: call.function.clone(), reason: error.to_string() });
        })?;
        let header = call.headers.get("traceparent").and_then(|value| value.to_str().ok());
        let trace = TraceContext::continue_from(header, &self.ids);
        let entry = Entry {
            id: self.ids.invocation(call.started_at),
            trace,
            trigger: call.trigger,
            started_at: call.started_at,
            method: call.method.to_string(),
            path: call.uri.path().to_owned(),
            function: Arc::clone(&function),
            slot,
        };
        match self.runtime.admit(&function) {
            Ok(admission) => self.run(entry, admission, call).await,
            Err(throttled) => self.turn_away(entry, throttled, &call.body),
        }
    }

    fn callable(&self, name: &str) -> Result<Arc<FunctionVersion>, Error> {
        let function = self.catalog.get(name).ok_or_else(|| Error::NotFound(name.to_owned()))?;
        let (name, version) = (name.to_owned(), function.latest.version);
        match (function.active, &function.latest.state) {
            (Some(active), _) => Ok(active),
            (None, VersionState::Failed(reason)) => Err(Error::Failed { name, version, reason: reason.clone() }),
            (None, _) => Err(Error::Pending { name, version }),
        }
    }

    fn turn_away(&self, entry: Entry, throttled: Throttled, body: &Bytes) -> Result<Invoked, Error> {
        let Throttled { reason, retry_after, .. } = throttled;
        let request_size = ByteCount(body.len() as u64);
        let records = entry.recorder(&self.config, self.book(&entry)?).throttled(&throttled, request_size)?;
        self.store.append_unconfirmed(entry.slot, records);
        self.bus.publish(Notable::Throttled { function: entry.function.spec.name.clone(), reason });
        Ok(Invoked { id: entry.id, trace: entry.trace, answer: Answer::Throttled { reason, retry_after } })
    }

    async fn run(self: Arc<Self>, entry: Entry, admission: Admission, call: Call) -> Result<Invoked, Error> {
        let request = Request {
            method: call.method,
            uri: call.uri,
            headers: call.headers,
            body: call.body,
            invocation_id: Some(entry.id.0.clone()),
            traceparent: Some(entry.trace.header()),
            started_at: call.started_at,
            arrived: call.arrived,
        };
        let (id, trace) = (entry.id.clone(), entry.trace);
        let answer = match self.runtime.invoke(admission, request).await {
            Reply::Whole { response, execution } => {
                let answered = response.as_ref().map(|response| response.status().as_u16());
                let (outcome, status) = (execution.outcome, fault_status(execution.outcome).or(answered));
                let invocation = self.write(entry, execution, status).await?;
                match response {
                    Some(response) if outcome == Outcome::Ok => Answer::Response { response, invocation },
                    _ => Answer::Fault { invocation },
                }
            }
            Reply::Streaming { response, phases, execution } => {
                let (told, end) = oneshot::channel();
                let (inner, status) = (Arc::clone(&self), response.status().as_u16());
                self.calls.spawn(async move {
                    let execution = execution.await;
                    let _caller_is_gone = told.send(inner.write(entry, execution, Some(status)).await);
                });
                Answer::Streaming { response, phases, end }
            }
        };
        Ok(Invoked { id, trace, answer })
    }

    /// Prices and writes the record; `status` is what the caller saw.
    async fn write(
        self: &Arc<Self>,
        entry: Entry,
        execution: Execution,
        status: Option<u16>,
    ) -> Result<Box<Invocation>, Error> {
        let (records, slot) = if execution.logs.len() > INLINE_LOGS {
            let inner = Arc::clone(self);
            let made = tokio::task::spawn_blocking(move || inner.records(entry, &execution, status)).await;
            made.map_err(|_| Error::Stopping)??
        } else {
            self.records(entry, &execution, status)?
        };
        let invocation = one_invocation(&records);
        slot.append(records).await?;
        Ok(invocation)
    }

    fn records(&self, entry: Entry, execution: &Execution, status: Option<u16>) -> Result<(Records, Slot), Error> {
        let records = entry.recorder(&self.config, self.book(&entry)?).ran(execution, status, &self.ids)?;
        Ok((records, entry.slot))
    }

    fn book(&self, entry: &Entry) -> Result<&PriceBook, Error> {
        Ok(self.books.get(&entry.function.spec.price_book)?)
    }
}

/// One call on its way.
struct Entry {
    id: InvocationId,
    trace: TraceContext,
    trigger: Trigger,
    started_at: Timestamp,
    method: String,
    path: String,
    function: Arc<FunctionVersion>,
    slot: Slot,
}

impl Entry {
    fn recorder<'a>(&'a self, config: &'a Config, book: &'a PriceBook) -> Recorder<'a> {
        Recorder {
            config,
            book,
            function: &self.function,
            id: &self.id,
            trace: self.trace,
            trigger: self.trigger,
            started_at: self.started_at,
            request: (&self.method, &self.path),
        }
    }
}

/// The status that a caller sees for an outcome that has no reply of the guest's own.
fn fault_status(outcome: Outcome) -> Option<u16> {
    match outcome {
        Outcome::Ok => None,
        Outcome::Error | Outcome::OutOfMemory => Some(502),
        Outcome::Timeout => Some(504),
        Outcome::Throttled => Some(429),
        Outcome::PlatformError => Some(500),
    }
}

fn one_invocation(records: &Records) -> Box<Invocation> {
    Box::new(records.invocations.first().expect("a recorder makes one invocation").clone())
}

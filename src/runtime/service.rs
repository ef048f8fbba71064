//! Owns the runtime's parts and threads: builds them, runs calls, and stops them. Which thread a call runs on is
//! `placement`'s.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use super::artifact::{Artifacts, Build};
use super::attempt::{self, lost};
use super::egress::Network;
use super::engine::Engines;
use super::limits::Limits;
use super::placement::Attempt;
use super::pool::Pool;
use super::program::Program;
use super::{Admission, Config, Error, GuestKind, Reply, Request, Source, Status};
use crate::clock::Clock;
use crate::units::IdSource;

/// How often expired environments are looked for, at most.
const REAP_EVERY: Duration = Duration::from_secs(1);
/// Tasks that a guest thread runs before it looks at timers and I/O; each runs for 1 ms at most.
const EVENT_INTERVAL: u32 = 16;

/// How much lower the priority of the guests' threads is.
const GUEST_NICE: i32 = 5;

/// Everything that a `Runtime` stands for.
pub(super) struct Service {
    pub(super) config: Config,
    pub(super) clock: Clock,
    pub(super) ids: IdSource,
    pub(super) engines: Arc<Engines>,
    pub(super) network: Arc<Network>,
    pub(super) artifacts: Arc<Artifacts>,
    pub(super) pool: Pool,
    pub(super) limits: Arc<Limits>,
    tracker: TaskTracker,
    /// Always there, but for the moment in which it is dropped.
    guests: Option<tokio::runtime::Runtime>,
}

impl Service {
    pub(super) fn start(config: Config, clock: Clock, ids: IdSource) -> Result<Arc<Self>, Error> {
        let engines = Arc::new(Engines::start(&config)?);
        let artifacts = Arc::new(Artifacts::open(&config, Arc::clone(&engines))?);
        let guests = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(config.threads.max(1))
            .thread_name("guest")
            .event_interval(EVENT_INTERVAL)
            .on_thread_start(make_way)
            .enable_all()
            .build()
            .map_err(|error| Error::Platform(format!("the guests' threads do not start: {error}")))?;
        let service = Arc::new(Self {
            pool: Pool::new(clock.clone(), config.idle_timeout, config.idle_environments),
            limits: Arc::new(Limits::new(&config, clock.clone())),
            network: Arc::new(Network::new(config.outgoing_requests, config.outgoing_requests_of_call)),
            tracker: TaskTracker::new(),
            guests: Some(guests),
            config,
            clock,
            ids,
            engines,
            artifacts,
        });
        service.guests().spawn(reap(Arc::downgrade(&service), service.config.idle_timeout));
        Ok(service)
    }

    pub(super) fn guests(&self) -> &tokio::runtime::Handle {
        self.guests.as_ref().expect("it is taken by drop alone").handle()
    }

    pub(super) async fn save(&self, source: Source) -> Result<(), Error> {
        let artifacts = Arc::clone(&self.artifacts);
        joined(self.guests().spawn_blocking(move || artifacts.keep_source(&source)).await)
    }

    pub(super) async fn saved(&self, sha256: String) -> Result<Source, Error> {
        let artifacts = Arc::clone(&self.artifacts);
        joined(self.guests().spawn_blocking(move || artifacts.read_source(&sha256)).await)
    }

    /// Keeps the source, makes the artifact, and sees that it links: what fails here would fail in every call.
    pub(super) async fn compile(self: &Arc<Self>, source: Source) -> Result<(), Error> {
        let (sha256, fuel) = (source.sha256.clone(), source.fuel);
        let artifacts = Arc::clone(&self.artifacts);
        if !joined(self.guests().spawn(async move { artifacts.make(source).await }).await)? {
            return Ok(());
        }
        let service = Arc::clone(self);
        let linked = self.guests().spawn_blocking(move || {
            let build = Build { sha256: &sha256, fuel };
            Program::load(&service.engines, &service.artifacts.artifact(build), fuel).map(|_| ()).map_err(|error| {
                service.artifacts.discard(build);
                Error::InvalidGuest(format!("it cannot be linked: {error:#}"))
            })
        });
        joined(linked.await)
    }

    pub(super) async fn shutdown(&self, deadline: Duration) -> usize {
        self.tracker.close();
        let done = tokio::time::timeout(deadline, self.tracker.wait()).await.is_ok();
        let late = if done { 0 } else { self.tracker.len() };
        self.pool.clear();
        late
    }

    pub(super) fn status(&self) -> Status {
        Status {
            running: u64::from(self.limits.running()),
            idle_environments: self.pool.idle() as u64,
            compiled: self.artifacts.compiled(),
            provisioned: self.pool.provisioned(),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Waiting for threads is not allowed where this may be dropped: in a task.
        if let Some(guests) = self.guests.take() {
            guests.shutdown_background();
        }
    }
}

/// Lets the threads that serve the web and write records go first: what runs here takes long, or is not theirs to wait for.
fn make_way() {
    // Elsewhere it would be the whole program's. Where it cannot be changed, all share the processors evenly.
    if cfg!(target_os = "linux") {
        let _as_it_was = rustix::process::nice(GUEST_NICE);
    }
}

/// Runs a call and waits for its reply.
pub(super) async fn invoke(service: &Arc<Service>, admission: Admission, request: Request) -> Reply {
    let request_size = request.body.len() as u64;
    let (caller, reply) = oneshot::channel();
    let run = attempt::run(Arc::clone(service), admission, request, caller);
    let mut attempt = Attempt::new(service.tracker.track_future(run), service);
    let mut reply = reply;
    let replied = tokio::select! {
        biased;
        () = &mut attempt => reply.await,
        replied = &mut reply => replied,
    };
    replied.unwrap_or_else(|_| Reply::Whole { response: None, execution: lost(GuestKind::WasiHttp, request_size) })
}

/// The result of a task of ours; one that panicked is a fault of ours.
fn joined<T>(result: Result<Result<T, Error>, tokio::task::JoinError>) -> Result<T, Error> {
    result.unwrap_or_else(|error| Err(Error::Platform(format!("a task of the runtime failed: {error}"))))
}

/// Drops expired environments and counts that are over, until the service is gone.
async fn reap(service: Weak<Service>, idle_timeout: Duration) {
    loop {
        tokio::time::sleep(REAP_EVERY.min(idle_timeout / 2).max(Duration::from_millis(1))).await;
        match service.upgrade() {
            Some(service) => {
                service.pool.reap();
                service.limits.sweep();
            }
            None => return,
        }
    }
}

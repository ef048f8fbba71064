//! What handlers share: the parts that do the work, and the web part's own counters and limits.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::billing;
use crate::bus::Bus;
use crate::clock::Clock;
use crate::dashboard::Boards;
use crate::ingest::Receiver;
use crate::ingest::aws_lambda::AwsLambda;
use crate::query::Engine;
use crate::runtime::Runtime;
use crate::store;
use crate::trigger::{Deployer, Dispatcher};

use super::access::Principal;
use super::metrics::Metrics;
use super::pages::Pages;
use super::panel::flight::Flights;
use super::settings::Settings;
use super::{Config, Error};

/// The parts that requests go to.
pub struct Parts {
    /// Deploys, lists and removes functions.
    pub deployer: Deployer,
    /// Takes calls.
    pub dispatcher: Dispatcher,
    /// Takes in what AWS Lambda wrote.
    pub aws_lambda: AwsLambda,
    /// Rates months, and what they would have cost otherwise.
    pub billing: billing::Service,
    /// Answers every question about data.
    pub query: Engine,
    /// Takes telemetry from elsewhere.
    pub receiver: Receiver,
    /// Asked for its status only.
    pub store: store::Handle,
    /// Asked for its status only.
    pub runtime: Runtime,
    /// Heard for the counters of notable events.
    pub bus: Bus,
    /// Whether all is up; shared with whoever brings it up.
    pub readiness: Readiness,
    /// Tells the time.
    pub clock: Clock,
    /// What all is set to, for people to read.
    pub settings: Settings,
}

/// What handlers share.
pub(super) struct AppState {
    pub(super) config: Config,
    pub(super) deployer: Deployer,
    pub(super) dispatcher: Dispatcher,
    pub(super) aws_lambda: AwsLambda,
    pub(super) billing: billing::Service,
    pub(super) query: Engine,
    pub(super) receiver: Receiver,
    pub(super) store: store::Handle,
    pub(super) runtime: Runtime,
    pub(super) readiness: Readiness,
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    pub(super) pages: Pages,
    /// The boards that are shown.
    pub(super) boards: Boards,
    /// The queries that run for panels.
    pub(super) flights: Flights,
    pub(super) settings: Settings,
    /// Who asks where a request does not say: the local operator.
    pub(super) anyone: Principal,
    /// A permit for each request at once.
    pub(super) requests: Arc<Semaphore>,
    /// A permit for each KiB of a body that is held.
    pub(super) body_room: Arc<Semaphore>,
    /// A permit for each client that follows log records.
    pub(super) tails: Arc<Semaphore>,
    /// A permit for each report that is written.
    pub(super) reports: Arc<Semaphore>,
    /// Ends answers that have no end of their own, when the server stops.
    pub(super) stopping: CancellationToken,
    /// What goes on after an answer's head is sent.
    pub(super) background: TaskTracker,
}

impl AppState {
    pub(super) async fn new(config: Config, parts: Parts) -> Result<Self, Error> {
        let Parts {
            deployer,
            dispatcher,
            aws_lambda,
            billing,
            query,
            receiver,
            store,
            runtime,
            bus: _,
            readiness,
            clock,
            settings,
        } = parts;
        let kib = usize::try_from(config.max_held_bytes >> 10).unwrap_or(usize::MAX);
        Ok(Self {
            requests: Arc::new(Semaphore::new(config.max_requests.clamp(1, Semaphore::MAX_PERMITS))),
            body_room: Arc::new(Semaphore::new(kib.clamp(1, Semaphore::MAX_PERMITS))),
            tails: Arc::new(Semaphore::new(config.max_tails.min(Semaphore::MAX_PERMITS))),
            reports: Arc::new(Semaphore::new(config.max_reports.min(Semaphore::MAX_PERMITS))),
            stopping: CancellationToken::new(),
            metrics: Metrics::new(clock.now()),
            pages: Pages::new()?,
            boards: Boards::open(query.clone(), config.dashboards.as_deref()).await?,
            flights: Flights::default(),
            settings,
            anyone: Principal::local_operator(),
            background: TaskTracker::new(),
            config,
            deployer,
            dispatcher,
            aws_lambda,
            billing,
            query,
            receiver,
            store,
            runtime,
            readiness,
            clock,
        })
    }
}

impl AppState {
    /// The server's own metrics, as OpenMetrics text.
    pub(super) fn open_metrics(&self) -> Result<String, std::fmt::Error> {
        self.metrics.open_metrics(&self.store.status(), &self.runtime.status(), &self.receiver.status())
    }
}

/// What still has to happen before the server is ready, by name, each with how far it is. A cheap clone.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<RwLock<BTreeMap<&'static str, String>>>);

impl Readiness {
    /// Says that `step` is not done, and how far it is.
    pub fn wait_for(&self, step: &'static str, progress: impl Into<String>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(step, progress.into());
    }

    /// Says that `step` is done.
    pub fn done(&self, step: &'static str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(step);
    }

    /// The steps that are not done.
    #[must_use]
    pub fn waiting(&self) -> Vec<(&'static str, String)> {
        let waiting = self.0.read().unwrap_or_else(PoisonError::into_inner);
        waiting.iter().map(|(step, progress)| (*step, progress.clone())).collect()
    }
}

//! Counts what `/metrics` shows: HTTP requests, each function's invocations, and what the parts say of themselves.
//! Money is no metric, since samples are floats: exact cost is in the table `invocations`.

mod ingest_figures;
mod labels;
mod provisioned;
mod store_figures;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::bus::Notable;
use crate::model::{Invocation, Outcome, ThrottleReason};
use crate::units::Timestamp;
use crate::{ingest, runtime, store};

use ingest_figures::IngestFigures;
use labels::known_method;
use provisioned::ProvisionedConcurrency;
use store_figures::StoreFigures;

/// Bounds of the histograms of durations, in seconds.
const BOUNDS: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Function {
    function: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FunctionOutcome {
    function: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FunctionThrottle {
    function: String,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Event {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

fn histogram() -> Histogram {
    Histogram::new(BOUNDS)
}

fn histograms<L: Clone + std::hash::Hash + Eq>() -> Histograms<L> {
    Family::new_with_constructor(histogram as fn() -> Histogram)
}

/// Every metric. What the parts count themselves is read when the metrics are shown.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    request_duration: Histograms<Route>,
    requests_in_flight: Gauge,
    connections: Gauge,
    invocations: Family<FunctionOutcome, Counter>,
    throttles: Family<FunctionThrottle, Counter>,
    cold_starts: Family<Function, Counter>,
    duration: Histograms<Function>,
    init: Histograms<Function>,
    billed_ms: Family<Function, Counter>,
    store_refused: Counter,
    events: Family<Event, Counter>,
    events_missed: Counter,
    parts: Parts,
}

/// Figures that the parts keep themselves.
#[derive(Default)]
struct Parts {
    store: StoreFigures,
    ingest: IngestFigures,
    provisioned: ProvisionedConcurrency,
    running: Gauge,
    idle_environments: Gauge,
}

/// Something that goes on until this is dropped.
pub(super) struct GoesOn(Gauge);

impl Drop for GoesOn {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    pub(super) fn new(started: Timestamp) -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            request_duration: histograms(),
            requests_in_flight: Gauge::default(),
            connections: Gauge::default(),
            invocations: Family::default(),
            throttles: Family::default(),
            cold_starts: Family::default(),
            duration: histograms(),
            init: histograms(),
            billed_ms: Family::default(),
            store_refused: Counter::default(),
            events: Family::default(),
            events_missed: Counter::default(),
            parts: Parts::default(),
        };
        metrics.register_own(started);
        metrics.register_functions();
        metrics.register_parts();
        metrics
    }

    fn register_own(&mut self, started: Timestamp) {
        let registry = &mut self.registry;
        registry.register("faremeter_build", "The program", Info::new(Build { version: env!("CARGO_PKG_VERSION") }));
        let start: Gauge = Gauge::default();
        start.set(started.micros() / 1_000_000);
        let help = "When the program began, since the Unix epoch";
        registry.register_with_unit("process_start_time", help, Unit::Seconds, start);
        let http = registry.sub_registry_with_prefix("faremeter_http");
        http.register("requests", "Requests answered, by route, method and status", self.requests.clone());
        let help = "Time to the head of the answer";
        http.register_with_unit("request_duration", help, Unit::Seconds, self.request_duration.clone());
        http.register("requests_in_flight", "Requests that wait for their answer", self.requests_in_flight.clone());
        http.register("connections", "Open connections", self.connections.clone());
        let notable = registry.sub_registry_with_prefix("faremeter_notable");
        notable.register("events", "Notable events, by kind", self.events.clone());
        notable.register("events_missed", "Notable events that were not counted", self.events_missed.clone());
    }

    fn register_functions(&mut self) {
        let functions = self.registry.sub_registry_with_prefix("faremeter_function");
        functions.register("invocations", "Attempts that ran, by outcome", self.invocations.clone());
        functions.register("throttles", "Attempts that a limit turned away, by reason", self.throttles.clone());
        functions.register(
            "cold_starts",
            "Attempts that were the first of their environment",
            self.cold_starts.clone(),
        );
        let help = "Time in the handler";
        functions.register_with_unit("duration", help, Unit::Seconds, self.duration.clone());
        let help = "Time in the guest's own start code, of cold starts";
        functions.register_with_unit("init", help, Unit::Seconds, self.init.clone());
        let unit = Unit::Other("milliseconds".to_owned());
        functions.register_with_unit("billed", "Billed time", unit, self.billed_ms.clone());
    }

    fn register_parts(&mut self) {
        let parts = &self.parts;
        self.registry.register_collector(Box::new(parts.provisioned.clone()));
        let store = self.registry.sub_registry_with_prefix("faremeter_store");
        parts.store.register(store);
        store.register(
            "refused",
            "Calls refused since their record could not have been kept",
            self.store_refused.clone(),
        );
        parts.ingest.register(self.registry.sub_registry_with_prefix("faremeter_ingest"));
        let runtime = self.registry.sub_registry_with_prefix("faremeter_runtime");
        runtime.register("invocations_running", "Invocations that run", parts.running.clone());
        runtime.register(
            "environments_idle",
            "Warm environments that wait for a call",
            parts.idle_environments.clone(),
        );
    }

    /// Counts an attempt that ran.
    pub(super) fn ran(&self, invocation: &Invocation) {
        let function = Function { function: invocation.function.clone() };
        let outcome = invocation.outcome.as_str();
        self.invocations.get_or_create(&FunctionOutcome { function: function.function.clone(), outcome }).inc();
        if invocation.outcome == Outcome::PlatformError {
            return;
        }
        let (phases, billed_ms) = (invocation.phases.or_zero(), invocation.billed_ms.unwrap_or(0));
        self.duration.get_or_create(&function).observe(phases.handler.as_secs_f64());
        self.billed_ms.get_or_create(&function).inc_by(u64::try_from(billed_ms).unwrap_or(0));
        if invocation.cold == Some(true) {
            self.cold_starts.get_or_create(&function).inc();
            self.init.get_or_create(&function).observe(phases.init.as_secs_f64());
        }
    }

    /// Counts an attempt that a limit turned away.
    pub(super) fn throttled(&self, function: &str, reason: ThrottleReason) {
        let labels = FunctionThrottle { function: function.to_owned(), reason: reason.as_str() };
        self.throttles.get_or_create(&labels).inc();
    }

    /// Counts a call that was refused since its record could not have been kept.
    pub(super) fn store_refused(&self) {
        self.store_refused.inc();
    }

    /// Counts a request until the result is dropped.
    pub(super) fn begin_request(&self) -> GoesOn {
        self.requests_in_flight.inc();
        GoesOn(self.requests_in_flight.clone())
    }

    /// Counts a connection until the result is dropped.
    pub(super) fn begin_connection(&self) -> GoesOn {
        self.connections.inc();
        GoesOn(self.connections.clone())
    }

    /// Counts a request that was answered; `route` is its pattern, none where nothing matched.
    pub(super) fn request(&self, route: Option<&str>, method: &Method, status: StatusCode, took: Duration) {
        let route = route.unwrap_or("unmatched").to_owned();
        let method = known_method(method);
        self.request_duration.get_or_create(&Route { route: route.clone(), method }).observe(took.as_secs_f64());
        self.requests.get_or_create(&Request { route, method, status: status.as_u16() }).inc();
    }

    /// Counts notable events until `shutdown`, and forgets the series of functions that are removed.
    pub(super) async fn listen(&self, mut events: broadcast::Receiver<Notable>, shutdown: CancellationToken) {
        loop {
            let event = tokio::select! {
                () = shutdown.cancelled() => return,
                event = events.recv() => event,
            };
            match event {
                Ok(event) => {
                    self.events.get_or_create(&Event { kind: event.kind() }).inc();
                    if let Notable::FunctionRemoved { function } = event {
                        self.forget(function);
                    }
                }
                Err(RecvError::Lagged(missed)) => drop(self.events_missed.inc_by(missed)),
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn forget(&self, function: String) {
        for outcome in Outcome::ALL {
            self.invocations.remove(&FunctionOutcome { function: function.clone(), outcome: outcome.as_str() });
        }
        for reason in ThrottleReason::ALL {
            self.throttles.remove(&FunctionThrottle { function: function.clone(), reason: reason.as_str() });
        }
        let function = Function { function };
        self.cold_starts.remove(&function);
        self.billed_ms.remove(&function);
        self.duration.remove(&function);
        self.init.remove(&function);
    }

    /// All metrics in the text format of OpenMetrics.
    pub(super) fn open_metrics(
        &self,
        store: &store::Status,
        runtime: &runtime::Status,
        ingest: &ingest::Status,
    ) -> Result<String, std::fmt::Error> {
        self.parts.read(store, runtime);
        self.parts.ingest.read(ingest);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Parts {
    fn read(&self, store: &store::Status, runtime: &runtime::Status) {
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.store.read(store);
        self.running.set(gauge(runtime.running));
        self.idle_environments.set(gauge(runtime.idle_environments));
        self.provisioned.read(&runtime.provisioned);
    }
}

/// Listens in a task of its own.
pub(super) async fn listen(
    state: Arc<super::state::AppState>,
    events: broadcast::Receiver<Notable>,
    shutdown: CancellationToken,
) {
    state.metrics.listen(events, shutdown).await;
}

//! Builds every part, joins them, and stops them in order. The only file that sees all parts.

mod bills;
mod elsewhere;
mod files;
mod relations;
mod settings;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::billing::{self, Rater};
use crate::bus::Bus;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::config::Config;
use crate::cost::PriceBooks;
use crate::forward::Forwarder;
use crate::ingest::Receiver;
use crate::ingest::aws_lambda::AwsLambda;
use crate::query::Engine;
use crate::runtime::Runtime;
use crate::trigger::{Deployer, Dispatcher, Parts};
use crate::units::IdSource;
use crate::{store, web};

use elsewhere::{Elsewhere, Kept};

/// The file in the data folder that tells other commands where the server listens, while it runs.
const URL_FILE: &str = "server.url";

/// The whole program, started and listening.
pub struct App {
    address: SocketAddr,
    url_file: PathBuf,
    stop_deadline: Duration,
    deployer: Deployer,
    dispatcher: Dispatcher,
    receiver: Receiver,
    runtime: Runtime,
    catalog: Catalog,
    store: store::Handle,
    /// Stops the store, which is the last part to go.
    stop_store: CancellationToken,
    store_runs: JoinHandle<Result<(), store::Error>>,
    web: web::Service,
    readiness: web::Readiness,
    query: Engine,
    clock: Clock,
    forwarder: Option<Forwarder>,
    billing: billing::Service,
    rater: Rater,
}

impl App {
    /// Opens the store, replays its log, builds the parts and binds the port. Takes calls from `run` on.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        files::make_room(config.web.max_connections);
        let (clock, ids, bus) = (Clock::system(), IdSource::random(), Bus::default());
        let (readiness, settings) = (web::Readiness::default(), settings::of(&config));
        let data = config.data.display().to_string();
        std::fs::create_dir_all(&config.data).with_context(|| format!("the folder '{data}' cannot be made"))?;
        let kept = Kept::of(&config.store);
        let (service, store) = store::Service::open(config.store, clock.clone()).await?;
        let catalog = Catalog::open(config.catalog).await?;
        let books = Arc::new(PriceBooks::embedded()?);
        let relations = relations::all(&catalog, &config.runtime);
        let runtime = Runtime::start(config.runtime, clock.clone(), ids.clone())?;
        let (query, billing) = bills::open(config.billing, config.query, relations, &store, &clock).await?;
        let rater = Rater::new(billing.clone(), kept.days(store::Table::Invocations));
        let deployer = Deployer::new(catalog.clone(), runtime.clone(), Arc::clone(&books), bus.clone(), clock.clone());
        let elsewhere = Elsewhere { store: &store, books: &books, clock: &clock };
        let receiver = Receiver::start(config.ingest, elsewhere.otlp()).await?;
        let aws_lambda = elsewhere.aws_lambda(config.aws_lambda, kept)?;
        let parts = Parts {
            catalog: catalog.clone(),
            runtime: runtime.clone(),
            store: store.clone(),
            books,
            bus: bus.clone(),
            clock: clock.clone(),
            ids,
        };
        let dispatcher = Dispatcher::new(config.trigger, parts);
        let parts = web::Parts {
            deployer: deployer.clone(),
            dispatcher: dispatcher.clone(),
            aws_lambda,
            billing: billing.clone(),
            query: query.clone(),
            receiver: receiver.clone(),
            store: store.clone(),
            runtime: runtime.clone(),
            bus,
            readiness: readiness.clone(),
            clock: clock.clone(),
            settings,
        };
        let web = web::Service::bind(config.web, parts).await?;
        let forwarder = Forwarder::new(config.forward, query.clone(), clock.clone(), web.exposition())?;
        let address = web.local_addr();
        let url_file = say_url(&config.data, address)?;
        let stop_store = CancellationToken::new();
        let store_runs = tokio::spawn(service.run(stop_store.clone()));
        deployer.resume().await?;
        Ok(Self {
            address,
            url_file,
            stop_deadline: config.stop_deadline,
            deployer,
            dispatcher,
            receiver,
            runtime,
            catalog,
            store,
            stop_store,
            store_runs,
            web,
            readiness,
            query,
            clock,
            forwarder,
            billing,
            rater,
        })
    }

    /// Where the page and the API are.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where telemetry can be sent to.
    #[must_use]
    pub fn otlp_addrs(&self) -> web::OtlpAddresses {
        self.web.otlp_addrs()
    }

    /// Deploys functions.
    #[must_use]
    pub fn deployer(&self) -> &Deployer {
        &self.deployer
    }

    /// What still has to happen before `/readyz` says ready.
    #[must_use]
    pub fn readiness(&self) -> &web::Readiness {
        &self.readiness
    }

    /// Keeps records.
    #[must_use]
    pub fn store(&self) -> &store::Handle {
        &self.store
    }

    /// Answers SQL.
    #[must_use]
    pub fn query(&self) -> &Engine {
        &self.query
    }

    /// Rates months.
    #[must_use]
    pub fn billing(&self) -> &billing::Service {
        &self.billing
    }

    /// Where charges can be asked to follow the records at once.
    #[must_use]
    pub fn rating(&self) -> billing::Bell {
        self.rater.bell()
    }

    /// Tells the time.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Takes calls until `stop`; then refuses new work, lets running calls finish and be written, commits, closes.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let stop_web = CancellationToken::new();
        let web_runs = tokio::spawn(self.web.run(stop_web.clone()));
        let stop_forwarder = CancellationToken::new();
        let forwarder = self.forwarder.map(|forwarder| tokio::spawn(forwarder.run(stop_forwarder.clone())));
        let stop_rater = CancellationToken::new();
        let rater = tokio::spawn(self.rater.run(stop_rater.clone()));
        stop.cancelled().await;
        tracing::info!("stopping: new calls are refused, running ones finish");
        stop_web.cancel();
        let deadline = self.stop_deadline;
        late("calls", self.dispatcher.drain(deadline).await);
        late("environments", self.runtime.shutdown(deadline).await);
        if tokio::time::timeout(deadline, self.deployer.drain()).await.is_err() {
            late("compilations", 1);
        }
        if tokio::time::timeout(deadline, web_runs).await.is_err() {
            late("connections", 1);
        }
        late("requests of telemetry", self.receiver.drain(deadline).await);
        stop_forwarder.cancel();
        if let Some(forwarder) = forwarder
            && tokio::time::timeout(deadline, forwarder).await.is_err()
        {
            late("telemetry to be handed on", 1);
        }
        stop_rater.cancel();
        if tokio::time::timeout(deadline, rater).await.is_err() {
            late("ratings of a month", 1);
        }
        self.stop_store.cancel();
        let stored = self.store_runs.await.context("the store's task broke off")?;
        self.catalog.close().await;
        let _nobody_needs_it = std::fs::remove_file(&self.url_file);
        tracing::info!(rows = self.store.status().rows_appended, "stopped");
        stored.context("the last records are in the log but not in the tables; the next start goes on")
    }
}

fn late(what: &str, count: usize) {
    if count > 0 {
        tracing::warn!(count, "{what} were still running at the deadline and were left behind");
    }
}

/// The data folder alone, with no server: what commands work on when nothing serves it.
pub struct Offline {
    /// Answers SQL.
    pub query: Engine,
    /// Takes in what AWS Lambda wrote.
    pub aws_lambda: AwsLambda,
    /// Takes in OTLP.
    pub receiver: Receiver,
    /// Rates months.
    pub billing: billing::Service,
    catalog: Catalog,
    stop_store: CancellationToken,
    store_runs: JoinHandle<Result<(), store::Error>>,
}

impl Offline {
    /// Opens the store, replays its log, and opens the catalog.
    pub async fn open(config: Config) -> anyhow::Result<Self> {
        let kept = Kept::of(&config.store);
        let (service, store) = store::Service::open(config.store, Clock::system()).await?;
        let catalog = Catalog::open(config.catalog).await?;
        let relations = relations::all(&catalog, &config.runtime);
        let clock = Clock::system();
        let (query, billing) = bills::open(config.billing, config.query, relations, &store, &clock).await?;
        let stop_store = CancellationToken::new();
        let store_runs = tokio::spawn(service.run(stop_store.clone()));
        let books = Arc::new(PriceBooks::embedded()?);
        let elsewhere = Elsewhere { store: &store, books: &books, clock: &clock };
        // Nothing is sent here again within minutes, so that nothing need be remembered at each command's start.
        let receiver = Receiver::without_memory(config.ingest, elsewhere.otlp());
        let aws_lambda = elsewhere.aws_lambda(config.aws_lambda, kept)?;
        Ok(Self { query, aws_lambda, receiver, billing, catalog, stop_store, store_runs })
    }

    /// Closes catalog and store.
    pub async fn close(self) -> anyhow::Result<()> {
        self.catalog.close().await;
        self.stop_store.cancel();
        Ok(self.store_runs.await.context("the store's task broke off")??)
    }
}

/// Tells other commands on the folder where the server is; the file that says so.
fn say_url(data: &std::path::Path, address: SocketAddr) -> anyhow::Result<PathBuf> {
    let file = data.join(URL_FILE);
    std::fs::write(&file, format!("http://{address}"))
        .with_context(|| format!("'{}' cannot be written", file.display()))?;
    Ok(file)
}

/// The URL of the server that has this data folder open, as it last said.
#[must_use]
pub fn serving_url(data: &std::path::Path) -> Option<String> {
    std::fs::read_to_string(data.join(URL_FILE)).ok()
}

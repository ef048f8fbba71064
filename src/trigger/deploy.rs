//! Brings a function from an upload to running: check, keep, number, compile, activate. The compiler itself is
//! `crate::runtime`'s.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, info_span};

use crate::bus::{Bus, Notable};
use crate::catalog::{Catalog, Function};
use crate::clock::Clock;
use crate::cost::{ListedRates, PriceBooks, Receipt};
use crate::model::{FunctionSpec, FunctionVersion, Usage, VersionState};
use crate::runtime::{Runtime, Source};

use super::Error;

/// Deploys and removes functions. A cheap clone.
#[derive(Clone)]
pub struct Deployer {
    catalog: Catalog,
    runtime: Runtime,
    books: Arc<PriceBooks>,
    bus: Bus,
    clock: Clock,
    compiling: TaskTracker,
    /// Held while the runtime is told what the catalog says, so that the last to tell it has read the last change.
    following: Arc<Mutex<()>>,
}

impl Deployer {
    /// Joins the parts that a deployment goes through.
    #[must_use]
    pub fn new(catalog: Catalog, runtime: Runtime, books: Arc<PriceBooks>, bus: Bus, clock: Clock) -> Self {
        Self { catalog, runtime, books, bus, clock, compiling: TaskTracker::new(), following: Arc::default() }
    }

    /// Takes an upload: when this returns the version is recorded and its source is on disk; the compiler goes on in
    /// the background and a restart goes on where it stood.
    pub async fn deploy(&self, spec: FunctionSpec, upload: Bytes) -> Result<FunctionVersion, Error> {
        spec.check()?;
        self.runtime.check_limits(&spec)?;
        self.books.get(&spec.price_book)?;
        let runtime = self.runtime.clone();
        let source =
            tokio::task::spawn_blocking(move || runtime.check(&upload)).await.map_err(|_| Error::Stopping)??;
        let sha256 = source.sha256.clone();
        self.runtime.save(source).await?;
        let version = self.catalog.deploy(spec, sha256, self.clock.now()).await?;
        self.compile_in_background(&version);
        Ok(version)
    }

    /// Has the environments started that active functions want ahead of calls, and takes up the versions that a stop left
    /// waiting for the compiler.
    pub async fn resume(&self) -> Result<(), Error> {
        self.catalog.list(None, usize::MAX).iter().for_each(|function| self.follow(&function.latest.spec.name));
        self.catalog.pending().await?.iter().for_each(|version| self.compile_in_background(version));
        Ok(())
    }

    /// Removes a function; calls that run go on to their end.
    pub async fn remove(&self, name: &str) -> Result<(), Error> {
        self.catalog.remove(name, self.clock.now()).await?;
        self.follow(name);
        self.bus.publish(Notable::FunctionRemoved { function: name.to_owned() });
        Ok(())
    }

    /// Functions by name, as the catalog has them.
    #[must_use]
    pub fn list(&self, after: Option<&str>, limit: usize) -> Vec<Function> {
        self.catalog.list(after, limit)
    }

    /// The function with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Function> {
        self.catalog.get(name)
    }

    /// Up to `limit` versions of a function, the newest first, those older than `before`.
    pub async fn versions(
        &self,
        name: &str,
        before: Option<u32>,
        limit: usize,
    ) -> Result<Vec<Arc<FunctionVersion>>, Error> {
        Ok(self.catalog.versions(name, before, limit).await?)
    }

    /// Makes calls run this version from now on, also after a restart; a later deployment moves on to its own.
    pub async fn activate(&self, name: &str, version: u32) -> Result<(), Error> {
        runnable(&*self.catalog.version(name, version).await?)?;
        self.catalog.activate(name, version).await?;
        self.follow(name);
        self.bus.publish(Notable::FunctionActive { function: name.to_owned(), version });
        Ok(())
    }

    /// Works out what `usage` costs by the book and edition that a record names; none where there is no such edition here, or
    /// the amount is outside what a ledger holds.
    #[must_use]
    pub fn receipt(&self, price_book: &str, region: &str, usage: &Usage) -> Option<Receipt> {
        self.books.receipt(price_book, region, usage).ok().flatten()
    }

    /// The rates of the price books, by edition and region.
    pub fn rates(&self) -> Result<Vec<ListedRates>, Error> {
        Ok(self.books.listed()?)
    }

    /// Waits until nothing is being compiled. A deployment that is cut off here is taken up at the next start.
    pub async fn drain(&self) {
        self.compiling.close();
        self.compiling.wait().await;
    }

    fn compile_in_background(&self, version: &FunctionVersion) {
        let (deployer, version) = (self.clone(), version.clone());
        let span = info_span!(
            target: "faremeter::traced", parent: None, "compile", function = version.spec.name, version = version.version
        );
        self.compiling.spawn(async move { deployer.compile(&version).await }.instrument(span));
    }

    /// Tells the runtime which version calls run, if any.
    fn follow(&self, name: &str) {
        let _one_at_a_time = self.following.lock().unwrap_or_else(PoisonError::into_inner);
        match self.catalog.get(name).and_then(|function| function.active) {
            Some(active) => self.runtime.activate(&active),
            None => self.runtime.remove(name),
        }
    }

    async fn compile(&self, version: &FunctionVersion) {
        let (name, number) = (&version.spec.name, version.version);
        let compiled = match self.runtime.saved(&version.sha256).await {
            Ok(source) => self.runtime.compile(Source { fuel: version.spec.fuel, ..source }).await,
            Err(error) => Err(error),
        };
        let (state, notable) = match compiled {
            Ok(()) => (VersionState::Active, Notable::FunctionActive { function: name.clone(), version: number }),
            Err(error) => {
                let reason = error.to_string();
                let failed = VersionState::Failed(reason.clone());
                (failed, Notable::FunctionFailed { function: name.clone(), version: number, reason })
            }
        };
        if let Err(error) = self.catalog.settle(name, number, state).await {
            tracing::error!(function = %name, version = number, %error, "a deployment could not be recorded");
            return;
        }
        self.follow(name);
        self.bus.publish(notable);
    }
}

/// Refuses a version that was asked for and cannot run.
pub(super) fn runnable(version: &FunctionVersion) -> Result<(), Error> {
    let (name, number) = (version.spec.name.clone(), version.version);
    match &version.state {
        VersionState::Active => Ok(()),
        VersionState::Pending => Err(Error::VersionPending { name, version: number }),
        VersionState::Failed(reason) => Err(Error::Failed { name, version: number, reason: reason.clone() }),
    }
}

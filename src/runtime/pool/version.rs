//! Owns what the environments of one function version share: the loaded program, and the count of those that are
//! provisioned. Starting them is `provision`'s.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{Notify, OnceCell};

use crate::model::FunctionVersion;
use crate::runtime::program::Program;
use crate::units::Timestamp;

/// What the environments of one function version share.
pub(in crate::runtime) struct Version {
    pub(super) function: String,
    pub(super) number: u32,
    sha256: String,
    deployed_at: Timestamp,
    retired: AtomicBool,
    /// Made by the first that needs it.
    pub(in crate::runtime) program: OnceCell<Arc<Program>>,
    /// There once the version is active and has provisioned environments.
    places: OnceLock<Arc<Places>>,
}

/// The places of a version's provisioned environments.
pub(in crate::runtime) struct Places {
    /// Environments to have.
    pub(in crate::runtime) wanted: u32,
    /// Environments that there are, those that are being started included.
    held: AtomicU32,
    /// Environments that there are and that are started, busy ones included.
    ready: AtomicU32,
    changed: Notify,
}

/// One provisioned environment's place: while it is held there is one less to start.
pub(in crate::runtime) struct Place {
    places: Arc<Places>,
    started: bool,
}

impl Version {
    pub(super) fn new(function: &FunctionVersion) -> Self {
        Self {
            function: function.spec.name.clone(),
            number: function.version,
            sha256: function.sha256.clone(),
            deployed_at: function.deployed_at,
            retired: AtomicBool::new(false),
            program: OnceCell::new(),
            places: OnceLock::new(),
        }
    }

    /// Whether it stands for this very deployment.
    pub(super) fn is(&self, function: &FunctionVersion) -> bool {
        self.sha256 == function.sha256 && self.deployed_at == function.deployed_at
    }

    /// No environment of it is kept any more.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::SeqCst);
        if let Some(places) = self.places.get() {
            places.changed.notify_one();
        }
    }

    pub(in crate::runtime) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::SeqCst)
    }

    /// Makes `wanted` places; says whether they are new.
    pub(super) fn provision(&self, wanted: u32) -> bool {
        self.places.set(Arc::new(Places::new(wanted))).is_ok()
    }

    /// The places of its provisioned environments, where it has any.
    pub(in crate::runtime) fn places(&self) -> Option<&Arc<Places>> {
        self.places.get()
    }
}

impl Places {
    fn new(wanted: u32) -> Self {
        Self { wanted, held: AtomicU32::new(0), ready: AtomicU32::new(0), changed: Notify::new() }
    }

    /// A place to start an environment in; none: there are as many as are wanted.
    pub(in crate::runtime) fn claim(self: &Arc<Self>) -> Option<Place> {
        let one_more = |held: u32| (held < self.wanted).then_some(held + 1);
        self.held.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more).ok()?;
        Some(Place { places: Arc::clone(self), started: false })
    }

    /// Environments that are started, busy ones included.
    pub(in crate::runtime) fn ready(&self) -> u32 {
        self.ready.load(Ordering::SeqCst)
    }

    /// Waits until a place was given back, or the version was retired: also where that was before.
    pub(in crate::runtime) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Place {
    /// The environment is started.
    pub(in crate::runtime) fn fill(mut self) -> Self {
        self.started = true;
        self.places.ready.fetch_add(1, Ordering::SeqCst);
        self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.started {
            self.places.ready.fetch_sub(1, Ordering::SeqCst);
        }
        self.places.held.fetch_sub(1, Ordering::SeqCst);
        self.places.changed.notify_one();
    }
}

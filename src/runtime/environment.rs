//! Owns the start of a guest: making its store and instance, and telling host's work from the guest's own start code.
//! Calling it is `wasi_http`'s and `preview1`'s.

use std::time::Duration;

use wasmtime::{PoolConcurrencyLimitError, Store, TypedFunc};
use wasmtime_wasi_http::p2::bindings::Proxy;

use super::attempt::Record;
use super::fault::Fault;
use super::pool::Place;
use super::program::{Linked, Program};
use super::service::Service;
use super::state::{self, State};
use crate::model::InitType;
use crate::units::EnvironmentId;

/// What is started cold, reused warm and expires idle.
pub(super) struct Environment {
    pub(super) id: EnvironmentId,
    /// A component's instance, used for one request after another. A preview 1 command gets a fresh one for each call:
    /// there the environment is a slot that only remembers that it was used.
    pub(super) guest: Option<Guest<Proxy>>,
    /// Its place among those started ahead of calls; none: it was started for a call. It is free again when the guest's
    /// memory is.
    pub(super) place: Option<Place>,
}

impl Environment {
    /// One that is started for a call.
    pub(super) fn on_demand(id: EnvironmentId) -> Self {
        Self { id, guest: None, place: None }
    }

    /// Whether it was started ahead of calls.
    pub(super) fn is_provisioned(&self) -> bool {
        self.place.is_some()
    }

    /// How it came to be.
    pub(super) fn init_type(&self) -> InitType {
        if self.is_provisioned() { InitType::Provisioned } else { InitType::OnDemand }
    }
}

/// A store and what is called in it.
pub(super) struct Guest<T> {
    pub(super) store: Store<State>,
    pub(super) entry: T,
    /// Calls so far.
    pub(super) calls: u64,
}

impl<T> Guest<T> {
    /// Begins a handler after `init` has been used up; says what is left of its time.
    pub(super) fn begin(&mut self, init: Duration) -> Duration {
        self.store.set_epoch_deadline(1);
        state::refuel(&mut self.store);
        self.store.data_mut().begin_handler(init)
    }

    /// Writes down what the handler used.
    pub(super) fn end(&mut self, record: &mut Record) {
        record.peak_memory = self.store.data().memory.peak();
        record.fuel = state::fuel_used(&self.store);
        record.egress = self.store.data_mut().end_egress();
    }
}

/// What a guest is entered by.
pub(super) trait Entry: Sized {
    async fn instantiate(linked: &Linked, store: &mut Store<State>) -> wasmtime::Result<Self>;
}

impl Entry for Proxy {
    async fn instantiate(linked: &Linked, store: &mut Store<State>) -> wasmtime::Result<Self> {
        match linked {
            Linked::Component(pre) => pre.instantiate_async(store).await,
            Linked::Module(_) => Err(wasmtime::Error::msg("a module was taken for a component")),
        }
    }
}

impl Entry for TypedFunc<(), ()> {
    async fn instantiate(linked: &Linked, store: &mut Store<State>) -> wasmtime::Result<Self> {
        match linked {
            Linked::Module(pre) => pre.instantiate_async(&mut *store).await?.get_typed_func(store, "_start"),
            Linked::Component(_) => Err(wasmtime::Error::msg("a component was taken for a module")),
        }
    }
}

/// Starts a guest in the pool, or on demand where the pool has no room. `state` may be called twice.
pub(super) async fn start<T: Entry>(
    service: &Service,
    program: &Program,
    state: impl Fn() -> State,
    record: &mut Record,
) -> Result<Guest<T>, Fault> {
    match start_in(service, program.linked(), state(), record).await {
        Err(Failed::PoolFull) => {}
        Err(Failed::For(fault)) => return Err(fault),
        Ok(guest) => return Ok(guest),
    }
    let spare = program.spare(&service.engines).map_err(|error| Fault::platform("Artifact", &error))?;
    match start_in(service, spare, state(), record).await {
        Err(Failed::PoolFull) => Err(Fault::platform("PoolExhausted", &"no room for another instance")),
        Err(Failed::For(fault)) => Err(fault),
        Ok(guest) => Ok(guest),
    }
}

enum Failed {
    PoolFull,
    For(Fault),
}

async fn start_in<T: Entry>(
    service: &Service,
    linked: &Linked,
    state: State,
    record: &mut Record,
) -> Result<Guest<T>, Failed> {
    let timeout = state.watch.timeout();
    let began = service.clock.instant();
    let mut store = state::store(linked.engine(), state);
    // A deadline that has passed: the first wasm function calls the watch, which notes the time.
    store.set_epoch_deadline(0);
    let made = tokio::time::timeout(timeout, T::instantiate(linked, &mut store)).await;
    let ended = service.clock.instant();
    let entered = store.data().watch.entered();
    record.phases.init = entered.map_or(Duration::ZERO, |at| ended.saturating_duration_since(at));
    record.phases.instantiate += ended.saturating_duration_since(began).saturating_sub(record.phases.init);
    record.peak_memory = store.data().memory.peak();
    match made {
        Ok(Ok(entry)) => Ok(Guest { store, entry, calls: 0 }),
        Ok(Err(error)) if error.is::<PoolConcurrencyLimitError>() => Err(Failed::PoolFull),
        Ok(Err(error)) => Err(Failed::For(start_fault(&error, store.data()))),
        Err(_) => Err(Failed::For(Fault::timeout(timeout))),
    }
}

/// Where the guest's code had run, trapped or asked for too much memory, the fault is the guest's; else it is ours.
fn start_fault(error: &wasmtime::Error, state: &State) -> Fault {
    let of_guest = state.watch.entered().is_some() || state.memory.refused() || error.is::<wasmtime::Trap>();
    if of_guest && let Some(fault) = Fault::of_guest(error, state) {
        return fault;
    }
    Fault::platform("Instantiate", &format_args!("{error:#}"))
}

//! Owns what a guest's store holds: its WASI context and its meters. No file and no socket reaches anything: there are no
//! preopened directories, and every address is refused. Requests to other hosts are `egress`'s.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::cli::StdinStream;
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::egress::Egress;
use super::logs::LogSink;
use super::meter::MemoryMeter;
use super::service::Service;
use super::watch::Watch;
use crate::model::FunctionSpec;

/// Host resources (streams, headers, pollables) that one guest may hold.
const MAX_RESOURCES: usize = 4_096;
/// Bytes of one set of headers that a guest makes, as the host holds them.
const MAX_FIELDS_BYTES: usize = 64 << 10;
/// Bytes that one call of the host may copy, and random ones that it may ask for: the copying is not interrupted.
const MAX_COPIED_BYTES: usize = 16 << 20;
const MAX_RANDOM_BYTES: u64 = 1 << 20;
/// Fuel of one handler, where it is counted: more than can be used up in the longest time that a call may take.
const FUEL: u64 = i64::MAX.unsigned_abs();
/// Instructions after which the count is written down, so that a guest that is ended was counted up to about there.
const FUEL_STEP: u64 = 10_000_000;

/// What the host knows of one guest while it is called.
pub(super) struct State {
    pub(super) wasi: WasiP1Ctx,
    http: WasiHttpCtx,
    egress: Egress,
    fuel: bool,
    pub(super) memory: MemoryMeter,
    pub(super) watch: Watch,
    pub(super) logs: Arc<LogSink>,
}

impl State {
    /// For a guest of `spec`, whose input, output and variables `wasi` has.
    pub(super) fn new(mut wasi: WasiCtxBuilder, service: &Service, spec: &FunctionSpec, logs: Arc<LogSink>) -> Self {
        wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false).max_random_size(MAX_RANDOM_BYTES);
        let mut wasi = wasi.build_p1();
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(MAX_FIELDS_BYTES);
        wasi.ctx().table.set_max_capacity(MAX_RESOURCES);
        let memory = MemoryMeter::new(spec.memory.bytes().0);
        let watch = Watch::new(service.clock.clone(), spec.timeout);
        Self { wasi, http, egress: Egress::new(service, spec), fuel: spec.fuel, memory, watch, logs }
    }

    /// Begins a handler after `init` has been used up; says what is left of its time.
    pub(super) fn begin_handler(&mut self, init: Duration) -> Duration {
        let left = self.watch.begin_handler(init);
        self.egress.begin(self.watch.deadline());
        left
    }

    /// Ends the requests that the guest still has on their way; says how many bytes it sent.
    pub(super) fn end_egress(&mut self) -> u64 {
        self.egress.end()
    }

    /// Whether the guest leaves so many host resources behind that it had better not be used much longer.
    pub(super) fn leaks(&mut self) -> bool {
        self.wasi.ctx().table.iter_mut().count() > MAX_RESOURCES / 2
    }
}

/// A store for one guest, metered: its memory is limited, and the watch ends it when its time is up.
pub(super) fn store(engine: &wasmtime::Engine, state: State) -> wasmtime::Store<State> {
    let fuel = state.fuel;
    let mut store = wasmtime::Store::new(engine, state);
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(MAX_COPIED_BYTES);
    store.epoch_deadline_callback(|mut store| store.data_mut().watch.tick());
    if fuel {
        let stepped = store.fuel_async_yield_interval(Some(FUEL_STEP));
        stepped.expect("a function whose fuel is counted is compiled for the engines that count");
        refuel(&mut store);
    }
    store
}

/// Begins the count of a handler's instructions, where they are counted.
pub(super) fn refuel(store: &mut wasmtime::Store<State>) {
    if store.data().fuel {
        store.set_fuel(FUEL).expect("the store's engine counts");
    }
}

/// Instructions since `refuel`, where they are counted.
pub(super) fn fuel_used(store: &wasmtime::Store<State>) -> Option<u64> {
    store.data().fuel.then(|| FUEL - store.get_fuel().expect("the store's engine counts").min(FUEL))
}

/// Standard input that gives `body` and ends.
pub(super) fn stdin(body: Bytes) -> impl StdinStream + 'static {
    wasmtime_wasi::p2::pipe::MemoryInputPipe::new(body)
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.ctx()
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let table: &mut ResourceTable = self.wasi.ctx().table;
        WasiHttpCtxView { hooks: &mut self.egress, table, ctx: &mut self.http }
    }
}

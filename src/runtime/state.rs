//! Owns what a guest's store holds: its WASI context and its meters. No file, no socket and no outgoing request reaches
//! anything: there are no preopened directories, every address is refused, and so is every request.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::cli::StdinStream;
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use super::logs::LogSink;
use super::meter::MemoryMeter;
use super::watch::Watch;

/// Host resources (streams, headers, pollables) that one guest may hold.
const MAX_RESOURCES: usize = 4_096;
/// Bytes of one set of headers that a guest makes, as the host holds them.
const MAX_FIELDS_BYTES: usize = 64 << 10;
/// Bytes that one call of the host may copy, and random ones that it may ask for: the copying is not interrupted.
const MAX_COPIED_BYTES: usize = 16 << 20;
const MAX_RANDOM_BYTES: u64 = 1 << 20;
/// Bytes that a guest gets into the host by one write to its response body.
const BODY_CHUNK_BYTES: usize = 64 << 10;

/// What the host knows of one guest while it is called.
pub(super) struct State {
    pub(super) wasi: WasiP1Ctx,
    http: WasiHttpCtx,
    hooks: Hooks,
    pub(super) memory: MemoryMeter,
    pub(super) watch: Watch,
    pub(super) logs: Arc<LogSink>,
}

impl State {
    pub(super) fn new(mut wasi: WasiCtxBuilder, memory: MemoryMeter, watch: Watch, logs: Arc<LogSink>) -> Self {
        wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false).max_random_size(MAX_RANDOM_BYTES);
        let mut wasi = wasi.build_p1();
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(MAX_FIELDS_BYTES);
        wasi.ctx().table.set_max_capacity(MAX_RESOURCES);
        Self { wasi, http, hooks: Hooks, memory, watch, logs }
    }

    /// Whether the guest leaves so many host resources behind that it had better not be used much longer.
    pub(super) fn leaks(&mut self) -> bool {
        self.wasi.ctx().table.iter_mut().count() > MAX_RESOURCES / 2
    }
}

/// A store for one guest, metered: its memory is limited, and the watch ends it when its time is up.
pub(super) fn store(engine: &wasmtime::Engine, state: State) -> wasmtime::Store<State> {
    let mut store = wasmtime::Store::new(engine, state);
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(MAX_COPIED_BYTES);
    store.epoch_deadline_callback(|mut store| store.data_mut().watch.tick());
    store
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
        WasiHttpCtxView { hooks: &mut self.hooks, table, ctx: &mut self.http }
    }
}

struct Hooks;

type Answer = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), wasmtime_wasi_http::Error>> + Send>);

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _sent: Box<dyn Future<Output = Result<(), wasmtime_wasi_http::Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Answer, wasmtime_wasi_http::Error>> + Send> {
        Box::new(std::future::ready(Err(wasmtime_wasi_http::Error::HttpRequestDenied)))
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK_BYTES
    }
}

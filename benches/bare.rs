//! The hosts that the executor is compared with: wasmtime's wasi:http host as its documentation has it, without limits,
//! metering, logs or records. One makes an instance for each request; the other uses an instance again and again.

use bytes::Bytes;
use faremeter::runtime::Config;
use http_body_util::{BodyExt, Full};
use tokio::sync::oneshot;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store, WasmBacktraceDetails};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::p2::bindings::{Proxy, ProxyPre};
use wasmtime_wasi_http::{RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

/// Never reached: nothing moves the epoch.
const FAR_AWAY: u64 = u64::MAX / 2;

/// What a store holds, and no more than it must.
pub(crate) struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
}

struct Hooks;

type Sent = Box<dyn Future<Output = Result<(), wasmtime_wasi_http::Error>> + Send>;
type Answer = (http::Response<WasiBody>, Sent);

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _sent: Sent,
    ) -> Box<dyn Future<Output = Result<Answer, wasmtime_wasi_http::Error>> + Send> {
        Box::new(std::future::ready(Err(wasmtime_wasi_http::Error::HttpRequestDenied)))
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

/// Host A: the pool and the engine as they are by default.
pub(crate) fn documented(wasm: &[u8]) -> ProxyPre<State> {
    let mut config = wasmtime::Config::new();
    config.allocation_strategy(InstanceAllocationStrategy::pooling());
    prepare(&config, wasm)
}

/// The same host on the engine settings of `src/runtime/engine.rs`, with room for as many guests.
pub(crate) fn same_settings(wasm: &[u8], limits: &Config) -> ProxyPre<State> {
    let mut config = wasmtime::Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)))
        .epoch_interruption(true)
        .concurrency_support(false)
        .memory_init_cow(true)
        .wasm_memory64(false)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable);
    prepare(&config, wasm)
}

fn pool(limits: &Config) -> PoolingAllocationConfig {
    let slots = limits.account_concurrency + limits.idle_environments + 16;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_core_instances(slots * 16)
        .total_memories(slots)
        .total_tables(slots * 3)
        .total_stacks(slots)
        .max_memory_size(4 << 30)
        .max_component_instance_size(8 << 20)
        .max_core_instance_size(8 << 20)
        .table_elements(100_000)
        .max_tables_per_module(4)
        .max_memories_per_module(4)
        .max_unused_warm_slots(slots.min(256));
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(2 << 20).table_keep_resident(100_000 * 8);
    }
    pool
}

fn prepare(config: &wasmtime::Config, wasm: &[u8]) -> ProxyPre<State> {
    let engine = Engine::new(config).expect("the settings suit this machine");
    let component = Component::new(&engine, wasm).expect("the guest is a component");
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("the linker is empty");
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).expect("the linker has no wasi:http yet");
    let linked = linker.instantiate_pre(&component).expect("the guest imports WASI alone");
    ProxyPre::new(linked).expect("the guest exports the handler")
}

fn store(pre: &ProxyPre<State>) -> Store<State> {
    let (table, wasi) = (ResourceTable::new(), WasiCtx::builder().build());
    let mut store = Store::new(pre.engine(), State { table, wasi, http: WasiHttpCtx::new(), hooks: Hooks });
    store.set_epoch_deadline(FAR_AWAY);
    store
}

fn request(path: &str) -> http::Request<Full<Bytes>> {
    let request = http::Request::builder().method("POST").uri(path).header("host", "localhost");
    request.body(Full::new(Bytes::new())).expect("the request is well formed")
}

/// Answers one request with an instance of its own, in a task of its own; false where the pool has no room for one.
pub(crate) async fn answer_fresh(pre: &ProxyPre<State>, path: &str) -> bool {
    let mut store = store(pre);
    let (sender, answer) = oneshot::channel();
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(Scheme::Http, request(path)).expect("there is room for a request");
    let response = http.new_response_outparam(sender).expect("there is room for a response");
    let pre = pre.clone();
    let guest = tokio::spawn(async move {
        let Ok(proxy) = pre.instantiate_async(&mut store).await else { return };
        proxy.wasi_http_incoming_handler().call_handle(store, request, response).await.expect("the guest returns");
    });
    let Ok(answer) = answer.await else { return false };
    let answer = answer.expect("the guest answers with a response");
    answer.into_body().collect().await.expect("the body ends");
    guest.await.expect("the guest's task ends well");
    true
}

/// An instance that answers one request after another.
pub(crate) struct Warm {
    store: Store<State>,
    proxy: Proxy,
}

impl Warm {
    pub(crate) async fn start(pre: &ProxyPre<State>) -> Self {
        let mut store = store(pre);
        let proxy = pre.instantiate_async(&mut store).await.expect("the pool has room");
        Self { store, proxy }
    }

    pub(crate) async fn answer(&mut self, path: &str) {
        let (sender, answer) = oneshot::channel();
        let mut http = self.store.data_mut().http();
        let request = http.new_incoming_request(Scheme::Http, request(path)).expect("there is room for a request");
        let response = http.new_response_outparam(sender).expect("there is room for a response");
        let guest = self.proxy.wasi_http_incoming_handler().call_handle(&mut self.store, request, response);
        let body = async {
            let answer = answer.await.expect("the guest answers").expect("the guest answers with a response");
            answer.into_body().collect().await.expect("the body ends");
        };
        let (returned, ()) = tokio::join!(async { guest.await.expect("the guest returns") }, body);
        returned
    }
}

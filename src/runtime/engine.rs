//! Owns the wasmtime engines, their linkers, and the thread that ticks their epochs. It knows no functions.
//!
//! The two engines of a pair compile alike, so one artifact serves both. The first allocates from a pool, which makes an
//! instance in microseconds; the second allocates on demand, and takes what the pool has no room for (a very large table,
//! more instances at once than slots). A second pair counts instructions as fuel, which makes code slower: it is there
//! once a function asks for it, and the others run none of its code. An epoch tick is 1 ms: guests look at the time and let others run that often.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::Duration;

use wasmtime::{Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails};

use super::state::State;
use super::{Config, Error};

/// How often a running guest is interrupted to look at the time.
pub(super) const TICK: Duration = Duration::from_millis(1);

/// Slots of the pool at most, as each reserves 4 GiB of address space (of 128 TiB).
const MAX_SLOTS: u32 = 4_096;
/// Bytes of a freed memory that stay resident in its slot, to be cleared rather than given back.
const KEEP_RESIDENT_BYTES: usize = 2 << 20;
/// Bytes of wasmtime's own bookkeeping for one guest: its functions and globals, not its memory. Made as it is needed.
const MAX_INSTANCE_BYTES: usize = 8 << 20;
/// Elements that a table in the pool may have: eight bytes of address space each.
const POOLED_TABLE_ELEMENTS: usize = 100_000;

/// An engine and what its guests are linked to.
pub(super) struct Host {
    pub(super) engine: wasmtime::Engine,
    pub(super) components: wasmtime::component::Linker<State>,
    pub(super) modules: wasmtime::Linker<State>,
}

/// Two engines that compile alike.
pub(super) struct Pair {
    pub(super) pooled: Host,
    pub(super) on_demand: Host,
}

/// The engines, ticking while a guest runs.
pub(super) struct Engines {
    pub(super) plain: Pair,
    fueled: Arc<OnceLock<Pair>>,
    slots: u32,
    ticker: Ticker,
}

impl Engines {
    pub(super) fn start(config: &Config) -> Result<Self, Error> {
        let slots = config.account_concurrency.saturating_add(config.idle_environments).saturating_add(16);
        let slots = slots.min(MAX_SLOTS);
        let plain = Pair::new(slots, false)
            .map_err(|error| Error::Platform(format!("the WebAssembly engine does not start: {error:#}")))?;
        let fueled = Arc::new(OnceLock::new());
        let ticker = Ticker::start(plain.engines(), Arc::clone(&fueled))
            .map_err(|error| Error::Platform(format!("the epoch thread does not start: {error}")))?;
        Ok(Self { plain, fueled, slots, ticker })
    }

    /// The plain engines, or those that count instructions, which are made when they are first asked for.
    pub(super) fn pair(&self, fuel: bool) -> wasmtime::Result<&Pair> {
        if !fuel {
            return Ok(&self.plain);
        }
        if let Some(pair) = self.fueled.get() {
            return Ok(pair);
        }
        let pair = Pair::new(self.slots, true)?;
        Ok(self.fueled.get_or_init(|| pair))
    }

    /// Epochs tick as long as one of these is held.
    pub(super) fn ticking(&self) -> Ticking {
        self.ticker.hold()
    }
}

impl Pair {
    fn new(slots: u32, fuel: bool) -> wasmtime::Result<Self> {
        let pooled = Host::new(InstanceAllocationStrategy::Pooling(pool(slots)), fuel)?;
        let on_demand = Host::new(InstanceAllocationStrategy::OnDemand, fuel)?;
        Ok(Self { pooled, on_demand })
    }

    fn engines(&self) -> [wasmtime::Engine; 2] {
        [self.pooled.engine.clone(), self.on_demand.engine.clone()]
    }
}

impl Host {
    fn new(allocation: InstanceAllocationStrategy, fuel: bool) -> wasmtime::Result<Self> {
        let mut config = wasmtime::Config::new();
        config
            .allocation_strategy(allocation)
            .epoch_interruption(true)
            .consume_fuel(fuel)
            .concurrency_support(false)
            .memory_init_cow(true)
            .wasm_memory64(false)
            .wasm_backtrace_details(WasmBacktraceDetails::Disable);
        let engine = wasmtime::Engine::new(&config)?;
        let mut components = wasmtime::component::Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut components)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut components)?;
        let mut modules = wasmtime::Linker::new(&engine);
        wasmtime_wasi::p1::add_to_linker_async(&mut modules, |state: &mut State| &mut state.wasi)?;
        Ok(Self { engine, components, modules })
    }
}

/// Room for every call and every idle environment (provisioned ones take their place among the calls, as so many are set
/// aside for theirs); a component may have several instances and tables.
fn pool(slots: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_core_instances(slots * 16)
        .total_memories(slots)
        .total_tables(slots * 3)
        .total_stacks(slots)
        .max_memory_size(4 << 30)
        .max_component_instance_size(MAX_INSTANCE_BYTES)
        .max_core_instance_size(MAX_INSTANCE_BYTES)
        .table_elements(POOLED_TABLE_ELEMENTS)
        .max_tables_per_module(4)
        .max_memories_per_module(4)
        .max_unused_warm_slots(slots.min(256));
    // Without the scan, keeping pages resident means clearing all of them: slower than giving them back.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes)
            .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
            .table_keep_resident(POOLED_TABLE_ELEMENTS * size_of::<usize>());
    }
    pool
}

/// Ticks without a guest after which the thread sleeps: waking it costs more than a short call, and calls come in rows.
const IDLE_TICKS: u32 = 100;

/// The thread that ticks; it sleeps when no guest has run for a while.
struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Default)]
struct Shared {
    running: AtomicU64,
    /// Whether the thread sleeps, or is about to and will look at `running` once more before it does.
    asleep: AtomicBool,
    stopped: AtomicBool,
}

/// Keeps the epochs ticking; dropping it stops that.
pub(super) struct Ticking(Arc<Shared>);

impl Ticker {
    fn start(plain: [wasmtime::Engine; 2], fueled: Arc<OnceLock<Pair>>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = std::thread::Builder::new().name("epoch-ticker".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.tick(&plain, &fueled)
        })?;
        Ok(Self { shared, thread: thread.thread().clone() })
    }

    fn hold(&self) -> Ticking {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Ticking(Arc::clone(&self.shared))
    }
}

impl Shared {
    fn tick(&self, plain: &[wasmtime::Engine; 2], fueled: &OnceLock<Pair>) {
        let mut idle_ticks = 0;
        while !self.stopped.load(Ordering::SeqCst) {
            idle_ticks = if self.running.load(Ordering::SeqCst) == 0 { idle_ticks + 1 } else { 0 };
            if idle_ticks > IDLE_TICKS {
                self.sleep();
                idle_ticks = 0;
            }
            std::thread::sleep(TICK);
            plain.iter().for_each(wasmtime::Engine::increment_epoch);
            if let Some(Pair { pooled, on_demand }) = fueled.get() {
                pooled.engine.increment_epoch();
                on_demand.engine.increment_epoch();
            }
        }
    }

    /// Sleeps until a guest runs. One that begins meanwhile either is seen here, or sees that it has to wake this thread.
    fn sleep(&self) {
        self.asleep.store(true, Ordering::SeqCst);
        while self.running.load(Ordering::SeqCst) == 0 && !self.stopped.load(Ordering::SeqCst) {
            std::thread::park();
        }
        self.asleep.store(false, Ordering::SeqCst);
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

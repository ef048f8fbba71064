//! Measures the executor: starts by phase, throughput against wasmtime's bare host, a thousand instances at once, and how
//! late a time-out is. Each comparison is made in one run, its sides in turn. docs/benchmarks.md says what came out.

mod bare;
mod host;
mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use faremeter::model::{FunctionSpec, FunctionVersion, Outcome, Phases};
use faremeter::runtime::{Config, Execution};
use futures::future::join_all;
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use host::{Host, guest};
use support::{ROUNDS, cpu, figures, heading, lengths, micros, now, ratio};

const CLIENTS: usize = 32;
const ROUND: Duration = Duration::from_millis(800);
const COLD_CALLS: usize = 500;
const STEADY_CALLS: usize = 3_000;
const AT_ONCE: usize = 1_000;
const TIMEOUT: Duration = Duration::from_millis(300);
/// What the guest is asked: it answers "ok" and does nothing else.
const PATH: &str = "/noread";

#[tokio::main]
async fn main() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let wasm = guest("probe/probe.wasm");
    let warm = Arc::new(Host::start(dir.path(), |_| {}));
    let fresh = Arc::new(Host::start(dir.path(), |config| config.idle_environments = 0));
    let probe = warm.deploy(limited("probe", Duration::from_secs(20)), &wasm).await;

    cold(&warm, &probe).await;
    steady("fresh instance for each call", &fresh, &probe).await;
    steady("warm instance", &warm, &probe).await;
    throughput(&wasm, [&fresh, &warm], &probe).await;
    at_once(&fresh, &probe).await;
    overshoot(&warm).await;
}

/// Every call starts from the artifact on disk: the version and its environments are forgotten before it.
async fn cold(host: &Host, function: &Arc<FunctionVersion>) {
    let mut starts = Vec::new();
    for _ in 0..COLD_CALLS {
        host.runtime.remove(&function.spec.name);
        let execution = host.call(function, PATH, "").await;
        assert!(execution.cold, "a call after `remove` starts cold");
        starts.push(execution.phases);
    }
    heading("cold start, one client, by phase");
    phases(&starts);
}

/// One client, one call after another.
async fn steady(what: &str, host: &Host, function: &Arc<FunctionVersion>) {
    let mut calls = Vec::new();
    for _ in 0..STEADY_CALLS {
        calls.push(host.call(function, PATH, "").await.phases);
    }
    heading(&format!("{what}, one client, by phase"));
    phases(&calls[STEADY_CALLS / 10..]);
}

fn phases(calls: &[Phases]) {
    let show = |name, length: fn(&Phases) -> Duration| lengths(name, calls.iter().map(length).collect());
    show("queue", |call| call.queue);
    show("load", |call| call.load);
    show("instantiate", |call| call.instantiate);
    show("init", |call| call.init);
    show("handler", |call| call.handler);
    show("instantiate + init + handler", |call| call.instantiate + call.init + call.handler);
    show("felt, all phases", Phases::felt);
}

/// What one side of the comparison did in each round.
#[derive(Default)]
struct Side {
    calls_per_s: Vec<f64>,
    calls_per_cpu_s: Vec<f64>,
}

impl Side {
    /// One round: each of the clients calls until the time is up and says how often.
    async fn round<F: Future<Output = u64> + Send + 'static>(&mut self, client: impl Fn(Instant) -> F) {
        let (began, cpu_began) = (now(), cpu());
        let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(client(began + ROUND))).collect();
        let calls: u64 = join_all(clients).await.into_iter().map(|calls| calls.expect("a client ends well")).sum();
        self.calls_per_s.push(calls as f64 / began.elapsed().as_secs_f64());
        self.calls_per_cpu_s.push(calls as f64 / (cpu() - cpu_began).as_secs_f64());
    }

    fn print(&self, name: &str) {
        figures(name, "calls/s", &self.calls_per_s);
        let micros: Vec<f64> = self.calls_per_cpu_s.iter().map(|rate| 1e6 / rate).collect();
        figures("", "µs of CPU a call", &micros);
    }

    fn compare(&self, name: &str, base: &Self) {
        ratio(name, &self.calls_per_s, &base.calls_per_s);
        ratio("  by CPU time", &self.calls_per_cpu_s, &base.calls_per_cpu_s);
    }
}

async fn throughput(wasm: &[u8], [fresh, warm]: [&Arc<Host>; 2], function: &Arc<FunctionVersion>) {
    let documented = Arc::new(bare::documented(wasm));
    let bare = Arc::new(bare::same_settings(wasm, &Config::new(Path::new(""))));
    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(Config::new(Path::new("")).threads)
        .enable_all()
        .build()
        .expect("threads can be made");
    let [mut a, mut bare_fresh, mut apart, mut bare_warm, mut our_fresh, mut our_warm] =
        std::array::from_fn(|_| Side::default());
    for _ in 0..ROUNDS {
        a.round(|until| bare_client(Arc::clone(&documented), until)).await;
        bare_fresh.round(|until| bare_client(Arc::clone(&bare), until)).await;
        apart.round(|until| bare_apart_client(threads.handle().clone(), Arc::clone(&bare), until)).await;
        our_fresh.round(|until| our_client(Arc::clone(fresh), Arc::clone(function), until)).await;
        bare_warm.round(|until| bare_warm_client(Arc::clone(&bare), until)).await;
        our_warm.round(|until| our_client(Arc::clone(warm), Arc::clone(function), until)).await;
    }
    threads.shutdown_background();
    heading(&format!("throughput, {CLIENTS} clients, {ROUNDS} rounds in turn"));
    a.print("A: documented host, fresh");
    bare_fresh.print("bare host, our settings, fresh");
    apart.print("the same on threads of its own");
    our_fresh.print("executor, fresh");
    bare_warm.print("bare host, our settings, warm");
    our_warm.print("executor, warm");
    our_fresh.compare("executor fresh / A", &a);
    our_fresh.compare("executor fresh / bare fresh", &bare_fresh);
    our_fresh.compare("executor fresh / bare, own threads", &apart);
    our_warm.compare("executor warm / A", &a);
    our_warm.compare("executor warm / bare warm", &bare_warm);
    our_warm.compare("executor warm / bare fresh", &bare_fresh);
}

async fn bare_client(pre: Arc<ProxyPre<bare::State>>, until: Instant) -> u64 {
    let mut calls = 0;
    while now() < until {
        assert!(bare::answer_fresh(&pre, PATH).await, "the pool has room");
        calls += 1;
    }
    calls
}

/// The executor keeps guests on threads apart from the callers'; here the bare host does too.
async fn bare_apart_client(threads: tokio::runtime::Handle, pre: Arc<ProxyPre<bare::State>>, until: Instant) -> u64 {
    let mut calls = 0;
    while now() < until {
        let pre = Arc::clone(&pre);
        let answered = threads.spawn(async move { bare::answer_fresh(&pre, PATH).await }).await;
        assert!(answered.expect("the call ends well"), "the pool has room");
        calls += 1;
    }
    calls
}

async fn bare_warm_client(pre: Arc<ProxyPre<bare::State>>, until: Instant) -> u64 {
    let mut instance = bare::Warm::start(&pre).await;
    let mut calls = 0;
    while now() < until {
        instance.answer(PATH).await;
        calls += 1;
        // Nothing in a call waits, and the other clients are to have their turn.
        tokio::task::yield_now().await;
    }
    calls
}

async fn our_client(host: Arc<Host>, function: Arc<FunctionVersion>, until: Instant) -> u64 {
    let mut calls = 0;
    while now() < until {
        host.call(&function, PATH, "").await;
        calls += 1;
    }
    calls
}

/// The time until the last of so many guests, all alive at once, has entered its handler.
async fn at_once(host: &Host, function: &Arc<FunctionVersion>) {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let began = now();
        let one = async |_| {
            let before = began.elapsed();
            let execution = host.call(function, "/sleep?ms=1000", "").await;
            assert_eq!(execution.outcome, Outcome::Ok, "{:?}", execution.error_message);
            before + execution.phases.felt() - execution.phases.handler
        };
        let last = join_all((0..AT_ONCE).map(one)).await.into_iter().max().expect("there is at least one");
        assert!(last < Duration::from_secs(1), "the first guest had ended before the last began");
        rounds.push(micros(last) / 1e3);
    }
    heading(&format!("{AT_ONCE} instances at once, {ROUNDS} rounds"));
    figures("until the last handler begins", "ms", &rounds);
}

/// Twice as many guests as threads spin, and as many wait: how long after its limit each has ended.
async fn overshoot(host: &Host) {
    let spin = host.deploy(limited("spin", TIMEOUT), &guest("spin.wat")).await;
    let wait = host.deploy(limited("wait", TIMEOUT), &guest("sleep.wat")).await;
    let guests = 2 * Config::new(Path::new("")).threads;
    let late = async |function, payload| {
        let execution: Execution = host.call(function, "/", payload).await;
        assert_eq!(execution.outcome, Outcome::Timeout, "{:?}", execution.error_message);
        (execution.phases.init + execution.phases.handler).saturating_sub(TIMEOUT)
    };
    let (mut spinning, mut waiting) = (Vec::new(), Vec::new());
    for _ in 0..2 * ROUNDS {
        let spins = join_all((0..guests).map(|_| late(&spin, "")));
        let waits = join_all((0..guests).map(|_| late(&wait, "9000")));
        let (spins, waits) = tokio::join!(spins, waits);
        spinning.extend(spins);
        waiting.extend(waits);
    }
    heading(&format!("time-out overshoot, {guests} guests that spin and {guests} that wait at once"));
    lengths("spinning", spinning);
    lengths("waiting", waiting);
}

fn limited(name: &str, timeout: Duration) -> FunctionSpec {
    FunctionSpec { timeout, ..FunctionSpec::new(name) }
}

//! Measures bursts: from nothing to a thousand guests at once, and a Black Friday, where calls come whether or not those
//! before them have ended. Beside each stands wasmtime's documented host, an instance for each request, in the same run and
//! at the same arrivals. docs/benchmarks.md says what came out.

#[expect(dead_code, reason = "the bench of the executor uses the rest")]
mod bare;
mod host;
mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use faremeter::model::{FunctionSpec, FunctionVersion, InitType, Outcome};
use faremeter::runtime::{Config, Execution};
use futures::future::join_all;
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use host::{Host, guest};
use support::{ROUNDS, cpu, figures, heading, micros, now};

const AT_ONCE: usize = 1_000;
const SLEEP: Duration = Duration::from_secs(1);
const SLEEP_PATH: &str = "/sleep?ms=1000";
/// What the guest is asked on Black Friday.
const PATH: &str = "/echo";
/// Calls a second: so many for `CALM`, then evenly more until `RISE` is over, then so many for `RUSH`.
const RATES: (f64, f64) = (100.0, 5_000.0);
const CALM: Duration = Duration::from_millis(500);
const RISE: Duration = Duration::from_millis(2_500);
const RUSH: Duration = Duration::from_secs(2);
const PROVISIONED: u32 = 100;

#[tokio::main]
async fn main() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let wasm = guest("probe/probe.wasm");
    let host = Arc::new(Host::start(dir.path(), |_| {}));
    let documented = Arc::new(bare::documented(&wasm));
    let spec = FunctionSpec { timeout: Duration::from_secs(20), ..FunctionSpec::new("probe") };
    let function = host.deploy(spec.clone(), &wasm).await;
    let spec = FunctionSpec { provisioned_concurrency: PROVISIONED, name: "ahead".to_owned(), ..spec };
    let ahead = host.deploy(spec, &wasm).await;

    let same_settings = Arc::new(bare::same_settings(&wasm, &Config::new(Path::new(""))));
    at_once(&host, &function, [&same_settings, &documented]).await;
    black_friday(&host, [&function, &ahead], &documented).await;
}

/// From nothing to a thousand guests that sleep. The documented host's pool is too small for that, so the host that is
/// compared has ours.
async fn at_once(
    host: &Arc<Host>,
    function: &Arc<FunctionVersion>,
    [same_settings, documented]: [&Arc<ProxyPre<bare::State>>; 2],
) {
    let [mut ours, mut bare, mut default] = std::array::from_fn(|_| Burst::default());
    let mut cold = 0;
    let bare_call = |pre: &Arc<ProxyPre<bare::State>>| {
        let pre = Arc::clone(pre);
        async move { bare::answer_fresh(&pre, SLEEP_PATH).await }
    };
    let answered = default.round(|| bare_call(documented)).await.into_iter().filter(|answered| *answered).count();
    for _ in 0..ROUNDS {
        let answered = bare.round(|| bare_call(same_settings)).await;
        assert!(answered.into_iter().all(|answered| answered), "the pool has room");
        host.runtime.remove(&function.spec.name);
        let executions = ours
            .round(|| {
                let (host, function) = (Arc::clone(host), Arc::clone(function));
                async move { host.call(&function, SLEEP_PATH, "").await }
            })
            .await;
        cold += executions.iter().filter(|execution| execution.cold).count();
        let failed = executions.iter().find(|execution| execution.outcome != Outcome::Ok);
        assert!(failed.is_none(), "{failed:?}");
    }
    heading(&format!("0 to {AT_ONCE} guests that sleep {SLEEP:?}, {ROUNDS} rounds in turn"));
    ours.print("executor");
    println!("  {:<34} {cold:>10} of {}", "  cold starts", AT_ONCE * ROUNDS);
    bare.print("bare host, our settings");
    println!("  {:<34} {answered:>10} of {AT_ONCE} answered", "A: documented host, its own pool");
    support::ratio("executor / bare: past the sleep", &ours.past_sleep_ms, &bare.past_sleep_ms);
    println!("  {:<34} {:>10.2} x", "executor / bare: memory", ours.memory_mib() / bare.memory_mib());
}

#[derive(Default)]
struct Burst {
    past_sleep_ms: Vec<f64>,
    memory_mib: Vec<f64>,
}

impl Burst {
    async fn round<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &mut self,
        call: impl Fn() -> F,
    ) -> Vec<T> {
        let before = reset_peak_memory();
        let began = now();
        let calls: Vec<_> = (0..AT_ONCE).map(|_| tokio::spawn(call())).collect();
        let ended = join_all(calls).await.into_iter().map(|call| call.expect("a call ends well")).collect();
        self.past_sleep_ms.push(micros(began.elapsed().saturating_sub(SLEEP)) / 1e3);
        self.memory_mib.push((peak_memory_kib() - before) / 1024.0);
        ended
    }

    fn print(&self, name: &str) {
        figures(name, "ms until all have ended, past the sleep", &self.past_sleep_ms);
        println!("  {:<34} {:>10.1} MiB more resident at the peak", "", self.memory_mib());
    }

    /// Of the first round: what a pool has used it keeps, so that later ones take nearly nothing more.
    fn memory_mib(&self) -> f64 {
        self.memory_mib.first().copied().unwrap_or(f64::NAN)
    }
}

/// What one side did on Black Friday.
#[derive(Default)]
struct Rush {
    served: usize,
    turned_away: usize,
    failed: usize,
    cold: usize,
    provisioned: usize,
    felt: Vec<Duration>,
    cpu: Duration,
}

/// How one call ended, and how long after it was due.
struct Ended {
    execution: Option<Execution>,
    turned_away: bool,
    felt: Duration,
}

async fn black_friday(
    host: &Arc<Host>,
    [function, ahead]: [&Arc<FunctionVersion>; 2],
    documented: &Arc<ProxyPre<bare::State>>,
) {
    let ours = async |function: &Arc<FunctionVersion>| {
        let (host, function) = (Arc::clone(host), Arc::clone(function));
        rush(move |due| {
            let (host, function) = (Arc::clone(&host), Arc::clone(&function));
            async move {
                let execution = host.try_call(&function, PATH, "").await;
                Ended { turned_away: execution.is_none(), execution, felt: due.elapsed() }
            }
        })
        .await
    };
    let documented = Arc::clone(documented);
    let bare = rush(move |due| {
        let documented = Arc::clone(&documented);
        async move {
            let turned_away = !bare::answer_fresh(&documented, PATH).await;
            Ended { execution: None, turned_away, felt: due.elapsed() }
        }
    })
    .await;
    host.runtime.remove(&function.spec.name);
    let on_demand = ours(function).await;
    host.runtime.activate(ahead);
    while host.runtime.provisioned(&ahead.spec.name).is_none_or(|found| found.ready < PROVISIONED) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let provisioned = ours(ahead).await;
    let total = (CALM + RISE + RUSH).as_secs_f64();
    heading(&format!("Black Friday: from {} to {} calls a second within {RISE:?}, {total} s in all", RATES.0, RATES.1));
    bare.print("A: documented host");
    on_demand.print("executor, on demand");
    on_demand.compare("executor / A", &bare);
    provisioned.print(&format!("executor, {PROVISIONED} provisioned"));
    provisioned.compare("provisioned / A", &bare);
}

/// Calls at their times, whether or not those before have ended; a call that is sent late is felt as late.
async fn rush<F: Future<Output = Ended> + Send + 'static>(call: impl Fn(Instant) -> F + Send + 'static) -> Rush {
    let (runtime, cpu_began) = (tokio::runtime::Handle::current(), cpu());
    let sender = std::thread::spawn(move || {
        let began = now();
        let mut calls = Vec::new();
        for at in arrivals() {
            let due = began + at;
            std::thread::sleep(due.saturating_duration_since(now()));
            calls.push(runtime.spawn(call(due)));
        }
        calls
    });
    let calls = tokio::task::spawn_blocking(move || sender.join()).await.expect("it is waited for");
    let mut rush = Rush::default();
    for ended in join_all(calls.expect("all calls are sent")).await {
        rush.count(ended.ok());
    }
    rush.cpu = cpu() - cpu_began;
    rush
}

/// When each call comes.
fn arrivals() -> Vec<Duration> {
    let (mut at, mut all) = (0.0, Vec::new());
    let (calm, rise, rush) = (CALM.as_secs_f64(), RISE.as_secs_f64(), RUSH.as_secs_f64());
    while at < calm + rise + rush {
        all.push(Duration::from_secs_f64(at));
        let risen = ((at - calm) / rise).clamp(0.0, 1.0);
        at += 1.0 / (RATES.0 + (RATES.1 - RATES.0) * risen);
    }
    all
}

impl Rush {
    fn count(&mut self, ended: Option<Ended>) {
        match ended {
            None => self.failed += 1,
            Some(ended) if ended.turned_away => self.turned_away += 1,
            Some(Ended { execution, felt, .. }) => {
                let ok = execution.as_ref().is_none_or(|execution| execution.outcome == Outcome::Ok);
                self.served += usize::from(ok);
                self.failed += usize::from(!ok);
                self.cold += usize::from(execution.as_ref().is_none_or(|execution| execution.cold));
                let ahead = |execution: &Execution| execution.init_type == InitType::Provisioned;
                self.provisioned += usize::from(execution.as_ref().is_some_and(ahead));
                self.felt.push(felt);
            }
        }
    }

    fn at(&self, percent: usize) -> f64 {
        let mut felt = self.felt.clone();
        felt.sort();
        felt.get((felt.len().saturating_sub(1)) * percent / 100).map_or(f64::NAN, |felt| micros(*felt))
    }

    fn offered(&self) -> usize {
        self.served + self.failed + self.turned_away
    }

    fn cpu_us(&self) -> f64 {
        micros(self.cpu) / self.served as f64
    }

    fn print(&self, name: &str) {
        let Self { served, turned_away, failed, cold, provisioned, .. } = self;
        let offered = self.offered();
        println!("  {name:<34} offered {offered}, served {served}, throttled {turned_away}, failed {failed}");
        println!("  {:<34} cold starts {cold}, provisioned {provisioned}", "");
        let [p50, p99, max] = [50, 99, 100].map(|percent| self.at(percent));
        println!(
            "  {:<34} felt p50 {p50:.1} µs, p99 {p99:.1} µs, max {max:.1} µs; CPU a call {:.1} µs",
            "",
            self.cpu_us()
        );
    }

    fn compare(&self, name: &str, base: &Self) {
        let [p50, p99] = [50, 99].map(|percent| self.at(percent) / base.at(percent));
        let served = self.served as f64 / base.served as f64;
        let cpu = self.cpu_us() / base.cpu_us();
        println!("  {name:<34} served {served:.3} x, felt p50 {p50:.3} x, p99 {p99:.3} x, CPU a call {cpu:.2} x");
    }
}

/// Forgets the peak so far; what is resident now, KiB.
fn reset_peak_memory() -> f64 {
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux lets a process forget its own peak");
    memory("VmRSS:")
}

fn peak_memory_kib() -> f64 {
    memory("VmHWM:")
}

fn memory(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has this file");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("the field is there");
    line.trim().trim_end_matches(" kB").parse().expect("it is a number of KiB")
}

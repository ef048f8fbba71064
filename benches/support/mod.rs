//! What the benches share: the clock, percentiles, and ratios of rounds that were run in turn. It measures nothing itself.

#![allow(dead_code, reason = "each bench uses its own part of it")]

use std::time::{Duration, Instant};

/// The program's own allocator, for every side.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds of each comparison: its sides take turns, so that what else the machine does falls on all of them.
pub(crate) const ROUNDS: usize = 5;

/// A reading of the steady clock.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// CPU time of the whole process.
pub(crate) fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let part = |value: i64| u64::try_from(value).expect("CPU time is not negative");
    Duration::from_secs(part(time.tv_sec)) + Duration::from_nanos(part(time.tv_nsec))
}

/// A part of the report.
pub(crate) fn heading(text: &str) {
    println!("\n{text}");
}

/// Prints how lengths of time are distributed.
pub(crate) fn lengths(name: &str, mut all: Vec<Duration>) {
    all.sort();
    let at = |percent: usize| micros(all[(all.len() - 1) * percent / 100]);
    let [p50, p99, max] = [50, 99, 100].map(at);
    println!("  {name:<34} p50 {p50:>10.1} µs   p99 {p99:>10.1} µs   max {max:>10.1} µs   n {}", all.len());
}

/// Prints one side of a comparison: median and range over the rounds.
pub(crate) fn figures(name: &str, unit: &str, rounds: &[f64]) {
    let [low, median, high] = spread(rounds.to_vec());
    println!("  {name:<34} {median:>10.1} {unit} ({low:.1} to {high:.1})");
}

/// Prints `ours` against `base`, round by round: the median and range of the ratios.
pub(crate) fn ratio(name: &str, ours: &[f64], base: &[f64]) {
    let [low, median, high] = spread(ours.iter().zip(base).map(|(ours, base)| ours / base).collect());
    println!("  {name:<34} {median:>10.2} x ({low:.2} to {high:.2})");
}

/// In microseconds.
pub(crate) fn micros(length: Duration) -> f64 {
    length.as_secs_f64() * 1e6
}

/// Least, median and greatest.
pub(crate) fn spread(mut all: Vec<f64>) -> [f64; 3] {
    all.sort_by(f64::total_cmp);
    [all[0], all[all.len() / 2], all[all.len() - 1]]
}

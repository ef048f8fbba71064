//! The figures of cold starts.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::answer::{Board, Figure};
use super::raw::{Attempt, Chosen, cost, count, groups, init_cost, quantile, rate, real};

/// How long a part of an attempt took, ns.
type Length = fn(&Attempt) -> i64;

const MINUTE_US: i64 = 60_000_000;
const IDLE: [(&str, i64); 5] =
    [("under 1 min", 1), ("1 to 5 min", 5), ("5 to 15 min", 15), ("15 min to 1 h", 60), ("over 1 h", i64::MAX)];

pub(super) fn check(board: &Board, all: &[Attempt], attempts: &[&Attempt], chosen: &Chosen) {
    tiles(board, attempts);
    over_time(board, attempts, chosen);
    let cold = count(attempts, |a| a.is_cold);
    board.says("init heatmap's total", &board.total("init-heatmap", "count"), &cold);
    board.says("felt histogram's total", &board.total("felt", "cold"), &cold);
    tables(board, attempts);
    if !board.is_too_long("idle") {
        idle(board, all, chosen);
    }
    if !board.is_too_long("slowest") {
        let mut slowest: Vec<&&Attempt> = attempts.iter().filter(|a| a.is_cold).collect();
        slowest.sort_by_key(|a| (Reverse(a.felt_ns), Reverse(a.at_us), a.id.clone()));
        slowest.truncate(50);
        let ids: Vec<&str> = slowest.iter().map(|a| a.id.as_str()).collect();
        board.says("slowest", &board.texts("slowest", "invocation_id"), &ids);
    }
}

fn of_cold<'a>(attempts: &'a [&Attempt], of: fn(&Attempt) -> i64) -> impl Iterator<Item = i64> + use<'a> {
    attempts.iter().filter(|a| a.is_cold).map(move |a| of(a))
}

fn cold_ns(attempts: &[&Attempt]) -> i64 {
    of_cold(attempts, Attempt::cold_ns).sum()
}

fn tiles(board: &Board, attempts: &[&Attempt]) {
    let (ran, cold) = (count(attempts, Attempt::has_run), count(attempts, |a| a.is_cold));
    board.tile("cold-rate", "cold_rate", Figure::Real(rate(cold, ran)));
    board.tile("cold", "cold", Figure::Count(cold));
    let note = if cold == 0 { format!("none in {ran} invocations") } else { format!("of {ran}") };
    board.says("the note", &board.tile_text("cold", "none_note"), &Some(note));
    board.tile("init-p95", "init_p95_ns", Figure::Near(quantile(of_cold(attempts, |a| a.init_ns), 0.95)));
    board.tile("init-p95", "felt_p95_ns", Figure::Near(quantile(of_cold(attempts, |a| a.felt_ns), 0.95)));
    let init = init_cost(attempts);
    let expected = if attempts.is_empty() { Figure::Null } else { Figure::Amount(init) };
    board.tile("init-cost", "init_cost", expected);
    let list = real(cost(attempts, |_| true));
    board.tile("init-cost", "init_cost_share", Figure::Real((list > 0.0).then(|| real(init) / list)));
    let by_function = groups(attempts, |a| a.function.clone());
    let mut worst: Vec<_> = by_function.iter().map(|(name, of)| (Reverse(cold_ns(of)), name)).collect();
    worst.retain(|(_, name)| count(&by_function[*name], |a| a.is_cold) > 0);
    worst.sort();
    let worst = worst.first().map(|(_, name)| (*name).clone());
    board.says("worst function", &board.tile_text("worst", "worst_function"), &worst);
}

fn over_time(board: &Board, attempts: &[&Attempt], chosen: &Chosen) {
    let buckets = chosen.by_bucket(attempts);
    for name in board.series("by-function").iter().filter(|name| *name != "other") {
        let of = |b: &Vec<&Attempt>| Figure::Count(count(b, |a| a.is_cold && a.function == *name));
        board.chart("by-function", name, &buckets.iter().map(of).collect::<Vec<_>>());
    }
    let percentiles = [("init_p50_ns", 0.5), ("init_p90_ns", 0.9), ("init_p99_ns", 0.99)];
    for (column, q) in percentiles {
        let of = |b: &Vec<&Attempt>| Figure::Near(quantile(of_cold(b, |a| a.init_ns), q));
        board.chart("init-percentiles", column, &buckets.iter().map(of).collect::<Vec<_>>());
    }
    let phases: [(&str, Length); 4] = [
        ("load_ns", |a| a.load_ns),
        ("compile_ns", |a| a.compile_ns),
        ("instantiate_ns", |a| a.instantiate_ns),
        ("init_ns", |a| a.init_ns),
    ];
    for (column, phase) in phases {
        let of = |b: &Vec<&Attempt>| Figure::Real(rate(of_cold(b, phase).sum(), count(b, |a| a.is_cold)));
        board.chart("phases", column, &buckets.iter().map(of).collect::<Vec<_>>());
    }
}

fn tables(board: &Board, attempts: &[&Attempt]) {
    let mut by_memory = groups(attempts, |a| a.memory_mb);
    by_memory.retain(|_, of| count(of, Attempt::has_run) > 0);
    let rows = |of: &dyn Fn(&[&Attempt]) -> Figure| by_memory.values().map(|some| of(some)).collect::<Vec<_>>();
    let sizes: Vec<Figure> = by_memory.keys().map(|mb| Figure::Count(*mb)).collect();
    board.rows("by-memory", "memory_mb", &sizes);
    board.rows("by-memory", "cold", &rows(&|of| Figure::Count(count(of, |a| a.is_cold))));
    board.rows("by-memory", "init_cost", &rows(&|of| Figure::Amount(init_cost(of))));
    let inits = |of: &[&Attempt]| quantile(of_cold(of, |a| a.init_ns), 0.95);
    board.rows("by-memory", "init_p95_ns", &rows(&|of| Figure::Near(inits(of))));

    let mut by_version: Vec<_> = groups(attempts, |a| (a.function.clone(), a.version.clone())).into_iter().collect();
    by_version.retain(|(_, of)| count(of, Attempt::has_run) > 0);
    by_version.sort_by_key(|(key, of)| (Reverse(cold_ns(of)), key.clone()));
    let names: Vec<&str> = by_version.iter().map(|((function, _), _)| function.as_str()).collect();
    board.says("functions", &board.texts("by-version", "function"), &names);
    let rows = |of: &dyn Fn(&[&Attempt]) -> Figure| by_version.iter().map(|(_, some)| of(some)).collect::<Vec<_>>();
    board.rows("by-version", "cold_ns", &rows(&|of| Figure::Count(cold_ns(of))));
    let cold_rate = |of: &[&Attempt]| rate(count(of, |a| a.is_cold), count(of, Attempt::has_run));
    board.rows("by-version", "cold_rate", &rows(&|of| Figure::Real(cold_rate(of))));
    let felt = |of: &[&Attempt]| quantile(of_cold(of, |a| a.felt_ns), 0.95);
    board.rows("by-version", "felt_p95_ns", &rows(&|of| Figure::Near(felt(of))));
}

/// Minutes without a call before each cold start, as the panel's help says.
fn idle(board: &Board, all: &[Attempt], chosen: &Chosen) {
    let since = chosen.from_us - 60 * MINUTE_US;
    let near = all.iter().filter(|a| chosen.filters(a) && a.has_run() && (since..chosen.to_us).contains(&a.at_us));
    let near: Vec<&Attempt> = near.collect();
    let mut found: BTreeMap<usize, i64> = BTreeMap::new();
    for of in groups(&near, |a| (a.tenant.clone(), a.function.clone())).values() {
        let mut before: Option<i64> = None;
        for (minute, calls) in groups(of, |a| a.at_us.div_euclid(MINUTE_US)) {
            let cold = count(&calls, |a| a.is_cold);
            let idle = before.map_or(i64::MAX - 1, |before| minute - before - 1);
            before = Some(minute);
            if cold > 0 && minute * MINUTE_US >= chosen.from_us {
                let place = IDLE.iter().position(|(_, below)| idle < *below).expect("the last has no bound");
                *found.entry(place).or_default() += 1;
                if cold > 1 {
                    *found.entry(0).or_default() += cold - 1;
                }
            }
        }
    }
    let labels: Vec<&str> = found.keys().map(|place| IDLE[*place].0).collect();
    board.says("idle times", &board.texts("idle", "label"), &labels);
    board.rows("idle", "cold", &found.values().map(|n| Figure::Count(*n)).collect::<Vec<_>>());
}

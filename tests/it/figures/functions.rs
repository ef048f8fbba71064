//! A function's figures beside those that it shares with the overview.

use std::cmp::Reverse;

use super::answer::{Board, Figure};
use super::overview::{charts, durations, figures, per_1000, tiles};
use super::raw::{Attempt, Chosen, cost, count, groups, quantile, rate};

const DAY_US: i64 = 86_400_000_000;
const RECENT: usize = 50;

pub(super) fn check(board: &Board, attempts: &[&Attempt], chosen: &Chosen) {
    tiles(board, attempts);
    charts(board, attempts, chosen);
    over_time(board, attempts, chosen);
    spread(board, attempts, chosen);
    versions(board, attempts);
    recent(board, attempts, chosen);
}

fn over_time(board: &Board, attempts: &[&Attempt], chosen: &Chosen) {
    let buckets = chosen.by_bucket(attempts);
    for version in groups(attempts, |a| a.version.clone()).keys() {
        let of = |b: &Vec<&Attempt>| Figure::Count(count(b, |a| a.has_run() && a.version == *version));
        board.chart("by-version", version, &buckets.iter().map(of).collect::<Vec<_>>());
    }
    let most = |b: &Vec<&Attempt>, of: fn(&Attempt) -> i64| {
        b.iter().filter(|a| a.has_run()).map(|a| of(a)).max().map_or(Figure::Null, Figure::Count)
    };
    let peaks: Vec<Figure> = buckets.iter().map(|b| most(b, |a| a.peak_memory_bytes)).collect();
    board.chart("memory", "peak_memory_bytes", &peaks);
    let limits: Vec<Figure> = buckets.iter().map(|b| most(b, |a| a.memory_mb << 20)).collect();
    board.chart("memory", "limit_bytes", &limits);
    let highest = |b: &Vec<&Attempt>| match b.iter().filter_map(|a| a.concurrency).max() {
        Some(most) => Figure::Count(most),
        None if b.is_empty() => Figure::Count(0),
        None => Figure::Null,
    };
    board.chart("concurrency", "concurrency", &buckets.iter().map(highest).collect::<Vec<_>>());
    let per_1000: Vec<Figure> = buckets.iter().map(|b| Figure::Real(per_1000(b))).collect();
    board.chart("cost-per-1000", "cost_per_1000", &per_1000);
}

/// Heatmap and histogram: each attempt is in one bin, and in the right one but for the sketch's error at its edges.
fn spread(board: &Board, attempts: &[&Attempt], chosen: &Chosen) {
    let ran: Vec<i64> = attempts.iter().filter(|a| a.has_run()).map(|a| a.duration_ns).collect();
    let total = i64::try_from(ran.len()).expect("few");
    board.says("heatmap's total", &board.total("duration-heatmap", "count"), &total);
    board.says("histogram's total", &board.total("duration-histogram", "invocations"), &total);
    let bound = |column: &str| -> Vec<f64> {
        board.column("duration-histogram", column).iter().map(|v| v.as_f64().expect("a number")).collect()
    };
    let counts = board.column("duration-histogram", "invocations");
    for ((low, high), found) in bound("low").into_iter().zip(bound("high")).zip(counts) {
        let between = |slack: f64| {
            let (low, high) = (low * (1.0 + slack), high * (1.0 - slack));
            ran.iter().filter(|ns| (low..high).contains(&(**ns as f64))).count()
        };
        let found = usize::try_from(found.as_u64().expect("a count")).expect("few");
        let (least, most) = (between(0.0102), between(-0.0102));
        assert!((least..=most).contains(&found), "{found} in {low}..{high}, not {least} to {most}");
    }
    let times = board.texts("duration-heatmap", "bucket");
    let busy = chosen.by_bucket(attempts).iter().filter(|b| count(b, Attempt::has_run) > 0).count();
    let mut different = times.clone();
    different.dedup();
    board.says("heatmap's buckets", &different.len(), &busy);
}

fn versions(board: &Board, attempts: &[&Attempt]) {
    let names = board.texts("versions", "version");
    let by_version = groups(attempts, |a| a.version.clone());
    board.says("versions", &names.len(), &by_version.len());
    let none = Vec::new();
    let of: Vec<&Vec<&Attempt>> = names.iter().map(|name| by_version.get(name).unwrap_or(&none)).collect();
    let rows = |column: &str, figure: &dyn Fn(&[&Attempt]) -> Figure| {
        board.rows("versions", column, &of.iter().map(|of| figure(of)).collect::<Vec<_>>());
    };
    rows("invocations", &|of| Figure::Count(figures(of)[0]));
    rows("error_rate", &|of| Figure::Real(rate(figures(of)[1], figures(of)[0])));
    rows("cold_rate", &|of| Figure::Real(rate(figures(of)[3], figures(of)[0])));
    rows("list_cost", &|of| Figure::Amount(cost(of, |_| true)));
    rows("cost_per_1000", &|of| Figure::Real(per_1000(of)));
    for (column, q) in [("duration_p50_ns", 0.5), ("duration_p95_ns", 0.95), ("duration_p99_ns", 0.99)] {
        rows(column, &|of| Figure::Near(durations(of, q)));
    }
    let inits = |of: &[&Attempt]| quantile(of.iter().filter(|a| a.is_cold).map(|a| a.init_ns), 0.95);
    rows("init_p95_ns", &|of| Figure::Near(inits(of)));
}

fn recent(board: &Board, attempts: &[&Attempt], chosen: &Chosen) {
    let mut newest: Vec<&&Attempt> = attempts.iter().filter(|a| a.at_us >= chosen.to_us - DAY_US).collect();
    newest.sort_by_key(|a| (Reverse(a.at_us), a.id.clone(), a.attempt));
    newest.truncate(RECENT);
    let ids: Vec<&str> = newest.iter().map(|a| a.id.as_str()).collect();
    board.says("recent", &board.texts("recent", "invocation_id"), &ids);
    let costs = newest.iter().map(|a| a.list_cost.map_or(Figure::Null, Figure::Amount));
    board.rows("recent", "list_cost", &costs.collect::<Vec<_>>());
    board.rows("recent", "billed_ms", &newest.iter().map(|a| Figure::Count(a.billed_ms)).collect::<Vec<_>>());
    board.rows("recent", "felt_ns", &newest.iter().map(|a| Figure::Count(a.felt_ns)).collect::<Vec<_>>());
}

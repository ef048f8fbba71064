//! The overview's figures, and those tiles and charts that other boards share with it.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::answer::{Board, Figure};
use super::raw::{Attempt, Chosen, cost, count, groups, quantile, rate, real};
use crate::support::server::Server;

const HOUR_US: i64 = 3_600_000_000;
const OUTCOMES: [&str; 6] = ["ok", "error", "timeout", "out_of_memory", "throttled", "platform_error"];

pub(super) fn check(board: &Board, server: &Server, attempts: &[&Attempt], chosen: &Chosen) {
    tiles(board, attempts);
    charts(board, attempts, chosen);
    tops(board, attempts);
    telemetry(board, server, attempts, chosen);
    board.tile("platform-errors", "platform_errors", Figure::Count(count(attempts, |a| a.is("platform_error"))));
}

/// The tiles that the overview and a function have.
pub(super) fn tiles(board: &Board, attempts: &[&Attempt]) {
    let [ran, failed, throttled, cold] = figures(attempts);
    board.tile("invocations", "invocations", Figure::Count(ran));
    board.tile("error-rate", "error_rate", Figure::Real(rate(failed, ran)));
    board.tile("error-rate", "errors", Figure::Count(failed));
    board.tile("throttle-rate", "throttle_rate", Figure::Real(rate(throttled, ran + throttled)));
    board.tile("throttle-rate", "throttled", Figure::Count(throttled));
    board.tile("cold-rate", "cold_rate", Figure::Real(rate(cold, ran)));
    board.tile("cold-rate", "cold", Figure::Count(cold));
    for (column, q) in [("duration_p50_ns", 0.5), ("duration_p95_ns", 0.95), ("duration_p99_ns", 0.99)] {
        board.tile("duration-p95", column, Figure::Near(durations(attempts, q)));
    }
    board.tile("list-cost", "list_cost", amount(attempts, |_| true));
    board.tile("list-cost", "cost_per_1000", Figure::Real(per_1000(attempts)));
    let currency = (!attempts.is_empty()).then(|| "USD".to_owned());
    board.says("the currency", &board.tile_text("list-cost", "currency"), &currency);
}

/// The charts that the overview and a function have.
pub(super) fn charts(board: &Board, attempts: &[&Attempt], chosen: &Chosen) {
    let buckets = chosen.by_bucket(attempts);
    for outcome in OUTCOMES {
        let expected: Vec<Figure> = buckets.iter().map(|b| Figure::Count(count(b, |a| a.is(outcome)))).collect();
        board.chart("outcomes", outcome, &expected);
    }
    let panel = if board.panels().iter().any(|panel| panel == "rates") { "rates" } else { "error-rate-over-time" };
    let rates = |of: fn([i64; 4]) -> Option<f64>| -> Vec<Figure> {
        buckets.iter().map(|b| Figure::Real(of(figures(b)))).collect()
    };
    board.chart(panel, "error_rate", &rates(|[ran, failed, ..]| rate(failed, ran)));
    board.chart(panel, "throttle_rate", &rates(|[ran, _, throttled, _]| rate(throttled, ran + throttled)));
    for (column, q) in [("duration_p50_ns", 0.5), ("duration_p95_ns", 0.95), ("duration_p99_ns", 0.99)] {
        let expected: Vec<Figure> = buckets.iter().map(|b| Figure::Near(durations(b, q))).collect();
        board.chart("durations", column, &expected);
    }
    let panel = if board.panels().iter().any(|panel| panel == "cost") { "cost" } else { "cost-by-function" };
    costs_by_function(board, panel, attempts, chosen);
}

/// List cost by function: the eight dearest, and the rest as one.
pub(super) fn costs_by_function(board: &Board, panel: &str, attempts: &[&Attempt], chosen: &Chosen) {
    let buckets = chosen.by_bucket(attempts);
    let mut seen = HashSet::new();
    for name in board.series(panel).iter().filter(|name| *name != "other") {
        let expected: Vec<Figure> = buckets.iter().map(|b| Figure::Amount(cost(b, |a| a.function == *name))).collect();
        board.chart(panel, name, &expected);
        seen.insert(name.clone());
    }
    let is_other = |attempt: &Attempt| !seen.contains(&attempt.function);
    let expected: Vec<Figure> = buckets.iter().map(|b| Figure::Amount(cost(b, is_other))).collect();
    if board.series(panel).iter().any(|name| name == "other") {
        board.chart(panel, "other", &expected);
    } else {
        board.says("cost that no series has", &cost(attempts, is_other), &0);
    }
}

fn tops(board: &Board, attempts: &[&Attempt]) {
    let by_function = groups(attempts, |a| (a.function.clone(), a.tenant.clone()));
    let mut dear: Vec<_> = by_function.iter().map(|(key, of)| (Reverse(cost(of, |_| true)), key)).collect();
    dear.retain(|(Reverse(cost), _)| *cost > 0);
    dear.sort();
    dear.truncate(10);
    board.says("dearest", &board.texts("top-cost", "function"), &names(dear.iter().map(|(_, key)| *key)));
    board.rows("top-cost", "list_cost", &dear.iter().map(|(cost, _)| Figure::Amount(cost.0)).collect::<Vec<_>>());

    let mut failing: Vec<_> =
        by_function.iter().map(|(key, of)| (Reverse(count(of, Attempt::has_failed)), key)).collect();
    failing.retain(|(Reverse(failed), _)| *failed > 0);
    failing.sort();
    failing.truncate(10);
    board.says("failing", &board.texts("top-errors", "function"), &names(failing.iter().map(|(_, key)| *key)));
    board.rows("top-errors", "errors", &failing.iter().map(|(n, _)| Figure::Count(n.0)).collect::<Vec<_>>());
    let ran = |key| count(&by_function[key], Attempt::has_run);
    let rates = failing.iter().map(|(failed, key)| Figure::Real(rate(failed.0, ran(*key))));
    board.rows("top-errors", "error_rate", &rates.collect::<Vec<_>>());

    let cold_ns = |of: &[&Attempt]| of.iter().filter(|a| a.is_cold).map(|a| a.cold_ns()).sum::<i64>();
    let mut slow: Vec<_> = by_function.iter().map(|(key, of)| (Reverse(cold_ns(of)), key)).collect();
    slow.retain(|(_, key)| count(&by_function[*key], |a| a.is_cold) > 0);
    slow.sort();
    slow.truncate(10);
    board.says("longest cold", &board.texts("top-cold", "function"), &names(slow.iter().map(|(_, key)| *key)));
    board.rows("top-cold", "cold_ns", &slow.iter().map(|(ns, _)| Figure::Count(ns.0)).collect::<Vec<_>>());
}

fn names<'a>(keys: impl Iterator<Item = &'a (String, String)>) -> Vec<String> {
    keys.map(|(function, _)| function.clone()).collect()
}

/// Which of the last hour's invocations have no span or log record.
fn telemetry(board: &Board, server: &Server, attempts: &[&Attempt], chosen: &Chosen) {
    let since = chosen.from_us.max(chosen.to_us - HOUR_US);
    let last: Vec<&Attempt> = attempts.iter().filter(|a| a.at_us >= since && a.has_run()).copied().collect();
    let ran = count(&last, |_| true);
    for (table, panel, column) in [("spans", "trace-loss", "trace_loss"), ("logs", "log-loss", "log_loss")] {
        let time = if table == "spans" { "started_at" } else { "time" };
        let sql = format!(
            "SELECT DISTINCT invocation_id AS id FROM {table} WHERE CAST({time} AS BIGINT) >= {since} \
             AND invocation_id IS NOT NULL"
        );
        let there: HashSet<String> = server.sql(&sql).iter().map(|row| row.text("id").to_owned()).collect();
        let lost = count(&last, |a| !there.contains(&a.id));
        board.tile(panel, column, Figure::Real(rate(lost, ran)));
    }
    board.tile("trace-loss", "invocations", Figure::Count(ran));
}

/// INV, ERR, THR and cold starts.
pub(super) fn figures(attempts: &[&Attempt]) -> [i64; 4] {
    let ran = count(attempts, Attempt::has_run);
    let throttled = count(attempts, |a| a.is("throttled"));
    [ran, count(attempts, Attempt::has_failed), throttled, count(attempts, |a| a.is_cold)]
}

pub(super) fn durations(attempts: &[&Attempt], q: f64) -> Option<f64> {
    quantile(attempts.iter().filter(|a| a.has_run()).map(|a| a.duration_ns), q)
}

/// A sum of money; null where there is no record at all.
pub(super) fn amount(attempts: &[&Attempt], is_so: impl Fn(&Attempt) -> bool) -> Figure {
    if attempts.is_empty() { Figure::Null } else { Figure::Amount(cost(attempts, is_so)) }
}

pub(super) fn per_1000(attempts: &[&Attempt]) -> Option<f64> {
    let ran = count(attempts, Attempt::has_run);
    (ran > 0).then(|| real(cost(attempts, |_| true)) * 1_000.0 / ran as f64)
}

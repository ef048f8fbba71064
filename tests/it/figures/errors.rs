//! The figures of errors.

use std::cmp::Reverse;

use super::answer::{Board, Figure};
use super::overview::{amount, figures};
use super::raw::{Attempt, Chosen, cost, count, groups, rate};
use crate::support::money;

const HOUR_US: i64 = 3_600_000_000;
const NAMED: usize = 8;

pub(super) fn check(board: &Board, all: &[Attempt], attempts: &[&Attempt], chosen: &Chosen) {
    let [ran, failed, ..] = figures(attempts);
    board.tile("error-rate", "error_rate", Figure::Real(rate(failed, ran)));
    board.tile("errors", "errors", Figure::Count(failed));
    board.tile("errors", "invocations", Figure::Count(ran));
    board.tile("error-cost", "error_cost", amount(attempts, Attempt::has_failed));
    board.tile("retry-cost", "retry_cost", amount(attempts, Attempt::is_retry));
    board.tile("retry-cost", "retries", Figure::Count(count(attempts, Attempt::is_retry)));
    board.tile("platform-errors", "platform_errors", Figure::Count(count(attempts, |a| a.is("platform_error"))));
    for outcome in ["error", "timeout", "out_of_memory", "platform_error"] {
        let of = |b: &Vec<&Attempt>| Figure::Count(count(b, |a| a.is(outcome)));
        board.chart("by-class", outcome, &chosen.by_bucket(attempts).iter().map(of).collect::<Vec<_>>());
    }
    rates(board, attempts, chosen);
    error_groups(board, all, chosen);
    table(board, attempts);
}

/// The eight functions with the most errors, and the others as one.
fn rates(board: &Board, attempts: &[&Attempt], chosen: &Chosen) {
    let by_function = groups(attempts, |a| a.function.clone());
    let mut most: Vec<_> = by_function.iter().map(|(name, of)| (Reverse(figures(of)[1]), name.as_str())).collect();
    most.sort_unstable();
    let named: Vec<&str> = most.iter().take(NAMED).map(|(_, name)| *name).collect();
    let buckets = chosen.by_bucket(attempts);
    let line = |is_so: &dyn Fn(&Attempt) -> bool| -> Vec<Figure> {
        let of = |b: &Vec<&Attempt>| {
            let some: Vec<&Attempt> = b.iter().filter(|a| is_so(a)).copied().collect();
            Figure::Real(rate(figures(&some)[1], figures(&some)[0]))
        };
        buckets.iter().map(of).collect()
    };
    for name in &named {
        board.chart("rate-by-function", name, &line(&|a| a.function == *name));
    }
    board.chart("rate-by-function", "other", &line(&|a| !named.contains(&a.function.as_str())));
    board.says("lines", &board.series("rate-by-function").len(), &by_function.len().min(NAMED + 1));
}

/// Groups hold each failed attempt once. They are made of whole hours.
fn error_groups(board: &Board, all: &[Attempt], chosen: &Chosen) {
    let first = chosen.from_us.div_euclid(HOUR_US) * HOUR_US;
    let end = -(-chosen.to_us).div_euclid(HOUR_US) * HOUR_US;
    let bad = |a: &&Attempt| a.has_failed() || a.is("platform_error");
    let near: Vec<&Attempt> =
        all.iter().filter(|a| chosen.filters(a) && (first..end).contains(&a.at_us)).filter(bad).collect();
    let inside: Vec<&Attempt> = near.iter().filter(|a| chosen.takes(a)).copied().collect();
    let found = board.total("groups", "count");
    let (least, most) = (count(&inside, |_| true), count(&near, |_| true));
    assert!((least..=most).contains(&found), "{found} errors in groups, not {least} to {most}");
    let costs = board.column("groups", "list_cost");
    let sum: i128 = costs.iter().filter_map(|cost| cost.as_str()).map(money::units).sum();
    assert!((cost(&inside, |_| true)..=cost(&near, |_| true)).contains(&sum), "{sum} is what groups cost");
    for id in board.texts("groups", "sample_invocation_id") {
        assert!(near.iter().any(|a| a.id == id), "{id} is one of the errors");
    }
    if (chosen.from_us, chosen.to_us) == (first, end) {
        for outcome in groups(&near, |a| a.outcome.clone()).keys() {
            let outcomes = board.texts("groups", "outcome");
            let counts = board.column("groups", "count");
            let of = outcomes.iter().zip(counts).filter(|(found, _)| *found == outcome);
            let sum: i64 = of.map(|(_, n)| n.as_i64().expect("a count")).sum();
            board.says("errors in groups", &sum, &count(&near, |a| a.is(outcome)));
        }
    }
}

fn table(board: &Board, attempts: &[&Attempt]) {
    let mut of: Vec<_> = groups(attempts, |a| (a.function.clone(), a.tenant.clone())).into_iter().collect();
    of.retain(|(_, some)| figures(some)[0] > 0 || count(some, |a| a.is("platform_error")) > 0);
    let place = |key: &(String, String), some: &[&Attempt]| {
        let [ran, failed, ..] = figures(some);
        (Reverse(failed), Reverse(count(some, |a| a.is("platform_error"))), Reverse(ran), key.clone())
    };
    of.sort_by_key(|(key, some)| place(key, some));
    let names: Vec<&str> = of.iter().map(|((function, _), _)| function.as_str()).collect();
    board.says("functions", &board.texts("by-function", "function"), &names);
    let rows = |column: &str, figure: &dyn Fn(&[&Attempt]) -> Figure| {
        board.rows("by-function", column, &of.iter().map(|(_, some)| figure(some)).collect::<Vec<_>>());
    };
    rows("invocations", &|some| Figure::Count(figures(some)[0]));
    rows("errors", &|some| Figure::Count(figures(some)[1]));
    rows("error_rate", &|some| Figure::Real(rate(figures(some)[1], figures(some)[0])));
    rows("timeout", &|some| Figure::Count(count(some, |a| a.is("timeout"))));
    rows("error_cost", &|some| Figure::Amount(cost(some, Attempt::has_failed)));
    rows("retry_cost", &|some| Figure::Amount(cost(some, Attempt::is_retry)));
}

//! The figures of throttling and concurrency.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::answer::{Board, Figure};
use super::overview::figures;
use super::raw::{Attempt, Chosen, count, groups, rate};

const CAUSES: [(&str, &str); 5] = [
    ("throttled_function", "function-concurrency"),
    ("throttled_tenant", "tenant-concurrency"),
    ("throttled_account", "account-concurrency"),
    ("throttled_rate", "rate"),
    ("throttled_budget", "budget"),
];
/// What the server allows where nothing else is said.
const ACCOUNT_LIMIT: i64 = 1_000;

pub(super) fn check(board: &Board, attempts: &[&Attempt], chosen: &Chosen) {
    let [ran, _, throttled, _] = figures(attempts);
    board.tile("throttle-rate", "throttle_rate", Figure::Real(rate(throttled, ran + throttled)));
    board.tile("throttled", "throttled", Figure::Count(throttled));
    let highest = highest(attempts);
    board.tile("concurrency", "concurrency", highest.map_or(Figure::Null, Figure::Count));
    board.tile("account-limit", "account_concurrency", Figure::Count(ACCOUNT_LIMIT));
    let share = highest.and_then(|most| rate(most, ACCOUNT_LIMIT));
    board.tile("account-limit", "account_share", Figure::Real(share));
    let provisioned = count(attempts, |a| a.is_provisioned);
    board.tile("provisioned-share", "provisioned_share", Figure::Real(rate(provisioned, ran)));
    let buckets = chosen.by_bucket(attempts);
    for (column, reason) in CAUSES {
        let of = |b: &Vec<&Attempt>| Figure::Count(by_cause(b, reason));
        board.chart("by-cause", column, &buckets.iter().map(of).collect::<Vec<_>>());
    }
    for name in board.series("concurrency-by-function") {
        let of = |b: &Vec<&Attempt>| {
            let own: Vec<&Attempt> = b.iter().filter(|a| a.function == name).copied().collect();
            Figure::Count(self::highest(&own).unwrap_or(0))
        };
        board.chart("concurrency-by-function", &name, &buckets.iter().map(of).collect::<Vec<_>>());
    }
    tables(board, attempts);
    if !board.is_too_long("lost") {
        lost(board, attempts);
    }
}

fn highest(attempts: &[&Attempt]) -> Option<i64> {
    attempts.iter().filter_map(|a| a.concurrency).max()
}

fn by_cause(attempts: &[&Attempt], reason: &str) -> i64 {
    count(attempts, |a| a.throttle_reason.as_deref() == Some(reason))
}

fn tables(board: &Board, attempts: &[&Attempt]) {
    let all: Vec<_> = groups(attempts, |a| (a.function.clone(), a.tenant.clone())).into_iter().collect();
    let mut near = all.clone();
    near.sort_by_key(|(key, of)| (highest(of).is_none(), Reverse(highest(of)), key.clone()));
    let names: Vec<&str> = near.iter().map(|((function, _), _)| function.as_str()).collect();
    board.says("functions by concurrency", &board.texts("concurrency-table", "function"), &names);
    let concurrency = near.iter().map(|(_, of)| highest(of).map_or(Figure::Null, Figure::Count));
    board.rows("concurrency-table", "concurrency", &concurrency.collect::<Vec<_>>());

    let mut refused = all;
    refused.retain(|(_, of)| figures(of)[2] > 0);
    refused.sort_by_key(|(key, of)| (Reverse(figures(of)[2]), key.clone()));
    let rows = |column: &str, figure: &dyn Fn(&[&Attempt]) -> Figure| {
        board.rows("by-function", column, &refused.iter().map(|(_, of)| figure(of)).collect::<Vec<_>>());
    };
    rows("throttled", &|of| Figure::Count(figures(of)[2]));
    rows("throttle_rate", &|of| Figure::Real(rate(figures(of)[2], figures(of)[0] + figures(of)[2])));
    for (column, reason) in CAUSES {
        rows(column, &|of| Figure::Count(by_cause(of, reason)));
    }
}

/// Throttled ids none of whose attempts succeeded. The history retries, if at all, within seconds.
fn lost(board: &Board, attempts: &[&Attempt]) {
    let saved: HashSet<&str> = attempts.iter().filter(|a| a.is("ok")).map(|a| a.id.as_str()).collect();
    let refused: HashSet<&str> = attempts.iter().filter(|a| a.is("throttled")).map(|a| a.id.as_str()).collect();
    let lost = refused.iter().filter(|id| !saved.contains(*id)).count();
    board.says("throttled calls", &board.total("lost", "calls"), &refused.len());
    board.says("lost calls", &board.total("lost", "lost"), &lost);
}

//! The figures of list cost.

use std::cmp::Reverse;

use serde_json::Value;

use super::answer::{Board, Figure};
use super::overview::{amount, costs_by_function, per_1000};
use super::raw::{Attempt, Chosen, cost, count, groups, init_cost, real};
use crate::support::money;

/// What costs are gathered by.
type Key = fn(&Attempt) -> String;

pub(super) fn check(board: &Board, all: &[Attempt], attempts: &[&Attempt], chosen: &Chosen) {
    tiles(board, attempts);
    month(board, all, chosen);
    costs_by_function(board, "by-function-over-time", attempts, chosen);
    let buckets = chosen.by_bucket(attempts);
    let over_time = |of: &dyn Fn(&[&Attempt]) -> i128| -> Vec<Figure> {
        let with_cost = |b: &Vec<&Attempt>| cost(b, |_| true) > 0;
        buckets.iter().map(|b| Figure::Amount(if with_cost(b) { of(b) } else { 0 })).collect()
    };
    board.chart("wasted", "error_cost", &over_time(&|b| cost(b, Attempt::has_failed)));
    board.chart("wasted", "retry_cost", &over_time(&|b| cost(b, Attempt::is_retry)));
    board.chart("wasted", "init_cost", &over_time(&init_cost));
    tables(board, attempts);
    tags(board, attempts);
    meters(board, attempts);
}

fn tiles(board: &Board, attempts: &[&Attempt]) {
    let total = real(cost(attempts, |_| true));
    let share = |part: i128| Figure::Real((total > 0.0).then(|| real(part) / total));
    board.tile("list-cost", "list_cost", amount(attempts, |_| true));
    board.tile("cost-per-1000", "cost_per_1000", Figure::Real(per_1000(attempts)));
    board.tile("error-cost", "error_cost", amount(attempts, Attempt::has_failed));
    board.tile("error-cost", "error_cost_share", share(cost(attempts, Attempt::has_failed)));
    board.tile("retry-cost", "retry_cost", amount(attempts, Attempt::is_retry));
    board.tile("retry-cost", "retry_cost_share", share(cost(attempts, Attempt::is_retry)));
    let init = if attempts.is_empty() { Figure::Null } else { Figure::Amount(init_cost(attempts)) };
    board.tile("init-cost", "init_cost", init);
    board.tile("init-cost", "init_cost_share", share(init_cost(attempts)));
    board.tile("unpriced", "unpriced", Figure::Count(count(attempts, |a| a.has_run() && a.list_cost.is_none())));
}

/// From the start of the month in which the range ends.
fn month(board: &Board, all: &[Attempt], chosen: &Chosen) {
    let columns = board.line("month-to-date")["now"]["columns"].as_array().expect("columns").clone();
    let since = columns.iter().find(|column| column["name"] == "since").expect("the month's start");
    let since = since["values"][0].as_str().expect("a time");
    assert!(since[7..].starts_with("-01T00:00:00"), "{since} is the start of a month");
    let days = |year: i64, month: i64| {
        // Days since 1970 of the first of a month: years begin in March, so that leap days come last.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 - 719_468
    };
    let (year, month): (i64, i64) = (since[..4].parse().expect("a year"), since[5..7].parse().expect("a month"));
    let since_us = days(year, month) * 86_400_000_000;
    assert!(since_us < chosen.to_us && chosen.to_us - since_us <= 31 * 86_400_000_000, "{since}");
    let taken = all.iter().filter(|a| chosen.filters(a) && (since_us..chosen.to_us).contains(&a.at_us));
    let taken: Vec<&Attempt> = taken.collect();
    board.tile("month-to-date", "list_cost", amount(&taken, |_| true));
    // Charges are of the whole month, and no record of theirs names a version.
    if chosen.filter.version.is_none() {
        let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        let next_us = days(year, month) * 86_400_000_000;
        let whole = all.iter().filter(|a| chosen.filters(a) && (since_us..next_us).contains(&a.at_us));
        billed(board, &whole.filter(|a| a.has_run()).collect::<Vec<_>>());
    }
}

/// What is billed of a month: all that was used is paid for or free, and the shares are the lines.
fn billed(board: &Board, whole: &[&Attempt]) {
    let units = |value: &Value| money::units(value.as_str().unwrap_or("0"));
    let sum = |panel: &str, column: &str| board.column(panel, column).iter().map(units).sum::<i128>();
    let meters = board.texts("bill", "meter");
    let (paid, free) = (board.column("bill", "quantity"), board.column("bill", "free_quantity"));
    let used = |name: &str| -> i128 {
        let of = meters.iter().zip(paid.iter().zip(&free)).filter(|(meter, _)| meter.starts_with(name));
        of.map(|(_, (paid, free))| units(paid) + units(free)).sum()
    };
    let one = 10_i128.pow(23);
    board.says("billed requests", &used("requests"), &(whole.len() as i128 * one));
    let mb_ms: i128 = whole.iter().map(|a| i128::from(a.billed_ms) * i128::from(a.memory_mb)).sum();
    board.says("billed GiB-seconds", &used("duration_"), &(mb_ms * (one / 1_024_000)));
    let (billed, exact) = (sum("bill", "billed_cost"), sum("bill", "exact_cost"));
    board.says("billed by functions", &sum("billed-by-function", "billed_cost"), &billed);
    board.says("exactly by functions", &sum("billed-by-function", "exact_cost"), &exact);
    board.says("list cost beside it", &sum("billed-by-function", "list_cost"), &cost(whole, |_| true));
    let tile = if whole.is_empty() { Figure::Null } else { Figure::Amount(billed) };
    board.tile("billed", "billed_cost", tile);
    // Free of the account, whoever the page is about.
    for (left, whole) in board.column("allowances", "left").iter().zip(board.column("allowances", "quantity")) {
        assert!((0..=units(&whole)).contains(&units(left)), "{left} of {whole} is left");
    }
}

fn tables(board: &Board, attempts: &[&Attempt]) {
    let key: [(&str, Key); 2] = [("by-function", |a| a.function.clone()), ("by-tenant", |a| a.tenant.clone())];
    for (panel, key) in key {
        let mut of: Vec<_> = groups(attempts, |a| (key(a), a.tenant.clone())).into_iter().collect();
        of.retain(|(_, some)| count(some, Attempt::has_run) > 0);
        of.sort_by_key(|(key, some)| (Reverse(cost(some, |_| true)), key.clone()));
        let rows = |column: &str, figure: &dyn Fn(&[&Attempt]) -> Figure| {
            board.rows(panel, column, &of.iter().map(|(_, some)| figure(some)).collect::<Vec<_>>());
        };
        rows("list_cost", &|some| Figure::Amount(cost(some, |_| true)));
        rows("error_cost", &|some| Figure::Amount(cost(some, Attempt::has_failed)));
        rows("init_cost", &|some| Figure::Amount(init_cost(some)));
        rows("cost_per_1000", &|some| Figure::Real(per_1000(some)));
        let total = real(cost(attempts, |_| true));
        rows("cost_share", &|some| Figure::Real(Some(real(cost(some, |_| true)) / total)));
    }
}

/// Each tag and value, each call under each of its own.
fn tags(board: &Board, attempts: &[&Attempt]) {
    let rows = board.texts("by-tag", "tag").into_iter().zip(board.texts("by-tag", "value"));
    let costs = board.column("by-tag", "list_cost");
    let mut pairs = 0;
    for ((key, value), found) in rows.zip(costs) {
        let has = |a: &Attempt| a.tags.get(&key).is_some_and(|own| *own == value);
        let found = money::units(found.as_str().expect("an amount"));
        board.says(&format!("the cost of {key}:{value}"), &found, &cost(attempts, has));
        pairs += 1;
    }
    let ran = attempts.iter().filter(|a| a.has_run());
    let mut known: Vec<(&String, &String)> = ran.flat_map(|a| &a.tags).collect();
    known.sort();
    known.dedup();
    board.says("tags", &pairs, &known.len());
}

fn meters(board: &Board, attempts: &[&Attempt]) {
    let by_architecture = groups(attempts, |a| a.architecture.clone());
    let names = board.texts("by-meter", "architecture");
    let of: Vec<&Vec<&Attempt>> = names.iter().map(|name| &by_architecture[name]).collect();
    let rows = |column: &str, figure: &dyn Fn(&[&Attempt]) -> Figure| {
        board.rows("by-meter", column, &of.iter().map(|some| figure(some)).collect::<Vec<_>>());
    };
    // 1 MB for 1 ms is 1 / 1,024,000 GiB-seconds: 13 decimals, and 23 here.
    let mb_ms =
        |some: &[&Attempt]| some.iter().map(|a| i128::from(a.billed_ms) * i128::from(a.memory_mb)).sum::<i128>();
    rows("billed_gb_s", &|some| Figure::Amount(mb_ms(some) * (10_i128.pow(23) / 1_024_000)));
    rows("list_cost", &|some| Figure::Amount(cost(some, |_| true)));
    rows("init_cost", &|some| Figure::Amount(init_cost(some)));
    rows("handler_cost", &|some| Figure::Amount(cost(some, |_| true) - init_cost(some)));
    board.says(
        "cost of all meters",
        &of.iter().map(|some| cost(some, |_| true)).sum::<i128>(),
        &cost(attempts, |_| true),
    );
}

//! Every figure on the boards equals what the records say. The records are fetched raw and counted here, apart from the
//! program, by the definitions: counts and money to the last digit, percentiles within 1 %.

mod answer;
mod cold;
mod costs;
mod errors;
mod functions;
mod overview;
mod provisioned;
mod raw;
mod throttles;
mod traces;

use std::sync::Arc;

use crate::support::server::{Home, Server};

use answer::Board;
use raw::{Attempt, Chosen, Filter};

const DAY_S: i64 = 86_400;

/// Ranges that end a while before the last record: how long, how long before, and the step, in seconds.
const RANGES: [(i64, i64, i64); 7] = [
    (60 * DAY_S, 0, 7 * DAY_S),
    (40 * DAY_S, 0, DAY_S),
    (30 * DAY_S, 5 * DAY_S, 21_600),
    (2 * DAY_S, 0, 3_600),
    (20 * 3_600, 3_600, 300),
    (2_000, 600, 10),
    (4 * 3_600, 0, 60),
];

/// Filters, and for how many of the ranges each is tried.
fn filters() -> Vec<(Filter, usize)> {
    vec![
        (Filter::default(), RANGES.len()),
        (Filter { function: Some("checkout"), ..Filter::default() }, 4),
        (Filter { tenant: Some("shop"), ..Filter::default() }, 2),
        (Filter { function: Some("thumbnail"), region: Some("us-east-1"), ..Filter::default() }, 2),
        (Filter { function: Some("auth"), version: Some("2"), ..Filter::default() }, 2),
        (Filter { tag: Some(("team", "storefront")), ..Filter::default() }, 2),
        (Filter { tag: Some(("team", "nobody")), ..Filter::default() }, 1),
    ]
}

/// A history of the demo that stands still.
fn demo() -> Server {
    let home = Home::demo().arg("--history").arg("30k").arg("--no-load").arg("--seed").arg("3");
    Arc::new(home).serve()
}

#[test]
fn every_figure_equals_the_records() {
    let server = demo();
    let all = raw::fetch(&server);
    assert!(all.len() > 30_000, "{} records", all.len());
    let last_us = all.iter().map(|attempt| attempt.at_us).max().expect("there are records");
    for (filter, times) in filters() {
        for (length_s, before_s, step_s) in RANGES.into_iter().take(times) {
            let filter = filter.clone();
            let chosen = Chosen::new(last_us, length_s, before_s, step_s, filter);
            check(&server, &all, &chosen);
        }
    }
}

fn check(server: &Server, all: &[Attempt], chosen: &Chosen) {
    let attempts: Vec<&Attempt> = all.iter().filter(|attempt| chosen.takes(attempt)).collect();
    let board = |name: &'static str| Board::fetch(server, name, chosen);
    overview::check(&board("overview"), server, &attempts, chosen);
    cold::check(&board("cold-starts"), all, &attempts, chosen);
    provisioned::check(&board("cold-starts"), &attempts, chosen);
    errors::check(&board("errors"), all, &attempts, chosen);
    throttles::check(&board("throttles"), &attempts, chosen);
    costs::check(&board("costs"), all, &attempts, chosen);
    if chosen.filter.function.is_some() {
        functions::check(&board("function"), &attempts, chosen);
    }
}

/// What the history surely has must be seen: no panel may be right only because it is empty.
#[test]
fn no_panel_is_empty_on_a_busy_week() {
    let server = demo();
    let last_us = server.row("SELECT max(CAST(started_at AS BIGINT)) AS at FROM invocations").int("at");
    let quiet = [("throttles", "provisioned"), ("throttles", "provisioned-table")];
    for (name, function) in [
        ("overview", None),
        ("cold-starts", None),
        ("errors", None),
        ("throttles", None),
        ("costs", None),
        ("function", Some("checkout")),
    ] {
        let filter = Filter { function, ..Filter::default() };
        let board = Board::fetch(&server, name, &Chosen::new(last_us, 60 * DAY_S, 0, DAY_S, filter.clone()));
        for panel in board.panels() {
            let line = board.line(&panel);
            let notice = line.get("notice").and_then(serde_json::Value::as_str);
            let has = match notice {
                Some(_) => {
                    let day = Board::fetch(&server, name, &Chosen::new(last_us, DAY_S, 0, 3_600, filter.clone()));
                    day.has_data(&panel) || panel == "lost"
                }
                None => board.has_data(&panel),
            };
            assert!(has || quiet.contains(&(name, panel.as_str())), "{name}/{panel} shows nothing: {line}");
        }
    }
}

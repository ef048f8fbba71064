//! What records would have cost otherwise: several ways are billed of one look at the records.

use std::time::Duration;

use crate::billing::counting::Filter;
use crate::billing::looks::Looks;
use crate::billing::{Change, WhatIf};
use crate::model::{Architecture, Invocation, PhaseLengths};
use crate::query::{Param, Params, format};
use crate::units::Money;

use super::world::{World, record, small_books, time};

const NOW: &str = "2026-11-20T00:00:00Z";

/// Of two architectures, so that an allowance is shared and runs out among several prices.
fn records() -> Vec<Invocation> {
    let of = |n: usize| {
        let architecture = Some([Architecture::X86_64, Architecture::Arm64][n % 2]);
        let at = format!("2026-11-{:02}T06:{:02}:00Z", n / 10 + 1, n % 10);
        Invocation { billed_ms: Some(400_000), architecture, ..record(n, "checkout", &at) }
    };
    (0..40).map(of).collect()
}

async fn requests(looks: &mut Looks<'_>) -> i64 {
    let times = [("from", "2026-11-01T00:00:00Z"), ("to", "2026-12-01T00:00:00Z")];
    let params: Params = times.map(|(name, at)| (name.to_owned(), Param::Text(at.to_owned()))).into();
    let answer = looks.metered_usage(&params).await.expect("it is answered");
    let rows = format::rows(&answer).expect("rows");
    rows.iter().map(|row| row["requests"].as_i64().expect("a count")).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_is_looked_at_once_while_there_is_room() {
    let world = World::new(small_books(), NOW).await;
    world.add("aws-lambda", records()).await;
    let (mut kept, mut full) = (Looks::new(&world.engine, 100), Looks::new(&world.engine, 1));
    assert_eq!((requests(&mut kept).await, requests(&mut full).await), (40, 40));
    world.add("aws-lambda", vec![record(40, "search", "2026-11-09T06:00:00Z")]).await;
    // Two architectures are two rows, for which `full` has no room.
    assert_eq!((requests(&mut kept).await, requests(&mut full).await), (40, 41));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_size_and_book_costs_beside_the_others_what_it_costs_alone() {
    let world = World::new(small_books(), NOW).await;
    world.add("aws-lambda", records()).await;
    let usage = WhatIf {
        from: time("2026-11-01T00:00:00Z"),
        to: time("2026-12-01T00:00:00Z"),
        filter: Filter::default(),
        free_allowance: true,
    };
    let none = Change::default();
    let sizes = world.service.again().in_every_size(&usage, &none).await.expect("they are billed");
    assert_eq!(sizes.len(), 10);
    let books = world.service.again().on_every_book(&usage, &none).await.expect("they are billed");
    let mut totals = Vec::new();
    for candidate in sizes.iter().chain(&books) {
        let memory_mb = candidate.value.parse().ok();
        let book = memory_mb.is_none().then(|| candidate.value.clone());
        let alone = world.service.again().scenario(&usage, &Change { memory_mb, book, ..none.clone() }).await;
        match (&candidate.outcome, &alone) {
            (Ok(beside), Ok(alone)) => {
                let [beside, alone] = [beside, alone].map(|scenario| scenario.total().expect("in range"));
                assert_eq!(beside, alone, "{}", candidate.value);
                totals.push(beside.map(|(_, _, total)| total));
            }
            (Err(beside), Err(alone)) => assert_eq!(*beside, alone.to_string()),
            (beside, alone) => panic!("{}: {beside:?} beside, {alone:?} alone", candidate.value),
        }
    }
    assert!(totals.len() > 12 && totals[0] < totals[9], "sizes differ: {totals:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_break_even_begins_with_what_was_paid() {
    let world = World::new(small_books(), NOW).await;
    let phases = PhaseLengths { handler: Some(Duration::from_secs(400)), ..PhaseLengths::default() };
    let of_x86 = |record| Invocation { architecture: Some(Architecture::X86_64), phases, ..record };
    world.add("aws-lambda", records().into_iter().map(of_x86).collect()).await;
    let (from, to) = (time("2026-11-01T00:00:00Z"), time("2026-12-01T00:00:00Z"));
    let found = world.service.break_even("checkout", None, from, to).await.expect("it is replayed");
    let paid = world.rows("SELECT CAST(sum(list_cost) AS VARCHAR) AS paid FROM invocations").await;
    let paid: Money = paid[0]["paid"].as_str().expect("an amount").parse().expect("an amount");
    let options = &found.outcome.options;
    assert_eq!((options[0].total, options[0].environments, found.outcome.arrivals), (paid, 0, 40));
    // Calls of 6 min 40 s, one each minute: the eighth finds the first environment free.
    assert_eq!((options.len(), options[7].served, options[7].spilled), (8, 40, Money::ZERO));
    let params = [("from", from), ("to", to)].map(|(name, at)| (name.to_owned(), Param::Text(at.to_string())));
    let board = world.engine.named("break_even_by_function", &params.into()).await.expect("it is answered");
    let board = format::rows(&board).expect("rows");
    let row = board.iter().find(|row| row["function"] == "checkout").expect("it is there");
    let best = &options[found.outcome.best];
    let amounts = [options[0].total, best.total, options[0].total.checked_sub(best.total).expect("in range")];
    for (name, amount) in ["on_demand_cost", "provisioned_cost", "saved_cost"].into_iter().zip(amounts) {
        assert_eq!(row[name].as_str().expect("an amount").parse::<Money>().expect("an amount"), amount, "{name}");
    }
    assert_eq!((&row["environments"], &row["arrivals"]), (&best.environments.into(), &40.into()));
    let error = world.service.break_even("nobody", None, from, to).await.expect_err("it was never called");
    assert_eq!(error.to_string(), "'nobody' ran nothing on demand in this time whose price is known");
}

//! The break-even of provisioned concurrency: one simulation for each number of environments, at AWS' published prices.

use std::cmp::Reverse;

use super::answer::{Board, Figure};
use super::raw::{Attempt, Chosen, count, groups};

/// 10^-23 for each MB and ms: 0.0000041667 per GiB-second for standing ready, 0.0000097222 for running (x86_64, us-east-1).
const READY: i128 = 41_667 * 10i128.pow(13) / (1024 * 1000);
const RUNNING: i128 = 97_222 * 10i128.pow(13) / (1024 * 1000);
/// 0.0000002 per request.
const REQUEST: i128 = 2 * 10i128.pow(16);
/// Standing ready is billed in steps of five minutes.
const STEP_MS: i128 = 300_000;

/// What a function comes to: what was paid, the best number of environments, with them, and cold starts saved.
struct Best {
    paid: i128,
    environments: i64,
    total: i128,
    saved: i64,
}

pub(super) fn check(board: &Board, attempts: &[&Attempt], chosen: &Chosen) {
    if board.is_too_long("break-even") {
        return;
    }
    let ran: Vec<&Attempt> = attempts.iter().copied().filter(|a| a.has_run() && !a.is_provisioned).collect();
    let window_ms = i128::from(chosen.to_us - chosen.from_us) / 1_000;
    let mut all: Vec<(String, Best, Vec<&Attempt>)> = groups(&ran, |a| a.function.clone())
        .into_iter()
        .map(|(function, mut of)| {
            of.sort_by_key(|a| (a.at_us, a.duration_ns, a.memory_mb, a.list_cost, a.is_cold));
            (function, best(&of, window_ms), of)
        })
        .collect();
    all.sort_by_key(|(function, best, _)| (Reverse(best.paid - best.total), Reverse(best.paid), function.clone()));
    let names: Vec<&str> = all.iter().map(|(function, ..)| function.as_str()).collect();
    board.says("functions", &board.texts("break-even", "function"), &names);
    let says = |column: &str, figure: &dyn Fn(&Best, &[&Attempt]) -> Figure| {
        board.rows("break-even", column, &all.iter().map(|(_, best, of)| figure(best, of)).collect::<Vec<_>>());
    };
    says("environments", &|best, _| Figure::Count(best.environments));
    says("on_demand_cost", &|best, _| Figure::Amount(best.paid));
    says("provisioned_cost", &|best, _| Figure::Amount(best.total));
    says("saved_cost", &|best, _| Figure::Amount(best.paid - best.total));
    says("arrivals", &|_, of| Figure::Count(count(of, |_| true)));
    says("cold_starts", &|_, of| Figure::Count(count(of, |a| a.is_cold)));
    says("cold_starts_saved", &|best, _| Figure::Count(best.saved));
}

/// More environments are tried until none would run on demand any more.
fn best(of: &[&Attempt], window_ms: i128) -> Best {
    let paid = of.iter().map(|a| a.list_cost.expect("the demo's are priced")).sum();
    let memory_mb = i128::from(of.last().expect("a group has one").memory_mb);
    let ready = READY * memory_mb * (window_ms.max(60_000) + STEP_MS - 1).div_euclid(STEP_MS) * STEP_MS;
    let mut best = Best { paid, environments: 0, total: paid, saved: 0 };
    for environments in 1..1_000 {
        let mut free_at = vec![i64::MIN; environments];
        let (mut total, mut saved, mut spilled) = (ready * environments as i128, 0, 0);
        for attempt in of {
            let at_ns = attempt.at_us * 1_000;
            match free_at.iter_mut().find(|free_at| **free_at <= at_ns) {
                Some(free_at) => {
                    *free_at = at_ns + attempt.duration_ns;
                    let ms = (i128::from(attempt.duration_ns) + 999_999).div_euclid(1_000_000).max(1);
                    total += REQUEST + RUNNING * i128::from(attempt.memory_mb) * ms;
                    saved += i64::from(attempt.is_cold);
                }
                None => {
                    total += attempt.list_cost.expect("the demo's are priced");
                    spilled += 1;
                }
            }
        }
        if total < best.total {
            best = Best { paid, environments: environments as i64, total, saved };
        }
        if spilled == 0 {
            break;
        }
    }
    best
}

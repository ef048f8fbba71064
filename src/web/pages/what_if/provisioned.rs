//! What provisioned environments would have cost one function: the bills of a few numbers of them side by side, the
//! cheapest marked. The replay is `billing`'s.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::billing::{BreakEvenError, FunctionBreakEven, MAX_ARRIVALS, ReplayedOption};
use crate::units::{Money, nanos};
use crate::web::pages::format::{self, NONE};

use super::percent;

/// Numbers of environments on each side of the best that are shown.
const AROUND: usize = 2;

/// The break-even of one function.
#[derive(Serialize)]
pub(super) struct Provisioned {
    function: String,
    /// What an environment is: `1 024 MB · arm64 · us-east-1`.
    environment: String,
    price_book: String,
    currency: String,
    capacity_rate: String,
    duration_rate: String,
    /// What was replayed, and over how long.
    replayed: String,
    /// What is best, in a sentence.
    verdict: String,
    /// Whether some number of them is cheaper than none.
    gains: bool,
    options: Vec<Shown>,
}

/// The bill of one number of environments.
#[derive(Serialize)]
struct Shown {
    environments: usize,
    capacity: String,
    ran: String,
    spilled: String,
    total: String,
    exact: String,
    /// Against none of them.
    difference: String,
    cheaper: bool,
    best: bool,
    utilisation: String,
    served: String,
    saved: String,
    /// Of 1000, beside the dearest that is shown.
    width: i128,
}

impl Provisioned {
    pub(super) fn of(function: &str, found: &FunctionBreakEven) -> Result<Self, BreakEvenError> {
        let outcome = &found.outcome;
        let currency = found.rates.currency;
        let (none, best) = (&outcome.options[0], &outcome.options[outcome.best]);
        let window = nanos(found.to.since(found.from));
        let replayed = format!(
            "{} calls{} over {}",
            count(outcome.arrivals),
            if outcome.arrivals == MAX_ARRIVALS as u64 { ", the newest," } else { "" },
            format::duration(window)
        );
        let verdict = if outcome.best == 0 {
            let one = outcome.options.get(1).and_then(|one| one.total.checked_sub(none.total).ok());
            let dearer =
                one.map_or_else(String::new, |more| format!(" One would have cost {} {currency} more.", short(more)));
            format!("On demand was cheapest.{dearer}")
        } else {
            let saved = none.total.checked_sub(best.total)?;
            format!(
                "{} provisioned would have saved {} {currency} ({}) and {} of {} cold starts.",
                if outcome.best == 1 { "One environment".to_owned() } else { format!("{} environments", outcome.best) },
                short(saved),
                share(saved, none.total),
                count(best.cold_starts_saved),
                count(outcome.cold_starts),
            )
        };
        let shown = places(outcome.best, outcome.options.len());
        let dearest = shown.iter().map(|at| outcome.options[*at].total).max().unwrap_or_default();
        let option = |at: &usize| option(&outcome.options[*at], none.total, dearest, *at == outcome.best, window);
        Ok(Self {
            function: function.to_owned(),
            environment: format!(
                "{} MB · {} · {}",
                format::count(i64::from(found.memory.0)),
                found.architecture.as_str(),
                found.region
            ),
            price_book: found.rates.price_book.clone(),
            currency: currency.to_string(),
            capacity_rate: found.rates.capacity_per_gib_s()?.to_string(),
            duration_rate: found.rates.duration_per_gib_s()?.to_string(),
            replayed,
            verdict,
            gains: outcome.best > 0,
            options: shown.iter().map(option).collect(),
        })
    }
}

/// The numbers of environments that are shown: none, those around the best, and how it goes on to the most.
fn places(best: usize, options: usize) -> BTreeSet<usize> {
    let last = options - 1;
    let around = best.saturating_sub(AROUND)..=best + AROUND;
    let doubled = std::iter::successors(Some(1_usize), |at| at.checked_mul(2)).take_while(|at| *at < last);
    let wide: Vec<usize> = doubled.collect();
    // A function that is called by thousands at once has few rows all the same.
    let sparse = wide.iter().rev().step_by(wide.len().div_ceil(4).max(1)).copied();
    around.chain([0, 1, last]).chain(sparse).filter(|at| *at <= last).collect()
}

fn option(option: &ReplayedOption, none: Money, dearest: Money, best: bool, window: i64) -> Shown {
    let stood = i128::from(window) * option.environments as i128;
    let utilisation = match stood {
        0 => NONE.to_owned(),
        _ => percent(i128::from(nanos(option.busy)) * 1_000 / stood),
    };
    let cheaper = option.total < none;
    let difference = match (option.environments, option.total.checked_sub(none)) {
        (0, _) | (_, Err(_)) => NONE.to_owned(),
        (_, Ok(difference)) => {
            let sign = if difference > Money::ZERO { "+" } else { "" };
            format!("{sign}{} ({sign}{})", short(difference), share(difference, none))
        }
    };
    Shown {
        environments: option.environments,
        capacity: short(option.capacity),
        ran: short(option.ran),
        spilled: short(option.spilled),
        total: short(option.total),
        exact: option.total.to_string(),
        difference,
        cheaper,
        best,
        utilisation,
        served: count(option.served),
        saved: count(option.cold_starts_saved),
        width: (option.total.units() / (dearest.units() / 1_000).max(1)).clamp(0, 1_000),
    }
}

fn short(amount: Money) -> String {
    format::short_amount(&amount.to_string())
}

fn count(count: u64) -> String {
    format::count(i64::try_from(count).unwrap_or(i64::MAX))
}

/// `part` of `whole` with one decimal, cut off: for display.
fn share(part: Money, whole: Money) -> String {
    if whole == Money::ZERO {
        return NONE.to_owned();
    }
    percent(part.units() / (whole.units() / 1_000).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_numbers_are_shown_however_many_there_are() {
        assert_eq!(places(0, 1).into_iter().collect::<Vec<_>>(), [0]);
        assert_eq!(places(0, 2).into_iter().collect::<Vec<_>>(), [0, 1]);
        let many = places(17, 1_001);
        assert!(many.len() <= 14, "{many:?}");
        for at in [0, 1, 15, 16, 17, 18, 19, 1_000] {
            assert!(many.contains(&at), "{at} in {many:?}");
        }
    }

    #[test]
    fn shares_are_cut_and_signed() {
        let amount = |text: &str| text.parse::<Money>().unwrap();
        assert_eq!(share(amount("1"), amount("3")), "33.3 %");
        assert_eq!(share(amount("-0.5"), amount("4")), "-12.5 %");
        assert_eq!(share(amount("1"), Money::ZERO), NONE);
    }
}

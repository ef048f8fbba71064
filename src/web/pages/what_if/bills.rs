//! Bills side by side: tiles with their totals, their lines, and offers of other books and memory sizes beside what was paid.

use serde::Serialize;

use crate::billing::{Candidate, Error, Scenario, WhatIf};
use crate::units::nanos;
use crate::web::pages::format::{self, NONE};

use super::percent;

/// Decimals of an exact amount that are shown; all of them are in its title.
const SHOWN_DECIMALS: usize = 10;

/// A figure at the top.
#[derive(Serialize)]
pub(super) struct Tile {
    name: &'static str,
    value: String,
    note: String,
    class: &'static str,
}

/// One book's bill.
#[derive(Serialize)]
pub(super) struct ShownBill {
    title: String,
    price_book: String,
    currency: String,
    lines: Vec<ShownLine>,
    exact: String,
    exact_whole: String,
    total: String,
}

#[derive(Serialize)]
struct ShownLine {
    meter: String,
    region: String,
    tier: String,
    quantity: String,
    unit: String,
    free: String,
    unit_price: String,
    exact: String,
    exact_whole: String,
    rounded: String,
}

/// What another book or memory size would cost.
#[derive(Serialize)]
pub(super) struct Offer {
    href: String,
    name: String,
    /// Why it has no amount, or what was assumed.
    note: String,
    total: String,
    exact: String,
    difference: String,
    cheaper: bool,
}

/// What is billed: `1 234 calls of 30 d, billed as one month`.
pub(super) fn about(scenario: &Scenario, usage: &WhatIf) -> String {
    let records = i64::try_from(scenario.records).unwrap_or(i64::MAX);
    let length = format::duration(nanos(usage.to.since(usage.from)));
    let free = if usage.free_allowance { "" } else { ", free allowances left out" };
    format!("{} calls of {length}, billed as one month{free}", format::count(records))
}

/// The totals, and what is between them.
pub(super) fn tiles(before: &Scenario, after: Option<&Scenario>) -> Result<Vec<Tile>, Error> {
    let total = |name, scenario: &Scenario| -> Result<Tile, Error> {
        Ok(match scenario.total()? {
            Some((currency, exact, total)) => Tile {
                name,
                value: format!("{total} {currency}"),
                note: format!("exactly {}", shown(&exact.to_string())),
                class: "",
            },
            None if scenario.bills.is_empty() => {
                Tile { name, value: NONE.to_owned(), note: "nothing that has a price".to_owned(), class: "" }
            }
            None => Tile { name, value: NONE.to_owned(), note: "several currencies".to_owned(), class: "" },
        })
    };
    let mut tiles = vec![total("As it is", before)?];
    if let Some(after) = after {
        tiles.push(total("Changed", after)?);
        let cheaper = difference(before, after)?;
        let (value, class) = match &cheaper {
            Some((text, cheaper)) => (text.clone(), if *cheaper { "good" } else { "" }),
            None => (NONE.to_owned(), ""),
        };
        tiles.push(Tile { name: "Difference", value, note: "of exact amounts".to_owned(), class });
    }
    Ok(tiles)
}

/// What the second costs more than the first, and whether that is less; none where the two cannot be compared.
fn difference(before: &Scenario, after: &Scenario) -> Result<Option<(String, bool)>, Error> {
    let Some(difference) = after.against(before)? else { return Ok(None) };
    let cheaper = difference.exact.negative().is_positive();
    let sign = if difference.exact.is_positive() { "+" } else { "" };
    let share = difference.per_mille.map_or_else(String::new, |per_mille| format!(" ({sign}{})", percent(per_mille)));
    Ok(Some((format!("{sign}{}{share}", shown(&difference.exact.to_string())), cheaper)))
}

impl ShownBill {
    pub(super) fn all(scenario: &Scenario, title: &str) -> Vec<Self> {
        let bill = |bill: &crate::billing::Bill| Self {
            title: title.to_owned(),
            price_book: bill.price_book.clone(),
            currency: bill.currency.to_string(),
            lines: bill.lines.iter().map(line).collect(),
            exact: shown(&bill.exact_total.to_string()),
            exact_whole: bill.exact_total_ratio.clone().unwrap_or_else(|| bill.exact_total.to_string()),
            total: bill.total.to_string(),
        };
        scenario.bills.iter().map(bill).collect()
    }
}

fn line(line: &crate::billing::Line) -> ShownLine {
    let exact = line.exact.to_string();
    ShownLine {
        meter: line.meter.clone(),
        region: line.region.clone(),
        tier: if line.is_credit() { NONE.to_owned() } else { line.tier.to_string() },
        quantity: shown(&line.quantity.to_string()),
        unit: line.unit.clone(),
        free: if line.free_quantity.is_zero() { NONE.to_owned() } else { shown(&line.free_quantity.to_string()) },
        unit_price: line.unit_price.to_string(),
        exact: shown(&exact),
        exact_whole: line.exact_ratio.clone().unwrap_or(exact),
        rounded: line.rounded.to_string(),
    }
}

/// Candidates beside what was paid.
pub(super) fn offers(
    candidates: &[Candidate],
    before: &Scenario,
    href: impl Fn(&Candidate) -> String,
) -> Result<Vec<Offer>, Error> {
    let offer = |candidate: &Candidate| -> Result<Offer, Error> {
        let blank = Offer {
            href: String::new(),
            name: candidate.name.clone(),
            note: String::new(),
            total: NONE.to_owned(),
            exact: String::new(),
            difference: NONE.to_owned(),
            cheaper: false,
        };
        Ok(match &candidate.outcome {
            Err(reason) => Offer { note: reason.clone(), ..blank },
            Ok(scenario) => {
                let (difference, cheaper) = difference(before, scenario)?.unwrap_or((NONE.to_owned(), false));
                let total = scenario.total()?;
                Offer {
                    href: href(candidate),
                    note: scenario.notes.join("; "),
                    total: total.map_or_else(|| NONE.to_owned(), |(currency, _, total)| format!("{total} {currency}")),
                    exact: total.map(|(_, exact, _)| exact.to_string()).unwrap_or_default(),
                    difference,
                    cheaper,
                    ..blank
                }
            }
        })
    };
    candidates.iter().map(offer).collect()
}

/// A number with its thousands apart, cut to the decimals that are shown.
fn shown(number: &str) -> String {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.parse::<i64>().map_or_else(|_| whole.to_owned(), format::count);
    match decimals.len() {
        0 => format!("{sign}{whole}"),
        length if length <= SHOWN_DECIMALS => format!("{sign}{whole}.{decimals}"),
        _ => format!("{sign}{whole}.{}…", &decimals[..SHOWN_DECIMALS]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_cut_and_say_so() {
        assert_eq!(shown("1234567.5"), "1\u{202f}234\u{202f}567.5");
        assert_eq!(shown("-0.123456789012345"), "-0.1234567890…");
        assert_eq!(shown("7"), "7");
    }
}

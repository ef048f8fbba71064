//! A report as its page shows it: the rows of its files by price book, with the same digits where money is rounded, and cut
//! where it is exact; the whole stands in a hint.

use serde::Serialize;

use crate::billing::{BridgeRow, Kind, Report, Row, RowType};
use crate::report::{self, File, amount, days, decimal, dimension_value, meter};
use crate::web::pages::format;

/// Rows that a page shows; the files have all.
const ROWS: usize = 500;

#[derive(Serialize)]
pub(super) struct Shown {
    title: String,
    /// `2026-03`
    period: String,
    open: bool,
    document: Option<String>,
    rows_in_all: String,
    totals: Vec<Total>,
    shares: Vec<Share>,
    books: Vec<Book>,
    /// Rows that are in the files alone.
    more: Option<String>,
    bridge: Vec<Step>,
    sources: Vec<Fact>,
}

#[derive(Serialize)]
struct Total {
    currency: String,
    billed: String,
    exact: String,
    exact_in_full: String,
}

#[derive(Serialize)]
struct Share {
    name: String,
    amount: String,
}

/// A book's lines.
#[derive(Serialize)]
struct Book {
    name: String,
    price_book: String,
    days: String,
    exact: String,
    exact_in_full: String,
    total: String,
    lines: Vec<Line>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Line {
    name: String,
    /// Region, tier, what is free.
    note: String,
    quantity: String,
    unit: String,
    unit_price: String,
    exact: String,
    exact_in_full: String,
    billed: String,
}

#[derive(Serialize)]
struct Step {
    meter: String,
    region: String,
    steps: Vec<Exact>,
    billed: String,
}

#[derive(Serialize)]
struct Exact {
    shown: String,
    in_full: String,
}

#[derive(Serialize)]
struct Fact {
    name: String,
    value: String,
}

pub(super) fn shown(report: &Report, files: &[File]) -> Shown {
    let is_chargeback = matches!(report.kind, Kind::Chargeback(_));
    let mut left = ROWS;
    let books = report.bills.iter().map(|bill| {
        let rows = report.rows.iter().filter(|row| row.row_type != RowType::Total && row.book == bill.book);
        let lines: Vec<Line> = rows.take(left).map(|row| line(&report.kind, row)).collect();
        left -= lines.len();
        Book {
            name: bill.name.clone(),
            price_book: bill.price_book.clone(),
            days: days(bill.from, bill.to, bill.zone),
            exact: decimal(bill.exact_total),
            exact_in_full: in_full(bill.exact_total.as_fraction(), &bill.exact_total),
            total: format!("{} {}", bill.currency, amount(bill.total)),
            lines,
            notes: bill.notes.clone(),
        }
    });
    let books: Vec<Book> = books.collect();
    let lines = report.rows.iter().filter(|row| row.row_type != RowType::Total).count();
    let beyond = lines.saturating_sub(ROWS);
    let count = |count: usize| format::count(i64::try_from(count).unwrap_or(i64::MAX));
    let shares = if is_chargeback { report::shares(report) } else { Vec::new() };
    let shares = shares.into_iter().take(ROWS).map(|share| Share {
        name: share.name.to_owned(),
        amount: format!("{} {}", share.currency, amount(share.amount)),
    });
    Shown {
        title: report::title(&report.kind),
        period: report.month.to_string(),
        open: report.open,
        document: files.first().map(|file| file.manifest.document.clone()),
        rows_in_all: count(report.rows.len()),
        totals: report.rows.iter().filter(|row| row.row_type == RowType::Total).map(total).collect(),
        shares: shares.collect(),
        books,
        more: (beyond > 0).then(|| count(beyond)),
        bridge: report.bridge.iter().map(step).collect(),
        sources: sources(report),
    }
}

fn total(row: &Row) -> Total {
    Total {
        currency: row.currency.to_string(),
        billed: amount(row.billed_cost),
        exact: decimal(row.exact_cost),
        exact_in_full: in_full(row.exact_cost.as_fraction(), &row.exact_cost),
    }
}

fn line(kind: &Kind, row: &Row) -> Line {
    let mut notes = Vec::new();
    notes.extend(row.tier.filter(|tier| *tier > 1).map(|tier| format!("tier {tier}")));
    notes.extend((!row.region.is_empty()).then(|| row.region.clone()));
    let free = row.free_quantity.filter(|free| free.is_positive());
    notes.extend(free.map(|free| format!("{} {} free", decimal(free), row.unit)));
    let name = match (kind, row.row_type) {
        (Kind::Chargeback(_), RowType::Line) => {
            notes.insert(0, meter(&row.meter));
            dimension_value(kind, row).to_owned()
        }
        (_, RowType::Line) => meter(&row.meter),
        _ => dimension_value(kind, row).to_owned(),
    };
    // A credit has an amount alone.
    let is_usage = row.tier.is_some();
    Line {
        name,
        note: notes.join(" · "),
        quantity: row.quantity.filter(|_| is_usage).map(decimal).unwrap_or_default(),
        unit: if is_usage { row.unit.clone() } else { String::new() },
        unit_price: row
            .unit_price
            .filter(|_| is_usage)
            .map(|price| in_full(price.as_fraction(), &price))
            .unwrap_or_default(),
        exact: decimal(row.exact_cost),
        exact_in_full: in_full(row.exact_cost.as_fraction(), &row.exact_cost),
        billed: amount(row.billed_cost),
    }
}

fn step(row: &BridgeRow) -> Step {
    let steps = [row.list, row.free, row.tiers, row.other, row.rounding];
    let exact = |step: &_| {
        let step = *step;
        Exact { shown: decimal(step), in_full: in_full(step.as_fraction(), &step) }
    };
    Step {
        meter: meter(&row.meter),
        region: row.region.clone(),
        steps: steps.iter().map(exact).collect(),
        billed: format!("{} {}", row.currency, amount(row.billed)),
    }
}

fn in_full(fraction: Option<String>, number: &impl std::fmt::Display) -> String {
    fraction.unwrap_or_else(|| number.to_string())
}

fn sources(report: &Report) -> Vec<Fact> {
    let sources = &report.sources;
    let count = |count: u64| format::count(i64::try_from(count).unwrap_or(i64::MAX));
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    let mut facts = vec![fact("Records of the month", count(sources.records))];
    if sources.unpriced > 0 {
        facts.push(fact("Of these, without a price", count(sources.unpriced)));
    }
    let costs =
        sources.list_cost.iter().map(|(currency, exact)| fact("Their list cost", format!("{currency} {exact}")));
    facts.extend(costs);
    facts.push(fact("Version of the table of invocations", sources.table_version.to_string()));
    let books = report.bills.iter().map(|bill| fact(&bill.price_book, format!("sha256 {}", bill.sha256)));
    facts.extend(books);
    facts.push(fact("Made by", format!("Faremeter {}", sources.engine)));
    facts
}

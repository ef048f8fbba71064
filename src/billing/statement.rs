//! Makes a report of a rated month: the rows of a statement or a chargeback, its totals and its bridge. How it is written
//! down is `report`'s.

use std::collections::BTreeMap;

use crate::cost::rating::{Line, Minor, Ratio};
use crate::units::{Currency, Timestamp};

use super::bridge::{amount, bridge};
use super::month_rated::RatedMonth;
use super::rated::Rated;
use super::shares::{Users, key};
use super::{BillFacts, CostCenter, Dimension, Error, Kind, Report, Row, RowType};

/// A report of the month. `now` says whether it is over.
pub(super) fn report(kind: Kind, rated: &RatedMonth, centers: &[CostCenter], now: Timestamp) -> Result<Report, Error> {
    let mut rows = Vec::new();
    for book in &rated.books {
        match &kind {
            Kind::Statement => rows.extend(book.bill.lines.iter().map(|line| row(book, line))),
            Kind::Chargeback(dimension) => rows.extend(shared(book, dimension, centers)?),
        }
    }
    let rounded = rated.books.iter().filter(|book| !book.bill.rounding.is_zero());
    rows.extend(rounded.map(rounding));
    let totals = totals(&rows)?;
    rows.extend(totals);
    let bridge = match kind {
        Kind::Statement => rated.books.iter().map(bridge).collect::<Result<Vec<_>, _>>()?.concat(),
        Kind::Chargeback(_) => Vec::new(),
    };
    Ok(Report {
        kind,
        month: rated.month,
        open: now < rated.end(),
        bills: rated.books.iter().map(facts).collect(),
        rows,
        bridge,
        sources: rated.sources.clone(),
    })
}

fn facts(rated: &Rated) -> BillFacts {
    let bill = &rated.bill;
    BillFacts {
        book: bill.book.clone(),
        name: rated.name.clone(),
        price_book: bill.price_book.clone(),
        sha256: bill.sha256.clone(),
        scope: bill.scope,
        zone: bill.zone,
        from: rated.from,
        to: rated.to,
        currency: bill.currency,
        exact_total: bill.exact_total,
        total: bill.total,
        records: rated.counted.records,
        notes: rated.notes.clone(),
    }
}

fn row(rated: &Rated, line: &Line) -> Row {
    Row {
        row_type: RowType::Line,
        book: rated.bill.book.clone(),
        region: line.region.clone(),
        meter: line.meter.clone(),
        tier: line.number.map(|_| line.tier),
        dimension: String::new(),
        quantity: Some(line.quantity),
        free_quantity: Some(line.free_quantity),
        unit: line.unit.clone(),
        unit_price: Some(line.unit_price),
        exact_cost: line.exact,
        billed_cost: line.rounded,
        currency: rated.bill.currency,
    }
}

/// A row for each share of each line.
fn shared(rated: &Rated, dimension: &Dimension, centers: &[CostCenter]) -> Result<Vec<Row>, Error> {
    let users = Users::of(rated, |owner| key(owner, dimension, centers))?;
    let mut rows = Vec::new();
    for line in &rated.bill.lines {
        for share in users.share(rated, line)? {
            rows.push(Row {
                dimension: share.key,
                quantity: Some(share.quantity),
                free_quantity: Some(share.free_quantity),
                exact_cost: share.exact,
                billed_cost: Minor::new(share.billed, line.rounded.digits()),
                ..row(rated, line)
            });
        }
    }
    Ok(rows)
}

fn rounding(rated: &Rated) -> Row {
    let bill = &rated.bill;
    blank(RowType::Rounding, &bill.book, bill.currency, Ratio::ZERO, bill.rounding)
}

/// A row that is of no meter.
fn blank(row_type: RowType, book: &str, currency: Currency, exact_cost: Ratio, billed_cost: Minor) -> Row {
    Row {
        row_type,
        book: book.to_owned(),
        region: String::new(),
        meter: String::new(),
        tier: None,
        dimension: String::new(),
        quantity: None,
        free_quantity: None,
        unit: String::new(),
        unit_price: None,
        exact_cost,
        billed_cost,
        currency,
    }
}

/// One row for each currency. Where books have amounts of different decimals, those of the most.
fn totals(rows: &[Row]) -> Result<Vec<Row>, Error> {
    let mut totals: BTreeMap<String, Row> = BTreeMap::new();
    for row in rows {
        let code = row.currency.code().to_owned();
        let Some(total) = totals.get_mut(&code) else {
            totals.insert(code, blank(RowType::Total, "", row.currency, row.exact_cost, row.billed_cost));
            continue;
        };
        total.exact_cost = total.exact_cost.plus(row.exact_cost)?;
        let digits = total.billed_cost.digits().max(row.billed_cost.digits());
        let sum =
            amount(total.billed_cost)?.plus(amount(row.billed_cost)?)?.times(Ratio::whole(10_i128.pow(digits)))?;
        total.billed_cost = Minor::new(sum.as_whole().ok_or(Error::TooLarge)?, digits);
    }
    Ok(totals.into_values().collect())
}

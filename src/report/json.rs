//! The whole report as one JSON document. Numbers are text with all their digits, as in the bills of `faremeter price`; where
//! decimals do not end, the fraction stands beside them.

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::billing::{BillFacts, BridgeRow, Head, Kind, Row};
use crate::cost::rating::{Minor, Ratio, Scope, Zone};

use super::lines::{self, Cell, Column, Lines};
use super::{Digest, Error, Format};

/// Hex digits of the content's digest in a document's id.
const ID_DIGITS: usize = 12;

/// The report, as it is written.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<&'a str>,
    kind: &'static str,
    dimension: Option<String>,
    period: &'a str,
    open: bool,
    head: HeadTexts<'a>,
    rows: Rows<'a>,
    bills: Vec<Bill<'a>>,
    bridge: Vec<Bridge<'a>>,
    sources: Sources<'a>,
}

/// What is not set is left out.
#[derive(Serialize)]
struct HeadTexts<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purchase_order: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_terms: Option<&'a str>,
}

/// Rows are written one by one: there may be many.
struct Rows<'a>(&'a Lines<'a>);

struct RowCells<'a>(&'a Lines<'a>, &'a Row);

#[derive(Serialize)]
struct Bill<'a> {
    book: &'a str,
    name: &'a str,
    price_book: &'a str,
    sha256: &'a str,
    scope: Scope,
    zone: Zone,
    from: String,
    to: String,
    currency: &'a str,
    exact_total: Ratio,
    #[serde(skip_serializing_if = "Option::is_none")]
    exact_total_ratio: Option<String>,
    total: Minor,
    records: String,
    notes: &'a [String],
}

#[derive(Serialize)]
struct Bridge<'a> {
    price_book: &'a str,
    region: &'a str,
    meter: &'a str,
    list: Number,
    free: Number,
    tiers: Number,
    other: Number,
    rounding: Number,
    billed: Minor,
    currency: &'a str,
}

/// Digits, or the fraction where they do not end.
struct Number(Ratio);

#[derive(Serialize)]
struct Sources<'a> {
    table: &'static str,
    table_version: String,
    records: String,
    unpriced: String,
    list_cost: Vec<ListCost<'a>>,
    engine_version: &'a str,
}

#[derive(Serialize)]
struct ListCost<'a> {
    currency: &'a str,
    exact: Ratio,
}

/// Names the content: the same report and head have the same id in each format, another has another.
pub(super) fn document_id(lines: &Lines<'_>, head: &Head) -> Result<String, Error> {
    let digest = Digest::of_json(&document(lines, head, None)).map_err(refused)?.to_string();
    Ok(format!("FM-{}-{}", lines.period, &digest[..ID_DIGITS]))
}

pub(super) fn write(lines: &Lines<'_>, head: &Head, id: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = serde_json::to_vec_pretty(&document(lines, head, Some(id))).map_err(refused)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn refused(error: serde_json::Error) -> Error {
    Error::refused(Format::Json, error)
}

fn document<'a>(lines: &'a Lines<'a>, head: &'a Head, id: Option<&'a str>) -> Document<'a> {
    let report = lines.report;
    let dimension = match &report.kind {
        Kind::Statement => None,
        Kind::Chargeback(dimension) => Some(dimension.to_string()),
    };
    let sources = &report.sources;
    let list_cost =
        sources.list_cost.iter().map(|(currency, exact)| ListCost { currency: currency.code(), exact: *exact });
    Document {
        document: id,
        kind: report.kind.as_str(),
        dimension,
        period: &lines.period,
        open: report.open,
        head: HeadTexts {
            issuer: head.issuer.as_deref(),
            tax_id: head.tax_id.as_deref(),
            customer: head.customer.as_deref(),
            purchase_order: head.purchase_order.as_deref(),
            payment_terms: head.payment_terms.as_deref(),
        },
        rows: Rows(lines),
        bills: report.bills.iter().map(bill).collect(),
        bridge: report.bridge.iter().map(|row| bridge(lines, row)).collect(),
        sources: Sources {
            table: "invocations",
            table_version: sources.table_version.to_string(),
            records: sources.records.to_string(),
            unpriced: sources.unpriced.to_string(),
            list_cost: list_cost.collect(),
            engine_version: sources.engine,
        },
    }
}

fn bill(bill: &BillFacts) -> Bill<'_> {
    Bill {
        book: &bill.book,
        name: &bill.name,
        price_book: &bill.price_book,
        sha256: &bill.sha256,
        scope: bill.scope,
        zone: bill.zone,
        from: bill.from.to_string(),
        to: bill.to.to_string(),
        currency: bill.currency.code(),
        exact_total: bill.exact_total,
        exact_total_ratio: bill.exact_total.as_fraction(),
        total: bill.total,
        records: bill.records.to_string(),
        notes: &bill.notes,
    }
}

fn bridge<'a>(lines: &'a Lines<'a>, row: &'a BridgeRow) -> Bridge<'a> {
    Bridge {
        price_book: lines.price_book(&row.book),
        region: &row.region,
        meter: &row.meter,
        list: Number(row.list),
        free: Number(row.free),
        tiers: Number(row.tiers),
        other: Number(row.other),
        rounding: Number(row.rounding),
        billed: row.billed,
        currency: row.currency.code(),
    }
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(Some(self.0.report.rows.len()))?;
        for row in &self.0.report.rows {
            rows.serialize_element(&RowCells(self.0, row))?;
        }
        rows.end()
    }
}

impl Serialize for RowCells<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        for column in Column::ALL {
            let name = column.name();
            match self.0.cell(self.1, column) {
                // A fraction is told where there is one.
                Cell::Empty if column.kind() == lines::Kind::Fraction => {}
                Cell::Empty => members.serialize_entry(name, &None::<&str>)?,
                Cell::Text(text) => members.serialize_entry(name, &text)?,
                Cell::Count(count) => members.serialize_entry(name, &count)?,
                Cell::Exact(number) => members.serialize_entry(name, &number)?,
                Cell::Money(amount) => members.serialize_entry(name, &amount)?,
                Cell::Fraction(fraction) => members.serialize_entry(name, &fraction)?,
            }
        }
        members.end()
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_fraction() {
            Some(fraction) => serializer.serialize_str(&fraction),
            None => serializer.collect_str(&self.0),
        }
    }
}

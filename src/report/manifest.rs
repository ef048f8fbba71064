//! What stands beside a file: whether a copy is whole, what it adds up to, and what it was made from, so that it can be made
//! again. It names no time of making: the same report has the same manifest.

use serde::{Deserialize, Serialize};

use crate::billing::{Dimension, Kind, Report, RowType};

use super::{Digest, Format};

/// A file's manifest. Amounts are text with all digits, counts are numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The file's name.
    pub file: String,
    /// The format's name.
    pub format: String,
    pub media_type: String,
    /// The file's length.
    pub bytes: u64,
    /// The file's digest, in hex.
    pub sha256: String,
    /// Names the content, whatever its format.
    pub document: String,
    /// `statement` or `chargeback`.
    pub kind: String,
    /// What a chargeback shares out by.
    pub dimension: Option<String>,
    /// The month.
    pub period: String,
    /// Whether the month was not over, so that the figures will grow.
    pub open: bool,
    /// Rows, totals included and a header not.
    pub row_count: u64,
    /// What the rows add up to, by currency.
    pub control_totals: Vec<ControlTotal>,
    pub price_books: Vec<PriceBook>,
    /// The version of the table `invocations` that was read.
    pub table_version: i64,
    /// Records in the month.
    pub records: u64,
    /// Of these, records that no book prices.
    pub unpriced: u64,
    /// The version of the program.
    pub engine_version: String,
}

/// What a file's rows add up to in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlTotal {
    pub currency: String,
    pub exact_cost: String,
    /// The exact cost as a fraction, where its decimals do not end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact_cost_ratio: Option<String>,
    pub billed_cost: String,
}

/// Prices that the file's amounts were made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceBook {
    /// Id and edition.
    pub price_book: String,
    /// The digest of the book's text, in hex.
    pub sha256: String,
    /// The month's start by the book's zone.
    pub from: String,
    /// The month's end, not included.
    pub to: String,
    /// Records that it rated.
    pub records: u64,
}

impl Manifest {
    pub(super) fn of(report: &Report, format: Format, document: String, bytes: &[u8]) -> Self {
        let price_books = report.bills.iter().map(|bill| PriceBook {
            price_book: bill.price_book.clone(),
            sha256: bill.sha256.clone(),
            from: bill.from.to_string(),
            to: bill.to.to_string(),
            records: bill.records,
        });
        Self {
            file: file_name(report, format),
            format: format.as_str().to_owned(),
            media_type: format.media_type().to_owned(),
            bytes: bytes.len() as u64,
            sha256: Digest::of(bytes).to_string(),
            document,
            kind: report.kind.as_str().to_owned(),
            dimension: match &report.kind {
                Kind::Statement => None,
                Kind::Chargeback(dimension) => Some(dimension.to_string()),
            },
            period: report.month.to_string(),
            open: report.open,
            row_count: report.rows.len() as u64,
            control_totals: control_totals(report),
            price_books: price_books.collect(),
            table_version: report.sources.table_version,
            records: report.sources.records,
            unpriced: report.sources.unpriced,
            engine_version: report.sources.engine.to_owned(),
        }
    }

    /// The same for the file under another name.
    #[must_use]
    pub fn named(mut self, file: impl Into<String>) -> Self {
        self.file = file.into();
        self
    }

    /// Whether these are the file's bytes.
    #[must_use]
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        self.sha256 == Digest::of(bytes).to_string()
    }

    /// The manifest's own bytes: JSON with a line for each member.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("texts and numbers can be written as JSON");
        bytes.push(b'\n');
        bytes
    }
}

/// The totals that the report's own rows state.
pub(super) fn control_totals(report: &Report) -> Vec<ControlTotal> {
    let totals = report.rows.iter().filter(|row| row.row_type == RowType::Total);
    let total = totals.map(|row| ControlTotal {
        currency: row.currency.code().to_owned(),
        exact_cost: row.exact_cost.to_string(),
        exact_cost_ratio: row.exact_cost.as_fraction(),
        billed_cost: row.billed_cost.to_string(),
    });
    total.collect()
}

/// A name that says what the file is: `faremeter-chargeback-tag-team-2026-03.csv`.
fn file_name(report: &Report, format: Format) -> String {
    let by = match &report.kind {
        Kind::Statement => String::new(),
        Kind::Chargeback(Dimension::Tag(key)) => format!("-tag-{}", plain(key)),
        Kind::Chargeback(dimension) => format!("-{}", plain(&dimension.to_string())),
    };
    format!("faremeter-{}{by}-{}.{format}", report.kind.as_str(), report.month)
}

/// The text with only what every file system and header takes, and not long.
fn plain(text: &str) -> String {
    text.chars().take(60).map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect()
}

//! A report as passive rows: what all formats of it say. What is in the rows is computed by the rest of `billing`; how
//! they are written down is `report`'s.

use std::fmt;
use std::str::FromStr;

use crate::cost::rating::{Minor, Ratio, Scope, Zone};
use crate::units::{Currency, Timestamp};

use super::Month;

/// What a report is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The month's lines, as on an invoice.
    Statement,
    /// Whose share of each line it is.
    Chargeback(Dimension),
}

/// By what a chargeback shares out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    Function,
    Tenant,
    /// The cost center that the configuration says; what none takes is of `""`.
    CostCenter,
    /// The value of the tag with this key; records without it share the value `""`, shown as untagged.
    Tag(String),
}

/// A text that names no dimension.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not what a chargeback can be by: write function, tenant, cost-center or tag:KEY")]
pub struct DimensionError(String);

/// What a month's file says. The same records, books and kind give the same report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub kind: Kind,
    pub month: Month,
    /// Whether the month was not over when it was rated, so that the figures will grow.
    pub open: bool,
    /// One for each book that priced records of the month, by id.
    pub bills: Vec<BillFacts>,
    /// All `line` rows by book, region, meter, tier and dimension; then a `rounding` row for each book that rounds its total;
    /// then one `total` for each currency.
    pub rows: Vec<Row>,
    /// How list cost becomes billed cost, in the order of the rows. In a statement only.
    pub bridge: Vec<BridgeRow>,
    pub sources: Sources,
}

/// One book's bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillFacts {
    /// The book's id, such as `aws-lambda`.
    pub book: String,
    /// Its name, for people.
    pub name: String,
    /// Id and edition, such as `aws-lambda@2025-10-01`.
    pub price_book: String,
    /// The digest of the book's text, in hex.
    pub sha256: String,
    /// Within what tiers and allowances add up.
    pub scope: Scope,
    /// The zone whose midnights bound the month.
    pub zone: Zone,
    /// Start, included.
    pub from: Timestamp,
    /// End, not included.
    pub to: Timestamp,
    pub currency: Currency,
    /// The sum of its exact lines.
    pub exact_total: Ratio,
    /// What is invoiced.
    pub total: Minor,
    /// Records that it rated.
    pub records: u64,
    /// What was assumed, one sentence each.
    pub notes: Vec<String>,
}

/// What a row of a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowType {
    /// A meter's tier, a credit, or a share of one.
    Line,
    /// What the rounded lines and the book's rounded total differ by.
    Rounding,
    /// The sum of all rows above in one currency.
    Total,
}

/// A row of the contract's statement and chargeback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub row_type: RowType,
    /// The book's id; empty in a total.
    pub book: String,
    /// The region whose prices these are; empty where it is all of them.
    pub region: String,
    /// Empty in a rounding and a total.
    pub meter: String,
    /// From 1; none in a credit, a rounding and a total.
    pub tier: Option<usize>,
    /// Whose share it is; empty in a statement, and for what has no such tag.
    pub dimension: String,
    /// What is paid for, in units.
    pub quantity: Option<Ratio>,
    /// What was used beside it and is free; in a meter's first tier.
    pub free_quantity: Option<Ratio>,
    pub unit: String,
    pub unit_price: Option<Ratio>,
    /// Before rounding.
    pub exact_cost: Ratio,
    /// As invoiced.
    pub billed_cost: Minor,
    pub currency: Currency,
}

/// How a meter's list cost becomes what is billed for it: `list + free + tiers + other + rounding = billed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeRow {
    pub book: String,
    pub region: String,
    /// The meter, or what a row without one is, such as a credit.
    pub meter: String,
    /// What its usage costs at the first tier without free allowances.
    pub list: Ratio,
    /// What allowances and credits take off; 0 or less.
    pub free: Ratio,
    /// What higher tiers change.
    pub tiers: Ratio,
    /// What no list cost holds, such as a monthly fee or capacity that stands ready.
    pub other: Ratio,
    /// What rounding changes.
    pub rounding: Ratio,
    pub billed: Minor,
    pub currency: Currency,
}

/// What a report was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// The version of the table `invocations`.
    pub table_version: i64,
    /// Records in the month, those without a price included.
    pub records: u64,
    /// Of these, records that no book prices: they are in no line.
    pub unpriced: u64,
    /// The exact sum of their `list_cost`, by currency.
    pub list_cost: Vec<(Currency, Ratio)>,
    /// The version of the program.
    pub engine: &'static str,
}

impl RowType {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Rounding => "rounding",
            Self::Total => "total",
        }
    }
}

impl Kind {
    /// `statement` or `chargeback`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Statement => "statement",
            Self::Chargeback(_) => "chargeback",
        }
    }
}

impl FromStr for Dimension {
    type Err = DimensionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "function" => Ok(Self::Function),
            "tenant" => Ok(Self::Tenant),
            "cost-center" => Ok(Self::CostCenter),
            _ => match text.strip_prefix("tag:") {
                Some(key) if !key.is_empty() => Ok(Self::Tag(key.to_owned())),
                _ => Err(DimensionError(text.to_owned())),
            },
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function => f.write_str("function"),
            Self::Tenant => f.write_str("tenant"),
            Self::CostCenter => f.write_str("cost-center"),
            Self::Tag(key) => write!(f, "tag:{key}"),
        }
    }
}

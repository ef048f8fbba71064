//! The table that each format writes: which columns a row has and what is in them. The contract's columns come first and
//! keep their order; further ones follow.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::billing::{Report, Row};
use crate::cost::rating::{Minor, Ratio};

/// A report whose rows can be told by column.
pub(super) struct Lines<'a> {
    pub(super) report: &'a Report,
    /// `2026-03`
    pub(super) period: String,
    /// Id and edition of each book by its id.
    books: BTreeMap<&'a str, &'a str>,
}

/// What is in a row's column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    Empty,
    Text(Cow<'a, str>),
    Count(usize),
    Exact(Ratio),
    /// Rounded to the currency's smallest amount.
    Money(Minor),
    /// Numerator and denominator of what does not end as a decimal.
    Fraction(String),
}

/// What a column's cells are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Count,
    Exact,
    Money,
    Fraction,
}

/// A column of a statement and a chargeback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    LineType,
    Period,
    Meter,
    Tier,
    Dimension,
    Quantity,
    Unit,
    UnitPrice,
    ExactCost,
    BilledCost,
    Currency,
    PriceBook,
    Region,
    FreeQuantity,
    QuantityRatio,
    FreeQuantityRatio,
    UnitPriceRatio,
    ExactCostRatio,
}

impl Column {
    /// All, in the files' order.
    pub(super) const ALL: [Self; 18] = [
        Self::LineType,
        Self::Period,
        Self::Meter,
        Self::Tier,
        Self::Dimension,
        Self::Quantity,
        Self::Unit,
        Self::UnitPrice,
        Self::ExactCost,
        Self::BilledCost,
        Self::Currency,
        Self::PriceBook,
        Self::Region,
        Self::FreeQuantity,
        Self::QuantityRatio,
        Self::FreeQuantityRatio,
        Self::UnitPriceRatio,
        Self::ExactCostRatio,
    ];

    /// Its name in every format.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::LineType => "line_type",
            Self::Period => "period",
            Self::Meter => "meter",
            Self::Tier => "tier",
            Self::Dimension => "dimension",
            Self::Quantity => "quantity",
            Self::Unit => "unit",
            Self::UnitPrice => "unit_price",
            Self::ExactCost => "exact_cost",
            Self::BilledCost => "billed_cost",
            Self::Currency => "currency",
            Self::PriceBook => "price_book",
            Self::Region => "region",
            Self::FreeQuantity => "free_quantity",
            Self::QuantityRatio => "quantity_ratio",
            Self::FreeQuantityRatio => "free_quantity_ratio",
            Self::UnitPriceRatio => "unit_price_ratio",
            Self::ExactCostRatio => "exact_cost_ratio",
        }
    }

    /// What its cells are.
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::LineType | Self::Period | Self::Meter | Self::Dimension | Self::Unit => Kind::Text,
            Self::Currency | Self::PriceBook | Self::Region => Kind::Text,
            Self::Tier => Kind::Count,
            Self::Quantity | Self::UnitPrice | Self::ExactCost | Self::FreeQuantity => Kind::Exact,
            Self::BilledCost => Kind::Money,
            Self::QuantityRatio | Self::FreeQuantityRatio | Self::UnitPriceRatio | Self::ExactCostRatio => {
                Kind::Fraction
            }
        }
    }

    /// The column that says in full what this one's decimals may not.
    pub(super) const fn ratio(self) -> Option<Self> {
        match self {
            Self::Quantity => Some(Self::QuantityRatio),
            Self::FreeQuantity => Some(Self::FreeQuantityRatio),
            Self::UnitPrice => Some(Self::UnitPriceRatio),
            Self::ExactCost => Some(Self::ExactCostRatio),
            _ => None,
        }
    }
}

impl<'a> Lines<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let books = report.bills.iter().map(|bill| (bill.book.as_str(), bill.price_book.as_str())).collect();
        Self { report, period: report.month.to_string(), books }
    }

    /// Id and edition of a book; the id alone where the report has no bill of it.
    pub(super) fn price_book(&self, book: &'a str) -> &'a str {
        self.books.get(book).copied().unwrap_or(book)
    }

    /// What is in the row's column.
    pub(super) fn cell<'r>(&'r self, row: &'r Row, column: Column) -> Cell<'r>
    where
        'a: 'r,
    {
        match column {
            Column::LineType => text(row.row_type.as_str()),
            Column::Period => text(&self.period),
            Column::Meter => text(&row.meter),
            Column::Tier => row.tier.map_or(Cell::Empty, Cell::Count),
            Column::Dimension => text(&row.dimension),
            Column::Quantity => exact(row.quantity),
            Column::Unit => text(&row.unit),
            Column::UnitPrice => exact(row.unit_price),
            Column::ExactCost => Cell::Exact(row.exact_cost),
            Column::BilledCost => Cell::Money(row.billed_cost),
            Column::Currency => text(row.currency.code()),
            Column::PriceBook => text(self.books.get(row.book.as_str()).copied().unwrap_or(&row.book)),
            Column::Region => text(&row.region),
            Column::FreeQuantity => exact(row.free_quantity),
            Column::QuantityRatio => fraction(row.quantity),
            Column::FreeQuantityRatio => fraction(row.free_quantity),
            Column::UnitPriceRatio => fraction(row.unit_price),
            Column::ExactCostRatio => fraction(Some(row.exact_cost)),
        }
    }
}

fn text(text: &str) -> Cell<'_> {
    if text.is_empty() { Cell::Empty } else { Cell::Text(Cow::Borrowed(text)) }
}

fn exact<'a>(number: Option<Ratio>) -> Cell<'a> {
    number.map_or(Cell::Empty, Cell::Exact)
}

fn fraction<'a>(number: Option<Ratio>) -> Cell<'a> {
    number.and_then(Ratio::as_fraction).map_or(Cell::Empty, Cell::Fraction)
}

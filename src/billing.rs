//! What a month costs by its books' own rules and whose share that is: usage counted from stored records, rated, shared
//! out, kept as `charges`. Prices and tiers are `cost`'s, files of a report are `report`'s.

mod books;
mod break_even;
mod bridge;
mod charges;
mod cost_centers;
mod counting;
mod looks;
mod month;
mod month_rated;
mod price_tables;
mod rated;
mod rater;
mod report;
mod service;
mod shares;
mod statement;
mod sums;
#[cfg(test)]
mod tests;
mod what_if;

use std::path::PathBuf;
use std::time::Duration;

use crate::cost::rating::{self, TooLarge};
use crate::{query, store};

pub use crate::cost::break_even::Provisioned as ReplayedOption;
pub use crate::cost::rating::{Bill, Line};
pub use books::read_books;
pub use break_even::{BreakEvenError, FunctionBreakEven, MAX_ARRIVALS, break_even_aggregate};
pub use charges::{Charges, State};
pub use cost_centers::CostCenter;
pub use counting::{Cell, Counted, Counting, Filter, Owner, Shares, Substitution, Whose};
pub use month::{Month, MonthError};
pub use month_rated::RatedMonth;
pub use price_tables::price_tables;
pub use rated::Rated;
pub use rater::{Bell, Rater};
pub use report::{BillFacts, BridgeRow, Dimension, DimensionError, Kind, Report, Row, RowType, Sources};
pub use service::{Parts, Service};
pub use shares::{Share, Users, largest_remainder};
pub use what_if::{Again, Candidate, Change, Difference, Scenario, WhatIf};

/// What bills are made with. Defaults in brackets.
#[derive(Debug, Clone)]
pub struct Config {
    /// A folder with price books (*.toml) beside those of the program, or in their place (none).
    pub books: Option<PathBuf>,
    /// How often new records are looked for to rate their months (1 min); longer where rating takes long.
    pub interval: Duration,
    /// Rows that all charges together may have (1,000,000): they are held in memory.
    pub max_charges: usize,
    /// Functions, tenants and sets of tags in a month, all combinations of them (200,000).
    pub max_owners: usize,
    /// Months whose rating is remembered for the next report (3).
    pub months_remembered: usize,
    /// How long a file of `charges` is kept after it was replaced (1 h): who reads it may still be at it.
    pub vacuum_after: Duration,
    /// Which cost center usage belongs to: the first rule that takes it says so (none).
    pub cost_centers: Vec<CostCenter>,
    pub head: Head,
}

/// What stands at the head of a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    pub issuer: Option<String>,
    pub customer: Option<String>,
    pub purchase_order: Option<String>,
    pub tax_id: Option<String>,
    pub payment_terms: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            books: None,
            interval: Duration::from_secs(60),
            max_charges: 1_000_000,
            max_owners: 200_000,
            months_remembered: 3,
            vacuum_after: Duration::from_secs(3_600),
            cost_centers: Vec::new(),
            head: Head::default(),
        }
    }
}

/// Why a month has no bill.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The records could not be counted.
    #[error(transparent)]
    Query(#[from] query::Error),
    /// The book has no price for what was used, or there is no such book.
    #[error(transparent)]
    Rating(#[from] rating::Error),
    /// A sum left the range.
    #[error("{TooLarge}")]
    TooLarge,
    /// A named limit was passed.
    #[error("{0}")]
    Limit(String),
    /// The folder of price books cannot be read, or a book in it is wrong.
    #[error("{0}")]
    Books(String),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The table of charges could not be read or written.
    #[error("the table charges: {0}")]
    Charges(String),
    /// Our fault.
    #[error("{0}")]
    Internal(String),
}

impl From<TooLarge> for Error {
    fn from(_: TooLarge) -> Self {
        Self::TooLarge
    }
}

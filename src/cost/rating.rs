//! Bills: what a month's usage costs by a provider's own rules. Usage is summed exactly, free allowances are taken off,
//! tiers are graduated, each line is exact, and money is rounded once, as the book says. Nothing is rounded before.
//!
//! `book` reads price books, `workload` what was used; `fit` says whether they belong together, `usage` counts what meters
//! count, `metered` what they count of records, `rate` puts either in order, `allowance` takes off what is free, `bill` prices
//! the rest. An attempt's list price is `super::list`'s.

mod allowance;
mod bill;
mod book;
mod books;
mod fields;
mod file;
mod fit;
mod metered;
mod rate;
mod ratio;
mod source;
mod usage;
mod workload;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use bill::{Bill, Line, Minor};
pub use book::Book;
pub use books::Books;
pub use metered::{Alike, Metered, Rounds, Split, Untold};
pub use ratio::{Ratio, TooLarge};
pub use workload::Workload;

pub(super) use book::Edition;
pub(super) use source::Source;

/// Why a book, a workload or a bill was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The book's text breaks its own rules.
    #[error("price book {book}, line {line}: {reason}")]
    Book { book: String, line: usize, reason: String },
    /// No book has this id.
    #[error("'{id}' is not a price book; known are: {known}")]
    Unknown { id: String, known: String },
    /// The workload's text does not say what it must.
    #[error("the workload is wrong: {0}")]
    Workload(String),
    /// The book has no price for a workload of this kind.
    #[error("{book} cannot price this workload: {reason}")]
    NotPriced { book: String, reason: String },
    /// A number left the range.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// How exact amounts become those of an invoice, in minor units of the currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Each line to the nearest, a half up; the total is their sum.
    Line,
    /// The exact total of such lines to the nearest, a half up. Their own rounded amounts may add up to something else.
    Total,
    /// Each line is cut off; the total is their sum.
    Truncate,
}

/// Within what tiers and allowances add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Account,
    Organization,
    Subscription,
    BillingAccount,
    Team,
}

/// For how long usage adds up, for tiers and allowances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    CalendarMonth,
}

/// The zone whose midnight begins a billing month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum Zone {
    #[serde(rename = "UTC")]
    Utc,
    #[serde(rename = "America/Los_Angeles")]
    Pacific,
}

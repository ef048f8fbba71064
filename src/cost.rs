//! Prices usage. Pure: no clock, no I/O, no floats, and nothing here rounds. Bills (tiers, free allowances, the
//! one rounding of each line) are rated elsewhere, from the same integers.

mod book;
mod list;
mod receipt;

pub use book::{Error, PriceBook, PriceBooks};
pub use list::{ListPrice, Rates};
pub use receipt::{ListedRates, Receipt, ReceiptLine};

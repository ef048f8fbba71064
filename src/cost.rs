//! Prices usage. Pure: no clock, no I/O, no floats. An attempt's list price is exact and never rounded; bills (tiers, free
//! allowances, the one rounding of each line) are `rating`'s, from the same books.

mod book;
pub mod break_even;
mod list;
pub mod rating;
mod receipt;

pub use book::{Error, PriceBook, PriceBooks};
pub use list::{ListPrice, Rates};
pub use receipt::{ListedRates, Receipt, ReceiptLine};

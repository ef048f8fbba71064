//! Months of records in a real store: what they cost, whose share it is, and what `charges` keeps of it.

mod kept;
mod reports;
mod what_if;
mod world;

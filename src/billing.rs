//! What a month costs by its books' own rules and whose share that is: usage counted from stored records, rated, shared
//! out, kept as `charges`. Prices and tiers are `cost`'s, files of a report are `report`'s.

mod month;
mod report;

pub use month::{Month, MonthError};
pub use report::{BillFacts, BridgeRow, Dimension, DimensionError, Kind, Report, Row, RowType, Sources};

//! What a month costs by its books' own rules and whose share that is: usage counted from stored records, rated, shared
//! out, kept as `charges`. Prices and tiers are `cost`'s, files of a report are `report`'s.

mod break_even;
mod month;
mod report;

pub use crate::cost::break_even::Provisioned as ReplayedOption;
pub use break_even::{BreakEvenError, FunctionBreakEven, MAX_ARRIVALS, break_even};
pub use month::{Month, MonthError};
pub use report::{BillFacts, BridgeRow, Dimension, DimensionError, Kind, Report, Row, RowType, Sources};

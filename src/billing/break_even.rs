//! The break-even of provisioned concurrency for one function: asked in SQL, and read. The replay and its prices are
//! `cost::break_even`'s, what gathers a function's arrivals for it is `aggregate`.

mod aggregate;
mod answer;
mod rows;
#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::time::Duration;

use serde::Deserialize;

use crate::cost::break_even::{BreakEven, Provisioned, ProvisionedRates};
use crate::cost::rating::Books;
use crate::model::Architecture;
use crate::query::{self, Engine, Param, Params, QueryResult, format};
use crate::units::{Megabytes, Money, MoneyError, Timestamp};

use super::Error;

pub use aggregate::{MAX_ARRIVALS, break_even_aggregate};

/// Why nothing was replayed.
#[derive(Debug, thiserror::Error)]
pub enum BreakEvenError {
    /// Nothing in the records that could be replayed, or no price for it: a sentence for people.
    #[error("{0}")]
    Nothing(String),
    #[error(transparent)]
    Query(#[from] query::Error),
    /// The answer is not what the query promises.
    #[error(transparent)]
    Billing(#[from] Error),
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// A function's replay.
#[derive(Debug, Clone)]
pub struct FunctionBreakEven {
    /// The time that was replayed: from the first arrival's side, where there were more than `MAX_ARRIVALS`.
    pub from: Timestamp,
    pub to: Timestamp,
    /// What an environment has: the newest arrival's.
    pub memory: Megabytes,
    pub region: String,
    pub architecture: Architecture,
    pub rates: ProvisionedRates,
    pub outcome: BreakEven,
}

/// Replays what `function` ran on demand in the time.
pub(super) async fn break_even(
    engine: &Engine,
    books: &Books,
    function: &str,
    tenant: Option<&str>,
    from: Timestamp,
    to: Timestamp,
) -> Result<FunctionBreakEven, BreakEvenError> {
    let text = |value: &str| Param::Text(value.to_owned());
    let params = Params::from([
        ("from".to_owned(), text(&from.to_string())),
        ("to".to_owned(), text(&to.to_string())),
        ("function".to_owned(), text(function)),
        ("tenant".to_owned(), tenant.map_or(Param::Null, text)),
    ]);
    let rows: Vec<Row> = read(&engine.named("break_even", &params).await?)?;
    let first = rows.first().ok_or_else(|| {
        BreakEvenError::Nothing(format!("'{function}' ran nothing on demand in this time whose price is known"))
    })?;
    if let Some(reason) = &first.reason {
        return Err(BreakEvenError::Nothing(reason.clone()));
    }
    let architecture = first.architecture.parse().map_err(|_| not_read(&first.architecture))?;
    let id = first.price_book.split('@').next().unwrap_or_default();
    let book = books.get(id).map_err(Error::from)?;
    let rates = book.provisioned_rates(&first.region, architecture, first.priced_at)?;
    let rates = rates.ok_or_else(|| not_read(&first.price_book))?;
    let best = rows.iter().position(|row| row.is_best).unwrap_or_default();
    let options = rows.iter().map(Row::option).collect::<Result<_, _>>()?;
    Ok(FunctionBreakEven {
        from: first.replayed_from,
        to: first.replayed_to,
        memory: Megabytes(first.memory_mb),
        region: first.region.clone(),
        architecture,
        rates,
        outcome: BreakEven { options, best, arrivals: first.arrivals, cold_starts: first.cold_starts },
    })
}

/// A row of `queries/break_even.sql`.
#[derive(Deserialize)]
struct Row {
    environments: usize,
    is_best: bool,
    capacity_cost: String,
    ran_cost: String,
    spilled_cost: String,
    total_cost: String,
    served: u64,
    cold_starts_saved: u64,
    busy_ns: u64,
    arrivals: u64,
    cold_starts: u64,
    memory_mb: u32,
    region: String,
    architecture: String,
    price_book: String,
    priced_at: Timestamp,
    replayed_from: Timestamp,
    replayed_to: Timestamp,
    reason: Option<String>,
}

impl Row {
    fn option(&self) -> Result<Provisioned, Error> {
        let money = |text: &String| text.parse::<Money>().map_err(not_read);
        Ok(Provisioned {
            environments: self.environments,
            capacity: money(&self.capacity_cost)?,
            ran: money(&self.ran_cost)?,
            spilled: money(&self.spilled_cost)?,
            total: money(&self.total_cost)?,
            served: self.served,
            cold_starts_saved: self.cold_starts_saved,
            busy: Duration::from_nanos(self.busy_ns),
        })
    }
}

fn read(found: &QueryResult) -> Result<Vec<Row>, Error> {
    let rows = format::rows(found)?;
    let read = |row| serde_json::from_value(serde_json::Value::Object(row)).map_err(not_read);
    rows.into_iter().map(read).collect()
}

fn not_read(what: impl Display) -> Error {
    Error::Internal(format!("the answer of break_even is not understood: {what}"))
}

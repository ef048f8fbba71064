//! The break-even of provisioned concurrency for one function: its own arrivals read from the store and replayed. The
//! replay and its prices are `cost::break_even`'s.

use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType};

use crate::cost::break_even::{Arrival, BreakEven, ProvisionedRates, Replay};
use crate::cost::rating::Books;
use crate::model::Architecture;
use crate::query::{self, Engine, Param, Params};
use crate::units::{MONEY_PRECISION, MONEY_SCALE, Megabytes, Money, MoneyError, Timestamp};

use super::Error;
use super::sums::Columns;

/// Arrivals that are replayed at most, the newest of the time asked for.
pub const MAX_ARRIVALS: usize = 1_000_000;

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

/// What the newest arrival says of the function as it is.
struct Newest {
    price_book: String,
    region: String,
    architecture: Architecture,
    memory: Megabytes,
    at: Timestamp,
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
        ("limit".to_owned(), Param::Int(i64::try_from(MAX_ARRIVALS).unwrap_or(i64::MAX))),
    ]);
    let found = engine.named("break_even_arrivals", &params).await?;
    let batches = found.batches.iter().map(Arrivals::read).collect::<Result<Vec<_>, _>>()?;
    let newest = batches.iter().find(|arrivals| arrivals.rows() > 0);
    let newest = newest.map(Arrivals::newest).transpose()?.ok_or_else(|| {
        BreakEvenError::Nothing(format!("'{function}' ran nothing on demand in this time whose price is known"))
    })?;
    let id = newest.price_book.split('@').next().unwrap_or_default();
    let book = books.get(id).map_err(|error| BreakEvenError::Nothing(error.to_string()))?;
    let rates = book.provisioned_rates(&newest.region, newest.architecture, newest.at)?.ok_or_else(|| {
        BreakEvenError::Nothing(format!("{} has no price for environments that stand ready", book.name()))
    })?;
    let mut replay = Replay::new(rates.clone());
    let mut oldest = newest.at;
    for arrivals in batches.iter().rev() {
        for row in (0..arrivals.rows()).rev() {
            let arrival = arrivals.arrival(row)?;
            oldest = oldest.min(arrival.at);
            replay.push(&arrival)?;
        }
    }
    let from = if found.rows() == MAX_ARRIVALS { oldest } else { from };
    let outcome = replay.finish(newest.memory, to.since(from))?;
    let Newest { memory, region, architecture, .. } = newest;
    Ok(FunctionBreakEven { from, to, memory, region, architecture, rates, outcome })
}

/// The columns of one batch.
struct Arrivals {
    started_at: ArrayRef,
    duration_ns: ArrayRef,
    memory_mb: ArrayRef,
    storage_mb: ArrayRef,
    list_cost: ArrayRef,
    cold: ArrayRef,
    price_book: ArrayRef,
    region: ArrayRef,
    architecture: ArrayRef,
}

impl Arrivals {
    fn read(batch: &RecordBatch) -> Result<Self, Error> {
        let column = Columns(batch);
        Ok(Self {
            started_at: column.of("started_at", &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?,
            duration_ns: column.whole("duration_ns")?,
            memory_mb: column.whole("memory_mb")?,
            storage_mb: column.whole("ephemeral_storage_mb")?,
            list_cost: column.of("list_cost", &DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE))?,
            cold: column.of("cold", &DataType::Boolean)?,
            price_book: column.texts("price_book")?,
            region: column.texts("region")?,
            architecture: column.texts("architecture")?,
        })
    }

    fn rows(&self) -> usize {
        self.started_at.len()
    }

    fn at(&self, row: usize) -> Timestamp {
        Timestamp::from_micros(self.started_at.as_primitive::<TimestampMicrosecondType>().value(row))
    }

    fn arrival(&self, row: usize) -> Result<Arrival, MoneyError> {
        let whole = |array: &ArrayRef| array.as_primitive::<Int64Type>().value(row);
        Ok(Arrival {
            at: self.at(row),
            handler: Duration::from_nanos(u64::try_from(whole(&self.duration_ns)).unwrap_or_default()),
            memory: megabytes(whole(&self.memory_mb)),
            storage: megabytes(whole(&self.storage_mb)),
            list_cost: Money::from_units(self.list_cost.as_primitive::<Decimal128Type>().value(row))?,
            cold: self.cold.as_boolean().value(row),
        })
    }

    /// What the first row says, which is the newest.
    fn newest(&self) -> Result<Newest, BreakEvenError> {
        let text = |array: &ArrayRef| {
            if array.is_null(0) { String::new() } else { array.as_string::<i32>().value(0).to_owned() }
        };
        let architecture = text(&self.architecture);
        let architecture: Architecture = architecture.parse().map_err(|_| {
            BreakEvenError::Nothing(format!(
                "the newest record's architecture is '{architecture}', not x86_64 or arm64"
            ))
        })?;
        Ok(Newest {
            price_book: text(&self.price_book),
            region: text(&self.region),
            architecture,
            memory: megabytes(self.memory_mb.as_primitive::<Int64Type>().value(0)),
            at: self.at(0),
        })
    }
}

fn megabytes(size: i64) -> Megabytes {
    Megabytes(u32::try_from(size).unwrap_or_default())
}

//! The break-even of provisioned concurrency for one function: its own arrivals read from the store and replayed. The
//! replay and its prices are `cost::break_even`'s.

use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType};

use crate::cost::break_even::{Arrival, BreakEven, ProvisionedRates, Replay};
use crate::cost::rating::Books;
use crate::model::Architecture;
use crate::query::{self, Engine, Param, Params};
use crate::units::{Megabytes, Money, MoneyError, Timestamp};

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
    let batches: Vec<Columns> = found.batches.iter().map(Columns::of).collect::<Result<_, _>>()?;
    let newest = found.batches.iter().zip(&batches).find(|(batch, _)| batch.num_rows() > 0);
    let newest = newest.map(|(_, columns)| columns.newest()).transpose()?.ok_or_else(|| {
        BreakEvenError::Nothing(format!("'{function}' ran nothing on demand in this time whose price is known"))
    })?;
    let id = newest.price_book.split('@').next().unwrap_or_default();
    let book = books.get(id).map_err(|error| BreakEvenError::Nothing(error.to_string()))?;
    let rates = book.provisioned_rates(&newest.region, newest.architecture, newest.at)?.ok_or_else(|| {
        BreakEvenError::Nothing(format!("{} has no price for environments that stand ready", book.name()))
    })?;
    let mut replay = Replay::new(rates.clone());
    let mut oldest = newest.at;
    for columns in batches.iter().rev() {
        for row in (0..columns.rows()).rev() {
            let arrival = columns.arrival(row)?;
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
struct Columns {
    batch: RecordBatch,
}

impl Columns {
    fn of(batch: &RecordBatch) -> Result<Self, BreakEvenError> {
        let broken = |error: arrow::error::ArrowError| query::Error::Internal(error.to_string());
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (at, wanted) in types().iter().enumerate() {
            columns.push((batch.schema().field(at).name().clone(), cast(batch.column(at), wanted).map_err(broken)?));
        }
        Ok(Self { batch: RecordBatch::try_from_iter(columns).map_err(broken)? })
    }

    fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    fn int(&self, column: usize, row: usize) -> i64 {
        self.batch.column(column).as_primitive::<Int64Type>().value(row)
    }

    fn text(&self, column: usize, row: usize) -> String {
        let texts = self.batch.column(column).as_string::<i32>();
        if texts.is_null(row) { String::new() } else { texts.value(row).to_owned() }
    }

    fn at(&self, row: usize) -> Timestamp {
        Timestamp::from_micros(self.batch.column(0).as_primitive::<TimestampMicrosecondType>().value(row))
    }

    fn megabytes(&self, column: usize, row: usize) -> Megabytes {
        Megabytes(u32::try_from(self.int(column, row)).unwrap_or_default())
    }

    fn arrival(&self, row: usize) -> Result<Arrival, MoneyError> {
        Ok(Arrival {
            at: self.at(row),
            handler: Duration::from_nanos(u64::try_from(self.int(1, row)).unwrap_or_default()),
            memory: self.megabytes(2, row),
            storage: self.megabytes(3, row),
            list_cost: Money::from_units(self.batch.column(4).as_primitive::<Decimal128Type>().value(row))?,
            cold: self.batch.column(5).as_boolean().value(row),
        })
    }

    /// What the first row says, which is the newest.
    fn newest(&self) -> Result<Newest, BreakEvenError> {
        let architecture = self.text(8, 0);
        let architecture: Architecture = architecture.parse().map_err(|_| {
            BreakEvenError::Nothing(format!(
                "the newest record's architecture is '{architecture}', not x86_64 or arm64"
            ))
        })?;
        Ok(Newest {
            price_book: self.text(6, 0),
            region: self.text(7, 0),
            architecture,
            memory: self.megabytes(2, 0),
            at: self.at(0),
        })
    }
}

/// What the query's columns are read as, in its order.
fn types() -> [DataType; 9] {
    [
        DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Int64,
        DataType::Int64,
        DataType::Int64,
        DataType::Decimal128(crate::units::MONEY_PRECISION, crate::units::MONEY_SCALE),
        DataType::Boolean,
        DataType::Utf8,
        DataType::Utf8,
        DataType::Utf8,
    ]
}

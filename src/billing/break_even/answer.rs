//! Owns the shape of what `break_even` answers: a struct of the newest arrival's environment and a list of all options.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal128Array, Int64Array, ListArray, StringArray, StructArray, TimestampMicrosecondArray,
    new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use arrow::error::ArrowError;

use crate::cost::break_even::{BreakEven, Provisioned};
use crate::units::{MONEY_PRECISION, MONEY_SCALE, Money, nanos};

use super::rows::Newest;

/// What the answer is made of.
pub(super) struct Told<'a> {
    pub(super) newest: &'a Newest,
    pub(super) currency: Option<String>,
    /// What was replayed, microseconds since the Unix epoch.
    pub(super) window: (i64, i64),
    /// Why there is but what was paid.
    pub(super) reason: Option<String>,
    pub(super) replayed: &'a BreakEven,
}

/// Its type in SQL.
pub(super) fn kind() -> DataType {
    DataType::Struct(answer_fields())
}

/// Where nothing arrived.
pub(super) fn nothing() -> ArrayRef {
    new_null_array(&kind(), 1)
}

pub(super) fn of(told: &Told<'_>) -> Result<ArrayRef, ArrowError> {
    let Told { newest, currency, window: (from, to), reason, replayed } = told;
    let text = |text: &str| Arc::new(StringArray::from(vec![text])) as ArrayRef;
    let at = |at: i64| Arc::new(TimestampMicrosecondArray::from(vec![at]).with_timezone("UTC")) as ArrayRef;
    let columns: Vec<ArrayRef> = vec![
        text(&newest.price_book),
        Arc::new(StringArray::from(vec![currency.as_deref()])),
        text(&newest.region),
        text(&newest.architecture),
        whole([i64::from(newest.memory_mb)]),
        at(newest.at),
        at(*from),
        at(*to),
        whole([count(replayed.arrivals)]),
        whole([count(replayed.cold_starts)]),
        whole([places(replayed.best)]),
        Arc::new(StringArray::from(vec![reason.as_deref()])),
        options(&replayed.options)?,
    ];
    Ok(Arc::new(StructArray::try_new(answer_fields(), columns, None)?))
}

/// The fields of the answer.
fn answer_fields() -> Fields {
    let item = Field::new_list_field(DataType::Struct(option_fields()), false);
    let fields = [
        ("price_book", DataType::Utf8, false),
        ("currency", DataType::Utf8, true),
        ("region", DataType::Utf8, false),
        ("architecture", DataType::Utf8, false),
        ("memory_mb", DataType::Int64, false),
        ("priced_at", time(), false),
        ("from", time(), false),
        ("to", time(), false),
        ("arrivals", DataType::Int64, false),
        ("cold_starts", DataType::Int64, false),
        ("best", DataType::Int64, false),
        ("reason", DataType::Utf8, true),
        ("options", DataType::List(Arc::new(item)), false),
    ];
    fields.into_iter().map(|(name, kind, nullable)| Field::new(name, kind, nullable)).collect()
}

/// The fields of an option.
fn option_fields() -> Fields {
    let money = DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE);
    let fields = [
        ("environments", DataType::Int64),
        ("capacity_cost", money.clone()),
        ("ran_cost", money.clone()),
        ("spilled_cost", money.clone()),
        ("total_cost", money),
        ("served", DataType::Int64),
        ("cold_starts_saved", DataType::Int64),
        ("busy_ns", DataType::Int64),
    ];
    fields.into_iter().map(|(name, kind)| Field::new(name, kind, false)).collect()
}

/// A list of all options.
fn options(options: &[Provisioned]) -> Result<ArrayRef, ArrowError> {
    let money = |get: fn(&Provisioned) -> Money| -> Result<ArrayRef, ArrowError> {
        let amounts = Decimal128Array::from_iter_values(options.iter().map(|option| get(option).units()));
        Ok(Arc::new(amounts.with_precision_and_scale(MONEY_PRECISION, MONEY_SCALE)?))
    };
    let columns = vec![
        whole(options.iter().map(|option| places(option.environments))),
        money(|option| option.capacity)?,
        money(|option| option.ran)?,
        money(|option| option.spilled)?,
        money(|option| option.total)?,
        whole(options.iter().map(|option| count(option.served))),
        whole(options.iter().map(|option| count(option.cold_starts_saved))),
        whole(options.iter().map(|option| nanos(option.busy))),
    ];
    let rows = StructArray::try_new(option_fields(), columns, None)?;
    let item = Arc::new(Field::new_list_field(DataType::Struct(option_fields()), false));
    let list = ListArray::try_new(item, OffsetBuffer::from_lengths([options.len()]), Arc::new(rows), None);
    Ok(Arc::new(list?))
}

/// The type of points in time.
pub(super) fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn whole(numbers: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(numbers))
}

fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn places(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

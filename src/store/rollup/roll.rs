//! Owns the way from rows of `invocations` to rows of the rollup by minute, and from there to the rollup by hour. Pure.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, Date32Array, Decimal128Array, Int64Array};
use arrow::datatypes::{Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;

use crate::store::Error;
use crate::store::tables::times;
use crate::units::{MONEY_PRECISION, MONEY_SCALE};

use super::bytes::write_values;
use super::columns::{DIMENSIONS, MEASURES, Measure, Of};
use super::groups::{Groups, Members};
use super::raw::{Raw, array, column, primitive};
use super::schema::{BUCKET, Rollup, WIDE_PRECISION};
use super::sketch::Sketch;

const MINUTE_US: i64 = 60_000_000;
const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 86_400_000_000;

/// The rollup by minute of rows of `invocations`.
pub(super) fn minutes(rows: &RecordBatch) -> Result<RecordBatch, Error> {
    let raw = Raw::new(rows)?;
    let dimensions = dimensions(rows, &DIMENSIONS)?;
    let groups = Groups::new(&dimensions, raw.started_at.iter().map(|at| floor_to(*at, MINUTE_US)))?;
    let members = groups.members();
    let measures = MEASURES.iter().map(|measure| of_rows(measure, &raw, &groups, &members));
    assemble(Rollup::Minute, &groups, &dimensions, measures.map(Ok))
}

/// The rollup by hour of rows of a rollup.
pub(super) fn hours(rollup: &RecordBatch) -> Result<RecordBatch, Error> {
    let dimensions = dimensions(rollup, &DIMENSIONS)?;
    let buckets = primitive::<TimestampMicrosecondType>(rollup, BUCKET)?;
    let groups = Groups::new(&dimensions, buckets.iter().map(|at| floor_to(*at, HOUR_US)))?;
    let members = groups.members();
    let measures = MEASURES.iter().map(|measure| of_rollup(measure, rollup, &groups, &members));
    assemble(Rollup::Hour, &groups, &dimensions, measures)
}

/// How long a rollup's buckets are, microseconds.
pub(super) fn unit_of(rollup: Rollup) -> i64 {
    if rollup == Rollup::Minute { MINUTE_US } else { HOUR_US }
}

/// The start of the bucket that a time lies in.
pub(super) fn floor_to(micros: i64, unit: i64) -> i64 {
    micros.div_euclid(unit).saturating_mul(unit)
}

pub(super) fn dimensions(rows: &RecordBatch, names: &[&str]) -> Result<Vec<ArrayRef>, Error> {
    names.iter().map(|name| column(rows, name).map(|column| column.slice(0, column.len()))).collect()
}

/// Bucket, dimensions, the measures and the day, in this order.
pub(super) fn assemble(
    rollup: Rollup,
    groups: &Groups,
    dimensions: &[ArrayRef],
    measures: impl Iterator<Item = Result<ArrayRef, Error>>,
) -> Result<RecordBatch, Error> {
    let mut all: Vec<ArrayRef> = vec![Arc::new(times(groups.buckets.iter().copied()))];
    for column in dimensions {
        all.push(groups.firsts(column)?);
    }
    for measure in measures {
        all.push(measure?);
    }
    let days = groups.buckets.iter().map(|bucket| bucket.div_euclid(DAY_US) as i32);
    all.push(Arc::new(Date32Array::from_iter_values(days)));
    Ok(RecordBatch::try_new(rollup.schema(), all)?)
}

fn of_rows(measure: &Measure, raw: &Raw, groups: &Groups, members: &Members) -> ArrayRef {
    match measure.of {
        Of::Sum(get) => sums(groups, |row| get(raw, row)),
        Of::Wide(get) => decimals(groups.gather(Some(0), |sum, row| add(sum, Some(get(raw, row)))), WIDE_PRECISION, 0),
        Of::Money(get) => money(groups, |row| get(raw, row)),
        Of::Max(get) => most(groups, |row| get(raw, row)),
        Of::Sketch(get) => {
            let (mut values, mut keys, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
            let mut builder = BinaryBuilder::new();
            for rows in members.iter() {
                values.clear();
                bytes.clear();
                values.extend(rows.iter().filter_map(|row| get(raw, *row as usize)));
                write_values(&values, &mut keys, &mut bytes);
                builder.append_option((!bytes.is_empty()).then_some(&bytes));
            }
            Arc::new(builder.finish())
        }
    }
}

fn of_rollup(measure: &Measure, rollup: &RecordBatch, groups: &Groups, members: &Members) -> Result<ArrayRef, Error> {
    let name = measure.name;
    Ok(match measure.of {
        Of::Sum(_) => {
            let values = primitive::<Int64Type>(rollup, name)?;
            sums(groups, |row| values[row])
        }
        Of::Wide(_) => {
            let values = primitive::<Decimal128Type>(rollup, name)?;
            decimals(groups.gather(Some(0), |sum, row| add(sum, Some(values[row]))), WIDE_PRECISION, 0)
        }
        Of::Money(_) => {
            let values = array::<Decimal128Type>(rollup, name)?;
            money(groups, |row| values.is_valid(row).then(|| values.value(row)))
        }
        Of::Max(_) => {
            let values = array::<Int64Type>(rollup, name)?;
            most(groups, |row| values.is_valid(row).then(|| values.value(row)))
        }
        Of::Sketch(_) => merged(column(rollup, name)?, members)?,
    })
}

fn merged(sketches: &dyn Array, members: &Members) -> Result<ArrayRef, Error> {
    let sketches = sketches.as_binary::<i32>();
    let mut builder = BinaryBuilder::new();
    for rows in members.iter() {
        let mut found = rows.iter().map(|row| *row as usize).filter(|row| sketches.is_valid(*row));
        let (first, second) = (found.next(), found.next());
        let (Some(first), Some(second)) = (first, second) else {
            builder.append_option(first.map(|row| sketches.value(row)));
            continue;
        };
        let mut sketch = Sketch::default();
        for row in [first, second].into_iter().chain(found) {
            sketch.merge(sketches.value(row)).map_err(|error| Error::Internal(error.to_string()))?;
        }
        builder.append_option(sketch.to_bytes());
    }
    Ok(Arc::new(builder.finish()))
}

pub(super) fn sums(groups: &Groups, value: impl Fn(usize) -> i64) -> ArrayRef {
    Arc::new(Int64Array::from(groups.gather(0_i64, |sum, row| *sum = sum.wrapping_add(value(row)))))
}

pub(super) fn money(groups: &Groups, value: impl Fn(usize) -> Option<i128>) -> ArrayRef {
    decimals(groups.gather(None, |sum, row| add(sum, value(row))), MONEY_PRECISION, MONEY_SCALE)
}

fn most(groups: &Groups, value: impl Fn(usize) -> Option<i64>) -> ArrayRef {
    let most = groups.gather(None, |most: &mut Option<i64>, row| *most = (*most).max(value(row)));
    Arc::new(most.into_iter().collect::<Int64Array>())
}

fn add(sum: &mut Option<i128>, value: Option<i128>) {
    if let Some(value) = value {
        *sum = Some(sum.unwrap_or(0).wrapping_add(value));
    }
}

fn decimals(values: Vec<Option<i128>>, precision: u8, scale: i8) -> ArrayRef {
    let values: Decimal128Array = values.into_iter().collect();
    Arc::new(values.with_data_type(arrow::datatypes::DataType::Decimal128(precision, scale)))
}

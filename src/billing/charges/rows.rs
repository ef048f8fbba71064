//! Makes the rows of `charges` of a rated month: each line shared out to functions, tenants and sets of tags.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::i256;
use arrow::record_batch::RecordBatch;

use crate::billing::bridge::amount;
use crate::billing::rated::Rated;
use crate::billing::{Error, Owner, RatedMonth, Users};
use crate::cost::rating::{Line, Minor, Ratio};
use crate::units::{MONEY_PRECISION, MONEY_SCALE};

use super::schema::{QUANTITY_SCALE, schema, tags_builder};

/// One row; what is none is null.
struct Charge<'a> {
    rated: &'a Rated,
    category: &'static str,
    region: Option<&'a str>,
    owner: Option<Owner>,
    meter: &'a str,
    tier: Option<i32>,
    quantity: Option<i128>,
    free_quantity: Option<i128>,
    unit: Option<&'a str>,
    list_price: Option<i128>,
    price: Option<i128>,
    list_cost: i128,
    cost: i128,
    billed: i128,
}

/// The month's rows, by book, line and owner.
pub(super) fn of(month: &RatedMonth) -> Result<RecordBatch, Error> {
    let mut charges = Vec::new();
    for rated in &month.books {
        let users = Users::of(rated, Owner::clone)?;
        for line in &rated.bill.lines {
            for share in users.share(rated, line)? {
                charges.push(Charge {
                    quantity: Some(units(share.quantity, QUANTITY_SCALE)?),
                    free_quantity: Some(units(share.free_quantity, QUANTITY_SCALE)?),
                    list_cost: money(share.quantity.times(list_price(line))?)?,
                    cost: money(share.exact)?,
                    billed: money(amount(Minor::new(share.billed, line.rounded.digits()))?)?,
                    owner: Some(share.key),
                    ..charge(rated, line)?
                });
            }
        }
        if !rated.bill.rounding.is_zero() {
            charges.push(adjustment(rated)?);
        }
    }
    batch(month, &charges)
}

/// What a unit costs in the first tier; of a credit what it takes off.
fn list_price(line: &Line) -> Ratio {
    if line.number.is_some() { line.first_price } else { line.unit_price }
}

fn charge<'a>(rated: &'a Rated, line: &'a Line) -> Result<Charge<'a>, Error> {
    let category = match line.number {
        None => "Credit",
        Some(meter) if rated.monthly.contains(&meter) => "Purchase",
        Some(_) => "Usage",
    };
    Ok(Charge {
        rated,
        category,
        region: Some(line.region.as_str()).filter(|region| !region.is_empty()),
        owner: None,
        meter: &line.meter,
        tier: line.number.and_then(|_| i32::try_from(line.tier).ok()),
        quantity: None,
        free_quantity: None,
        unit: Some(&line.unit),
        list_price: Some(money(list_price(line))?),
        price: Some(money(line.unit_price)?),
        list_cost: 0,
        cost: 0,
        billed: 0,
    })
}

/// What the rounded lines and the book's rounded total differ by.
fn adjustment(rated: &Rated) -> Result<Charge<'_>, Error> {
    Ok(Charge {
        rated,
        category: "Adjustment",
        region: None,
        owner: None,
        meter: "rounding",
        tier: None,
        quantity: None,
        free_quantity: None,
        unit: None,
        list_price: None,
        price: None,
        list_cost: 0,
        cost: 0,
        billed: money(amount(rated.bill.rounding)?)?,
    })
}

fn batch(month: &RatedMonth, charges: &[Charge<'_>]) -> Result<RecordBatch, Error> {
    let text = |of: &dyn Fn(&Charge<'_>) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(charges.iter().map(of)))
    };
    let known = |of: &dyn Fn(&Charge<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(charges.iter().map(of).collect::<StringArray>())
    };
    let time = |of: &dyn Fn(&Charge<'_>) -> i64| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from_iter_values(charges.iter().map(of)).with_timezone("UTC"))
    };
    let decimal = |scale: i8, of: &dyn Fn(&Charge<'_>) -> Option<i128>| -> Result<ArrayRef, Error> {
        let values: Decimal128Array = charges.iter().map(of).collect();
        Ok(Arc::new(values.with_precision_and_scale(MONEY_PRECISION, scale).map_err(unfit)?))
    };
    let version = month.sources.table_version;
    let columns = vec![
        text(&|_| month.month.to_string()),
        time(&|charge| charge.rated.from.micros()),
        time(&|charge| charge.rated.to.micros()),
        text(&|charge| charge.category.to_owned()),
        text(&|charge| charge.rated.name.clone()),
        known(&|charge| charge.region.map(str::to_owned)),
        known(&|charge| charge.owner.as_ref().map(|owner| owner.tenant.clone())),
        known(&|charge| charge.owner.as_ref().map(|owner| owner.function.clone())),
        tags(charges)?,
        text(&|charge| charge.meter.to_owned()),
        Arc::new(charges.iter().map(|charge| charge.tier).collect::<Int32Array>()),
        decimal(QUANTITY_SCALE, &|charge| charge.quantity)?,
        decimal(QUANTITY_SCALE, &|charge| charge.free_quantity)?,
        known(&|charge| charge.unit.map(str::to_owned)),
        decimal(MONEY_SCALE, &|charge| charge.list_price)?,
        decimal(MONEY_SCALE, &|charge| charge.price)?,
        decimal(MONEY_SCALE, &|charge| Some(charge.list_cost))?,
        decimal(MONEY_SCALE, &|charge| Some(charge.cost))?,
        decimal(MONEY_SCALE, &|charge| Some(charge.cost))?,
        decimal(MONEY_SCALE, &|charge| Some(charge.billed))?,
        text(&|charge| charge.rated.bill.currency.code().to_owned()),
        text(&|charge| charge.rated.bill.price_book.clone()),
        text(&|charge| charge.rated.bill.sha256.clone()),
        Arc::new(charges.iter().map(|_| Some(version)).collect::<Int64Array>()),
    ];
    RecordBatch::try_new(schema(), columns).map_err(unfit)
}

fn tags(charges: &[Charge<'_>]) -> Result<ArrayRef, Error> {
    let mut maps = tags_builder();
    for charge in charges {
        for (key, value) in charge.owner.iter().flat_map(|owner| &owner.tags) {
            maps.keys().append_value(key);
            maps.values().append_value(value);
        }
        maps.append(charge.owner.is_some()).map_err(unfit)?;
    }
    Ok(Arc::new(maps.finish()))
}

fn money(number: Ratio) -> Result<i128, Error> {
    units(number, MONEY_SCALE)
}

/// A number in units of 10^-scale. The first share alone may have decimals that do not end: they are cut off.
fn units(number: Ratio, scale: i8) -> Result<i128, Error> {
    let one = i256::from_i128(10_i128.pow(scale.unsigned_abs().into()));
    let units = i256::from_i128(number.numerator()).checked_mul(one).ok_or(Error::TooLarge)?;
    let units = units.wrapping_div(i256::from_i128(number.denominator())).to_i128().ok_or(Error::TooLarge)?;
    if units.unsigned_abs() < 10_u128.pow(MONEY_PRECISION.into()) { Ok(units) } else { Err(Error::TooLarge) }
}

fn unfit(error: arrow::error::ArrowError) -> Error {
    Error::Internal(format!("the charges do not fit their columns: {error}"))
}

//! The price books in SQL: `price_tiers` and `price_allowances`. What they say is `cost::rating`'s; that they are tables is
//! this file's.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Int32Array, ListBuilder, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Schema};

use crate::cost::rating::{Books, ListedAllowance, ListedTier, Ratio};
use crate::query::{Column, Relation, column, optional};
use crate::units::{MONEY_PRECISION, MONEY_SCALE, Timestamp};

use super::Error;
use super::charges::QUANTITY_SCALE;

/// Both tables. They are as the books were when the program began.
pub fn price_tables(books: &Books) -> Result<Vec<Relation>, Error> {
    let tiers: Vec<ListedTier> = books.all().flat_map(|book| book.listed_tiers()).collect();
    let allowances: Vec<ListedAllowance> = books.all().flat_map(|book| book.listed_allowances()).collect();
    Ok(vec![
        relation("price_tiers", tiers_table(&tiers)?),
        relation("price_allowances", allowances_table(&allowances)?),
    ])
}

fn relation(name: &'static str, columns: Vec<Column>) -> Relation {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    Relation::new(name, Arc::new(Schema::new(fields)), move || std::future::ready(Ok(arrays.clone())))
}

fn tiers_table(rows: &[ListedTier]) -> Result<Vec<Column>, Error> {
    let text = |get: fn(&ListedTier) -> &String| StringArray::from_iter_values(rows.iter().map(get));
    let tiers = rows.iter().map(|row| i32::try_from(row.tier).ok()).collect::<Int32Array>();
    Ok(vec![
        column("price_book", "id and edition, as in invocations and charges", text(|row| &row.price_book)),
        column("effective", "from when on the edition holds, UTC", times(rows.iter().map(|row| row.effective))),
        column("region", "whose prices these are", text(|row| &row.region)),
        column(
            "is_default",
            "whether they are those of all regions without prices of their own",
            rows.iter().map(|row| Some(row.is_default)).collect::<BooleanArray>(),
        ),
        column("meter", "the meter, as in charges", text(|row| &row.meter)),
        column("unit", "what its quantities count", text(|row| &row.unit)),
        column("tier", "from 1", tiers),
        column(
            "above",
            "the month's paid quantity above which the price holds, in units",
            quantities(rows.iter().map(|row| Some(row.above)))?,
        ),
        optional("up_to", "and up to which; null in the last tier", quantities(rows.iter().map(|row| row.up_to))?),
        column(
            "unit_price",
            "of one unit, in the book's currency",
            money(rows.iter().map(|row| Some(row.unit_price)))?,
        ),
    ])
}

fn allowances_table(rows: &[ListedAllowance]) -> Result<Vec<Column>, Error> {
    let text = |get: fn(&ListedAllowance) -> &String| StringArray::from_iter_values(rows.iter().map(get));
    let mut meters = ListBuilder::new(StringBuilder::new());
    for row in rows {
        row.meters.iter().for_each(|meter| meters.values().append_value(meter));
        meters.append(true);
    }
    let credits = rows.iter().map(|row| Some(row.is_credit)).collect::<BooleanArray>();
    Ok(vec![
        column("price_book", "id and edition, as in invocations and charges", text(|row| &row.price_book)),
        column("effective", "from when on the edition holds, UTC", times(rows.iter().map(|row| row.effective))),
        column("allowance", "its name", text(|row| &row.name)),
        column("meters", "the meters that share it", meters.finish()),
        column("unit", "what it counts; the currency of a credit", text(|row| &row.unit)),
        column(
            "quantity",
            "what is free in a month, less what is used elsewhere",
            quantities(rows.iter().map(|row| Some(row.quantity)))?,
        ),
        column("is_credit", "whether it is money off rather than a quantity", credits),
    ])
}

fn times(values: impl Iterator<Item = Timestamp>) -> TimestampMicrosecondArray {
    TimestampMicrosecondArray::from_iter_values(values.map(Timestamp::micros)).with_timezone("UTC")
}

fn quantities(values: impl Iterator<Item = Option<Ratio>>) -> Result<Decimal128Array, Error> {
    decimals(values, QUANTITY_SCALE)
}

fn money(values: impl Iterator<Item = Option<Ratio>>) -> Result<Decimal128Array, Error> {
    decimals(values, MONEY_SCALE)
}

/// Numbers of a book, which are decimals: one that has more digits than its column is refused when the program begins.
fn decimals(values: impl Iterator<Item = Option<Ratio>>, scale: i8) -> Result<Decimal128Array, Error> {
    let one = Ratio::whole(10_i128.pow(scale.unsigned_abs().into()));
    let unit = |value: Option<Ratio>| -> Result<Option<i128>, Error> {
        let Some(value) = value else { return Ok(None) };
        let units = value.times(one)?.as_whole();
        let many =
            || Error::Books(format!("'{value}' has more than {scale} decimals, which a price book may not have"));
        units.map(Some).ok_or_else(many)
    };
    let values = values.map(unit).collect::<Result<Decimal128Array, Error>>()?;
    values.with_precision_and_scale(MONEY_PRECISION, scale).map_err(|error| Error::Internal(error.to_string()))
}

//! The rows as Parquet. Numbers are decimals of 38 digits and 23 decimals; what those do not hold exactly is the nearest
//! there, and in full in the text column beside. What the rows were made from is in the file's metadata.

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use arrow::array::{ArrayRef, Decimal128Builder, Int32Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::billing::{Kind as ReportKind, Row};
use crate::cost::rating::{Minor, Ratio};
use crate::units::{MONEY_PRECISION, MONEY_SCALE};

use super::lines::{Cell, Column, Kind, Lines};
use super::{Error, Format, number};

/// Rows that are made into arrays at once.
const BATCH_ROWS: usize = 64 << 10;

const DECIMALS: usize = MONEY_SCALE as usize;

pub(super) fn write(lines: &Lines<'_>, document: &str) -> Result<Vec<u8>, Error> {
    let refused = |error: &dyn std::fmt::Display| Error::refused(Format::Parquet, error);
    let schema = schema();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).map_err(|error| refused(&error))?))
        .set_key_value_metadata(Some(metadata(lines, document)))
        .build();
    let mut writer =
        ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties)).map_err(|error| refused(&error))?;
    for rows in lines.report.rows.chunks(BATCH_ROWS) {
        let columns = Column::ALL.map(|column| array(lines, rows, column));
        let columns = columns.into_iter().collect::<Result<Vec<_>, _>>()?;
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(|error| refused(&error))?;
        writer.write(&batch).map_err(|error| refused(&error))?;
    }
    writer.into_inner().map_err(|error| refused(&error))
}

fn schema() -> SchemaRef {
    let field = |column: Column| {
        let data_type = match column.kind() {
            Kind::Text | Kind::Fraction => DataType::Utf8,
            Kind::Count => DataType::Int32,
            Kind::Exact | Kind::Money => DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE),
        };
        let always = [Column::LineType, Column::Period, Column::ExactCost, Column::BilledCost, Column::Currency];
        Field::new(column.name(), data_type, !always.contains(&column))
    };
    Arc::new(Schema::new(Column::ALL.map(field).to_vec()))
}

fn metadata(lines: &Lines<'_>, document: &str) -> Vec<KeyValue> {
    let report = lines.report;
    let mut entries = vec![
        ("faremeter.document", document.to_owned()),
        ("faremeter.kind", report.kind.as_str().to_owned()),
        ("faremeter.period", lines.period.clone()),
        ("faremeter.open", report.open.to_string()),
        ("faremeter.table_version", report.sources.table_version.to_string()),
        ("faremeter.engine_version", report.sources.engine.to_owned()),
    ];
    if let ReportKind::Chargeback(dimension) = &report.kind {
        entries.push(("faremeter.dimension", dimension.to_string()));
    }
    let books = report.bills.iter().map(|bill| format!("{} sha256:{}", bill.price_book, bill.sha256));
    entries.push(("faremeter.price_books", books.collect::<Vec<_>>().join("\n")));
    entries.into_iter().map(|(key, value)| KeyValue::new(key.to_owned(), value)).collect()
}

fn array(lines: &Lines<'_>, rows: &[Row], column: Column) -> Result<ArrayRef, Error> {
    Ok(match column.kind() {
        Kind::Text => {
            let mut texts = StringBuilder::new();
            rows.iter().for_each(|row| match lines.cell(row, column) {
                Cell::Text(text) => texts.append_value(text),
                _ => texts.append_null(),
            });
            Arc::new(texts.finish())
        }
        Kind::Fraction => {
            let mut texts = StringBuilder::new();
            rows.iter().for_each(|row| texts.append_option(in_full(lines, row, column)));
            Arc::new(texts.finish())
        }
        Kind::Count => {
            let mut counts = Int32Builder::new();
            for row in rows {
                match lines.cell(row, column) {
                    Cell::Count(count) => {
                        counts.append_value(i32::try_from(count).map_err(|_| too_large(column, count))?)
                    }
                    _ => counts.append_null(),
                }
            }
            Arc::new(counts.finish())
        }
        Kind::Exact | Kind::Money => {
            let decimals = Decimal128Builder::with_capacity(rows.len());
            let mut decimals = decimals
                .with_precision_and_scale(MONEY_PRECISION, MONEY_SCALE)
                .map_err(|error| Error::refused(Format::Parquet, error))?;
            for row in rows {
                match lines.cell(row, column) {
                    Cell::Exact(number) => decimals.append_value(units(column, number)?),
                    Cell::Money(amount) => decimals.append_value(money_units(column, amount)?),
                    _ => decimals.append_null(),
                }
            }
            Arc::new(decimals.finish())
        }
    })
}

/// What the decimals of the column before do not hold: the fraction, or all digits.
fn in_full(lines: &Lines<'_>, row: &Row, ratio: Column) -> Option<String> {
    let column = Column::ALL.into_iter().find(|column| column.ratio() == Some(ratio))?;
    let Cell::Exact(number) = lines.cell(row, column) else { return None };
    match number.as_fraction() {
        Some(fraction) => Some(fraction),
        None => number::units(number, DECIMALS).filter(|(_, is_exact)| !is_exact).map(|_| number.to_string()),
    }
}

fn units(column: Column, number: Ratio) -> Result<i128, Error> {
    number::units(number, DECIMALS).map(|(units, _)| units).ok_or_else(|| too_large(column, number))
}

fn money_units(column: Column, amount: Minor) -> Result<i128, Error> {
    let decimals = u32::try_from(DECIMALS).ok().and_then(|decimals| decimals.checked_sub(amount.digits()));
    let units = decimals.and_then(|shift| amount.units().checked_mul(10_i128.checked_pow(shift)?));
    let fits = units.filter(|units| units.unsigned_abs() < 10_u128.pow(u32::from(MONEY_PRECISION)));
    fits.ok_or_else(|| too_large(column, amount))
}

fn too_large(column: Column, number: impl std::fmt::Display) -> Error {
    Error::TooLarge { column: column.name(), number: number.to_string() }
}

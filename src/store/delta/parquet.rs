//! Owns the encoding of rows as Parquet: sorted by function and time, one file for each day, with the settings that were
//! measured to serve the usual queries best. Pure: bytes come out.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{DataType, Date32Type, SchemaRef, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use crate::store::rollup::{Roller, Sides};
use crate::store::tables::PARTITION;
use crate::store::{Error, Table};

use super::bounds::Statistics;

/// Rows of a row group: small enough that pruning by function pays.
const ROW_GROUP_ROWS: usize = 131_072;
/// Columns that are looked up by one value.
const BLOOM_FILTERED: [&str; 2] = ["trace_id", "invocation_id"];

/// An encoded file.
pub(crate) struct Encoded {
    /// Days since the epoch.
    pub(super) date: i32,
    pub(super) bytes: Vec<u8>,
    /// As an add action has them.
    pub(super) statistics: String,
    /// The file's rollups, where its table has any.
    pub(super) sides: Option<Sides>,
}

/// Encodes rows as one file for each day.
pub(super) fn encode(table: Table, batches: &[RecordBatch]) -> Result<Vec<Encoded>, Error> {
    let Order { rows, days } = sort(table, batches);
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    let day =
        |(date, range): (i32, Range<usize>)| encode_day(table, date, &interleave_record_batch(&batches, &rows[range])?);
    days.into_iter().map(day).collect()
}

fn encode_day(table: Table, date: i32, rows: &RecordBatch) -> Result<Encoded, Error> {
    let columns: Vec<usize> =
        (0..rows.num_columns()).filter(|at| rows.schema().field(*at).name() != PARTITION).collect();
    let rows = rows.project(&columns)?;
    let mut writer = writer(table, rows.schema(), rows.num_rows())?;
    writer.write(&rows)?;
    let sides = match roller(table)? {
        Some(mut roller) => {
            roller.add(&rows)?;
            Some(roller.finish()?)
        }
        None => None,
    };
    Ok(Encoded { date, bytes: writer.into_inner()?, statistics: Statistics::of(table, &rows).to_json(), sides })
}

/// What makes the rollups of the table's files, where it has any.
pub(super) fn roller(table: Table) -> Result<Option<Roller>, Error> {
    (table == Table::Invocations).then(Roller::new).transpose()
}

/// A writer of a file of so many rows, to memory.
pub(super) fn writer(table: Table, schema: SchemaRef, rows: usize) -> Result<ArrowWriter<Vec<u8>>, Error> {
    Ok(ArrowWriter::try_new(Vec::new(), schema, Some(properties(table, rows)?))?)
}

/// Rows by day, function and time.
struct Order {
    /// Batch, and row in it.
    rows: Vec<(usize, usize)>,
    /// Where each day's rows are in `rows`.
    days: Vec<(i32, Range<usize>)>,
}

fn sort(table: Table, batches: &[RecordBatch]) -> Order {
    let functions: Vec<&StringArray> = batches.iter().map(|rows| column(rows, "function").as_string()).collect();
    let ranks = ranks(functions.iter().flat_map(|names| names.iter()));
    let mut keys = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for (batch, (rows, functions)) in batches.iter().zip(functions).enumerate() {
        let dates = column(rows, PARTITION).as_primitive::<Date32Type>();
        let times = column(rows, table.time_column()).as_primitive::<TimestampMicrosecondType>();
        let rows = functions.iter().zip(dates.values()).zip(times.values()).enumerate();
        keys.extend(rows.map(|(row, ((function, date), time))| (*date, ranks[&function], *time, batch, row)));
    }
    keys.sort_unstable();
    let mut days: Vec<(i32, Range<usize>)> = Vec::new();
    for (at, (date, ..)) in keys.iter().enumerate() {
        match days.last_mut() {
            Some((last, range)) if last == date => range.end = at + 1,
            _ => days.push((*date, at..at + 1)),
        }
    }
    Order { rows: keys.into_iter().map(|(.., batch, row)| (batch, row)).collect(), days }
}

fn column<'a>(rows: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    rows.column_by_name(name).expect("every table has the columns that it is sorted by")
}

/// Numbers the names in their order: comparing numbers is cheaper than comparing names.
fn ranks<'a>(names: impl Iterator<Item = Option<&'a str>>) -> BTreeMap<Option<&'a str>, usize> {
    let mut ranks: BTreeMap<Option<&str>, usize> = names.map(|name| (name, 0)).collect();
    ranks.values_mut().enumerate().for_each(|(at, rank)| *rank = at);
    ranks
}

fn properties(table: Table, rows: usize) -> Result<WriterProperties, Error> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    for field in table.schema().fields() {
        let column = ColumnPath::from(field.name().as_str());
        let is_id = field.name().ends_with("_id") && field.name() != "environment_id";
        match field.data_type() {
            DataType::Timestamp(..) | DataType::Int64 => {
                properties = properties
                    .set_column_dictionary_enabled(column.clone(), false)
                    .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
            }
            DataType::Float64 => properties = properties.set_column_dictionary_enabled(column, false),
            DataType::Utf8 if is_id => {
                properties = properties.set_column_dictionary_enabled(column.clone(), false);
                if BLOOM_FILTERED.contains(&field.name().as_str()) {
                    let distinct = u64::try_from(rows.min(ROW_GROUP_ROWS)).unwrap_or(u64::MAX);
                    properties = properties.set_column_bloom_filter_max_ndv(column, distinct);
                }
            }
            _ => {}
        }
    }
    Ok(properties.build())
}

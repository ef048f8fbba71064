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
/// Bytes of a page before compression, about. A look-up of few rows decodes a page of each column, and joining files holds a
/// page of each column of each file.
const PAGE_BYTES: usize = 256 << 10;
/// Rows that are put in order and encoded at once.
const CHUNK_ROWS: usize = 16_384;
/// The columns that files have bloom filters of: ids, and the outcome, of which some are rare and of few functions.
pub const FILTERED_COLUMNS: [&str; 3] = ["trace_id", "invocation_id", OUTCOME];
const OUTCOME: &str = "outcome";
/// More outcomes than there are.
const OUTCOMES: u64 = 64;

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
    let in_files = |rows: &RecordBatch| {
        let columns = (0..rows.num_columns()).filter(|at| rows.schema_ref().field(*at).name() != PARTITION);
        rows.project(&columns.collect::<Vec<_>>())
    };
    let batches: Vec<RecordBatch> = batches.iter().map(in_files).collect::<Result<_, _>>()?;
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    days.into_iter().map(|(date, range)| encode_day(table, date, &batches, &rows[range])).collect()
}

/// The rows are put in order a chunk at a time: they are in memory once more already.
fn encode_day(table: Table, date: i32, batches: &[&RecordBatch], rows: &[(usize, usize)]) -> Result<Encoded, Error> {
    let schema = batches.first().map_or_else(|| table.schema(), |batch| batch.schema());
    let (mut writer, mut statistics) = (writer(table, schema, rows.len(), 0)?, Statistics::new(table));
    let mut roller = roller(table)?;
    for chunk in rows.chunks(CHUNK_ROWS) {
        let chunk = interleave_record_batch(batches, chunk)?;
        writer.write(&chunk)?;
        statistics.add(&chunk);
        roller.as_mut().map_or(Ok(()), |roller| roller.add(&chunk))?;
    }
    let sides = roller.map(Roller::finish).transpose()?;
    Ok(Encoded { date, bytes: writer.into_inner()?, statistics: statistics.to_json(), sides })
}

/// What makes the rollups of the table's files, where it has any.
pub(super) fn roller(table: Table) -> Result<Option<Roller>, Error> {
    (table == Table::Invocations).then(Roller::new).transpose()
}

/// A writer of a file of so many rows, to memory; it will have about so many `bytes`, where that is known, so that they need
/// not be moved as they become more.
pub(super) fn writer(
    table: Table,
    schema: SchemaRef,
    rows: usize,
    bytes: usize,
) -> Result<ArrowWriter<Vec<u8>>, Error> {
    Ok(ArrowWriter::try_new(Vec::with_capacity(bytes), schema, Some(properties(table, rows)?))?)
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
        .set_data_page_size_limit(PAGE_BYTES)
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
                if FILTERED_COLUMNS.contains(&field.name().as_str()) {
                    let distinct = u64::try_from(rows.min(ROW_GROUP_ROWS)).unwrap_or(u64::MAX);
                    properties = properties.set_column_bloom_filter_max_ndv(column, distinct);
                }
            }
            DataType::Utf8 if field.name() == OUTCOME => {
                properties = properties.set_column_bloom_filter_max_ndv(column, OUTCOMES);
            }
            _ => {}
        }
    }
    Ok(properties.build())
}

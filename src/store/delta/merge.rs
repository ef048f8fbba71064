//! Owns the joining of sorted files to one: a merge that holds a page of each column of each input and a row group of the
//! output, beside the encoded bytes. Which files are joined is `crate::store::maintain`'s.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow::compute::{cast, filter_record_batch, interleave_record_batch};
use arrow::datatypes::{Schema, SchemaRef, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::reader::Length;
use tokio_util::sync::CancellationToken;

use crate::store::rollup::Roller;
use crate::store::tables::PARTITION;
use crate::store::{Error, Table};

use super::bounds::Statistics;
use super::parquet::{Encoded, roller, writer};
use super::source::Source;

/// Rows that are decoded of an input at once.
const INPUT_ROWS: usize = 1_024;
/// Rows that are encoded at once.
const OUTPUT_ROWS: usize = 4_096;

/// Joins files of the day `date`, each sorted by function and time, to one that is. `rows` is how many there are in all; a
/// file that has more or fewer is damaged, and nothing is joined. Ends early, with an error, when `stop` is cancelled.
pub(crate) fn merge(
    table: Table,
    date: i32,
    files: Vec<Source>,
    rows: u64,
    stop: &CancellationToken,
) -> Result<Encoded, Error> {
    let schema = in_files(table);
    let bytes = files.iter().map(Length::len).sum();
    let mut merge = Merge {
        inputs: Vec::with_capacity(files.len()),
        heads: BinaryHeap::with_capacity(files.len()),
        batches: Vec::new(),
        chosen: Vec::with_capacity(OUTPUT_ROWS),
        output: Output::new(table, &schema, rows, bytes)?,
    };
    for file in files {
        merge.open(table, file, &schema)?;
    }
    while merge.step()? {
        if stop.is_cancelled() {
            return Err(Error::Closed);
        }
    }
    counted(table, merge.output.statistics.rows() as u64, rows)?;
    merge.output.finish(date)
}

/// A file of `rows` rows without those of tenants that `drops` names, in the same order; ends early as `merge` does.
pub(crate) fn without(
    table: Table,
    date: i32,
    file: Source,
    rows: u64,
    drops: &dyn Fn(&str) -> bool,
    stop: &CancellationToken,
) -> Result<Reduced, Error> {
    let (mut output, mut found) = (Output::new(table, &in_files(table), rows, file.len())?, 0);
    for batch in rows_of(table, file)? {
        if stop.is_cancelled() {
            return Err(Error::Closed);
        }
        let batch = batch?;
        found += batch.num_rows() as u64;
        let tenants = batch.column_by_name("tenant").expect("every table has it").as_string::<i32>();
        let kept: BooleanArray = tenants.iter().map(|tenant| Some(!tenant.is_some_and(drops))).collect();
        output.write(&filter_record_batch(&batch, &kept)?)?;
    }
    counted(table, found, rows)?;
    let rows = output.statistics.rows() as u64;
    Ok(Reduced { rows, encoded: output.finish(date)? })
}

/// What is left of a file.
pub(crate) struct Reduced {
    pub(crate) rows: u64,
    pub(crate) encoded: Encoded,
}

fn counted(table: Table, found: u64, rows: u64) -> Result<(), Error> {
    if found == rows {
        return Ok(());
    }
    Err(Error::Internal(format!("files of {} hold {found} rows, and not {rows}", table.name())))
}

/// The rows of a table's file, with the columns of today but the partition's.
pub(crate) fn rows_of(table: Table, file: Source) -> Result<impl Iterator<Item = Result<RecordBatch, Error>>, Error> {
    let schema = in_files(table);
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(OUTPUT_ROWS).build()?;
    Ok(reader.map(move |rows| adapt(&rows?, &schema)))
}

/// The columns of a table's files: all but the partition's.
fn in_files(table: Table) -> SchemaRef {
    let all = table.schema();
    let fields = all.fields().iter().filter(|field| field.name() != PARTITION).cloned();
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// What files are sorted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    function: Option<Arc<str>>,
    time: i64,
}

struct Merge {
    inputs: Vec<Input>,
    /// The next row of each input that has one.
    heads: BinaryHeap<Reverse<(Key, usize)>>,
    /// The batches that `chosen` points into, the inputs' present ones among them.
    batches: Vec<RecordBatch>,
    /// Rows of the output that are not encoded yet: batch, and row in it.
    chosen: Vec<(usize, usize)>,
    output: Output,
}

struct Output {
    writer: ArrowWriter<Vec<u8>>,
    statistics: Statistics,
    roller: Option<Roller>,
}

impl Output {
    /// Of `rows` rows, which are about as many bytes as those that they are read from.
    fn new(table: Table, schema: &SchemaRef, rows: u64, bytes: u64) -> Result<Self, Error> {
        let sizes = [rows, bytes].map(|size| usize::try_from(size).unwrap_or(usize::MAX));
        let writer = writer(table, Arc::clone(schema), sizes[0], sizes[1])?;
        Ok(Self { writer, statistics: Statistics::new(table), roller: roller(table)? })
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        self.statistics.add(rows);
        self.writer.write(rows)?;
        self.roller.as_mut().map_or(Ok(()), |roller| roller.add(rows))
    }

    fn finish(self, date: i32) -> Result<Encoded, Error> {
        let sides = self.roller.map(Roller::finish).transpose()?;
        Ok(Encoded { date, bytes: self.writer.into_inner()?, statistics: self.statistics.to_json(), sides })
    }
}

impl Merge {
    fn open(&mut self, table: Table, file: Source, schema: &SchemaRef) -> Result<(), Error> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(INPUT_ROWS).build()?;
        let mut input = Input { reader, table, schema: Arc::clone(schema), batch: 0, rows: None };
        if let Some(batch) = input.load(self.batches.len())? {
            self.batches.push(batch);
            self.heads.extend(input.key(None).map(|key| Reverse((key, self.inputs.len()))));
            self.inputs.push(input);
        }
        Ok(())
    }

    /// Takes rows of the input whose next row comes first, until another's comes before. False at the end.
    fn step(&mut self) -> Result<bool, Error> {
        let Some(Reverse((mut key, at))) = self.heads.pop() else {
            self.flush()?;
            return Ok(false);
        };
        let limit = self.heads.peek().map(|Reverse((key, _))| key.clone());
        loop {
            let input = &mut self.inputs[at];
            self.chosen.push(input.take());
            let next = input.key(Some(&key));
            if self.chosen.len() >= OUTPUT_ROWS {
                self.flush()?;
            }
            key = match next {
                Some(next) => next,
                None => match self.next_batch(at)? {
                    Some(first) => first,
                    None => return Ok(true),
                },
            };
            if limit.as_ref().is_some_and(|limit| *limit < key) {
                self.heads.push(Reverse((key, at)));
                return Ok(true);
            }
        }
    }

    fn next_batch(&mut self, at: usize) -> Result<Option<Key>, Error> {
        let input = &mut self.inputs[at];
        let Some(batch) = input.load(self.batches.len())? else { return Ok(None) };
        self.batches.push(batch);
        Ok(input.key(None))
    }

    /// Encodes the chosen rows, and lets go of the batches that are used up.
    fn flush(&mut self) -> Result<(), Error> {
        if self.chosen.is_empty() {
            return Ok(());
        }
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let rows = interleave_record_batch(&batches, &self.chosen)?;
        self.output.write(&rows)?;
        self.chosen.clear();
        let mut kept = Vec::with_capacity(self.inputs.len());
        for input in self.inputs.iter_mut().filter(|input| input.rows.is_some()) {
            kept.push(self.batches[input.batch].clone());
            input.batch = kept.len() - 1;
        }
        self.batches = kept;
        Ok(())
    }
}

/// A file that is read.
struct Input {
    reader: ParquetRecordBatchReader,
    table: Table,
    schema: SchemaRef,
    /// Where its batch is in `Merge::batches`.
    batch: usize,
    rows: Option<Rows>,
}

/// The keys of a batch, and the row that comes next.
struct Rows {
    functions: StringArray,
    times: TimestampMicrosecondArray,
    next: usize,
}

impl Input {
    /// Reads the next batch that has rows; it will be number `batch`. None at the end.
    fn load(&mut self, batch: usize) -> Result<Option<RecordBatch>, Error> {
        self.rows = None;
        let Some(found) = self.reader.by_ref().find(|found| !matches!(found, Ok(rows) if rows.num_rows() == 0)) else {
            return Ok(None);
        };
        let found = adapt(&found?, &self.schema)?;
        let column = |name: &str| found.column_by_name(name).expect("every table has the columns that it is sorted by");
        self.rows = Some(Rows {
            functions: column("function").as_string::<i32>().clone(),
            times: column(self.table.time_column()).as_primitive::<TimestampMicrosecondType>().clone(),
            next: 0,
        });
        self.batch = batch;
        Ok(Some(found))
    }

    /// The key of the next row of the batch. It shares the name with `before` where it is the same.
    fn key(&self, before: Option<&Key>) -> Option<Key> {
        let rows = self.rows.as_ref().filter(|rows| rows.next < rows.times.len())?;
        let name = rows.functions.is_valid(rows.next).then(|| rows.functions.value(rows.next));
        let same = before.filter(|before| before.function.as_deref() == name);
        let function = same.map_or_else(|| name.map(Arc::from), |before| before.function.clone());
        Some(Key { function, time: rows.times.value(rows.next) })
    }

    /// The next row's place.
    fn take(&mut self) -> (usize, usize) {
        let rows = self.rows.as_mut().expect("an input among the heads has rows");
        rows.next += 1;
        (self.batch, rows.next - 1)
    }
}

/// Gives rows of a file of an older program the columns of today; new ones are null.
fn adapt(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, Error> {
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        columns.push(match rows.column_by_name(field.name()) {
            None => new_null_array(field.data_type(), rows.num_rows()),
            Some(column) if column.data_type() == field.data_type() => Arc::clone(column),
            // The docs of nested fields are a part of their type, and another program may have written the file.
            Some(column) => cast(column, field.data_type())?,
        });
    }
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

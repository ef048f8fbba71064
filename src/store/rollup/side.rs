//! Owns a data file's side files from rows to bytes: its rollups, made a stretch of rows at a time, so that memory does not
//! grow with the file. Where they are put is `registry`'s.

use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use crate::store::Error;
use crate::store::tables::PARTITION;

use super::columns::{MEASURES, Of};
use super::schema::Rollup;
use super::{errors, roll};

/// Rows that are rolled up at once. What a minute has in two stretches is in two rows.
const STRETCH_ROWS: usize = 16_384;
const ROW_GROUP_ROWS: usize = 65_536;

/// The side files of one data file, encoded.
pub(crate) struct Sides {
    /// Each rollup's bytes, in the order of `Rollup::ALL`; none where there are no rows.
    pub(super) files: [Option<Vec<u8>>; 3],
}

/// Makes the side files of a data file out of its rows.
pub(crate) struct Roller {
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    minutes: Writer,
    hours: Vec<RecordBatch>,
    errors: Option<RecordBatch>,
}

impl Roller {
    pub(crate) fn new() -> Result<Self, Error> {
        let minutes = Writer::new(Rollup::Minute)?;
        Ok(Self { waiting: Vec::new(), waiting_rows: 0, minutes, hours: Vec::new(), errors: None })
    }

    /// Adds rows of `invocations`, in the order of the file.
    pub(crate) fn add(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        self.waiting_rows += rows.num_rows();
        self.waiting.push(rows.clone());
        if self.waiting_rows < STRETCH_ROWS { Ok(()) } else { self.roll() }
    }

    fn roll(&mut self) -> Result<(), Error> {
        let Some(first) = self.waiting.first() else { return Ok(()) };
        let rows =
            if self.waiting.len() == 1 { first.clone() } else { concat_batches(&first.schema(), &self.waiting)? };
        self.waiting.clear();
        self.waiting_rows = 0;
        let minutes = roll::minutes(&rows)?;
        self.hours.push(roll::hours(&minutes)?);
        self.minutes.write(&minutes)?;
        if let Some(more) = errors::of_rows(&rows)? {
            self.errors = Some(match self.errors.take() {
                Some(before) => errors::fold(&[before, more])?,
                None => more,
            });
        }
        Ok(())
    }

    /// The encoded files.
    pub(crate) fn finish(mut self) -> Result<Sides, Error> {
        self.roll()?;
        let hours = match &self.hours[..] {
            [] => None,
            [one] => Some(one.clone()),
            several => Some(roll::hours(&concat_batches(&Rollup::Hour.schema(), several)?)?),
        };
        let encode = |rollup, rows: Option<RecordBatch>| {
            rows.map(|rows| {
                let mut writer = Writer::new(rollup)?;
                writer.write(&rows)?;
                writer.finish()
            })
        };
        let hours = encode(Rollup::Hour, hours).transpose()?;
        let errors = encode(Rollup::Errors, self.errors.take()).transpose()?;
        let minutes = self.minutes.finish()?;
        Ok(Sides { files: [Some(minutes), hours, errors] })
    }
}

/// Writes a rollup's rows as Parquet, without the partition's column.
struct Writer {
    writer: ArrowWriter<Vec<u8>>,
    columns: Vec<usize>,
}

impl Writer {
    fn new(rollup: Rollup) -> Result<Self, Error> {
        let all = rollup.schema();
        let columns: Vec<usize> = (0..all.fields().len()).filter(|at| all.field(*at).name() != PARTITION).collect();
        let schema: SchemaRef = Schema::project(&all, &columns)?.into();
        Ok(Self { writer: ArrowWriter::try_new(Vec::new(), schema, Some(properties()))?, columns })
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        Ok(self.writer.write(&rows.project(&self.columns)?)?)
    }

    fn finish(self) -> Result<Vec<u8>, Error> {
        Ok(self.writer.into_inner()?)
    }
}

/// Sums that hardly repeat are written as differences; counts, which do, by dictionary. Sketches are compressed only. Not by
/// zstd: there are many small columns, and its contexts cost more than all the rest.
fn properties() -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    for measure in MEASURES {
        let column = ColumnPath::from(measure.name);
        let is_sum = matches!(measure.of, Of::Sum(_)) && measure.name.ends_with("_ns");
        if is_sum || matches!(measure.of, Of::Sketch(_) | Of::Wide(_)) {
            properties = properties.set_column_dictionary_enabled(column.clone(), false);
        }
        if is_sum {
            properties = properties.set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
        }
    }
    properties.build()
}

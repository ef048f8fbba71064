//! Reads some columns of a table's rows of a span of time, a batch at a time: for those who must know what was written
//! before they write. Queries are `crate::query`'s.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use crate::units::Timestamp;

use super::delta::Source;
use super::tables::INGESTED_AT;
use super::{Bound, DataFile, Error, View};

/// Rows that are decoded at once.
const BATCH_ROWS: usize = 8_192;

/// Which rows are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Those that were written after this.
    IngestedAfter(Timestamp),
    /// Those whose own time (`started_at`, `time`) is between these, both included.
    Between(Timestamp, Timestamp),
}

impl View {
    /// The rows of `span`, with those of `columns` that there are; files, and row groups of them, that hold none are not read.
    #[must_use]
    pub fn read(self, columns: &'static [&'static str], span: Span) -> BoxStream<'static, Result<RecordBatch, Error>> {
        let by = match span {
            Span::IngestedAfter(_) => INGESTED_AT,
            Span::Between(..) => self.table.time_column(),
        };
        let files: Vec<DataFile> = self.files.iter().filter(|file| span.may_be_in(file, by)).cloned().collect();
        let view = Arc::new(self);
        let fresh = view.batches.clone();
        let of_files = stream::iter(files).then(move |file| {
            let view = Arc::clone(&view);
            async move { view.rows_of(&file, columns, by, span).await }
        });
        let rows = of_files.map_ok(|rows| stream::iter(rows.map(|rows| rows.map_err(Error::from)))).try_flatten();
        let rows = rows.chain(stream::iter(fresh.into_iter().map(Ok)));
        rows.map(move |rows| span.only(&rows?, columns, by)).boxed()
    }

    async fn rows_of(
        &self,
        file: &DataFile,
        columns: &[&str],
        by: &str,
        span: Span,
    ) -> Result<ParquetRecordBatchReader, Error> {
        let failed = |source| Error::Storage { table: self.table, source };
        let source = Source::open(&*self.object_store, &file.path).await.map_err(failed)?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(source)?;
        let groups = span.groups(reader.metadata(), by);
        let named = |name: &str| columns.contains(&name) || name == by;
        let fields = reader.schema().fields().iter().enumerate();
        let roots = fields.filter(|(_, field)| named(field.name())).map(|(at, _)| at);
        let mask = ProjectionMask::roots(reader.parquet_schema(), roots);
        Ok(reader.with_projection(mask).with_row_groups(groups).with_batch_size(BATCH_ROWS).build()?)
    }
}

impl Span {
    /// The row groups of a file that may hold rows of it, by their column `by`.
    fn groups(self, file: &ParquetMetaData, by: &str) -> Vec<usize> {
        let leaves = file.file_metadata().schema_descr().columns();
        let leaf = leaves.iter().position(|leaf| leaf.path().string() == by);
        let may_be_in = |group: &RowGroupMetaData| match leaf.and_then(|leaf| group.column(leaf).statistics()) {
            Some(Statistics::Int64(times)) => match (times.min_opt(), times.max_opt()) {
                (Some(least), Some(most)) => self.meets(*least, *most),
                _ => true,
            },
            _ => true,
        };
        (0..file.num_row_groups()).filter(|at| may_be_in(file.row_group(*at))).collect()
    }

    fn may_be_in(self, file: &DataFile, by: &str) -> bool {
        let Some((_, bounds)) = file.bounds.iter().find(|(name, _)| name == by) else { return true };
        let (Bound::TimestampMicros(least), Bound::TimestampMicros(most)) = (&bounds.min, &bounds.max) else {
            return true;
        };
        self.meets(*least, *most)
    }

    /// Whether times between these, microseconds, may be of it.
    fn meets(self, least: i64, most: i64) -> bool {
        match self {
            Self::IngestedAfter(time) => most > time.micros(),
            Self::Between(from, to) => most >= from.micros() && least <= to.micros(),
        }
    }

    fn holds(self, micros: i64) -> bool {
        match self {
            Self::IngestedAfter(time) => micros > time.micros(),
            Self::Between(from, to) => (from.micros()..=to.micros()).contains(&micros),
        }
    }

    /// The rows of this span, and the columns that were asked for.
    fn only(self, rows: &RecordBatch, columns: &[&str], by: &str) -> Result<RecordBatch, Error> {
        let times = rows.column_by_name(by).and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
        let times = times.ok_or_else(|| Error::Internal(format!("a file has no column '{by}' of times")))?;
        let wanted: BooleanArray = times.iter().map(|time| time.map(|time| self.holds(time))).collect();
        let schema = rows.schema();
        let known: Vec<usize> = columns.iter().filter_map(|name| schema.index_of(name).ok()).collect();
        Ok(filter_record_batch(&rows.project(&known)?, &wanted)?)
    }
}

//! Reads side files by way of the columns that are kept of them (`side_columns`). Rows are left out by the plan above.

use std::sync::Arc;

use arrow::array::{ArrayRef, new_empty_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{Result, ScalarValue};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::{StreamExt, stream};
use object_store::ObjectStore;
use object_store::path::Path;

use crate::store::DataFile;

use super::side_columns::SideColumns;

/// Files that are opened at once by each of a query's partitions.
const AHEAD: usize = 4;

/// Where side files are, and what is kept of them.
#[derive(Debug, Clone)]
pub(super) struct SideFiles {
    pub(super) object_store: Arc<dyn ObjectStore>,
    pub(super) columns: Arc<SideColumns>,
}

impl SideFiles {
    /// The rows of some files with the columns of `projection`; the partition's is the last of `schema`.
    pub(super) fn scan(
        &self,
        files: &[&DataFile],
        schema: &Schema,
        projection: Option<&Vec<usize>>,
        partitions: usize,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted = projection.cloned().unwrap_or_else(|| (0..schema.fields().len()).collect());
        let projected = Arc::new(schema.project(&wanted)?);
        let partition = schema.fields().len() - 1;
        let shares = files.chunks(files.len().div_ceil(partitions.max(1)).max(1)).map(|share| {
            let files = share.iter().map(|file| (file.path.clone(), file.date)).collect();
            let (schema, wanted) = (Arc::clone(&projected), wanted.clone());
            Arc::new(Share { from: self.clone(), files, schema, wanted, partition }) as Arc<dyn PartitionStream>
        });
        let plan = StreamingTableExec::try_new(Arc::clone(&projected), shares.collect(), None, [], false, limit)?;
        Ok(Arc::new(plan))
    }
}

/// What one partition of a plan reads.
#[derive(Debug, Clone)]
struct Share {
    from: SideFiles,
    /// Each with its day.
    files: Vec<(Path, i32)>,
    schema: SchemaRef,
    /// Places of the columns.
    wanted: Vec<usize>,
    /// The place of the partition's column, which is not in the files.
    partition: usize,
}

impl Share {
    async fn read(&self, path: &Path, day: i32) -> Result<RecordBatch> {
        let mut in_file: Vec<usize> = self.wanted.iter().copied().filter(|place| *place != self.partition).collect();
        if in_file.is_empty() {
            // Any column says how many rows there are.
            in_file.push(0);
        }
        let columns = self.from.columns.get(&*self.from.object_store, path, &in_file).await?;
        let rows = columns[0].len();
        let column = |(place, field): (&usize, &FieldRef)| match in_file.iter().position(|at| at == place) {
            Some(at) => Ok(Arc::clone(&columns[at])),
            None => days(day, rows, field.data_type()),
        };
        let columns = self.wanted.iter().zip(self.schema.fields()).map(column).collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

fn days(day: i32, rows: usize, kind: &DataType) -> Result<ArrayRef> {
    if rows == 0 {
        return Ok(new_empty_array(kind));
    }
    Ok(cast(&ScalarValue::Date32(Some(day)).to_array_of_size(rows)?, kind)?)
}

impl PartitionStream for Share {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let share = Arc::new(self.clone());
        let reads = stream::iter(0..share.files.len()).map(move |at| {
            let share = Arc::clone(&share);
            async move {
                let (path, day) = &share.files[at];
                share.read(path, *day).await
            }
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), reads.buffered(AHEAD)))
    }
}

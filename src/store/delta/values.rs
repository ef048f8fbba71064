//! Owns the reading of one column of a file. What is made of its values is `crate::query`'s.

use std::sync::Arc;

use arrow::array::{ArrayRef, NullArray};
use arrow::datatypes::{DataType, FieldRef, Schema};
use object_store::ObjectStore;
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use crate::store::{Error, Table};

use super::source::Source;

/// Rows that are read at once.
const BATCH_ROWS: usize = 65_536;

/// Makes something of a column: `add` is given all of its values in turn, with views for texts, and an array without a type where
/// the file has no such column. Says how many rows each row group has, too.
pub async fn values<T: Send + 'static>(
    table: Table,
    store: &Arc<dyn ObjectStore>,
    file: &Path,
    column: &'static str,
    mut made: T,
    add: fn(&mut T, &ArrayRef) -> Result<(), Error>,
) -> Result<(T, Vec<usize>), Error> {
    let source = Source::open(&**store, file).await.map_err(|source| Error::Storage { table, source })?;
    let reading = tokio::task::spawn_blocking(move || {
        let groups = read(source, column, |values| add(&mut made, values))?;
        Ok((made, groups))
    });
    reading.await.map_err(|error| Error::Internal(format!("reading {column}: {error}")))?
}

fn read(
    source: Source,
    column: &str,
    mut add: impl FnMut(&ArrayRef) -> Result<(), Error>,
) -> Result<Vec<usize>, Error> {
    let found = ArrowReaderMetadata::load(&source, ArrowReaderOptions::default())?;
    let rows_of = |rows: i64| usize::try_from(rows).unwrap_or_default();
    let groups: Vec<usize> = found.metadata().row_groups().iter().map(|group| rows_of(group.num_rows())).collect();
    let Ok(place) = found.schema().index_of(column) else {
        add(&(Arc::new(NullArray::new(groups.iter().sum())) as ArrayRef))?;
        return Ok(groups);
    };
    let options = ArrowReaderOptions::new().with_schema(Arc::new(with_views(found.schema())));
    let found = ArrowReaderMetadata::try_new(Arc::clone(found.metadata()), options)?;
    let mask = ProjectionMask::roots(found.parquet_schema(), [place]);
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(source, found)
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .build()?;
    for batch in reader {
        add(batch?.column(0))?;
    }
    Ok(groups)
}

fn with_views(schema: &Schema) -> Schema {
    let view = |field: &FieldRef| match field.data_type() {
        DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
        _ => Arc::clone(field),
    };
    Schema::new(schema.fields().iter().map(view).collect::<Vec<_>>())
}

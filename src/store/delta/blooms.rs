//! Owns the reading of the bloom filters that tell which values a file cannot have. Who keeps them is `crate::query`.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::bloom_filter::Sbbf;

use crate::store::{Error, Table};

use super::source::Source;

/// The bloom filters of a column, one for each row group of the file; none where a row group has none.
pub async fn blooms(
    table: Table,
    store: &Arc<dyn ObjectStore>,
    file: &Path,
    column: &'static str,
) -> Result<Vec<Option<Sbbf>>, Error> {
    let source = Source::open(&**store, file).await.map_err(|source| Error::Storage { table, source })?;
    let reading = tokio::task::spawn_blocking(move || read(&source, column));
    reading.await.map_err(|error| Error::Internal(format!("reading filters: {error}")))?
}

fn read(source: &Source, column: &str) -> Result<Vec<Option<Sbbf>>, Error> {
    let known = ArrowReaderMetadata::load(source, Default::default())?;
    let leaf = known.parquet_schema().columns().iter().position(|leaf| leaf.path().string() == column);
    let groups = known.metadata().row_groups().iter();
    let filter = |group: &parquet::file::metadata::RowGroupMetaData| match leaf {
        Some(leaf) => Sbbf::read_from_column_chunk(group.column(leaf), source),
        None => Ok(None),
    };
    Ok(groups.map(filter).collect::<Result<_, _>>()?)
}

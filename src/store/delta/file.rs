//! Owns a table's file from its bytes to what the Delta log says of it. When it is committed is `table`'s.

use std::sync::Arc;

use deltalake_core::kernel::{Add, Remove};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::store::rollup::Rollups;
use crate::store::tables::PARTITION;
use crate::store::{DataFile, Error, Table};
use crate::units::Timestamp;

use super::bounds::{data_file, day};
use super::parquet::Encoded;

/// A file in storage that no commit has named yet.
#[derive(Debug, Clone)]
pub(crate) struct NewFile {
    /// What readers will know of it.
    pub(crate) file: DataFile,
    statistics: String,
}

impl NewFile {
    /// Puts an encoded file into its day's folder, after its side files; `name` must be new there.
    pub(crate) async fn put(
        table: Table,
        root: &Arc<dyn ObjectStore>,
        rollups: &Rollups,
        name: &str,
        encoded: Encoded,
    ) -> Result<Self, Error> {
        let Encoded { date, bytes, statistics, sides } = encoded;
        let date = day(date);
        let path = format!("{PARTITION}={date}/{name}.parquet");
        let known = data_file(table, &path, signed(bytes.len() as u64), &date, &statistics);
        let file = known.ok_or_else(|| Error::Internal(format!("the statistics of {path} are not ours")))?;
        if let Some(sides) = sides {
            rollups.put(&file.path, sides).await?;
        }
        let put = root.put(&file.path, bytes.into()).await;
        put.map_err(|source| Error::Storage { table, source })?;
        Ok(Self { file, statistics })
    }

    /// As the log names it. `data_change` is false where its rows were in the table before.
    pub(super) fn add(&self, table: Table, data_change: bool, at: Timestamp) -> Add {
        Add {
            path: in_table(table, &self.file.path),
            size: signed(self.file.bytes),
            partition_values: [(PARTITION.to_owned(), Some(day(self.file.date)))].into(),
            modification_time: at.micros() / 1_000,
            data_change,
            stats: Some(self.statistics.clone()),
            ..Add::default()
        }
    }
}

/// As the log takes a file out of the table. `data_change` is false where its rows stay in the table.
pub(super) fn remove(table: Table, file: &DataFile, data_change: bool, at: Timestamp) -> Remove {
    Remove {
        path: in_table(table, &file.path),
        data_change,
        deletion_timestamp: Some(at.micros() / 1_000),
        extended_file_metadata: Some(true),
        partition_values: Some([(PARTITION.to_owned(), Some(day(file.date)))].into()),
        size: Some(signed(file.bytes)),
        ..Remove::default()
    }
}

/// The path as the table's log has it: within the table's folder.
fn in_table(table: Table, path: &Path) -> String {
    let path = path.as_ref();
    let rest = path.strip_prefix(table.name()).and_then(|rest| rest.strip_prefix('/'));
    rest.unwrap_or(path).to_owned()
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

//! What is read of a file.

use datafusion::datasource::physical_plan::parquet::ParquetAccessPlan;

use crate::store::DataFile;

/// A file that is read, and what of it.
#[derive(Clone)]
pub(super) struct Part<'a> {
    pub(super) file: &'a DataFile,
    /// Its row groups, and rows of them; none is all.
    pub(super) groups: Option<ParquetAccessPlan>,
    /// How many rows `index` leaves of the file.
    pub(super) rows: u64,
}

impl<'a> Part<'a> {
    /// All of a file.
    pub(super) fn whole(file: &'a DataFile) -> Self {
        Self { file, groups: None, rows: file.rows }
    }
}

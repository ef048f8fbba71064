//! How DataFusion reads the files of a table: in which order, what of them, and what it knows of them before.

use std::cmp::Reverse;
use std::sync::Arc;

use arrow::datatypes::Field;
use datafusion::catalog::Session;
use datafusion::common::config::TableParquetOptions;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, Statistics, plan_datafusion_err};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::physical_plan::ExecutionPlan;

use crate::query::part::Part;
use crate::query::prune;
use crate::store::{Bound, Bounds, DataFile};

use super::StoreTable;

/// One row in so many is few.
const SPARSE: u64 = 8;

impl StoreTable {
    pub(super) async fn scan_files(
        &self,
        state: &dyn Session,
        parts: Vec<Part<'_>>,
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = TableSchema::builder(Arc::clone(&self.in_files))
            .with_table_partition_cols(vec![Arc::clone(&self.partition)])
            .build();
        let (totals, options) = (self.totals(&parts), options(state, &parts));
        let mut newest_first = parts;
        newest_first.sort_by_key(|part| Reverse((part.file.date, self.latest(part.file))));
        let files = newest_first.into_iter().map(|part| self.part(part)).collect::<Result<Vec<_>>>()?;
        let groups = FileGroup::new(files).split_files(state.config().target_partitions());
        let config = FileScanConfigBuilder::new(self.url.clone(), Arc::new(ParquetSource::new(schema)))
            .with_file_groups(groups)
            .with_statistics(totals)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        ParquetFormat::new().with_options(options).create_physical_plan(state, config).await
    }

    /// An upper bound of the rows' times. A query for the last few rows looks at files in this order and passes the rest.
    fn latest(&self, file: &DataFile) -> Option<i64> {
        file.bounds.iter().find_map(|(name, bounds)| match bounds.max {
            Bound::TimestampMicros(max) if name == self.time => Some(max),
            _ => None,
        })
    }

    fn part(&self, part: Part<'_>) -> Result<PartitionedFile> {
        let Part { file, groups, rows } = part;
        let day = prune::day(file.date, self.partition.data_type())
            .ok_or_else(|| plan_datafusion_err!("the column {} holds no day", self.partition.name()))?;
        let columns = self.in_files.fields().iter().map(|field| column_statistics(file, field)).collect();
        let statistics = Statistics {
            num_rows: self.count(file.rows, rows == file.rows),
            total_byte_size: Precision::Absent,
            column_statistics: columns,
        };
        let file = PartitionedFile::new(file.path.to_string(), file.bytes)
            .with_partition_values(vec![day])
            .with_statistics(Arc::new(statistics));
        Ok(match groups {
            Some(groups) => file.with_extension(groups),
            None => file,
        })
    }

    /// The count of rows and nothing of the columns: bounds enclose, and need not be tight. Of files that are not read as a whole
    /// it is that of their rows too, for planning: what is read of a few rows costs as much as what is read around them.
    fn totals(&self, parts: &[Part<'_>]) -> Statistics {
        let rows: u64 = parts.iter().map(|part| part.file.rows).sum();
        let mut totals = Statistics::new_unknown(&self.schema);
        totals.num_rows = self.count(rows, parts.iter().all(|part| part.rows == part.file.rows));
        totals
    }

    fn count(&self, rows: u64, all: bool) -> Precision<usize> {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        match self.counted {
            true if all => Precision::Exact(rows),
            true => Precision::Inexact(rows),
            false => Precision::Absent,
        }
    }
}

/// How rows are read: where few are, what lies between them is not decoded to be kept for another column's sake.
fn options(state: &dyn Session, parts: &[Part<'_>]) -> TableParquetOptions {
    let mut global = state.config_options().execution.parquet.clone();
    let sum = |rows: fn(&Part<'_>) -> u64| parts.iter().map(rows).sum::<u64>();
    if sum(|part| part.rows) < sum(|part| part.file.rows) / SPARSE {
        global.max_predicate_cache_size = Some(0);
    }
    TableParquetOptions { global, ..Default::default() }
}

/// Bounds are handed on as exact, for only exact ones prune while a query runs, as a top-k narrows. That they need not be
/// reached does no harm there; minimum and maximum of the table are not answered from them (see `totals`).
fn column_statistics(file: &DataFile, field: &Field) -> ColumnStatistics {
    let unknown = ColumnStatistics::new_unknown();
    let Some((_, bounds)) = file.bounds.iter().find(|(name, _)| name == field.name()) else {
        return unknown;
    };
    let Bounds { min, max, nulls } = bounds;
    let kind = field.data_type();
    let (Some(low), Some(high)) = (prune::scalar(min, kind), prune::scalar(max, kind)) else {
        return unknown;
    };
    let null_count = usize::try_from(*nulls).map_or(Precision::Absent, Precision::Exact);
    ColumnStatistics { null_count, min_value: Precision::Exact(low), max_value: Precision::Exact(high), ..unknown }
}

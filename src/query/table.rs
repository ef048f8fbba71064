//! One table of the store as DataFusion sees it: a fixed view of files and of rows in memory. It does not know SQL,
//! nor when the view was taken.

mod files;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, Result, internal_err, plan_datafusion_err, project_schema};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExecBuilder;
use datafusion::physical_plan::union::UnionExec;
use object_store::ObjectStore;

use crate::store::{DataFile, Rollup, RollupView, Table, View};

use super::blooms::Blooms;
use super::column_filter::{ColumnFilter, is_about};
use super::index::{self, Index};
use super::part::Part;
use super::prune;
use super::side_columns::SideColumns;
use super::side_scan::SideFiles;
use super::views;

/// A view of a table, read through the object store registered under `url`.
pub(super) struct StoreTable {
    name: &'static str,
    /// The column by which the newest rows are found first.
    time: &'static str,
    schema: SchemaRef,
    files: Arc<[DataFile]>,
    /// Whether the files have exactly so many rows, and not just no more.
    counted: bool,
    batches: Vec<RecordBatch>,
    url: ObjectStoreUrl,
    /// All columns but the partition's.
    in_files: SchemaRef,
    partition: Arc<Field>,
    read: Read,
}

/// How files are read.
enum Read {
    /// By DataFusion, once what has not the values that are asked for is left out.
    Rows { table: Table, object_store: Arc<dyn ObjectStore>, known: Arc<Known> },
    /// As columns that are kept.
    Columns(SideFiles),
    /// By DataFusion.
    Plain,
}

/// What is known of files beforehand.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) blooms: Blooms,
    pub(super) index: Index,
}

impl fmt::Debug for StoreTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreTable")
            .field("table", &self.name)
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}

impl StoreTable {
    /// Fails where the view's last column is not the partition's.
    pub(super) fn new(view: View, url: ObjectStoreUrl, known: &Arc<Known>) -> Result<Self> {
        let View { table, schema, files, batches, object_store } = view;
        let schema = views::schema(&schema);
        let (in_files, partition) = split(&schema)?;
        let (name, time) = (table.name(), table.time_column());
        let read = Read::Rows { table, object_store, known: Arc::clone(known) };
        Ok(Self { name, time, schema, files, counted: true, batches, url, in_files, partition, read })
    }

    /// A rollup; `url` is where its files are. Columns are kept of those that weeks are read from: minutes are too many.
    pub(super) fn of_rollup(view: RollupView, url: ObjectStoreUrl, columns: &Arc<SideColumns>) -> Result<Self> {
        let RollupView { rollup, files, batches, object_store } = view;
        let (name, schema) = (rollup.name(), views::schema(&rollup.schema()));
        let (in_files, partition) = split(&schema)?;
        let files = files.into();
        let read = match rollup {
            Rollup::Minute => Read::Plain,
            _ => Read::Columns(SideFiles { object_store, columns: Arc::clone(columns) }),
        };
        Ok(Self { name, time: "bucket", schema, files, counted: false, batches, url, in_files, partition, read })
    }

    /// The columns of which is known which rows have which value.
    fn indexed(&self) -> impl Iterator<Item = &'static str> {
        let columns = if let Read::Rows { table, .. } = self.read { index::columns(table) } else { &[] };
        columns.iter().copied()
    }

    /// The filters on columns of the index.
    fn of_index(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<ColumnFilter>> {
        let fields = self.schema.fields();
        let about = |column| {
            let field = fields.iter().find(|field| field.name() == column)?;
            ColumnFilter::new(state, field, filters).transpose()
        };
        self.indexed().filter_map(about).collect()
    }

    /// Asks filters on columns of the index as rows are read.
    async fn scan_filtered(
        &self,
        state: &dyn Session,
        parts: Vec<Part<'_>>,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut columns = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let wanted = (0..columns.len()).collect();
        let names: Vec<&str> = self.indexed().collect();
        for place in names.iter().filter_map(|name| self.schema.index_of(name).ok()) {
            if !columns.contains(&place) {
                columns.push(place);
            }
        }
        let asked = filters.iter().filter(|filter| names.iter().any(|name| is_about(filter, name)));
        let Some(asked) = conjunction(asked.cloned()) else { return internal_err!("there are no filters to ask") };
        let rows = Box::pin(self.scan_files(state, parts, Some(&columns), None)).await?;
        let asked = state.create_physical_expr(asked, &DFSchema::try_from(rows.schema())?)?;
        Ok(Arc::new(FilterExecBuilder::new(asked, rows).apply_projection(Some(wanted))?.build()?))
    }

    fn scan_batches(
        &self,
        batches: &[RecordBatch],
        partitions: usize,
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = project_schema(&self.schema, projection)?;
        let projected = |batch: &RecordBatch| match projection {
            Some(columns) => views::rows(&batch.project(columns)?, &schema),
            None => views::rows(batch, &schema),
        };
        let batches = batches.iter().map(projected).collect::<Result<Vec<_>>>()?;
        let shares: Vec<_> = batches.chunks(batches.len().div_ceil(partitions)).map(<[_]>::to_vec).collect();
        let source = MemorySourceConfig::try_new(&shares, Arc::clone(&schema), None)?;
        Ok(DataSourceExec::from_data_source(source.with_limit(limit).with_show_sizes(false)))
    }
}

/// The columns of files, and the partition's.
fn split(schema: &Schema) -> Result<(SchemaRef, Arc<Field>)> {
    let (partition, rest) =
        schema.fields().split_last().ok_or_else(|| plan_datafusion_err!("the table has no columns"))?;
    Ok((Arc::new(Schema::new(rest.to_vec())), Arc::clone(partition)))
}

#[async_trait]
impl TableProvider for StoreTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Filters on the partition, and on a column of the index, are done with here. Of the others each leaves out files, and the
    /// plan sees to the rows.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let is_done = |filter: &Expr| {
            is_about(filter, self.partition.name()) || self.indexed().any(|column| is_about(filter, column))
        };
        let support = |filter: &&Expr| match is_done(filter) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Inexact,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (mut files, mut batches) = (self.files.iter().collect(), Cow::Borrowed(self.batches.as_slice()));
        if let Some(days) = ColumnFilter::new(state, &self.partition, filters)? {
            files = days.files(files)?;
            batches = Cow::Owned(days.rows(&batches)?);
        }
        let partition = self.partition.name();
        let others: Vec<Expr> = filters.iter().filter(|filter| !is_about(filter, partition)).cloned().collect();
        let files = prune::keep(state, &self.schema, partition, files, &others)?;
        let indexed = self.of_index(state, &others)?;
        for filter in &indexed {
            batches = Cow::Owned(filter.rows(&batches)?);
        }
        let mut inputs: Vec<Arc<dyn ExecutionPlan>> = Vec::with_capacity(2);
        let partitions = state.config().target_partitions();
        let parts = match &self.read {
            _ if files.is_empty() => Vec::new(),
            Read::Rows { table, object_store, known } => {
                let parts = known.blooms.parts(*table, object_store, files, &others).await;
                match known.index.parts(*table, object_store, &parts, &indexed).await? {
                    Some(parts) => parts,
                    None => {
                        inputs.push(self.scan_filtered(state, parts, projection, &others).await?);
                        Vec::new()
                    }
                }
            }
            Read::Plain => files.into_iter().map(Part::whole).collect(),
            Read::Columns(sides) => {
                inputs.push(sides.scan(&files, &self.schema, projection, partitions, limit)?);
                Vec::new()
            }
        };
        if !parts.is_empty() {
            inputs.push(Box::pin(self.scan_files(state, parts, projection, limit)).await?);
        }
        if !batches.is_empty() {
            inputs.push(self.scan_batches(&batches, partitions, projection, limit)?);
        }
        if inputs.is_empty() {
            return Ok(Arc::new(EmptyExec::new(project_schema(&self.schema, projection)?)));
        }
        UnionExec::try_new(inputs)
    }
}

//! Owns tables in SQL whose rows are not the store's: other parts hand them in. It does not know what they hold.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{Field, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::OnceCell;

use super::Error;

type Columns = BoxFuture<'static, std::result::Result<Vec<ArrayRef>, Error>>;

/// A table in SQL besides those of the store. A cheap clone.
#[derive(Clone)]
pub struct Relation {
    name: &'static str,
    schema: SchemaRef,
    columns: Arc<dyn Fn() -> Columns + Send + Sync>,
}

impl Relation {
    /// `name` is none of the store's tables'. `columns` gives the rows, column by column in the schema's order: it is asked
    /// at most once by a query, by none that does not read the relation, and bounds how many rows there are. They are not
    /// counted in `Config::memory_bytes`.
    pub fn new<F>(name: &'static str, schema: SchemaRef, columns: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = std::result::Result<Vec<ArrayRef>, Error>> + Send + 'static,
    {
        Self { name, schema, columns: Arc::new(move || columns().boxed()) }
    }

    /// Its name in SQL.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its columns; their docs are in the fields' metadata under `comment`, as those of the store's tables.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }
}

impl fmt::Debug for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relation").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A column of a relation with its doc, and its values of some rows: of none, where only its type is wanted.
pub type Column = (Field, ArrayRef);

/// A column that is never null.
pub fn column(name: &str, doc: &str, values: impl Array + 'static) -> Column {
    let docs = HashMap::from([("comment".to_owned(), doc.to_owned())]);
    (Field::new(name, values.data_type().clone(), false).with_metadata(docs), Arc::new(values))
}

/// A column that may be null.
pub fn optional(name: &str, doc: &str, values: impl Array + 'static) -> Column {
    let (field, values) = column(name, doc, values);
    (field.with_nullable(true), values)
}

/// A relation in one query, which sees the same rows wherever it names it.
#[derive(Debug)]
pub(super) struct RelationTable {
    relation: Relation,
    rows: OnceCell<RecordBatch>,
}

impl RelationTable {
    pub(super) fn new(relation: Relation) -> Self {
        Self { relation, rows: OnceCell::new() }
    }

    async fn rows(&self) -> Result<&RecordBatch> {
        let make = async || {
            let columns = (self.relation.columns)().await.map_err(|error| DataFusionError::External(error.into()))?;
            RecordBatch::try_new(Arc::clone(&self.relation.schema), columns).map_err(|error| {
                let error = Error::Internal(format!("the rows of {} do not fit: {error}", self.relation.name));
                DataFusionError::External(error.into())
            })
        };
        self.rows.get_or_try_init(make).await
    }
}

#[async_trait]
impl TableProvider for RelationTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.relation.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let partition = vec![self.rows().await?.clone()];
        let exec = MemorySourceConfig::try_new_exec(&[partition], self.schema(), projection.cloned())?;
        Ok(exec)
    }
}

//! The tables of one query as they were when it began: those of the store, and beside them those of the rollup, which are
//! made when a statement names them.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::memory::{MemoryCatalogProvider, MemoryCatalogProviderList};
use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};

use crate::store::{Rollup, Table, View};

use super::rollup::{self, Grain, ROLLUP};
use super::session::Views;
use super::side_columns::SideColumns;
use super::table::StoreTable;

/// The names of the catalog and of its one schema.
pub(super) const CATALOG: &str = "faremeter";
pub(super) const SCHEMA: &str = "public";

/// A catalog with this schema alone.
pub(super) fn of(schema: Arc<dyn SchemaProvider>) -> Result<Arc<dyn CatalogProviderList>> {
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(SCHEMA, schema)?;
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog(CATALOG.to_owned(), Arc::new(catalog));
    Ok(Arc::new(catalogs))
}

/// The tables in `base`, and those of the rollup.
pub(super) struct WithRollups {
    pub(super) base: Arc<dyn SchemaProvider>,
    /// Plans what is made of the rows in `base`.
    pub(super) template: SessionState,
    /// What `rollup` is.
    pub(super) grain: Grain,
    /// Has the rollups that are made already.
    pub(super) views: Arc<dyn Views>,
    /// `invocations` as it is in `base`, and where its files and those of its rollups are.
    pub(super) invocations: View,
    pub(super) url: ObjectStoreUrl,
    /// What is kept of the rollups' files.
    pub(super) columns: Arc<SideColumns>,
}

impl fmt::Debug for WithRollups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithRollups").field("grain", &self.grain).finish_non_exhaustive()
    }
}

impl WithRollups {
    /// A rollup as the store has it, of the rows that `invocations` has.
    async fn made(&self, rollup: Rollup) -> Result<Arc<dyn TableProvider>> {
        let (views, rows) = (Arc::clone(&self.views), self.invocations.clone());
        // Rows that are in no file yet are rolled up now.
        let rolled = tokio::task::spawn_blocking(move || views.rollup(rollup, &rows)).await;
        match rolled.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))? {
            Some(Ok(view)) => Ok(Arc::new(StoreTable::of_rollup(view, self.url.clone(), &self.columns)?)),
            Some(Err(error)) => Err(DataFusionError::External(error.into())),
            None if rollup == Rollup::Errors => self.of_rows(None).await,
            None => self.of_rows(Some(if rollup == Rollup::Hour { Grain::HOUR } else { Grain::MINUTE })).await,
        }
    }

    /// A table that is made of the rows of `invocations`.
    async fn of_rows(&self, grain: Option<Grain>) -> Result<Arc<dyn TableProvider>> {
        let catalogs = of(Arc::clone(&self.base))?;
        let state = SessionStateBuilder::new_from_existing(self.template.clone()).with_catalog_list(catalogs).build();
        let plan = match grain {
            Some(grain) => {
                let schema = Table::Invocations.schema();
                rollup::of_rows(&state, grain, |name| schema.field_with_name(name).is_ok()).await?
            }
            None => rollup::errors_of_rows(&state).await?,
        };
        Ok(Arc::new(ViewTable::new(plan, None)))
    }
}

#[async_trait]
impl SchemaProvider for WithRollups {
    fn table_names(&self) -> Vec<String> {
        self.base.table_names().into_iter().chain(rollup::names().map(str::to_owned)).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let named = Rollup::ALL.into_iter().find(|rollup| rollup.name() == name);
        let resolved = self.grain.made().filter(|_| name == ROLLUP);
        match named.or(resolved) {
            Some(rollup) => self.made(rollup).await.map(Some),
            None if name == ROLLUP => self.of_rows(Some(self.grain)).await.map(Some),
            None => self.base.table(name).await,
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        rollup::names().any(|rollup| rollup == name) || self.base.table_exist(name)
    }
}

//! The tables of one query as they were when it began: those of the store, and beside them those of the rollup, which are
//! made when a statement names them.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::memory::{MemoryCatalogProvider, MemoryCatalogProviderList};
use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::error::Result;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};

use crate::store::Table;

use super::rollup::{self, Grain, Made};

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
}

impl fmt::Debug for WithRollups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithRollups").field("grain", &self.grain).finish_non_exhaustive()
    }
}

impl WithRollups {
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
        let rollups = Made::ALL.into_iter().map(|made| made.name().to_owned());
        self.base.table_names().into_iter().chain(rollups).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(match Made::ALL.into_iter().find(|made| made.name() == name) {
            None => self.base.table(name).await?,
            Some(Made::Resolved) => Some(self.of_rows(Some(self.grain)).await?),
            Some(Made::Minute) => Some(self.of_rows(Some(Grain::MINUTE)).await?),
            Some(Made::Hour) => Some(self.of_rows(Some(Grain::HOUR)).await?),
            Some(Made::Errors) => Some(self.of_rows(None).await?),
        })
    }

    fn table_exist(&self, name: &str) -> bool {
        Made::ALL.iter().any(|made| made.name() == name) || self.base.table_exist(name)
    }
}

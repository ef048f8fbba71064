//! Owns the engine's shared settings and memory, and makes the session of one query: a snapshot of all tables.
//! It neither checks nor runs statements.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError, RwLock};

use datafusion::catalog::memory::MemorySchemaProvider;
use datafusion::catalog::{CatalogProviderList, SchemaProvider};
use datafusion::common::{Result, exec_err};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{GreedyMemoryPool, TrackConsumersPool};
use datafusion::execution::object_store::{ObjectStoreRegistry, ObjectStoreUrl};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::optimizer::{Optimizer, OptimizerRule};
use datafusion::prelude::SessionConfig;
use object_store::ObjectStore;
use url::Url;

use crate::store::{self, Rollup, RollupView, Table, View};

use super::blooms::Blooms;
use super::catalog::{self, CATALOG, SCHEMA, WithRollups};
use super::index::Index;
use super::relation::{Relation, RelationTable};
use super::rollup::Grain;
use super::runs::ByRuns;
use super::side_columns::SideColumns;
use super::table::{Known, StoreTable};
use super::{Additions, Config, Error, bounded, errors, failure, sketch};

/// The part of the memory that footers of files may take beside it: one in eight.
const FOOTERS_SHARE: usize = 8;
/// The part of the memory that the filters in files may take beside it: one in sixteen.
const BLOOMS_SHARE: usize = 16;
/// The part of the memory that may be taken beside it by which rows have which values: one in sixteen.
const INDEX_SHARE: usize = 16;

/// Where queries get their tables from.
pub(super) trait Views: Send + Sync {
    /// The table as it is now.
    fn view(&self, table: Table) -> View;

    /// A rollup of the rows of a view of `invocations`. None where there are none but the rows themselves.
    fn rollup(&self, _rollup: Rollup, _rows: &View) -> Option<Result<RollupView, store::Error>> {
        None
    }
}

impl Views for store::Handle {
    fn view(&self, table: Table) -> View {
        Self::view(self, table)
    }

    fn rollup(&self, rollup: Rollup, rows: &View) -> Option<Result<RollupView, store::Error>> {
        Some(Self::rollup(self, rollup, rows))
    }
}

/// Makes sessions that share memory, settings and what is kept of files.
pub(super) struct Sessions {
    views: Arc<dyn Views>,
    relations: Vec<Relation>,
    template: SessionState,
    columns: Arc<SideColumns>,
    known: Arc<Known>,
}

impl Sessions {
    pub(super) fn new(config: &Config, views: Arc<dyn Views>, additions: Additions) -> Result<Self, Error> {
        let runtime = runtime_env(config).map_err(failure::of_datafusion)?;
        let mut template = SessionStateBuilder::new()
            .with_config(settings(config))
            .with_runtime_env(runtime)
            .with_optimizer_rules(rules())
            .with_default_features()
            .with_physical_optimizer_rule(Arc::new(ByRuns))
            .build();
        bounded::register(&mut template).map_err(failure::of_datafusion)?;
        sketch::register(&mut template).map_err(failure::of_datafusion)?;
        errors::register(&mut template).map_err(failure::of_datafusion)?;
        for aggregate in additions.aggregates {
            template.register_udaf(aggregate.function()).map_err(failure::of_datafusion)?;
        }
        let columns = Arc::new(SideColumns::new(config.rollup_bytes));
        let known = Arc::new(Known {
            blooms: Blooms::new(config.memory_bytes / BLOOMS_SHARE),
            index: Index::new(config.memory_bytes / INDEX_SHARE),
        });
        Ok(Self { views, relations: additions.relations, template, columns, known })
    }

    pub(super) fn relations(&self) -> &[Relation] {
        &self.relations
    }

    /// The names of all tables.
    pub(super) fn tables(&self) -> impl Iterator<Item = &'static str> {
        Table::ALL.into_iter().map(Table::name).chain(self.relations.iter().map(Relation::name))
    }

    /// A session over all tables as they are now: each is looked at once, however often the query names it.
    /// `grain` is what `rollup` has.
    pub(super) fn open(&self, grain: Grain) -> Result<SessionState, Error> {
        let catalogs = self.snapshot(grain).map_err(failure::of_datafusion)?;
        let mut state =
            SessionStateBuilder::new_from_existing(self.template.clone()).with_catalog_list(catalogs).build();
        state.mark_start_execution();
        Ok(state)
    }

    fn snapshot(&self, grain: Grain) -> Result<Arc<dyn CatalogProviderList>> {
        let schema = MemorySchemaProvider::new();
        let mut invocations = None;
        for table in Table::ALL {
            let name = table.name();
            let view = self.views.view(table);
            let url = ObjectStoreUrl::parse(format!("faremeter-{name}://store"))?;
            self.template.runtime_env().register_object_store(url.as_ref(), Arc::clone(&view.object_store));
            if table == Table::Invocations {
                invocations = Some((view.clone(), url.clone()));
            }
            schema.register_table(name.to_owned(), Arc::new(StoreTable::new(view, url, &self.known)?))?;
        }
        for relation in &self.relations {
            schema.register_table(relation.name().to_owned(), Arc::new(RelationTable::new(relation.clone())))?;
        }
        let (invocations, url) = invocations.expect("invocations is one of all tables");
        let (base, template, views) = (Arc::new(schema), self.template.clone(), Arc::clone(&self.views));
        let columns = Arc::clone(&self.columns);
        catalog::of(Arc::new(WithRollups { base, template, grain, views, invocations, url, columns }))
    }
}

fn settings(config: &Config) -> SessionConfig {
    let mut settings = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(true)
        .with_target_partitions(config.threads.max(1));
    let options = settings.options_mut();
    options.execution.time_zone = Some("UTC".to_owned());
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    options.execution.parquet.bloom_filter_on_read = true;
    settings
}

/// The optimizer's rules, but for the one that makes one union of several: where their types differ it looks for a column by
/// the name that it has in another branch, and the query fails.
fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    Optimizer::new().rules.into_iter().filter(|rule| rule.name() != "optimize_unions").collect()
}

/// Memory is bounded and nothing is spilled: a query that does not fit is refused, rather than filling a disk.
fn runtime_env(config: &Config) -> Result<Arc<RuntimeEnv>> {
    let consumers_named = NonZeroUsize::MIN;
    RuntimeEnvBuilder::new()
        .with_metadata_cache_limit(config.memory_bytes / FOOTERS_SHARE)
        .with_memory_pool(Arc::new(TrackConsumersPool::new(
            GreedyMemoryPool::new(config.memory_bytes),
            consumers_named,
        )))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
        .with_object_store_registry(Arc::new(StoreRegistry::default()))
        .build_arc()
}

/// The object stores of our tables, and no others: not even the local file system.
#[derive(Debug, Default)]
struct StoreRegistry(RwLock<HashMap<String, Arc<dyn ObjectStore>>>);

impl ObjectStoreRegistry for StoreRegistry {
    fn register_store(&self, url: &Url, store: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(url.as_str().to_owned(), store)
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        match self.0.read().unwrap_or_else(PoisonError::into_inner).get(url.as_str()) {
            Some(store) => Ok(Arc::clone(store)),
            None => exec_err!("'{url}' is not a place that queries read from"),
        }
    }
}

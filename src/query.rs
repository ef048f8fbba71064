//! Answers SQL over the store: named queries with bound parameters, and read-only SQL of users, within limits,
//! on a thread pool of its own. It does not write, and it does not know who asks.

mod admission;
mod aggregate;
mod blooms;
mod bounded;
mod catalog;
mod column_filter;
mod docs;
mod errors;
mod failure;
pub mod format;
mod gate;
mod header;
mod index;
mod kept;
mod named;
mod params;
mod part;
mod prune;
mod relation;
mod rollup;
mod run;
mod runs;
mod session;
mod side_columns;
mod side_scan;
mod sketch;
mod stop;
mod table;
#[cfg(test)]
mod tests;
mod views;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tracing::{Instrument, Span, field, info_span};

use crate::store;

pub use aggregate::{Aggregate, Fold};
pub use docs::TableDoc;
pub use header::{ColumnDoc, HeaderFault, ParamDoc, ParamType};
pub use named::NamedQuery;
pub use relation::{Column, Relation, column, optional};
pub use rollup::rollup_check;

use admission::Admission;
use named::Named;
use session::{Sessions, Views};
use stop::Stop;

/// Bytes of SQL that one query may have (100 kB).
pub const MAX_SQL_BYTES: usize = 100_000;

/// Queries that may wait for one of `Config::concurrency` places (64).
const MAX_WAITING: usize = 64;

/// Stack of a query thread: room for the deepest statement that `gate` lets through. Only what is touched is real.
const STACK_BYTES: usize = 64 << 20;

/// Limits of the engine. Defaults in brackets.
#[derive(Debug, Clone)]
pub struct Config {
    /// A query that takes longer is ended (60 s). It is also the longest wait for a place.
    pub timeout: Duration,
    /// Rows that a query may return (1,000,000).
    pub max_rows: usize,
    /// Memory that all queries together may use (1 GiB). One result may hold half of it.
    pub memory_bytes: usize,
    /// Memory for columns of the rollup by hour and of the groups of errors, beside that (128 MiB).
    pub rollup_bytes: usize,
    /// Queries at once (4); a short queue waits, the rest is refused.
    pub concurrency: usize,
    /// Threads of the pool (one for each processor, at least 2).
    pub threads: usize,
}

impl Default for Config {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(2, std::num::NonZeroUsize::get);
        Self {
            timeout: Duration::from_secs(60),
            max_rows: 1_000_000,
            memory_bytes: 1 << 30,
            rollup_bytes: 128 << 20,
            concurrency: 4,
            threads: threads.max(2),
        }
    }
}

/// A bound parameter (`$name` in SQL). Text is read as the type that the statement's header declares, or else as the
/// type that the statement expects at that place where that is known, or else stays text.
#[derive(Debug, Clone, PartialEq)]
pub enum Param {
    /// NULL of whatever type fits.
    Null,
    /// true or false
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text; also how decimals and times are given (RFC 3339).
    Text(String),
    /// A finite number.
    Float(f64),
}

/// Parameters by name, without the `$`.
pub type Params = BTreeMap<String, Param>;

/// Why a query was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not SQL, unknown column, wrong type: the user's to mend (400).
    #[error("{0}")]
    Invalid(String),
    /// Something other than reading the tables (403); says what is allowed.
    #[error("{0}")]
    Forbidden(String),
    /// A named limit was passed (422).
    #[error("{0}")]
    Limit(String),
    /// Too many queries at once: try again (503).
    #[error("{0}")]
    Busy(String),
    /// Our fault (500).
    #[error("{0}")]
    Internal(String),
}

/// What SQL has besides the store's tables.
#[derive(Debug, Clone, Default)]
pub struct Additions {
    pub relations: Vec<Relation>,
    pub aggregates: Vec<Aggregate>,
}

/// What a query returned. Column names are unique.
#[derive(Debug, Clone)]
pub struct QueryResult {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows, in order.
    pub batches: Vec<RecordBatch>,
}

impl QueryResult {
    /// Rows in all.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

/// Runs queries. Cheap clone; the last clone to go ends what still runs.
#[derive(Clone)]
pub struct Engine(Arc<Pool>);

struct Pool {
    core: Arc<Core>,
    /// Always there until dropped.
    runtime: Option<Runtime>,
}

/// What a running query shares with the others.
struct Core {
    config: Config,
    sessions: Sessions,
    admission: Admission,
    named: Named,
}

impl Engine {
    /// Starts the pool's threads over `store`'s tables.
    pub fn start(config: Config, store: store::Handle) -> Result<Self, Error> {
        Self::start_with(config, store, Additions::default())
    }

    /// Starts the pool's threads over `store`'s tables and what other parts add to them.
    pub fn start_with(config: Config, store: store::Handle, additions: Additions) -> Result<Self, Error> {
        Self::over(config, Arc::new(store), additions)
    }

    fn over(config: Config, views: Arc<dyn Views>, additions: Additions) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(config.threads.max(1))
            .thread_name("query")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()
            .map_err(|error| Error::Internal(format!("the query threads do not start: {error}")))?;
        let sessions = Sessions::new(&config, views, additions)?;
        let admission = Admission::new(config.concurrency.max(1), MAX_WAITING, config.timeout);
        let core = Arc::new(Core { config, sessions, admission, named: Named::embedded()? });
        Ok(Self(Arc::new(Pool { core, runtime: Some(runtime) })))
    }

    /// Answers a user's SQL: one read-only statement. Comment lines at its head may declare parameters as the files in
    /// `queries/` do.
    pub async fn sql(&self, sql: &str, params: &Params) -> Result<QueryResult, Error> {
        if sql.len() > MAX_SQL_BYTES {
            return Err(Error::Limit(format!(
                "the SQL is {} bytes long: at most {MAX_SQL_BYTES} are allowed",
                sql.len()
            )));
        }
        self.answer(sql.to_owned(), params.clone()).await
    }

    /// Answers a named query: `queries/<name>.sql`, or one that was added.
    pub async fn named(&self, name: &str, params: &Params) -> Result<QueryResult, Error> {
        let all = self.list();
        let query = all.iter().find(|query| *query.name == *name).ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|query| &*query.name).collect();
            Error::Invalid(format!("there is no query '{name}'; there are {}", names.join(", ")))
        })?;
        self.answer(query.sql.to_string(), params.clone()).await
    }

    /// The named queries as they are now, by name.
    #[must_use]
    pub fn list(&self) -> Arc<[NamedQuery]> {
        self.0.core.named.all()
    }

    /// Whether a query of this name is part of the program.
    #[must_use]
    pub fn is_program(&self, name: &str) -> bool {
        self.0.core.named.is_program(name)
    }

    /// Puts named queries beside those of the program, in place of what was added before. A name that is taken is refused,
    /// and changes nothing. They are read-only SQL as users' is.
    pub fn add(&self, queries: Vec<NamedQuery>) -> Result<(), Error> {
        self.0.core.named.add(queries)
    }

    /// The columns that a query returns, found by planning it with a value for each of its parameters. No row is read.
    pub async fn describe(&self, query: &NamedQuery) -> Result<SchemaRef, Error> {
        let (sql, params) = (Arc::clone(&query.sql), samples(&query.params));
        self.on_pool(|core, _| async move { run::describe(&core, &sql, &params).await }).await
    }

    async fn answer(&self, sql: String, params: Params) -> Result<QueryResult, Error> {
        let span = info_span!(target: "faremeter::traced", "query", db.query.text = sql, rows = field::Empty);
        let answered = async {
            let answer =
                self.on_pool(|core, stop| async move { run::answer(&core, &sql, &params, &stop).await }).await?;
            Span::current().record("rows", answer.rows());
            Ok(answer)
        };
        answered.instrument(span).await
    }

    /// The tables, by name, and what their columns mean.
    pub async fn tables(&self) -> Result<Vec<TableDoc>, Error> {
        docs::tables(&self.0.core.sessions.open(rollup::Grain::MINUTE)?).await
    }

    /// The tables that are not the store's.
    #[must_use]
    pub fn relations(&self) -> &[Relation] {
        self.0.core.sessions.relations()
    }

    /// Waits for a place, runs on the pool's threads, and ends the work when time is up or the caller goes away.
    async fn on_pool<T, F>(&self, work: impl FnOnce(Arc<Core>, Stop) -> F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let core = Arc::clone(&self.0.core);
        let place = core.admission.enter().await?;
        let (timeout, memory_bytes) = (core.config.timeout, core.config.memory_bytes);
        let stop = Stop::default();
        let work = Box::pin(work(core, stop.clone()));
        let work = async move {
            let _place = place;
            work.await.map_err(|error| failure::with_memory(error, memory_bytes))
        };
        let runtime = self.0.runtime.as_ref().expect("taken when dropped only");
        let mut task = Ended { task: runtime.spawn(work), stop };
        match tokio::time::timeout(timeout, &mut task.task).await {
            Ok(Ok(result)) => result,
            Ok(Err(failed)) => Err(failure::of_task(&failed)),
            Err(_) => Err(Error::Limit(format!(
                "the query ran for longer than {} s and was ended: ask for a shorter time or fewer columns",
                timeout.as_secs_f64()
            ))),
        }
    }
}

/// A value for each parameter: its default, or one of its type.
fn samples(params: &[ParamDoc]) -> Params {
    let sample = |kind| match kind {
        ParamType::Timestamp => Param::Text("2026-01-01T00:00:00Z".to_owned()),
        ParamType::Text => Param::Text(String::new()),
        ParamType::Bool => Param::Bool(true),
        ParamType::Int | ParamType::Float | ParamType::Decimal => Param::Int(60),
    };
    params
        .iter()
        .map(|param| (param.name.clone(), param.default.clone().unwrap_or_else(|| sample(param.kind))))
        .collect()
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A task that ends when nobody waits for it any longer.
struct Ended<T> {
    task: JoinHandle<T>,
    stop: Stop,
}

impl<T> Drop for Ended<T> {
    fn drop(&mut self) {
        self.stop.set();
        self.task.abort();
    }
}

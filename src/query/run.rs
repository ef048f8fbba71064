//! Takes one statement from text to rows, and holds the limits on rows and bytes. Time and places are the engine's.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::utils::memory::RecordBatchMemoryCounter;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::TryStreamExt;

use super::gate::Admitted;
use super::header::Header;
use super::rollup::{self, Grain};
use super::stop::Stop;
use super::{Config, Core, Error, Params, QueryResult, failure, gate, params, stop, views};

/// Answers `sql`, whose declared and given parameters are bound; ends soon after `stop` is set.
pub(super) async fn answer(core: &Core, sql: &str, given: &Params, stop: &Stop) -> Result<QueryResult, Error> {
    let header = Header::parse(sql)?;
    let admitted = gate::admit(sql)?;
    let grain = if Grain::matters(&admitted.tables) { Grain::of(&header, given)? } else { Grain::MINUTE };
    let session = core.sessions.open(grain)?;
    let plan = plan(core, &session, admitted).await?;
    gate::check_plan(&plan)?;
    let plan = params::bind(plan, &header, given)?;
    let physical = session.create_physical_plan(&plan).await.map_err(failure::of_datafusion)?;
    let physical = stop::heed(physical, stop).map_err(failure::of_datafusion)?;
    collect(&core.config, &session, physical).await
}

/// The columns that `sql` returns, whose parameters are given; nothing is read.
pub(super) async fn describe(core: &Core, sql: &str, given: &Params) -> Result<SchemaRef, Error> {
    let header = Header::parse(sql)?;
    let admitted = gate::admit(sql)?;
    let session = core.sessions.open(Grain::MINUTE)?;
    let plan = plan(core, &session, admitted).await?;
    gate::check_plan(&plan)?;
    let plan = params::bind(plan, &header, given)?;
    let physical = session.create_physical_plan(&plan).await.map_err(failure::of_datafusion)?;
    Ok(unique_names(&physical.schema()))
}

async fn plan(core: &Core, session: &SessionState, admitted: Admitted) -> Result<LogicalPlan, Error> {
    let Admitted { statement, tables } = admitted;
    session
        .statement_to_plan(statement)
        .await
        .map_err(|error| no_table(core, &error, &tables).unwrap_or_else(|| failure::of_datafusion(error)))
}

/// The better message where planning failed because a table is not there.
fn no_table(core: &Core, error: &DataFusionError, named: &[String]) -> Option<Error> {
    let message = error.strip_backtrace();
    let missing = named.iter().find(|name| {
        message.contains(&format!("{}' not found", name.to_lowercase()))
            || message.contains(&format!("{name}' not found"))
    })?;
    if gate::is_file_name(missing) {
        return Some(gate::no_files(missing));
    }
    let mut tables: Vec<_> = core.sessions.tables().collect();
    tables.extend(rollup::names());
    Some(Error::Invalid(format!("table '{missing}' not found; there are {}", tables.join(", "))))
}

async fn collect(config: &Config, session: &SessionState, plan: Arc<dyn ExecutionPlan>) -> Result<QueryResult, Error> {
    let context = session.task_ctx();
    let held = MemoryConsumer::new("result").register(context.memory_pool());
    let mut memory = RecordBatchMemoryCounter::new();
    let schema = unique_names(&plan.schema());
    let mut stream = execute_stream(plan, context).map_err(failure::of_datafusion)?;
    let (mut batches, mut rows) = (Vec::new(), 0);
    while let Some(batch) = stream.try_next().await.map_err(failure::of_datafusion)? {
        rows += batch.num_rows();
        if rows > config.max_rows {
            return Err(Error::Limit(format!(
                "the query returns more than {} rows: add LIMIT, or group the rows",
                config.max_rows
            )));
        }
        held.try_grow(memory.count_batch(&batch)).map_err(failure::of_datafusion)?;
        let max_bytes = config.memory_bytes / 2;
        if memory.memory_usage() > max_bytes {
            return Err(Error::Limit(format!(
                "the query returns more than {max_bytes} bytes: ask for fewer rows or columns"
            )));
        }
        if batch.num_rows() > 0 {
            batches.push(renamed(&batch, &schema)?);
        }
    }
    Ok(QueryResult { schema, batches })
}

/// The schema with `_2`, `_3`, ... after names that were there before: rows are objects, which hold a name once. Texts are
/// whole: views would hold on to what they were read from.
fn unique_names(schema: &Schema) -> SchemaRef {
    let mut taken: HashSet<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let mut seen = HashSet::new();
    let unique = |field: &Arc<Field>| {
        if seen.insert(field.name().clone()) {
            return field.as_ref().clone();
        }
        let name = (2..).map(|n| format!("{}_{n}", field.name())).find(|name| !taken.contains(name));
        let name = name.expect("there are more numbers than columns");
        taken.insert(name.clone());
        field.as_ref().clone().with_name(name)
    };
    Arc::new(Schema::new(schema.fields().iter().map(unique).map(views::without).collect::<Vec<_>>()))
}

fn renamed(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, Error> {
    views::rows(batch, schema).map_err(failure::of_datafusion)
}

//! Takes batches of rows into groups, run by run, and gives the groups' states. Memory is bounded by giving them early: whoever
//! comes next joins states of one group anyway.

use std::iter::repeat_n;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, UInt32Array};
use arrow::compute::take_arrays;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;
use datafusion::physical_plan::aggregates::{
    AggregateExec, PhysicalGroupBy, aggregate_expressions, evaluate_group_by, evaluate_many,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};

use super::Runs;

/// Groups that are held before their states are given (65,536).
pub(super) const MAX_GROUPS: usize = 1 << 16;

/// The groups of one partition.
pub(super) struct Groups {
    /// Keys, then states.
    schema: SchemaRef,
    keys: PhysicalGroupBy,
    /// Of each aggregate.
    arguments: Vec<Vec<Arc<dyn PhysicalExpr>>>,
    /// Of each aggregate: which rows it takes; all where there is none.
    filters: Vec<Option<Arc<dyn PhysicalExpr>>>,
    groups: Box<dyn GroupValues>,
    states: Vec<Box<dyn GroupsAccumulator>>,
    /// The group of each row of a batch.
    group_of: Vec<usize>,
    memory: MemoryReservation,
}

impl Groups {
    pub(super) fn new(aggregate: &AggregateExec, partition: usize, context: &TaskContext) -> Result<Self> {
        let schema = aggregate.schema();
        let keys = aggregate.group_expr().clone();
        let of_keys: Vec<usize> = (0..keys.expr().len()).collect();
        let functions = aggregate.aggr_expr();
        Ok(Self {
            groups: new_group_values(Arc::new(schema.project(&of_keys)?), &GroupOrdering::None)?,
            schema,
            keys,
            arguments: aggregate_expressions(functions, aggregate.mode(), 0)?,
            filters: aggregate.filter_expr().to_vec(),
            states: functions.iter().map(|of| of.create_groups_accumulator()).collect::<Result<_>>()?,
            group_of: Vec::new(),
            memory: MemoryConsumer::new(format!("RunAggregate[{partition}]")).register(context.memory_pool()),
        })
    }

    /// The states of all groups of these rows.
    pub(super) fn of(self, rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.schema);
        let states = stream::try_unfold(Some((self, rows)), async |at| {
            let Some((mut groups, mut rows)) = at else { return Ok(None) };
            while let Some(batch) = rows.next().await.transpose()? {
                groups.take(&batch)?;
                if groups.is_full() {
                    return Ok(Some((groups.emit()?, Some((groups, rows)))));
                }
            }
            drop(rows);
            Ok((!groups.groups.is_empty()).then(|| groups.emit()).transpose()?.map(|states| (states, None)))
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, states))
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<()> {
        let keys = evaluate_group_by(&self.keys, batch)?.swap_remove(0);
        self.look_up(&keys, batch.num_rows())?;
        let arguments = evaluate_many(&self.arguments, batch)?;
        for ((state, arguments), filter) in self.states.iter_mut().zip(&arguments).zip(&self.filters) {
            let filter = filter.as_ref().map(|of| of.evaluate(batch)?.into_array(batch.num_rows())).transpose()?;
            let filter = filter.as_ref().map(|of| of.as_boolean());
            state.update_batch(arguments, &self.group_of, filter, self.groups.len())?;
        }
        Ok(())
    }

    /// Finds the group of each row.
    fn look_up(&mut self, keys: &[ArrayRef], rows: usize) -> Result<()> {
        let runs = Runs::of(keys, rows)?;
        if !runs.are_long() {
            return self.groups.intern(keys, &mut self.group_of);
        }
        let lengths: Vec<usize> = runs.lengths().collect();
        let mut group_of = Vec::with_capacity(lengths.len());
        self.groups.intern(&take_arrays(keys, &UInt32Array::from(runs.starts), None)?, &mut group_of)?;
        self.group_of.clear();
        self.group_of.extend(group_of.iter().zip(lengths).flat_map(|(group, length)| repeat_n(*group, length)));
        Ok(())
    }

    /// Whether there is no room for more groups, by their number or by the memory of all queries.
    fn is_full(&mut self) -> bool {
        let bytes = self.groups.size() + self.states.iter().map(|state| state.size()).sum::<usize>();
        self.groups.len() >= MAX_GROUPS || self.memory.try_resize(bytes).is_err()
    }

    /// All groups with their states, which are forgotten.
    fn emit(&mut self) -> Result<RecordBatch> {
        let mut columns = self.groups.emit(EmitTo::All)?;
        for state in &mut self.states {
            columns.extend(state.state(EmitTo::All)?);
        }
        self.groups.clear_shrink(0);
        self.memory.free();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

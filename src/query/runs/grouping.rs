//! Takes batches of rows into groups, run by run, and gives the groups' states. Memory is bounded by giving them early: whoever
//! comes next joins states of one group anyway.

use std::iter::repeat_n;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::take_arrays;
use arrow::datatypes::{DataType, SchemaRef};
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

/// Groups that are held before their states are given (65,536).
pub(super) const MAX_GROUPS: usize = 1 << 16;
/// Rows of a run, at least and on average, for runs to be looked up rather than rows.
const MIN_RUN: usize = 2;

/// The groups of one partition.
pub(super) struct Grouping {
    /// Keys, then states.
    schema: SchemaRef,
    keys: Arc<PhysicalGroupBy>,
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

impl Grouping {
    pub(super) fn new(aggregate: &AggregateExec, partition: usize, context: &TaskContext) -> Result<Self> {
        let schema = aggregate.schema();
        let keys = aggregate.group_expr().clone();
        let of_keys: Vec<usize> = (0..keys.expr().len()).collect();
        let functions = aggregate.aggr_expr();
        Ok(Self {
            groups: new_group_values(Arc::new(schema.project(&of_keys)?), &GroupOrdering::None)?,
            schema,
            keys: Arc::new(keys),
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
            let Some((mut grouping, mut rows)) = at else { return Ok(None) };
            while let Some(batch) = rows.next().await.transpose()? {
                grouping.take(&batch)?;
                if grouping.is_full() {
                    return Ok(Some((grouping.emit()?, Some((grouping, rows)))));
                }
            }
            drop(rows);
            Ok((!grouping.groups.is_empty()).then(|| grouping.emit()).transpose()?.map(|states| (states, None)))
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
        let starts = starts(keys, rows)?;
        if starts.len() * MIN_RUN > rows {
            return self.groups.intern(keys, &mut self.group_of);
        }
        let mut group_of = Vec::with_capacity(starts.len());
        let ends = starts.iter().skip(1).map(|end| *end as usize).chain([rows]);
        let lengths: Vec<usize> = starts.iter().zip(ends).map(|(start, end)| end - *start as usize).collect();
        self.groups.intern(&take_arrays(keys, &UInt32Array::from(starts), None)?, &mut group_of)?;
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

/// Rows whose keys differ from the row before's, and the first. Equal texts count as different where they lie in different
/// places: a run is split then, but two are never joined.
fn starts(keys: &[ArrayRef], rows: usize) -> Result<Vec<u32>> {
    let Some(pairs) = rows.checked_sub(1) else { return Ok(Vec::new()) };
    let mut differs = vec![false; pairs];
    for key in keys {
        if *key.data_type() == DataType::Utf8View && key.null_count() == 0 {
            let views = key.as_string_view().views();
            differs.iter_mut().zip(views.windows(2)).for_each(|(differs, pair)| *differs |= pair[0] != pair[1]);
        } else {
            let between = distinct(&key.slice(0, pairs), &key.slice(1, pairs))?;
            between.values().set_indices().for_each(|at| differs[at] = true);
        }
    }
    let later = differs.iter().zip(1..).filter_map(|(differs, row)| differs.then_some(row));
    Ok([0].into_iter().chain(later).collect())
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringViewArray};

    use super::*;

    fn texts(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(values.iter().collect::<StringViewArray>())
    }

    #[test]
    fn a_run_begins_where_any_key_differs() {
        let long = Some("a text that does not fit into its view");
        let [a, b] = [texts(&[Some("x"), Some("x"), long, long, None, None, Some("")]), texts(&[Some("y"); 7])];
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, None, None, None, None, None]));
        let beyond: ArrayRef = Arc::new(Int64Array::from(vec![0; 7]));
        assert_eq!(starts(&[a, Arc::clone(&b)], 7).unwrap(), [0, 2, 4, 6]);
        assert_eq!(starts(&[numbers, b], 7).unwrap(), [0, 1]);
        assert_eq!(starts(&[beyond.slice(0, 1)], 1).unwrap(), [0]);
        assert_eq!(starts(&[beyond.slice(0, 0)], 0).unwrap(), Vec::<u32>::new());
    }
}

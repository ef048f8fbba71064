//! The first step of a grouping by runs, in place of DataFusion's: where it is put, and how it stands in the plan.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::expressions::Column;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};

use super::groups::Groups;

/// The column that files are sorted by first.
const SORTED_BY: &str = "function";
/// Functions that make buckets of the time that files are sorted by next.
const BUCKETS: [&str; 2] = ["date_bin", "date_trunc"];

/// Has rows grouped by runs, where runs are to be expected.
pub(super) fn by_runs(node: &dyn ExecutionPlan) -> Option<Arc<dyn ExecutionPlan>> {
    let aggregate = node.downcast_ref::<AggregateExec>().filter(|aggregate| has_runs(aggregate))?;
    Some(Arc::new(RunAggregateExec { aggregate: aggregate.clone() }))
}

/// Whether rows come in runs of equal keys, and nothing else is asked of the grouping.
fn has_runs(aggregate: &AggregateExec) -> bool {
    let keys = aggregate.group_expr();
    *aggregate.mode() == AggregateMode::Partial
        && keys.is_single()
        && keys.expr().iter().any(|(key, _)| is_sorted(key))
        && keys.expr().iter().all(|(_, name)| !name.ends_with("_id"))
        && aggregate.schema().fields()[..keys.expr().len()].iter().all(|field| is_plain(field.data_type()))
        && aggregate.limit_options().is_none()
        && aggregate.dynamic_expressions_produced().is_empty()
        && aggregate.aggr_expr().iter().all(|of| of.groups_accumulator_supported() && of.order_bys().is_empty())
}

fn is_sorted(key: &Arc<dyn PhysicalExpr>) -> bool {
    key.downcast_ref::<Column>().is_some_and(|column| column.name() == SORTED_BY)
        || key.downcast_ref::<ScalarFunctionExpr>().is_some_and(|call| BUCKETS.contains(&call.name()))
}

/// Types whose neighbours are compared in a few instructions.
fn is_plain(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8View | DataType::Boolean) || kind.is_primitive()
}

/// The first step of a grouping, in place of DataFusion's.
#[derive(Debug)]
struct RunAggregateExec {
    /// What is computed, and of what.
    aggregate: AggregateExec,
}

impl DisplayAs for RunAggregateExec {
    fn fmt_as(&self, kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !matches!(kind, DisplayFormatType::TreeRender) {
            // What follows begins with the other's name.
            f.write_str("Run")?;
        }
        self.aggregate.fmt_as(kind, f)
    }
}

impl ExecutionPlan for RunAggregateExec {
    fn name(&self) -> &'static str {
        "RunAggregateExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.aggregate.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.aggregate.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.aggregate.apply_expressions(f)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let replaced = Arc::new(self.aggregate.clone()).replace_children(children, options)?;
        Ok(match replaced.downcast_ref::<AggregateExec>() {
            Some(aggregate) => Arc::new(Self { aggregate: aggregate.clone() }),
            None => replaced,
        })
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.aggregate.input.execute(partition, Arc::clone(&context))?;
        Ok(Groups::new(&self.aggregate, partition, &context)?.of(rows))
    }
}

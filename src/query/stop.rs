//! Ends the work of a query from within: a join that finds nothing makes no rows, and so would never yield.
//! When to end is the engine's.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::datatypes::{FieldRef, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, NestedLoopJoinExecBuilder};
use datafusion::physical_plan::unnest::UnnestExec;

/// Tells a query's operators to end.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends the work.
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The plan with places where it can be ended: after operators that make many rows of one, and in the filters of joins.
pub(super) fn heed(plan: Arc<dyn ExecutionPlan>, stop: &Stop) -> Result<Arc<dyn ExecutionPlan>> {
    let transformed = plan.transform_up(|node| {
        let node = with_stop(node, stop)?;
        let multiplies = node.children().len() > 1 || node.downcast_ref::<UnnestExec>().is_some();
        if multiplies {
            Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>))
        } else {
            Ok(Transformed::no(node))
        }
    })?;
    Ok(transformed.data)
}

fn with_stop(node: Arc<dyn ExecutionPlan>, stop: &Stop) -> Result<Arc<dyn ExecutionPlan>> {
    if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
        if let Some(filter) = join.filter() {
            let join = NestedLoopJoinExecBuilder::from(join).with_filter(Some(heeding(filter, stop))).build()?;
            return Ok(Arc::new(join));
        }
    } else if let Some(join) = node.downcast_ref::<HashJoinExec>()
        && let Some(filter) = join.filter()
    {
        return join.builder().with_filter(Some(heeding(filter, stop))).build_exec();
    }
    Ok(node)
}

fn heeding(filter: &JoinFilter, stop: &Stop) -> JoinFilter {
    let expr = Heeding { inner: Arc::clone(filter.expression()), stop: stop.clone() };
    JoinFilter::new(Arc::new(expr), filter.column_indices().to_vec(), Arc::clone(filter.schema()))
}

/// An expression that fails once the query is to end.
#[derive(Debug)]
struct Heeding {
    inner: Arc<dyn PhysicalExpr>,
    stop: Stop,
}

impl fmt::Display for Heeding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inner)
    }
}

impl PartialEq for Heeding {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner) && Arc::ptr_eq(&self.stop.0, &other.stop.0)
    }
}

impl Eq for Heeding {}

impl Hash for Heeding {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl PhysicalExpr for Heeding {
    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if self.stop.is_set() {
            return Err(DataFusionError::Execution("the query was ended".to_owned()));
        }
        self.inner.evaluate(batch)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.inner.return_field(schema)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let [inner] = <[_; 1]>::try_from(children)
            .map_err(|children| DataFusionError::Internal(format!("one child is wanted, not {}", children.len())))?;
        Ok(Arc::new(Self { inner, stop: self.stop.clone() }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}

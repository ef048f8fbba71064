//! Takes rows by runs of neighbours that are equal: files are sorted by function and time, and most calls end alike, so that what
//! is found for the first row of a run does for all of it. Owns the first step of a grouping, within each partition, and
//! conditions on texts, within each batch; what aggregates and conditions say is DataFusion's.

mod aggregate;
mod condition;
mod groups;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::kernels::cmp::distinct;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;

/// Puts the parts that work by runs into a plan. It comes last, when the plan is as it will be.
#[derive(Debug)]
pub(super) struct ByRuns;

impl PhysicalOptimizerRule for ByRuns {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let by_runs = |node: Arc<dyn ExecutionPlan>| {
            let replaced = aggregate::by_runs(node.as_ref()).or_else(|| condition::by_runs(node.as_ref()));
            Ok(replaced.map_or_else(|| Transformed::no(node), Transformed::yes))
        };
        plan.transform_up(by_runs).data()
    }

    fn name(&self) -> &'static str {
        "by_runs"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Runs of equal rows in some columns.
pub(super) struct Runs {
    /// The first row of each run.
    starts: Vec<u32>,
    rows: usize,
}

impl Runs {
    /// The runs of these columns of so many rows. Equal texts count as different where they lie in different places: a run is
    /// split then, but two are never joined.
    pub(super) fn of(columns: &[ArrayRef], rows: usize) -> Result<Self> {
        let Some(pairs) = rows.checked_sub(1) else { return Ok(Self { starts: Vec::new(), rows }) };
        let mut differs = vec![false; pairs];
        for column in columns {
            if *column.data_type() == DataType::Utf8View && column.null_count() == 0 {
                let views = column.as_string_view().views();
                differs.iter_mut().zip(views.windows(2)).for_each(|(differs, pair)| *differs |= pair[0] != pair[1]);
            } else {
                let between = distinct(&column.slice(0, pairs), &column.slice(1, pairs))?;
                between.values().set_indices().for_each(|at| differs[at] = true);
            }
        }
        let later = differs.iter().zip(1..).filter_map(|(differs, row)| differs.then_some(row));
        Ok(Self { starts: [0].into_iter().chain(later).collect(), rows })
    }

    /// Whether it is worth to look at runs rather than at rows: there are half as many, at most.
    fn are_long(&self) -> bool {
        self.starts.len() * 2 <= self.rows
    }

    /// The first row of each run.
    pub(super) fn starts(&self) -> impl Iterator<Item = usize> {
        self.starts.iter().map(|start| *start as usize)
    }

    /// How long each run is.
    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        let ends = self.starts.iter().skip(1).map(|end| *end as usize).chain([self.rows]);
        self.starts.iter().zip(ends).map(|(start, end)| end - *start as usize)
    }
}

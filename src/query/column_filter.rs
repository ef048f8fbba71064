//! Owns conditions on one column alone, which are decided for each of its values, and not for each row: of the partition's
//! column for a file as a whole, of columns of few values by `index`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Date32Array};
use arrow::compute::{cast, filter_record_batch, prep_null_mask_filter};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::catalog::Session;
use datafusion::common::cast::as_boolean_array;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_expr::PhysicalExpr;

use crate::store::DataFile;

/// Whether the filter is about this column alone.
pub(super) fn is_about(filter: &Expr, column: &str) -> bool {
    let columns = filter.column_refs();
    !filter.is_volatile() && !columns.is_empty() && columns.iter().all(|of| of.name == column)
}

/// Filters that are about one column alone.
pub(super) struct ColumnFilter {
    filter: Arc<dyn PhysicalExpr>,
    schema: SchemaRef,
}

impl ColumnFilter {
    /// Those of the filters that are about this column alone, all together. None where there are none.
    pub(super) fn new(state: &dyn Session, column: &FieldRef, filters: &[Expr]) -> Result<Option<Self>> {
        let Some(filter) = conjunction(filters.iter().filter(|filter| is_about(filter, column.name())).cloned()) else {
            return Ok(None);
        };
        let schema = Arc::new(Schema::new(vec![Arc::clone(column)]));
        let filter = state.create_physical_expr(filter, &DFSchema::try_from(Arc::clone(&schema))?)?;
        Ok(Some(Self { filter, schema }))
    }

    pub(super) fn column(&self) -> &str {
        self.schema.field(0).name()
    }

    /// The column's type, of which its values must be.
    pub(super) fn data_type(&self) -> &DataType {
        self.schema.field(0).data_type()
    }

    /// For which of the values the filters are true; none is neither.
    pub(super) fn holds(&self, values: ArrayRef) -> Result<BooleanArray> {
        let count = values.len();
        let values = RecordBatch::try_new(Arc::clone(&self.schema), vec![values])?;
        let holds = self.filter.evaluate(&values)?.into_array(count)?;
        let holds = as_boolean_array(&holds)?;
        Ok(if holds.null_count() > 0 { prep_null_mask_filter(holds) } else { holds.clone() })
    }

    /// The files of the days for which the filters, which are about days, are true.
    pub(super) fn files<'a>(&self, files: Vec<&'a DataFile>) -> Result<Vec<&'a DataFile>> {
        let days: Date32Array = files.iter().map(|file| Some(file.date)).collect();
        let holds = self.holds(cast(&days, self.data_type())?)?;
        Ok(files.into_iter().zip(holds.values()).filter_map(|(file, holds)| holds.then_some(file)).collect())
    }

    /// The rows for which the filters are true.
    pub(super) fn rows(&self, batches: &[RecordBatch]) -> Result<Vec<RecordBatch>> {
        let mut kept = Vec::with_capacity(batches.len());
        for batch in batches {
            let Some(values) = batch.column_by_name(self.column()) else { continue };
            let holds = self.holds(cast(values, self.data_type())?)?;
            match holds.true_count() {
                0 => {}
                all if all == batch.num_rows() => kept.push(batch.clone()),
                _ => kept.push(filter_record_batch(batch, &holds)?),
            }
        }
        Ok(kept)
    }
}

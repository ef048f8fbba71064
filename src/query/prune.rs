//! Decides which files of a table a filter can touch, by the bounds of their columns. It reads no file.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;

use crate::store::{Bound, Bounds, DataFile};

/// The files that may hold rows for which `filters` are true.
pub(super) fn keep<'a>(
    state: &dyn Session,
    schema: &SchemaRef,
    partition: &str,
    files: Vec<&'a DataFile>,
    filters: &[Expr],
) -> Result<Vec<&'a DataFile>> {
    let Some(filter) = conjunction(filters.iter().cloned()) else {
        return Ok(files);
    };
    let columns = DFSchema::try_from(Arc::clone(schema))?;
    let filter = state.create_physical_expr(filter, &columns)?;
    let predicate = PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema)).try_build(filter)?;
    if predicate.always_true() {
        return Ok(files);
    }
    let touched = predicate.prune(&FileStatistics { schema, partition, files: &files })?;
    Ok(files.into_iter().zip(touched).filter_map(|(file, touched)| touched.then_some(file)).collect())
}

/// The bound as a value of the column's type; none where it does not fit, which prunes nothing.
pub(super) fn scalar(bound: &Bound, kind: &DataType) -> Option<ScalarValue> {
    let value = match bound {
        Bound::TimestampMicros(micros) => ScalarValue::TimestampMicrosecond(Some(*micros), Some("UTC".into())),
        Bound::Int(value) => ScalarValue::Int64(Some(*value)),
        Bound::Text(text) => ScalarValue::Utf8(Some(text.clone())),
    };
    value.cast_to(kind).ok().filter(|value| !value.is_null())
}

/// Days since the epoch as a value of the partition column's type.
pub(super) fn day(days: i32, kind: &DataType) -> Option<ScalarValue> {
    ScalarValue::Date32(Some(days)).cast_to(kind).ok()
}

/// What is known of each file, column by column.
struct FileStatistics<'a> {
    schema: &'a SchemaRef,
    partition: &'a str,
    files: &'a [&'a DataFile],
}

impl FileStatistics<'_> {
    fn values(&self, column: &Column, side: impl Fn(&Bounds) -> &Bound) -> Option<ArrayRef> {
        let kind = self.schema.field_with_name(&column.name).ok()?.data_type();
        let value = |file: &DataFile| {
            if column.name == self.partition {
                return day(file.date, kind);
            }
            bounds(file, &column.name).and_then(|bounds| scalar(side(bounds), kind))
        };
        let null = ScalarValue::try_from(kind).ok()?;
        let values: Vec<ScalarValue> =
            self.files.iter().map(|file| value(file).unwrap_or_else(|| null.clone())).collect();
        ScalarValue::iter_to_array(values).ok()
    }
}

fn bounds<'a>(file: &'a DataFile, column: &str) -> Option<&'a Bounds> {
    file.bounds.iter().find_map(|(name, bounds)| (name == column).then_some(bounds))
}

impl PruningStatistics for FileStatistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |bounds| &bounds.min)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |bounds| &bounds.max)
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let count = |file: &DataFile| {
            if column.name == self.partition { Some(0) } else { bounds(file, &column.name).map(|bounds| bounds.nulls) }
        };
        Some(Arc::new(self.files.iter().copied().map(count).collect::<UInt64Array>()))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        // A file has rows: none is said of those of which nobody knows how many.
        let known = self.files.iter().map(|file| (file.rows > 0).then_some(file.rows));
        Some(Arc::new(known.collect::<UInt64Array>()))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

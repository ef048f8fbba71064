//! Conditions on a column of texts, where files are read: they are asked once for each run of equal texts, and all conditions
//! on one column together, so that it is decoded once.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, BooleanBufferBuilder, UInt32Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::datasource::physical_plan::{FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{DynamicFilterTracking, PhysicalExpr, conjunction, split_conjunction};
use datafusion::physical_expr_common::physical_expr::is_volatile;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::expressions::{BinaryExpr, Column};

use super::Runs;

/// Has the conditions on texts of a scan of files asked by runs.
pub(super) fn by_runs(node: &dyn ExecutionPlan) -> Option<Arc<dyn ExecutionPlan>> {
    let scan = node.downcast_ref::<DataSourceExec>()?;
    let config = scan.data_source().downcast_ref::<FileScanConfig>()?;
    let source = config.file_source().downcast_ref::<ParquetSource>()?;
    let conditions = joined(&source.filter()?, config.file_schema())?;
    let source = Arc::new(source.with_predicate(conditions));
    let config = FileScanConfigBuilder::from(config.clone()).with_source(source).build();
    Some(Arc::new(scan.clone().with_data_source(Arc::new(config))))
}

/// Conditions on one column of texts, or one on whatever else.
struct Conditions {
    texts: Option<Column>,
    all: Vec<Arc<dyn PhysicalExpr>>,
}

/// The same with one `TextCondition` for each column of texts. None where there is no such column.
fn joined(predicate: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Option<Arc<dyn PhysicalExpr>> {
    // In the order of the first condition on each column.
    let mut columns: Vec<Conditions> = Vec::new();
    for condition in split_conjunction(predicate) {
        let texts = text_column(condition, schema);
        match columns.iter_mut().find(|column| texts.is_some() && column.texts == texts) {
            Some(column) => column.all.push(Arc::clone(condition)),
            None => columns.push(Conditions { texts, all: vec![Arc::clone(condition)] }),
        }
    }
    let any = columns.iter().any(|column| column.texts.is_some());
    let joined = columns.into_iter().map(|Conditions { texts, all }| match texts {
        Some(_) => Arc::new(TextCondition { condition: conjunction(all) }) as _,
        None => conjunction(all),
    });
    any.then(|| conjunction(joined))
}

/// The column of texts that the condition is about, if about nothing else. One that says what a column equals stays as it is: the
/// plan rests on that column being constant.
fn text_column(condition: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Option<Column> {
    if condition.downcast_ref::<BinaryExpr>().is_some_and(|condition| *condition.op() == Operator::Eq) {
        return None;
    }
    let mut columns = collect_columns(condition).into_iter();
    let (column, None) = (columns.next()?, columns.next()) else { return None };
    let is_text = schema.field_with_name(column.name()).is_ok_and(|field| *field.data_type() == DataType::Utf8View);
    (is_text && !DynamicFilterTracking::classify(condition).contains_dynamic_filter() && !is_volatile(condition))
        .then_some(column)
}

/// A condition on one column of texts.
#[derive(Debug)]
pub(super) struct TextCondition {
    pub(super) condition: Arc<dyn PhysicalExpr>,
}

impl TextCondition {
    /// The runs of the column, if it is there as texts and they are long.
    fn runs(&self, batch: &RecordBatch) -> Result<Option<Runs>> {
        let columns = collect_columns(&self.condition);
        let Some(column) = columns.iter().next() else { return Ok(None) };
        let texts = batch.column(column.index());
        if *texts.data_type() != DataType::Utf8View {
            return Ok(None);
        }
        Ok(Some(Runs::of(&[Arc::clone(texts)], batch.num_rows())?).filter(Runs::are_long))
    }
}

/// What was found for runs, for each of their rows.
fn spread(found: &BooleanArray, runs: &Runs) -> BooleanArray {
    let spread = |of_runs: &BooleanBuffer| {
        let mut of_rows = BooleanBufferBuilder::new(runs.rows);
        runs.lengths().zip(of_runs).for_each(|(length, found)| of_rows.append_n(length, found));
        of_rows.finish()
    };
    BooleanArray::new(spread(found.values()), found.nulls().map(|nulls| NullBuffer::new(spread(nulls.inner()))))
}

impl PhysicalExpr for TextCondition {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.condition.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let Some(runs) = self.runs(batch)? else { return self.condition.evaluate(batch) };
        let firsts = take_record_batch(batch, &UInt32Array::from(runs.starts.clone()))?;
        let found = self.condition.evaluate(&firsts)?.into_array(runs.starts.len())?;
        Ok(ColumnarValue::Array(Arc::new(spread(found.as_boolean(), &runs))))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.condition]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Self { condition: children.swap_remove(0) }))
    }

    /// What leaves out files and parts of them knows the condition itself.
    fn snapshot(&self) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        Ok(Some(Arc::clone(&self.condition)))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt_sql(f)
    }
}

impl fmt::Display for TextCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "by runs({})", self.condition)
    }
}

impl PartialEq for TextCondition {
    fn eq(&self, other: &Self) -> bool {
        self.condition.eq(&other.condition)
    }
}

impl Eq for TextCondition {}

impl Hash for TextCondition {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.condition.hash(state);
    }
}

//! Has texts read as views, which group, compare and decode at about two thirds of the cost: short ones lie in the column
//! itself, long ones are not copied. The store's types and those of answers are whole texts.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::error::Result;

/// A table's columns, with views for texts and without what they mean: what is described differently cannot be put
/// together by UNION.
pub(super) fn schema(whole: &Schema) -> SchemaRef {
    let view = |field: &FieldRef| {
        let kind = if field.data_type() == &DataType::Utf8 { DataType::Utf8View } else { field.data_type().clone() };
        Arc::new(Field::new(field.name(), kind, field.is_nullable()))
    };
    let fields: Vec<FieldRef> = whole.fields().iter().map(view).collect();
    Arc::new(Schema::new_with_metadata(fields, whole.metadata().clone()))
}

/// A column of an answer: whole texts for views.
pub(super) fn without(field: Field) -> Field {
    if field.data_type() == &DataType::Utf8View { field.with_data_type(DataType::Utf8) } else { field }
}

/// Rows with the names of `schema`, and with its type of text.
pub(super) fn rows(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = rows.columns().iter().zip(schema.fields()).map(|(column, field)| match field.data_type() {
        wanted @ (DataType::Utf8 | DataType::Utf8View) if column.data_type() != wanted => Ok(cast(column, wanted)?),
        _ => Ok(Arc::clone(column)),
    });
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns.collect::<Result<_>>()?, &options)?)
}

/// A column that is kept: views for texts, which hold on to no more than is needed.
pub(super) fn kept(column: &ArrayRef) -> Result<ArrayRef> {
    if column.data_type() != &DataType::Utf8 {
        return Ok(Arc::clone(column));
    }
    Ok(Arc::new(cast(column, &DataType::Utf8View)?.as_string_view().gc()))
}

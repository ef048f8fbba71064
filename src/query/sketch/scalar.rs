//! Owns the functions of one row: a sketch of a value, and a quantile of a sketch.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BinaryBuilder, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use crate::store::Sketch;

use super::{Argument, coerce, failed, share};

/// `sketch_of_value(x)`: the sketch of one number; null for null.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SketchOfValue(Signature);

/// `sketch_value(s, q)`: a quantile of one sketch; null for null.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SketchValue(Signature);

impl Default for SketchOfValue {
    fn default() -> Self {
        Self(Signature::user_defined(Volatility::Immutable))
    }
}

impl Default for SketchValue {
    fn default() -> Self {
        Self(Signature::user_defined(Volatility::Immutable))
    }
}

impl ScalarUDFImpl for SketchOfValue {
    fn name(&self) -> &str {
        "sketch_of_value"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        coerce(self.name(), &[Argument::Number], given)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let values = arrays[0].as_primitive::<Float64Type>();
        let mut builder = BinaryBuilder::new();
        let mut bytes = Vec::new();
        for value in values {
            bytes.clear();
            if let Some(value) = value {
                Sketch::write_value(value, &mut bytes);
            }
            builder.append_option((!bytes.is_empty()).then_some(&bytes));
        }
        Ok(ColumnarValue::Array(Arc::new(builder.finish())))
    }
}

impl ScalarUDFImpl for SketchValue {
    fn name(&self) -> &str {
        "sketch_value"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        coerce(self.name(), &[Argument::Sketch, Argument::Number], given)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let (sketches, shares) = (arrays[0].as_binary::<i32>(), arrays[1].as_primitive::<Float64Type>());
        let value = |row: usize| {
            if sketches.is_null(row) || shares.is_null(row) {
                return Ok(None);
            }
            let q = share(self.name(), shares.value(row))?;
            Ok(Sketch::from_bytes(sketches.value(row)).map_err(failed)?.quantile(q))
        };
        let values: Float64Array = (0..sketches.len()).map(value).collect::<Result<_>>()?;
        Ok(ColumnarValue::Array(Arc::new(values)))
    }
}

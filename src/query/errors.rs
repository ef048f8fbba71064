//! The SQL functions that group errors: `error_shape` and `error_fingerprint`. What a shape is, is the store's.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use crate::store::{error_fingerprint, error_shape};

/// Adds the functions to the session's.
pub(super) fn register(state: &mut SessionState) -> Result<()> {
    for (name, arguments) in [("error_shape", 1), ("error_fingerprint", 3)] {
        let texts = TypeSignature::Exact(vec![DataType::Utf8; arguments]);
        let signature = Signature::new(texts, Volatility::Immutable);
        state.register_udf(Arc::new(ScalarUDF::from(ErrorFunction { name, signature })))?;
    }
    Ok(())
}

/// `error_shape(message)`, or `error_fingerprint(outcome, error_type, message)`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ErrorFunction {
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for ErrorFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let columns: Vec<&StringArray> = arrays.iter().map(|array| array.as_string()).collect();
        let answer: StringArray = match columns[..] {
            [messages] => messages.iter().map(|message| message.map(error_shape)).collect(),
            [outcomes, types, messages] => {
                let fingerprint = |row: usize| {
                    let shape = text(messages, row).map(error_shape);
                    text(outcomes, row).map(|outcome| error_fingerprint(outcome, text(types, row), shape.as_deref()))
                };
                (0..outcomes.len()).map(fingerprint).collect()
            }
            _ => unreachable!("the signature admits one argument or three"),
        };
        Ok(ColumnarValue::Array(Arc::new(answer) as ArrayRef))
    }
}

fn text(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

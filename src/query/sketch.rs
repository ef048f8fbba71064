//! The SQL functions of quantile sketches: `sketch`, `sketch_merge` and `sketch_quantile` over rows, `sketch_of_value`,
//! `sketch_value` and `sketch_histogram` of one row. What a sketch is, is the store's.

mod aggregate;
mod histogram;
mod scalar;

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

use crate::store::SketchError;

use super::format::type_name;

use aggregate::{Kind, SketchAggregate};
use histogram::SketchHistogram;
use scalar::{SketchOfValue, SketchValue};

/// Adds the functions to the session's.
pub(super) fn register(state: &mut SessionState) -> Result<()> {
    for kind in Kind::ALL {
        state.register_udaf(Arc::new(AggregateUDF::from(SketchAggregate::new(kind))))?;
    }
    for function in [
        ScalarUDF::from(SketchOfValue::default()),
        ScalarUDF::from(SketchValue::default()),
        ScalarUDF::from(SketchHistogram::default()),
    ] {
        state.register_udf(Arc::new(function))?;
    }
    Ok(())
}

/// What an argument may be.
#[derive(Debug, Clone, Copy)]
enum Argument {
    Number,
    Sketch,
}

/// The types that arguments are cast to; fails where one does not fit.
fn coerce(function: &str, wanted: &[Argument], given: &[DataType]) -> Result<Vec<DataType>> {
    if given.len() != wanted.len() {
        let (needs, got) = (wanted.len(), given.len());
        return Err(DataFusionError::Plan(format!("{function} takes {needs} arguments, and there are {got}")));
    }
    let cast = |(wanted, given): (&Argument, &DataType)| match wanted {
        Argument::Number if given.is_numeric() || given.is_null() => Ok(DataType::Float64),
        Argument::Sketch if given.is_null() || is_binary(given) => Ok(DataType::Binary),
        Argument::Number => {
            Err(DataFusionError::Plan(format!("{function} takes a number, and not {}", type_name(given))))
        }
        Argument::Sketch => {
            Err(DataFusionError::Plan(format!("{function} takes a sketch (binary), and not {}", type_name(given))))
        }
    };
    wanted.iter().zip(given).map(cast).collect()
}

fn is_binary(kind: &DataType) -> bool {
    matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

/// A share of values; fails where it is none.
fn share(function: &str, q: f64) -> Result<f64> {
    if (0.0..=1.0).contains(&q) {
        return Ok(q);
    }
    Err(DataFusionError::Execution(format!("{function} takes a quantile between 0 and 1, and not {q}")))
}

fn failed(error: SketchError) -> DataFusionError {
    DataFusionError::Execution(error.to_string())
}

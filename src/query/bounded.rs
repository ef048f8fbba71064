//! Bounds the functions that make much out of little, such as `repeat`: what they make is counted before it is made, for
//! it is not taken from the memory that queries share. What the functions do is DataFusion's.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::compute::kernels::length::length;
use arrow::datatypes::{
    DataType, FieldRef, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

/// Bytes that one call may make for a batch of rows (64 MiB).
const MAX_BYTES: u128 = 64 << 20;

/// How many bytes a call makes, by its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Growth {
    /// The first argument's text as many times as the second says.
    Repeated,
    /// As many characters as the second argument says.
    Padded,
    /// As many items as the second argument says.
    Items,
    /// Items from a start to an end, in steps; from 0 where there is one argument.
    Range,
}

const BOUNDED: [(&str, Growth); 7] = [
    ("repeat", Growth::Repeated),
    ("lpad", Growth::Padded),
    ("rpad", Growth::Padded),
    ("array_repeat", Growth::Items),
    ("array_resize", Growth::Items),
    ("range", Growth::Range),
    ("generate_series", Growth::Range),
];

/// Puts bounded functions in place of the session's own.
pub(super) fn register(state: &mut SessionState) -> Result<()> {
    for (name, growth) in BOUNDED {
        let inner = state.udf(name)?;
        state.register_udf(Arc::new(ScalarUDF::from(Bounded { inner, growth })))?;
    }
    Ok(())
}

#[derive(Debug)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.growth == other.growth && self.inner == other.inner
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
        self.growth.hash(state);
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let bytes = self.growth.bytes(&ColumnarValue::values_to_arrays(&args.args)?)?;
        if bytes > MAX_BYTES {
            return Err(DataFusionError::ResourcesExhausted(format!("{} would make {bytes} bytes", self.name())));
        }
        self.inner.invoke_with_args(args)
    }
}

impl Growth {
    fn bytes(self, args: &[ArrayRef]) -> Result<u128> {
        let (Some(first), second) = (args.first(), args.get(1)) else { return Ok(0) };
        match (self, second) {
            (Self::Repeated, Some(times)) => {
                let (lengths, times) = (numbers(&length(first)?)?, numbers(times)?);
                Ok(lengths.into_iter().zip(times).map(|(length, times)| positive(length) * positive(times)).sum())
            }
            (Self::Padded, Some(lengths)) => Ok(numbers(lengths)?.into_iter().map(positive).sum()),
            (Self::Items, Some(counts)) => {
                let rows = first.len().max(1);
                let width = (first.get_array_memory_size() / rows).max(8) as u128;
                Ok(numbers(counts)?.into_iter().map(positive).sum::<u128>() * width)
            }
            (Self::Range, None) => Ok(numbers(first)?.into_iter().map(positive).sum::<u128>() * 8),
            (Self::Range, Some(ends)) => {
                let (starts, ends) = (numbers(first)?, numbers(ends)?);
                let steps = args.get(2).map_or_else(|| Ok(vec![1; starts.len()]), steps)?;
                let items = |((start, end), step): ((i64, i64), i64)| {
                    u128::from(start.abs_diff(end)) / u128::from(step.unsigned_abs().max(1)) * 8
                };
                Ok(starts.into_iter().zip(ends).zip(steps).map(items).sum())
            }
            (_, None) => Ok(0),
        }
    }
}

fn positive(number: i64) -> u128 {
    u128::try_from(number).unwrap_or(0)
}

/// The values as whole numbers: times in nanoseconds, null as 0.
fn numbers(values: &ArrayRef) -> Result<Vec<i64>> {
    let values = match values.data_type() {
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => cast(values, &nanoseconds())?,
        _ => Arc::clone(values),
    };
    let numbers = cast(&values, &DataType::Int64)?;
    Ok(numbers.as_primitive::<Int64Type>().iter().map(Option::unwrap_or_default).collect())
}

/// Lengths of steps; those of intervals in nanoseconds, with short months, so that counts are not too small.
fn steps(values: &ArrayRef) -> Result<Vec<i64>> {
    if !matches!(values.data_type(), DataType::Interval(_)) {
        return numbers(values);
    }
    const DAY: i64 = 86_400_000_000_000;
    let values = cast(values, &DataType::Interval(IntervalUnit::MonthDayNano))?;
    let length = |step: IntervalMonthDayNano| {
        let days = i64::from(step.months) * 28 + i64::from(step.days);
        days.saturating_mul(DAY).saturating_add(step.nanoseconds)
    };
    let steps = values.as_primitive::<IntervalMonthDayNanoType>();
    Ok(steps.iter().map(|step| step.map_or(1, length)).collect())
}

fn nanoseconds() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, None)
}

//! Owns `sketch_histogram(s [, bins_per_decade])`: a sketch's bins as a list, for histograms and heatmaps.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, Float64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use crate::store::{Bin, Sketch};

use super::{Argument, coerce, failed};

/// Bins of a decade, at most: finer than a sketch's own are of no use.
const MOST_PER_DECADE: f64 = 100.0;

/// The bins of a sketch in order. With a second argument, that many for each power of ten, each of the sketch's own in
/// the one that holds its middle.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SketchHistogram(Signature);

impl Default for SketchHistogram {
    fn default() -> Self {
        Self(Signature::user_defined(Volatility::Immutable))
    }
}

fn bin_fields() -> Fields {
    Fields::from(vec![
        Field::new("low", DataType::Float64, false),
        Field::new("high", DataType::Float64, false),
        Field::new("count", DataType::Int64, false),
    ])
}

fn item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Struct(bin_fields()), false))
}

impl ScalarUDFImpl for SketchHistogram {
    fn name(&self) -> &str {
        "sketch_histogram"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(item()))
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let wanted = if given.len() > 1 { &[Argument::Sketch, Argument::Number][..] } else { &[Argument::Sketch] };
        coerce(self.name(), wanted, given)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let sketches = arrays[0].as_binary::<i32>();
        let per_decade = arrays.get(1).map(|column| column.as_primitive::<Float64Type>());
        let (mut bins, mut lengths) = (Vec::new(), Vec::with_capacity(sketches.len()));
        for row in 0..sketches.len() {
            let before = bins.len();
            if sketches.is_valid(row) {
                let sketch = Sketch::from_bytes(sketches.value(row)).map_err(failed)?;
                match per_decade.filter(|column| column.is_valid(row)) {
                    None => bins.extend(sketch.bins()),
                    Some(column) => coarse(sketch.bins(), column.value(row), &mut bins)?,
                }
            }
            lengths.push(bins.len() - before);
        }
        Ok(ColumnarValue::Array(Arc::new(list(&bins, lengths, sketches.nulls().cloned()))))
    }
}

fn list(bins: &[Bin], lengths: Vec<usize>, nulls: Option<NullBuffer>) -> ListArray {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Float64Array::from_iter_values(bins.iter().map(|bin| bin.low))),
        Arc::new(Float64Array::from_iter_values(bins.iter().map(|bin| bin.high))),
        Arc::new(Int64Array::from_iter_values(bins.iter().map(|bin| i64::try_from(bin.count).unwrap_or(i64::MAX)))),
    ];
    let bins = StructArray::new(bin_fields(), columns, None);
    ListArray::new(item(), OffsetBuffer::from_lengths(lengths), Arc::new(bins), nulls)
}

/// Joins bins whose middles lie between the same bounds, `per_decade` of which are in each power of ten.
fn coarse(fine: impl Iterator<Item = Bin>, per_decade: f64, out: &mut Vec<Bin>) -> Result<()> {
    if !(1.0..=MOST_PER_DECADE).contains(&per_decade) || per_decade.fract() != 0.0 {
        return Err(DataFusionError::Execution(format!(
            "sketch_histogram takes a whole number of bins per decade from 1 to {MOST_PER_DECADE}, and not {per_decade}"
        )));
    }
    let first = out.len();
    for bin in fine {
        let (low, high) = bounds(&bin, per_decade);
        match out[first..].last_mut() {
            Some(last) if last.low == low && last.high == high => last.count = last.count.saturating_add(bin.count),
            _ => out.push(Bin { low, high, count: bin.count }),
        }
    }
    Ok(())
}

fn bounds(bin: &Bin, per_decade: f64) -> (f64, f64) {
    let middle = (bin.low * bin.high).sqrt();
    if middle == 0.0 {
        return (0.0, 0.0);
    }
    let at = (middle.log10() * per_decade).floor();
    let (near, far) = (10_f64.powf(at / per_decade), 10_f64.powf((at + 1.0) / per_decade));
    if bin.high > 0.0 { (near, far) } else { (-far, -near) }
}

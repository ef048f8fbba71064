//! Owns the aggregates over sketches. Their state is sketches, so that they merge in whatever order rows come.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray, Float64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, ColumnarValue, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use crate::store::Sketch;

use super::{Argument, coerce, failed, share};

/// Which aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Numbers to a sketch.
    OfValues,
    /// Sketches to a sketch.
    Merge,
    /// Sketches to a number.
    Quantile,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::OfValues, Self::Merge, Self::Quantile];

    fn name(self) -> &'static str {
        match self {
            Self::OfValues => "sketch",
            Self::Merge => "sketch_merge",
            Self::Quantile => "sketch_quantile",
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SketchAggregate {
    kind: Kind,
    signature: Signature,
}

impl SketchAggregate {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, signature: Signature::user_defined(Volatility::Immutable) }
    }

    fn groups(&self, args: &AccumulatorArgs) -> Result<Groups> {
        if args.is_distinct {
            return Err(DataFusionError::Plan(format!("{} takes no DISTINCT", self.kind.name())));
        }
        let q = match self.kind {
            Kind::Quantile => Some(constant(self.kind.name(), args)?),
            Kind::OfValues | Kind::Merge => None,
        };
        Ok(Groups { of_values: self.kind == Kind::OfValues, q, sketches: Vec::new(), heap_bytes: 0 })
    }
}

/// The second argument, which must be the same for all rows.
fn constant(function: &str, args: &AccumulatorArgs) -> Result<f64> {
    let none = RecordBatch::new_empty(Arc::new(Schema::empty()));
    match args.exprs.get(1).map(|expr| expr.evaluate(&none)) {
        Some(Ok(ColumnarValue::Scalar(ScalarValue::Float64(Some(q))))) => share(function, q),
        _ => Err(DataFusionError::Plan(format!("{function} takes a constant between 0 and 1 as its second argument"))),
    }
}

impl AggregateUDFImpl for SketchAggregate {
    fn name(&self) -> &str {
        self.kind.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.kind == Kind::Quantile { DataType::Float64 } else { DataType::Binary })
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let wanted: &[Argument] = match self.kind {
            Kind::OfValues => &[Argument::Number],
            Kind::Merge => &[Argument::Sketch],
            Kind::Quantile => &[Argument::Sketch, Argument::Number],
        };
        coerce(self.kind.name(), wanted, given)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(All(self.groups(&args)?)))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[sketch]", args.name), DataType::Binary, true))])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(self.groups(&args)?))
    }
}

/// A sketch for each group.
#[derive(Debug)]
struct Groups {
    of_values: bool,
    /// The quantile that is asked for; none where the sketch itself is.
    q: Option<f64>,
    sketches: Vec<Sketch>,
    heap_bytes: usize,
}

impl Groups {
    fn change(&mut self, group: usize, change: impl FnOnce(&mut Sketch) -> Result<()>) -> Result<()> {
        let sketch = &mut self.sketches[group];
        let before = sketch.heap_bytes();
        change(sketch)?;
        self.heap_bytes = self.heap_bytes + sketch.heap_bytes() - before;
        Ok(())
    }

    fn merge(&mut self, sketches: &ArrayRef, rows: impl Iterator<Item = (usize, usize)>) -> Result<()> {
        let sketches = sketches.as_binary::<i32>();
        for (row, group) in rows {
            if sketches.is_valid(row) {
                self.change(group, |sketch| sketch.merge(sketches.value(row)).map_err(failed))?;
            }
        }
        Ok(())
    }

    fn update(&mut self, values: &[ArrayRef], rows: impl Iterator<Item = (usize, usize)>) -> Result<()> {
        if !self.of_values {
            return self.merge(&values[0], rows);
        }
        let values = values[0].as_primitive::<Float64Type>();
        for (row, group) in rows {
            if values.is_valid(row) {
                self.change(group, |sketch| {
                    sketch.add(values.value(row));
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Vec<Sketch> {
        let taken = emit_to.take_needed(&mut self.sketches);
        self.heap_bytes -= taken.iter().map(Sketch::heap_bytes).sum::<usize>();
        taken
    }

    fn answer(&self, sketches: &[Sketch]) -> ArrayRef {
        match self.q {
            Some(q) => Arc::new(sketches.iter().map(|sketch| sketch.quantile(q)).collect::<Float64Array>()),
            None => binary(sketches),
        }
    }
}

fn binary(sketches: &[Sketch]) -> ArrayRef {
    let mut builder = BinaryBuilder::new();
    sketches.iter().for_each(|sketch| builder.append_option(sketch.to_bytes()));
    Arc::new(builder.finish())
}

/// Rows that a filter lets through, each with its group.
fn passing<'a>(
    groups: &'a [usize],
    filter: Option<&'a BooleanArray>,
) -> impl Iterator<Item = (usize, usize)> + use<'a> {
    let passes = move |row: usize| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
    groups.iter().copied().enumerate().filter(move |(row, _)| passes(*row))
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        count: usize,
    ) -> Result<()> {
        self.sketches.resize_with(count, Sketch::default);
        self.update(values, passing(groups, filter))
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], count: usize) -> Result<()> {
        self.sketches.resize_with(count, Sketch::default);
        self.merge(&values[0], passing(groups, None))
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sketches = self.take(emit_to);
        Ok(self.answer(&sketches))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![binary(&self.take(emit_to))])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values[0].len();
        let groups: Vec<usize> = (0..rows).collect();
        let mut each = Self { of_values: self.of_values, q: None, sketches: Vec::new(), heap_bytes: 0 };
        each.update_batch(values, &groups, filter, rows)?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.sketches.capacity() * size_of::<Sketch>() + self.heap_bytes
    }
}

/// One sketch of all rows.
#[derive(Debug)]
struct All(Groups);

impl Accumulator for All {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.sketches.resize_with(1, Sketch::default);
        self.0.update(values, (0..values[0].len()).map(|row| (row, 0)))
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.sketches.resize_with(1, Sketch::default);
        self.0.merge(&states[0], (0..states[0].len()).map(|row| (row, 0)))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.sketches.resize_with(1, Sketch::default);
        ScalarValue::try_from_array(&self.0.answer(&self.0.sketches), 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let bytes = self.0.sketches.first().and_then(Sketch::to_bytes);
        Ok(vec![ScalarValue::Binary(bytes)])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.size()
    }
}

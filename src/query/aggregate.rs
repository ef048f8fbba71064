//! Owns aggregate functions in SQL that other parts hand in. It does not know what they compute.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};

use super::format::type_name;

/// What an aggregate holds of one group's rows. A failure is a sentence for whoever asked.
pub trait Fold: fmt::Debug + Send + Sync + 'static {
    /// Takes rows: one array for each argument, in order, all of one length.
    fn take(&mut self, arguments: &[ArrayRef]) -> Result<(), String>;

    /// What was taken, for `merge` of another one.
    fn state(&mut self) -> Vec<u8>;

    /// Takes what another one took.
    fn merge(&mut self, state: &[u8]) -> Result<(), String>;

    /// The answer: an array of one value.
    fn answer(&mut self) -> Result<ArrayRef, String>;

    /// Memory that it holds.
    fn bytes(&self) -> usize;
}

/// An aggregate function in SQL. A cheap clone.
#[derive(Clone)]
pub struct Aggregate {
    name: &'static str,
    signature: Signature,
    arguments: Arc<[(&'static str, DataType)]>,
    returns: DataType,
    make: Arc<dyn Fn() -> Box<dyn Fold> + Send + Sync>,
}

impl Aggregate {
    /// A function of this name. Its arguments have names for messages, and are cast to their types; the order of rows may not
    /// matter. `make` gives what a group begins with.
    pub fn new<F: Fold>(
        name: &'static str,
        arguments: Vec<(&'static str, DataType)>,
        returns: DataType,
        make: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        let make = Arc::new(move || Box::new(make()) as Box<dyn Fold>);
        let signature = Signature::user_defined(Volatility::Immutable);
        Self { name, signature, arguments: arguments.into(), returns, make }
    }

    pub(super) fn function(self) -> Arc<AggregateUDF> {
        Arc::new(AggregateUDF::from(self))
    }
}

impl fmt::Debug for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aggregate").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A session has one function of a name.
impl PartialEq for Aggregate {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Aggregate {}

impl Hash for Aggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl AggregateUDFImpl for Aggregate {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        if given.len() != self.arguments.len() {
            let names: Vec<&str> = self.arguments.iter().map(|(name, _)| *name).collect();
            return Err(DataFusionError::Plan(format!(
                "{}({}) takes {} arguments, and there are {}",
                self.name,
                names.join(", "),
                names.len(),
                given.len()
            )));
        }
        let cast = |((name, wanted), given): (&(&str, DataType), &DataType)| {
            if given.is_null() || arrow::compute::can_cast_types(given, wanted) {
                return Ok(wanted.clone());
            }
            let (wanted, given) = (type_name(wanted), type_name(given));
            Err(DataFusionError::Plan(format!("{} takes {name} as {wanted}, and not {given}", self.name)))
        };
        self.arguments.iter().zip(given).map(cast).collect()
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            return Err(DataFusionError::Plan(format!("{} takes no DISTINCT", self.name)));
        }
        Ok(Box::new(Group((self.make)())))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        // A view, which is handed from step to step without the bytes being copied.
        Ok(vec![Arc::new(Field::new(format!("{}[state]", args.name), DataType::BinaryView, true))])
    }
}

/// One group.
#[derive(Debug)]
struct Group(Box<dyn Fold>);

impl Accumulator for Group {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.take(values).map_err(DataFusionError::Execution)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let states = states[0].as_binary_view();
        states.iter().flatten().try_for_each(|state| self.0.merge(state)).map_err(DataFusionError::Execution)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let answer = self.0.answer().map_err(DataFusionError::Execution)?;
        ScalarValue::try_from_array(&answer, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::BinaryView(Some(self.0.state()))])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.bytes()
    }
}

//! Owns how rows of `invocations` are read: a batch's columns as plain slices, and what the definitions ask of each row,
//! once for all measures.

use arrow::array::{
    Array, AsArray, BooleanArray, Decimal128Array, Int32Array, Int64Array, PrimitiveArray, StringArray,
};
use arrow::compute::kernels::cmp::eq;
use arrow::datatypes::{ArrowPrimitiveType, Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;

use crate::store::Error;

/// A batch of `invocations`. Its columns may be fewer than those of today: new ones are null where they are not there.
pub(super) struct Raw<'a> {
    pub(super) started_at: &'a [i64],
    pub(super) ran: Vec<bool>,
    /// Ran, and cold.
    pub(super) cold: Vec<bool>,
    pub(super) error: Vec<bool>,
    pub(super) timeout: Vec<bool>,
    pub(super) out_of_memory: Vec<bool>,
    pub(super) platform_error: Vec<bool>,
    pub(super) throttled: Vec<bool>,
    throttle_reason: &'a StringArray,
    pub(super) init_type: &'a StringArray,
    pub(super) attempt: &'a [i32],
    pub(super) billed_ms: Ints<'a>,
    pub(super) memory_mb: Ints<'a>,
    pub(super) cpu_ns: Ints<'a>,
    pub(super) queue_ns: Ints<'a>,
    pub(super) load_ns: Ints<'a>,
    pub(super) compile_ns: Ints<'a>,
    pub(super) instantiate_ns: Ints<'a>,
    pub(super) init_ns: Ints<'a>,
    pub(super) duration_ns: Ints<'a>,
    pub(super) request_bytes: Ints<'a>,
    pub(super) response_bytes: Ints<'a>,
    pub(super) streamed_bytes: Ints<'a>,
    pub(super) peak_memory_bytes: Ints<'a>,
    egress_bytes: Option<&'a Int64Array>,
    list_cost: &'a Decimal128Array,
    init_cost: Option<&'a Decimal128Array>,
    concurrency: Option<&'a dyn Array>,
}

/// Whole numbers that are null where they are not known.
#[derive(Clone, Copy)]
pub(super) struct Ints<'a>(&'a Int64Array);

impl Ints<'_> {
    pub(super) fn get(self, at: usize) -> Option<i64> {
        self.0.is_valid(at).then(|| self.0.value(at))
    }

    pub(super) fn or_zero(self, at: usize) -> i64 {
        self.get(at).unwrap_or(0)
    }
}

impl<'a> Raw<'a> {
    pub(super) fn new(rows: &'a RecordBatch) -> Result<Self, Error> {
        let ints = |name| array::<Int64Type>(rows, name).map(Ints);
        let outcomes = texts(rows, "outcome")?;
        let is = |word: &str| -> Result<Vec<bool>, Error> {
            Ok(eq(outcomes, &StringArray::new_scalar(word))?.values().iter().collect())
        };
        let (throttled, platform_error) = (is("throttled")?, is("platform_error")?);
        let ran: Vec<bool> = throttled.iter().zip(&platform_error).map(|(one, other)| !(*one || *other)).collect();
        let cold: &BooleanArray = column(rows, "cold")?.as_boolean_opt().ok_or_else(|| wrong(rows, "cold"))?;
        Ok(Self {
            started_at: primitive::<TimestampMicrosecondType>(rows, "started_at")?,
            cold: ran.iter().enumerate().map(|(at, ran)| *ran && cold.is_valid(at) && cold.value(at)).collect(),
            ran,
            error: is("error")?,
            timeout: is("timeout")?,
            out_of_memory: is("out_of_memory")?,
            platform_error,
            throttled,
            throttle_reason: texts(rows, "throttle_reason")?,
            init_type: texts(rows, "init_type")?,
            attempt: primitive::<Int32Type>(rows, "attempt")?,
            billed_ms: ints("billed_ms")?,
            memory_mb: ints("memory_mb")?,
            cpu_ns: ints("cpu_ns")?,
            queue_ns: ints("queue_ns")?,
            load_ns: ints("load_ns")?,
            compile_ns: ints("compile_ns")?,
            instantiate_ns: ints("instantiate_ns")?,
            init_ns: ints("init_ns")?,
            duration_ns: ints("duration_ns")?,
            request_bytes: ints("request_bytes")?,
            response_bytes: ints("response_bytes")?,
            streamed_bytes: ints("streamed_bytes")?,
            peak_memory_bytes: ints("peak_memory_bytes")?,
            egress_bytes: optional::<Int64Type>(rows, "egress_bytes"),
            list_cost: array::<Decimal128Type>(rows, "list_cost")?,
            init_cost: optional::<Decimal128Type>(rows, "init_cost"),
            concurrency: rows.column_by_name("concurrency").map(AsRef::as_ref),
        })
    }

    pub(super) fn if_ran(&self, at: usize, values: Ints<'_>) -> i64 {
        if self.ran[at] { values.or_zero(at) } else { 0 }
    }

    pub(super) fn if_cold(&self, at: usize, values: Ints<'_>) -> i64 {
        if self.cold[at] { values.or_zero(at) } else { 0 }
    }

    /// Load, compile, instantiate, init and duration; what is not known counts 0.
    pub(super) fn busy(&self, at: usize) -> i64 {
        let phases = [self.load_ns, self.compile_ns, self.instantiate_ns, self.init_ns, self.duration_ns];
        phases.iter().fold(0, |sum, phase| sum.wrapping_add(phase.or_zero(at)))
    }

    pub(super) fn throttled_by(&self, at: usize, reason: &str) -> i64 {
        let reasons = self.throttle_reason;
        i64::from(self.throttled[at] && reasons.is_valid(at) && reasons.value(at) == reason)
    }

    pub(super) fn egress_bytes(&self, at: usize) -> i64 {
        self.egress_bytes.filter(|bytes| bytes.is_valid(at)).map_or(0, |bytes| bytes.value(at))
    }

    pub(super) fn list_cost(&self, at: usize) -> Option<i128> {
        self.list_cost.is_valid(at).then(|| self.list_cost.value(at))
    }

    pub(super) fn init_cost(&self, at: usize) -> Option<i128> {
        self.init_cost.filter(|cost| cost.is_valid(at)).map(|cost| cost.value(at))
    }

    /// Of whichever width its column is.
    pub(super) fn concurrency(&self, at: usize) -> Option<i64> {
        let column = self.concurrency.filter(|column| column.is_valid(at))?;
        let narrow = || column.as_primitive_opt::<Int32Type>().map(|column: &Int32Array| i64::from(column.value(at)));
        column.as_primitive_opt::<Int64Type>().map(|column| column.value(at)).or_else(narrow)
    }
}

/// A column that every table of the kind has.
pub(super) fn column<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a dyn Array, Error> {
    rows.column_by_name(name).map(AsRef::as_ref).ok_or_else(|| wrong(rows, name))
}

pub(super) fn texts<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a StringArray, Error> {
    column(rows, name)?.as_string_opt().ok_or_else(|| wrong(rows, name))
}

pub(super) fn array<'a, T: ArrowPrimitiveType>(
    rows: &'a RecordBatch,
    name: &str,
) -> Result<&'a PrimitiveArray<T>, Error> {
    column(rows, name)?.as_primitive_opt().ok_or_else(|| wrong(rows, name))
}

/// The values of a column that has no nulls.
pub(super) fn primitive<'a, T: ArrowPrimitiveType>(
    rows: &'a RecordBatch,
    name: &str,
) -> Result<&'a [T::Native], Error> {
    Ok(array::<T>(rows, name)?.values())
}

fn optional<'a, T: ArrowPrimitiveType>(rows: &'a RecordBatch, name: &str) -> Option<&'a PrimitiveArray<T>> {
    rows.column_by_name(name).and_then(|column| column.as_primitive_opt())
}

fn wrong(rows: &RecordBatch, name: &str) -> Error {
    let found = rows.schema().field_with_name(name).map(|field| field.data_type().to_string());
    Error::Internal(format!(
        "the rollup cannot read the column {name}: {}",
        found.unwrap_or_else(|_| "it is missing".to_owned())
    ))
}

//! Owns the shape of the rollups: their names, columns and docs.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::store::Table;
use crate::store::tables::{PARTITION, documented, time_type};
use crate::units::{MONEY_PRECISION, MONEY_SCALE};

use super::columns::{DIMENSIONS, MEASURES, Measure, Of};

/// The column that says which minute or hour a row is of.
pub(super) const BUCKET: &str = "bucket";
/// Digits of sums that are wider than 64 bits.
pub(super) const WIDE_PRECISION: u8 = 38;
/// What a group of errors is told apart by, beside the hour.
pub(super) const ERROR_DIMENSIONS: [&str; 10] =
    ["tenant", "function", "version", "region", "tags", "outcome", "error_type", "fingerprint", "message", "currency"];

/// The rollups of `invocations`. Their rows are additive and not unique: whoever asks sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rollup {
    /// Counts, sums and sketches by minute.
    Minute,
    /// The same by hour.
    Hour,
    /// Groups of errors by hour.
    Errors,
}

impl Rollup {
    /// Every rollup.
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Errors];

    /// The name in SQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "rollup_minute",
            Self::Hour => "rollup_hour",
            Self::Errors => "error_groups",
        }
    }

    /// The folder of its files.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Errors => "errors",
        }
    }

    /// All columns, `date` last; each field's metadata holds its doc under `comment`.
    #[must_use]
    pub fn schema(self) -> SchemaRef {
        static SCHEMAS: LazyLock<[SchemaRef; 3]> = LazyLock::new(|| Rollup::ALL.map(build));
        Arc::clone(&SCHEMAS[self as usize])
    }
}

fn build(rollup: Rollup) -> SchemaRef {
    // The same words for all: what is described differently cannot be put together by UNION.
    let doc = "start of the minute or hour that started_at lies in, UTC";
    let mut fields = vec![documented(BUCKET, doc, time_type(), false)];
    match rollup {
        Rollup::Minute | Rollup::Hour => {
            fields.extend(DIMENSIONS.iter().map(|name| dimension(name)));
            fields.extend(MEASURES.iter().map(field));
        }
        Rollup::Errors => {
            fields.extend(ERROR_DIMENSIONS.iter().map(|name| dimension(name)));
            fields.extend(error_measures());
        }
    }
    let date = "the UTC day of bucket; the files are partitioned by it";
    fields.push(documented(PARTITION, date, DataType::Date32, false));
    Arc::new(Schema::new(fields))
}

/// A column as `invocations` has it, or one of those that groups of errors have instead.
fn dimension(name: &str) -> Field {
    match name {
        "fingerprint" => {
            let doc =
                "digest of outcome, error_type and message; other where a file has too many groups of the function";
            documented(name, doc, DataType::Utf8, true)
        }
        "message" => {
            let doc = "the error's message with placeholders for numbers, ids and what is quoted; null when none";
            documented(name, doc, DataType::Utf8, true)
        }
        _ => Table::Invocations.schema().field_with_name(name).expect("dimensions are columns of invocations").clone(),
    }
}

fn field(measure: &Measure) -> Field {
    let (kind, nullable) = match measure.of {
        Of::Sum(_) => (DataType::Int64, false),
        Of::Wide(_) => (DataType::Decimal128(WIDE_PRECISION, 0), false),
        Of::Money(_) => (money_type(), true),
        Of::Max(_) => (DataType::Int64, true),
        Of::Sketch(_) => (DataType::Binary, true),
    };
    documented(measure.name, measure.doc, kind, nullable)
}

fn error_measures() -> [Field; 6] {
    [
        documented("count", "attempts", DataType::Int64, false),
        documented("list_cost", "their list cost, exact; null where none has one", money_type(), true),
        documented("first_seen", "when the first one started, UTC", time_type(), false),
        documented("last_seen", "when the last one started, UTC", time_type(), false),
        documented("sample_invocation_id", "the last one's id", DataType::Utf8, false),
        documented("sample_trace_id", "the last one's trace; null when none", DataType::Utf8, true),
    ]
}

fn money_type() -> DataType {
    DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE)
}

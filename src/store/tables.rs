//! Owns the shape of the four tables: their schemas, and the way from records to Arrow rows. Each table's columns are in
//! its own file: a new column is one entry there. It does no I/O.

mod column;
mod invocations;
mod logs;
mod metrics;
mod size;
mod spans;

pub use size::size_of;

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, Date32Array};
use arrow::compute::max;
use arrow::datatypes::{DataType, Schema, SchemaRef, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;

use crate::model::Records;
use crate::units::Timestamp;

use super::Table;
use column::{Column, arrays, fields};
pub(crate) use column::{documented, time_type, times};

/// The column that every table is partitioned by.
pub(crate) const PARTITION: &str = "date";
/// The column that tells followers what is new.
pub(crate) const INGESTED_AT: &str = "ingested_at";

/// At most one batch for each table, in the order of [`Table::ALL`].
pub(crate) type Rows = [Option<RecordBatch>; 4];

impl Table {
    /// Every table.
    pub const ALL: [Self; 4] = [Self::Invocations, Self::Spans, Self::Logs, Self::Metrics];

    /// The name in SQL, and of the folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invocations => "invocations",
            Self::Spans => "spans",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }

    /// The column that says when a row happened, which files are sorted and pruned by.
    #[must_use]
    pub fn time_column(self) -> &'static str {
        match self {
            Self::Invocations | Self::Spans => "started_at",
            Self::Logs | Self::Metrics => "time",
        }
    }

    /// All columns, `date` last; each field's metadata holds its doc under `comment`.
    #[must_use]
    pub fn schema(self) -> SchemaRef {
        static SCHEMAS: LazyLock<[SchemaRef; 4]> = LazyLock::new(|| Table::ALL.map(build_schema));
        Arc::clone(&SCHEMAS[self.index()])
    }

    /// What the table holds, in a line.
    pub(crate) fn doc(self) -> &'static str {
        match self {
            Self::Invocations => "one row for each attempt to run a function, throttled ones included",
            Self::Spans => "spans of traces, as OTLP has them",
            Self::Logs => "log records, as OTLP has them",
            Self::Metrics => "data points of metrics, as OTLP has them",
        }
    }

    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

fn build_schema(table: Table) -> SchemaRef {
    let mut all = match table {
        Table::Invocations => fields(invocations::COLUMNS),
        Table::Spans => fields(spans::COLUMNS),
        Table::Logs => fields(logs::COLUMNS),
        Table::Metrics => fields(metrics::COLUMNS),
    };
    let ingested = "when the store accepted the row, UTC; rows of one group share it, later groups have greater ones";
    all.push(documented(INGESTED_AT, ingested, time_type(), false));
    let date = format!("the UTC day of {}; the table is partitioned by it", table.time_column());
    all.push(documented(PARTITION, &date, DataType::Date32, false));
    Arc::new(Schema::new(all))
}

/// The records as Arrow rows, one batch for each table that has any; what an append writes to the log.
#[must_use]
pub fn batches(records: &Records, ingested_at: Timestamp) -> Vec<(Table, RecordBatch)> {
    let rows = merge([records], ingested_at);
    Table::ALL.into_iter().zip(rows).filter_map(|(table, rows)| rows.map(|rows| (table, rows))).collect()
}

/// The greatest `ingested_at` of some rows, microseconds since the epoch.
pub(crate) fn last_ingested(rows: &RecordBatch) -> Option<i64> {
    max(rows.column_by_name(INGESTED_AT)?.as_primitive::<TimestampMicrosecondType>())
}

/// The rows of several groups of records as one.
pub(crate) fn merge<'a>(groups: impl IntoIterator<Item = &'a Records>, ingested_at: Timestamp) -> Rows {
    let (mut invocations, mut spans, mut logs, mut metrics) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for group in groups {
        invocations.extend(&group.invocations);
        spans.extend(&group.spans);
        logs.extend(&group.logs);
        metrics.extend(&group.metrics);
    }
    [
        batch(Table::Invocations, invocations::COLUMNS, &invocations, |row| row.started_at, ingested_at),
        batch(Table::Spans, spans::COLUMNS, &spans, |row| row.start, ingested_at),
        batch(Table::Logs, logs::COLUMNS, &logs, |row| row.time, ingested_at),
        batch(Table::Metrics, metrics::COLUMNS, &metrics, |row| row.time, ingested_at),
    ]
}

fn batch<R>(
    table: Table,
    columns: &[Column<R>],
    rows: &[&R],
    time: fn(&R) -> Timestamp,
    ingested_at: Timestamp,
) -> Option<RecordBatch> {
    if rows.is_empty() {
        return None;
    }
    let mut all: Vec<ArrayRef> = arrays(columns, rows);
    all.push(Arc::new(times(rows.iter().map(|_| ingested_at.micros()))));
    all.push(Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| time(row).days()))));
    Some(RecordBatch::try_new(table.schema(), all).expect("schema and arrays come from the same list of columns"))
}

#[cfg(test)]
mod tests;

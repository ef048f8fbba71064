//! Reads from the store what was received before: after a start all of the window, and for an import what the files may hold
//! of it already.

use std::collections::HashSet;

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::Int32Type;
use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;

use crate::store::{self, Span as Within, Table};
use crate::units::{SpanId, TraceId};

use super::{Dedupe, Key};

/// The columns of each table's keys.
const KEYED: [(Table, &[&str]); 4] = [
    (Table::Spans, &["source", "tenant", "trace_id", "span_id"]),
    (Table::Invocations, &["source", "invocation_id", "attempt"]),
    (Table::Logs, &["source", "tenant", "origin_id"]),
    (Table::Metrics, &["source", "tenant", "origin_id"]),
];

/// What our own executor writes is never received.
const OWN_SOURCE: &str = "executor";

/// Remembers what was ingested within `within`, and says how many keys that are.
pub(in crate::ingest) async fn remember_recent(
    dedupe: &Dedupe,
    store: &store::Handle,
    within: Within,
) -> Result<usize, store::Error> {
    for (table, columns) in KEYED {
        let mut rows = store.view(table).read(columns, within);
        while let Some(rows) = rows.try_next().await? {
            dedupe.remember(keys(dedupe, table, &rows));
        }
    }
    Ok(dedupe.len())
}

/// Remembers those of the keys `wanted` that the table has among its rows of `within`.
pub(in crate::ingest) async fn recall(
    dedupe: &Dedupe,
    store: &store::Handle,
    table: Table,
    within: Within,
    wanted: &HashSet<Key>,
) -> Result<(), store::Error> {
    let columns = KEYED.iter().find(|(known, _)| *known == table).map_or(&[][..], |(_, columns)| *columns);
    let mut rows = store.view(table).read(columns, within);
    while let Some(rows) = rows.try_next().await? {
        dedupe.remember(keys(dedupe, table, &rows).into_iter().filter(|key| wanted.contains(key)));
    }
    Ok(())
}

/// The keys of rows that were received. A row that lacks what a key is made of has none.
fn keys(dedupe: &Dedupe, table: Table, rows: &RecordBatch) -> Vec<Key> {
    let text = |name: &str| -> Option<&StringArray> { rows.column_by_name(name)?.as_string_opt() };
    let Some(sources) = text("source") else { return Vec::new() };
    let received = (0..rows.num_rows()).filter(|row| sources.value(*row) != OWN_SOURCE);
    match table {
        Table::Spans => {
            let (Some(tenants), Some(traces), Some(spans)) = (text("tenant"), text("trace_id"), text("span_id")) else {
                return Vec::new();
            };
            let key = |row: usize| {
                let (trace_id, span_id): (TraceId, SpanId) =
                    (traces.value(row).parse().ok()?, spans.value(row).parse().ok()?);
                Some(dedupe.span(tenants.value(row), &trace_id, &span_id))
            };
            received.filter_map(key).collect()
        }
        Table::Invocations => {
            let attempts = rows.column_by_name("attempt").and_then(|column| column.as_primitive_opt::<Int32Type>());
            let (Some(ids), Some(attempts)) = (text("invocation_id"), attempts) else { return Vec::new() };
            let attempt = |row: usize| u32::try_from(attempts.value(row)).unwrap_or(0);
            received.map(|row| dedupe.invocation(sources.value(row), ids.value(row), attempt(row))).collect()
        }
        Table::Logs | Table::Metrics => {
            let (Some(tenants), Some(origins)) = (text("tenant"), text("origin_id")) else { return Vec::new() };
            let known = received.filter(|row| origins.is_valid(*row));
            known.map(|row| dedupe.origin(sources.value(row), tenants.value(row), origins.value(row))).collect()
        }
    }
}

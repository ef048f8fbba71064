//! Tables that stand still: rows from JSON, files in an object store in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use arrow::json::ReaderBuilder;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};

use crate::query::session::Views;
use crate::query::{Additions, Config, Engine, Error, Param, Params, QueryResult, format};
use crate::store::{Bound, Bounds, DataFile, Table, View};

/// Rows of a row group of files.
const GROUP_ROWS: usize = 16;

/// The contract's limits with less memory.
pub(super) fn config() -> Config {
    Config { memory_bytes: 1 << 30, threads: 2, ..Config::default() }
}

/// What the engine reads, and how often it looked.
pub(super) struct Fixed {
    views: Mutex<HashMap<Table, View>>,
    store: Arc<InMemory>,
    looks: AtomicUsize,
    grows: bool,
}

impl Views for Fixed {
    fn view(&self, table: Table) -> View {
        self.looks.fetch_add(1, Ordering::Relaxed);
        let mut views = self.views.lock().unwrap();
        let view = views.get_mut(&table).unwrap();
        if let (true, Some(again)) = (self.grows, view.batches.first().cloned()) {
            view.batches.push(again);
        }
        view.clone()
    }
}

impl Fixed {
    pub(super) fn empty() -> Self {
        let store = Arc::new(InMemory::new());
        let view = |table| View {
            table,
            schema: table.schema(),
            object_store: Arc::clone(&store) as _,
            files: Arc::from([]),
            batches: Vec::new(),
        };
        let views = Mutex::new(Table::ALL.into_iter().map(|table| (table, view(table))).collect());
        Self { views, store, looks: AtomicUsize::new(0), grows: false }
    }

    /// Each look at a table adds its first batch once more.
    pub(super) fn growing(mut self) -> Self {
        self.grows = true;
        self
    }

    /// Rows that are in memory.
    pub(super) fn with_rows(self, table: Table, rows: &[Value]) -> Self {
        self.views.lock().unwrap().get_mut(&table).unwrap().batches.push(batch(table, rows));
        self
    }

    /// Rows of one day that are in a file, with bounds of these columns.
    pub(super) async fn with_file(self, table: Table, name: &str, rows: &[Value], bounded: &[&str]) -> Self {
        let rows = batch(table, rows);
        let last = rows.num_columns() - 1;
        let in_file = rows.project(&(0..last).collect::<Vec<_>>()).unwrap();
        let small = WriterProperties::builder().set_max_row_group_row_count(Some(GROUP_ROWS)).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), in_file.schema(), Some(small)).unwrap();
        writer.write(&in_file).unwrap();
        let bytes = writer.into_inner().unwrap();
        let path = Path::from(name);
        let file = DataFile {
            path: path.clone(),
            bytes: bytes.len() as u64,
            rows: rows.num_rows() as u64,
            date: rows.column(last).as_primitive::<Date32Type>().value(0),
            bounds: bounded.iter().map(|column| ((*column).to_owned(), bounds(&rows, column))).collect(),
        };
        self.store.put(&path, PutPayload::from(bytes)).await.unwrap();
        {
            let mut views = self.views.lock().unwrap();
            let view = views.get_mut(&table).unwrap();
            view.files = view.files.iter().cloned().chain([file]).collect();
        }
        self
    }

    pub(super) fn engine(self) -> Engine {
        self.engine_with(config())
    }

    pub(super) fn engine_with(self, config: Config) -> Engine {
        Engine::over(config, Arc::new(self), Additions::default()).unwrap()
    }

    pub(super) fn engine_beside(self, additions: Additions) -> Engine {
        Engine::over(config(), Arc::new(self), additions).unwrap()
    }

    pub(super) fn looks(&self) -> usize {
        self.looks.load(Ordering::Relaxed)
    }
}

fn bounds(rows: &RecordBatch, column: &str) -> Bounds {
    let values = rows.column_by_name(column).unwrap();
    let nulls = values.null_count() as u64;
    let (min, max) = if let Some(text) = values.as_string_opt::<i32>() {
        let bound = |value: Option<&str>| Bound::Text(value.unwrap().to_owned());
        (bound(text.iter().flatten().min()), bound(text.iter().flatten().max()))
    } else {
        let times = values.as_primitive::<TimestampMicrosecondType>();
        let bound = |value: Option<i64>| Bound::TimestampMicros(value.unwrap());
        (bound(arrow::compute::min(times)), bound(arrow::compute::max(times)))
    };
    Bounds { min, max, nulls }
}

/// The rows as JSON, in order.
pub(super) async fn rows(engine: &Engine, sql: &str) -> Value {
    match engine.sql(sql, &Params::new()).await {
        Ok(result) => answer(&result),
        Err(error) => panic!("{error:?}: {sql}"),
    }
}

pub(super) fn answer(result: &QueryResult) -> Value {
    Value::Array(format::rows(result).unwrap().into_iter().map(Value::Object).collect())
}

pub(super) async fn failure(engine: &Engine, sql: &str) -> Error {
    match engine.sql(sql, &Params::new()).await {
        Err(error) => error,
        Ok(result) => panic!("answered with {} rows: {sql}", result.rows()),
    }
}

pub(super) fn params<const N: usize>(pairs: [(&str, &str); N]) -> Params {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), Param::Text(value.to_owned()))).collect()
}

/// An attempt at a time, changed by `other`.
pub(super) fn attempt(id: &str, started_at: &str, other: &Value) -> Value {
    let usual = json!({
        "invocation_id": id, "attempt": 1, "trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331",
        "tenant": "default", "function": "hello", "version": "1", "region": "us-east-1", "architecture": "x86_64",
        "runtime": "wasi-http", "trigger": "http", "source": "executor", "tags": {"team": "shop"},
        "started_at": started_at, "account": "default", "environment_id": "e1", "init_type": "on-demand",
        "ephemeral_storage_mb": 512, "streamed_bytes": 0, "outcome": "ok", "cold": false, "queue_ns": 1_000,
        "load_ns": 0, "compile_ns": 0, "instantiate_ns": 20_000, "init_ns": 0, "duration_ns": 1_500_000,
        "billed_ms": 2, "memory_mb": 128, "peak_memory_bytes": 1_048_576, "cpu_ns": 1_000_000, "request_bytes": 0,
        "response_bytes": 5, "http_status": 200, "price_book": "aws-lambda/2026-01",
        "list_cost": "0.00000020416666750000000", "currency": "USD",
        "ingested_at": started_at, "date": started_at[..10],
    });
    merged(usual, other)
}

/// A log record at a time.
pub(super) fn line(time: &str, ingested_at: &str, body: &str) -> Value {
    let nanos = crate::units::Timestamp::parse_rfc3339(time).unwrap().nanos();
    json!({
        "tenant": "default", "function": "hello", "version": "1", "invocation_id": "i1", "environment_id": "e1",
        "source": "executor", "time": time, "time_unix_nano": nanos, "observed_time_unix_nano": nanos,
        "severity_number": 9, "severity_text": "INFO", "body": body, "attributes": {"n": "1"},
        "dropped_attributes_count": 0, "flags": 1, "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "span_id": "b7ad6b7169203331", "event_name": "", "resource_attributes": {}, "scope_name": "stderr",
        "scope_version": "", "ingested_at": ingested_at, "date": time[..10],
    })
}

/// A span of a millisecond, changed by `other`.
pub(super) fn span(id: &str, started_at: &str, other: &Value) -> Value {
    let nanos = crate::units::Timestamp::parse_rfc3339(started_at).unwrap().nanos();
    let usual = json!({
        "tenant": "default", "function": "hello", "source": "executor", "invocation_id": "i1",
        "trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": id, "trace_state": "", "flags": 1, "name": "init",
        "kind": 1, "started_at": started_at, "start_time_unix_nano": nanos, "end_time_unix_nano": nanos + 1_000_000,
        "attributes": {"faas.coldstart": "true"}, "dropped_attributes_count": 0, "events": [],
        "dropped_events_count": 0, "dropped_links_count": 0, "status_code": 0, "status_message": "",
        "resource_attributes": {"service.name": "hello"}, "scope_name": "faremeter", "scope_version": "0.1.0",
        "ingested_at": started_at, "date": started_at[..10],
    });
    merged(usual, other)
}

/// A point of a metric.
pub(super) fn point(time: &str) -> Value {
    json!({
        "tenant": "default", "source": "otlp", "name": "m", "description": "", "unit": "1", "type": "gauge",
        "time": time, "time_unix_nano": 0, "flags": 0, "scope_name": "", "scope_version": "", "ingested_at": time,
        "date": time[..10],
    })
}

fn merged(mut usual: Value, other: &Value) -> Value {
    let (Some(row), Some(other)) = (usual.as_object_mut(), other.as_object()) else { panic!("rows are objects") };
    row.extend(other.clone());
    usual
}

pub(super) fn batch(table: Table, rows: &[Value]) -> RecordBatch {
    let mut decoder = ReaderBuilder::new(table.schema()).with_strict_mode(true).build_decoder().unwrap();
    decoder.serialize(rows).unwrap();
    decoder.flush().unwrap().unwrap()
}

//! The tables' shape is the contract's, and rows hold what the records said.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType};

use super::*;
use crate::store::tests::fixtures::Fixtures;
use crate::units::{ByteCount, TraceId};

/// Section 3 of the contract, in its order.
const CONTRACT: &[(&str, &str)] = &[
    ("invocation_id", "text"),
    ("attempt", "int"),
    ("trace_id", "text"),
    ("span_id", "text"),
    ("tenant", "text"),
    ("function", "text"),
    ("version", "text"),
    ("region", "text"),
    ("architecture", "text"),
    ("runtime", "text"),
    ("trigger", "text"),
    ("source", "text"),
    ("tags", "map"),
    ("started_at", "timestamp"),
    ("account", "text"),
    ("environment_id", "text"),
    ("init_type", "text"),
    ("ephemeral_storage_mb", "int"),
    ("streamed_bytes", "int"),
    ("outcome", "text"),
    ("error_type", "text"),
    ("error_message", "text"),
    ("throttle_reason", "text"),
    ("cold", "bool"),
    ("queue_ns", "int"),
    ("load_ns", "int"),
    ("compile_ns", "int"),
    ("instantiate_ns", "int"),
    ("init_ns", "int"),
    ("duration_ns", "int"),
    ("billed_ms", "int"),
    ("memory_mb", "int"),
    ("peak_memory_bytes", "int"),
    ("cpu_ns", "int"),
    ("fuel", "int"),
    ("egress_bytes", "int"),
    ("request_bytes", "int"),
    ("response_bytes", "int"),
    ("http_status", "int"),
    ("concurrency", "int"),
    ("price_book", "text"),
    ("list_cost", "decimal"),
    ("init_cost", "decimal"),
    ("currency", "text"),
    ("ingested_at", "timestamp"),
    ("date", "date"),
];

fn word(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Utf8 => "text",
        DataType::Int32 | DataType::Int64 => "int",
        DataType::Boolean => "bool",
        DataType::Map(..) => "map",
        DataType::Decimal128(38, 23) => "decimal",
        DataType::Date32 => "date",
        found if *found == time_type() => "timestamp",
        _ => "another type",
    }
}

#[test]
fn invocations_have_the_contracts_columns() {
    let schema = Table::Invocations.schema();
    let found: Vec<_> = schema.fields().iter().map(|field| (field.name().as_str(), word(field.data_type()))).collect();
    assert_eq!(found, CONTRACT);
}

#[test]
fn otlp_tables_have_otlps_fields() {
    let spans = "trace_id span_id trace_state parent_span_id flags name kind start_time_unix_nano end_time_unix_nano \
        attributes dropped_attributes_count events dropped_events_count links dropped_links_count";
    let logs = "time_unix_nano observed_time_unix_nano severity_number severity_text body attributes \
        dropped_attributes_count flags trace_id span_id event_name";
    let metrics = "name description unit attributes start_time_unix_nano time_unix_nano as_int as_double exemplars flags \
        aggregation_temporality is_monotonic count sum min max bucket_counts explicit_bounds scale zero_count \
        zero_threshold quantile_values";
    for (table, names) in [(Table::Spans, spans), (Table::Logs, logs), (Table::Metrics, metrics)] {
        for name in names.split_whitespace().chain(["tenant", "function", "source", table.time_column(), "ingested_at"])
        {
            assert!(table.schema().field_with_name(name).is_ok(), "{} has no {name}", table.name());
        }
        assert_eq!(table.schema().fields().last().map(|field| field.name().as_str()), Some("date"));
    }
}

#[test]
fn every_column_has_a_doc() {
    for table in Table::ALL {
        for field in table.schema().fields() {
            let doc = field.metadata().get(column::COMMENT).map(String::as_str).unwrap_or_default();
            assert!(
                doc.len() > 3 && (!doc.ends_with('.') || doc.ends_with("...")),
                "{}.{}: '{doc}'",
                table.name(),
                field.name()
            );
        }
    }
}

#[test]
fn rows_hold_what_the_record_said() {
    let mut fixtures = Fixtures::new(1);
    let mut row = fixtures.invocation();
    row.trace_id = Some("0af7651916cd43dd8448eb211c80319c".parse::<TraceId>().unwrap());
    row.list_cost = Some("0.0000166667".parse().unwrap());
    row.started_at = Timestamp::parse_rfc3339("2026-03-01T23:59:59.999999Z").unwrap();
    row.tags = [("team".to_owned(), "shop".to_owned())].into();
    row.request_size = Some(ByteCount(u64::MAX));
    row.http_status = None;
    row.init_cost = Some("0.00000000000000000000001".parse().unwrap());
    row.concurrency = Some(u32::MAX);
    row.attempt = 3;
    let records = Records { invocations: vec![row, fixtures.invocation()], ..Records::default() };
    let found = batches(&records, Timestamp::from_micros(42));
    let [(Table::Invocations, rows)] = found.as_slice() else { panic!("one table has rows") };
    let column = |name: &str| rows.column_by_name(name).unwrap();
    assert_eq!(column("trace_id").as_string::<i32>().value(0), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(column("list_cost").as_primitive::<Decimal128Type>().value(0), 1_666_670_000_000_000_000);
    assert_eq!(column("started_at").as_primitive::<TimestampMicrosecondType>().value(0), 1_772_409_599_999_999);
    assert_eq!(column("date").as_primitive::<arrow::datatypes::Date32Type>().value(0), 20_513);
    assert_eq!(column("ingested_at").as_primitive::<TimestampMicrosecondType>().values(), &[42, 42]);
    assert_eq!(column("attempt").as_primitive::<Int32Type>().value(0), 3);
    assert_eq!(column("request_bytes").as_primitive::<Int64Type>().value(0), i64::MAX);
    assert!(column("http_status").is_null(0));
    assert_eq!(column("init_cost").as_primitive::<Decimal128Type>().value(0), 1);
    assert_eq!(column("concurrency").as_primitive::<Int32Type>().value(0), i32::MAX);
    let tags = column("tags").as_map().value(0);
    assert_eq!(tags.column(0).as_string::<i32>().value(0), "team");
    assert_eq!(tags.column(1).as_string::<i32>().value(0), "shop");
}

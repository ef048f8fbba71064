//! The named queries: each plans over empty tables, returns what its head says, and gives these rows.

use serde_json::{Value, json};

use super::boards::additions;
use super::tables::{Fixed, answer, attempt, line, params, span};
use crate::query::{Engine, Param, ParamDoc, ParamType, Params, format};
use crate::store::Table;

const FROM: (&str, &str) = ("from", "2026-03-01T10:00:00Z");
const TO: (&str, &str) = ("to", "2026-03-01T12:00:00Z");

async fn few() -> Engine {
    let cold = json!({"cold": true, "init_ns": 4_000_000, "billed_ms": 6, "duration_ns": 2_500_000});
    let error = json!({"outcome": "error", "list_cost": "0.00000020000000000000001", "duration_ns": 3_500_000});
    let throttled = json!({"outcome": "throttled", "throttle_reason": "rate", "list_cost": "0", "billed_ms": 0,
        "duration_ns": 0, "http_status": 429, "environment_id": null});
    let platform = json!({"outcome": "platform_error", "list_cost": "0", "billed_ms": 0, "function": "ours"});
    let other = json!({"function": "other", "tenant": "acme", "list_cost": null, "currency": "EUR"});
    let in_file = [
        attempt("before", "2026-03-01T09:59:59.999999Z", &json!({})),
        attempt("a", "2026-03-01T10:00:00Z", &cold),
        attempt("b", "2026-03-01T10:00:59.999999Z", &json!({})),
        attempt("c", "2026-03-01T11:00:00Z", &error),
    ];
    let in_memory = [
        attempt("d", "2026-03-01T11:30:00Z", &throttled),
        attempt("e", "2026-03-01T11:30:00Z", &platform),
        attempt("f", "2026-03-01T11:30:01Z", &other),
        attempt("after", "2026-03-01T12:00:00Z", &json!({})),
    ];
    let logs = [
        line("2026-03-01T10:00:00.000002Z", "2026-03-01T10:00:01Z", "second"),
        line("2026-03-01T10:00:00.000001Z", "2026-03-01T10:00:01Z", "first"),
        line("2026-03-01T09:59:59Z", "2026-03-01T10:00:02Z", "too old"),
        line("2026-03-01T10:00:00Z", "2026-03-01T10:00:03Z", "late"),
    ];
    let spans = [
        span("b7ad6b7169203331", "2026-03-01T10:00:00Z", &json!({"name": "invoke", "kind": 2})),
        span("b7ad6b7169203332", "2026-03-01T10:00:00.000001Z", &json!({"parent_span_id": "b7ad6b7169203331"})),
        span("b7ad6b7169203333", "2026-03-01T10:00:00Z", &json!({"trace_id": "ff"})),
    ];
    Fixed::empty()
        .with_file(Table::Invocations, "i.parquet", &in_file, &["started_at"])
        .await
        .with_rows(Table::Invocations, &in_memory)
        .with_rows(Table::Logs, &logs)
        .with_rows(Table::Spans, &spans)
        .engine()
}

pub(super) async fn named(engine: &Engine, name: &str, params: &Params) -> Value {
    answer(&engine.named(name, params).await.unwrap_or_else(|error| panic!("{name}: {error}")))
}

pub(super) fn only(rows: &Value, columns: &[&str]) -> Value {
    let pick = |row: &Value| columns.iter().map(|column| row[*column].clone()).collect::<Value>();
    rows.as_array().unwrap().iter().map(pick).collect()
}

fn samples<'a>(params: impl Iterator<Item = &'a ParamDoc>) -> Params {
    let sample = |kind| match kind {
        ParamType::Timestamp => "2026-03-01T00:00:00Z",
        ParamType::Text => "x",
        _ => "1",
    };
    params.map(|param| (param.name.clone(), Param::Text(sample(param.kind).to_owned()))).collect()
}

#[tokio::test]
async fn every_query_plans_and_returns_what_its_head_says() {
    let engine = Fixed::empty().engine_beside(additions(false));
    for query in &*engine.list() {
        let required = samples(query.params.iter().filter(|param| param.default.is_none()));
        let result =
            engine.named(&query.name, &required).await.unwrap_or_else(|error| panic!("{}: {error}", query.name));
        let columns: Vec<&str> = result.schema.fields().iter().map(|field| field.name().as_str()).collect();
        let declared: Vec<&str> = query.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(columns, declared, "{}", query.name);
        assert!(query.doc.ends_with('.'), "{}: {}", query.name, query.doc);
        for (field, column) in result.schema.fields().iter().zip(&query.columns) {
            let kind = format::type_name(field.data_type());
            let word = column.doc.split([',', ' ']).next().unwrap();
            assert!(kind.starts_with(word), "{}.{}: {kind}, not {word}", query.name, column.name);
        }
        let all = samples(query.params.iter());
        let rows = named(&engine, &query.name, &all).await;
        assert!(says_nothing(&rows), "{}: {rows}", query.name);
    }
}

/// No rows, or sums of none.
fn says_nothing(rows: &Value) -> bool {
    let mut values = rows.as_array().unwrap().iter().flat_map(|row| row.as_object().unwrap().values());
    values.all(|value| value.is_null() || value.is_string() || *value == 0)
}

#[tokio::test]
async fn the_list_names_every_file() {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/queries")).unwrap();
    let mut files: Vec<String> = folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let engine = Fixed::empty().engine();
    let listed: Vec<String> = engine.list().iter().map(|query| format!("{}.sql", query.name)).collect();
    assert_eq!(listed, files);
}

#[tokio::test]
async fn functions_are_counted() {
    let rows = named(&few().await, "invocations_by_function", &params([FROM, TO])).await;
    let expected = json!([
        {"tenant": "default", "function": "hello", "invocations": 3, "errors": 1, "throttles": 1,
         "platform_errors": 0, "cold_starts": 1, "error_rate": 1.0 / 3.0, "throttle_rate": 0.25,
         "cold_rate": 1.0 / 3.0, "duration_p50_ms": 2.5, "duration_p95_ms": 3.399_999, "duration_p99_ms": 3.48,
         "list_cost": "0.00000060833333500000001", "currency": "USD"},
        {"tenant": "acme", "function": "other", "invocations": 1, "errors": 0, "throttles": 0,
         "platform_errors": 0, "cold_starts": 0, "error_rate": 0.0, "throttle_rate": 0.0, "cold_rate": 0.0,
         "duration_p50_ms": 1.5, "duration_p95_ms": 1.5, "duration_p99_ms": 1.5, "list_cost": null,
         "currency": "EUR"},
        {"tenant": "default", "function": "ours", "invocations": 0, "errors": 0, "throttles": 0,
         "platform_errors": 1, "cold_starts": 0, "error_rate": null, "throttle_rate": null, "cold_rate": null,
         "duration_p50_ms": null, "duration_p95_ms": null, "duration_p99_ms": null, "list_cost": "0",
         "currency": "USD"},
    ]);
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn costs_are_summed() {
    let engine = few().await;
    let expected = json!([
        {"function": "hello", "currency": "USD", "invocations": 3, "billed_ms": 10,
         "list_cost": "0.00000060833333500000001"},
        {"function": "ours", "currency": "USD", "invocations": 0, "billed_ms": 0, "list_cost": "0"},
        {"function": "other", "currency": "EUR", "invocations": 1, "billed_ms": 2, "list_cost": null},
    ]);
    assert_eq!(named(&engine, "cost_by_function", &params([FROM, TO])).await, expected);
    let tenants = named(&engine, "cost_by_tenant", &params([FROM, TO])).await;
    let expected = json!([["default", "USD", "0.00000060833333500000001"], ["acme", "EUR", null]]);
    assert_eq!(only(&tenants, &["tenant", "currency", "list_cost"]), expected);
}

#[tokio::test]
async fn time_is_cut_into_buckets() {
    let engine = few().await;
    let outcomes = named(&engine, "outcomes_by_minute", &params([FROM, TO, ("function", "hello")])).await;
    let expected = json!([
        ["2026-03-01T10:00:00.000000000Z", "ok", 2],
        ["2026-03-01T11:00:00.000000000Z", "error", 1],
        ["2026-03-01T11:30:00.000000000Z", "throttled", 1],
    ]);
    assert_eq!(only(&outcomes, &["minute", "outcome", "attempts"]), expected);
    let expected = json!([
        {"hour": "2026-03-01T10:00:00.000000000Z", "invocations": 2, "cold_starts": 1, "cold_rate": 0.5,
         "init_p50_ms": 4.0, "init_p99_ms": 4.0},
        {"hour": "2026-03-01T11:00:00.000000000Z", "invocations": 2, "cold_starts": 0, "cold_rate": 0.0,
         "init_p50_ms": null, "init_p99_ms": null},
    ]);
    assert_eq!(named(&engine, "cold_starts_by_hour", &params([FROM, TO])).await, expected);
}

#[tokio::test]
async fn single_attempts_are_found() {
    let engine = few().await;
    let last = named(&engine, "last_invocations", &params([("limit", "3")])).await;
    assert_eq!(only(&last, &["invocation_id"]), json!([["after"], ["f"], ["d"]]));
    let last = named(&engine, "last_invocations", &params([("function", "other")])).await;
    assert_eq!(only(&last, &["invocation_id", "tenant", "list_cost"]), json!([["f", "acme", null]]));
    let one = named(&engine, "invocation", &params([("invocation_id", "a")])).await;
    let expected = json!([["a", true, {"team": "shop"}, "0.0000002041666675", 6]]);
    assert_eq!(only(&one, &["invocation_id", "cold", "tags", "list_cost", "billed_ms"]), expected);
}

#[tokio::test]
async fn logs_are_followed_by_arrival() {
    let engine = few().await;
    let function = ("function", "hello");
    let logs = async |pairs: Params| only(&named(&engine, "function_logs", &pairs).await, &["body", "ingested_at"]);
    let first = json!(["first", "2026-03-01T10:00:01.000000Z"]);
    let second = json!(["second", "2026-03-01T10:00:01.000000Z"]);
    let late = json!(["late", "2026-03-01T10:00:03.000000Z"]);
    assert_eq!(logs(params([function, FROM])).await, json!([first, second, late]));
    assert_eq!(logs(params([function, FROM, ("limit", "1")])).await, json!([first, second]));
    let after = ("after_ingested", "2026-03-01T10:00:01.000000Z");
    assert_eq!(logs(params([function, FROM, after])).await, json!([late]));
    let last = named(&engine, "last_logs", &params([("limit", "2")])).await;
    assert_eq!(only(&last, &["body"]), json!([["second"], ["first"]]));
}

#[tokio::test]
async fn spans_are_found_by_trace_and_by_function() {
    let engine = few().await;
    let trace = ("trace_id", "0af7651916cd43dd8448eb211c80319c");
    let columns = ["span_id", "parent_span_id", "duration_ns", "attributes", "events"];
    let attributes = json!({"faas.coldstart": "true"});
    let expected = json!([
        ["b7ad6b7169203331", null, 1_000_000, attributes, []],
        ["b7ad6b7169203332", "b7ad6b7169203331", 1_000_000, attributes, []],
    ]);
    assert_eq!(only(&named(&engine, "trace_spans", &params([trace])).await, &columns), expected);
    assert_eq!(only(&named(&engine, "trace_spans", &params([trace, FROM, TO])).await, &columns), expected);
    let spans = named(&engine, "function_spans", &params([("function", "hello"), FROM, TO, ("limit", "2")])).await;
    assert_eq!(only(&spans, &["span_id"]), json!([["b7ad6b7169203332"], ["b7ad6b7169203331"]]));
}

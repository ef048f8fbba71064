//! The queries of the pages beside the boards: over rows that stand still they give these.

use serde_json::{Value, json};

use super::queries::{named, only};
use super::tables::{Fixed, attempt, line, params, span};
use crate::query::{Engine, Param};
use crate::store::Table;

const FROM: (&str, &str) = ("from", "2026-03-01T10:00:00Z");
const TO: (&str, &str) = ("to", "2026-03-01T12:00:00Z");

async fn few() -> Engine {
    let cold = json!({"cold": true, "init_ns": 4_000_000, "billed_ms": 6, "duration_ns": 2_500_000});
    let error = json!({"outcome": "error", "error_type": "Trap.Unreachable", "error_message": "at `Cart::total`"});
    let timeout = json!({"outcome": "timeout", "error_type": null, "error_message": "ran for 3 s", "duration_ns": 3_000_000_000_i64});
    let throttled = json!({"outcome": "throttled", "throttle_reason": "rate", "list_cost": "0", "billed_ms": 0,
        "duration_ns": 0, "http_status": 429, "environment_id": null});
    let other = json!({"function": "other", "tenant": "acme", "version": "2", "region": "eu-west-1", "tags": {"team": "x"},
        "list_cost": null, "currency": "EUR"});
    let in_file = [
        attempt("before", "2026-03-01T09:59:59.999999Z", &json!({})),
        attempt("a", "2026-03-01T10:00:00Z", &cold),
        attempt("b", "2026-03-01T11:00:00Z", &error),
        attempt("c", "2026-03-01T11:00:00Z", &timeout),
    ];
    let in_memory = [
        attempt("c", "2026-03-01T11:00:00Z", &json!({"attempt": 2})),
        attempt("d", "2026-03-01T11:30:00Z", &throttled),
        attempt("e", "2026-03-01T11:30:01Z", &other),
        attempt("after", "2026-03-01T12:00:00Z", &json!({})),
    ];
    let logs = [
        line("2026-03-01T10:00:00.000002Z", "2026-03-01T10:00:01Z", "second"),
        line("2026-03-01T10:00:00.000001Z", "2026-03-01T10:00:02Z", "first"),
        line("2026-03-01T09:00:00Z", "2026-03-01T10:00:02Z", "too early"),
    ];
    let spans = [
        span("b7ad6b7169203332", "2026-03-01T10:00:00.000001Z", &json!({"parent_span_id": "b7ad6b7169203331"})),
        span("b7ad6b7169203331", "2026-03-01T10:00:00Z", &json!({"name": "hello", "kind": 2})),
        span("b7ad6b7169203333", "2026-03-01T10:00:00Z", &json!({"trace_id": "ff"})),
        span("b7ad6b7169203334", "2026-03-01T12:00:00Z", &json!({})),
    ];
    Fixed::empty()
        .with_file(Table::Invocations, "i.parquet", &in_file, &["started_at"])
        .await
        .with_rows(Table::Invocations, &in_memory)
        .with_rows(Table::Logs, &logs)
        .with_rows(Table::Spans, &spans)
        .engine()
}

fn keys(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect()
}

async fn found<const N: usize>(engine: &Engine, pairs: [(&str, &str); N]) -> Vec<String> {
    let mut all = params([FROM, TO]);
    all.extend(params(pairs));
    keys(&named(engine, "invocations_page", &all).await).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn invocations_are_found_by_each_filter() {
    let engine = few().await;
    let [a, b, c1, c2, d, e] =
        ["a/1/executor", "b/1/executor", "c/1/executor", "c/2/executor", "d/1/executor", "e/1/executor"];
    assert_eq!(found(&engine, []).await, [e, d, c2, c1, b, a]);
    assert_eq!(found(&engine, [("outcomes", "error,timeout")]).await, [c1, b]);
    assert_eq!(found(&engine, [("cold", "true")]).await, [a]);
    assert_eq!(found(&engine, [("cold", "false"), ("outcomes", "ok")]).await, [e, c2]);
    assert_eq!(found(&engine, [("min_duration_ns", "2500000")]).await, [c1, a]);
    assert_eq!(found(&engine, [("throttle_reason", "rate")]).await, [d]);
    assert_eq!(found(&engine, [("error", "cart::")]).await, [b]);
    assert_eq!(found(&engine, [("error", "RAN FOR")]).await, [c1]);
    assert_eq!(found(&engine, [("tag_key", "team"), ("tag_value", "x")]).await, [e]);
    assert_eq!(found(&engine, [("tag_key", "nobody"), ("tag_value", "x")]).await, [""; 0]);
    for (name, value) in [("tenant", "acme"), ("function", "other"), ("version", "2"), ("region", "eu-west-1")] {
        assert_eq!(found(&engine, [(name, value)]).await, [e], "{name}");
    }
}

#[tokio::test]
async fn pages_of_invocations_join_without_a_gap() {
    let engine = few().await;
    let all = found(&engine, []).await;
    let mut seen = Vec::new();
    let mut page = params([FROM, TO]);
    page.insert("limit".to_owned(), Param::Int(2));
    loop {
        let rows = named(&engine, "invocations_page", &page).await;
        seen.extend(keys(&rows).into_iter().map(str::to_owned));
        let Some(last) = rows.as_array().unwrap().last() else { break };
        page.extend(params([
            ("before", last["started_at"].as_str().unwrap()),
            ("before_key", last["key"].as_str().unwrap()),
        ]));
    }
    assert_eq!(seen, all);
}

#[tokio::test]
async fn spans_and_records_of_an_invocation_are_found() {
    let engine = few().await;
    let trace = ("trace_id", "0af7651916cd43dd8448eb211c80319c");
    let spans = named(&engine, "invocation_page_spans", &params([trace, FROM, TO])).await;
    let expected = json!([["b7ad6b7169203331", "hello"], ["b7ad6b7169203332", "init"]]);
    assert_eq!(only(&spans, &["span_id", "name"]), expected);
    let logs = named(&engine, "invocation_page_logs", &params([("invocation_id", "i1"), FROM, TO])).await;
    assert_eq!(only(&logs, &["body"]), json!([["first"], ["second"]]));
    let limited = params([("invocation_id", "i1"), FROM, TO, ("limit", "1")]);
    assert_eq!(only(&named(&engine, "invocation_page_logs", &limited).await, &["body"]), json!([["first"]]));
}

#[tokio::test]
async fn functions_are_summed_and_drawn_from_the_rollup() {
    let engine = few().await;
    let rows = named(&engine, "functions_page", &params([FROM, TO])).await;
    let columns = ["tenant", "function", "currency", "invocations", "errors", "throttled", "cold_starts", "list_cost"];
    let expected = json!([
        ["default", "hello", "USD", 4, 2, 1, 1, "0.00000081666667"],
        ["acme", "other", "EUR", 1, 0, 0, 0, null],
    ]);
    assert_eq!(only(&rows, &columns), expected);
    let p95 = rows[0]["duration_p95_ns"].as_f64().unwrap();
    assert!((2_475_000.0..2_525_000.0).contains(&p95), "the third of four, within 1 %: {p95}");
    let tagged = params([FROM, TO, ("tag_key", "team"), ("tag_value", "x")]);
    assert_eq!(only(&named(&engine, "functions_page", &tagged).await, &["function"]), json!([["other"]]));
    let mut drawn = params([FROM, TO, ("functions", "hello\nnobody")]);
    drawn.insert("step".to_owned(), Param::Int(1_800));
    let calls = named(&engine, "functions_page_calls", &drawn).await;
    let points: Vec<(&str, i64)> = calls
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (&row["bucket"].as_str().unwrap()[..16], row["invocations"].as_i64().unwrap()))
        .collect();
    let expected = [("2026-03-01T10:00", 1), ("2026-03-01T11:00", 3), ("2026-03-01T11:30", 0)];
    assert_eq!(points, expected);
}

#[tokio::test]
async fn tables_tell_what_their_columns_mean() {
    let tables = few().await.tables().await.unwrap();
    for name in ["invocations", "logs", "metrics", "spans"] {
        let table = tables.iter().find(|table| table.name == name).unwrap_or_else(|| panic!("{name}"));
        assert!(table.columns.iter().all(|column| column.doc.contains(", ")), "{table:?}");
    }
    let invocations = tables.iter().find(|table| table.name == "invocations").unwrap();
    let cost = invocations.columns.iter().find(|column| column.name == "list_cost").unwrap();
    assert!(cost.doc.starts_with("decimal") && cost.doc.contains("exact"), "{}", cost.doc);
}

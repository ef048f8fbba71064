//! What a query sees of files and of rows in memory, and which files it leaves alone.

use std::sync::Arc;

use serde_json::json;

use super::tables::{Fixed, answer, attempt, config, failure, line, params, point, rows, span};
use crate::query::{Additions, Engine, Param, Params};
use crate::store::Table;

const BOUNDED: &[&str] = &["started_at", "function"];
const TIME: &str = "2026-03-01T10:00:00Z";

/// Two days in files, and a third in memory.
async fn three_days() -> Engine {
    let other = json!({"function": "other", "tags": {"team": "data"}});
    let first = [
        attempt("a", TIME, &json!({})),
        attempt("b", "2026-03-01T11:00:00Z", &json!({"list_cost": "0.00000000000000000000001"})),
    ];
    Fixed::empty()
        .with_file(Table::Invocations, "first.parquet", &first, BOUNDED)
        .await
        .with_file(Table::Invocations, "second.parquet", &[attempt("c", "2026-03-02T10:00:00Z", &other)], BOUNDED)
        .await
        .with_rows(Table::Invocations, &[attempt("d", "2026-03-03T10:00:00Z", &json!({"list_cost": null}))])
        .with_rows(Table::Invocations, &[attempt("e", "2026-03-03T11:00:00.000001Z", &other)])
        .engine()
}

async fn plan(engine: &Engine, sql: &str) -> String {
    rows(engine, &format!("EXPLAIN {sql}")).await.to_string()
}

#[tokio::test]
async fn files_and_rows_in_memory_are_one_table() {
    let engine = three_days().await;
    assert_eq!(rows(&engine, "SELECT count(*) AS n FROM invocations").await, json!([{"n": 5}]));
    let ids = "SELECT invocation_id AS id FROM invocations WHERE function = 'other' ORDER BY started_at";
    assert_eq!(rows(&engine, ids).await, json!([{"id": "c"}, {"id": "e"}]));
    let days = rows(&engine, "SELECT date, count(*) AS n FROM invocations GROUP BY date ORDER BY date").await;
    assert_eq!(
        days,
        json!([{"date": "2026-03-01", "n": 2}, {"date": "2026-03-02", "n": 1}, {"date": "2026-03-03", "n": 2}])
    );
    let bounds = rows(&engine, "SELECT min(started_at) AS a, max(started_at) AS z FROM invocations").await;
    assert_eq!(bounds, json!([{"a": "2026-03-01T10:00:00.000000Z", "z": "2026-03-03T11:00:00.000001Z"}]));
    let newest = "SELECT invocation_id AS id FROM invocations ORDER BY started_at DESC LIMIT 3";
    assert_eq!(rows(&engine, newest).await, json!([{"id": "e"}, {"id": "d"}, {"id": "c"}]));
    let all = engine.sql("SELECT * FROM invocations", &Params::new()).await.unwrap();
    assert_eq!((all.rows(), all.schema.fields().len()), (5, 46));
}

#[tokio::test]
async fn conditions_on_texts_are_asked_by_runs() {
    let engine = three_days().await;
    let sql = "SELECT invocation_id AS id FROM invocations WHERE version NOT IN ('0', '2') \
               AND function <> 'hello' AND date < '2026-03-03' AND started_at > '2026-03-01' ORDER BY id";
    let plan = plan(&engine, sql).await;
    for part in [
        "by runs(version@6 != 0 AND version@6 != 2)",
        "by runs(function@5 != hello)",
        "(function_min@4 != hello OR hello != function_max@5)",
    ] {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    assert_eq!(rows(&engine, sql).await, json!([{"id": "c"}]));
    let none = "SELECT invocation_id AS id FROM invocations WHERE trace_id IS NULL AND trace_id = 'x'";
    assert_eq!(rows(&engine, none).await, json!([]));
}

#[tokio::test]
async fn a_plan_may_rest_on_what_a_text_equals() {
    let files = Fixed::empty()
        .with_file(Table::Invocations, "one.parquet", &[attempt("a", TIME, &json!({}))], BOUNDED)
        .await
        .with_file(Table::Invocations, "two.parquet", &[attempt("b", "2026-03-02T10:00:00Z", &json!({}))], BOUNDED)
        .await;
    let sql = "SELECT invocation_id AS id, lag(invocation_id) OVER calls AS before FROM invocations \
               WHERE function = 'hello' AND version NOT IN ('0', '2') \
               WINDOW calls AS (PARTITION BY function, tenant ORDER BY started_at) ORDER BY id";
    let expected = json!([{"id": "a", "before": null}, {"id": "b", "before": "a"}]);
    assert_eq!(rows(&files.engine(), sql).await, expected);
}

#[tokio::test]
async fn empty_tables_are_read_too() {
    let engine = Fixed::empty().engine();
    assert_eq!(rows(&engine, "SELECT count(*) AS n FROM spans").await, json!([{"n": 0}]));
    assert_eq!(rows(&engine, "SELECT name FROM metrics").await, json!([]));
}

#[tokio::test]
async fn sums_of_money_keep_every_digit() {
    let sum = "SELECT sum(list_cost) AS cost, count(list_cost) AS priced FROM invocations";
    assert_eq!(rows(&three_days().await, sum).await, json!([{"cost": "0.00000061250000250000001", "priced": 4}]));
}

#[tokio::test]
async fn maps_are_looked_into() {
    let teams = "SELECT tags['team'] AS team, count(*) AS n FROM invocations GROUP BY 1 ORDER BY 1";
    let expected = json!([{"team": "data", "n": 2}, {"team": "shop", "n": 3}]);
    assert_eq!(rows(&three_days().await, teams).await, expected);
}

#[tokio::test]
async fn files_outside_the_filter_are_left_alone() {
    let engine = three_days().await;
    let cases = [
        ("date = '2026-03-02'", false, true),
        ("date >= DATE '2026-03-03'", false, false),
        ("started_at >= '2026-03-02T00:00:00Z' AND started_at < '2026-03-03T00:00:00Z'", false, true),
        ("started_at < TIMESTAMP '2026-03-01T10:30:00Z'", true, false),
        ("function = 'hello'", true, false),
        ("function IN ('other', 'none')", false, true),
        ("function = 'other' OR date = '2026-03-01'", true, true),
        ("outcome = 'ok'", true, true),
        ("extract(day FROM date) = 2", false, true),
        ("date > DATE '2026-03-01' AND function <> 'none'", false, true),
    ];
    for (filter, first, second) in cases {
        let plan = plan(&engine, &format!("SELECT invocation_id FROM invocations WHERE {filter}")).await;
        assert_eq!(plan.contains("first.parquet"), first, "{filter}: {plan}");
        assert_eq!(plan.contains("second.parquet"), second, "{filter}: {plan}");
    }
}

#[tokio::test]
async fn filters_on_the_day_are_exact() {
    let engine = three_days().await;
    let cases = [
        ("date = '2026-03-03'", 2),
        ("date <> '2026-03-03'", 3),
        ("extract(day FROM date) IN (1, 3)", 4),
        ("date IS NULL", 0),
        ("date >= '2026-03-02' AND function = 'other'", 2),
        ("date = '2026-03-02' OR function = 'hello'", 4),
        ("NOT (date < '2026-03-02')", 3),
    ];
    for (filter, n) in cases {
        let count = format!("SELECT count(*) AS n FROM invocations WHERE {filter}");
        assert_eq!(rows(&engine, &count).await, json!([{"n": n}]), "{filter}");
        let all = engine.sql(&format!("SELECT invocation_id FROM invocations WHERE {filter}"), &Params::new()).await;
        assert_eq!(all.unwrap().rows(), n, "{filter}");
    }
    let some = "SELECT count(*) AS n FROM (SELECT body FROM (SELECT invocation_id AS body, date FROM invocations) \
                WHERE date >= '2026-03-02' LIMIT 2)";
    assert_eq!(rows(&engine, some).await, json!([{"n": 2}]));
}

#[tokio::test]
async fn filters_reach_the_parquet_reader() {
    let engine = three_days().await;
    let plan = plan(&engine, "SELECT invocation_id FROM invocations WHERE version = '1' AND function LIKE 'h%'").await;
    assert!(plan.contains("predicate=version"), "{plan}");
    let found = "SELECT count(*) AS n FROM invocations \
                 WHERE version = '1' AND function LIKE 'h%' AND tags['team'] = 'shop'";
    assert_eq!(rows(&engine, found).await, json!([{"n": 3}]));
}

#[tokio::test]
async fn each_table_is_looked_at_once_for_each_query() {
    let tables = Arc::new(Fixed::empty().with_rows(Table::Logs, &[line(TIME, TIME, "a")]));
    let engine = Engine::over(config(), Arc::clone(&tables) as _, Additions::default()).unwrap();
    rows(&engine, "SELECT (SELECT count(*) FROM logs) - (SELECT count(*) FROM logs) AS none").await;
    assert_eq!(tables.looks(), 4);
}

#[tokio::test]
async fn one_query_sees_one_view() {
    let engine = Fixed::empty()
        .with_rows(Table::Logs, &[line(TIME, TIME, "x")])
        .with_rows(Table::Spans, &[span("s", TIME, &json!({}))])
        .with_rows(Table::Metrics, &[point(TIME)])
        .growing()
        .engine();
    let counts = "WITH a AS (SELECT count(*) AS n FROM logs), b AS (SELECT count(body) AS n FROM logs) \
                  SELECT a.n AS a, b.n AS b, (SELECT count(*) FROM metrics) AS m FROM a CROSS JOIN b";
    assert_eq!(rows(&engine, counts).await, json!([{"a": 2, "b": 2, "m": 2}]));
    assert_eq!(rows(&engine, counts).await, json!([{"a": 3, "b": 3, "m": 3}]));
}

#[tokio::test]
async fn parameters_prune_as_literals_do() {
    let sql = "EXPLAIN SELECT invocation_id FROM invocations WHERE started_at >= $from";
    let plan = three_days().await.sql(sql, &params([("from", "2026-03-02T00:00:00Z")])).await.unwrap();
    let plan = answer(&plan).to_string();
    assert!(!plan.contains("first.parquet") && plan.contains("second.parquet"), "{plan}");
}

#[tokio::test]
async fn values_of_parameters_stay_values() {
    let engine = three_days().await;
    let evil = "x'; DROP TABLE invocations; --";
    let given = params([("x", evil)]);
    let result = engine.sql("SELECT $x AS x FROM invocations LIMIT 1", &given).await.unwrap();
    assert_eq!(answer(&result), json!([{"x": evil}]));
    let result = engine.sql("SELECT count(*) AS n FROM invocations WHERE function = $x", &given).await.unwrap();
    assert_eq!(answer(&result), json!([{"n": 0}]));
}

#[tokio::test]
async fn parameters_are_read_as_the_type_that_is_wanted() {
    let engine = three_days().await;
    let mut typed = params([("from", "2026-03-02"), ("memory", "128"), ("n", "2")]);
    typed.insert("cold".to_owned(), Param::Bool(false));
    typed.insert("status".to_owned(), Param::Int(200));
    typed.insert("share".to_owned(), Param::Float(0.5));
    let sql = "SELECT invocation_id AS id FROM invocations WHERE started_at >= $from AND memory_mb = $memory \
               AND cold = $cold AND http_status = $status AND $share < 1 ORDER BY started_at LIMIT $n";
    let result = engine.sql(sql, &typed).await.unwrap();
    assert_eq!(answer(&result), json!([{"id": "c"}, {"id": "d"}]));
    let sql = "SELECT percentile_cont($p) WITHIN GROUP (ORDER BY billed_ms) AS p, \
               date_bin(CAST($step AS INTERVAL), min(started_at)) AS t, $nothing AS nothing FROM invocations";
    let mut given = params([("step", "1 day")]);
    given.insert("p".to_owned(), Param::Float(0.5));
    given.insert("nothing".to_owned(), Param::Null);
    let result = engine.sql(sql, &given).await.unwrap();
    assert_eq!(answer(&result), json!([{"p": 2.0, "t": "2026-03-01T00:00:00.000000000Z", "nothing": null}]));
}

#[tokio::test]
async fn a_header_declares_parameters() {
    let engine = Fixed::empty().engine();
    let sql = "-- param at: timestamp = 2026-03-01T10:00:00Z; when\n-- param n: int, required\n\
               -- param z: decimal = 1.50\nSELECT $at AS at, $n + 1 AS n, $z AS z";
    let result = engine.sql(sql, &params([("n", "41")])).await.unwrap();
    assert_eq!(answer(&result), json!([{"at": "2026-03-01T10:00:00.000000Z", "n": 42, "z": "1.5"}]));
    let error = engine.sql(sql, &params([("n", "many")])).await.unwrap_err();
    assert_eq!(error.to_string(), "the parameter $n is no bigint: 'many'");
    assert_eq!(failure(&engine, sql).await.to_string(), "the parameter $n is missing");
}

#[tokio::test]
async fn texts_of_files_memory_literals_and_functions_come_together() {
    let engine = three_days().await;
    let found =
        engine.sql("SELECT function, count(*) AS n FROM invocations GROUP BY 1 ORDER BY 1", &Params::new()).await;
    let found = found.unwrap();
    assert_eq!(answer(&found), json!([{"function": "hello", "n": 3}, {"function": "other", "n": 2}]));
    assert_eq!(found.schema.field(0).data_type(), &arrow::datatypes::DataType::Utf8);
    let union = "SELECT kind, name FROM (
        SELECT 'function' AS kind, function AS name FROM invocations
        UNION ALL SELECT 'version', version FROM invocations
        UNION ALL SELECT invocation_id, upper(tags['team']) FROM invocations
    ) AS texts WHERE name IN ('other', 'DATA') GROUP BY kind, name ORDER BY kind";
    let texts = [("c", "DATA"), ("e", "DATA"), ("function", "other")];
    assert_eq!(rows(&engine, union).await, json!(texts.map(|(kind, name)| json!({"kind": kind, "name": name}))));
}

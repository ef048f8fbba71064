//! The rollup as it is made of rows: each measure by its definition, and which of them `rollup` is.

use serde_json::{Value, json};

use super::tables::{Fixed, answer, attempt, failure, params, rows};
use crate::query::{Engine, Param, Params};
use crate::store::Table;

async fn few() -> Engine {
    let cold =
        json!({"cold": true, "init_ns": 4_000_000, "load_ns": 7, "billed_ms": 6, "attempt": 2, "egress_bytes": 9});
    let error = json!({"outcome": "error", "error_type": "Trap", "error_message": "order 17 is gone",
        "list_cost": "0.00000020000000000000001", "peak_memory_bytes": 2_000_000});
    let again = json!({"outcome": "error", "error_type": "Trap", "error_message": "order 4 is gone", "tags": {}});
    let throttled = json!({"outcome": "throttled", "throttle_reason": "rate", "list_cost": "0", "billed_ms": 0,
        "duration_ns": 0, "queue_ns": 5});
    let platform = json!({"outcome": "platform_error", "list_cost": "0", "billed_ms": 0, "duration_ns": 99});
    let unpriced = json!({"list_cost": null, "init_type": "provisioned"});
    let in_file = [
        attempt("before", "2026-03-01T09:59:59.999999Z", &json!({})),
        attempt("a", "2026-03-01T10:00:00Z", &cold),
        attempt("b", "2026-03-01T10:00:59.999999Z", &json!({})),
        attempt("c", "2026-03-01T10:01:00Z", &error),
    ];
    let in_memory = [
        attempt("d", "2026-03-01T10:01:30Z", &throttled),
        attempt("e", "2026-03-01T10:01:30Z", &platform),
        attempt("f", "2026-03-01T11:30:00Z", &unpriced),
        attempt("g", "2026-03-01T11:30:01Z", &again),
    ];
    Fixed::empty()
        .with_file(Table::Invocations, "i.parquet", &in_file, &["started_at"])
        .await
        .with_rows(Table::Invocations, &in_memory)
        .engine()
}

/// The sum of each column by bucket.
async fn sums(engine: &Engine, table: &str, columns: &[&str]) -> Value {
    let sums: Vec<String> = columns.iter().map(|column| format!("sum({column}) AS {column}")).collect();
    rows(engine, &format!("SELECT bucket, {} FROM {table} GROUP BY 1 ORDER BY 1", sums.join(", "))).await
}

#[tokio::test]
async fn rollups_can_be_put_together() {
    let engine = few().await;
    let sql = "SELECT function, min(bucket) AS first, sum(n) AS n FROM (\
        SELECT bucket, function, invocations AS n FROM rollup_minute WHERE bucket >= '2026-03-01T10:01:00Z' \
        UNION ALL SELECT bucket, function, invocations AS n FROM rollup_hour WHERE bucket < '2026-03-01T10:00:00Z' \
        UNION ALL SELECT started_at, function, 1 FROM invocations WHERE started_at < '1970-01-01T00:00:00Z') GROUP BY function";
    let expected = json!([{"function": "hello", "first": "2026-03-01T09:00:00.000000Z", "n": 4}]);
    assert_eq!(rows(&engine, sql).await, expected);
}

#[tokio::test]
async fn measures_follow_their_definitions() {
    let engine = few().await;
    let counts = ["invocations", "errors", "throttled", "throttled_rate", "platform_errors", "cold", "retries"];
    let by_minute = json!([
        {"bucket": "2026-03-01T09:59:00.000000Z", "invocations": 1, "errors": 0, "throttled": 0, "throttled_rate": 0, "platform_errors": 0, "cold": 0, "retries": 0},
        {"bucket": "2026-03-01T10:00:00.000000Z", "invocations": 2, "errors": 0, "throttled": 0, "throttled_rate": 0, "platform_errors": 0, "cold": 1, "retries": 1},
        {"bucket": "2026-03-01T10:01:00.000000Z", "invocations": 1, "errors": 1, "throttled": 1, "throttled_rate": 1, "platform_errors": 1, "cold": 0, "retries": 0},
        {"bucket": "2026-03-01T11:30:00.000000Z", "invocations": 2, "errors": 1, "throttled": 0, "throttled_rate": 0, "platform_errors": 0, "cold": 0, "retries": 0},
    ]);
    assert_eq!(sums(&engine, "rollup_minute", &counts).await, by_minute);
    let by_hour = ["billed_ms", "billed_mb_ms", "duration_ns", "queue_ns", "busy_ns", "cold_load_ns", "cold_init_ns"];
    assert_eq!(
        sums(&engine, "rollup_hour", &by_hour).await,
        json!([
            {"bucket": "2026-03-01T09:00:00.000000Z", "billed_ms": 2, "billed_mb_ms": "256", "duration_ns": 1_500_000, "queue_ns": 1_000, "busy_ns": 1_520_000, "cold_load_ns": 0, "cold_init_ns": 0},
            {"bucket": "2026-03-01T10:00:00.000000Z", "billed_ms": 10, "billed_mb_ms": "1280", "duration_ns": 4_500_000, "queue_ns": 3_000, "busy_ns": 8_560_007, "cold_load_ns": 7, "cold_init_ns": 4_000_000},
            {"bucket": "2026-03-01T11:00:00.000000Z", "billed_ms": 4, "billed_mb_ms": "512", "duration_ns": 3_000_000, "queue_ns": 2_000, "busy_ns": 3_040_000, "cold_load_ns": 0, "cold_init_ns": 0},
        ])
    );
    let money = ["list_cost", "error_cost", "retry_cost", "unpriced", "provisioned", "egress_bytes"];
    let hour = &sums(&engine, "rollup_hour", &money).await[1];
    assert_eq!(hour["list_cost"], "0.00000060833333500000001");
    assert_eq!(hour["error_cost"], "0.00000020000000000000001");
    assert_eq!(hour["retry_cost"], "0.0000002041666675");
    assert_eq!((&hour["unpriced"], &hour["egress_bytes"]), (&json!(0), &json!(9)));
    let last = &sums(&engine, "rollup_hour", &money).await[2];
    assert_eq!((&last["unpriced"], &last["provisioned"]), (&json!(1), &json!(1)));
    let most = rows(&engine, "SELECT max(peak_memory_bytes) AS m, max(concurrency) AS c FROM rollup_minute").await;
    assert_eq!(most, json!([{"m": 2_000_000, "c": null}]));
}

#[tokio::test]
async fn sketches_are_of_what_ran() {
    let engine = few().await;
    let sql = "SELECT sketch_quantile(duration_sketch, 0.5) AS p50, sketch_quantile(init_sketch, 1) AS init,
        sketch_quantile(cold_sketch, 0) AS felt FROM rollup_minute WHERE bucket >= '2026-03-01T10:00:00Z'";
    let felt = 1_000 + 7 + 20_000 + 4_000_000 + 1_500_000;
    let expected = json!([{"p50": 1_500_000.0, "init": 4_000_000.0, "felt": f64::from(felt)}]);
    assert_eq!(rows(&engine, sql).await, expected);
    let none = "SELECT sketch_quantile(init_sketch, 0.5) AS p FROM rollup_minute WHERE bucket > '2026-03-01T11:00:00Z'";
    assert_eq!(rows(&engine, none).await, json!([{"p": null}]));
}

#[tokio::test]
async fn errors_are_grouped_by_what_they_have_in_common() {
    let engine = few().await;
    let sql = "SELECT fingerprint, min(message) AS message, sum(count) AS n, min(first_seen) AS first,
        last_value(sample_invocation_id ORDER BY last_seen) AS sample, sum(list_cost) AS cost
        FROM error_groups GROUP BY fingerprint, currency ORDER BY n DESC";
    let groups = rows(&engine, sql).await;
    let first = &groups[0];
    assert_eq!(
        (&first["message"], &first["n"], &first["sample"]),
        (&json!("order <n> is gone"), &json!(2), &json!("g"))
    );
    assert_eq!(
        (&first["first"], &first["cost"]),
        (&json!("2026-03-01T10:01:00.000000Z"), &json!("0.00000040416666750000001"))
    );
    assert_eq!(groups[1]["n"], 1, "platform errors are groups of their own");
    assert_eq!(groups.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn rollup_is_as_fine_as_the_query_at_hand_needs() {
    let engine = few().await;
    let sql = "-- param from: timestamp, required\n-- param to: timestamp, required\n-- param step: int = 60\n
        SELECT bucket, sum(invocations) AS n FROM rollup WHERE bucket >= $from AND bucket < $to GROUP BY 1 ORDER BY 1";
    let ask = async |from: &str, to: &str, step: i64| {
        let mut given = params([("from", from), ("to", to)]);
        given.insert("step".to_owned(), Param::Int(step));
        answer(&engine.sql(sql, &given).await.unwrap())
    };
    let hours = ask("2026-03-01T09:00:00Z", "2026-03-01T11:00:00Z", 3_600).await;
    assert_eq!(
        hours,
        json!([{"bucket": "2026-03-01T09:00:00.000000Z", "n": 1}, {"bucket": "2026-03-01T10:00:00.000000Z", "n": 3}])
    );
    let minutes = ask("2026-03-01T10:00:00Z", "2026-03-01T10:01:00Z", 300).await;
    assert_eq!(minutes, json!([{"bucket": "2026-03-01T10:00:00.000000Z", "n": 2}]));
    // Not on whole minutes: the rows within, and the first bucket begins with the range.
    let seconds = ask("2026-03-01T09:59:59.999999Z", "2026-03-01T10:00:59.999999Z", 10).await;
    let expected =
        json!([{"bucket": "2026-03-01T09:59:59.999999Z", "n": 1}, {"bucket": "2026-03-01T10:00:00.000000Z", "n": 1}]);
    assert_eq!(seconds, expected);
    let all = "SELECT sum(invocations) AS n, count(DISTINCT bucket) AS b FROM Rollup";
    assert_eq!(rows(&engine, all).await, json!([{"n": 6, "b": 4}]));
    let wrong = Params::from([("from", "x"), ("to", "y")].map(|(k, v)| (k.to_owned(), Param::Text(v.to_owned()))));
    let told = engine.sql("SELECT count(*) FROM rollup WHERE tenant IN ($from, $to)", &wrong).await;
    assert!(told.is_ok(), "without a step nothing is read from the parameters: {told:?}");
}

#[tokio::test]
async fn tags_are_a_dimension() {
    let engine = few().await;
    let sql = "SELECT tags['team'] AS team, sum(invocations) AS n FROM rollup_minute GROUP BY 1 ORDER BY 2";
    assert_eq!(rows(&engine, sql).await, json!([{"team": null, "n": 1}, {"team": "shop", "n": 5}]));
    let sql = "SELECT tags, sum(invocations) AS n FROM rollup_minute GROUP BY tags ORDER BY 2";
    assert_eq!(rows(&engine, sql).await, json!([{"tags": {}, "n": 1}, {"tags": {"team": "shop"}, "n": 5}]));
}

#[tokio::test]
async fn rollups_are_listed_with_the_tables() {
    let engine = few().await;
    let tables = rows(&engine, "SHOW TABLES").await.to_string();
    assert!(["rollup_minute", "rollup_hour", "error_groups"].iter().all(|name| tables.contains(name)), "{tables}");
    let error = failure(&engine, "SELECT nothing FROM rollup_hour").await.to_string();
    assert!(error.starts_with("column 'nothing' not found; there are bucket, tenant"), "{error}");
}

//! The functions of sketches in SQL.

use serde_json::json;

use super::tables::{Fixed, attempt, failure, rows};
use crate::query::Engine;
use crate::store::Table;

/// Durations from 1 to 1,000 ms, of ten functions, in a file and in memory.
async fn spread() -> Engine {
    let row = |n: i64| {
        let other = json!({"duration_ns": n * 1_000_000, "function": format!("f{}", n % 10)});
        attempt(&format!("i{n}"), "2026-03-01T10:00:00Z", &other)
    };
    let (file, memory): (Vec<_>, Vec<_>) =
        (1..=1_000).map(row).partition(|row| row["duration_ns"].as_i64() < Some(400_000_000));
    Fixed::empty()
        .with_file(Table::Invocations, "i.parquet", &file, &["started_at"])
        .await
        .with_rows(Table::Invocations, &memory)
        .engine()
}

#[tokio::test]
async fn quantiles_are_within_one_per_cent_of_the_exact_ones() {
    let engine = spread().await;
    for (q, exact_ms) in [(0.5, 500.0), (0.9, 900.0), (0.99, 990.0)] {
        let sql = format!("SELECT sketch_value(sketch(duration_ns / 1e6), {q}) AS found FROM invocations");
        let found = rows(&engine, &sql).await[0]["found"].as_f64().unwrap();
        assert!((found - exact_ms).abs() <= exact_ms * 0.01, "{found} for {exact_ms}");
    }
    let ends = "SELECT sketch_value(s, 0) AS least, sketch_value(s, 1) AS most FROM (SELECT sketch(duration_ns) AS s FROM invocations)";
    assert_eq!(rows(&engine, ends).await, json!([{"least": 1e6, "most": 1e9}]));
}

#[tokio::test]
async fn merged_sketches_are_the_sketch_of_all() {
    let engine = spread().await;
    let sql = "WITH parts AS (SELECT function, cold, sketch(duration_ns) AS s FROM invocations GROUP BY function, cold)
        SELECT sketch_merge(s) = (SELECT sketch(duration_ns) FROM invocations) AS same,
            sketch_quantile(s, 0.95) = (SELECT sketch_value(sketch(duration_ns), 0.95) FROM invocations) AS quantile,
            sketch_merge(s) FILTER (WHERE function = 'f1')
                = (SELECT sketch(duration_ns) FILTER (WHERE function = 'f1') FROM invocations) AS filtered
        FROM parts";
    assert_eq!(rows(&engine, sql).await, json!([{"same": true, "quantile": true, "filtered": true}]));
    let by_function = "SELECT count(*) AS n, sum(CAST(a = b AS INT)) AS same FROM (
        SELECT function, sketch_quantile(sketch_of_value(duration_ns), 0.5) AS a,
            sketch_value(sketch(duration_ns), 0.5) AS b FROM invocations GROUP BY function)";
    assert_eq!(rows(&engine, by_function).await, json!([{"n": 10, "same": 10}]));
}

#[tokio::test]
async fn histograms_count_each_value_once() {
    let engine = spread().await;
    let sql = "WITH h AS (SELECT unnest(sketch_histogram(sketch(duration_ns / 1e6))) AS bin FROM invocations)
        SELECT sum(bin['count']) AS n, count(*) > 100 AS many, min(bin['low']) <= 1 AS low, max(bin['high']) >= 1000 AS high FROM h";
    assert_eq!(rows(&engine, sql).await, json!([{"n": 1_000, "many": true, "low": true, "high": true}]));
    let sql = "WITH h AS (SELECT unnest(sketch_histogram(sketch(duration_ns / 1e6), 1)) AS bin FROM invocations)
        SELECT bin['low'] AS low, bin['high'] AS high, bin['count'] AS n FROM h ORDER BY 1";
    let bins = rows(&engine, sql).await;
    let counts: Vec<i64> = bins.as_array().unwrap().iter().map(|bin| bin["n"].as_i64().unwrap()).collect();
    assert_eq!(counts.iter().sum::<i64>(), 1_000);
    assert!(counts.len() <= 4 && bins[1]["low"] == 10.0 && bins[1]["high"] == 100.0, "{bins}");
    assert!((88..=92).contains(&counts[1]), "{bins}");
}

#[tokio::test]
async fn nothing_is_null() {
    let engine = Fixed::empty().engine();
    let sql = "SELECT sketch(duration_ns) AS a, sketch_quantile(sketch_of_value(duration_ns), 0.5) AS b,
        sketch_value(sketch(duration_ns), 0.5) AS c, sketch_histogram(sketch(duration_ns)) AS d FROM invocations";
    assert_eq!(rows(&engine, sql).await, json!([{"a": null, "b": null, "c": null, "d": null}]));
    let none = "SELECT sketch_of_value(NULL) AS a, sketch_value(NULL, 0.5) AS b";
    assert_eq!(rows(&engine, none).await, json!([{"a": null, "b": null}]));
}

#[tokio::test]
async fn mistakes_are_named() {
    let engine = spread().await;
    for (sql, message) in [
        ("SELECT sketch(function) FROM invocations", "sketch takes a number, and not text"),
        ("SELECT sketch_merge(1)", "sketch_merge takes a sketch (binary), and not bigint"),
        (
            "SELECT sketch_quantile(sketch_of_value(1), 1.5)",
            "sketch_quantile takes a quantile between 0 and 1, and not 1.5",
        ),
        ("SELECT sketch_value(X'0000', 0.5)", "0x00 is no part of a sketch"),
        ("SELECT sketch_merge(X'A0')", "a sketch of 1 bytes ends too early"),
        (
            "SELECT sketch_quantile(sketch_of_value(duration_ns), duration_ns) FROM invocations",
            "sketch_quantile takes a constant between 0 and 1 as its second argument",
        ),
        (
            "SELECT sketch_histogram(sketch_of_value(1), 0.5)",
            "sketch_histogram takes a whole number of bins per decade from 1 to 100, and not 0.5",
        ),
    ] {
        let error = failure(&engine, sql).await.to_string();
        assert!(error.contains(message), "{sql}: {error}");
    }
}

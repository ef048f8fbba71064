//! Limits on rows, bytes, memory, time, places and the size of a statement.

use std::time::Duration;

use serde_json::json;

use super::tables::{Fixed, config, failure, rows};
use crate::query::{Config, Error, MAX_SQL_BYTES, Params};

const FOREVER: &str = "SELECT count(*) FROM generate_series(1, 1000000) a CROSS JOIN generate_series(1, 1000000) b \
                       WHERE a.value % 7 = b.value % 11";

async fn is_limit(config: Config, sql: &str, message: &str) {
    let error = failure(&Fixed::empty().engine_with(config), sql).await;
    assert!(matches!(error, Error::Limit(_)), "{error:?}");
    assert!(error.to_string().starts_with(message), "{error}");
}

#[tokio::test]
async fn rows_are_limited_and_never_cut_off() {
    let few = Config { max_rows: 10_000, ..config() };
    let message = "the query returns more than 10000 rows: add LIMIT, or group the rows";
    is_limit(few.clone(), "SELECT * FROM range(0, 10001)", message).await;
    let engine = Fixed::empty().engine_with(few);
    let result = engine.sql("SELECT * FROM range(0, 10000)", &Params::new()).await.unwrap();
    assert_eq!(result.rows(), 10_000);
}

#[tokio::test]
async fn bytes_of_a_result_are_limited() {
    let small = Config { memory_bytes: 64 << 20, ..config() };
    let message = "the query returns more than 33554432 bytes: ask for fewer rows or columns";
    is_limit(small, "SELECT concat(repeat('x', 100), value) AS x FROM range(0, 1000000)", message).await;
}

#[tokio::test]
async fn memory_is_limited() {
    let small = Config { memory_bytes: 8 << 20, ..config() };
    let message = "the query needs more memory than is left of the 8388608 bytes that queries may use together: ask";
    is_limit(small.clone(), "SELECT count(DISTINCT value * 7 % 1000003) FROM range(0, 2000000)", message).await;
    is_limit(small.clone(), "SELECT value FROM range(0, 10000000) ORDER BY value % 1000 LIMIT 5000000", message).await;
    let joined = "SELECT count(*) FROM range(0, 5000000) a JOIN range(0, 5000000) b USING (value)";
    is_limit(small, joined, message).await;
}

#[tokio::test]
async fn what_functions_make_is_limited() {
    let message = "the query needs more memory than is left of the";
    let much = [
        "SELECT repeat('x', 2000000000)",
        "SELECT repeat(concat('x', value), 100000) FROM range(0, 8000)",
        "SELECT lpad('x', 2147483647)",
        "SELECT rpad('x', 100000000, 'ab')",
        "SELECT array_repeat(1, 1000000000)",
        "SELECT list_repeat(repeat('x', 1000000), 1000)",
        "SELECT array_resize([1], 1000000000)",
        "SELECT range(0, 1000000000)",
        "SELECT range(1000000000)",
        "SELECT generate_series(TIMESTAMP '2000-01-01', TIMESTAMP '2026-01-01', INTERVAL '1 microsecond')",
    ];
    for sql in much {
        is_limit(config(), sql, message).await;
    }
    let little = "SELECT repeat('ab', 2) AS a, lpad('7', 3, '0') AS b, array_repeat(1, 2) AS c, range(3) AS d, \
                  generate_series(DATE '2026-01-30', DATE '2026-03-01', INTERVAL '1 month') AS e, repeat(NULL, 3) AS f, \
                  array_resize([1], 2) AS g, range(0, 10, 5) AS h";
    let expected = json!([{"a": "abab", "b": "007", "c": [1, 1], "d": [0, 1, 2],
        "e": ["2026-01-30", "2026-02-28"], "f": null, "g": [1, null], "h": [0, 5]}]);
    assert_eq!(rows(&Fixed::empty().engine(), little).await, expected);
}

#[tokio::test]
async fn time_is_limited_and_the_place_is_free_again() {
    let hasty = Config { timeout: Duration::from_millis(500), concurrency: 1, ..config() };
    let engine = Fixed::empty().engine_with(hasty);
    let message = "the query ran for longer than 0.5 s and was ended: ask for a shorter time or fewer columns";
    for _ in 0..3 {
        assert_eq!(failure(&engine, FOREVER).await, Error::Limit(message.to_owned()));
        assert_eq!(rows(&engine, "SELECT 1 AS x").await, json!([{"x": 1}]));
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_its_query() {
    let engine = Fixed::empty().engine_with(Config { concurrency: 1, ..config() });
    for _ in 0..3 {
        let gone = tokio::time::timeout(Duration::from_millis(100), engine.sql(FOREVER, &Params::new())).await;
        assert!(gone.is_err());
    }
    let next = tokio::time::timeout(Duration::from_secs(20), rows(&engine, "SELECT 1 AS x")).await;
    assert_eq!(next.unwrap(), json!([{"x": 1}]));
}

#[tokio::test]
async fn joins_that_find_nothing_are_ended_too() {
    let hasty = Config { timeout: Duration::from_secs(2), concurrency: 1, ..config() };
    let engine = Fixed::empty().engine_with(hasty);
    let sql = "SELECT count(*) FROM range(0, 5000000) a JOIN range(0, 5000000) b ON a.value + b.value < 0";
    assert!(matches!(failure(&engine, sql).await, Error::Limit(_)));
    assert_eq!(rows(&engine, "SELECT 1 AS x").await, json!([{"x": 1}]));
}

#[tokio::test]
async fn the_text_is_limited() {
    let long = format!("SELECT 1 -- {}", "x".repeat(MAX_SQL_BYTES));
    is_limit(config(), &long, "the SQL is 100012 bytes long: at most 100000 are allowed").await;
    let sum = format!("SELECT 1{}", "+ 1".repeat(6_000));
    let message =
        "the statement has 6001 words and operators (values and commas not counted): at most 5000 are allowed";
    is_limit(config(), &sum, message).await;
    let sum = format!("SELECT 1{}", "+ 1".repeat(1_001));
    is_limit(config(), &sum, "the statement has 1001 operators: at most 1000 are allowed").await;
    let union = format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(500));
    is_limit(config(), &union, "the statement has more than 500 SELECTs").await;
    let join = format!("SELECT 1 FROM logs{}", ", logs".repeat(200));
    is_limit(config(), &join, "the statement names more than 100 tables").await;
    let list = format!("SELECT count(*) AS n FROM range(0, 9) WHERE value IN (1{})", ", -2, 2".repeat(9_000));
    assert_eq!(rows(&Fixed::empty().engine(), &list).await, json!([{"n": 2}]));
}

#[tokio::test]
async fn nesting_is_limited() {
    let engine = Fixed::empty().engine();
    let error = failure(&engine, &format!("SELECT {}1{}", "(".repeat(99), ")".repeat(99))).await;
    assert_eq!(error.to_string(), "the statement is nested too deeply: at most 50 levels are allowed");
    let deep = [
        format!("SELECT {}1{}", "(".repeat(2_000), ")".repeat(2_000)),
        format!("SELECT {}1{}", "abs(".repeat(1_000), ")".repeat(1_000)),
        format!("{}SELECT 1{}", "SELECT * FROM (".repeat(500), ")".repeat(500)),
        format!("SELECT {}true", "NOT ".repeat(4_000)),
        format!("SELECT {}1", "- ".repeat(900)),
        format!("SELECT {}1{}", "CASE WHEN true THEN ".repeat(400), " END".repeat(400)),
    ];
    for sql in deep {
        let error = failure(&engine, &sql).await;
        assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    }
}

/// Chains nest without parentheses; none may break the stack, whether it is answered or refused.
#[tokio::test]
async fn long_chains_do_no_harm() {
    let engine = Fixed::empty().engine_with(Config { timeout: Duration::from_secs(20), ..config() });
    let chains = [
        format!("SELECT 1{}", " + 1".repeat(999)),
        format!("SELECT value{} FROM range(0, 3)", " + value".repeat(999)),
        format!("SELECT 1 FROM range(0, 3) WHERE value = 1{}", " OR value = 2".repeat(1_600)),
        format!("SELECT 1{}", "::bigint".repeat(999)),
        format!("SELECT true{}", " IS NULL".repeat(2_400)),
        format!("SELECT 'a'{}", " || 'b'".repeat(999)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(499)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(200)),
        format!("SELECT [1]{}", "[1]".repeat(999)),
        format!("SELECT now(){}", " AT TIME ZONE 'UTC'".repeat(1_200)),
        format!("SELECT 1 FROM (SELECT 1) t{}", " CROSS JOIN (SELECT 1) t".repeat(30)),
        format!("SELECT a{} FROM logs a", ".a".repeat(2_400)),
    ];
    for sql in chains {
        if let Err(error) = engine.sql(&sql, &Params::new()).await {
            assert!(!matches!(error, Error::Internal(_) | Error::Busy(_)), "{error}: {}", &sql[..40]);
        }
    }
    assert_eq!(rows(&engine, "SELECT 1 AS x").await, json!([{"x": 1}]));
}

#[tokio::test]
async fn the_queue_is_bounded() {
    let engine = Fixed::empty().engine_with(Config { concurrency: 1, timeout: Duration::from_secs(2), ..config() });
    let params = Params::new();
    let waiting = (0..80).map(|_| engine.sql(FOREVER, &params));
    let ended = futures::future::join_all(waiting).await;
    let busy = ended.iter().filter(|ended| matches!(ended, Err(Error::Busy(_)))).count();
    assert!(ended.iter().all(Result::is_err));
    assert!(busy >= 80 - 64 - 1, "{busy}");
}

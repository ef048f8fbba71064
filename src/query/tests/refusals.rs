//! What is refused, and in which words.

use serde_json::json;

use super::tables::{Fixed, failure, params, rows};
use crate::query::{Error, Params};

#[tokio::test]
async fn what_does_more_than_read_is_forbidden() {
    let engine = Fixed::empty().engine();
    let statements = [
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/etc'",
        "CREATE DATABASE d",
        "CREATE FUNCTION f(BIGINT) RETURNS BIGINT RETURN $1",
        "DROP TABLE logs",
        "ALTER TABLE logs ADD COLUMN x INT",
        "INSERT INTO logs SELECT * FROM logs",
        "UPDATE logs SET body = ''",
        "DELETE FROM logs",
        "TRUNCATE TABLE logs",
        "MERGE INTO logs USING spans ON true WHEN MATCHED THEN DELETE",
        "COPY (SELECT 1) TO '/tmp/x.parquet'",
        "COPY logs TO '/tmp/x.csv'",
        "SET datafusion.execution.batch_size = 1",
        "RESET datafusion.execution.batch_size",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "DEALLOCATE p",
        "BEGIN",
        "COMMIT",
        "USE other",
        "SHOW ALL",
        "EXPLAIN INSERT INTO logs SELECT * FROM logs",
        "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
        "EXPLAIN COPY logs TO '/tmp/x.csv'",
        "WITH x AS (SELECT 1) INSERT INTO logs SELECT * FROM x",
        "SELECT * INTO t FROM logs",
        "ATTACH 'x.db'",
        "PRAGMA x",
        "LOAD parquet",
        "VACUUM logs",
    ];
    for sql in statements {
        let error = failure(&engine, sql).await;
        assert!(matches!(error, Error::Forbidden(_)), "{sql}: {error:?}");
    }
    assert_eq!(
        failure(&engine, "drop table logs").await.to_string(),
        "DROP is not allowed: queries only read: write SELECT, WITH, VALUES, EXPLAIN, SHOW TABLES, SHOW COLUMNS or DESCRIBE"
    );
    assert_eq!(rows(&engine, "SELECT count(*) AS n FROM logs").await, json!([{"n": 0}]));
}

#[tokio::test]
async fn files_and_other_sources_are_forbidden() {
    let engine = Fixed::empty().engine();
    let statements = [
        "SELECT * FROM 'x.parquet'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM 's3://bucket/x'",
        "SELECT * FROM 'file:///etc/passwd'",
        "SELECT * FROM 'faremeter-logs://store/x.parquet'",
        "SELECT * FROM read_csv('x.csv')",
        "SELECT * FROM read_parquet('x.parquet')",
        "SELECT * FROM (SELECT * FROM parquet_metadata('x')) t",
    ];
    for sql in statements {
        let error = failure(&engine, sql).await;
        assert!(matches!(error, Error::Forbidden(_)), "{sql}: {error:?}");
    }
}

#[tokio::test]
async fn reading_is_allowed_in_all_its_forms() {
    let engine = Fixed::empty().engine();
    let statements = [
        "SELECT 1",
        "select * from invocations;",
        "-- a comment\nSELECT 1 /* another */",
        "WITH a AS (SELECT 1 AS x) SELECT x FROM a",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT * FROM n",
        "VALUES (1, 'a'), (2, 'b')",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "EXPLAIN SELECT * FROM logs",
        "EXPLAIN ANALYZE SELECT * FROM logs",
        "SHOW TABLES",
        "SHOW COLUMNS FROM logs",
        "DESCRIBE logs",
        "SELECT * FROM faremeter.public.spans",
        "SELECT table_name FROM information_schema.tables",
        "SELECT * FROM generate_series(1, 3)",
        "SELECT * FROM range(1, 3)",
        "SELECT * FROM unnest([1, 2])",
        "SELECT unnest([1, 2])",
        "SELECT a.body, b.body FROM logs a JOIN logs b USING (trace_id)",
    ];
    for sql in statements {
        let answered = engine.sql(sql, &Params::new()).await;
        assert!(answered.is_ok(), "{sql}: {:?}", answered.err());
    }
}

#[tokio::test]
async fn mistakes_are_named() {
    let engine = Fixed::empty().engine();
    let mistakes = [
        ("", "one statement is wanted, and there are 0"),
        ("SELECT 1; SELECT 2", "one statement is wanted, and there are 2"),
        ("SELECT 1; DROP TABLE logs", "one statement is wanted, and there are 2"),
        ("SELEC 1", "this is not SQL: Expected: an SQL statement, found: SELEC at Line: 1, Column: 1"),
        ("SELECT 'x", "this is not SQL: Unterminated string literal at Line: 1, Column: 8"),
        (
            "SELECT * FROM nothing",
            "table 'nothing' not found; there are invocations, spans, logs, metrics, rollup, rollup_minute, rollup_hour, error_groups",
        ),
        (
            "SELECT * FROM other.logs",
            "table 'other.logs' not found; there are invocations, spans, logs, metrics, rollup, rollup_minute, rollup_hour, error_groups",
        ),
        ("SELECT foo FROM (SELECT tenant, body FROM logs)", "column 'foo' not found; there are tenant, body"),
        ("SELECT tenant FROM logs, spans", "column 'tenant' is in more than one table: write table.tenant"),
        ("SELECT nofn(1)", "Invalid function 'nofn'"),
        ("SELECT 1 / 0", "Divide by zero error"),
        ("SELECT CAST('x' AS INT)", "Cannot cast string 'x' to value of Int32 type"),
        ("SELECT ? + 1", "parameters have names: write $name instead of ?"),
        ("SELECT $x", "the parameter $x is missing"),
    ];
    for (sql, message) in mistakes {
        let error = failure(&engine, sql).await;
        assert!(matches!(error, Error::Invalid(_)), "{sql}: {error:?}");
        assert_eq!(error.to_string(), message, "{sql}");
    }
}

#[tokio::test]
async fn unknown_parameters_are_named() {
    let engine = Fixed::empty().engine();
    let error = engine.sql("SELECT $a, $b", &params([("a", "1"), ("c", "2")])).await.unwrap_err();
    assert_eq!(error.to_string(), "the query has no parameter 'c'; it has a, b");
    let error = engine.sql("SELECT 1", &params([("c", "2")])).await.unwrap_err();
    assert_eq!(error.to_string(), "the query has no parameter 'c'; it has none");
    let error = engine.named("nothing", &Params::new()).await.unwrap_err();
    assert!(
        error.to_string().starts_with("there is no query 'nothing'; there are billed_books, billed_by_function, "),
        "{error}"
    );
}

#[tokio::test]
async fn names_of_columns_are_unique_in_results() {
    let engine = Fixed::empty().engine();
    let sql = "SELECT * FROM (SELECT 1 AS x, 3 AS x_2) a CROSS JOIN (SELECT 2 AS x) b";
    assert_eq!(rows(&engine, sql).await, json!([{"x": 1, "x_2": 3, "x_3": 2}]));
}

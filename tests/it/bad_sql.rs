//! SQL that is wrong, or does more than read, or takes too much: a clear 4xx, and nothing happens.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::guest;
use crate::support::server::{Home, Server};

fn refused(server: &Server, sql: &str, params: &Value, part: &str) {
    let answer = server.query(sql, params);
    let detail = answer.problem(answer.status);
    assert!((400..500).contains(&answer.status), "{sql}: {answer:?}");
    assert!(detail.contains(part), "'{sql}' is refused with '{part}': {detail}");
}

#[test]
fn sql_that_is_wrong_is_refused() {
    let server = Server::shared();
    let cases = [
        ("", ""),
        ("   ", ""),
        ("-- nothing", ""),
        ("SELEC 1", "SELEC"),
        ("SELECT", ""),
        ("SELECT 'open", ""),
        ("SELECT * FROM no_such", "no_such"),
        ("SELECT * FROM other.schema.invocations", "other"),
        ("SELECT no_such FROM invocations", "no_such"),
        ("SELECT no_such(1)", "no_such"),
        ("SELECT function FROM invocations GROUP BY tenant", "function"),
        ("SELECT CAST('tea' AS INT)", "tea"),
        ("SELECT 1 / 0", ""),
        ("SELECT sum(function) FROM invocations", ""),
        ("SELECT 1; SELECT 2", ""),
        ("SELECT $who AS who", "who"),
    ];
    for (sql, part) in cases {
        refused(&server, sql, &json!({}), part);
    }
    refused(&server, "SELECT 1", &json!({"who": "Ada"}), "who");
    refused(&server, "SELECT $who", &json!({"who": {"first": "Ada"}}), "who");
    refused(&server, "SELECT $who", &json!({"who": [1]}), "who");
    let deep = format!("SELECT {}1{}", "(".repeat(3_000), ")".repeat(3_000));
    refused(&server, &deep, &json!({}), "");
    let long = format!("SELECT 1{}", " + 1".repeat(30_000));
    refused(&server, &long, &json!({}), "");
    let bound = server.query("SELECT $who AS who", &json!({"who": "'; DROP TABLE invocations --"}));
    assert_eq!(bound.json()["rows"][0]["who"], "'; DROP TABLE invocations --", "a parameter is no SQL");
}

#[test]
fn sql_that_does_more_than_read_is_refused() {
    let server = Server::shared();
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.csv").display().to_string();
    let copies = [format!("COPY invocations TO '{out}'"), format!("COPY (SELECT 1) TO '{out}' STORED AS CSV")];
    let others = [
        "CREATE TABLE t (a INT)",
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE SCHEMA s",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "DROP TABLE invocations",
        "ALTER TABLE invocations ADD COLUMN a INT",
        "TRUNCATE TABLE invocations",
        "INSERT INTO invocations SELECT * FROM invocations",
        "UPDATE invocations SET function = 'x'",
        "DELETE FROM invocations",
        "SET datafusion.execution.batch_size = 1",
        "RESET datafusion.execution.batch_size",
        "BEGIN",
        "PREPARE p AS SELECT 1",
        "EXPLAIN ANALYZE INSERT INTO invocations SELECT * FROM invocations",
        "EXPLAIN COPY invocations TO '/tmp/out.csv'",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM '/etc/passwd.csv'",
        "SELECT * FROM 'file:///etc/passwd'",
        "SELECT * FROM 'tables/invocations/part-0.parquet'",
        "SELECT * FROM \"invocations.parquet\"",
        "SELECT * FROM 'http://127.0.0.1:1/x.parquet'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM parquet_metadata('/etc/passwd')",
        "WITH t AS (SELECT * FROM '/etc/passwd') SELECT * FROM t",
        "SELECT (SELECT count(*) FROM '/etc/hosts.csv')",
    ];
    for sql in others.into_iter().chain(copies.iter().map(String::as_str)) {
        refused(&server, sql, &json!({}), "");
    }
    assert!(!std::fs::exists(&out).expect("the folder can be read"), "nothing was written");
    let tables = server.sql("SELECT table_name FROM information_schema.tables WHERE table_name IN ('t', 'v')");
    assert!(tables.is_empty(), "nothing was made: {tables:?}");
    for table in ["invocations", "spans", "logs", "metrics"] {
        server.count(&format!("SELECT count(*) AS n FROM {table}"));
    }
}

#[test]
fn sql_that_takes_too_much_is_ended_and_the_limit_is_named() {
    let home = Arc::new(Home::new().config("[query]\ntimeout = \"2s\"\nmax_rows = 100\n"));
    let server = home.serve();
    server.deploy("ok", &guest("ok.wat"), &[]);
    let rows = server.sql("SELECT * FROM generate_series(1, 100)");
    assert_eq!(rows.len(), 100, "the limit itself is allowed");
    refused(&server, "SELECT * FROM generate_series(1, 101)", &json!({}), "100");
    let endless = "SELECT count(*) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b \
                   WHERE a.value * b.value % 7 = 3";
    refused(&server, endless, &json!({}), "2 s");
    std::thread::scope(|scope| {
        let queries: Vec<_> = (0..6).map(|_| scope.spawn(|| server.query(endless, &json!({})).status)).collect();
        assert_eq!(server.invoke("ok", "calls go on").text(), "calls go on");
        for query in queries {
            let status = query.join().expect("an answer");
            assert!((400..500).contains(&status) || status == 503, "{status}");
        }
    });
    assert_eq!(server.count("SELECT count(*) AS n FROM invocations"), 1);
    assert!(server.stop().success());
}

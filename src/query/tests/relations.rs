//! Tables that other parts hand in: listed, read beside the store's, asked once by a query that reads them, and by no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use serde_json::json;

use super::tables::{Fixed, attempt, failure, rows};
use crate::query::{Additions, Engine, Error, Relation};
use crate::store::Table;

/// A relation of two rows that says how often it was asked before, and one that cannot be read.
fn engine() -> (Engine, Arc<AtomicI64>) {
    let asked = Arc::new(AtomicI64::new(0));
    let fields = [("function", DataType::Utf8), ("asked", DataType::Int64)];
    let schema = Arc::new(Schema::new(fields.map(|(name, kind)| Field::new(name, kind, false)).to_vec()));
    let counter = Arc::clone(&asked);
    let deployments = Relation::new("deployments", Arc::clone(&schema), move || {
        let before = counter.fetch_add(1, Ordering::Relaxed);
        let columns: Vec<ArrayRef> =
            vec![Arc::new(StringArray::from(vec!["hello", "other"])), Arc::new(Int64Array::from(vec![before; 2]))];
        std::future::ready(Ok(columns))
    });
    let refuses =
        |name, error: Error| Relation::new(name, Arc::clone(&schema), move || std::future::ready(Err(error.clone())));
    let crowded = refuses("crowded", Error::Limit("the catalog holds more than 4 versions".to_owned()));
    let broken = refuses("broken", Error::Internal("the catalog's database failed".to_owned()));
    let wrong = Relation::new("wrong", Arc::clone(&schema), || std::future::ready(Ok(Vec::new())));
    let calls = [
        attempt("a", "2026-03-01T10:00:00Z", &json!({})),
        attempt("b", "2026-03-01T11:00:00Z", &json!({"function": "gone"})),
    ];
    let tables = Fixed::empty().with_rows(Table::Invocations, &calls);
    let relations = vec![deployments, crowded, broken, wrong];
    (tables.engine_beside(Additions { relations, ..Additions::default() }), asked)
}

#[tokio::test]
async fn relations_are_joined_with_the_tables_of_the_store() {
    let (engine, _) = engine();
    let sql = "SELECT d.function AS f, count(i.invocation_id) AS n FROM deployments d LEFT JOIN invocations i \
               USING (function) GROUP BY 1 ORDER BY 1";
    assert_eq!(rows(&engine, sql).await, json!([{"f": "hello", "n": 1}, {"f": "other", "n": 0}]));
    let some = "SELECT function FROM faremeter.public.deployments WHERE function > 'i' AND asked > 0 LIMIT 1";
    assert_eq!(rows(&engine, some).await, json!([{"function": "other"}]));
    assert_eq!(rows(&engine, "SELECT count(*) AS n FROM deployments").await, json!([{"n": 2}]));
}

#[tokio::test]
async fn a_relation_is_asked_once_by_a_query_that_reads_it_and_by_no_other() {
    let (engine, asked) = engine();
    rows(&engine, "SELECT count(*) FROM invocations").await;
    rows(&engine, "SHOW TABLES").await;
    rows(&engine, "DESCRIBE deployments").await;
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    let twice = "SELECT count(*) AS n, sum(a.asked + b.asked) AS asked FROM deployments a CROSS JOIN deployments b";
    assert_eq!(rows(&engine, twice).await, json!([{"n": 4, "asked": 0}]));
    assert_eq!(rows(&engine, twice).await, json!([{"n": 4, "asked": 8}]), "each query sees it anew");
}

#[tokio::test]
async fn relations_are_listed_and_described() {
    let (engine, _) = engine();
    let names = "SELECT table_name AS t, table_type AS k FROM information_schema.tables \
                 WHERE table_schema = 'public' AND table_name IN ('deployments', 'logs') ORDER BY 1";
    let expected = json!([{"t": "deployments", "k": "BASE TABLE"}, {"t": "logs", "k": "BASE TABLE"}]);
    assert_eq!(rows(&engine, names).await, expected);
    let shown = rows(&engine, "SHOW TABLES").await.to_string();
    assert!(shown.contains("\"deployments\"") && shown.contains("\"invocations\""), "{shown}");
    let columns = rows(&engine, "SHOW COLUMNS FROM deployments").await;
    let columns: Vec<_> = columns.as_array().unwrap().iter().map(|row| row["column_name"].clone()).collect();
    assert_eq!(columns, ["function", "asked"]);
    let found: Vec<_> =
        engine.relations().iter().map(|relation| (relation.name(), relation.schema().fields().len())).collect();
    assert_eq!(found, [("deployments", 2), ("crowded", 2), ("broken", 2), ("wrong", 2)]);
}

#[tokio::test]
async fn what_is_wrong_with_a_relation_is_said() {
    let (engine, _) = engine();
    let unknown = failure(&engine, "SELECT * FROM nothing").await;
    let list = "invocations, spans, logs, metrics, deployments, crowded, broken, wrong, rollup, rollup_minute, rollup_hour, error_groups";
    assert_eq!(unknown, Error::Invalid(format!("table 'nothing' not found; there are {list}")));
    let column = failure(&engine, "SELECT memory FROM deployments").await.to_string();
    assert!(column.starts_with("column 'memory' not found; there are "), "{column}");
    let crowded = failure(&engine, "SELECT * FROM crowded").await;
    assert_eq!(crowded, Error::Limit("the catalog holds more than 4 versions".to_owned()));
    let broken = failure(&engine, "SELECT l.body FROM logs l JOIN broken b USING (function)").await;
    assert_eq!(broken, Error::Internal("the catalog's database failed".to_owned()));
    assert!(matches!(failure(&engine, "SELECT * FROM wrong").await, Error::Internal(_)));
    for sql in ["DELETE FROM deployments", "INSERT INTO deployments VALUES ('x', 1)", "DROP TABLE deployments"] {
        assert!(matches!(failure(&engine, sql).await, Error::Forbidden(_)), "{sql}");
    }
}

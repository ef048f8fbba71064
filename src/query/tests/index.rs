//! Rows by how calls ended and began, which are found before anything is read of files.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::concat_batches;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::prelude::{SessionConfig, SessionContext};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::tables::{Fixed, attempt, config, rows};
use crate::query::blooms::Blooms;
use crate::query::index::Index;
use crate::query::session::Views;
use crate::query::table::{Known, StoreTable};
use crate::store::{Table, View};

const OUTCOMES: [&str; 5] = ["ok", "error", "timeout", "out_of_memory", "throttled"];
/// Conditions on each of the columns, on both, and on others beside them.
const CONDITIONS: [&str; 12] = [
    "outcome = 'error'",
    "outcome <> 'ok'",
    "outcome IN ('timeout', 'out_of_memory') AND cold",
    "outcome NOT IN ('throttled', 'platform_error')",
    "cold",
    "NOT cold",
    "cold IS NULL",
    "cold IS NOT TRUE AND outcome LIKE 'o%'",
    "cold AND started_at > '2026-03-01T00:00:20Z'",
    "outcome = 'platform_error'",
    "outcome = 'error' OR cold",
    "outcome IS NOT NULL AND (outcome = 'ok') = cold",
];

/// The calls of a day, a second apart.
fn calls(id: &str, calls: &[(usize, u8)]) -> Vec<Value> {
    let call = |(at, (outcome, cold)): (usize, &(usize, u8))| {
        let cold = match cold {
            0 => Value::Null,
            cold => json!(*cold == 1),
        };
        let time = format!("2026-03-01T00:{:02}:{:02}Z", at / 60, at % 60);
        attempt(&format!("{id}{at}"), &time, &json!({"outcome": OUTCOMES[*outcome], "cold": cold}))
    };
    calls.iter().enumerate().map(call).collect()
}

fn known(most_ranges: usize) -> Arc<Known> {
    Arc::new(Known { blooms: Blooms::new(1 << 20), index: Index::new(1 << 20).with_most_ranges(most_ranges) })
}

/// The ids of an answer in order, and those for which its second column is true, if it has one.
async fn ids(view: &View, known: &Arc<Known>, sql: &str) -> Vec<String> {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    let url = ObjectStoreUrl::parse("test://store").unwrap();
    context.register_object_store(url.as_ref(), Arc::clone(&view.object_store));
    let table = Arc::new(StoreTable::new(view.clone(), url, known).unwrap());
    context.register_table("invocations", table).unwrap();
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    let Some(first) = batches.first() else { return Vec::new() };
    let all = concat_batches(&first.schema(), &batches).unwrap();
    let is_so = (all.num_columns() > 1).then(|| all.column(1).as_boolean());
    let found = all.column(0).as_string_view().iter().enumerate();
    let mut ids: Vec<String> = found
        .filter(|(row, _)| is_so.is_none_or(|is_so| is_so.iter().nth(*row).flatten() == Some(true)))
        .map(|(_, id)| id.unwrap().to_owned())
        .collect();
    ids.sort_unstable();
    ids
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_same_rows_are_found_with_and_without_the_index(
        files in prop::collection::vec(prop::collection::vec((0..5_usize, 0..3_u8), 1..60), 3),
        condition in prop::sample::select(&CONDITIONS[..]),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(async {
            let fixed = Fixed::empty()
                .with_file(Table::Invocations, "a.parquet", &calls("a", &files[0]), &[])
                .await
                .with_file(Table::Invocations, "b.parquet", &calls("b", &files[1]), &["started_at", "outcome"])
                .await
                .with_rows(Table::Invocations, &calls("c", &files[2]));
            let view = fixed.view(Table::Invocations);
            let (with, without) = (known(1 << 20), known(0));
            let asked = format!("SELECT invocation_id FROM invocations WHERE {condition}");
            // Nothing is left out here: the condition is a column like any other.
            let expected = ids(&view, &with, &format!("SELECT invocation_id, {condition} FROM invocations")).await;
            assert_eq!(with.index.columns_kept(), 0);
            for _ in 0..2 {
                assert_eq!(ids(&view, &with, &asked).await, expected, "{condition}");
            }
            assert_eq!(ids(&view, &without, &asked).await, expected, "{condition}");
        });
    }
}

#[tokio::test]
async fn conditions_on_the_index_cost_no_reading() {
    let mixed: Vec<(usize, u8)> = (0..30).map(|at| (usize::from(at % 10 == 3), u8::from(at == 5))).collect();
    let engine = Fixed::empty()
        .with_file(Table::Invocations, "mixed.parquet", &calls("m", &mixed), &[])
        .await
        .with_file(Table::Invocations, "good.parquet", &calls("g", &[(0, 2); 9]), &[])
        .await
        .with_rows(Table::Invocations, &calls("n", &[(0, 2), (1, 1)]))
        .engine_with(config());
    let failed = "FROM invocations WHERE outcome = 'error'";
    let plan = rows(&engine, &format!("EXPLAIN SELECT invocation_id {failed}")).await.to_string();
    assert!(plan.contains("mixed.parquet") && !plan.contains("good.parquet"), "{plan}");
    assert!(!plan.contains("predicate") && !plan.contains("FilterExec"), "{plan}");
    assert_eq!(rows(&engine, &format!("SELECT count(*) AS n {failed}")).await, json!([{"n": 4}]));
    let some = format!("SELECT invocation_id AS id {failed} ORDER BY started_at DESC LIMIT 2");
    assert_eq!(rows(&engine, &some).await, json!([{"id": "m23"}, {"id": "m13"}]));
    let any = rows(&engine, &format!("SELECT invocation_id AS id {failed} LIMIT 3")).await;
    assert_eq!(any.as_array().map(Vec::len), Some(3));
    let none = "SELECT count(*) AS n FROM invocations WHERE outcome = 'timeout' AND cold";
    assert_eq!(rows(&engine, none).await, json!([{"n": 0}]));
    let of_a_query =
        "SELECT count(*) AS n FROM invocations WHERE outcome = (SELECT max(o) FROM (VALUES ('error')) AS t(o))";
    assert_eq!(rows(&engine, of_a_query).await, json!([{"n": 4}]));
}

//! Groupings and conditions by runs against DataFusion's own, over the same rows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Int64Array, StringViewArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::take_record_batch;
use arrow::record_batch::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use datafusion::common::ToDFSchema;
use datafusion::datasource::MemTable;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::displayable;
use datafusion::prelude::{SessionConfig, SessionContext};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, TestRunner};

use super::condition::TextCondition;
use super::{ByRuns, Runs};

/// What is grouped by, each with what it needs: sums, the least and the greatest, parts of the rows, distinct values.
const QUERIES: [&str; 6] = [
    "SELECT function, version, count(*), sum(cost), max(n), min(n) FROM rows GROUP BY function, version",
    "SELECT function, count(n), sum(n) FILTER (WHERE cold), count(*) FILTER (WHERE n > 0) FROM rows GROUP BY function",
    "SELECT date_bin(INTERVAL '1 second', at) AS bucket, cold, sum(cost), avg(n) FROM rows GROUP BY bucket, cold",
    "SELECT date_trunc('minute', at) AS minute, function, count(DISTINCT n), max(at) FROM rows GROUP BY minute, function",
    "SELECT DISTINCT function, version, cold FROM rows",
    "SELECT function, n, version, sum(cost) AS cost FROM rows WHERE n > 1 GROUP BY 1, 2, 3 HAVING sum(cost) > 0",
];

/// A stretch of rows: the number of its function, its version's, and how long it is.
type Run = (u8, u8, usize);

/// Rows of some runs: the more numbers there are, the fewer neighbours are alike in them.
fn rows(runs: &[Run], numbers: i64) -> RecordBatch {
    let all: Vec<(Option<String>, String, i64)> = (0..)
        .zip(runs.iter().flat_map(|(function, version, length)| vec![(function, version); *length]))
        .map(|(row, (function, version))| {
            // Nothing, an empty text, and texts that fit into a view and that do not.
            let name = (*function > 0).then(|| "long-enough".repeat(usize::from(*function) - 1));
            (name, format!("v{version}"), row)
        })
        .collect();
    let of = |row: &i64| row * 7 % numbers;
    let column = |of: &dyn Fn(&i64) -> Option<i64>| all.iter().map(|(.., row)| of(row)).collect::<Vec<_>>();
    let costs = column(&|row| Some(of(row) * 1_000_003)).into_iter().map(|cost| cost.map(i128::from));
    let columns: [(&str, ArrayRef); 7] = [
        ("function", Arc::new(all.iter().map(|(name, ..)| name.as_deref()).collect::<StringViewArray>())),
        ("version", Arc::new(all.iter().map(|(_, version, _)| Some(version)).collect::<StringViewArray>())),
        ("span_id", Arc::new(all.iter().map(|(.., row)| Some(row.to_string())).collect::<StringViewArray>())),
        ("at", Arc::new(TimestampMicrosecondArray::from(column(&|row| Some(row * 70_000))))),
        ("n", Arc::new(Int64Array::from(column(&|row| (row % 5 > 0).then(|| of(row)))))),
        (
            "cold",
            Arc::new(all.iter().map(|(.., row)| (row % 11 > 0).then_some(row % 3 == 0)).collect::<BooleanArray>()),
        ),
        ("cost", Arc::new(costs.collect::<Decimal128Array>().with_precision_and_scale(38, 15).unwrap())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, values)| (name, values, true))).unwrap()
}

/// A session over these partitions, each of batches.
fn session(partitions: &[Vec<RecordBatch>], by_runs: bool) -> SessionContext {
    let state = SessionStateBuilder::new()
        .with_config(SessionConfig::new().with_target_partitions(2).with_batch_size(64))
        .with_default_features();
    let state = match by_runs {
        true => state.with_physical_optimizer_rule(Arc::new(ByRuns)),
        false => state,
    };
    let session = SessionContext::new_with_state(state.build());
    let table = MemTable::try_new(partitions[0][0].schema(), partitions.to_vec()).unwrap();
    session.register_table("rows", Arc::new(table)).unwrap();
    session
}

/// The answer's lines in their order.
async fn answer(session: &SessionContext, sql: &str) -> Vec<String> {
    let batches = session.sql(sql).await.unwrap().collect().await.unwrap();
    let mut lines: Vec<_> = pretty_format_batches(&batches).unwrap().to_string().lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

async fn plan(session: &SessionContext, sql: &str) -> String {
    let plan = session.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    displayable(plan.as_ref()).indent(true).to_string()
}

#[test]
fn a_run_begins_where_any_column_differs() {
    let long = Some("a text that does not fit into its view");
    let texts = |values: [Option<&str>; 7]| Arc::new(values.iter().collect::<StringViewArray>()) as ArrayRef;
    let (names, alike) = (texts([Some("x"), Some("x"), long, long, None, None, Some("")]), texts([Some("y"); 7]));
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, None, None, None, None, None]));
    let runs = |columns: &[&ArrayRef]| {
        let columns: Vec<_> = columns.iter().map(|column| Arc::clone(column)).collect();
        let runs = Runs::of(&columns, columns[0].len()).unwrap();
        (runs.lengths().collect::<Vec<_>>(), runs.are_long())
    };
    assert_eq!(runs(&[&names, &alike]), (vec![2, 2, 2, 1], false));
    assert_eq!(runs(&[&numbers, &alike]), (vec![1, 6], true));
    assert_eq!(runs(&[&names, &numbers]), (vec![1, 1, 2, 2, 1], false));
    assert_eq!(runs(&[&names.slice(0, 1)]), (vec![1], false));
    assert_eq!(runs(&[&names.slice(0, 0)]), (vec![], true));
}

#[test]
fn runs_give_what_rows_give() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let runs = vec((0..4_u8, 0..3_u8, 1..40_usize), 1..30);
    let partitions = vec((runs, any::<bool>()), 1..4).prop_map(|all| {
        let batch = |(runs, alike): (Vec<Run>, bool)| {
            let whole = rows(&runs, if alike { 3 } else { 1_000 });
            let half = whole.num_rows() / 2;
            vec![whole.slice(0, half), whole.slice(half, 0), whole.slice(half, whole.num_rows() - half)]
        };
        all.into_iter().map(batch).collect::<Vec<_>>()
    });
    let cases = Config { cases: 48, ..Config::default() };
    TestRunner::new(cases)
        .run(&partitions, |partitions| {
            let [by_runs, by_rows] = [true, false].map(|by_runs| session(&partitions, by_runs));
            for sql in QUERIES {
                let [found, expected] = [&by_runs, &by_rows].map(|of| runtime.block_on(answer(of, sql)));
                proptest::prop_assert_eq!(found, expected, "{}", sql);
            }
            Ok(())
        })
        .unwrap();
}

/// Conditions on a column of texts: some know nothing of a missing text, some know it well.
const CONDITIONS: [&str; 6] = [
    "function IN ('', 'long-enough', 'long-enoughlong-enough')",
    "function <> '' AND function <> 'long-enough'",
    "function IS NULL OR function LIKE '%enoughlong%'",
    "length(function) > 5 IS NOT TRUE",
    "version = 'v1'",
    "version > 'v0' AND version NOT IN ('v2', 'v3')",
];

#[test]
fn conditions_by_runs_find_what_they_find_by_rows() {
    let session = SessionContext::new();
    let runs = (vec((0..4_u8, 0..3_u8, 1..40_usize), 1..30), any::<bool>());
    let (long, short) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    TestRunner::new(Config { cases: 128, ..Config::default() })
        .run(&runs, |(runs, mixed)| {
            let all = rows(&runs, 3);
            // Every other row of one half beside one of the other: runs become short.
            let at = |row: usize| if row.is_multiple_of(2) { row / 2 } else { all.num_rows() - 1 - row / 2 };
            let order: Vec<u32> = (0..all.num_rows()).map(|row| if mixed { at(row) } else { row } as u32).collect();
            let all = take_record_batch(&all, &UInt32Array::from(order)).unwrap();
            let schema = all.schema().to_dfschema().unwrap();
            for sql in CONDITIONS {
                let condition = session.parse_sql_expr(sql, &schema).unwrap();
                let condition = session.create_physical_expr(condition, &schema).unwrap();
                let by_runs = TextCondition { condition: Arc::clone(&condition) };
                let [found, expected] = [&by_runs as &dyn PhysicalExpr, condition.as_ref()]
                    .map(|of| of.evaluate(&all).unwrap().into_array(all.num_rows()).unwrap());
                proptest::prop_assert_eq!(&found, &expected, "{}", sql);
            }
            let columns = [Arc::clone(all.column(0))];
            let counter = if Runs::of(&columns, all.num_rows()).unwrap().are_long() { &long } else { &short };
            counter.set(counter.get() + 1);
            Ok(())
        })
        .unwrap();
    assert!(long.get() > 20 && short.get() > 5, "{} long, {} short", long.get(), short.get());
}

#[tokio::test]
async fn more_groups_than_are_held_become_one_in_the_end() {
    let runs: Vec<Run> = (0..5_000).map(|run: usize| ((run % 4) as u8, (run % 3) as u8, 30)).collect();
    let partitions = [rows(&runs, 100_003), rows(&runs, 7)].map(|rows| vec![rows]);
    let sql = "SELECT function, version, n, count(*) AS rows, sum(cost) AS cost FROM rows GROUP BY 1, 2, 3";
    let [found, expected] =
        [answer(&session(&partitions, true), sql).await, answer(&session(&partitions, false), sql).await];
    assert!(found.len() > super::groups::MAX_GROUPS, "{}", found.len());
    assert_eq!(found, expected);
}

#[tokio::test]
async fn only_where_runs_are_to_be_expected() {
    let partitions = [rows(&[(1, 1, 3)], 3), rows(&[(2, 1, 3)], 3)].map(|rows| vec![rows]);
    let session = session(&partitions, true);
    for sql in QUERIES {
        let plan = plan(&session, sql).await;
        assert!(plan.contains("RunAggregateExec: mode=Partial"), "{sql}: {plan}");
    }
    for sql in [
        "SELECT version, count(*) FROM rows GROUP BY version",
        "SELECT count(*) FROM rows",
        "SELECT function, array_agg(n ORDER BY n) FROM rows GROUP BY function",
        "SELECT function, version, count(*) FROM rows GROUP BY ROLLUP (function, version)",
        "SELECT function, span_id, count(*) FROM rows GROUP BY function, span_id",
        "SELECT function, [n] AS list, count(*) FROM rows GROUP BY 1, 2",
        "SELECT DISTINCT function FROM rows LIMIT 1",
    ] {
        let plan = plan(&session, sql).await;
        assert!(!plan.contains("RunAggregateExec"), "{sql}: {plan}");
    }
}

//! The boards' queries over a few records: their rows stand in `boards.txt`, and totals do not depend on the step.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, MapBuilder, StringArray, StringBuilder, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use serde_json::{Value, json};

use super::tables::{Fixed, attempt, line, params, span};
use crate::billing::{break_even_aggregate, price_tables};
use crate::cost::rating::Books;
use crate::query::{Additions, Engine, Param, Params, Relation, format};
use crate::store::Table;

const GOLDEN: &str = include_str!("boards.txt");
const DAY: [(&str, &str); 2] = [("from", "2026-03-01T10:00:00Z"), ("to", "2026-03-01T12:00:00Z")];

/// A relation whose rows stand still.
fn relation(name: &'static str, columns: Vec<(&str, ArrayRef)>) -> Relation {
    let field = |(name, values): &(&str, ArrayRef)| Field::new(*name, values.data_type().clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let arrays: Vec<ArrayRef> = columns.into_iter().map(|(_, values)| values).collect();
    Relation::new(name, schema, move || std::future::ready(Ok(arrays.clone())))
}

/// The price books, and March's charges: 400,100 GiB-seconds of `hello`, of which 400,000 are free, and its requests.
fn bills(with_rows: bool) -> Vec<Relation> {
    let rows = if with_rows { 3 } else { 0 };
    let texts = |values: [Option<&str>; 3]| Arc::new(StringArray::from(values[..rows].to_vec())) as ArrayRef;
    let same = |value| texts([Some(value); 3]);
    let decimals = |values: [Option<&str>; 3], scale| {
        cast(&texts(values), &DataType::Decimal128(38, scale)).expect("they are decimals")
    };
    let mut tags = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for _ in 0..rows {
        tags.keys().append_value("team");
        tags.values().append_value("web");
        tags.append(true).expect("as many keys as values");
    }
    let charges = relation(
        "charges",
        vec![
            ("month", same("2026-03")),
            (
                "billing_period_end",
                Arc::new(TimestampMicrosecondArray::from(vec![1_775_001_600_000_000; rows]).with_timezone("UTC")),
            ),
            ("charge_category", same("Usage")),
            ("region_id", same("us-east-1")),
            ("sub_account_id", same("default")),
            ("resource_id", texts([Some("hello"), Some("hello"), Some("auth")])),
            ("tags", Arc::new(tags.finish())),
            ("sku_meter", texts([Some("duration_x86"), Some("requests"), Some("requests")])),
            ("x_tier", Arc::new(Int32Array::from(vec![1; rows]))),
            ("pricing_quantity", decimals([Some("100"), Some("3"), Some("1")], 13)),
            ("x_free_quantity", decimals([Some("400000"), Some("750000"), Some("250000")], 13)),
            ("pricing_unit", texts([Some("GiB-second"), Some("request"), Some("request")])),
            ("contracted_unit_price", decimals([Some("0.0000166667"), Some("0.0000002"), Some("0.0000002")], 23)),
            ("contracted_cost", decimals([Some("0.00166667"), Some("0.0000006"), Some("0.0000002")], 23)),
            ("billed_cost", decimals([Some("0.01"), Some("0"), Some("0")], 23)),
            ("billing_currency", same("USD")),
            ("x_price_book", same("aws-lambda@2025-10-01")),
        ],
    );
    let mut relations = price_tables(&Books::embedded().expect("they parse")).expect("they are decimals");
    relations.push(charges);
    relations
}

/// What queries ask for besides the store's tables. Of `deployments` and `limits`: `hello` reserves 4, `auth` provisions 2.
pub(super) fn additions(with_rows: bool) -> Additions {
    let rows = if with_rows { 3 } else { 0 };
    let texts = |values: [&str; 3]| Arc::new(StringArray::from(values[..rows].to_vec())) as ArrayRef;
    let numbers = |values: [Option<i64>; 3]| Arc::new(Int64Array::from(values[..rows].to_vec())) as ArrayRef;
    let deployments = relation(
        "deployments",
        vec![
            ("tenant", texts(["default", "default", "default"])),
            ("function", texts(["hello", "hello", "auth"])),
            ("version", texts(["1", "2", "1"])),
            ("is_active", Arc::new(BooleanArray::from([false, true, true][..rows].to_vec()))),
            ("reserved_concurrency", numbers([Some(9), Some(4), None])),
            ("provisioned_concurrency", numbers([Some(0), Some(0), Some(2)])),
        ],
    );
    let limits =
        relation("limits", vec![("account_concurrency", Arc::new(Int64Array::from([1_000][..rows.min(1)].to_vec())))]);
    let relations = [vec![deployments, limits], bills(with_rows)].concat();
    Additions { relations, aggregates: vec![break_even_aggregate(Books::embedded().expect("they parse"))] }
}

async fn few() -> Engine {
    let usual = |id: &str, at: &str, other: Value| attempt(id, &format!("2026-03-01T{at}Z"), &other);
    let cold = json!({"cold": true, "load_ns": 1_000_000, "compile_ns": 2_000_000, "init_ns": 4_000_000,
        "duration_ns": 2_000_000, "billed_ms": 6, "list_cost": "0.6", "init_cost": "0.4", "concurrency": 1});
    let warm =
        json!({"duration_ns": 1_000_000, "billed_ms": 1, "list_cost": "0.2", "init_cost": "0", "concurrency": 2});
    let failed = json!({"version": "2", "outcome": "error", "error_type": "trap", "error_message": "index 7 of 3",
        "duration_ns": 4_000_000, "billed_ms": 4, "list_cost": "0.3", "init_cost": "0", "concurrency": 1});
    let again = json!({"version": "2", "attempt": 2, "duration_ns": 3_000_000, "billed_ms": 3, "list_cost": "0.25",
        "init_cost": "0", "concurrency": 1});
    let refused = json!({"version": "2", "outcome": "throttled", "throttle_reason": "function-concurrency",
        "list_cost": "0", "init_cost": "0", "billed_ms": 0, "duration_ns": 0, "instantiate_ns": 0,
        "peak_memory_bytes": 0, "http_status": 429, "environment_id": null, "concurrency": 4});
    let late = json!({"function": "other", "tenant": "acme", "outcome": "timeout", "error_type": "timeout",
        "architecture": "arm64", "memory_mb": 256, "tags": {"team": "data", "env": "prod"}, "currency": "EUR",
        "list_cost": "1.5", "init_cost": "0", "duration_ns": 9_000_000, "billed_ms": 9});
    let ours = json!({"function": "ours", "outcome": "platform_error", "error_type": "lost", "list_cost": "0",
        "init_cost": "0", "billed_ms": 0});
    let kept = json!({"function": "auth", "init_type": "provisioned", "list_cost": null, "init_cost": null,
        "concurrency": 3});
    let in_file = [
        usual("before", "09:59:59.999999", json!({})),
        usual("a", "10:00:30", cold),
        usual("b", "10:00:40", warm),
        usual("c", "10:07:00", failed),
        usual("c", "10:07:01", again),
    ];
    let in_memory = [
        usual("d", "11:30:00", refused),
        usual("e", "11:30:01", late),
        usual("f", "11:45:00", ours),
        usual("g", "11:50:00", kept),
        usual("after", "12:00:00", json!({})),
    ];
    let logs = [line("2026-03-01T11:50:00Z", "2026-03-01T11:50:01Z", "hello")];
    let spans = [span("b7ad6b7169203331", "2026-03-01T11:50:00Z", &json!({"invocation_id": "g"}))];
    Fixed::empty()
        .with_file(Table::Invocations, "i.parquet", &in_file, &["started_at"])
        .await
        .with_rows(Table::Invocations, &in_memory)
        .with_rows(Table::Logs, &logs)
        .with_rows(Table::Spans, &spans)
        .engine_beside(additions(true))
}

/// The parameters of `given` that the query has.
fn fitting(engine: &Engine, name: &str, given: &Params) -> Params {
    let all = engine.list();
    let query = all.iter().find(|query| *query.name == *name).unwrap_or_else(|| panic!("no query {name}"));
    let has = |param: &String| query.params.iter().any(|declared| declared.name == *param);
    given.iter().filter(|(param, _)| has(param)).map(|(param, value)| (param.clone(), value.clone())).collect()
}

fn with_step(step_s: i64, more: &[(&str, &str)]) -> Params {
    let mut given = params(DAY);
    given.insert("step".to_owned(), Param::Int(step_s));
    given.extend(more.iter().map(|(name, value)| ((*name).to_owned(), Param::Text((*value).to_owned()))));
    given
}

/// The rows as lines, values in the order of the columns.
async fn lines(engine: &Engine, name: &str, given: &Params) -> Vec<String> {
    let given = fitting(engine, name, given);
    let result = engine.named(name, &given).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    let names: Vec<&String> = result.schema.fields().iter().map(|field| field.name()).collect();
    let text = |value: &Value| match value {
        Value::String(text) => text.trim_start_matches("2026-03-01T").to_owned(),
        Value::Number(number) if number.is_f64() => format!("{:.6}", number.as_f64().unwrap()),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let row = |row: &serde_json::Map<String, Value>| names.iter().map(|name| text(&row[*name])).collect::<Vec<_>>();
    format::rows(&result).unwrap().iter().map(|object| row(object).join(" | ")).collect()
}

/// The queries whose rows stand in the file.
fn asked() -> impl Iterator<Item = &'static str> {
    GOLDEN.lines().filter_map(|line| line.strip_prefix("== "))
}

#[tokio::test]
async fn each_query_gives_its_golden_rows() {
    let engine = few().await;
    let mut found = String::new();
    for name in asked() {
        let of_one = if name == "concurrency_over_time" { &[("function", "hello")][..] } else { &[] };
        found += &format!("== {name}\n");
        for line in lines(&engine, name, &with_step(3_600, of_one)).await {
            found += &format!("{line}\n");
        }
    }
    let differs = found.lines().zip(GOLDEN.lines()).find(|(found, golden)| found != golden);
    assert!(found == GOLDEN, "first difference: {differs:?}\nall rows:\n{found}");
}

#[tokio::test]
async fn totals_do_not_depend_on_the_step() {
    let engine = few().await;
    let is_total = |name: &&str| name.ends_with("_figures") || name.starts_with("top_") || name.contains("_by_");
    for name in asked().filter(is_total).filter(|name| !name.contains("over_time")) {
        let hours = lines(&engine, name, &with_step(3_600, &[])).await;
        for step_s in [10, 60, 300, 21_600, 604_800] {
            let steps = lines(&engine, name, &with_step(step_s, &[])).await;
            assert_eq!(steps, hours, "{name} by {step_s} s");
        }
    }
}

#[tokio::test]
async fn buckets_are_whole_steps_since_1970() {
    let engine = few().await;
    let expected = [
        (10, vec!["10:00:30", "10:00:40", "10:07:00", "11:30:00", "11:45:00", "11:50:00"]),
        (60, vec!["10:00:00", "10:07:00", "11:30:00", "11:45:00", "11:50:00"]),
        (300, vec!["10:00:00", "10:05:00", "11:30:00", "11:45:00", "11:50:00"]),
        (3_600, vec!["10:00:00", "11:00:00"]),
    ];
    for (step_s, buckets) in expected {
        let rows = lines(&engine, "counts_over_time", &with_step(step_s, &[])).await;
        let found: Vec<&str> = rows.iter().map(|row| &row[..8]).collect();
        assert_eq!(found, buckets, "{step_s} s");
    }
    let longer = [
        ("2026-03-01T06:00:00Z", 21_600, "06:00:00"),
        ("2026-03-01T00:00:00Z", 86_400, "00:00:00"),
        ("2026-02-26T00:00:00Z", 604_800, "2026-02-26"),
    ];
    for (from, step_s, bucket) in longer {
        let rows = lines(&engine, "counts_over_time", &with_step(step_s, &[("from", from)])).await;
        assert_eq!(rows.len(), 1, "{step_s} s: {rows:?}");
        assert!(rows[0].starts_with(bucket), "{step_s} s: {rows:?}");
    }
}

#[tokio::test]
async fn filters_choose() {
    let engine = few().await;
    let ran = async |more: &[(&str, &str)]| {
        let rows = lines(&engine, "overview_figures", &with_step(3_600, more)).await;
        rows[0].split(" | ").next().unwrap().parse::<i64>().unwrap()
    };
    assert_eq!(ran(&[]).await, 6);
    assert_eq!(ran(&[("tenant", "acme")]).await, 1);
    assert_eq!(ran(&[("function", "hello")]).await, 4);
    assert_eq!(ran(&[("function", "hello"), ("version", "2")]).await, 2);
    assert_eq!(ran(&[("region", "us-east-1")]).await, 6);
    assert_eq!(ran(&[("region", "eu-central-1")]).await, 0);
    assert_eq!(ran(&[("tag_key", "team"), ("tag_value", "data")]).await, 1);
    assert_eq!(ran(&[("tag_key", "team"), ("tag_value", "x' OR '1' = '1")]).await, 0);
}

#[tokio::test]
async fn a_limit_is_drawn_when_it_is_near() {
    let engine = few().await;
    let limit = async |function: &str| {
        let rows = lines(&engine, "concurrency_over_time", &with_step(3_600, &[("function", function)])).await;
        rows.iter().map(|row| row.rsplit(" | ").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(limit("hello").await, ["4", "4"], "4 of 4 that its active version reserves");
    assert_eq!(limit("auth").await, ["-", "-"], "3 of 1,000 of the account");
}

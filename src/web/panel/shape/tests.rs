//! Charts: which values are one line, and which are never added.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, StringArray, TimestampMicrosecondArray};
use arrow::record_batch::RecordBatch;
use serde_json::{Value, json};

use super::chart;
use crate::dashboard::Panel;
use crate::query::QueryResult;
use crate::units::Timestamp;
use crate::web::panel::window::Window;
use crate::web::params::QueryString;

const MINUTE: i64 = 60_000_000;

fn window() -> Window {
    let url = "/x?from=2026-03-01T10:00:00Z&to=2026-03-01T10:03:00Z&step=1m".parse().unwrap();
    Window::read(&mut QueryString::of(&url), Timestamp::from_nanos(0)).unwrap()
}

fn panel(gap: &str) -> Panel {
    let panel = format!(
        "id = 'p'\ntitle = 'P'\nkind = 'TimeSeriesChart'\nquery = 'q'\nunit = 'money'\n\
        gap = '{gap}'\ncolumns = [{{ name = 'cost', title = 'cost' }}]"
    );
    toml::from_str(&panel).unwrap()
}

/// Rows of minute, series, cost in 10^-23 and currency.
type Row<'a> = (i64, Option<&'a str>, Option<i128>, Option<&'a str>);

fn result(rows: &[Row<'_>]) -> QueryResult {
    let first = window().from.micros();
    let costs = Decimal128Array::from_iter(rows.iter().map(|row| row.2)).with_precision_and_scale(38, 23).unwrap();
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        (
            "bucket",
            Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| first + row.0 * MINUTE))),
        ),
        ("cost", Arc::new(costs)),
        ("currency", Arc::new(rows.iter().map(|row| row.3).collect::<StringArray>())),
    ];
    if rows.iter().any(|row| row.1.is_some()) {
        columns.push(("series", Arc::new(rows.iter().map(|row| row.1).collect::<StringArray>())));
    }
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)));
    let batch = batch.unwrap();
    QueryResult { schema: batch.schema(), batches: vec![batch] }
}

fn drawn(gap: &str, rows: &[Row<'_>]) -> Value {
    let chart = serde_json::to_value(chart(&panel(gap), &window(), &result(rows)).unwrap()).unwrap();
    assert_eq!(chart["times"].as_array().unwrap().len(), 3);
    let of = |series: &Value| json!([series["name"], series["values"]]);
    json!([chart["currency"], chart["others"], chart["series"].as_array().unwrap().iter().map(of).collect::<Value>()])
}

const USD: Option<&str> = Some("USD");
const EUR: Option<&str> = Some("EUR");

#[test]
fn one_currency_is_named_once_and_amounts_keep_their_digits() {
    let rows = [(0, Some("a"), Some(1), USD), (0, Some("a"), Some(2), USD), (2, Some("b"), Some(7), USD)];
    let expected =
        json!(["USD", 0, [["b", [0, 0, "0.00000000000000000000007"]], ["a", ["0.00000000000000000000003", 0, 0]],]]);
    assert_eq!(drawn("zero", &rows), expected);
}

#[test]
fn several_currencies_have_lines_of_their_own_others_included() {
    let names: Vec<String> = (0..12).map(|n| format!("f{n:02}")).collect();
    let amount = |n: usize| Some(10_i128.pow(23) * (100 - n as i128));
    let rows: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(n, name)| (0, Some(name.as_str()), amount(n), if n % 2 == 0 { USD } else { EUR }))
        .collect();
    let found = drawn("empty", &rows);
    assert_eq!((&found[0], &found[1]), (&Value::Null, &json!(4)));
    let series = found[2].as_array().unwrap();
    assert_eq!(series[0][0], "f00 (USD)");
    let others = json!([
        ["other (EUR)", ["180.00000000000000000000000", null, null]],
        ["other (USD)", ["182.00000000000000000000000", null, null]],
    ]);
    assert_eq!(Value::from(series[8..].to_vec()), others);
    // A filter takes the name alone, and what is summed has none.
    let whole = serde_json::to_value(chart(&panel("empty"), &window(), &result(&rows)).unwrap()).unwrap();
    assert_eq!((&whole["series"][0]["label"], &whole["series"][8]["label"]), (&json!("f00"), &Value::Null));
}

#[test]
fn a_bucket_without_a_row_is_a_gap_or_0_and_null_stays_null() {
    let rows = [(0, None, Some(5), USD), (1, None, None, None)];
    let five = "0.00000000000000000000005";
    assert_eq!(drawn("zero", &rows), json!(["USD", 0, [["cost", [five, null, 0]]]]));
    assert_eq!(drawn("empty", &rows), json!(["USD", 0, [["cost", [five, null, null]]]]));
}

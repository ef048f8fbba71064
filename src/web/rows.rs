//! Reads cells of a query's rows. What pages show where there is none is theirs.

use serde_json::{Map, Value};

/// A row of an answer, by column.
pub(super) type Row = Map<String, Value>;

/// Text; empty where there is none.
pub(super) fn text<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).and_then(Value::as_str).unwrap_or_default()
}

/// A whole number, where there is one.
pub(super) fn number(row: &Row, column: &str) -> Option<i64> {
    row.get(column).and_then(Value::as_i64)
}

/// A whole number; 0 where there is none.
pub(super) fn int(row: &Row, column: &str) -> i64 {
    number(row, column).unwrap_or_default()
}

/// A yes or no; no where there is neither.
pub(super) fn flag(row: &Row, column: &str) -> bool {
    row.get(column).and_then(Value::as_bool).unwrap_or_default()
}

/// A map of text.
pub(super) fn map(row: &Row, column: &str) -> Vec<(String, String)> {
    let object = row.get(column).and_then(Value::as_object);
    let value = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    object.into_iter().flatten().map(|(key, text)| (key.clone(), value(text))).collect()
}

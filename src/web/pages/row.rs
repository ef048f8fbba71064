//! Reads cells of a query's rows for pages, and turns answers that failed into what a page says instead.

use serde_json::{Map, Value};

use crate::query::{self, QueryResult, format};

use super::format::NONE;

/// A row of an answer, by column.
pub(super) type Row = Map<String, Value>;

/// The rows, or what to say instead of them: one part of a page that fails leaves the others.
pub(super) fn rows(result: Result<QueryResult, query::Error>) -> (Vec<Row>, Option<String>) {
    match result.and_then(|result| format::rows(&result)) {
        Ok(rows) => (rows, None),
        Err(error) => {
            tracing::warn!(%error, "a part of the page has no data");
            (Vec::new(), Some(error.to_string()))
        }
    }
}

/// Text; empty where there is none.
pub(super) fn text<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).and_then(Value::as_str).unwrap_or_default()
}

/// Text, or the dash.
pub(super) fn text_or_none(row: &Row, column: &str) -> String {
    row.get(column).and_then(Value::as_str).filter(|text| !text.is_empty()).unwrap_or(NONE).to_owned()
}

/// A whole number; 0 where there is none.
pub(super) fn int(row: &Row, column: &str) -> i64 {
    row.get(column).and_then(Value::as_i64).unwrap_or_default()
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

//! Rows that SQL returned, and their values by name and type.

use serde_json::{Map, Value};

/// One row.
#[derive(Debug, Clone)]
pub(crate) struct Row(pub(crate) Map<String, Value>);

impl Row {
    /// A value, which may be null.
    pub(crate) fn get(&self, column: &str) -> &Value {
        self.0.get(column).unwrap_or_else(|| panic!("no column '{column}' in {self:?}"))
    }

    pub(crate) fn text(&self, column: &str) -> &str {
        self.get(column).as_str().unwrap_or_else(|| panic!("'{column}' is text: {self:?}"))
    }

    pub(crate) fn int(&self, column: &str) -> i64 {
        self.get(column).as_i64().unwrap_or_else(|| panic!("'{column}' is a whole number: {self:?}"))
    }

    pub(crate) fn flag(&self, column: &str) -> bool {
        self.get(column).as_bool().unwrap_or_else(|| panic!("'{column}' is true or false: {self:?}"))
    }

    pub(crate) fn is_null(&self, column: &str) -> bool {
        self.get(column).is_null()
    }

    /// The value of `key` in a map.
    pub(crate) fn entry(&self, column: &str, key: &str) -> &str {
        let map = self.get(column).as_object().unwrap_or_else(|| panic!("'{column}' is a map: {self:?}"));
        map.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// All phases together: what the caller felt.
    pub(crate) fn felt_ns(&self) -> i64 {
        let phases = ["queue_ns", "load_ns", "compile_ns", "instantiate_ns", "init_ns", "duration_ns"];
        phases.iter().map(|phase| self.int(phase)).sum()
    }
}

/// The rows of a query's JSON answer.
pub(crate) fn rows(answer: &Value) -> Vec<Row> {
    let rows = answer.get("rows").and_then(Value::as_array).unwrap_or_else(|| panic!("no rows: {answer}"));
    rows.iter().map(|row| Row(row.as_object().expect("a row is an object").clone())).collect()
}

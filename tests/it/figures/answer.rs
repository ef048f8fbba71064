//! What a board's panels were answered, and how figures of them are compared.

use std::collections::BTreeMap;

use serde_json::Value;

use super::raw::Chosen;
use crate::support::money;
use crate::support::server::Server;

/// The relative error of sketches, and a little for the last digits of a float.
const SKETCH_ERROR: f64 = 0.010_001;
const ROUNDING: f64 = 1e-9;

/// The lines of a board, by panel.
pub(super) struct Board {
    what: String,
    lines: BTreeMap<String, Value>,
}

/// A figure as it was counted here.
#[derive(Debug, Clone, Copy)]
pub(super) enum Figure {
    Count(i64),
    /// In 10^-23.
    Amount(i128),
    /// Divided.
    Real(Option<f64>),
    /// A percentile from a sketch.
    Near(Option<f64>),
    /// No row, or null.
    Null,
}

impl Figure {
    /// Whether a chart may leave it out.
    fn is_nothing(self) -> bool {
        matches!(self, Self::Count(0) | Self::Amount(0) | Self::Real(None) | Self::Near(None) | Self::Null)
    }
}

impl Board {
    pub(super) fn fetch(server: &Server, name: &str, chosen: &Chosen) -> Self {
        let target = format!("/api/v1/dashboards/{name}/data?{}", chosen.url());
        let answer = server.get(&target);
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        let mut lines = BTreeMap::new();
        for line in answer.text().lines() {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{target}: {error}: {line}"));
            assert!(line.get("error").is_none(), "{target}: {line}");
            if let Some(panel) = line["panel"].as_str() {
                lines.insert(panel.to_owned(), line);
            }
        }
        Self { what: target, lines }
    }

    pub(super) fn panels(&self) -> Vec<String> {
        self.lines.keys().cloned().collect()
    }

    pub(super) fn line(&self, panel: &str) -> &Value {
        self.lines.get(panel).unwrap_or_else(|| panic!("{} has no panel {panel}", self.what))
    }

    /// Whether the panel was told to ask for less.
    pub(super) fn is_too_long(&self, panel: &str) -> bool {
        self.line(panel).get("notice").is_some()
    }

    /// Whether there is anything to see.
    pub(super) fn has_data(&self, panel: &str) -> bool {
        let is_value = |value: &Value| !value.is_null() && *value != 0 && *value != "0";
        let any = |lists: &Value| {
            let lists = lists.as_array().into_iter().flatten();
            lists.flat_map(|list| list["values"].as_array().into_iter().flatten()).any(is_value)
        };
        let line = self.line(panel);
        any(&line["columns"]) || any(&line["series"]) || any(&line["now"]["columns"])
    }

    /// A column of a tile's one row.
    pub(super) fn tile(&self, panel: &str, column: &str, expected: Figure) {
        let found = column_of(&self.line(panel)["now"]["columns"], column);
        assert_eq!(found.len(), 1, "{}: {panel}.{column} is one value", self.what);
        self.same(&format!("{panel}.{column}"), &found[0], expected);
    }

    /// The text of a tile's one row.
    pub(super) fn tile_text(&self, panel: &str, column: &str) -> Option<String> {
        column_of(&self.line(panel)["now"]["columns"], column)[0].as_str().map(str::to_owned)
    }

    /// Each value of a chart's line; a chart leaves out a line that has no value but 0.
    pub(super) fn chart(&self, panel: &str, series: &str, expected: &[Figure]) {
        let line = self.line(panel);
        let times = line["times"].as_array().expect("times");
        assert_eq!(times.len(), expected.len(), "{}: {panel} has a value for each bucket", self.what);
        let all = line["series"].as_array().expect("series");
        let Some(found) = all.iter().find(|found| found["name"] == series) else {
            let first = expected.iter().find(|figure| !figure.is_nothing());
            return assert!(first.is_none(), "{}: {panel} has no line {series}, and one is {first:?}", self.what);
        };
        let values = found["values"].as_array().expect("values");
        for (at, (value, figure)) in values.iter().zip(expected).enumerate() {
            self.same(&format!("{panel}.{series} at {}", times[at]), value, *figure);
        }
    }

    /// The names of a chart's lines.
    pub(super) fn series(&self, panel: &str) -> Vec<String> {
        let all = self.line(panel)["series"].as_array().expect("series");
        all.iter().map(|series| series["name"].as_str().expect("a name").to_owned()).collect()
    }

    /// A table's rows, column by column.
    pub(super) fn column(&self, panel: &str, column: &str) -> Vec<Value> {
        column_of(&self.line(panel)["columns"], column)
    }

    /// A table's texts, such as names or ids.
    pub(super) fn texts(&self, panel: &str, column: &str) -> Vec<String> {
        let text = |value: Value| value.as_str().unwrap_or_else(|| panic!("{panel}.{column} is text")).to_owned();
        self.column(panel, column).into_iter().map(text).collect()
    }

    /// A column of a table, row by row.
    pub(super) fn rows(&self, panel: &str, column: &str, expected: &[Figure]) {
        let found = self.column(panel, column);
        assert_eq!(found.len(), expected.len(), "{}: rows of {panel}", self.what);
        for (at, (value, figure)) in found.iter().zip(expected).enumerate() {
            self.same(&format!("{panel}.{column} in row {at}"), value, *figure);
        }
    }

    /// The whole numbers of a column added up.
    pub(super) fn total(&self, panel: &str, column: &str) -> i64 {
        self.column(panel, column).iter().map(|value| value.as_i64().expect("a whole number")).sum()
    }

    pub(super) fn says(&self, what: &str, found: &impl std::fmt::Debug, expected: &impl std::fmt::Debug) {
        let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
        assert_eq!(found, expected, "{}: {what}", self.what);
    }

    fn same(&self, what: &str, found: &Value, expected: Figure) {
        let within = |expected: Option<f64>, error: f64| match (found.as_f64(), expected) {
            (Some(found), Some(expected)) => (found - expected).abs() <= error * expected.abs().max(f64::MIN_POSITIVE),
            (found, expected) => found.is_none() && expected.is_none(),
        };
        let is_same = match expected {
            Figure::Count(count) => found.as_i64() == Some(count),
            Figure::Amount(amount) => units(found) == Some(amount),
            Figure::Real(real) => within(real, ROUNDING),
            Figure::Near(near) => within(near, SKETCH_ERROR),
            Figure::Null => found.is_null(),
        };
        assert!(is_same, "{}: {what} is {found}, and the records say {expected:?}", self.what);
    }
}

/// An amount in 10^-23; 0 is drawn as a number where a bucket has no row.
fn units(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => Some(money::units(text)),
        other => other.as_i64().filter(|zero| *zero == 0).map(i128::from),
    }
}

fn column_of(columns: &Value, name: &str) -> Vec<Value> {
    let columns = columns.as_array().expect("columns");
    let column = columns.iter().find(|column| column["name"] == name);
    column.unwrap_or_else(|| panic!("no column {name} in {columns:?}"))["values"].as_array().expect("values").clone()
}

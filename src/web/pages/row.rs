//! Turns answers that failed, and cells without a value, into what a page says instead.

use crate::query::{self, QueryResult, format};

use super::format::NONE;

pub(super) use crate::web::rows::{Row, int, map, number, text};

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

/// Text, or the dash.
pub(super) fn text_or_none(row: &Row, column: &str) -> String {
    Some(text(row, column)).filter(|text| !text.is_empty()).unwrap_or(NONE).to_owned()
}

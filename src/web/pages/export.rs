//! Hands a page's rows on as files: the same rows as CSV or JSON.

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::query::{QueryResult, format};
use crate::web::error::Problem;
use crate::web::params::QueryString;

/// A format that rows are handed on in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Export {
    Csv,
    Json,
}

impl Export {
    /// The parameter `format`; none is the page itself.
    pub(super) fn read(query: &mut QueryString) -> Result<Option<Self>, Problem> {
        match query.text("format")?.as_deref() {
            None | Some("html") => Ok(None),
            Some("csv") => Ok(Some(Self::Csv)),
            Some("json") => Ok(Some(Self::Json)),
            Some(other) => Err(Problem::invalid(format!("format={other}: it must be html, csv or json"))),
        }
    }
}

/// The rows as a file of this name.
pub(super) async fn respond(export: Export, name: &str, result: QueryResult) -> Result<Response, Problem> {
    let write = move || match export {
        Export::Csv => format::csv(&result),
        Export::Json => format::json(&result),
    };
    let written = tokio::task::spawn_blocking(write).await.map_err(|error| Problem::internal(&error))??;
    let (media_type, disposition) = match export {
        Export::Csv => ("text/csv; charset=utf-8", format!("attachment; filename=\"{name}.csv\"")),
        Export::Json => ("application/json", "inline".to_owned()),
    };
    let mut response = written.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        response.headers_mut().insert(CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

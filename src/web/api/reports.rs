//! A month's reports as files: the same bytes that `faremeter report` writes, with what tells whether they arrived whole.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH};
use http::{HeaderName, HeaderValue, StatusCode, Uri};

use crate::report::{Digest, File, Format};
use crate::web::error::Problem;
use crate::web::params::QueryString;
use crate::web::reports::{Asked, written};
use crate::web::state::AppState;

use super::ProblemBody;

/// RFC 9530.
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// The file's manifest: a byte sequence of RFC 9651 that holds its JSON.
const MANIFEST: HeaderName = HeaderName::from_static("faremeter-manifest");

/// A month's report as a file
///
/// The same bytes as `faremeter report KIND --month --format`. `repr-digest` is their SHA-256, `faremeter-manifest` the file's
/// manifest as JSON in Base64 between colons.
#[utoipa::path(
    get,
    operation_id = "get_report",
    path = "/api/v1/reports/{kind}",
    tag = "billing",
    params(
        ("kind" = String, Path, description = "`statement` or `chargeback`"),
        ("month" = String, Query, description = "The month in the zone of each price book, `YYYY-MM`"),
        ("format" = Option<String>, Query, description = "`csv`, `json`, `parquet`, `xlsx` or `pdf` (json)"),
        ("by" = Option<String>, Query, description = "What a chargeback shares out by: `function`, `tenant`, `cost-center` or `tag:KEY` (function)"),
    ),
    responses(
        (status = 200, description = "The file"),
        (status = 304, description = "The file is the one that `if-none-match` names"),
        (status = 400, description = "A parameter is missing or wrong, or the month has not begun", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such report", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The report is too large, or cannot be told in this format", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many reports are written at once", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn file(
    State(state): State<Arc<AppState>>,
    Path(kind): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let File { format, bytes, manifest } = one(&state, &kind, &uri).await?;
    let etag = format!("\"{}\"", manifest.sha256);
    let json = serde_json::to_vec(&manifest).map_err(|error| Problem::internal(&error))?;
    let fields = [
        (CONTENT_TYPE, format.media_type().to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", manifest.file)),
        (REPR_DIGEST, Digest::of(&bytes).repr_digest()),
        (MANIFEST, format!(":{}:", STANDARD.encode(json))),
        (CACHE_CONTROL, "private, no-cache".to_owned()),
        (ETAG, etag.clone()),
    ];
    let mut response =
        if is_known(&headers, &etag) { StatusCode::NOT_MODIFIED.into_response() } else { bytes.into_response() };
    for (name, value) in fields {
        let value = HeaderValue::try_from(value).map_err(|error| Problem::internal(&error))?;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// The manifest of a month's report in a format
///
/// What stands in FILE.manifest.json beside the file that `faremeter report` writes.
#[utoipa::path(
    get,
    operation_id = "get_report_manifest",
    path = "/api/v1/reports/{kind}/manifest",
    tag = "billing",
    params(
        ("kind" = String, Path, description = "`statement` or `chargeback`"),
        ("month" = String, Query, description = "The month in the zone of each price book, `YYYY-MM`"),
        ("format" = Option<String>, Query, description = "`csv`, `json`, `parquet`, `xlsx` or `pdf` (json)"),
        ("by" = Option<String>, Query, description = "What a chargeback shares out by: `function`, `tenant`, `cost-center` or `tag:KEY` (function)"),
    ),
    responses(
        (status = 200, description = "Digest, row count, control totals and sources of the file", body = serde_json::Value),
        (status = 400, description = "A parameter is missing or wrong, or the month has not begun", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such report", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The report is too large, or cannot be told in this format", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many reports are written at once", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn manifest(
    State(state): State<Arc<AppState>>,
    Path(kind): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let manifest = one(&state, &kind, &uri).await?.manifest;
    let mut response = manifest.to_json().into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The file that is asked for.
async fn one(state: &AppState, kind: &str, uri: &Uri) -> Result<File, Problem> {
    let mut query = QueryString::of(uri);
    let asked = Asked::read(state, kind, &mut query);
    let format = query.read::<Format>("format")?.unwrap_or(Format::Json);
    let asked = asked?;
    query.finish()?;
    let report = asked.report(state).await?;
    let file = written(state, report, &[format]).await?.pop();
    file.ok_or_else(|| Problem::internal(&"a report was asked for and none was written"))
}

/// Whether the client has the bytes with this tag.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let named = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut named = named.flat_map(|tags| tags.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    named.any(|tag| tag == "*" || tag == etag)
}

//! Takes in files of OTLP's JSON. What is in them is `crate::ingest`'s.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};

use crate::ingest::{Import, Summary};
use crate::model::check_name;

use super::ProblemBody;
use crate::web::error::Problem;
use crate::web::params::QueryString;
use crate::web::state::AppState;
use crate::web::upload::upload;

/// Imports OTLP's JSON
///
/// The body is a file of any length, gzip or not, with export requests of traces, logs or metrics one after another, as the
/// Collector's file exporter writes them. It is answered when all is on disk. What was stored before an error stays, and the
/// same file again completes it: nothing is stored twice.
#[utoipa::path(
    post,
    operation_id = "import_otlp_json",
    path = "/api/v1/import/otlp-json",
    tag = "ingest",
    params(("tenant" = Option<String>, Query, description = "Whom what names no tenant belongs to (default)")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file"),
    responses(
        (status = 200, description = "All was read", body = Summary),
        (status = 400, description = "A parameter is wrong, or the file cannot be read to its end", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "A request of the file is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The store takes nothing now", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn import(
    State(state): State<Arc<AppState>>,
    request: Request,
) -> Result<Json<Summary>, Problem> {
    let (parts, body) = request.into_parts();
    let mut query = QueryString::of(&parts.uri);
    let tenant = query.text("tenant")?;
    query.finish()?;
    if let Some(tenant) = &tenant {
        check_name(tenant, "tenant").map_err(|error| Problem::invalid(error.to_string()))?;
    }
    let (upload, bring) = upload(body, state.config.body_timeout);
    let import = Import { receiver: &state.receiver, tenant: tenant.as_deref() };
    let (imported, ()) = tokio::join!(import.read(upload), bring);
    Ok(Json(imported?))
}

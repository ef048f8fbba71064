//! What machines ask about the server itself: whether it lives, whether it is ready, and its metrics.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderMap, VARY};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::Problem;
use super::exposition::{OPEN_METRICS, PROMETHEUS_TEXT, prometheus_text, wants_open_metrics};
use super::state::AppState;

/// That the server lives.
#[derive(Serialize, ToSchema)]
pub(super) struct Alive {
    /// `ok`
    status: &'static str,
}

/// Whether the server is ready.
#[derive(Serialize, ToSchema)]
pub(super) struct ReadyReport {
    /// `ready` or `not ready`.
    status: &'static str,
    /// Everything that must be well.
    checks: Vec<Check>,
}

/// Something that must be well.
#[derive(Serialize, ToSchema)]
pub(super) struct Check {
    /// What it is.
    #[schema(example = "store")]
    name: &'static str,
    /// Whether it is well.
    ok: bool,
    /// What is wrong, or how far it is.
    detail: Option<String>,
}

/// Whether the server lives
#[utoipa::path(
    get,
    operation_id = "get_liveness",
    path = "/healthz",
    tag = "server",
    responses((status = 200, description = "It lives", body = Alive))
)]
pub(super) async fn live() -> Json<Alive> {
    Json(Alive { status: "ok" })
}

/// Whether the server is ready
#[utoipa::path(
    get,
    operation_id = "get_readiness",
    path = "/readyz",
    tag = "server",
    responses(
        (status = 200, description = "Records can be written and tables be read", body = ReadyReport),
        (status = 503, description = "Not yet, or not any more", body = ReadyReport),
    )
)]
pub(super) async fn ready(State(state): State<Arc<AppState>>) -> Response {
    let report = report(&state);
    let status =
        if report.checks.iter().all(|check| check.ok) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report)).into_response()
}

/// The tables are open and the log is replayed before there is a handle of the store, so the tables need no question.
fn report(state: &AppState) -> ReadyReport {
    let status = state.store.status();
    let store = Check { name: "store", ok: status.fault.is_none(), detail: status.fault };
    let tables = Check { name: "tables", ok: true, detail: None };
    let disk = status.disk.shortage();
    let disk = Check { name: "disk", ok: !status.disk.is_full(), detail: disk };
    let steps = state.readiness.waiting();
    let steps = steps.into_iter().map(|(name, progress)| Check { name, ok: false, detail: Some(progress) });
    let checks: Vec<Check> = [store, tables, disk].into_iter().chain(steps).collect();
    let status = if checks.iter().all(|check| check.ok) { "ready" } else { "not ready" };
    ReadyReport { status, checks }
}

/// Metrics of the server and of each function
#[utoipa::path(
    get,
    operation_id = "get_metrics",
    path = "/metrics",
    tag = "server",
    responses((status = 200, description = "OpenMetrics where `accept` names it, else Prometheus text", content(
        (String = "text/plain"), (String = "application/openmetrics-text"),
    )))
)]
pub(super) async fn metrics(State(state): State<Arc<AppState>>, headers: HeaderMap) -> Result<Response, Problem> {
    let text = state.open_metrics();
    let text = text.map_err(|error| Problem::internal(&error))?;
    let (text, media_type) =
        if wants_open_metrics(&headers) { (text, OPEN_METRICS) } else { (prometheus_text(&text), PROMETHEUS_TEXT) };
    let mut response = text.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

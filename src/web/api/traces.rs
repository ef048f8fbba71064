//! Traces for programs: searched page by page, drawn as points, and one as a whole.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::Uri;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::units::TraceId;
use crate::web::error::{NOT_FOUND, Problem};
use crate::web::panel::window::Window;
use crate::web::params::QueryString;
use crate::web::state::AppState;
use crate::web::traces::filter::Filter;
use crate::web::traces::read::{self, Trace};
use crate::web::traces::scatter::{self, Scatter};
use crate::web::traces::search::{self, Cursor, TraceList};
use crate::web::traces::trace_id;

use super::ProblemBody;

/// Log records of a trace that are answered, at most.
const LOGS: usize = 2_000;

/// Rows of what hangs on a trace.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct TraceRows {
    /// Rows of the table, by column.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Map<String, Value>>,
    /// Whether there are more.
    is_cut: bool,
}

/// Searches traces
///
/// A trace is found by its entries: its invocations, and its spans without a parent; with `attr` by the spans that have the
/// attribute. It is listed once, at its newest entry, newest first. Counts and cost are of what began within two hours of it.
#[utoipa::path(
    get,
    operation_id = "list_traces",
    path = "/api/v1/traces",
    tag = "telemetry",
    params(
        ("from" = Option<String>, Query, description = "now, now-6h, RFC 3339 or milliseconds since 1970 (now-24h)"),
        ("to" = Option<String>, Query, description = "The same (now)"),
        ("tenant" = Option<String>, Query, description = "Of this tenant alone"),
        ("fn" = Option<String>, Query, description = "Of this function alone"),
        ("ver" = Option<String>, Query, description = "Of this version alone"),
        ("region" = Option<String>, Query, description = "Of this region alone"),
        ("tag" = Option<String>, Query, description = "With this tag alone: KEY:VALUE"),
        ("outcome" = Option<String>, Query, description = "Outcomes with commas between them; failed is all that an error rate counts"),
        ("cold" = Option<String>, Query, description = "yes or no"),
        ("min_duration" = Option<String>, Query, description = "That took as long or longer, such as 250ms"),
        ("max_duration" = Option<String>, Query, description = "That took no longer"),
        ("attr" = Option<String>, Query, description = "With a span that has this attribute, or whose resource has: KEY=VALUE"),
        ("limit" = Option<u32>, Query, description = "Traces in a page, 1 to 1000 (50)"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses(
        (status = 200, description = "The traces", body = TraceList),
        (status = 400, description = "A parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn list(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Json<TraceList>, Problem> {
    let mut query = QueryString::of(&uri);
    let window = Window::read(&mut query, state.clock.now())?;
    let filter = Filter::read(&mut query)?;
    let limit = query.limit(50)?;
    let cursor = query.read_with("cursor", Cursor::read)?;
    query.finish()?;
    Ok(Json(search::search(&state.query, &window, &filter, cursor.as_ref(), limit).await?))
}

/// Points of traces
///
/// What begins traces, by time and duration: the slowest and an even sample; of a long range with many traces an even sample alone. It takes what the search takes, but pages.
#[utoipa::path(
    get,
    operation_id = "get_trace_points",
    path = "/api/v1/traces/scatter",
    tag = "telemetry",
    responses(
        (status = 200, description = "The points, evenly over the range", body = Scatter),
        (status = 400, description = "A parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn points(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Json<Scatter>, Problem> {
    let mut query = QueryString::of(&uri);
    let window = Window::read(&mut query, state.clock.now())?;
    let filter = Filter::read(&mut query)?;
    query.finish()?;
    Ok(Json(scatter::scatter(&state.query, &window, &filter).await?))
}

/// Reads a trace
///
/// Its spans as a tree, each with its own time and list cost and those of all below it, and the critical path. An invocation
/// without a span is shown from its record.
#[utoipa::path(
    get,
    operation_id = "get_trace",
    path = "/api/v1/traces/{trace_id}",
    tag = "telemetry",
    params(("trace_id" = String, Path, description = "32 hex digits, or as X-Ray writes it")),
    responses(
        (status = 200, description = "The trace", body = Trace),
        (status = 404, description = "No table has anything of it", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn get(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<Trace>, Problem> {
    QueryString::of(&uri).finish()?;
    let trace = read::read(&state.query, known(&id)?).await?;
    Ok(Json(trace.ok_or_else(|| missing(&id))?))
}

/// Reads a span
///
/// All that is known of it: attributes, events, links. More than one where its id came twice.
#[utoipa::path(
    get,
    operation_id = "get_span",
    path = "/api/v1/traces/{trace_id}/spans/{span_id}",
    tag = "telemetry",
    params(
        ("trace_id" = String, Path, description = "32 hex digits"),
        ("span_id" = String, Path, description = "16 hex digits"),
    ),
    responses(
        (status = 200, description = "The span", body = TraceRows),
        (status = 404, description = "There is no such span", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn span(
    State(state): State<Arc<AppState>>,
    Path((trace, span)): Path<(String, String)>,
    uri: Uri,
) -> Result<Json<TraceRows>, Problem> {
    QueryString::of(&uri).finish()?;
    let items = read::span(&state.query, known(&trace)?, &span.to_ascii_lowercase()).await?;
    if items.is_empty() {
        return Err(Problem::new(NOT_FOUND, format!("the trace '{trace}' has no span '{span}'")));
    }
    Ok(Json(TraceRows { items, is_cut: false }))
}

/// Reads a trace's log records
///
/// Oldest first; at most 2,000.
#[utoipa::path(
    get,
    operation_id = "get_trace_logs",
    path = "/api/v1/traces/{trace_id}/logs",
    tag = "telemetry",
    params(("trace_id" = String, Path, description = "32 hex digits")),
    responses(
        (status = 200, description = "The records; none where the trace has none", body = TraceRows),
        (status = 404, description = "That is no trace's id", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn logs(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<TraceRows>, Problem> {
    QueryString::of(&uri).finish()?;
    let (items, is_cut) = read::logs(&state.query, known(&id)?, LOGS).await?;
    Ok(Json(TraceRows { items, is_cut }))
}

fn known(id: &str) -> Result<TraceId, Problem> {
    trace_id(id).ok_or_else(|| Problem::new(NOT_FOUND, format!("'{id}' is no trace's id: those have 32 hex digits")))
}

fn missing(id: &str) -> Problem {
    let detail = format!("neither spans nor invocations of the trace '{id}' are in the tables, nor wait in memory");
    Problem::new(NOT_FOUND, detail)
}

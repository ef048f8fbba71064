//! Log records for programs: searched page by page, counted, with what surrounds one, and live.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Uri};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::query::{Param, Params};
use crate::web::error::{BUSY, Problem};
use crate::web::logs::counts::{self, Facets, Histogram};
use crate::web::logs::filter::Filter;
use crate::web::logs::list::{self, Cursor, Place};
use crate::web::logs::tail::{self, Tail};
use crate::web::panel::window::Window;
use crate::web::params::QueryString;
use crate::web::state::AppState;

use super::ProblemBody;

/// Records around one: each way, where the request does not say, and at most.
const CONTEXT: (usize, usize) = (20, 200);

/// A page of log records.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct RecordList {
    /// Records, newest first, by column. `time_unix_nano` is text, as in OTLP's JSON.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Map<String, Value>>,
    /// Given as `cursor` it asks for older ones; null when there are none.
    next_cursor: Option<String>,
}

/// The records around one.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Context {
    /// Oldest first.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Map<String, Value>>,
}

/// What a request for records asks for.
struct Asked {
    window: Window,
    filter: Filter,
    params: Params,
}

impl Asked {
    async fn read(state: &AppState, query: &mut QueryString) -> Result<Self, Problem> {
        let window = Window::read(query, state.clock.now())?;
        let filter = Filter::read(query)?;
        filter.check_regex(&state.query).await?;
        let params = filter.params(&window);
        Ok(Self { window, filter, params })
    }
}

/// Searches log records
#[utoipa::path(
    get,
    operation_id = "list_log_records",
    path = "/api/v1/logs",
    tag = "telemetry",
    params(
        ("from" = Option<String>, Query, description = "now, now-6h, RFC 3339 or milliseconds since 1970 (now-24h)"),
        ("to" = Option<String>, Query, description = "The same (now)"),
        ("tenant" = Option<String>, Query, description = "Of this tenant alone"),
        ("fn" = Option<String>, Query, description = "Of this function alone"),
        ("ver" = Option<String>, Query, description = "Of this version alone"),
        ("severity" = Option<String>, Query, description = "none, trace, debug, info, warn, error or fatal; commas between several"),
        ("q" = Option<String>, Query, description = "Text in the body, in capitals or not"),
        ("regex" = Option<String>, Query, description = "A regular expression that the body matches, such as (?i)time(d )?out"),
        ("trace_id" = Option<String>, Query, description = "Of this trace alone"),
        ("span_id" = Option<String>, Query, description = "Of this span alone"),
        ("invocation_id" = Option<String>, Query, description = "Of this invocation alone"),
        ("environment_id" = Option<String>, Query, description = "Of this execution environment alone"),
        ("source" = Option<String>, Query, description = "From this source alone, such as executor"),
        ("attr" = Option<String>, Query, description = "With this attribute alone, its own or its resource's: KEY=VALUE"),
        ("limit" = Option<u32>, Query, description = "Records in a page, 1 to 1000 (100)"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses(
        (status = 200, description = "The records", body = RecordList),
        (status = 400, description = "A parameter is wrong, such as a regular expression: it says where", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn list(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Json<RecordList>, Problem> {
    let mut query = QueryString::of(&uri);
    let asked = Asked::read(&state, &mut query).await?;
    let limit = query.limit(100)?;
    let cursor = query.read_with("cursor", Cursor::read)?;
    query.finish()?;
    let (items, next) = list::page(&state.query, asked.params, cursor, limit).await?;
    Ok(Json(RecordList { items, next_cursor: next.map(|next| next.to_string()) }))
}

/// Counts log records over time
///
/// By severity, for the same filters as the search.
#[utoipa::path(
    get,
    operation_id = "get_log_histogram",
    path = "/api/v1/logs/histogram",
    tag = "telemetry",
    responses(
        (status = 200, description = "The counts", body = Histogram),
        (status = 400, description = "A parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn histogram(
    State(state): State<Arc<AppState>>,
    uri: Uri,
) -> Result<Json<Histogram>, Problem> {
    let mut query = QueryString::of(&uri);
    let asked = Asked::read(&state, &mut query).await?;
    query.finish()?;
    Ok(Json(counts::histogram(&state.query, &asked.window, asked.params).await?))
}

/// Says what log records have in common
///
/// The most frequent values of columns and attributes, over the newest 50,000 records of the search.
#[utoipa::path(
    get,
    operation_id = "get_log_facets",
    path = "/api/v1/logs/facets",
    tag = "telemetry",
    responses(
        (status = 200, description = "The values and how many records have them", body = Facets),
        (status = 400, description = "A parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn facets(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Json<Facets>, Problem> {
    let mut query = QueryString::of(&uri);
    let asked = Asked::read(&state, &mut query).await?;
    query.finish()?;
    Ok(Json(counts::facets(&state.query, asked.params).await?))
}

/// Reads the records around one
///
/// Of its execution environment, of its invocation, or else of its function and source; within an hour.
#[utoipa::path(
    get,
    operation_id = "get_log_context",
    path = "/api/v1/logs/context",
    tag = "telemetry",
    params(
        ("at" = String, Query, description = "The record's `time_unix_nano`"),
        ("tenant" = String, Query, description = "Its tenant"),
        ("environment_id" = Option<String>, Query, description = "Of this execution environment"),
        ("invocation_id" = Option<String>, Query, description = "Of this invocation"),
        ("fn" = Option<String>, Query, description = "Of this function"),
        ("source" = Option<String>, Query, description = "From this source"),
        ("lines" = Option<u32>, Query, description = "Records each way, 1 to 200 (20)"),
    ),
    responses(
        (status = 200, description = "The records, oldest first", body = Context),
        (status = 400, description = "A parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn context(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Json<Context>, Problem> {
    let mut query = QueryString::of(&uri);
    let at = query.read::<i64>("at")?.ok_or_else(|| Problem::invalid("give 'at', a record's time_unix_nano"))?;
    let tenant = query.text("tenant")?.ok_or_else(|| Problem::invalid("give 'tenant', that of the record"))?;
    let mut of = Params::new();
    for (name, param) in [
        ("environment_id", "environment_id"),
        ("invocation_id", "invocation_id"),
        ("fn", "function"),
        ("source", "source"),
    ] {
        let given = query.text(name)?.filter(|text| !text.is_empty());
        of.extend(given.map(|text| (param.to_owned(), Param::Text(text))));
    }
    let lines = query.read::<usize>("lines")?.unwrap_or(CONTEXT.0);
    query.finish()?;
    if !(1..=CONTEXT.1).contains(&lines) {
        return Err(Problem::invalid(format!("lines={lines}: it must be from 1 to {}", CONTEXT.1)));
    }
    if of.is_empty() {
        return Err(Problem::invalid("give one of 'environment_id', 'invocation_id', 'fn' or 'source'"));
    }
    let items = list::around(&state.query, Place { nanos: at, tenant, of }, lines).await?;
    Ok(Json(Context { items }))
}

/// Follows log records
///
/// Server-sent events for the filters of the search: `logs` with the records that arrived, oldest first; `dropped` with how
/// many were left out because more arrived at once than one look takes; `failed` when a look failed, which is tried again. An
/// event's id, sent as `Last-Event-ID` or `after`, goes on behind it and leaves out nothing. Records that happened more than
/// an hour before they arrived are not followed.
#[utoipa::path(
    get,
    operation_id = "follow_log_records",
    path = "/api/v1/logs/tail",
    tag = "telemetry",
    params(("after" = Option<String>, Query, description = "The `ingested_at` of the last record seen (now)")),
    responses(
        (status = 200, description = "Events, until the client goes", content_type = "text/event-stream", body = String),
        (status = 400, description = "A parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many follow at once: try again", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn follow(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = QueryString::of(&uri);
    let asked = Asked::read(&state, &mut query).await?;
    let after = query.read_with("after", tail::read_after)?;
    query.finish()?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| tail::read_after(id).ok());
    let Ok(place) = Arc::clone(&state.tails).try_acquire_owned() else {
        let detail = format!("{} follow log records already, the most at once", state.config.max_tails);
        return Err(Problem::new(BUSY, detail).retry());
    };
    tracing::debug!(filters = asked.filter.pairs().len(), "somebody follows log records");
    let tail = Tail {
        engine: state.query.clone(),
        clock: state.clock.clone(),
        params: asked.params,
        after: last.or(after).unwrap_or_else(|| state.clock.now().to_string()),
        most: state.config.tail_rows,
        stop: state.stopping.clone(),
        _place: place,
    };
    Ok(Sse::new(tail.events()).keep_alive(KeepAlive::default()).into_response())
}

//! The page at `/traces`: what is searched for, a chart of durations, and a page of the traces, newest first. The chart's
//! points come from the API.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, Uri};
use serde::Serialize;

use crate::web::error::Problem;
use crate::web::outcome::{self, Choice};
use crate::web::panel::window::{Controls, Filters, Window};
use crate::web::params::QueryString;
use crate::web::state::AppState;
use crate::web::traces::filter::Filter;
use crate::web::traces::search::{self, Cursor, TraceItem, TraceList};
use crate::web::traces::trace_id;

use super::empty::{self, Empty};
use super::format::{self, NONE};
use super::range::{self, Pair, Range};

pub(super) const PATH: &str = "/traces";
/// Where traces are looked for.
pub(super) const TABLES: [&str; 2] = ["spans", "invocations"];

#[derive(Serialize)]
struct Page<'a> {
    range: Range,
    keep: String,
    filters: &'a Filters,
    filter: &'a Filter,
    outcomes: Vec<Choice>,
    kept: Vec<Pair>,
    filtered: bool,
    clear: String,
    /// That spans of a part of the range are gone.
    cut: Option<String>,
    traces: Vec<Shown>,
    newest: Option<String>,
    older: Option<String>,
    json: String,
    empty: Option<Empty>,
    error: Option<String>,
}

/// A line of the list.
#[derive(Serialize)]
struct Shown {
    id: String,
    href: String,
    /// RFC 3339
    at: String,
    date: String,
    time: String,
    root: String,
    function: String,
    tenant: String,
    duration: String,
    /// Of 1000, beside the longest of the page.
    width: i64,
    spans: String,
    errors: i64,
    cold: i64,
    invocations: String,
    cost: Vec<String>,
    unpriced: i64,
}

/// Traces
#[utoipa::path(
    get,
    path = "/traces",
    tag = "pages",
    responses(
        (status = 200, description = "An HTML page", content_type = "text/html", body = String),
        (status = 303, description = "To the page of the trace, where the request gives `trace_id`"),
        (status = 400, description = "A filter is not understood", body = crate::web::api::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn traces(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = QueryString::of(&uri);
    let window = Window::read(&mut query, state.clock.now())?;
    let filter = Filter::read(&mut query)?;
    let limit = query.limit(50)?;
    let cursor = query.read_with("cursor", Cursor::read)?;
    let asked = query.text("trace_id")?.filter(|id| !id.trim().is_empty());
    query.finish()?;
    if let Some(asked) = asked {
        let id = trace_id(&asked).map_or(asked, |id| id.to_string());
        let zone = range::zone(&window.url.tz);
        return Ok(Redirect::to(&range::href(&format!("{PATH}/{}", range::segment(&id)), &zone)).into_response());
    }
    let (found, error) = match search::search(&state.query, &window, &filter, cursor.as_ref(), limit).await {
        Ok(found) => (found, None),
        Err(problem) => (TraceList::default(), Some(problem.detail().to_owned())),
    };
    let controls = &window.url;
    let filtered = controls.filters != Filters::default() || filter != Filter::default();
    let is_empty = found.items.is_empty() && error.is_none();
    let empty = if is_empty { Some(Empty::of(&state, &headers, &window, &TABLES, filtered).await) } else { None };
    let common: Vec<Pair> =
        range::range(controls).into_iter().chain(range::filters(controls)).chain(filter.pairs()).collect();
    let link = |path: &str, more: &[Pair]| range::href(path, common.iter().chain(more));
    let longest = found.items.iter().map(|trace| trace.duration_ns).max().unwrap_or(0);
    let page = Page {
        keep: range::keep(controls),
        range: Range::of(PATH, &window, &filter.pairs()),
        filters: &controls.filters,
        outcomes: outcome::choices(&filter.outcome),
        kept: range::beside(controls, &["tenant", "fn", "ver", "region", "tag"]),
        filtered,
        clear: range::href(PATH, &clear(controls, empty.as_ref())),
        cut: empty::cut(&state, &window, &["spans"]),
        traces: found.items.iter().map(|trace| shown(trace, longest, &controls.tz)).collect(),
        newest: cursor.map(|_| link(PATH, &[])),
        older: found.next_cursor.map(|next| link(PATH, &[("cursor", next)])),
        json: link("/api/v1/traces", &[]),
        filter: &filter,
        empty,
        error,
    };
    state.pages.render(&state, "traces.html", PATH, &page)
}

/// What the page without filters keeps: its range, unless nothing of that is kept.
pub(super) fn clear(controls: &Controls, empty: Option<&Empty>) -> Vec<Pair> {
    if empty.is_some_and(Empty::is_outside) {
        range::zone(&controls.tz).into_iter().collect()
    } else {
        range::range(controls)
    }
}

fn shown(trace: &TraceItem, longest: i64, tz: &str) -> Shown {
    let zone = range::zone(tz);
    let (date, time) = trace.started_at.split_once('T').unwrap_or(("", &trace.started_at));
    let count = |count: i64| if count == 0 { NONE.to_owned() } else { format::count(count) };
    Shown {
        id: trace.trace_id.clone(),
        href: range::href(&format!("{PATH}/{}", trace.trace_id), &zone),
        at: trace.started_at.clone(),
        date: date.to_owned(),
        time: time.trim_end_matches('Z').get(..12).unwrap_or(time).to_owned(),
        root: trace.root.clone(),
        function: trace.function.clone().filter(|function| *function != trace.root).unwrap_or_default(),
        tenant: trace.tenant.clone(),
        duration: format::duration(trace.duration_ns),
        width: super::phases::place(0, trace.duration_ns, longest).1,
        spans: count(trace.spans),
        errors: trace.errors,
        cold: trace.cold,
        invocations: count(trace.invocations),
        cost: trace.list_cost.iter().map(|amount| amount.text()).collect(),
        unpriced: trace.unpriced,
    }
}

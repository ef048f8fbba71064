//! The page at `/logs`: what is searched for, and a page of log records, newest first. The histogram, the facets, the
//! context of a record and the live tail come from the API.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Uri};
use serde::Serialize;

use crate::web::error::Problem;
use crate::web::logs::filter::Filter;
use crate::web::logs::list::{self, Cursor};
use crate::web::logs::{LEVELS, level};
use crate::web::outcome::{self, Choice};
use crate::web::panel::window::{Filters, Window};
use crate::web::params::QueryString;
use crate::web::rows::{Row, int, map, text};
use crate::web::state::AppState;

use super::empty::{self, Empty};
use super::range::{self, Pair, Range};
use super::traces::clear;

const PATH: &str = "/logs";
/// Characters of a body that are shown beside the pointer.
const HINT: usize = 300;

#[derive(Serialize)]
struct Page<'a> {
    range: Range,
    keep: String,
    filters: &'a Filters,
    filter: &'a Filter,
    severities: Vec<Choice>,
    kept: Vec<Pair>,
    filtered: bool,
    clear: String,
    /// What the range or the filters cannot do here.
    notices: Vec<String>,
    records: Vec<Shown>,
    newest: Option<String>,
    older: Option<String>,
    json: String,
    /// For the script: the last arrival that is shown.
    script: String,
    empty: Option<Empty>,
    error: Option<String>,
}

/// A line of the list.
#[derive(Serialize)]
struct Shown {
    /// RFC 3339
    at: String,
    full: String,
    time: String,
    level: &'static str,
    severity: String,
    function: String,
    body: String,
    /// The beginning of the body, where it is cut.
    hint: String,
    /// What its context is asked by.
    nanos: String,
    tenant: String,
    environment: String,
    invocation: String,
    source: String,
    /// RFC 3339; empty where it is not known.
    arrived: String,
    arrived_full: String,
    links: Vec<Link>,
    fields: Vec<(&'static str, String)>,
    attributes: Vec<(String, String)>,
    resource: Vec<(String, String)>,
}

/// Where a record leads.
#[derive(Serialize)]
struct Link {
    title: &'static str,
    href: String,
}

/// Logs
#[utoipa::path(
    get,
    path = "/logs",
    tag = "pages",
    responses(
        (status = 200, description = "An HTML page", content_type = "text/html", body = String),
        (status = 400, description = "A filter is not understood", body = crate::web::api::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn logs(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = QueryString::of(&uri);
    let window = Window::read(&mut query, state.clock.now())?;
    let filter = Filter::read(&mut query)?;
    let limit = query.limit(100)?;
    let cursor = query.read_with("cursor", Cursor::read)?;
    // Whether the script follows at once.
    query.text("live")?;
    query.finish()?;
    let found = match filter.check_regex(&state.query).await {
        Ok(()) => list::page(&state.query, filter.params(&window), cursor, limit).await,
        Err(problem) => Err(problem),
    };
    let (records, next, error) = match found {
        Ok((records, next)) => (records, next, None),
        Err(problem) => (Vec::new(), None, Some(problem.detail().to_owned())),
    };
    let controls = &window.url;
    let filtered = controls.filters != Filters::default() || filter != Filter::default();
    let is_empty = records.is_empty() && error.is_none();
    let empty = if is_empty { Some(Empty::of(&state, &headers, &window, &["logs"], filtered).await) } else { None };
    let common: Vec<Pair> =
        range::range(controls).into_iter().chain(range::filters(controls)).chain(filter.pairs()).collect();
    let link = |path: &str, more: &[Pair]| range::href(path, common.iter().chain(more));
    let range = range::range(controls);
    let script = serde_json::json!({ "after": list::last_arrival(&records), "live": window.is_live() });
    let page = Page {
        keep: range::keep(controls),
        range: Range::of(PATH, &window, &filter.pairs()),
        filters: &controls.filters,
        severities: severities(&filter.severity),
        kept: kept(&window, &filter),
        filtered,
        clear: range::href(PATH, &clear(controls, empty.as_ref())),
        notices: notices(&state, &window),
        records: records.iter().map(|row| shown(row, &range)).collect(),
        newest: cursor.map(|_| link(PATH, &[])),
        older: next.map(|next| link(PATH, &[("cursor", next.to_string())])),
        json: link("/api/v1/logs", &[]),
        script: super::embedded(&script)?,
        filter: &filter,
        empty,
        error,
    };
    state.pages.render(&state, "logs.html", PATH, &page)
}

/// The severities from each one up, and each alone.
fn severities(chosen: &str) -> Vec<Choice> {
    let from = |first: usize| LEVELS[first..].join(",");
    let up = [3, 4, 5].map(|first| (from(first), format!("{} and above", LEVELS[first])));
    let alone = LEVELS.iter().map(|level| ((*level).to_owned(), format!("{level} alone")));
    let all: Vec<(String, String)> = [(String::new(), "any".to_owned())].into_iter().chain(up).chain(alone).collect();
    outcome::offered(all.iter().map(|(value, title)| (value.as_str(), title.clone())), chosen)
}

/// What the form of filters keeps: the range and what has no field in it.
fn kept(window: &Window, filter: &Filter) -> Vec<Pair> {
    let fields = ["severity", "q", "regex", "trace_id", "attr"];
    let others = filter.pairs().into_iter().filter(|(name, _)| !fields.contains(name));
    range::beside(&window.url, &["tenant", "fn"]).into_iter().chain(others).collect()
}

fn notices(state: &AppState, window: &Window) -> Vec<String> {
    let filters = &window.url.filters;
    let unknown = [("region", &filters.region), ("tag", &filters.tag)].map(|(name, value)| (name, !value.is_empty()));
    let unknown: Vec<&str> = unknown.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name).collect();
    let ignored = (!unknown.is_empty())
        .then(|| format!("Log records have no {}: that filter changes nothing here.", unknown.join(" and no ")));
    empty::cut(state, window, &["logs"]).into_iter().chain(ignored).collect()
}

fn shown(row: &Row, range: &[Pair]) -> Shown {
    let own = |column: &str| text(row, column).to_owned();
    let at = text(row, "time");
    let full = full(at);
    let time = full.split_once(' ').map_or(at, |(_, time)| time);
    let level = level(int(row, "severity_number"));
    let severity = own("severity_text");
    let fields = [
        ("tenant", "tenant"),
        ("function", "function"),
        ("version", "version"),
        ("source", "source"),
        ("invocation", "invocation_id"),
        ("environment", "environment_id"),
        ("trace", "trace_id"),
        ("span", "span_id"),
        ("scope", "scope_name"),
        ("event", "event_name"),
    ];
    let fields = fields.map(|(name, column)| (name, own(column)));
    Shown {
        at: at.to_owned(),
        time: time.get(..12).unwrap_or(time).to_owned(),
        full,
        arrived_full: self::full(text(row, "ingested_at")),
        arrived: own("ingested_at"),
        level,
        severity: if severity.is_empty() { level.to_owned() } else { severity },
        function: own("function"),
        hint: text(row, "body").chars().take(HINT).collect(),
        body: own("body"),
        nanos: own("time_unix_nano"),
        tenant: own("tenant"),
        environment: own("environment_id"),
        invocation: own("invocation_id"),
        source: own("source"),
        links: links(row, range),
        fields: fields.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
        attributes: map(row, "attributes"),
        resource: map(row, "resource_attributes"),
    }
}

/// An instant as people read it, in UTC.
fn full(instant: &str) -> String {
    instant.replace('T', " ").trim_end_matches('Z').to_owned()
}

fn links(row: &Row, range: &[Pair]) -> Vec<Link> {
    let to =
        |column: &str, link: &dyn Fn(&str) -> String| Some(text(row, column)).filter(|id| !id.is_empty()).map(link);
    let zone = range.iter().filter(|(name, _)| *name == "tz").collect::<Vec<_>>();
    let zone = || zone.iter().copied();
    let trace = to("trace_id", &|id| {
        let span = text(row, "span_id");
        let span = Some(("span", span.to_owned())).filter(|_| !span.is_empty());
        range::href(&format!("/traces/{id}"), span.iter().chain(zone()))
    });
    let all = [
        ("Trace", trace),
        ("Invocation", to("invocation_id", &|id| range::href(&format!("/invocations/{}", range::segment(id)), zone()))),
        ("Function", to("function", &|name| range::href(&format!("/functions/{}", range::segment(name)), range))),
    ];
    all.into_iter().filter_map(|(title, href)| Some(Link { title, href: href? })).collect()
}

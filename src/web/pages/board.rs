//! A board's page: the frame with its controls, and an empty card for each panel, which the page's script fills.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::Uri;
use serde::Serialize;

use crate::dashboard::{Dashboard, Panel};
use crate::web::error::{NOT_FOUND, Problem};
use crate::web::panel::window::{Controls, Window};
use crate::web::params::QueryString;
use crate::web::state::AppState;

/// Ranges that one click chooses: the start, and what it is called.
const RANGES: [(&str, &str); 10] = [
    ("now-15m", "Last 15 min"),
    ("now-1h", "Last hour"),
    ("now-3h", "Last 3 h"),
    ("now-6h", "Last 6 h"),
    ("now-12h", "Last 12 h"),
    ("now-24h", "Last 24 h"),
    ("now-2d", "Last 2 days"),
    ("now-7d", "Last 7 days"),
    ("now-30d", "Last 30 days"),
    ("now-60d", "Last 60 days"),
];

#[derive(Serialize)]
struct Page<'a> {
    title: String,
    path: String,
    heading: bool,
    controls: &'a Controls,
    range_label: String,
    ranges: Vec<Choice>,
    /// The controls that a new range keeps.
    hidden: Vec<(&'static str, String)>,
    panels: Vec<Card<'a>>,
    /// What the script needs: the board, the range as it was understood, the controls.
    json: String,
}

#[derive(Serialize)]
struct Choice {
    label: &'static str,
    href: String,
    chosen: bool,
}

#[derive(Serialize)]
struct Card<'a> {
    id: &'a str,
    title: &'a str,
    link: Option<&'a str>,
    kind: String,
    w: u32,
    h: u32,
}

/// What the script gets.
#[derive(Serialize)]
struct Script<'a> {
    board: &'a Dashboard,
    controls: &'a Controls,
    from: i64,
    to: i64,
    step_s: i64,
    live: bool,
}

/// The overview
#[utoipa::path(get, path = "/", tag = "pages", responses((status = 200, description = "An HTML page", content_type = "text/html", body = String)))]
pub(in crate::web) async fn overview(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Response, Problem> {
    show(&state, &uri, |board| board.path == "/", None)
}

/// A function
#[utoipa::path(
    get,
    path = "/functions/{name}",
    tag = "pages",
    params(("name" = String, Path, description = "The function's name")),
    responses((status = 200, description = "An HTML page", content_type = "text/html", body = String))
)]
pub(in crate::web) async fn function(
    State(state): State<Arc<AppState>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    show(&state, &uri, |board| board.path == "/functions/{name}", Some(name))
}

/// Cold starts
#[utoipa::path(get, path = "/cold-starts", tag = "pages", responses((status = 200, description = "An HTML page", content_type = "text/html", body = String)))]
pub(in crate::web) async fn cold_starts(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Response, Problem> {
    show(&state, &uri, |board| board.path == "/cold-starts", None)
}

/// Errors
#[utoipa::path(get, path = "/errors", tag = "pages", responses((status = 200, description = "An HTML page", content_type = "text/html", body = String)))]
pub(in crate::web) async fn errors(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Response, Problem> {
    show(&state, &uri, |board| board.path == "/errors", None)
}

/// Throttles
#[utoipa::path(get, path = "/throttles", tag = "pages", responses((status = 200, description = "An HTML page", content_type = "text/html", body = String)))]
pub(in crate::web) async fn throttles(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Response, Problem> {
    show(&state, &uri, |board| board.path == "/throttles", None)
}

/// Costs
#[utoipa::path(get, path = "/costs", tag = "pages", responses((status = 200, description = "An HTML page", content_type = "text/html", body = String)))]
pub(in crate::web) async fn costs(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Response, Problem> {
    show(&state, &uri, |board| board.path == "/costs", None)
}

/// A board by its name
#[utoipa::path(
    get,
    path = "/dashboards/{name}",
    tag = "pages",
    params(("name" = String, Path, description = "The board's name")),
    responses((status = 200, description = "An HTML page", content_type = "text/html", body = String))
)]
pub(in crate::web) async fn by_name(
    State(state): State<Arc<AppState>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    show(&state, &uri, |board| board.name == name, None)
}

fn show(
    state: &AppState,
    uri: &Uri,
    is_it: impl Fn(&Dashboard) -> bool,
    function: Option<String>,
) -> Result<Response, Problem> {
    let boards = state.boards.all();
    let board = boards.iter().find(|board| is_it(board));
    let board = board.ok_or_else(|| Problem::new(NOT_FOUND, format!("nothing is at '{}'", uri.path())))?;
    let mut query = QueryString::of(uri);
    let mut window = Window::read(&mut query, state.clock.now())?;
    query.finish()?;
    let title = function.clone().unwrap_or_else(|| board.title.clone());
    if let Some(function) = function {
        window.url.filters.function = function;
    }
    let controls = &window.url;
    let script = Script {
        board,
        controls,
        from: window.from.micros() / 1_000,
        to: window.to.micros() / 1_000,
        step_s: window.step_s,
        live: window.is_live(),
    };
    let json = serde_json::to_string(&script).map_err(|error| Problem::internal(&error))?;
    let page = Page {
        heading: title != board.title,
        title,
        path: uri.path().to_owned(),
        controls,
        range_label: range_label(controls),
        ranges: RANGES.map(|(from, label)| choice(from, label, controls)).into(),
        hidden: others(controls),
        panels: board.panels.iter().map(card).collect(),
        json: json.replace('<', "\\u003c"),
    };
    state.pages.render(state, "board.html", uri.path(), &page)
}

fn card(panel: &Panel) -> Card<'_> {
    Card {
        id: &panel.id,
        title: &panel.title,
        link: panel.link.as_deref(),
        kind: format!("{:?}", panel.kind),
        w: panel.grid.w,
        h: panel.grid.h,
    }
}

/// The controls besides the range that differ from their defaults.
fn others(controls: &Controls) -> Vec<(&'static str, String)> {
    let filters = &controls.filters;
    let all = [
        ("tz", &controls.tz, "UTC"),
        ("cmp", &controls.cmp, ""),
        ("tenant", &filters.tenant, ""),
        ("fn", &filters.function, ""),
        ("ver", &filters.version, ""),
        ("region", &filters.region, ""),
        ("tag", &filters.tag, ""),
    ];
    all.into_iter()
        .filter(|(_, value, default)| value != default)
        .map(|(name, value, _)| (name, value.clone()))
        .collect()
}

fn choice(from: &'static str, label: &'static str, controls: &Controls) -> Choice {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("from", from).append_pair("to", "now").extend_pairs(others(controls));
    Choice { label, href: format!("?{}", query.finish()), chosen: controls.from == from && controls.to == "now" }
}

fn range_label(controls: &Controls) -> String {
    let known = RANGES.iter().find(|(from, _)| *from == controls.from && controls.to == "now");
    known.map_or_else(|| format!("{} – {}", controls.from, controls.to), |(_, label)| (*label).to_owned())
}

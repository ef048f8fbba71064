//! A board's page: the frame with its controls, and an empty card for each panel, which the page's script fills.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::Uri;
use http::header::{HOST, HeaderMap};
use serde::Serialize;

use crate::dashboard::{Dashboard, Panel};
use crate::units::Timestamp;
use crate::web::error::{NOT_FOUND, Problem};
use crate::web::panel::window::{Controls, Window};
use crate::web::params::QueryString;
use crate::web::state::AppState;

use super::range::RANGES;

/// What figures may be compared with, and how it is called.
const COMPARISONS: [(&str, &str); 5] = [
    ("", "with nothing"),
    ("-1h", "with 1 h earlier"),
    ("-1d", "with 1 day earlier"),
    ("-7d", "with 7 days earlier"),
    ("-28d", "with 28 days earlier"),
];
/// Steps that may be asked for.
const STEPS: [&str; 9] = ["auto", "10s", "1m", "5m", "15m", "1h", "6h", "1d", "7d"];
/// Functions whose names the script gets, so that each has a colour of its own.
const FUNCTIONS: usize = 500;

#[derive(Serialize)]
struct Page<'a> {
    name: &'a str,
    title: String,
    path: String,
    heading: bool,
    controls: &'a Controls,
    /// The controls that a link to another page takes along, as a query.
    keep: String,
    range_label: String,
    ranges: Vec<Choice>,
    earlier: String,
    later: String,
    wider: String,
    /// Whether the range ends now: there is nothing later.
    live: bool,
    comparisons: [(&'static str, &'static str); 5],
    steps: [&'static str; 9],
    chips: Vec<Chip>,
    panels: Vec<Card<'a>>,
    /// What the script needs: the board, the functions there are, the name that the browser knows this server by.
    json: String,
}

#[derive(Serialize)]
struct Choice {
    label: &'static str,
    from: &'static str,
    href: String,
    chosen: bool,
}

/// A filter that is set, and the page without it.
#[derive(Serialize)]
struct Chip {
    control: &'static str,
    name: &'static str,
    value: String,
    href: String,
}

#[derive(Serialize)]
struct Card<'a> {
    id: &'a str,
    title: &'a str,
    about: &'a str,
    link: Option<&'a str>,
    kind: String,
    w: u32,
    h: u32,
}

/// What the script gets.
#[derive(Serialize)]
struct Script<'a> {
    board: &'a Dashboard,
    functions: Vec<String>,
    server: &'a str,
}

/// The overview
#[utoipa::path(get, path = "/", tag = "pages", responses((status = 200, description = "An HTML page", content_type = "text/html", body = String)))]
pub(in crate::web) async fn overview(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    show(&state, &headers, &uri, |board| board.path == "/", None)
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
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    show(&state, &headers, &uri, |board| board.path == "/functions/{name}", Some(name))
}

/// Cold starts
#[utoipa::path(get, path = "/cold-starts", tag = "pages", responses((status = 200, description = "An HTML page", content_type = "text/html", body = String)))]
pub(in crate::web) async fn cold_starts(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    show(&state, &headers, &uri, |board| board.path == "/cold-starts", None)
}

/// Errors
#[utoipa::path(get, path = "/errors", tag = "pages", responses((status = 200, description = "An HTML page", content_type = "text/html", body = String)))]
pub(in crate::web) async fn errors(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    show(&state, &headers, &uri, |board| board.path == "/errors", None)
}

/// Throttles
#[utoipa::path(get, path = "/throttles", tag = "pages", responses((status = 200, description = "An HTML page", content_type = "text/html", body = String)))]
pub(in crate::web) async fn throttles(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    show(&state, &headers, &uri, |board| board.path == "/throttles", None)
}

/// Costs
#[utoipa::path(get, path = "/costs", tag = "pages", responses((status = 200, description = "An HTML page", content_type = "text/html", body = String)))]
pub(in crate::web) async fn costs(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    show(&state, &headers, &uri, |board| board.path == "/costs", None)
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
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    show(&state, &headers, &uri, |board| board.name == name, None)
}

fn show(
    state: &AppState,
    headers: &HeaderMap,
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
    let keep = encoded(range(&window.url).into_iter().chain(others(&window.url)));
    if let Some(function) = function {
        // The path says which function it is, so the query need not.
        window.url.filters.function = function;
    }
    let (url, is_fixed) = (&window.url, title != board.title);
    let chips = chips(url, is_fixed);
    let functions = state.deployer.list(None, FUNCTIONS);
    let script = Script {
        board,
        functions: functions.into_iter().map(|function| function.latest.spec.name.to_string()).collect(),
        server: headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost"),
    };
    let json = serde_json::to_string(&script).map_err(|error| Problem::internal(&error))?;
    let half = i64::try_from(window.length().as_millis() / 2).unwrap_or(i64::MAX);
    let page = Page {
        name: &board.name,
        heading: is_fixed,
        title,
        path: uri.path().to_owned(),
        controls: url,
        keep,
        range_label: range_label(&window),
        ranges: RANGES.map(|(from, label)| choice(from, label, url, is_fixed)).into(),
        earlier: between(&window, -half, -half, is_fixed),
        later: between(&window, half, half, is_fixed),
        live: window.is_live(),
        wider: between(&window, -half, half, is_fixed),
        comparisons: COMPARISONS,
        steps: STEPS,
        chips,
        panels: board.panels.iter().map(card).collect(),
        json: json.replace('<', "\\u003c"),
    };
    state.pages.render(state, "board.html", uri.path(), &page)
}

fn card(panel: &Panel) -> Card<'_> {
    Card {
        id: &panel.id,
        title: &panel.title,
        about: &panel.about,
        link: panel.link.as_deref(),
        kind: format!("{:?}", panel.kind),
        w: panel.grid.w,
        h: panel.grid.h,
    }
}

/// The range, where it is not the usual one.
fn range(controls: &Controls) -> Vec<(&'static str, String)> {
    differing([("from", &controls.from, "now-24h"), ("to", &controls.to, "now")])
}

/// The controls besides the range and its step that differ from their defaults.
fn others(controls: &Controls) -> Vec<(&'static str, String)> {
    let beside = differing([("tz", &controls.tz, "UTC"), ("cmp", &controls.cmp, "")]);
    beside.into_iter().chain(filters(controls).map(|(control, _, value)| (control, value.to_owned()))).collect()
}

/// The filters that are set: how URLs call them, how people do, and what they let through.
fn filters(controls: &Controls) -> impl Iterator<Item = (&'static str, &'static str, &str)> {
    let filters = &controls.filters;
    let all = [
        ("tenant", "tenant", &filters.tenant),
        ("fn", "function", &filters.function),
        ("ver", "version", &filters.version),
        ("region", "region", &filters.region),
        ("tag", "tag", &filters.tag),
    ];
    all.into_iter()
        .filter(|(_, _, value)| !value.is_empty())
        .map(|(control, name, value)| (control, name, value.as_str()))
}

fn differing<const N: usize>(pairs: [(&'static str, &String, &str); N]) -> Vec<(&'static str, String)> {
    let pairs = pairs.into_iter().filter(|(_, value, default)| value != default);
    pairs.map(|(name, value, _)| (name, value.clone())).collect()
}

fn encoded(pairs: impl Iterator<Item = (&'static str, String)>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The controls without `control`; on a function's own page its name is in the path.
fn without(control: &str, controls: &Controls, is_fixed: bool) -> impl Iterator<Item = (&'static str, String)> {
    let dropped = control.to_owned();
    others(controls).into_iter().filter(move |(name, _)| *name != dropped && !(is_fixed && *name == "fn"))
}

fn chips(controls: &Controls, is_fixed: bool) -> Vec<Chip> {
    let set = filters(controls).filter(|(control, ..)| !(is_fixed && *control == "fn"));
    set.map(|(control, name, value)| {
        let rest = range(controls).into_iter().chain(without(control, controls, is_fixed));
        Chip { control, name, value: value.to_owned(), href: format!("?{}", encoded(rest)) }
    })
    .collect()
}

fn choice(from: &'static str, label: &'static str, controls: &Controls, is_fixed: bool) -> Choice {
    let range = [("from", from.to_owned()), ("to", "now".to_owned())];
    let query = encoded(range.into_iter().chain(without("", controls, is_fixed)));
    Choice { label, from, href: format!("?{query}"), chosen: controls.from == from && controls.to == "now" }
}

/// The page with its range's start and end moved, in milliseconds.
fn between(window: &Window, start_ms: i64, end_ms: i64, is_fixed: bool) -> String {
    let moved = |at: Timestamp, by_ms: i64| (at.micros() / 1_000).saturating_add(by_ms).to_string();
    let range = [("from", moved(window.from, start_ms)), ("to", moved(window.to, end_ms))];
    format!("?{}", encoded(range.into_iter().chain(without("", &window.url, is_fixed))))
}

fn range_label(window: &Window) -> String {
    let url = &window.url;
    let known = RANGES.iter().find(|(from, _)| *from == url.from && url.to == "now");
    let minute = |at: Timestamp| at.to_string().chars().take(16).collect::<String>().replace('T', " ");
    let text = |asked: &str, at| if asked.starts_with("now") { asked.to_owned() } else { minute(at) };
    known.map_or_else(
        || format!("{} – {}", text(&url.from, window.from), text(&url.to, window.to)),
        |(_, label)| (*label).to_owned(),
    )
}

//! A board's page: the frame with its controls, and an empty card for each panel, which the page's script fills.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::Uri;
use http::header::{HOST, HeaderMap};
use serde::Serialize;

use crate::dashboard::{Dashboard, Panel, Variable, VariableKind};
use crate::query::Param;
use crate::web::error::{NOT_FOUND, Problem};
use crate::web::panel::window::{Controls, Window};
use crate::web::params::QueryString;
use crate::web::state::AppState;

use super::range::{self, Pair};

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
    jumps: Vec<Jump>,
    controls: &'a Controls,
    /// The controls that a link to another page takes along, as a query.
    keep: String,
    range_label: range::Label,
    ranges: Vec<Choice>,
    earlier: String,
    later: String,
    wider: String,
    /// Whether the range ends now: there is nothing later.
    live: bool,
    comparisons: [(&'static str, &'static str); 5],
    steps: [&'static str; 9],
    chips: Vec<Chip>,
    variables: Vec<Field<'a>>,
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

/// A page with records of what this one is about.
#[derive(Serialize)]
struct Jump {
    title: &'static str,
    href: String,
}

/// A variable of the board, and what it is set to.
#[derive(Serialize)]
struct Field<'a> {
    control: String,
    title: &'a str,
    value: String,
    options: &'a [String],
    is_number: bool,
}

#[derive(Serialize)]
struct Card<'a> {
    id: &'a str,
    title: &'a str,
    about: &'a str,
    link: Option<&'a str>,
    kind: &'static str,
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
    let mut window = Window::read_for(board, &mut query, state.clock.now())?;
    query.finish()?;
    let title = function.clone().unwrap_or_else(|| board.title.clone());
    let keep = range::keep(&window.url);
    let is_fixed = function.is_some();
    let jumps = function.as_deref().map_or_else(Vec::new, jumps);
    if let Some(function) = function {
        // The path says which function it is, so the query need not.
        window.url.filters.function = function;
    }
    let url = &window.url;
    let beside = beside(url, is_fixed);
    let here = |range: &[Pair]| format!("?{}", range::encoded(range.iter().chain(&beside)));
    let choice = |(from, label): (&'static str, &'static str)| {
        let href = here(&range::to_now(url, from));
        Choice { label, from, href, chosen: range::is_chosen(url, from) }
    };
    let chips = chips(url, is_fixed);
    let functions = state.deployer.list(None, FUNCTIONS);
    let script = Script {
        board,
        functions: functions.into_iter().map(|function| function.latest.spec.name.to_string()).collect(),
        server: headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost"),
    };
    let half = range::half_ms(&window);
    let page = Page {
        name: &board.name,
        heading: is_fixed,
        jumps,
        title,
        path: uri.path().to_owned(),
        controls: url,
        keep,
        range_label: range::label(&window),
        ranges: range::RANGES.map(choice).into(),
        earlier: here(&range::moved(&window, -half, -half)),
        later: here(&range::moved(&window, half, half)),
        live: window.is_live(),
        wider: here(&range::moved(&window, -half, half)),
        comparisons: COMPARISONS,
        steps: STEPS,
        chips,
        variables: board.variables.iter().map(|variable| field(variable, &window)).collect(),
        panels: board.panels.iter().map(card).collect(),
        json: super::embedded(&script)?,
    };
    state.pages.render(state, "board.html", uri.path(), &page)
}

/// Where a function's own records are.
fn jumps(function: &str) -> Vec<Jump> {
    let pages = [("Traces", "/traces"), ("Logs", "/logs"), ("Invocations", "/invocations")];
    let jump = |(title, path)| Jump { title, href: range::href(path, &[("fn", function.to_owned())]) };
    pages.map(jump).into()
}

fn field<'a>(variable: &'a Variable, window: &Window) -> Field<'a> {
    let value = match window.variables.get(&variable.name) {
        Some(Param::Text(text)) => text.clone(),
        Some(Param::Int(number)) => number.to_string(),
        _ => variable.default.clone(),
    };
    let is_number = variable.kind != VariableKind::Text;
    Field { control: variable.control(), title: &variable.title, value, options: &variable.options, is_number }
}

fn card(panel: &Panel) -> Card<'_> {
    Card {
        id: &panel.id,
        title: &panel.title,
        about: &panel.about,
        link: panel.link.as_deref(),
        kind: panel.kind.as_str(),
        w: panel.grid.w,
        h: panel.grid.h,
    }
}

/// What the page is set to besides its range; on a function's own page its name is in the path.
fn beside(controls: &Controls, is_fixed: bool) -> Vec<Pair> {
    range::filters(controls).into_iter().filter(|(name, _)| !(is_fixed && *name == "fn")).collect()
}

fn chips(controls: &Controls, is_fixed: bool) -> Vec<Chip> {
    let (range, beside) = (range::range(controls), beside(controls, is_fixed));
    let set = beside.iter().filter_map(|(control, value)| Some((*control, range::title(control)?, value)));
    set.map(|(control, name, value)| {
        let rest = range.iter().chain(beside.iter().filter(|(other, _)| *other != control));
        Chip { control, name, value: value.clone(), href: format!("?{}", range::encoded(rest)) }
    })
    .collect()
}

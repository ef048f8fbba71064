//! Answers a board's panels: which queries to ask, with what parameters, and in what shape the answers go to the page. A
//! panel that fails says so, and the others stay. How panels look is the page's.

pub(super) mod filters;
pub(super) mod flight;
mod line;
pub(super) mod raw;
mod shape;
pub(super) mod window;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, StreamExt};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Uri};

use crate::dashboard::{Dashboard, Kind, Panel};
use crate::query::{self, Engine, NamedQuery, Params};

use super::api::ProblemBody;
use super::error::{NOT_FOUND, Problem};
use super::params::QueryString;
use super::state::AppState;

use flight::{Answer, Flights};
use window::Window;

/// The named query for the versions that are marked on charts.
const MARKERS: &str = "deploy_markers";

/// A query that some panels ask for.
struct Ask {
    query: NamedQuery,
    params: Params,
}

/// What the panels of a board need.
#[derive(Default)]
struct Plan {
    asks: Vec<Ask>,
    lines: Vec<Wanted>,
}

/// A line of the answer, and which answers it is made of, by their place in the plan.
struct Wanted {
    what: What,
    main: Option<usize>,
    previous: Option<usize>,
    trend: Option<usize>,
}

/// What a line is about.
enum What {
    Panel(Box<Panel>),
    /// New versions, which are marked on charts.
    Markers,
}

/// The panels' data
///
/// One line of JSON for each panel, as soon as it is there: `{"panel":ID, ...}` with what it draws, `{"panel":ID,"notice":TEXT}`
/// or `{"panel":ID,"error":TEXT}`; for boards with charts over time also one line
/// `{"markers":[{"time":MILLISECONDS,"function":NAME,"version":VERSION}]}`. Panels that ask the same, also those of other
/// requests at the same time, share one run of the query.
#[utoipa::path(
    get,
    operation_id = "get_dashboard_data",
    path = "/api/v1/dashboards/{name}/data",
    tag = "dashboards",
    params(
        ("name" = String, Path, description = "The board's name"),
        ("from" = Option<String>, Query, description = "now, now-6h, RFC 3339 or milliseconds since 1970 (now-24h)"),
        ("to" = Option<String>, Query, description = "The same (now)"),
        ("step" = Option<String>, Query, description = "auto, 10s, 1m, 5m, 15m, 1h, 6h, 1d or 7d (auto)"),
        ("tz" = Option<String>, Query, description = "UTC or local; the page's, without effect here"),
        ("cmp" = Option<String>, Query, description = "How much earlier the range of comparison is, such as -7d (none)"),
        ("tenant" = Option<String>, Query, description = "Of this tenant alone"),
        ("fn" = Option<String>, Query, description = "Of this function alone"),
        ("ver" = Option<String>, Query, description = "Of this version alone"),
        ("region" = Option<String>, Query, description = "Of this region alone"),
        ("tag" = Option<String>, Query, description = "With this tag alone: KEY:VALUE"),
        ("var-{name}" = Option<String>, Query, description = "What the board's variable of this name is set to"),
        ("panel" = Option<Vec<String>>, Query, description = "These panels alone; may be given again"),
    ),
    responses(
        (status = 200, description = "Lines of JSON, one for each panel", content_type = "application/x-ndjson", body = String),
        (status = 400, description = "A control of the page is not understood", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such board", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn data(
    State(state): State<Arc<AppState>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let board = board(&state, &name)?;
    let mut query = QueryString::of(&uri);
    let window = Window::read_for(&board, &mut query, state.clock.now())?;
    let only = query.texts("panel");
    query.finish()?;
    if let Some(unknown) = only.iter().find(|id| board.panel(id).is_none()) {
        return Err(Problem::new(NOT_FOUND, format!("the board '{name}' has no panel '{unknown}'")));
    }
    let wanted = board.panels.iter().filter(|panel| only.is_empty() || only.contains(&panel.id));
    let plan = plan(wanted, &window, &state.query.list());
    let mut response = Body::from_stream(answer(&state, plan, window)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// The board of this name.
pub(super) fn board(state: &AppState, name: &str) -> Result<Arc<Dashboard>, Problem> {
    state.boards.get(name).ok_or_else(|| {
        let all = state.boards.all();
        let names: Vec<&str> = all.iter().map(|board| board.name.as_str()).collect();
        Problem::new(NOT_FOUND, format!("there is no board '{name}'; there are {}", names.join(", ")))
    })
}

/// Each query once, however many panels ask for it.
fn plan<'a>(panels: impl Iterator<Item = &'a Panel>, window: &Window, queries: &[NamedQuery]) -> Plan {
    let mut plan = Plan::default();
    let mut over_time = false;
    for panel in panels {
        let is_stat = panel.kind == Kind::StatChart;
        over_time |= panel.kind == Kind::TimeSeriesChart;
        let part = line::part(panel, window);
        let window = part.as_ref().unwrap_or(window);
        let compared = is_stat.then(|| window.compared()).flatten();
        let main = plan.ask(&panel.query, window, queries);
        let previous = compared.and_then(|compared| plan.ask(&panel.query, &compared, queries));
        let trend = panel.trend.as_ref().and_then(|trend| plan.ask(&trend.query, window, queries));
        plan.lines.push(Wanted { what: What::Panel(Box::new(panel.clone())), main, previous, trend });
    }
    if over_time {
        let main = plan.ask(MARKERS, window, queries);
        plan.lines.push(Wanted { what: What::Markers, main, previous: None, trend: None });
    }
    plan
}

impl Plan {
    /// The place of the answer; none where there is no such query.
    fn ask(&mut self, name: &str, window: &Window, queries: &[NamedQuery]) -> Option<usize> {
        let query = queries.iter().find(|query| *query.name == *name)?;
        let params = bound(query, window);
        let same = |ask: &Ask| ask.query.name == query.name && ask.params == params;
        let known = self.asks.iter().position(same);
        Some(known.unwrap_or_else(|| {
            self.asks.push(Ask { query: query.clone(), params });
            self.asks.len() - 1
        }))
    }
}

/// The parameters that the query declares, of those that panels give.
fn bound(query: &NamedQuery, window: &Window) -> Params {
    let mut params = window.params();
    params.retain(|name, _| query.params.iter().any(|param| param.name == *name));
    params
}

/// A line for each panel as soon as its queries are answered. Dropping it ends the queries that nobody else waits for.
fn answer(
    state: &AppState,
    plan: Plan,
    window: Window,
) -> impl futures::Stream<Item = Result<Bytes, Infallible>> + use<> {
    let (engine, flights): (Engine, Flights) = (state.query.clone(), state.flights.clone());
    let (at_once, max_rows) = (state.config.panel_queries.max(1), state.config.max_panel_rows);
    let Plan { asks, lines } = plan;
    let answers = stream::iter(asks.into_iter().enumerate()).map(move |(place, ask)| {
        let (engine, flights) = (engine.clone(), flights.clone());
        async move { Some((place, flights.ask(&engine, &ask.query, ask.params).await)) }
    });
    let mut there: BTreeMap<usize, Answer> = BTreeMap::new();
    let mut waiting = lines;
    // The first round is for lines that need no query.
    stream::iter([None]).chain(answers.buffer_unordered(at_once)).then(move |answered| {
        there.extend(answered);
        let is_there = |ask: &Option<usize>| ask.is_none_or(|ask| there.contains_key(&ask));
        let is_ready = |wanted: &Wanted| [wanted.main, wanted.previous, wanted.trend].iter().all(is_there);
        let (ready, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut waiting).into_iter().partition(is_ready);
        waiting = rest;
        let (there, window) = (there.clone(), window.clone());
        async move {
            // Large answers take milliseconds to write.
            let written = tokio::task::spawn_blocking(move || line::write(&ready, &there, &window, max_rows)).await;
            Ok(written.unwrap_or_else(|error| {
                tracing::error!(%error, "panels' lines were not written");
                Bytes::new()
            }))
        }
    })
}

/// The answer at a place, or why there is none.
fn get<'a>(
    there: &'a BTreeMap<usize, Answer>,
    place: Option<usize>,
    name: &str,
) -> Result<&'a query::QueryResult, String> {
    let place = place.ok_or_else(|| format!("there is no query '{name}'"))?;
    match &there[&place] {
        Ok(result) => Ok(result),
        Err(error) => Err(error.to_string()),
    }
}

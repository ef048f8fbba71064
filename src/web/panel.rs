//! Answers a board's panels: which queries to ask, with what parameters, and in what shape the answers go to the page. A
//! panel that fails says so, and the others stay. How panels look is the page's.

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
use serde::Serialize;
use serde_json::{Value, json};

use crate::dashboard::{Dashboard, Kind, Panel};
use crate::query::{self, Engine, Params, QueryResult};
use crate::units::parse_duration;

use super::api::ProblemBody;
use super::error::{NOT_FOUND, Problem};
use super::params::QueryString;
use super::state::AppState;

use window::Window;

/// Queries of one page that run at once.
const AT_ONCE: usize = 3;

/// A query that some panels ask for.
struct Ask {
    name: String,
    params: Params,
}

/// What the panels of a board need.
struct Plan {
    asks: Vec<Ask>,
    panels: Vec<Wanted>,
}

/// Which answers a panel is made of, by their place in the plan.
struct Wanted {
    panel: Panel,
    main: usize,
    previous: Option<usize>,
    trend: Option<usize>,
}

/// The panels' data
///
/// One line of JSON for each panel, as soon as it is there: `{"panel":ID, ...}` with what it draws, or `{"panel":ID,"error":TEXT}`.
#[utoipa::path(
    get,
    path = "/api/v1/dashboards/{name}/data",
    tag = "dashboards",
    params(("name" = String, Path, description = "The board's name")),
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
    let board = state.board(&name).ok_or_else(|| Problem::new(NOT_FOUND, format!("there is no board '{name}'")))?;
    let mut query = QueryString::of(&uri);
    let window = Window::read(&mut query, state.clock.now())?;
    let only = query.texts("panel");
    query.finish()?;
    let wanted = board.panels.iter().filter(|panel| only.is_empty() || only.contains(&panel.id));
    let plan = plan(wanted, &window, &state.query);
    let mut response = Body::from_stream(answer(state.query.clone(), plan, window)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

impl AppState {
    /// The board of this name.
    pub(super) fn board(&self, name: &str) -> Option<&Dashboard> {
        self.boards.iter().find(|board| board.name == name)
    }
}

/// Each query once, however many panels ask for it.
fn plan<'a>(panels: impl Iterator<Item = &'a Panel>, window: &Window, engine: &Engine) -> Plan {
    let mut plan = Plan { asks: Vec::new(), panels: Vec::new() };
    for panel in panels {
        let compared = (panel.kind == Kind::StatChart).then(|| window.compared()).flatten();
        let main = plan.ask(&panel.query, window, engine);
        let previous = compared.map(|compared| plan.ask(&panel.query, &compared, engine));
        let trend = panel.trend.as_ref().map(|trend| plan.ask(&trend.query, window, engine));
        plan.panels.push(Wanted { panel: panel.clone(), main, previous, trend });
    }
    plan
}

impl Plan {
    fn ask(&mut self, name: &str, window: &Window, engine: &Engine) -> usize {
        let declared = engine.list().iter().find(|query| query.name == name);
        let mut params = window.params();
        params.retain(|name, _| declared.is_some_and(|query| query.params.iter().any(|param| param.name == *name)));
        let same = |ask: &Ask| ask.name == name && ask.params == params;
        self.asks.iter().position(same).unwrap_or_else(|| {
            self.asks.push(Ask { name: name.to_owned(), params });
            self.asks.len() - 1
        })
    }
}

type Answered = Result<QueryResult, query::Error>;

/// A line for each panel as soon as its queries are answered.
fn answer(engine: Engine, plan: Plan, window: Window) -> impl futures::Stream<Item = Result<Bytes, Infallible>> {
    let Plan { asks, panels } = plan;
    let answers = stream::iter(asks.into_iter().enumerate()).map(move |(place, ask)| {
        let engine = engine.clone();
        async move { (place, engine.named(&ask.name, &ask.params).await) }
    });
    let mut there: BTreeMap<usize, Answered> = BTreeMap::new();
    let mut waiting = panels;
    answers.buffer_unordered(AT_ONCE).map(move |(place, answer)| {
        there.insert(place, answer);
        let is_ready = |wanted: &Wanted| {
            [Some(wanted.main), wanted.previous, wanted.trend].into_iter().flatten().all(|ask| there.contains_key(&ask))
        };
        let (ready, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut waiting).into_iter().partition(is_ready);
        waiting = rest;
        let mut lines = Vec::new();
        for wanted in ready {
            let line = line(&wanted, &there, &window);
            serde_json::to_writer(&mut lines, &line).expect("a line is written to memory");
            lines.push(b'\n');
        }
        Ok(Bytes::from(lines))
    })
}

fn line(wanted: &Wanted, there: &BTreeMap<usize, Answered>, window: &Window) -> Value {
    let panel = &wanted.panel;
    match body(wanted, there, window) {
        Ok(mut body) => {
            body["panel"] = Value::from(panel.id.as_str());
            body
        }
        Err(error) => {
            tracing::warn!(panel = panel.id, query = panel.query, error, "a panel has no data");
            json!({ "panel": panel.id, "error": error })
        }
    }
}

fn body(wanted: &Wanted, there: &BTreeMap<usize, Answered>, window: &Window) -> Result<Value, String> {
    let panel = &wanted.panel;
    if let Some(longest) = &panel.max_range {
        let limit = parse_duration(longest).map_err(|error| error.to_string())?;
        if window.length() > limit + std::time::Duration::from_secs(600) {
            return Ok(json!({ "notice": format!("This reads raw records: choose a range of at most {longest}.") }));
        }
    }
    let get = |place: usize| match &there[&place] {
        Ok(result) => Ok(result),
        Err(error) => Err(error.to_string()),
    };
    let main = get(wanted.main)?;
    match panel.kind {
        Kind::TimeSeriesChart => Ok(value(&shape::chart(panel, window, main)?)),
        Kind::StatChart => {
            let mut body = json!({ "now": shape::rows(main)? });
            if let Some(previous) = wanted.previous {
                body["previous"] = value(&shape::rows(get(previous)?)?);
            }
            if let (Some(place), Some(trend)) = (wanted.trend, &panel.trend) {
                let drawn = Panel { columns: vec![shape::drawn(&trend.value)], ..panel.clone() };
                body["trend"] = value(&shape::chart(&drawn, window, get(place)?)?);
            }
            Ok(body)
        }
        Kind::Table | Kind::HeatMapChart | Kind::HistogramChart | Kind::BarChart => Ok(value(&shape::rows(main)?)),
    }
}

fn value(shape: &impl Serialize) -> Value {
    serde_json::to_value(shape).expect("shapes have text keys and finite numbers")
}

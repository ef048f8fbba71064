//! One panel's answer as it is: the rows with the SQL and the parameters behind them, to look at or to take away.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderMap, VARY};
use http::{HeaderName, HeaderValue, Uri};
use serde_json::{Map, Value, json};

use crate::dashboard::Panel;
use crate::query::{NamedQuery, Param, Params};
use crate::units::Timestamp;
use crate::web::api::ProblemBody;
use crate::web::api::query::{Format, ROWS};
use crate::web::error::{NOT_FOUND, Problem};
use crate::web::params::QueryString;
use crate::web::state::AppState;

use super::window::Window;
use super::{board, bound, line};

/// Names the query that was asked, also where the answer is CSV or Arrow.
const QUERY: HeaderName = HeaderName::from_static("x-faremeter-query");

/// A panel's answer as it is
///
/// `accept` chooses the format, or `format`, which also makes it a download. JSON holds the statement as `sql` and what its
/// parameters were as `params`. It takes the range and the filters that `/data` takes.
#[utoipa::path(
    get,
    operation_id = "get_dashboard_panel",
    path = "/api/v1/dashboards/{name}/panels/{id}",
    tag = "dashboards",
    params(
        ("name" = String, Path, description = "The board's name"),
        ("id" = String, Path, description = "The panel's id"),
        ("format" = Option<String>, Query, description = "json, csv or arrow, to be saved as a file"),
        ("from" = Option<String>, Query, description = "now, now-6h, RFC 3339 or milliseconds since 1970 (now-24h)"),
        ("to" = Option<String>, Query, description = "The same (now)"),
        ("step" = Option<String>, Query, description = "auto, 10s, 1m, 5m, 15m, 1h, 6h, 1d or 7d (auto)"),
        ("tz" = Option<String>, Query, description = "UTC or local; the page's, without effect here"),
        ("cmp" = Option<String>, Query, description = "The page's, without effect here"),
        ("tenant" = Option<String>, Query, description = "Of this tenant alone"),
        ("fn" = Option<String>, Query, description = "Of this function alone"),
        ("ver" = Option<String>, Query, description = "Of this version alone"),
        ("region" = Option<String>, Query, description = "Of this region alone"),
        ("tag" = Option<String>, Query, description = "With this tag alone: KEY:VALUE"),
        ("var-{name}" = Option<String>, Query, description = "What the board's variable of this name is set to"),
    ),
    responses(
        (status = 200, description = "The rows", content(
            (Value = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.apache.arrow.stream"),
        ), headers(
            ("x-faremeter-rows" = u64, description = "How many rows there are"),
            ("x-faremeter-query" = String, description = "The named query that was asked"),
        )),
        (status = 400, description = "A control of the page is not understood", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such board or panel", body = ProblemBody, content_type = "application/problem+json"),
        (status = 406, description = "No format that is accepted", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A limit was passed: the detail names it", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many queries at once: try again", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn panel(
    State(state): State<Arc<AppState>>,
    Path((name, id)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let board = board(&state, &name)?;
    let panel = board.panel(&id);
    let panel = panel.ok_or_else(|| Problem::new(NOT_FOUND, format!("the board '{name}' has no panel '{id}'")))?;
    let mut query = QueryString::of(&uri);
    let window = Window::read_for(&board, &mut query, state.clock.now())?;
    let wanted = query.read_with("format", |text| {
        Format::by_name(text).ok_or_else(|| format!("there are {}", Format::NAMES.join(", ")))
    })?;
    query.finish()?;
    let format = wanted.map_or_else(|| Format::accepted(&headers), Ok)?;
    let window = line::part(panel, &window).unwrap_or(window);
    let queries = state.query.list();
    let named = queries.iter().find(|query| *query.name == *panel.query);
    let named = named.ok_or_else(|| Problem::new(NOT_FOUND, format!("there is no query '{}'", panel.query)))?;
    let params = bound(named, &window);
    let result = state.query.named(&named.name, &params).await?;
    let (rows, about) = (result.rows(), about(panel, named, &params));
    let written = tokio::task::spawn_blocking(move || {
        let bytes = format.write(&result)?;
        Ok::<_, crate::query::Error>(if format == Format::Json { joined(&about, &bytes) } else { bytes })
    });
    let bytes = written.await.map_err(|error| Problem::internal(&error))??;
    let mut response = bytes.into_response();
    let head = response.headers_mut();
    head.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    head.insert(VARY, HeaderValue::from_static("accept"));
    head.insert(ROWS, HeaderValue::from(rows));
    head.insert(QUERY, HeaderValue::from_str(&named.name).map_err(|error| Problem::internal(&error))?);
    if wanted.is_some() {
        let (from, to) = (compact(window.from), compact(window.to));
        let file = format!("attachment; filename=\"{}-{id}-{from}-{to}.{}\"", board.name, format.name());
        head.insert(CONTENT_DISPOSITION, HeaderValue::from_str(&file).map_err(|error| Problem::internal(&error))?);
    }
    Ok(response)
}

/// What JSON says before columns and rows.
fn about(panel: &Panel, query: &NamedQuery, params: &Params) -> Map<String, Value> {
    let bound = query.params.iter().map(|param| {
        let value = params.get(&param.name).or(param.default.as_ref()).unwrap_or(&Param::Null);
        (param.name.clone(), plain(value))
    });
    let about = json!({
        "panel": panel.id,
        "title": panel.title,
        "query": *query.name,
        "sql": *query.sql,
        "params": bound.collect::<Map<_, _>>(),
    });
    match about {
        Value::Object(about) => about,
        _ => Map::new(),
    }
}

fn plain(value: &Param) -> Value {
    match value {
        Param::Null => Value::Null,
        Param::Bool(value) => Value::from(*value),
        Param::Int(value) => Value::from(*value),
        Param::Text(value) => Value::from(value.as_str()),
        Param::Float(value) => Value::from(*value),
    }
}

/// The members of two objects in one, without reading the second: it may be large.
fn joined(about: &Map<String, Value>, object: &[u8]) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(about).expect("a map of text and numbers is written to memory");
    bytes.pop();
    bytes.push(b',');
    bytes.extend_from_slice(object.strip_prefix(b"{").unwrap_or(object));
    bytes
}

/// A time as file names have it: `20260301T100000`.
fn compact(time: Timestamp) -> String {
    const LENGTH: usize = "20260301T100000".len();
    time.to_string().chars().filter(|c| c.is_ascii_digit() || *c == 'T').take(LENGTH).collect()
}

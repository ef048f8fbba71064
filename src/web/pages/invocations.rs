//! The page at `/invocations`: the attempts of the range by many filters, newest first, page by page; the same rows as
//! CSV and JSON.

mod filter;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::Uri;
use serde::Serialize;

use crate::query::Param;
use crate::units::Timestamp;
use crate::web::error::Problem;
use crate::web::outcome::{self, Choice};
use crate::web::panel::window::{Filters, Window};
use crate::web::params::QueryString;
use crate::web::state::AppState;

use super::export::{self, Export};
use super::format::{self, NONE};
use super::phases::{self, Bar, Legend};
use super::range::{self, Pair, Range};
use super::row::{self, Row, int, number, text};

use filter::Filter;

pub(super) const PATH: &str = "/invocations";

#[derive(Serialize)]
struct Page<'a> {
    range: Range,
    /// What links to other pages take along.
    keep: String,
    filters: &'a Filters,
    filter: &'a Filter,
    outcomes: Vec<Choice>,
    reasons: Vec<Choice>,
    /// What a new filter keeps.
    kept: Vec<Pair>,
    /// Whether any filter is set.
    filtered: bool,
    /// The page without filters.
    clear: String,
    invocations: Vec<Shown>,
    legend: Vec<Legend>,
    /// The first page, where this is another.
    newest: Option<String>,
    older: Option<String>,
    csv: String,
    json: String,
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
    function: String,
    function_href: String,
    version: String,
    tenant: String,
    attempt: Option<i64>,
    outcome: String,
    cause: Option<String>,
    status: String,
    start: &'static str,
    felt: String,
    phases: Vec<Bar>,
    billed: String,
    peak: String,
    limit: String,
    cost: String,
    currency: String,
}

/// Where a page begins: after the row that began then and has this key.
struct Cursor {
    before: Timestamp,
    key: String,
}

/// The invocations
///
/// As a page, or with `format=csv` or `format=json` as rows.
#[utoipa::path(
    get,
    path = "/invocations",
    tag = "pages",
    responses(
        (status = 200, description = "An HTML page, or rows", content((String = "text/html"), (String = "text/csv"), (String = "application/json"))),
        (status = 400, description = "A filter is not understood", body = crate::web::api::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn invocations(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Response, Problem> {
    let mut query = QueryString::of(&uri);
    let window = Window::read(&mut query, state.clock.now())?;
    let filter = Filter::read(&mut query)?;
    let export = Export::read(&mut query)?;
    let limit = query.limit(if export.is_some() { 1_000 } else { 50 })?;
    let cursor = query.read_with("cursor", Cursor::read)?;
    query.finish()?;
    let mut params = window.params();
    params.remove("step");
    params.extend(filter.params());
    params.insert("limit".to_owned(), Param::Int(i64::try_from(limit).unwrap_or(i64::MAX)));
    if let Some(cursor) = &cursor {
        // Files that began later need not be looked at.
        let end = Timestamp::from_micros(cursor.before.micros() + 1).min(window.to);
        params.insert("to".to_owned(), Param::Text(end.to_string()));
        params.insert("before".to_owned(), Param::Text(cursor.before.to_string()));
        params.insert("before_key".to_owned(), Param::Text(cursor.key.clone()));
    }
    let answer = state.query.named("invocations_page", &params).await;
    if let Some(export) = export {
        return export::respond(export, "invocations", answer?).await;
    }
    let (rows, error) = row::rows(answer);
    let controls = &window.url;
    let common: Vec<Pair> =
        range::range(controls).into_iter().chain(range::filters(controls)).chain(filter.pairs()).collect();
    let link = |more: &[Pair]| range::href(PATH, common.iter().chain(more));
    let older = rows.last().filter(|_| rows.len() == limit).map(|last| link(&[("cursor", Cursor::after(last))]));
    let page = Page {
        keep: range::keep(controls),
        range: Range::of(PATH, &window, &filter.pairs()),
        filters: &controls.filters,
        outcomes: outcome::choices(&filter.outcome),
        reasons: filter::reasons(&filter.throttle_reason),
        kept: [range::beside(controls, &["tenant", "fn", "ver", "region", "tag"]), filter.beside()].concat(),
        filtered: controls.filters != Filters::default() || filter != Filter::default(),
        clear: range::href(PATH, &range::range(controls)),
        invocations: rows.iter().map(|row| shown(row, &window)).collect(),
        legend: phases::legend(),
        newest: cursor.map(|_| link(&[])),
        older,
        csv: link(&[("format", "csv".to_owned())]),
        json: link(&[("format", "json".to_owned())]),
        filter: &filter,
        error,
    };
    state.pages.render(&state, "invocations.html", PATH, &page)
}

impl Cursor {
    fn read(text: &str) -> Result<Self, &'static str> {
        let cursor = text.split_once('~').and_then(|(micros, key)| Some((micros.parse().ok()?, key)));
        let (micros, key) = cursor.ok_or("no page gave this cursor")?;
        Ok(Self { before: Timestamp::from_micros(micros), key: key.to_owned() })
    }

    fn after(row: &Row) -> String {
        let began = Timestamp::parse_rfc3339(text(row, "started_at")).map_or(0, Timestamp::micros);
        format!("{began}~{}", text(row, "key"))
    }
}

fn shown(row: &Row, window: &Window) -> Shown {
    let outcome = text(row, "outcome");
    let known = |column: &str, write: &dyn Fn(i64) -> String| {
        number(row, column).filter(|_| phases::has_run(row)).map_or_else(|| NONE.to_owned(), write)
    };
    let started = text(row, "started_at");
    let (date, time) = started.split_once('T').unwrap_or(("", started));
    let cost = text(row, "list_cost");
    let cause = ["error_type", "throttle_reason"].map(|column| text(row, column));
    let range = range::range(&window.url);
    let id = text(row, "invocation_id");
    Shown {
        id: id.to_owned(),
        href: range::href(&format!("{PATH}/{}", range::segment(id)), &range::zone(&window.url.tz)),
        at: started.to_owned(),
        date: date.to_owned(),
        time: time.trim_end_matches('Z').get(..12).unwrap_or(time).to_owned(),
        function: text(row, "function").to_owned(),
        function_href: range::href(&format!("/functions/{}", range::segment(text(row, "function"))), &range),
        version: text(row, "version").to_owned(),
        tenant: text(row, "tenant").to_owned(),
        attempt: Some(int(row, "attempt")).filter(|attempt| *attempt > 1),
        outcome: outcome.to_owned(),
        cause: cause.into_iter().find(|cause| !cause.is_empty()).map(str::to_owned),
        status: row.get("http_status").and_then(serde_json::Value::as_i64).map_or_else(String::new, |s| s.to_string()),
        start: phases::start(row),
        felt: phases::felt_text(row),
        phases: phases::bars(row),
        billed: known("billed_ms", &|ms| format!("{} ms", format::count(ms))),
        peak: known("peak_memory_bytes", &format::bytes),
        limit: number(row, "memory_mb").map_or_else(|| NONE.to_owned(), |mb| format!("{mb} MB")),
        cost: if cost.is_empty() { NONE.to_owned() } else { cost.to_owned() },
        currency: if cost.is_empty() { String::new() } else { text(row, "currency").to_owned() },
    }
}

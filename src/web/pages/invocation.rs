//! The page at `/invocations/{id}`: what one invocation did, how long each part took, what it cost and why, and what it
//! said; each attempt by itself. The same rows as CSV and JSON.

mod attempt;
mod cost;
mod records;
mod waterfall;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use http::{StatusCode, Uri};
use serde::Serialize;

use crate::query::{Param, Params};
use crate::units::Timestamp;
use crate::web::error::Problem;
use crate::web::panel::window::read_zone;
use crate::web::params::QueryString;
use crate::web::state::AppState;

use super::export::{self, Export};
use super::invocations::PATH;
use super::phases;
use super::range::{self, Pair};
use super::row::{self, Row, text};

use attempt::{Attempt, Context};
use records::Record;

/// How far clocks of what was called may differ from ours.
const SKEW: Duration = Duration::from_secs(60);
/// How long after an attempt's end its spans and records are looked for.
const LATE: Duration = Duration::from_secs(3_600);

#[derive(Serialize)]
struct Page {
    id: String,
    attempts: Vec<Attempt>,
    records: Vec<Record>,
    more_records: bool,
    records_error: Option<String>,
    /// Why there may be no spans and records.
    kept: Option<String>,
    /// Links to the traces that it is of.
    traces: Vec<String>,
    /// Its log records among all.
    logs: String,
    csv: String,
    json: String,
}

/// What is said where there is no such invocation.
#[derive(Serialize)]
struct Missing {
    id: String,
    kept_days: Option<u32>,
    begun_days_ago: Option<i64>,
}

/// When and for what spans and records are looked for.
struct Span {
    from: Timestamp,
    to: Timestamp,
}

/// An invocation
///
/// As a page, or with `format=csv` or `format=json` the rows of its attempts.
#[utoipa::path(
    get,
    path = "/invocations/{id}",
    tag = "pages",
    params(("id" = String, Path, description = "The invocation's id")),
    responses(
        (status = 200, description = "An HTML page, or rows", content((String = "text/html"), (String = "text/csv"), (String = "application/json"))),
        (status = 404, description = "An HTML page that says where was looked", content_type = "text/html", body = String),
    )
)]
pub(in crate::web) async fn invocation(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = QueryString::of(&uri);
    let zone: Vec<Pair> = range::zone(&read_zone(&mut query)?).into_iter().collect();
    let export = Export::read(&mut query)?;
    query.finish()?;
    let only = Params::from([("invocation_id".to_owned(), Param::Text(id.clone()))]);
    let result = state.query.named("invocation", &only).await?;
    if result.rows() == 0 {
        return missing(&state, id);
    }
    if let Some(export) = export {
        return export::respond(export, "invocation", result).await;
    }
    let rows = crate::query::format::rows(&result)?;
    let span = Span::of(&rows);
    let (spans, records) = futures::join!(spans(&state, &rows, &span), records(&state, &id, &span));
    let (spans, spans_error) = spans;
    let (records, records_error) = row::rows(records);
    let path = format!("{PATH}/{}", range::segment(&id));
    let shown = Context { state: &state, spans: &spans, spans_error: spans_error.as_deref(), zone: &zone };
    let page = Page {
        attempts: rows.iter().map(|row| Attempt::of(row, &shown)).collect(),
        more_records: records.len() >= records::MOST,
        records: records.iter().map(|record| Record::of(record, &rows)).collect(),
        records_error,
        kept: kept(&state, &span),
        traces: traces(&rows).into_iter().map(|id| range::href(&format!("/traces/{id}"), &zone)).collect(),
        logs: range::href("/logs", span.records(&id).iter().chain(&zone)),
        csv: format!("{path}?format=csv"),
        json: format!("{path}?format=json"),
        id,
    };
    state.pages.render(&state, "invocation.html", PATH, &page)
}

impl Span {
    fn of(attempts: &[Row]) -> Self {
        let began = |row: &Row| Timestamp::parse_rfc3339(text(row, "started_at"));
        let ended = |row: &Row| Some(began(row)?.plus(Duration::from_nanos(phases::felt(row).unsigned_abs())));
        let first = attempts.iter().filter_map(began).min().unwrap_or(Timestamp::from_nanos(0));
        let last = attempts.iter().filter_map(ended).max().unwrap_or(first);
        Self { from: first.minus(SKEW), to: last.plus(LATE) }
    }

    /// What the page of logs is asked for.
    fn records(&self, id: &str) -> [Pair; 3] {
        [("invocation_id", id.to_owned()), ("from", self.from.to_string()), ("to", self.to.to_string())]
    }

    fn params(&self) -> [(String, Param); 2] {
        [("from", self.from), ("to", self.to)].map(|(name, time)| (name.to_owned(), Param::Text(time.to_string())))
    }
}

/// The spans of the traces that the attempts belong to.
async fn spans(state: &AppState, attempts: &[Row], span: &Span) -> (Vec<Row>, Option<String>) {
    let (mut found, mut failed) = (Vec::new(), None);
    for trace in traces(attempts) {
        let mut params = Params::from(span.params());
        params.insert("trace_id".to_owned(), Param::Text(trace.to_owned()));
        let (rows, error) = row::rows(state.query.named("invocation_page_spans", &params).await);
        found.extend(rows);
        failed = failed.or(error);
    }
    (found, failed)
}

/// The traces that the attempts are of, each once.
fn traces(attempts: &[Row]) -> Vec<&str> {
    let mut traces: Vec<&str> = attempts.iter().map(|row| text(row, "trace_id")).filter(|id| !id.is_empty()).collect();
    traces.sort_unstable();
    traces.dedup();
    traces
}

async fn records(state: &AppState, id: &str, span: &Span) -> Result<crate::query::QueryResult, crate::query::Error> {
    let mut params = Params::from(span.params());
    params.insert("invocation_id".to_owned(), Param::Text(id.to_owned()));
    params.insert("limit".to_owned(), Param::Int(i64::try_from(records::MOST).unwrap_or(i64::MAX)));
    state.query.named("invocation_page_logs", &params).await
}

/// That spans and records may be gone, where the invocation is older than they are kept.
fn kept(state: &AppState, span: &Span) -> Option<String> {
    let age_days = i64::from(state.clock.now().days()) - i64::from(span.to.days());
    let gone = ["spans", "logs"].map(|table| (table, state.settings.kept_days(table)));
    let gone = gone.into_iter().filter_map(|(table, days)| days.map(|days| (table, days)));
    let gone: Vec<String> = gone
        .filter(|(_, days)| i64::from(*days) < age_days)
        .map(|(table, days)| format!("{table} are kept for {days} days"))
        .collect();
    (!gone.is_empty()).then(|| format!("This was {age_days} days ago: {}.", gone.join(", ")))
}

fn missing(state: &AppState, id: String) -> Result<Response, Problem> {
    let kept_days = state.settings.kept_days("invocations");
    // Ids that the executor makes begin with their time in milliseconds, 48 bits of it.
    let digits: String = id.chars().filter(|c| *c != '-').take(12).collect();
    let is_own = id.len() == 36 && id.as_bytes()[14] == b'7';
    let begun = is_own.then(|| i64::from_str_radix(&digits, 16).ok()).flatten();
    let begun = begun.map(|millis| Timestamp::from_micros(millis.saturating_mul(1_000)));
    let begun_days_ago = begun.map(|begun| i64::from(state.clock.now().days()) - i64::from(begun.days()));
    let missing = Missing { id, kept_days, begun_days_ago: begun_days_ago.filter(|days| *days >= 0) };
    let mut response = state.pages.render(state, "missing.html", PATH, &missing)?;
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}

//! The page at `/traces/{trace_id}`: what the trace came to, and its spans as a waterfall that a script draws. Where there
//! is no such trace, where was looked.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::{StatusCode, Uri};
use serde::Serialize;

use crate::units::TraceId;
use crate::web::error::Problem;
use crate::web::panel::window::read_zone;
use crate::web::params::QueryString;
use crate::web::state::AppState;
use crate::web::traces::read::{self, MOST, Trace};
use crate::web::traces::trace_id;

use super::format::{self, NONE};
use super::traces::PATH;

/// Controls of the waterfall, which the script reads.
const CONTROLS: [&str; 4] = ["hide", "logs", "critical", "span"];

#[derive(Serialize)]
struct Page {
    id: String,
    title: String,
    started_at: String,
    /// The same, RFC 3339.
    at: String,
    tiles: Vec<Tile>,
    notices: Vec<String>,
    json: String,
    logs: String,
}

#[derive(Serialize)]
struct Tile {
    name: &'static str,
    value: String,
    note: String,
}

/// What is said where there is no such trace.
#[derive(Serialize)]
struct Missing {
    id: String,
    is_id: bool,
    /// Tables, and for how many days each keeps its rows.
    tables: Vec<(&'static str, Option<u32>)>,
    /// Log records that name it all the same.
    logs: bool,
}

/// A trace
#[utoipa::path(
    get,
    path = "/traces/{trace_id}",
    tag = "pages",
    params(("trace_id" = String, Path, description = "32 hex digits, or as X-Ray writes it")),
    responses(
        (status = 200, description = "An HTML page", content_type = "text/html", body = String),
        (status = 404, description = "An HTML page that says where was looked", content_type = "text/html", body = String),
    )
)]
pub(in crate::web) async fn trace(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = QueryString::of(&uri);
    for control in CONTROLS {
        query.text(control)?;
    }
    let zone = super::range::zone(&read_zone(&mut query)?);
    query.finish()?;
    let Some(known) = trace_id(&id) else { return missing(&state, id, None).await };
    let Some(trace) = read::read(&state.query, known).await? else { return missing(&state, id, Some(known)).await };
    let page = Page {
        title: trace.items.first().map_or_else(|| trace.trace_id.clone(), |root| root.name.clone()),
        started_at: trace.started_at.replace('T', " ").trim_end_matches('Z').to_owned(),
        at: trace.started_at.clone(),
        tiles: tiles(&trace),
        notices: notices(&trace, &state),
        logs: super::range::href("/logs", around(&trace).iter().chain(&zone)),
        json: super::embedded(&trace)?,
        id: trace.trace_id,
    };
    state.pages.render(&state, "trace.html", PATH, &page)
}

/// The trace's records, and a range that has them.
fn around(trace: &Trace) -> Vec<super::range::Pair> {
    let mut pairs = vec![("trace_id", trace.trace_id.clone())];
    if let Some(begin) = crate::units::Timestamp::parse_rfc3339(&trace.started_at) {
        let hour = std::time::Duration::from_secs(3_600);
        let length = std::time::Duration::from_nanos(trace.duration_ns.unsigned_abs());
        pairs.push(("from", begin.minus(hour).to_string()));
        pairs.push(("to", begin.plus(length).plus(hour).to_string()));
    }
    pairs
}

fn tiles(trace: &Trace) -> Vec<Tile> {
    let count = |count: usize| format::count(i64::try_from(count).unwrap_or(i64::MAX));
    let costs: Vec<String> = trace.list_cost.iter().map(|amount| amount.text()).collect();
    let unpriced = match trace.unpriced {
        0 => "all invocations of the trace".to_owned(),
        some => format!("{} of {} invocations have none", count(some), count(trace.invocations)),
    };
    vec![
        Tile { name: "Duration", value: format::duration(trace.duration_ns), note: String::new() },
        Tile {
            name: "Spans",
            value: count(trace.items.len() - trace.without_span),
            note: if trace.errors == 0 { "none failed".to_owned() } else { format!("{} failed", count(trace.errors)) },
        },
        Tile {
            name: "Invocations",
            value: count(trace.invocations),
            note: match trace.cold {
                0 => "no cold start".to_owned(),
                1 => "1 cold start".to_owned(),
                some => format!("{} cold starts", count(some)),
            },
        },
        Tile {
            name: "List cost",
            value: if costs.is_empty() { NONE.to_owned() } else { costs.join(" + ") },
            note: if trace.invocations == 0 { "no invocation".to_owned() } else { unpriced },
        },
    ]
}

fn notices(trace: &Trace, state: &AppState) -> Vec<String> {
    let mut notices = Vec::new();
    if trace.orphans > 0 {
        let (verb, them) = if trace.orphans == 1 { ("span names", "it stands") } else { ("spans name", "they stand") };
        notices.push(format!(
            "{} {verb} a parent that is not here: {them} at the first level. The parent was not sent, is still on its way, or belongs to a caller that is not recorded here.",
            trace.orphans
        ));
    }
    if trace.without_span > 0 {
        let kept = state.settings.kept_days("spans").map_or_else(String::new, |days| {
            format!(" Spans are kept for {days} days, and may not be recorded for every call.")
        });
        notices.push(format!(
            "{} of the invocations have no span: they are shown from their records.{kept}",
            trace.without_span
        ));
    }
    if trace.is_cut {
        notices.push(format!("The trace has more than {MOST} spans: the first are shown, and sums are of those."));
    }
    notices
}

async fn missing(state: &AppState, id: String, known: Option<TraceId>) -> Result<Response, Problem> {
    let logs = match known {
        Some(known) => !read::logs(&state.query, known, 1).await?.0.is_empty(),
        None => false,
    };
    let tables = ["spans", "invocations", "logs"].map(|table| (table, state.settings.kept_days(table)));
    let page = Missing { is_id: known.is_some(), id, tables: tables.into(), logs };
    let mut response = state.pages.render(state, "trace_missing.html", PATH, &page)?;
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}

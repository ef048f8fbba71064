//! The page at `/`: the functions with their last 24 hours, and the last invocations with phases and cost.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use http::Uri;
use http::header::{HOST, HeaderMap};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::catalog::Function;
use crate::model::VersionState;
use crate::query::{self, Param, Params, format as rows_of};
use crate::units::Money;

use super::format::{self, NONE};
use crate::web::error::Problem;
use crate::web::params::QueryString;
use crate::web::state::AppState;

/// How far back the functions' figures reach.
const RANGE: Duration = Duration::from_secs(86_400);
/// Invocations shown.
const INVOCATIONS: i64 = 50;
/// Functions shown.
const FUNCTIONS: usize = 200;
/// The phases in order: the column, the word, and whether it is billed.
const PHASES: [(&str, &str, bool); 6] = [
    ("queue_ns", "queue", false),
    ("load_ns", "load", false),
    ("compile_ns", "compile", false),
    ("instantiate_ns", "instantiate", false),
    ("init_ns", "init", true),
    ("duration_ns", "handler", true),
];

type Row = Map<String, Value>;

#[derive(Serialize)]
struct Page {
    /// What is not up yet, each with how far it is.
    waiting: Vec<String>,
    now: String,
    /// The name that the browser knows this server by.
    server: String,
    tiles: Vec<Tile>,
    functions: Vec<FunctionRow>,
    more_functions: bool,
    functions_error: Option<String>,
    invocations: Vec<InvocationRow>,
    invocations_error: Option<String>,
    phases: Vec<Legend>,
}

#[derive(Serialize)]
struct Legend {
    name: &'static str,
    billed: bool,
}

#[derive(Serialize)]
struct Tile {
    name: &'static str,
    value: String,
    note: String,
}

#[derive(Default, Serialize)]
struct FunctionRow {
    name: String,
    url: Option<String>,
    version: String,
    state: &'static str,
    reason: Option<String>,
    memory: String,
    timeout: String,
    tenant: String,
    calls: String,
    errors: String,
    error_rate: String,
    has_errors: bool,
    throttles: String,
    cold_rate: String,
    p95: String,
    cost: String,
    cost_exact: String,
}

#[derive(Serialize)]
struct InvocationRow {
    id: String,
    trace_id: String,
    date: String,
    time: String,
    function: String,
    version: String,
    outcome: String,
    error_type: Option<String>,
    status: String,
    start: &'static str,
    felt: String,
    phases: Vec<Phase>,
    billed: String,
    peak: String,
    limit: String,
    cost: String,
    currency: String,
}

#[derive(Serialize)]
struct Phase {
    name: &'static str,
    /// Where its bar begins and how wide it is, of 1000.
    x: i64,
    width: i64,
    length: String,
}

/// The functions
#[utoipa::path(get, path = "/functions", tag = "pages", responses((status = 200, description = "An HTML page", content_type = "text/html", body = String)))]
pub(in crate::web) async fn home(
    State(state): State<Arc<AppState>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    QueryString::of(&uri).finish()?;
    let now = state.clock.now();
    let range = Params::from([
        ("from".to_owned(), Param::Text(now.minus(RANGE).to_string())),
        ("to".to_owned(), Param::Text(now.plus(Duration::from_micros(1)).to_string())),
    ]);
    let newest = Params::from([("limit".to_owned(), Param::Int(INVOCATIONS))]);
    let (figures, invocations) = futures::join!(
        state.query.named("invocations_by_function", &range),
        state.query.named("last_invocations", &newest)
    );
    let (figures, functions_error) = rows(figures);
    let (invocations, invocations_error) = rows(invocations);
    let mut functions = state.deployer.list(None, FUNCTIONS + 1);
    let more_functions = functions.len() > FUNCTIONS;
    functions.truncate(FUNCTIONS);
    let page = Page {
        waiting: state.readiness.waiting().into_iter().map(|(step, progress)| format!("{step}: {progress}")).collect(),
        now: now.to_string().replace('T', " ").split('.').next().unwrap_or_default().to_owned(),
        server: headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost").to_owned(),
        tiles: if functions_error.is_none() { tiles(&figures) } else { Vec::new() },
        functions: function_rows(&functions, &figures),
        more_functions,
        functions_error,
        invocations: invocations.iter().map(invocation_row).collect(),
        invocations_error,
        phases: PHASES.map(|(_, name, billed)| Legend { name, billed }).into(),
    };
    state.pages.render(&state, "home.html", "/functions", &page)
}

/// The rows, or what to say instead of them: one panel that fails leaves the others.
fn rows(result: Result<query::QueryResult, query::Error>) -> (Vec<Row>, Option<String>) {
    match result.and_then(|result| rows_of::rows(&result)) {
        Ok(rows) => (rows, None),
        Err(error) => {
            tracing::warn!(%error, "a panel of the page has no data");
            (Vec::new(), Some(error.to_string()))
        }
    }
}

fn tiles(figures: &[Row]) -> Vec<Tile> {
    let sum = |column: &str| figures.iter().map(|row| int(row, column)).sum::<i64>();
    let (ran, errors, throttles, cold) = (sum("invocations"), sum("errors"), sum("throttles"), sum("cold_starts"));
    let of = |part: i64, whole: i64| format!("{} of {}", format::count(part), format::count(whole));
    let (cost, note) = total_cost(figures);
    vec![
        Tile { name: "Invocations", value: format::count(ran), note: "last 24 h".to_owned() },
        Tile { name: "Error rate", value: format::share(errors, ran), note: of(errors, ran) },
        Tile {
            name: "Throttle rate",
            value: format::share(throttles, ran + throttles),
            note: of(throttles, ran + throttles),
        },
        Tile { name: "Cold rate", value: format::share(cold, ran), note: of(cold, ran) },
        Tile { name: "List cost", value: cost, note },
    ]
}

/// The exact sum where all is in one currency; amounts of different currencies are never added.
fn total_cost(figures: &[Row]) -> (String, String) {
    let priced: Vec<&Row> = figures.iter().filter(|row| !text(row, "list_cost").is_empty()).collect();
    let Some(first) = priced.first() else { return (NONE.to_owned(), "last 24 h".to_owned()) };
    let currency = text(first, "currency");
    let sum = priced.iter().try_fold(Money::ZERO, |sum, row| {
        let cost: Money = text(row, "list_cost").parse().ok()?;
        (text(row, "currency") == currency).then_some(())?;
        sum.checked_add(cost).ok()
    });
    match sum {
        Some(sum) => (format::short_amount(&sum.to_string()), format!("{currency}, exactly {sum}")),
        None => (NONE.to_owned(), "in several currencies: see the functions".to_owned()),
    }
}

/// Each function with its figures, then those that were removed but called.
fn function_rows(functions: &[Function], figures: &[Row]) -> Vec<FunctionRow> {
    let mut shown = Vec::new();
    for function in functions {
        let name = function.latest.spec.name.as_str();
        let called: Vec<&Row> = figures.iter().filter(|row| text(row, "function") == name).collect();
        if called.is_empty() {
            shown.push(FunctionRow { tenant: function.latest.spec.tenant.clone(), ..deployed(function, None) });
        }
        shown.extend(called.into_iter().map(|row| deployed(function, Some(row))));
    }
    let is_deployed = |row: &&Row| functions.iter().any(|function| function.latest.spec.name == text(row, "function"));
    let gone = figures.iter().filter(|row| !is_deployed(row)).map(|row| FunctionRow {
        name: text(row, "function").to_owned(),
        version: NONE.to_owned(),
        state: "not deployed",
        memory: NONE.to_owned(),
        timeout: NONE.to_owned(),
        ..figures_of(Some(row))
    });
    shown.extend(gone);
    shown
}

fn deployed(function: &Function, row: Option<&Row>) -> FunctionRow {
    let latest = &function.latest;
    let active = function.active.as_ref().map(|active| active.version);
    let version = match active {
        Some(active) if active != latest.version => format!("{active} (new: {})", latest.version),
        _ => latest.version.to_string(),
    };
    FunctionRow {
        name: latest.spec.name.clone(),
        url: active.map(|_| format!("/fn/{}", latest.spec.name)),
        version,
        state: latest.state.as_str(),
        reason: if let VersionState::Failed(reason) = &latest.state { Some(reason.clone()) } else { None },
        memory: latest.spec.memory.to_string(),
        timeout: format::duration(crate::units::nanos(latest.spec.timeout)),
        ..figures_of(row)
    }
}

fn figures_of(row: Option<&Row>) -> FunctionRow {
    let none = || NONE.to_owned();
    let Some(row) = row else {
        return FunctionRow {
            calls: "0".to_owned(),
            errors: "0".to_owned(),
            throttles: "0".to_owned(),
            error_rate: none(),
            cold_rate: none(),
            p95: none(),
            cost: none(),
            ..FunctionRow::default()
        };
    };
    let (ran, errors) = (int(row, "invocations"), int(row, "errors"));
    let cost = text(row, "list_cost");
    FunctionRow {
        tenant: text(row, "tenant").to_owned(),
        calls: format::count(ran),
        errors: format::count(errors),
        error_rate: format::share(errors, ran),
        has_errors: errors > 0,
        throttles: format::count(int(row, "throttles")),
        cold_rate: format::share(int(row, "cold_starts"), ran),
        p95: row.get("duration_p95_ms").and_then(Value::as_f64).map_or_else(none, format::millis),
        cost: if cost.is_empty() {
            none()
        } else {
            format!("{} {}", format::short_amount(cost), text(row, "currency"))
        },
        cost_exact: if cost.is_empty() { String::new() } else { format!("{} {}", cost, text(row, "currency")) },
        ..FunctionRow::default()
    }
}

fn invocation_row(row: &Row) -> InvocationRow {
    let lengths = PHASES.map(|(column, name, _)| (name, int(row, column)));
    let felt: i64 = lengths.iter().map(|(_, length)| *length).sum();
    let ran = text(row, "outcome") != "throttled";
    let started = text(row, "started_at");
    let (date, time) = started.split_once('T').unwrap_or(("", started));
    let cost = text(row, "list_cost");
    InvocationRow {
        id: text(row, "invocation_id").to_owned(),
        trace_id: text(row, "trace_id").to_owned(),
        date: date.to_owned(),
        time: time.trim_end_matches('Z').get(..12).unwrap_or(time).to_owned(),
        function: text(row, "function").to_owned(),
        version: text(row, "version").to_owned(),
        outcome: text(row, "outcome").to_owned(),
        error_type: row.get("error_type").and_then(Value::as_str).map(str::to_owned),
        status: row
            .get("http_status")
            .and_then(Value::as_i64)
            .map_or_else(|| NONE.to_owned(), |status| status.to_string()),
        start: match (ran, row.get("cold").and_then(Value::as_bool)) {
            (false, _) => NONE,
            (true, Some(true)) => "cold",
            (true, _) => "warm",
        },
        felt: if ran { format::duration(felt) } else { NONE.to_owned() },
        phases: bars(&lengths, felt),
        billed: if ran { format!("{} ms", format::count(int(row, "billed_ms"))) } else { NONE.to_owned() },
        peak: if ran { format::bytes(int(row, "peak_memory_bytes")) } else { NONE.to_owned() },
        limit: format!("{} MB", int(row, "memory_mb")),
        cost: if cost.is_empty() { NONE.to_owned() } else { cost.to_owned() },
        currency: if cost.is_empty() { String::new() } else { text(row, "currency").to_owned() },
    }
}

/// The phases that took time, beside one another in proportion.
fn bars(lengths: &[(&'static str, i64)], felt: i64) -> Vec<Phase> {
    let place = |nanos: i64| i64::try_from(i128::from(nanos) * 1_000 / i128::from(felt.max(1))).unwrap_or(0);
    let mut before = 0;
    let mut phases = Vec::new();
    for (name, length) in lengths.iter().filter(|(_, length)| *length > 0) {
        let (x, end) = (place(before), place(before + length));
        phases.push(Phase { name, x, width: (end - x).max(4), length: format::duration(*length) });
        before += length;
    }
    phases
}

fn text<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).and_then(Value::as_str).unwrap_or_default()
}

fn int(row: &Row, column: &str) -> i64 {
    row.get(column).and_then(Value::as_i64).unwrap_or_default()
}

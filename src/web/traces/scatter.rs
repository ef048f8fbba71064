//! Points of a chart of traces: durations against time. Many are drawn by a sample.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::query::{Engine, Param, format};
use crate::units::Timestamp;
use crate::web::error::Problem;
use crate::web::panel::window::Window;
use crate::web::rows::{flag, int, text};

use super::filter::Filter;

/// The part of a range that is looked at, at most: it reads raw rows.
const LONGEST: Duration = Duration::from_secs(86_400);
/// The slowest that are drawn, and the others, at most.
const SLOWEST: usize = 500;
const SAMPLED: usize = 1_500;

/// What is drawn.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct Scatter {
    /// The range that they are of, milliseconds since 1970; the end is not included.
    from: i64,
    to: i64,
    points: Vec<Point>,
    /// How many invocations and spans begin traces in it.
    entries: i64,
    /// What is left out; null where nothing is.
    notice: Option<String>,
}

/// An invocation or a span that begins a trace.
#[derive(Debug, Serialize, ToSchema)]
struct Point {
    trace_id: String,
    /// Milliseconds since 1970.
    time: i64,
    duration_ns: i64,
    /// The function, or the service, or the span's name.
    function: String,
    failed: bool,
}

/// The slowest and an even sample of the others.
pub(in crate::web) async fn scatter(engine: &Engine, window: &Window, filter: &Filter) -> Result<Scatter, Problem> {
    let part = window.last(LONGEST);
    let is_part = part.is_some();
    let window = part.as_ref().unwrap_or(window);
    let mut params = window.params();
    params.remove("step");
    params.extend(filter.params());
    let mut drawn = params.clone();
    for (name, most) in [("slowest", SLOWEST), ("sampled", SAMPLED)] {
        drawn.insert(name.to_owned(), Param::Int(i64::try_from(most).unwrap_or(i64::MAX)));
    }
    let (count, points) = futures::join!(engine.named("traces_count", &params), engine.named("traces_scatter", &drawn));
    let entries = format::rows(&count?)?.first().map_or(0, |row| int(row, "entries"));
    let rows = format::rows(&points?)?;
    let points: Vec<Point> = rows
        .iter()
        .map(|row| Point {
            trace_id: text(row, "trace_id").to_owned(),
            time: Timestamp::parse_rfc3339(text(row, "started_at")).map_or(0, Timestamp::micros) / 1_000,
            duration_ns: int(row, "duration_ns"),
            function: text(row, "function").to_owned(),
            failed: flag(row, "failed"),
        })
        .collect();
    let is_sampled = usize::try_from(entries).is_ok_and(|entries| entries > SLOWEST + SAMPLED);
    let sample = format!("the {SLOWEST} slowest of {entries} and an even sample of {SAMPLED}");
    let notices = [is_part.then(|| "only the last 24 h of the range".to_owned()), is_sampled.then_some(sample)];
    let notice = notices.into_iter().flatten().collect::<Vec<_>>().join("; ");
    let [from, to] = [window.from, window.to].map(|at| at.micros() / 1_000);
    Ok(Scatter { from, to, points, entries, notice: Some(notice).filter(|notice| !notice.is_empty()) })
}

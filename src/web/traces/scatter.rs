//! Points of a chart of traces: durations against time. Many are drawn by a sample.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::query::{Engine, Param, Params, format};
use crate::units::Timestamp;
use crate::web::error::Problem;
use crate::web::pages::about;
use crate::web::panel::window::Window;
use crate::web::rows::{Row, flag, int, text};

use super::filter::Filter;

/// The length of a range whose entries are all looked at. Of a longer one as many are looked at first as it has in this time,
/// an even sample.
const WHOLE: Duration = Duration::from_secs(86_400);
/// The slowest that are drawn where all were looked at.
const SLOWEST: i64 = 500;
/// Points, at most.
const POINTS: i64 = 2_000;

/// What is drawn.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct Scatter {
    /// The range that they are of, milliseconds since 1970; the end is not included.
    from: i64,
    to: i64,
    points: Vec<Point>,
    /// How many invocations and spans begin traces in it; an estimate where `every` is more than 1.
    entries: i64,
    /// Of so many of them one was looked at, evenly over the range.
    every: i64,
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

/// Entries that were looked at.
struct Looked {
    found: i64,
    points: Vec<Point>,
}

/// The slowest and an even sample of the others; of a long range with many traces an even sample alone.
pub(in crate::web) async fn scatter(engine: &Engine, window: &Window, filter: &Filter) -> Result<Scatter, Problem> {
    let mut params = window.params();
    params.remove("step");
    params.extend(filter.params());
    let days = window.length().as_secs().div_ceil(WHOLE.as_secs());
    // Ranges begin on whole steps, so that one of a day is a little longer.
    let mut every = if window.last(WHOLE).is_none() { 1 } else { i64::try_from(days).unwrap_or(i64::MAX) };
    let mut looked = look(engine, &params, every).await?;
    if every > 1 && looked.found < POINTS {
        // Few match: more are looked at, so many that about as many points as there may be are found.
        every = (looked.found.saturating_mul(every) / POINTS).max(1);
        looked = look(engine, &params, every).await?;
    }
    let entries = looked.found.saturating_mul(every);
    let [from, to] = [window.from, window.to].map(|at| at.micros() / 1_000);
    Ok(Scatter { notice: notice(entries, every, looked.points.len()), from, to, points: looked.points, entries, every })
}

async fn look(engine: &Engine, params: &Params, every: i64) -> Result<Looked, Problem> {
    let slowest = if every == 1 { SLOWEST } else { 0 };
    let mut counted = params.clone();
    counted.insert("every".to_owned(), Param::Int(every));
    let mut drawn = counted.clone();
    drawn.insert("slowest".to_owned(), Param::Int(slowest));
    drawn.insert("sampled".to_owned(), Param::Int(POINTS - slowest));
    let (count, points) =
        futures::join!(engine.named("traces_count", &counted), engine.named("traces_scatter", &drawn));
    let found = format::rows(&count?)?.first().map_or(0, |row| int(row, "entries"));
    Ok(Looked { found, points: format::rows(&points?)?.iter().map(point).collect() })
}

fn point(row: &Row) -> Point {
    Point {
        trace_id: text(row, "trace_id").to_owned(),
        time: Timestamp::parse_rfc3339(text(row, "started_at")).map_or(0, Timestamp::micros) / 1_000,
        duration_ns: int(row, "duration_ns"),
        function: text(row, "function").to_owned(),
        failed: flag(row, "failed"),
    }
}

/// What is left out.
fn notice(entries: i64, every: i64, points: usize) -> Option<String> {
    let count = crate::web::pages::count;
    if every > 1 {
        let points = count(i64::try_from(points).unwrap_or(i64::MAX));
        return Some(format!("an even sample: {points} of about {}", about(entries)));
    }
    let sampled = POINTS - SLOWEST;
    let text = || format!("the {SLOWEST} slowest of {} and an even sample of {}", count(entries), count(sampled));
    (entries > POINTS).then(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_called_one() {
        assert_eq!(notice(2_000, 1, 2_000), None);
        let all = notice(2_001, 1, 2_000).unwrap();
        assert_eq!(all, "the 500 slowest of 2\u{202f}001 and an even sample of 1\u{202f}500");
        assert_eq!(notice(2_345_670, 30, 1_998).unwrap(), "an even sample: 1\u{202f}998 of about 2.34 M");
    }
}

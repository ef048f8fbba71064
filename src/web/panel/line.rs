//! Writes the lines of a board's data: what a panel draws, why it does not, and what is marked on charts.

use std::collections::BTreeMap;

use axum::body::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use crate::dashboard::{Kind, Panel};
use crate::units::parse_duration;

use super::flight::Answer;
use super::window::Window;
use super::{MARKERS, Wanted, What, get, shape};

/// The lines, each ended.
pub(super) fn write(ready: &[Wanted], there: &BTreeMap<usize, Answer>, window: &Window, max_rows: usize) -> Bytes {
    let mut lines = Vec::new();
    for wanted in ready {
        let line = match &wanted.what {
            What::Panel(panel) => panel_line(panel, wanted, there, window, max_rows),
            What::Markers => markers_line(wanted, there),
        };
        serde_json::to_writer(&mut lines, &line).expect("a line is written to memory");
        lines.push(b'\n');
    }
    lines.into()
}

/// The part of the range that a panel is asked for, where that is not all of it: it reads raw rows.
pub(super) fn part(panel: &Panel, window: &Window) -> Option<Window> {
    window.last(parse_duration(panel.max_range.as_deref()?).ok()?)
}

fn panel_line(
    panel: &Panel,
    wanted: &Wanted,
    there: &BTreeMap<usize, Answer>,
    window: &Window,
    max_rows: usize,
) -> Value {
    let part = part(panel, window);
    match body(panel, wanted, there, part.as_ref().unwrap_or(window), max_rows) {
        Ok(mut body) => {
            if let (Some(_), Some(longest)) = (part, &panel.max_range) {
                body["notice"] = Value::from(format!("only the last {longest} of the range"));
            }
            body["panel"] = Value::from(panel.id.as_str());
            body
        }
        Err(error) => {
            tracing::warn!(panel = panel.id, query = panel.query, error, "a panel has no data");
            json!({ "panel": panel.id, "error": error })
        }
    }
}

fn body(
    panel: &Panel,
    wanted: &Wanted,
    there: &BTreeMap<usize, Answer>,
    window: &Window,
    max_rows: usize,
) -> Result<Value, String> {
    let main = get(there, wanted.main, &panel.query)?;
    match panel.kind {
        Kind::TimeSeriesChart => Ok(value(&shape::chart(panel, window, main)?)),
        Kind::StatChart => {
            let mut body = json!({ "now": shape::rows(main, max_rows)? });
            if wanted.previous.is_some() {
                let previous = get(there, wanted.previous, &panel.query)?;
                body["previous"] = value(&shape::rows(previous, max_rows)?);
            }
            if let Some(trend) = &panel.trend {
                let drawn = Panel { columns: vec![shape::drawn(&trend.value)], ..panel.clone() };
                body["trend"] = value(&shape::chart(&drawn, window, get(there, wanted.trend, &trend.query)?)?);
            }
            Ok(body)
        }
        Kind::Table | Kind::HeatMapChart | Kind::HistogramChart | Kind::BarChart => {
            Ok(value(&shape::rows(main, max_rows)?))
        }
    }
}

/// New versions; none where their query failed, which the log tells.
fn markers_line(wanted: &Wanted, there: &BTreeMap<usize, Answer>) -> Value {
    let markers = get(there, wanted.main, MARKERS).and_then(shape::markers);
    let markers = markers.unwrap_or_else(|error| {
        tracing::warn!(error, "deployments are not marked");
        Vec::new()
    });
    json!({ "markers": markers })
}

fn value(shape: &impl Serialize) -> Value {
    serde_json::to_value(shape).expect("shapes have text keys and finite numbers")
}

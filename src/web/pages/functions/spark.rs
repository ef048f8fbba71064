//! Small lines of calls over the range, one for each function of a page.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::query::Param;
use crate::units::Timestamp;
use crate::web::pages::format;
use crate::web::pages::row::{self, int, text};
use crate::web::panel::window::Window;
use crate::web::state::AppState;

use super::entry::Entry;

/// Points of a line, at most.
const MAX_POINTS: i64 = 60;
/// The steps that there are, and how they are called.
const STEPS: [(i64, &str); 10] = [
    (60, "minute"),
    (300, "5 min"),
    (900, "15 min"),
    (1_800, "30 min"),
    (3_600, "hour"),
    (10_800, "3 h"),
    (21_600, "6 h"),
    (43_200, "12 h"),
    (86_400, "day"),
    (604_800, "week"),
];
/// Height of the drawing.
const HEIGHT: i64 = 20;

/// A line as the page draws it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    /// Points of the line, `x,y x,y ...`, in a box of `width` x 20.
    points: String,
    width: i64,
    /// What it says, in words.
    label: String,
}

/// Lines by tenant and function.
pub(super) type Lines = BTreeMap<(String, String), Line>;

/// The lines of these functions; none where they cannot be had: the table says so already.
pub(super) async fn lines(state: &AppState, window: &Window, entries: &[Entry]) -> Lines {
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    if names.is_empty() {
        return Lines::new();
    }
    let (step_s, step) = step(window);
    let mut params = window.params();
    params.remove("function");
    params.insert("step".to_owned(), Param::Int(step_s));
    params.insert("functions".to_owned(), Param::Text(names.join("\n")));
    let (rows, _) = row::rows(state.query.named("functions_page_calls", &params).await);
    let first = window.from.micros().div_euclid(step_s * 1_000_000);
    let last = (window.to.micros() - 1).div_euclid(step_s * 1_000_000);
    let mut calls: BTreeMap<(String, String), Vec<i64>> = BTreeMap::new();
    for row in &rows {
        let key = (text(row, "tenant").to_owned(), text(row, "function").to_owned());
        let Some(bucket) = Timestamp::parse_rfc3339(text(row, "bucket")) else { continue };
        let place = usize::try_from(bucket.micros().div_euclid(step_s * 1_000_000) - first).ok();
        let length = usize::try_from(last - first + 1).unwrap_or(0);
        let values = calls.entry(key).or_insert_with(|| vec![0; length]);
        if let Some(value) = place.and_then(|place| values.get_mut(place)) {
            *value += int(row, "invocations");
        }
    }
    calls.into_iter().map(|(key, values)| (key, line(&values, step))).collect()
}

/// The line of an entry.
pub(super) fn line_of(lines: &Lines, entry: &Entry) -> Option<Line> {
    lines.get(&(entry.tenant.clone(), entry.name.clone())).cloned()
}

/// The smallest step that gives few enough points.
fn step(window: &Window) -> (i64, &'static str) {
    let length_s = i64::try_from(window.length().as_secs()).unwrap_or(i64::MAX);
    STEPS.into_iter().find(|(step, _)| length_s / step <= MAX_POINTS).unwrap_or(STEPS[STEPS.len() - 1])
}

fn line(values: &[i64], step: &str) -> Line {
    let most = values.iter().copied().max().unwrap_or(0);
    let y = |value: i64| {
        HEIGHT - 1 - i64::try_from(i128::from(value) * i128::from(HEIGHT - 2) / i128::from(most.max(1))).unwrap_or(0)
    };
    let points: Vec<String> = values.iter().enumerate().map(|(x, value)| format!("{},{}", x * 2, y(*value))).collect();
    let width = i64::try_from(values.len().saturating_sub(1) * 2).unwrap_or(0).max(1);
    Line { points: points.join(" "), width, label: format!("at most {} in one {step}", format::count(most)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_is_at_the_top() {
        let drawn = line(&[0, 5, 10], "hour");
        let expected =
            Line { points: "0,19 2,10 4,1".to_owned(), width: 4, label: "at most 10 in one hour".to_owned() };
        assert_eq!(drawn, expected);
        assert_eq!(line(&[0, 0], "day").points, "0,19 2,19");
    }
}

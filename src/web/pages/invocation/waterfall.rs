//! An attempt over time: its phases, and below the handler the spans of the same trace that it is the ancestor of.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::units::Timestamp;
use crate::web::pages::format;
use crate::web::pages::phases::{self, PHASES};
use crate::web::pages::range::{self, Pair};
use crate::web::pages::row::{Row, int, text};

/// Spans drawn, at most.
const MOST: usize = 500;
/// Levels that are told apart by their indent.
const DEEPEST: usize = 6;
/// The scope of the spans that the executor makes itself.
const OWN_SCOPE: &str = "faremeter";

#[derive(Serialize)]
pub(super) struct Waterfall {
    bars: Vec<Bar>,
    /// Labels of the axis, evenly apart.
    ticks: Vec<String>,
    /// Spans that are not drawn.
    more: usize,
    error: Option<String>,
}

#[derive(Serialize)]
struct Bar {
    name: String,
    /// A phase, `whole`, `span` or `failed`: what the colour follows.
    class: &'static str,
    depth: usize,
    x: i64,
    width: i64,
    offset: String,
    length: String,
    billed: bool,
    status: String,
    /// Another invocation that it is part of.
    href: Option<String>,
}

pub(super) fn of(row: &Row, spans: &[Row], error: Option<&str>, zone: &[Pair]) -> Waterfall {
    let felt = phases::felt(row);
    let began = Timestamp::parse_rfc3339(text(row, "started_at")).map_or(0, Timestamp::nanos);
    let below = descendants(row, spans);
    let end = |(_, span): &(usize, &Row)| int(span, "end_time_unix_nano").saturating_sub(began);
    let whole = below.iter().map(end).max().unwrap_or(0).max(felt).max(1);
    if felt == 0 && below.is_empty() {
        return Waterfall { bars: Vec::new(), ticks: Vec::new(), more: 0, error: error.map(str::to_owned) };
    }
    let mut bars = vec![Bar { name: text(row, "function").to_owned(), ..bar("whole", 0, 0, felt, whole) }];
    let mut before = 0;
    for (column, name, billed) in PHASES {
        let length = int(row, column);
        if length > 0 {
            bars.push(Bar { name: name.to_owned(), billed, ..bar(name, 1, before, length, whole) });
        }
        before += length;
    }
    let more = below.len().saturating_sub(MOST);
    bars.extend(below.into_iter().take(MOST).map(|(depth, span)| Bar {
        href: other(span, row).map(|id| range::href(&format!("/invocations/{}", range::segment(id)), zone)),
        ..drawn(depth, span, began, whole)
    }));
    let ticks = (0..=4).map(|quarter| format::duration(whole / 4 * quarter)).collect();
    Waterfall { bars, ticks, more, error: error.map(str::to_owned) }
}

fn bar(class: &'static str, depth: usize, begin: i64, length: i64, whole: i64) -> Bar {
    let (x, width) = phases::place(begin, length, whole);
    let (offset, length) = (format::duration(begin), format::duration(length));
    Bar {
        name: String::new(),
        class,
        depth,
        x,
        width,
        offset,
        length,
        billed: false,
        status: String::new(),
        href: None,
    }
}

/// The other invocation that a span is of.
fn other<'a>(span: &'a Row, row: &Row) -> Option<&'a str> {
    Some(text(span, "invocation_id")).filter(|id| !id.is_empty() && *id != text(row, "invocation_id"))
}

fn drawn(depth: usize, span: &Row, began: i64, whole: i64) -> Bar {
    let start = int(span, "start_time_unix_nano");
    let length = int(span, "end_time_unix_nano").saturating_sub(start).max(0);
    let failed = int(span, "status_code") == 2;
    Bar {
        name: text(span, "name").to_owned(),
        status: if failed { text(span, "status_message").to_owned() } else { String::new() },
        ..bar(if failed { "failed" } else { "span" }, depth.min(DEEPEST), start.saturating_sub(began), length, whole)
    }
}

/// The spans below the attempt's own, parents before their children, each with its depth; phases are drawn from the record.
fn descendants<'a>(row: &Row, spans: &'a [Row]) -> Vec<(usize, &'a Row)> {
    let root = text(row, "span_id");
    let is_phase = |span: &Row| {
        text(span, "scope_name") == OWN_SCOPE
            && text(span, "parent_span_id") == root
            && PHASES.iter().any(|(_, name, _)| *name == text(span, "name"))
    };
    let (phases, others): (Vec<&Row>, Vec<&Row>) = spans.iter().partition(|span| is_phase(span));
    let mut children: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for span in others {
        children.entry(text(span, "parent_span_id")).or_default().push(span);
    }
    let mut seen = BTreeSet::from([root]);
    let mut found = Vec::new();
    let heads = std::iter::once(root).chain(phases.iter().map(|span| text(span, "span_id")));
    let heads = heads.filter(|head| !head.is_empty());
    let mut waiting: Vec<(usize, &Row)> =
        heads.filter_map(|head| children.get(head)).flatten().map(|span| (2, *span)).collect();
    waiting.sort_by_key(|(_, span)| std::cmp::Reverse(int(span, "start_time_unix_nano")));
    while let Some((depth, span)) = waiting.pop() {
        let id = text(span, "span_id");
        if seen.insert(id) {
            found.push((depth, span));
            waiting.extend(children.get(id).into_iter().flatten().rev().map(|child| (depth + 1, *child)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: &str, parent: &str, name: &str, scope: &str, at: i64) -> Row {
        let json = format!(
            r#"{{"span_id": "{id}", "parent_span_id": "{parent}", "name": "{name}", "scope_name": "{scope}",
            "invocation_id": "i", "start_time_unix_nano": {at}, "end_time_unix_nano": {}, "status_code": 0}}"#,
            at + 100
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn spans_lie_below_the_phases_and_cycles_end() {
        let row: Row = serde_json::from_str(
            r#"{"invocation_id": "i", "span_id": "r", "function": "f", "started_at": "1970-01-01T00:00:00Z", "init_ns": 250, "duration_ns": 750}"#,
        )
        .unwrap();
        let spans = [
            span("r", "", "f", OWN_SCOPE, 0),
            span("p", "r", "handler", OWN_SCOPE, 250),
            span("a", "r", "handler", "guest", 300),
            span("b", "a", "db", "guest", 310),
            span("c", "p", "http", "guest", 500),
            span("x", "y", "elsewhere", "guest", 500),
            span("y", "x", "elsewhere", "guest", 500),
        ];
        let shown = of(&row, &spans, None, &[]);
        let bars: Vec<_> = shown.bars.iter().map(|bar| (bar.name.as_str(), bar.class, bar.depth, bar.x)).collect();
        let expected = [
            ("f", "whole", 0, 0),
            ("init", "init", 1, 0),
            ("handler", "handler", 1, 250),
            ("handler", "span", 2, 300),
            ("db", "span", 3, 310),
            ("http", "span", 2, 500),
        ];
        assert_eq!(bars, expected);
        assert_eq!(shown.ticks, ["0 ns", "250 ns", "500 ns", "750 ns", "1 µs"]);
        let throttled: Row = serde_json::from_str(r#"{"span_id": "", "function": "f"}"#).unwrap();
        assert!(of(&throttled, &spans, None, &[]).bars.is_empty());
    }
}

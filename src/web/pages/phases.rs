//! The phases of an attempt as every page shows them: names, colours by name, bars in proportion.

use serde::Serialize;

use super::format::{self, NONE};
use super::row::{Row, int, number, text};

/// The phases in order: the column, the word, and whether it is billed.
pub(super) const PHASES: [(&str, &str, bool); 6] = [
    ("queue_ns", "queue", false),
    ("load_ns", "load", false),
    ("compile_ns", "compile", false),
    ("instantiate_ns", "instantiate", false),
    ("init_ns", "init", true),
    ("duration_ns", "handler", true),
];

/// What a colour stands for.
#[derive(Serialize)]
pub(super) struct Legend {
    name: &'static str,
    billed: bool,
}

/// A phase that took time.
#[derive(Serialize)]
pub(super) struct Bar {
    pub(super) name: &'static str,
    /// Where its bar begins and how wide it is, of 1000.
    pub(super) x: i64,
    pub(super) width: i64,
    pub(super) length: String,
    pub(super) billed: bool,
}

/// What the colours stand for.
pub(super) fn legend() -> Vec<Legend> {
    PHASES.map(|(_, name, billed)| Legend { name, billed }).into()
}

/// What the caller waited: all phases together, ns.
pub(super) fn felt(row: &Row) -> i64 {
    PHASES.iter().map(|(column, _, _)| int(row, column)).sum()
}

/// The same, or the dash: a record from elsewhere may know of no phase, and a call that was turned away has none.
pub(super) fn felt_text(row: &Row) -> String {
    let is_known = PHASES.iter().any(|(column, _, _)| number(row, column).is_some());
    if has_run(row) && is_known { format::duration(felt(row)) } else { NONE.to_owned() }
}

/// Whether it ran: nothing is known of what a limit turned away but that.
pub(super) fn has_run(row: &Row) -> bool {
    text(row, "outcome") != "throttled"
}

/// Cold or warm, or the dash where neither is known.
pub(super) fn start(row: &Row) -> &'static str {
    match row.get("cold").and_then(serde_json::Value::as_bool) {
        Some(true) if has_run(row) => "cold",
        Some(false) if has_run(row) => "warm",
        _ => NONE,
    }
}

/// The phases that took time, beside one another in proportion.
pub(super) fn bars(row: &Row) -> Vec<Bar> {
    let felt = felt(row);
    let mut before = 0;
    let mut bars = Vec::new();
    for (column, name, billed) in PHASES {
        let length = int(row, column);
        if length > 0 {
            let (x, width) = place(before, length, felt);
            bars.push(Bar { name, x, width, length: format::duration(length), billed });
        }
        before += length;
    }
    bars
}

/// Where something of this length begins and how wide it is, in thousandths of `whole`; never too narrow to be seen.
pub(super) fn place(begin: i64, length: i64, whole: i64) -> (i64, i64) {
    const NARROWEST: i64 = 4;
    let part = |nanos: i64| {
        let thousandths = i128::from(nanos) * 1_000 / i128::from(whole.max(1));
        i64::try_from(thousandths.clamp(0, 1_000)).unwrap_or(1_000)
    };
    let (x, end) = (part(begin), part(begin.saturating_add(length)));
    (x.min(1_000 - NARROWEST), (end - x).max(NARROWEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_a_dash() {
        let row = |json: &str| serde_json::from_str::<Row>(json).unwrap();
        let unknown = row(r#"{"outcome": "ok", "init_ns": null, "duration_ns": null, "cold": null}"#);
        assert_eq!((felt_text(&unknown).as_str(), start(&unknown)), (NONE, NONE));
        let reported = row(r#"{"outcome": "ok", "queue_ns": null, "duration_ns": 1000000, "cold": false}"#);
        assert_eq!((felt_text(&reported).as_str(), start(&reported)), ("1 ms", "warm"));
        let throttled = row(r#"{"outcome": "throttled", "duration_ns": 0, "cold": false}"#);
        assert_eq!((felt_text(&throttled).as_str(), start(&throttled)), (NONE, NONE));
    }

    #[test]
    fn bars_lie_end_to_end_and_can_be_seen() {
        let row: Row = serde_json::from_str(r#"{"queue_ns": 0, "init_ns": 400, "duration_ns": 600}"#).unwrap();
        let shown: Vec<_> = bars(&row).iter().map(|bar| (bar.name, bar.x, bar.width)).collect();
        assert_eq!(shown, [("init", 0, 400), ("handler", 400, 600)]);
        assert_eq!(place(1_000_000, 0, 1_000_000), (996, 4));
        assert_eq!(place(-5, 10, 100), (0, 50));
        assert_eq!(place(0, 0, 0), (0, 4));
    }
}

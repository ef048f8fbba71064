//! An invocation's log records as its page shows them.

use serde::Serialize;

use crate::units::Timestamp;
use crate::web::pages::format;
use crate::web::pages::row::{Row, int, map, text};

/// Records shown, at most.
pub(super) const MOST: usize = 1_000;

#[derive(Serialize)]
pub(super) struct Record {
    /// RFC 3339
    time: String,
    /// Since the attempt began.
    offset: String,
    attempt: Option<i64>,
    /// What the colour follows.
    level: &'static str,
    severity: String,
    stream: String,
    body: String,
    attributes: Vec<(String, String)>,
}

impl Record {
    /// A record of one of these attempts: of the one whose span it names, or else of the first.
    pub(super) fn of(row: &Row, attempts: &[Row]) -> Self {
        let span = text(row, "span_id");
        let own = attempts.iter().find(|attempt| !span.is_empty() && text(attempt, "span_id") == span);
        let began = own.or(attempts.first()).and_then(|attempt| Timestamp::parse_rfc3339(text(attempt, "started_at")));
        let offset = began.map_or(0, |began| int(row, "time_unix_nano").saturating_sub(began.nanos()));
        let level = level(int(row, "severity_number"));
        let severity = text(row, "severity_text");
        Self {
            time: text(row, "time").to_owned(),
            offset: format!("{}{}", if offset < 0 { "−" } else { "+" }, format::duration(offset.saturating_abs())),
            attempt: own.map(|attempt| int(attempt, "attempt")).filter(|_| attempts.len() > 1),
            level,
            severity: if severity.is_empty() { level.to_owned() } else { severity.to_owned() },
            stream: text(row, "scope_name").to_owned(),
            body: text(row, "body").to_owned(),
            attributes: map(row, "attributes"),
        }
    }
}

/// OTLP's severity numbers by their names.
fn level(number: i64) -> &'static str {
    match number {
        1..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        21..=24 => "fatal",
        _ => "plain",
    }
}

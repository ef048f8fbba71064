//! How rows read to people, on pages and in PDFs. Files for programs have the plain words.

use chrono::TimeZone;
use serde::Serialize;

use crate::billing::{Dimension, Kind, Report, Row, RowType};
use crate::cost::rating::{Minor, Ratio, Zone};
use crate::units::Timestamp;

use super::number;

/// An amount with its thousands apart: `1,234.56`.
#[must_use]
pub fn amount(amount: Minor) -> String {
    number::grouped(&amount.to_string())
}

/// A quantity or an exact amount, cut to what a reader takes in.
#[must_use]
pub fn decimal(exact: Ratio) -> String {
    number::brief(exact)
}

/// A meter's name in words: `Duration x86` of `duration_x86`.
#[must_use]
pub fn meter(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Whose share a row is; what nobody is named for is said in words.
#[must_use]
pub fn dimension_value<'a>(kind: &Kind, row: &'a Row) -> &'a str {
    match (kind, row.row_type, row.dimension.as_str()) {
        (_, RowType::Rounding, "") => "Rounding",
        (_, RowType::Total, _) => "Total",
        (Kind::Chargeback(Dimension::Tag(_)), _, "") => "untagged",
        (Kind::Chargeback(Dimension::CostCenter), _, "") => "no cost center",
        (Kind::Chargeback(_), _, "") => "not known",
        (_, _, value) => value,
    }
}

/// What the report is: `Statement`, `Chargeback by function`.
#[must_use]
pub fn title(kind: &Kind) -> String {
    match kind {
        Kind::Statement => "Statement".to_owned(),
        Kind::Chargeback(Dimension::CostCenter) => "Chargeback by cost center".to_owned(),
        Kind::Chargeback(Dimension::Tag(key)) => format!("Chargeback by tag {key}"),
        Kind::Chargeback(dimension) => format!("Chargeback by {dimension}"),
    }
}

/// Whether the figures will grow.
pub(super) fn state(report: &Report) -> &'static str {
    if report.open { "open: the month is not over, the figures will grow" } else { "complete: the month is over" }
}

/// The word that a scope or a zone has in files.
pub(super) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The days of a time that begins and ends at midnights of the zone, the last one included: `2026-03-01 to 2026-03-31 (UTC)`.
#[must_use]
pub fn days(from: Timestamp, to: Timestamp, zone: Zone) -> String {
    let clock = match zone {
        Zone::Utc => chrono_tz::UTC,
        Zone::Pacific => chrono_tz::America::Los_Angeles,
    };
    let day = |at: Timestamp| clock.timestamp_nanos(at.nanos()).format("%Y-%m-%d").to_string();
    format!("{} to {} ({})", day(from), day(Timestamp::from_nanos(to.nanos().saturating_sub(1))), word(&zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_the_zone_s_own() {
        let month: crate::billing::Month = "2026-03".parse().expect("a month");
        let shown = |zone| days(month.start(zone), month.end(zone), zone);
        assert_eq!(shown(Zone::Utc), "2026-03-01 to 2026-03-31 (UTC)");
        assert_eq!(shown(Zone::Pacific), "2026-03-01 to 2026-03-31 (America/Los_Angeles)");
    }

    #[test]
    fn names_are_words() {
        assert_eq!((meter("duration_x86").as_str(), meter("").as_str()), ("Duration x86", ""));
        assert_eq!(title(&Kind::Chargeback(Dimension::Tag("team".into()))), "Chargeback by tag team");
    }
}

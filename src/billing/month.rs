//! Billing months, `YYYY-MM`, and when they begin and end in a book's zone.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, TimeZone};

use crate::cost::rating::Zone;
use crate::units::Timestamp;

/// A calendar month of the years 1970 to 2199.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i32,
    /// 1 to 12.
    month: u32,
}

/// A text that names no month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a month: write YYYY-MM, such as 2026-03")]
pub struct MonthError(String);

impl Month {
    /// The month that `at` lies in, in the zone.
    #[must_use]
    pub fn of(at: Timestamp, zone: Zone) -> Self {
        let local = tz(zone).timestamp_nanos(at.nanos());
        Self { year: local.year(), month: local.month() }
    }

    /// The newest month that has begun: that of UTC, which no book's zone is ahead of.
    #[must_use]
    pub fn newest(now: Timestamp) -> Self {
        Self::of(now, Zone::Utc)
    }

    /// When it begins in the zone.
    #[must_use]
    pub fn start(self, zone: Zone) -> Timestamp {
        let first = tz(zone).with_ymd_and_hms(self.year, self.month, 1, 0, 0, 0);
        let first = first.earliest().expect("no zone of a book skips the first midnight of a month");
        Timestamp::from_nanos(first.timestamp_nanos_opt().expect("years up to 2200 fit"))
    }

    /// When it ends in the zone: the start of the next.
    #[must_use]
    pub fn end(self, zone: Zone) -> Timestamp {
        self.next().start(zone)
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        match self.month {
            12 => Self { year: self.year + 1, month: 1 },
            month => Self { year: self.year, month: month + 1 },
        }
    }

    /// The month before it.
    #[must_use]
    pub fn previous(self) -> Self {
        match self.month {
            1 => Self { year: self.year - 1, month: 12 },
            month => Self { year: self.year, month: month - 1 },
        }
    }
}

fn tz(zone: Zone) -> chrono_tz::Tz {
    match zone {
        Zone::Utc => chrono_tz::UTC,
        Zone::Pacific => chrono_tz::America::Los_Angeles,
    }
}

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (year, month) = text.split_once('-')?;
            let digits = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
            if !digits(year, 4) || !digits(month, 2) {
                return None;
            }
            let (year, month) = (year.parse().ok()?, month.parse().ok()?);
            ((1970..2200).contains(&year) && (1..=12).contains(&month)).then_some(Self { year, month })
        };
        read().ok_or_else(|| MonthError(text.to_owned()))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_at_its_zone_s_midnight() {
        let month: Month = "2026-03".parse().expect("a month");
        assert_eq!(month.start(Zone::Utc).to_string(), "2026-03-01T00:00:00.000000Z");
        assert_eq!(month.start(Zone::Pacific).to_string(), "2026-03-01T08:00:00.000000Z");
        // Summer time began in between.
        assert_eq!(month.end(Zone::Pacific).to_string(), "2026-04-01T07:00:00.000000Z");
        let at = Timestamp::parse_rfc3339("2026-04-01T06:59:59.999999Z").expect("a time");
        assert_eq!((Month::of(at, Zone::Pacific), Month::of(at, Zone::Utc)), (month, month.next()));
        assert_eq!("2025-12".parse::<Month>().expect("a month").next().to_string(), "2026-01");
        assert_eq!("2026-01".parse::<Month>().expect("a month").previous().to_string(), "2025-12");
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for text in ["", "2026", "2026-13", "2026-00", "26-01", "2026-1", "2026-01-01", "+026-01", "1969-12", "2200-01"]
        {
            let error = text.parse::<Month>().expect_err(text).to_string();
            assert_eq!(error, format!("'{text}' is not a month: write YYYY-MM, such as 2026-03"));
        }
    }
}

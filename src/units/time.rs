//! Points in time and lengths of time. Reading the clock is `crate::clock`'s.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time: nanoseconds since the Unix epoch, UTC. Tables hold microseconds where they hold timestamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From microseconds since the Unix epoch; out of range is held at the ends.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Microseconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Days since the Unix epoch, rounded down: the UTC day that partitions are named for.
    #[must_use]
    pub fn days(self) -> i32 {
        i32::try_from(self.0.div_euclid(86_400_000_000_000)).expect("2^63 ns are 106,752 days")
    }

    /// This point moved later by `length`, held at the end of the range.
    #[must_use]
    pub fn plus(self, length: Duration) -> Self {
        Self(self.0.saturating_add(nanos(length)))
    }

    /// This point moved earlier by `length`, held at the start of the range.
    #[must_use]
    pub fn minus(self, length: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(length)))
    }

    /// The time from `earlier` to this point, zero where `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads RFC 3339, such as `2026-03-01T00:00:00Z`.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let parsed = DateTime::parse_from_rfc3339(text).ok()?;
        parsed.timestamp_nanos_opt().map(Self)
    }
}

/// RFC 3339 with microseconds and `Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = DateTime::<Utc>::from_timestamp_nanos(self.0).to_rfc3339_opts(SecondsFormat::Micros, true);
        f.write_str(&text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).ok_or_else(|| serde::de::Error::custom(format!("'{text}' is not an RFC 3339 time")))
    }
}

/// A length of time in nanoseconds as a column holds it; more than 292 years is held at the column's largest value.
#[must_use]
pub fn nanos(length: Duration) -> i64 {
    i64::try_from(length.as_nanos()).unwrap_or(i64::MAX)
}

/// Why a length of time could not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is not a length of time: write a whole number and a unit, such as 500ms, 3s, 5m, 1h, 7d or 2w")]
pub struct ParseDurationError(pub String);

/// Reads a length of time in Prometheus' notation: one or more of `N` and `ms`, `s`, `m`, `h`, `d`, `w`, as in `1h30m`.
pub fn parse_duration(text: &str) -> Result<Duration, ParseDurationError> {
    let fail = || ParseDurationError(text.to_owned());
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(fail)?;
        let number: u64 = rest[..digits].parse().map_err(|_| fail())?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let millis: u64 = match &rest[..unit] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return Err(fail()),
        };
        rest = &rest[unit..];
        total = number.checked_mul(millis).and_then(|part| total.checked_add(part)).ok_or_else(fail)?;
    }
    if text.is_empty() { Err(fail()) } else { Ok(Duration::from_millis(total)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_prometheus_writes_them() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(parse_duration("2w"), Ok(Duration::from_secs(14 * 86_400)));
        for wrong in ["", "5", "m", "1.5s", "-1s", "3 s", "99999999999999999999s", "18446744073709551615w"] {
            assert_eq!(parse_duration(wrong), Err(ParseDurationError(wrong.to_owned())));
        }
    }

    #[test]
    fn timestamps_round_down_before_the_epoch_too() {
        assert_eq!(Timestamp::from_nanos(-1).micros(), -1);
        assert_eq!(Timestamp::from_nanos(-1).days(), -1);
        assert_eq!(Timestamp::from_nanos(86_400_000_000_000).days(), 1);
    }

    #[test]
    fn timestamps_print_and_read_back() {
        let at = Timestamp::from_micros(1_763_694_245_123_456);
        assert_eq!(Timestamp::parse_rfc3339(&at.to_string()), Some(at));
    }
}

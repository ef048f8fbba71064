//! The time range of a page and the filters beside it: how URLs say them, and which parameters queries get of them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::dashboard::Dashboard;
use crate::query::{Param, Params};
use crate::units::{Timestamp, nanos, parse_duration};
use crate::web::error::Problem;
use crate::web::params::QueryString;

/// Points of a chart, at most.
pub(in crate::web) const MAX_POINTS: i64 = 300;
/// The steps that there are, in seconds: 10 s to a week.
const STEPS_S: [i64; 8] = [10, 60, 300, 900, 3_600, 21_600, 86_400, 604_800];
/// The range where the URL says none.
const DEFAULT_FROM: &str = "now-24h";
/// The zone that times are shown in where the URL says none.
pub(in crate::web) const UTC: &str = "UTC";
const NANOS_PER_S: i64 = 1_000_000_000;

/// What a page is asked for. Every control of the page writes it into the URL.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::web) struct Window {
    /// The start, included: on a whole step.
    pub(in crate::web) from: Timestamp,
    /// The end, not included: on a whole hour where steps are hours or more, else on a whole minute, or on a whole step
    /// where that is shorter. So rollups by hour and by minute answer it.
    pub(in crate::web) to: Timestamp,
    /// Seconds between two points.
    pub(in crate::web) step_s: i64,
    /// What figures are compared with: the same length of time, so much earlier.
    pub(in crate::web) compare: Option<Duration>,
    /// The controls as the URL has them.
    pub(in crate::web) url: Controls,
    /// The end as it was asked for, before it was rounded up.
    pub(in crate::web) asked_to: Timestamp,
    /// What the board's variables are set to.
    pub(in crate::web) variables: Params,
}

/// The controls as the URL has them, with what is meant where it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::web) struct Controls {
    pub(in crate::web) from: String,
    pub(in crate::web) to: String,
    pub(in crate::web) tz: String,
    pub(in crate::web) step: String,
    pub(in crate::web) cmp: String,
    #[serde(flatten)]
    pub(in crate::web) filters: Filters,
}

/// Which invocations a page is about; empty text is all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(in crate::web) struct Filters {
    pub(in crate::web) tenant: String,
    #[serde(rename = "fn")]
    pub(in crate::web) function: String,
    #[serde(rename = "ver")]
    pub(in crate::web) version: String,
    pub(in crate::web) region: String,
    /// `KEY:VALUE`
    pub(in crate::web) tag: String,
}

impl Window {
    /// Reads the controls that every page has; what is not given has its default.
    pub(in crate::web) fn read(query: &mut QueryString, now: Timestamp) -> Result<Self, Problem> {
        let tz = read_zone(query)?;
        let mut text = |name, default: &str| -> Result<String, Problem> {
            let given = query.text(name)?.filter(|text| !text.is_empty());
            Ok(given.unwrap_or_else(|| default.to_owned()))
        };
        let url = Controls {
            from: text("from", DEFAULT_FROM)?,
            to: text("to", "now")?,
            tz,
            step: text("step", "auto")?,
            cmp: text("cmp", "")?,
            filters: Filters {
                tenant: text("tenant", "")?,
                function: text("fn", "")?,
                version: text("ver", "")?,
                region: text("region", "")?,
                tag: text("tag", "")?,
            },
        };
        Self::of(url, now)
    }

    /// The same for a board's page: its variables are controls too.
    pub(in crate::web) fn read_for(
        board: &Dashboard,
        query: &mut QueryString,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let mut window = Self::read(query, now)?;
        for variable in &board.variables {
            let control = variable.control();
            let given = query.text(control.clone())?.filter(|text| !text.is_empty());
            let text = given.as_deref().unwrap_or(&variable.default);
            let param =
                variable.read(text).map_err(|reason| Problem::invalid(format!("{control}={text}: {reason}")))?;
            window.variables.insert(variable.name.clone(), param);
        }
        Ok(window)
    }

    fn of(url: Controls, now: Timestamp) -> Result<Self, Problem> {
        let (from, to) = (read_time("from", &url.from, now)?, read_time("to", &url.to, now)?);
        if from >= to {
            let detail = format!("from={} is not before to={}", url.from, url.to);
            return Err(Problem::invalid(detail));
        }
        if !url.filters.tag.is_empty() && !url.filters.tag.contains(':') {
            return Err(Problem::invalid(format!("tag={}: write tag=KEY:VALUE", url.filters.tag)));
        }
        let step_s = read_step(&url.step, from, to)?;
        let compare = match url.cmp.strip_prefix('-') {
            _ if url.cmp.is_empty() || url.cmp == "none" => None,
            Some(length) => Some(parse_duration(length).map_err(|error| Problem::invalid(format!("cmp: {error}")))?),
            None => return Err(Problem::invalid(format!("cmp={}: write how much earlier, such as -7d", url.cmp))),
        };
        let step = step_s * NANOS_PER_S;
        let end_s = if step_s >= 3_600 { 3_600 } else { step_s.min(60) };
        Ok(Self {
            from: Timestamp::from_nanos(from.nanos().div_euclid(step) * step),
            to: up_to_whole(to, end_s),
            step_s,
            compare,
            asked_to: to,
            variables: Params::new(),
            url,
        })
    }

    /// The same length of time, earlier by what it is compared with. It ends as early in its last hour as this one was asked to.
    pub(in crate::web) fn compared(&self) -> Option<Self> {
        let back = self.compare?;
        let minute = Duration::from_secs(self.step_s.unsigned_abs().min(60));
        let whole = Duration::from_secs(back.as_secs() / minute.as_secs().max(1) * minute.as_secs());
        let to = up_to_whole(self.asked_to.minus(whole), self.step_s.min(60));
        Some(Self { from: self.from.minus(whole), to, ..self.clone() })
    }

    /// Its last part, no longer than `limit`; none where all of it is that short. Ranges start on whole steps, so a range
    /// may be longer by one.
    pub(in crate::web) fn last(&self, limit: Duration) -> Option<Self> {
        let slack = Duration::from_secs(self.step_s.unsigned_abs().saturating_mul(2).max(120));
        if self.length() <= limit.saturating_add(slack) {
            return None;
        }
        let step = self.step_s.min(3_600) * NANOS_PER_S;
        let from = self.to.minus(limit).nanos().div_euclid(step) * step;
        Some(Self { from: Timestamp::from_nanos(from), ..self.clone() })
    }

    /// How long the range is.
    pub(in crate::web) fn length(&self) -> Duration {
        self.to.since(self.from)
    }

    /// Whether the range ends now, so that the page goes on.
    pub(in crate::web) fn is_live(&self) -> bool {
        self.url.to == "now"
    }

    /// The start of each bucket, microseconds since the epoch.
    pub(in crate::web) fn buckets(&self) -> Vec<i64> {
        let step = self.step_s * 1_000_000;
        let first = self.from.micros().div_euclid(step) * step;
        let count = (self.to.micros() - first).div_euclid(step) + i64::from((self.to.micros() - first) % step > 0);
        (0..count).map(|index| first + index * step).collect()
    }

    /// The parameters that queries may ask for; a filter that is not set is null.
    pub(in crate::web) fn params(&self) -> Params {
        let filters = &self.url.filters;
        let (tag_key, tag_value) = filters.tag.split_once(':').unwrap_or(("", ""));
        let optional = |text: &str| if text.is_empty() { Param::Null } else { Param::Text(text.to_owned()) };
        let mut params = BTreeMap::from([
            ("from".to_owned(), Param::Text(self.from.to_string())),
            ("to".to_owned(), Param::Text(self.to.to_string())),
            ("step".to_owned(), Param::Int(self.step_s)),
            ("tenant".to_owned(), optional(&filters.tenant)),
            ("function".to_owned(), optional(&filters.function)),
            ("version".to_owned(), optional(&filters.version)),
            ("region".to_owned(), optional(&filters.region)),
            ("tag_key".to_owned(), optional(tag_key)),
            ("tag_value".to_owned(), optional(tag_value)),
        ]);
        params.extend(self.variables.clone());
        params
    }
}

/// The first whole so many seconds that are not earlier.
fn up_to_whole(time: Timestamp, seconds: i64) -> Timestamp {
    let whole = seconds * NANOS_PER_S;
    Timestamp::from_nanos(-(-time.nanos()).div_euclid(whole) * whole)
}

/// The zone that times are shown in: `UTC`, or `local`, which is the browser's.
pub(in crate::web) fn read_zone(query: &mut QueryString) -> Result<String, Problem> {
    match query.text("tz")?.filter(|text| !text.is_empty()) {
        None => Ok(UTC.to_owned()),
        Some(tz) if [UTC, "local"].contains(&tz.as_str()) => Ok(tz),
        Some(tz) => Err(Problem::invalid(format!("tz={tz}: it must be UTC or local"))),
    }
}

/// `now`, `now-6h`, RFC 3339, or milliseconds since the epoch.
fn read_time(name: &str, text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    let wrong = || {
        Problem::invalid(format!(
            "{name}={text} is not a time: write now, now-6h, 2026-03-01T00:00:00Z, 2026-03-01 or milliseconds since 1970"
        ))
    };
    if let Some(rest) = text.strip_prefix("now") {
        return match rest.strip_prefix('-') {
            _ if rest.is_empty() => Ok(now),
            Some(length) => parse_duration(length).map(|length| now.minus(length)).map_err(|_| wrong()),
            None => Err(wrong()),
        };
    }
    if let Ok(millis) = text.parse::<i64>() {
        return Ok(Timestamp::from_micros(millis.saturating_mul(1_000)));
    }
    let longer = [text.to_owned(), format!("{text}Z"), format!("{text}:00Z"), format!("{text}T00:00:00Z")];
    longer.iter().find_map(|text| Timestamp::parse_rfc3339(text)).ok_or_else(wrong)
}

/// The smallest step that gives at most `MAX_POINTS` points, or the one that was asked for.
fn read_step(text: &str, from: Timestamp, to: Timestamp) -> Result<i64, Problem> {
    let length_s = nanos(to.since(from)) / NANOS_PER_S;
    let fits = |step: i64| length_s / step <= MAX_POINTS;
    if text == "auto" {
        let longest = STEPS_S[STEPS_S.len() - 1];
        return Ok(STEPS_S.into_iter().find(|step| fits(*step)).unwrap_or(longest));
    }
    let wanted = parse_duration(text).map_err(|error| Problem::invalid(format!("step: {error}")))?;
    let wanted = i64::try_from(wanted.as_secs()).unwrap_or(i64::MAX);
    if !STEPS_S.contains(&wanted) {
        return Err(Problem::invalid(format!("step={text}: there are auto, 10s, 1m, 5m, 15m, 1h, 6h, 1d and 7d")));
    }
    if !fits(wanted) {
        let detail = format!("step={text} makes more than {MAX_POINTS} points of this range: write step=auto");
        return Err(Problem::invalid(detail));
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(query: &str) -> Result<Window, Problem> {
        let now = Timestamp::parse_rfc3339("2026-03-10T12:34:56.789Z").unwrap();
        Window::read(&mut QueryString::of(&format!("/x?{query}").parse().unwrap()), now)
    }

    #[test]
    fn the_range_is_made_of_whole_steps() {
        let day = window("").unwrap();
        assert_eq!((day.from.to_string().as_str(), day.step_s), ("2026-03-09T12:30:00.000000Z", 300));
        assert_eq!(day.to.to_string(), "2026-03-10T12:35:00.000000Z");
        assert_eq!(day.buckets().len(), 289);
        for (from, step) in [("now-5m", 10), ("now-50m", 10), ("now-3h", 60), ("now-7d", 3_600), ("now-35d", 21_600)] {
            let window = window(&format!("from={from}")).unwrap();
            assert_eq!(window.step_s, step, "{from}");
            assert!(i64::try_from(window.buckets().len()).unwrap() <= MAX_POINTS + 2);
        }
    }

    #[test]
    fn long_ranges_end_on_whole_hours_and_what_they_are_compared_with_does_not() {
        let weeks = window("from=now-14d&cmp=-7d").unwrap();
        assert_eq!((weeks.to.to_string().as_str(), weeks.step_s), ("2026-03-10T13:00:00.000000Z", 21_600));
        assert_eq!(weeks.compared().unwrap().to.to_string(), "2026-03-03T12:35:00.000000Z");
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        let fixed = window("from=2026-03-01&to=2026-03-02T06:00").unwrap();
        assert_eq!(fixed.from.to_string(), "2026-03-01T00:00:00.000000Z");
        assert_eq!(fixed.to.to_string(), "2026-03-02T06:00:00.000000Z");
        assert!(!fixed.is_live());
        let millis = window("from=1772323200000&to=1772326800000").unwrap();
        assert_eq!(millis.length(), Duration::from_secs(3_600));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = ["from=yesterday", "from=now&to=now-1h", "step=7m", "step=10s", "cmp=7d", "tag=team", "tz=Mars"];
        for query in wrong {
            assert!(window(query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_long_range_has_a_last_part() {
        let day = Duration::from_secs(86_400);
        assert_eq!(window("from=now-24h").unwrap().last(day), None, "as long as it may be");
        let week = window("from=now-7d").unwrap();
        let last = week.last(day).unwrap();
        assert_eq!((last.to, last.step_s, last.length()), (week.to, week.step_s, day));
        assert_eq!(window("from=now-7d").unwrap().last(7 * day), None);
    }

    #[test]
    fn comparison_is_the_same_length_earlier() {
        let window = window("cmp=-7d").unwrap();
        let compared = window.compared().unwrap();
        assert_eq!(compared.length(), window.length());
        assert_eq!(window.from.since(compared.from), Duration::from_secs(7 * 86_400));
    }
}

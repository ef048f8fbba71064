//! The range of a page and the filters beside it, as links and forms of the page show them. How URLs are read is
//! `web::panel::window`'s.

use serde::Serialize;

use crate::units::Timestamp;
use crate::web::panel::window::{Controls, UTC, Window};

/// Ranges that one click chooses: the start, and what it is called.
pub(super) const RANGES: [(&str, &str); 10] = [
    ("now-15m", "Last 15 min"),
    ("now-1h", "Last hour"),
    ("now-3h", "Last 3 h"),
    ("now-6h", "Last 6 h"),
    ("now-12h", "Last 12 h"),
    ("now-24h", "Last 24 h"),
    ("now-2d", "Last 2 days"),
    ("now-7d", "Last 7 days"),
    ("now-30d", "Last 30 days"),
    ("now-60d", "Last 60 days"),
];

/// A name and a value in a URL.
pub(super) type Pair = (&'static str, String);

/// What `range.html` shows.
#[derive(Serialize)]
pub(super) struct Range {
    /// Where the form leads.
    path: String,
    label: Label,
    from: String,
    to: String,
    /// `UTC` or `local`
    tz: String,
    choices: Vec<Choice>,
    /// The range moved by half of its length.
    earlier: String,
    later: String,
    /// Whether it ends now: there is nothing later.
    live: bool,
    chips: Vec<Chip>,
    /// What a new range keeps.
    hidden: Vec<Pair>,
}

#[derive(Serialize)]
struct Choice {
    label: &'static str,
    href: String,
    chosen: bool,
}

/// The range in words: what a choice is called, or from when to when.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Label {
    known: Option<&'static str>,
    edges: [Edge; 2],
}

/// An end of the range as it was asked for.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Edge {
    /// The instant, RFC 3339; none where the text follows the clock.
    at: Option<String>,
    /// `now-6h`, or the instant in UTC to the minute.
    text: String,
}

/// A filter that is set, and the page without it.
#[derive(Serialize)]
struct Chip {
    name: &'static str,
    value: String,
    href: String,
}

impl Range {
    /// The picker of the page at `path`, which keeps the filters and the page's `own` pairs.
    pub(super) fn of(path: &str, window: &Window, own: &[Pair]) -> Self {
        let controls = &window.url;
        let hidden: Vec<Pair> = filters(controls).into_iter().chain(own.iter().cloned()).collect();
        let choice = |(from, label): (&'static str, &'static str)| {
            let range = to_now(controls, from);
            Choice { label, href: href(path, range.iter().chain(&hidden)), chosen: is_chosen(controls, from) }
        };
        let half = half_ms(window);
        let by = |ms: i64| href(path, moved(window, ms, ms).iter().chain(&hidden));
        Self {
            earlier: by(-half),
            later: by(half),
            live: window.is_live(),
            chips: chips(path, controls, &hidden),
            path: path.to_owned(),
            label: label(window),
            from: field(&controls.from),
            to: field(&controls.to),
            tz: controls.tz.clone(),
            choices: RANGES.map(choice).into(),
            hidden,
        }
    }
}

/// Whether the range is the one from `from` to now.
pub(super) fn is_chosen(controls: &Controls, from: &str) -> bool {
    controls.from == from && controls.to == "now"
}

/// The range in words.
pub(super) fn label(window: &Window) -> Label {
    let url = &window.url;
    let edge = |asked: &str, at: Timestamp| {
        let at = Some(at.to_string()).filter(|_| !asked.starts_with("now"));
        let minute = |at: &String| at.chars().take(16).collect::<String>().replace('T', " ");
        Edge { text: at.as_ref().map_or_else(|| asked.to_owned(), minute), at }
    };
    let known = RANGES.iter().find(|(from, _)| is_chosen(url, from)).map(|(_, label)| *label);
    Label { known, edges: [edge(&url.from, window.from), edge(&url.to, window.asked_to)] }
}

/// What a field shows of an end of the range: as it was asked for, but for milliseconds, which nobody reads.
fn field(asked: &str) -> String {
    let instant = asked.parse::<i64>().map(|millis| Timestamp::from_micros(millis.saturating_mul(1_000)).to_string());
    instant.map_or_else(|_| asked.to_owned(), |instant| instant.replace(".000000Z", "Z"))
}

/// The range from `from` to now, in the same zone.
pub(super) fn to_now(controls: &Controls, from: &str) -> Vec<Pair> {
    [("from", from.to_owned()), ("to", "now".to_owned())].into_iter().chain(zone(&controls.tz)).collect()
}

/// Half of the range's length, milliseconds.
pub(super) fn half_ms(window: &Window) -> i64 {
    i64::try_from(window.length().as_millis() / 2).unwrap_or(i64::MAX)
}

/// The range with its start and end moved, milliseconds, in the same zone.
pub(super) fn moved(window: &Window, start_ms: i64, end_ms: i64) -> Vec<Pair> {
    let by = |at: Timestamp, ms: i64| (at.micros() / 1_000).saturating_add(ms).to_string();
    let range = [("from", by(window.from, start_ms)), ("to", by(window.to, end_ms))];
    range.into_iter().chain(zone(&window.url.tz)).collect()
}

/// The filters that are set, the range and what else is set kept.
fn chips(path: &str, controls: &Controls, hidden: &[Pair]) -> Vec<Chip> {
    let range = range(controls);
    let set = hidden.iter().filter_map(|(name, value)| Some((*name, title(name)?, value)));
    set.map(|(name, title, value)| {
        let others = hidden.iter().filter(|(other, _)| *other != name);
        Chip { name: title, value: value.clone(), href: href(path, range.iter().chain(others)) }
    })
    .collect()
}

/// What people call a filter; none for what is no filter.
pub(super) fn title(name: &str) -> Option<&'static str> {
    match name {
        "tenant" => Some("tenant"),
        "fn" => Some("function"),
        "ver" => Some("version"),
        "region" => Some("region"),
        "tag" => Some("tag"),
        "q" => Some("search"),
        "outcome" => Some("outcome"),
        "cold" => Some("cold"),
        "min_duration" => Some("at least"),
        "max_duration" => Some("at most"),
        "attr" => Some("attribute"),
        "severity" => Some("severity"),
        "regex" => Some("matches"),
        "trace_id" => Some("trace"),
        "span_id" => Some("span"),
        "invocation_id" => Some("invocation"),
        "environment_id" => Some("environment"),
        "source" => Some("source"),
        "throttle_reason" => Some("throttled by"),
        "error" => Some("error holds"),
        "fingerprint" => Some("error group"),
        _ => None,
    }
}

/// The range and the filters that a link to another page takes along, as a query.
pub(super) fn keep(controls: &Controls) -> String {
    encoded(range(controls).iter().chain(&filters(controls)))
}

/// The range and the zone that it is shown in, where they are not the usual ones.
pub(super) fn range(controls: &Controls) -> Vec<Pair> {
    set([("from", &controls.from, "now-24h"), ("to", &controls.to, "now"), ("tz", &controls.tz, UTC)])
}

/// The zone alone, for pages that have no range.
pub(super) fn zone(tz: &str) -> Option<Pair> {
    (tz != UTC).then(|| ("tz", tz.to_owned()))
}

/// What stands beside the range, where it is not as usual.
pub(super) fn filters(controls: &Controls) -> Vec<Pair> {
    let filters = &controls.filters;
    set([
        ("cmp", &controls.cmp, ""),
        ("tenant", &filters.tenant, ""),
        ("fn", &filters.function, ""),
        ("ver", &filters.version, ""),
        ("region", &filters.region, ""),
        ("tag", &filters.tag, ""),
    ])
}

/// The range, and what stands beside it but has no field in a form of these.
pub(super) fn beside(controls: &Controls, fields: &[&str]) -> Vec<Pair> {
    let others = filters(controls).into_iter().filter(|(name, _)| !fields.contains(name));
    range(controls).into_iter().chain(others).collect()
}

/// The pairs that differ from what is usual.
pub(super) fn set<const N: usize>(pairs: [(&'static str, &String, &str); N]) -> Vec<Pair> {
    let others = pairs.into_iter().filter(|(_, value, usual)| value != usual);
    others.map(|(name, value, _)| (name, value.clone())).collect()
}

/// The pairs as a query.
pub(super) fn encoded<'a>(pairs: impl IntoIterator<Item = &'a Pair>) -> String {
    let pairs = pairs.into_iter().map(|(name, value)| (name, value));
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A link to `path` with these pairs.
pub(super) fn href<'a>(path: &str, pairs: impl IntoIterator<Item = &'a Pair>) -> String {
    let query = encoded(pairs);
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// `text` as one part of a path.
pub(super) fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_say_what_differs_from_the_usual() {
        let (day, hour) = ("now-24h".to_owned(), "now-1h".to_owned());
        assert_eq!(set([("from", &day, "now-24h"), ("x", &hour, "")]), [("x", hour.clone())]);
        assert_eq!(href("/functions", &[]), "/functions");
        assert_eq!(href("/f", &[("tag", "a:b c".to_owned()), ("q", "&".to_owned())]), "/f?tag=a%3Ab+c&q=%26");
        assert_eq!(segment("a/b c?+é"), "a%2Fb%20c%3F%2B%C3%A9");
    }
}

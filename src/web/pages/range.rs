//! The range of a page and the filters beside it, as links and forms of the page show them. How URLs are read is
//! `web::panel::window`'s.

use serde::Serialize;

use crate::units::Timestamp;
use crate::web::panel::window::{Controls, Window};

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
    label: String,
    from: String,
    to: String,
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
        let chosen = |from: &str| controls.from == from && controls.to == "now";
        let choice = |(from, label): (&'static str, &'static str)| {
            let range = [("from", from.to_owned()), ("to", "now".to_owned())];
            Choice { label, href: href(path, range.iter().chain(&hidden)), chosen: chosen(from) }
        };
        let known = RANGES.iter().find(|(from, _)| chosen(from));
        let label =
            known.map_or_else(|| format!("{} – {}", controls.from, controls.to), |(_, label)| (*label).to_owned());
        let half = window.length() / 2;
        let moved = |from: Timestamp, to: Timestamp| {
            let range = [("from", from), ("to", to)].map(|(name, at)| (name, (at.micros() / 1_000).to_string()));
            href(path, range.iter().chain(&hidden))
        };
        Self {
            earlier: moved(window.from.minus(half), window.to.minus(half)),
            later: moved(window.from.plus(half), window.to.plus(half)),
            live: window.is_live(),
            chips: chips(path, controls, &hidden),
            path: path.to_owned(),
            label,
            from: controls.from.clone(),
            to: controls.to.clone(),
            choices: RANGES.map(choice).into(),
            hidden,
        }
    }
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
fn title(name: &str) -> Option<&'static str> {
    match name {
        "tenant" => Some("tenant"),
        "fn" => Some("function"),
        "ver" => Some("version"),
        "region" => Some("region"),
        "tag" => Some("tag"),
        "q" => Some("search"),
        "outcome" => Some("outcome"),
        "cold" => Some("cold"),
        "min_duration" => Some("handler at least"),
        "throttle_reason" => Some("throttled by"),
        "error" => Some("error holds"),
        _ => None,
    }
}

/// The range and the filters that a link to another page takes along, as a query.
pub(super) fn keep(controls: &Controls) -> String {
    let kept = range(controls).into_iter().chain(filters(controls));
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
}

/// The range, where it is not the usual one.
pub(super) fn range(controls: &Controls) -> Vec<Pair> {
    set([("from", &controls.from, "now-24h"), ("to", &controls.to, "now")])
}

/// What stands beside the range, where it is not as usual.
pub(super) fn filters(controls: &Controls) -> Vec<Pair> {
    let filters = &controls.filters;
    set([
        ("tz", &controls.tz, "UTC"),
        ("cmp", &controls.cmp, ""),
        ("tenant", &filters.tenant, ""),
        ("fn", &filters.function, ""),
        ("ver", &filters.version, ""),
        ("region", &filters.region, ""),
        ("tag", &filters.tag, ""),
    ])
}

/// The pairs that differ from what is usual.
pub(super) fn set<const N: usize>(pairs: [(&'static str, &String, &str); N]) -> Vec<Pair> {
    let others = pairs.into_iter().filter(|(_, value, usual)| value != usual);
    others.map(|(name, value, _)| (name, value.clone())).collect()
}

/// A link to `path` with these pairs.
pub(super) fn href<'a>(path: &str, pairs: impl IntoIterator<Item = &'a Pair>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs.into_iter().map(|(name, value)| (name, value)));
    let query = query.finish();
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

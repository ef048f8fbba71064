//! Reads a board's text and says everything that its format does not allow, each with its line. The format itself is
//! `file`'s types: a fault is taken out of the text's tree and the tree is read again, until it is sound. What a sound
//! board says is checked in `check`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeFloat, DeInteger, DeString, DeTable, DeValue, Deserializer};

use super::{Dashboard, Error};

/// Faults of one file that are named, at most.
const MAX_FAULTS: usize = 100;

/// A board's text as it was understood.
pub(super) struct Reading {
    /// The board; none where the text is no TOML. Where there are faults, parts of it are made up.
    pub(super) board: Option<Dashboard>,
    /// Where its parts stand.
    pub(super) places: Places,
    /// What the format does not allow, by line.
    pub(super) faults: Vec<Error>,
    /// The panels, by number, that are made up in part.
    pub(super) spoilt: BTreeSet<usize>,
}

/// The lines of a text's keys, by their path: `panels.0.query`.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<String, usize>);

impl Places {
    /// The line of the key, or of the nearest thing around it.
    pub(super) fn line(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            if let Some(line) = self.0.get(path) {
                return *line;
            }
            let Some((around, _)) = path.rsplit_once('.') else { return 1 };
            path = around;
        }
    }

    /// Whether the text has this key.
    pub(super) fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }
}

/// Reads the text of the board `name`, which stands in `file`.
pub(super) fn read(file: &str, name: &str, text: &str) -> Reading {
    let fault = |at: usize, reason: String| Error { file: file.to_owned(), line: line_of(text, at), reason };
    let (mut tree, errors) = DeTable::parse_recoverable(text);
    let mut places = BTreeMap::new();
    note_lines(text, "", tree.get_ref(), &mut places);
    let places = Places(places);
    if !errors.is_empty() {
        let at = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
        let mut faults: Vec<Error> =
            errors.iter().map(|error| fault(at(error), one_line(error.message()))).take(MAX_FAULTS).collect();
        faults.sort_by_key(|fault| fault.line);
        faults.dedup_by_key(|fault| fault.line);
        return Reading { board: None, places, faults, spoilt: BTreeSet::new() };
    }
    let (mut faults, mut spoilt, mut taken_out) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let mut board = None;
    for _ in 0..MAX_FAULTS * 2 {
        let error = match Dashboard::deserialize(Deserializer::from(tree.clone())) {
            Ok(mut sound) => {
                name.clone_into(&mut sound.name);
                if sound.path.is_empty() {
                    sound.path = format!("/dashboards/{name}");
                }
                board = Some(sound);
                break;
            }
            Err(error) => error,
        };
        let span = error.span().unwrap_or(0..text.len());
        let place = find(tree.get_ref(), &span).unwrap_or_default();
        spoilt.extend(panel_of(&place));
        let missing = missing_field(error.message());
        if missing.is_none_or(|field| !taken_out.contains(&[&place[..], &[field.to_owned()]].concat())) {
            faults.push(fault(span.start, one_line(error.message())));
        }
        if !mend(&mut tree, &place, missing) || faults.len() >= MAX_FAULTS {
            break;
        }
        if missing.is_none() {
            taken_out.insert(place);
        }
    }
    faults.sort_by_key(|fault: &Error| fault.line);
    Reading { board, places, faults, spoilt }
}

/// Takes the thing at `place` out, or puts something in for the field that is missing there.
fn mend(tree: &mut Spanned<DeTable<'_>>, place: &[String], missing: Option<&str>) -> bool {
    match (missing, place.split_last()) {
        (Some(field), _) => match table_at(tree.get_mut(), place) {
            Some(table) => {
                let key = Spanned::new(0..0, DeString::from(field.to_owned()));
                table.insert(key, Spanned::new(0..0, stand_in(place, field))).is_none()
            }
            None => false,
        },
        (None, Some((last, around))) => take_out(tree.get_mut(), around, last),
        (None, None) => false,
    }
}

/// Something of the right kind for a required field.
fn stand_in(place: &[String], field: &str) -> DeValue<'static> {
    let is_threshold = place.iter().any(|step| step == "thresholds");
    match field {
        "panels" => DeValue::Array(DeArray::new()),
        "kind" if place.iter().any(|step| step == "variables") => DeValue::String(DeString::from("text")),
        "kind" => DeValue::String(DeString::from("Table")),
        "w" | "h" => DeValue::Integer(DeInteger::default()),
        "value" if is_threshold => DeValue::Float(DeFloat::default()),
        _ => DeValue::String(DeString::from("-")),
    }
}

/// The field that a message says is missing.
fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.split('`').next()
}

fn panel_of(place: &[String]) -> Option<usize> {
    match place {
        [panels, number, ..] if panels == "panels" => number.parse().ok(),
        _ => None,
    }
}

fn one_line(message: &str) -> String {
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

fn note_lines(text: &str, around: &str, table: &DeTable<'_>, places: &mut BTreeMap<String, usize>) {
    let below = |name: &str| if around.is_empty() { name.to_owned() } else { format!("{around}.{name}") };
    for (key, value) in table {
        let path = below(key.get_ref());
        places.insert(path.clone(), line_of(text, key.span().start));
        match value.get_ref() {
            DeValue::Table(inner) => note_lines(text, &path, inner, places),
            DeValue::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    let path = format!("{path}.{number}");
                    places.insert(path.clone(), line_of(text, item.span().start));
                    if let DeValue::Table(inner) = item.get_ref() {
                        note_lines(text, &path, inner, places);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The path of the key or value that takes up exactly this part of the text; the innermost where there are several.
fn find(table: &DeTable<'_>, span: &Range<usize>) -> Option<Vec<String>> {
    table.iter().find_map(|(key, value)| {
        let inner = match value.get_ref() {
            DeValue::Table(inner) => find(inner, span),
            DeValue::Array(items) => items.iter().enumerate().find_map(|(number, item)| {
                let inner = item.get_ref().as_table().and_then(|inner| find(inner, span));
                let found = inner.or_else(|| (item.span() == *span).then(Vec::new));
                found.map(|rest| [vec![number.to_string()], rest].concat())
            }),
            _ => None,
        };
        let found = inner.or_else(|| (key.span() == *span || value.span() == *span).then(Vec::new));
        found.map(|rest| [vec![key.get_ref().to_string()], rest].concat())
    })
}

fn table_at<'t, 'i>(table: &'t mut DeTable<'i>, path: &[String]) -> Option<&'t mut DeTable<'i>> {
    let Some((first, rest)) = path.split_first() else { return Some(table) };
    let value = table.iter_mut().find(|(key, _)| key.get_ref() == first.as_str()).map(|(_, value)| value)?;
    match value.get_mut() {
        DeValue::Table(inner) => table_at(inner, rest),
        DeValue::Array(items) => {
            let (number, rest) = rest.split_first()?;
            match items.get_mut(number.parse::<usize>().ok()?)?.get_mut() {
                DeValue::Table(inner) => table_at(inner, rest),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Removes `last` from the table or list at `around`.
fn take_out(tree: &mut DeTable<'_>, around: &[String], last: &str) -> bool {
    if let Some(table) = table_at(tree, around) {
        let before = table.len();
        let kept = table.iter().filter(|(key, _)| key.get_ref() != last);
        *table = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
        return table.len() < before;
    }
    let Some((list, above)) = around.split_last() else { return false };
    let Some(table) = table_at(tree, above) else { return false };
    let value = table.iter_mut().find(|(key, _)| key.get_ref() == list.as_str()).map(|(_, value)| value.get_mut());
    match (value, last.parse::<usize>()) {
        (Some(DeValue::Array(items)), Ok(number)) if number < items.len() => {
            let kept = items.iter().enumerate().filter(|(place, _)| *place != number).map(|(_, item)| item.clone());
            *items = kept.collect();
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(usize, String)> {
        read("x.toml", "x", text).faults.into_iter().map(|fault| (fault.line, fault.reason)).collect()
    }

    #[test]
    fn everything_that_is_wrong_is_named_with_its_line() {
        let text = "title = \"T\"\nfoo = 1\n\n[[panels]]\nid = \"a\"\nkind = \"Pie\"\nquery = \"q\"\n\n[[panels]]\n\
                    id = \"b\"\ntitle = 3\nkind = \"Table\"\ngrid = { w = 1, q = 2 }\n\n[[panels.columns]]\nname = \"n\"\n\
                    bar = \"yes\"\n";
        let found = faults(text);
        let starts = [
            (2, "unknown field `foo`"),
            (4, "missing field `title`"),
            (6, "unknown variant `Pie`"),
            (9, "missing field `query`"),
            (11, "invalid type: integer `3`"),
            (13, "unknown field `q`"),
            (13, "missing field `h`"),
            (15, "missing field `title`"),
            (17, "invalid type: string \"yes\""),
        ];
        assert_eq!(found.len(), starts.len(), "{found:#?}");
        for ((line, reason), (expected, start)) in found.iter().zip(starts) {
            assert!(*line == expected && reason.starts_with(start), "{expected} {start}: {found:#?}");
        }
    }

    #[test]
    fn text_that_is_no_toml_is_named_with_its_lines() {
        let found = faults("title = \"T\npanels = []\nx = = 1\n");
        assert!(found.len() >= 2 && found[0].0 == 1 && found.iter().any(|(line, _)| *line == 3), "{found:?}");
    }

    #[test]
    fn keys_have_lines() {
        let text = "title = \"T\"\n[[panels]]\nid = \"a\"\ntitle = \"A\"\nkind = \"Table\"\nquery = \"q\"\n\
                    grid = { w = 1,\n h = 2 }\n[[panels.columns]]\nname = \"n\"\ntitle = \"N\"\n";
        let reading = read("x.toml", "x", text);
        assert!(reading.faults.is_empty() && reading.board.is_some(), "{:?}", reading.faults);
        let lines =
            ["title", "panels.0", "panels.0.query", "panels.0.grid.h", "panels.0.columns.0.title", "panels.0.unit"]
                .map(|path| reading.places.line(path));
        assert_eq!(lines, [1, 2, 6, 8, 11, 2]);
        assert!(reading.places.has("panels.0.grid.w") && !reading.places.has("panels.0.unit"));
    }
}

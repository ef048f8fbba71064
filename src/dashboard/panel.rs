//! The rules that a panel keeps: words that fit its kind, a query that gives what it draws, links that lead somewhere. Where
//! a fault is noted is `check`'s.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::{DataType, Field};

use crate::query::ParamType;
use crate::units::parse_duration;

use super::check::Notes;
use super::near::suggestion;
use super::sql::Described;
use super::{Dashboard, GRID_COLUMNS, Kind, PARAMS, Panel, Variable};

/// The colours of columns: phases, then meanings.
const COLORS: [&str; 10] =
    ["queue", "load", "compile", "instantiate", "init", "handler", "good", "bad", "warn", "calm"];
/// The colours of thresholds.
const THRESHOLD_COLORS: [&str; 2] = ["warn", "bad"];
/// The most room that a panel takes: columns and rows.
const MOST_ROOM: (u32, u32) = (GRID_COLUMNS, 30);

/// Filters of the URL that a series may be.
const FILTERS: [&str; 4] = ["tenant", "fn", "ver", "region"];

/// Words that only some kinds understand.
const OPTIONS: [(&str, &[Kind]); 10] = [
    ("display", &[Kind::TimeSeriesChart]),
    ("scale", &[Kind::TimeSeriesChart]),
    ("gap", &[Kind::TimeSeriesChart, Kind::StatChart]),
    ("value", &[Kind::StatChart]),
    ("note", &[Kind::StatChart]),
    ("better", &[Kind::StatChart]),
    ("trend", &[Kind::StatChart]),
    ("thresholds", &[Kind::TimeSeriesChart, Kind::StatChart]),
    ("open", &[Kind::TimeSeriesChart, Kind::HeatMapChart]),
    ("filter", &[Kind::TimeSeriesChart]),
];

/// A query that a panel names.
#[derive(Debug)]
pub(super) enum Asked {
    Sound(Described),
    /// It is there, and its own file tells what is wrong with it.
    Wrong,
}

/// The queries that a board asks.
pub(super) fn asks(board: &Dashboard) -> impl Iterator<Item = &str> {
    board.panels.iter().flat_map(|panel| {
        let trend = panel.trend.as_ref().map(|trend| trend.query.as_str());
        [Some(panel.query.as_str()), trend].into_iter().flatten()
    })
}

/// Whether a name may be part of a URL as it is.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Notes everything that is wrong with the panel of this number; its board has these variables.
pub(super) fn check(
    notes: &mut Notes<'_>,
    number: usize,
    (panel, variables): (&Panel, &[Variable]),
    known: &BTreeMap<String, Asked>,
    names: &BTreeSet<&str>,
) {
    let given: Vec<(&str, ParamType)> = PARAMS
        .into_iter()
        .chain(variables.iter().map(|variable| (variable.name.as_str(), variable.kind.param())))
        .collect();
    let at = |key: &str| format!("panels.{number}.{key}");
    check_words(notes, panel, &at);
    check_options(notes, panel, &at);
    check_filter(notes, panel, variables, &at);
    let described = check_query(notes, (&panel.query, &at("query")), &given, known, names);
    if let Some(described) = described {
        check_columns(notes, panel, described, &at);
        check_kind(notes, panel, described, &at);
    }
    let Some(trend) = &panel.trend else { return };
    if let Some(described) = check_query(notes, (&trend.query, &at("trend.query")), &given, known, names) {
        check_time(notes, described, &at("trend.query"));
        check_number(notes, described, &trend.value, &at("trend.value"));
    }
}

fn check_words(notes: &mut Notes<'_>, panel: &Panel, at: &impl Fn(&str) -> String) {
    if !is_id(&panel.id) {
        notes.fault(
            &at("id"),
            format!("the id '{}' may have a to z, 0 to 9 and '-' only: it is part of URLs", panel.id),
        );
    }
    if panel.title.trim().is_empty() {
        notes.fault(&at("title"), "the title is empty");
    }
    let (w, h) = (panel.grid.w, panel.grid.h);
    if !(1..=MOST_ROOM.0).contains(&w) {
        notes.fault(&at("grid.w"), format!("w = {w}: a panel is 1 to {} columns wide", MOST_ROOM.0));
    }
    if !(1..=MOST_ROOM.1).contains(&h) {
        notes.fault(&at("grid.h"), format!("h = {h}: a panel is 1 to {} rows high", MOST_ROOM.1));
    }
    if let Some(Err(error)) = panel.max_range.as_deref().map(parse_duration) {
        notes.fault(&at("max_range"), error.to_string());
    }
    for (key, link, what) in [("link", &panel.link, "a heading"), ("open", &panel.open, "a bucket")] {
        let Some(link) = link else { continue };
        check_target(notes, link, &at(key));
        for name in placeholders(link) {
            notes.fault(&at(key), format!("{{{name}}} stands for a row's value, and {what} has no row"));
        }
    }
    for (place, threshold) in panel.thresholds.iter().enumerate() {
        if !THRESHOLD_COLORS.contains(&threshold.color.as_str()) {
            let reason = format!("the color '{}' is not known here: there are warn and bad", threshold.color);
            notes.fault(&at(&format!("thresholds.{place}.color")), reason);
        }
    }
}

fn check_options(notes: &mut Notes<'_>, panel: &Panel, at: &impl Fn(&str) -> String) {
    for (option, kinds) in OPTIONS {
        if notes.has(&at(option)) && !kinds.contains(&panel.kind) {
            let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
            let reason = format!("'{option}' is for {}, and this is a {}", kinds.join(" and "), panel.kind.as_str());
            notes.fault(&at(option), reason);
        }
    }
    if panel.kind == Kind::StatChart && panel.value.is_none() {
        notes.fault(&at("kind"), "a StatChart says by 'value' which column it shows");
    }
    for (place, column) in panel.columns.iter().enumerate() {
        let at = |key: &str| at(&format!("columns.{place}.{key}"));
        if column.title.trim().is_empty() {
            notes.fault(&at("title"), "the title is empty");
        }
        if panel.columns[..place].iter().any(|other| other.name == column.name) {
            notes.fault(&at("name"), format!("the column '{}' is there twice", column.name));
        }
        if column.bar && panel.kind != Kind::Table {
            notes.fault(&at("bar"), format!("'bar' is for Table, and this is a {}", panel.kind.as_str()));
        }
        if let Some(color) = column.color.as_deref().filter(|color| !COLORS.contains(color)) {
            notes.fault(&at("color"), format!("the color '{color}' is not known: there are {}", COLORS.join(", ")));
        }
    }
}

/// The filter that series are must be one that a URL has.
fn check_filter(notes: &mut Notes<'_>, panel: &Panel, variables: &[Variable], at: &impl Fn(&str) -> String) {
    let Some(filter) = &panel.filter else { return };
    let own: Vec<String> = variables.iter().map(Variable::control).collect();
    let known: Vec<&str> = FILTERS.into_iter().chain(own.iter().map(String::as_str)).collect();
    if !known.contains(&filter.as_str()) {
        let near = suggestion(filter, known.iter().copied());
        notes.fault(&at("filter"), format!("there is no filter '{filter}': {near}"));
    }
}

/// The query, where it is there and sound; panels give it these parameters.
fn check_query<'a>(
    notes: &mut Notes<'_>,
    (name, path): (&str, &str),
    params: &[(&str, ParamType)],
    known: &'a BTreeMap<String, Asked>,
    names: &BTreeSet<&str>,
) -> Option<&'a Described> {
    let Some(asked) = known.get(name) else {
        let near = suggestion(name, names.iter().copied());
        notes.fault(path, format!("there is no query '{name}': {near}"));
        return None;
    };
    let Asked::Sound(described) = asked else { return None };
    for param in &described.query.params {
        let given = params.iter().find(|(given, _)| *given == param.name);
        match given {
            None if param.default.is_none() => {
                let all = params.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
                let reason = format!("the query '{name}' requires ${}, and panels give {all}", param.name);
                notes.fault(path, reason);
            }
            Some((_, kind)) if *kind != param.kind => {
                let (found, wanted) = (param.kind.as_str(), kind.as_str());
                notes.fault(
                    path,
                    format!("the query '{name}' takes ${} as {found}, and panels give {wanted}", param.name),
                );
            }
            _ => {}
        }
    }
    Some(described)
}

/// What the panel says of the query's columns.
fn check_columns(notes: &mut Notes<'_>, panel: &Panel, described: &Described, at: &impl Fn(&str) -> String) {
    for (key, name) in [("value", &panel.value), ("note", &panel.note)] {
        if let Some(name) = name {
            check_column(notes, described, name, &at(key));
        }
    }
    // The series of a chart are named by their values.
    let names_series = panel.kind == Kind::TimeSeriesChart && field(described, "series").is_some();
    for (place, column) in panel.columns.iter().enumerate() {
        let at = |key: &str| at(&format!("columns.{place}.{key}"));
        if !names_series {
            check_column(notes, described, &column.name, &at("name"));
        }
        if let Some(link) = &column.link {
            check_target(notes, link, &at("link"));
            for name in placeholders(link) {
                check_column(notes, described, name, &at("link"));
            }
        }
    }
}

/// What the panel's kind needs of the query.
fn check_kind(notes: &mut Notes<'_>, panel: &Panel, described: &Described, at: &impl Fn(&str) -> String) {
    let path = at("query");
    let need = |notes: &mut Notes<'_>, names: &[&str]| {
        for name in names {
            check_number(notes, described, name, &path);
        }
    };
    let keys: &[&str] = match panel.kind {
        Kind::TimeSeriesChart => {
            check_time(notes, described, &path);
            &["bucket", "series"]
        }
        Kind::HeatMapChart => {
            check_time(notes, described, &path);
            return need(notes, &["low", "high", "count"]);
        }
        Kind::HistogramChart => {
            need(notes, &["low", "high"]);
            &["low", "high"]
        }
        Kind::BarChart => {
            check_column(notes, described, "label", &path);
            &["label"]
        }
        Kind::StatChart | Kind::Table => return,
    };
    let is_value = |field: &&Field| is_number(field.data_type()) && !keys.contains(&field.name().as_str());
    let values: Vec<&Field> = described.schema.fields().iter().map(AsRef::as_ref).filter(is_value).collect();
    if values.is_empty() {
        notes.fault(&path, format!("the query '{}' returns no number to draw", described.query.name));
    }
    let by_series = field(described, "series").is_some() && panel.kind == Kind::TimeSeriesChart;
    if panel.filter.is_some() && !by_series {
        let reason = format!("'filter' is for a column 'series', and the query '{}' has none", described.query.name);
        notes.fault(&at("filter"), reason);
    }
    if by_series && values.len() > 1 {
        let names: Vec<&str> = values.iter().map(|field| field.name().as_str()).collect();
        let reason = format!("beside 'series' one number is drawn, and the query returns {}", names.join(", "));
        notes.fault(&path, reason);
    }
    for (place, column) in panel.columns.iter().enumerate().filter(|_| !by_series) {
        let is_label = keys.contains(&column.name.as_str()) || column.name == "currency";
        if let Some(found) = field(described, &column.name).filter(|found| !is_label && !is_number(found.data_type())) {
            let kind = crate::query::format::type_name(found.data_type());
            let reason = format!("a chart draws numbers, and the column '{}' is {kind}", column.name);
            notes.fault(&at(&format!("columns.{place}.name")), reason);
        }
    }
}

fn field<'a>(described: &'a Described, name: &str) -> Option<&'a Field> {
    described.schema.column_with_name(name).map(|(_, field)| field)
}

fn is_number(kind: &DataType) -> bool {
    kind.is_numeric() || kind.is_null()
}

fn check_column(notes: &mut Notes<'_>, described: &Described, name: &str, path: &str) -> bool {
    let is_there = field(described, name).is_some();
    if !is_there {
        let columns = described.schema.fields().iter().map(|field| field.name().as_str());
        let near = suggestion(name, columns);
        notes.fault(path, format!("the query '{}' returns no column '{name}': {near}", described.query.name));
    }
    is_there
}

fn check_number(notes: &mut Notes<'_>, described: &Described, name: &str, path: &str) {
    if let Some(found) = field(described, name).filter(|found| !is_number(found.data_type())) {
        let kind = crate::query::format::type_name(found.data_type());
        notes.fault(
            path,
            format!("the column '{name}' of the query '{}' is {kind}, and no number", described.query.name),
        );
    } else {
        check_column(notes, described, name, path);
    }
}

fn check_time(notes: &mut Notes<'_>, described: &Described, path: &str) {
    let is_time = |found: &&Field| matches!(found.data_type(), DataType::Timestamp(..));
    if check_column(notes, described, "bucket", path) && field(described, "bucket").filter(is_time).is_none() {
        notes.fault(path, format!("the column 'bucket' of the query '{}' is no timestamp", described.query.name));
    }
}

/// Links lead to this server's pages or to the web.
fn check_target(notes: &mut Notes<'_>, link: &str, path: &str) {
    let starts = ["/", "?", "https://", "http://"];
    if link.starts_with("//") || !starts.iter().any(|start| link.starts_with(start)) {
        notes.fault(path, format!("the link '{link}' begins with none of / ? https:// http://"));
    }
}

/// The names within braces.
fn placeholders(link: &str) -> impl Iterator<Item = &str> {
    link.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

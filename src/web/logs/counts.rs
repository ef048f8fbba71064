//! Counts of log records: by severity over time, and by what they have in common.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::query::{Engine, Param, Params, format};
use crate::units::Timestamp;
use crate::web::error::Problem;
use crate::web::panel::window::Window;
use crate::web::rows::{int, text};

use super::LEVELS;

/// The newest records that facets are counted over, at most.
const COUNTED: i64 = 50_000;
/// Values of a facet, and attributes.
const VALUES: i64 = 10;

/// How many records there are of each severity over time.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct Histogram {
    /// Starts of the buckets, milliseconds since 1970.
    times: Vec<i64>,
    /// The buckets' length, seconds.
    step_s: i64,
    /// Severities that there are, finest first.
    series: Vec<Severity>,
    total: i64,
}

/// The records of one severity.
#[derive(Debug, Serialize, ToSchema)]
struct Severity {
    /// none, trace, debug, info, warn, error or fatal
    name: &'static str,
    /// One for each bucket.
    values: Vec<i64>,
}

/// What records have in common.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct Facets {
    /// How many were counted.
    counted: i64,
    /// Whether there may be more: then these are the newest.
    is_part: bool,
    /// Columns, then attributes, those of most records first.
    facets: Vec<Facet>,
}

/// A column or an attribute.
#[derive(Debug, Serialize, ToSchema)]
struct Facet {
    /// severity, function, tenant, version, source, environment or attribute
    name: String,
    /// The attribute's; else empty.
    key: String,
    values: Vec<FacetValue>,
}

/// A value, and how many records have it.
#[derive(Debug, Serialize, ToSchema)]
struct FacetValue {
    /// Empty where a record has none.
    value: String,
    records: i64,
}

pub(in crate::web) async fn histogram(
    engine: &Engine,
    window: &Window,
    mut params: Params,
) -> Result<Histogram, Problem> {
    params.insert("step".to_owned(), Param::Int(window.step_s));
    let rows = format::rows(&engine.named("logs_histogram", &params).await?)?;
    let buckets = window.buckets();
    let places: BTreeMap<i64, usize> = buckets.iter().enumerate().map(|(place, at)| (*at, place)).collect();
    let mut counts: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for row in &rows {
        let at = Timestamp::parse_rfc3339(text(row, "bucket")).map_or(0, Timestamp::micros);
        let values = counts.entry(int(row, "level")).or_insert_with(|| vec![0; buckets.len()]);
        if let Some(place) = places.get(&at) {
            values[*place] += int(row, "records");
        }
    }
    let named = |(level, values): (i64, Vec<i64>)| {
        let name = usize::try_from(level).ok().and_then(|level| LEVELS.get(level)).copied();
        Severity { name: name.unwrap_or(LEVELS[0]), values }
    };
    Ok(Histogram {
        times: buckets.iter().map(|at| at / 1_000).collect(),
        step_s: window.step_s,
        total: rows.iter().map(|row| int(row, "records")).sum(),
        series: counts.into_iter().map(named).collect(),
    })
}

pub(in crate::web) async fn facets(engine: &Engine, mut params: Params) -> Result<Facets, Problem> {
    params.insert("rows".to_owned(), Param::Int(COUNTED));
    params.insert("most".to_owned(), Param::Int(VALUES));
    let rows = format::rows(&engine.named("logs_facets", &params).await?)?;
    let mut all: Vec<Facet> = Vec::new();
    let mut counted = 0;
    for row in &rows {
        let (name, key, records) = (text(row, "facet"), text(row, "key"), int(row, "records"));
        if name == "all" {
            counted = records;
            continue;
        }
        let plain = text(row, "value");
        let level = plain.parse().ok().filter(|_| name == "severity").and_then(|level: usize| LEVELS.get(level));
        let value = FacetValue { value: level.map_or(plain, |level| level).to_owned(), records };
        match all.last_mut() {
            Some(facet) if facet.name == name && facet.key == key => facet.values.push(value),
            _ => all.push(Facet { name: name.to_owned(), key: key.to_owned(), values: vec![value] }),
        }
    }
    let order = ["severity", "function", "tenant", "version", "source", "environment", "attribute"];
    all.sort_by_key(|facet| order.iter().position(|name| *name == facet.name));
    Ok(Facets { counted, is_part: counted >= COUNTED, facets: all })
}

//! Pages of log records, newest first, and the records around one.

use std::time::Duration;

use serde_json::Value;

use crate::query::{Engine, Param, Params, format};
use crate::units::Timestamp;
use crate::web::error::{Problem, QUERY_LIMIT};
use crate::web::rows::{Row, int, text};

/// Records of one nanosecond that pages lead through, at most.
const MOST_SKIPPED: usize = 100_000;
/// How far from a record its context is looked for.
const AROUND: Duration = Duration::from_secs(3_600);

/// Where a page begins: at this nanosecond, after so many of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) struct Cursor {
    nanos: i64,
    skip: usize,
}

/// What surrounds a record, and by what it is told.
pub(in crate::web) struct Place {
    pub(in crate::web) nanos: i64,
    pub(in crate::web) tenant: String,
    /// The environment, invocation, or function and source whose records they are.
    pub(in crate::web) of: Params,
}

/// The records of a page, and where the next begins.
pub(in crate::web) async fn page(
    engine: &Engine,
    mut params: Params,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<(Vec<Row>, Option<Cursor>), Problem> {
    let skip = cursor.map_or(0, |cursor| cursor.skip);
    if skip > MOST_SKIPPED {
        let detail = format!("more than {MOST_SKIPPED} records are of one nanosecond: filter them further");
        return Err(Problem::new(QUERY_LIMIT, detail));
    }
    if let Some(cursor) = cursor {
        // Files of later records need not be looked at.
        let end = Timestamp::from_micros(Timestamp::from_nanos(cursor.nanos).micros() + 1);
        let asked = match params.get("to") {
            Some(Param::Text(text)) => Timestamp::parse_rfc3339(text),
            _ => None,
        };
        let end = asked.map_or(end, |asked| asked.min(end));
        params.insert("to".to_owned(), Param::Text(end.to_string()));
        params.insert("before_ns".to_owned(), Param::Int(cursor.nanos));
    }
    let most = i64::try_from(limit + skip + 1).unwrap_or(i64::MAX);
    params.insert("limit".to_owned(), Param::Int(most));
    let rows = format::rows(&engine.named("logs_page", &params).await?)?;
    let is_more = rows.len() > limit + skip;
    let mut rows: Vec<Row> = rows.into_iter().skip(skip).take(limit).collect();
    let next = rows.last().filter(|_| is_more).map(|last| after(&rows, int(last, "time_unix_nano"), cursor));
    rows.iter_mut().for_each(exact_nanos);
    Ok((rows, next))
}

/// The place after these rows, the last of which are of this nanosecond.
fn after(rows: &[Row], nanos: i64, cursor: Option<Cursor>) -> Cursor {
    let same = rows.iter().rev().take_while(|row| int(row, "time_unix_nano") == nanos).count();
    let before = cursor.filter(|cursor| cursor.nanos == nanos).map_or(0, |cursor| cursor.skip);
    Cursor { nanos, skip: same + before }
}

/// The records around a place, oldest first.
pub(in crate::web) async fn around(engine: &Engine, place: Place, each_way: usize) -> Result<Vec<Row>, Problem> {
    let at = Timestamp::from_nanos(place.nanos);
    let most = i64::try_from(each_way).unwrap_or(i64::MAX);
    let mut params = place.of;
    params.extend([
        ("from".to_owned(), Param::Text(at.minus(AROUND).to_string())),
        ("to".to_owned(), Param::Text(at.plus(AROUND).to_string())),
        ("at_ns".to_owned(), Param::Int(place.nanos)),
        ("tenant".to_owned(), Param::Text(place.tenant)),
        ("before".to_owned(), Param::Int(most)),
        ("after".to_owned(), Param::Int(most + 1)),
    ]);
    let mut rows = format::rows(&engine.named("logs_around", &params).await?)?;
    rows.iter_mut().for_each(exact_nanos);
    Ok(rows)
}

/// A script's numbers do not hold nanoseconds since 1970, so they go as text, as OTLP's JSON has them.
pub(in crate::web) fn exact_nanos(row: &mut Row) {
    let nanos = int(row, "time_unix_nano");
    row.insert("time_unix_nano".to_owned(), Value::from(nanos.to_string()));
}

/// The last moment at which one of the rows arrived.
pub(in crate::web) fn last_arrival(rows: &[Row]) -> Option<String> {
    rows.iter().map(|row| text(row, "ingested_at")).max().filter(|text| !text.is_empty()).map(str::to_owned)
}

impl Cursor {
    pub(in crate::web) fn read(text: &str) -> Result<Self, &'static str> {
        let parts = text.split_once('~').and_then(|(nanos, skip)| Some((nanos.parse().ok()?, skip.parse().ok()?)));
        let (nanos, skip) = parts.ok_or("no page gave this cursor")?;
        Ok(Self { nanos, skip })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}~{}", self.nanos, self.skip)
    }
}

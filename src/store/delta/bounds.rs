//! Owns a file's statistics: from rows to the JSON of Delta's add action, and from there to the bounds that queries prune
//! by. Both ways go through the JSON, so that a file has the same bounds whoever reads them.

use arrow::array::{Array, AsArray};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, NaiveDate, SecondsFormat};
use object_store::path::Path;
use serde_json::{Map, Value, json};

use crate::store::tables::INGESTED_AT;
use crate::store::{Bound, Bounds, DataFile, Table};

/// Longer texts are not kept as bounds.
const TEXT_BYTES: usize = 128;

/// The columns that have bounds.
fn columns(table: Table) -> impl Iterator<Item = &'static str> {
    let id = (table == Table::Invocations).then_some("invocation_id");
    [table.time_column(), INGESTED_AT, "tenant", "function"].into_iter().chain(id)
}

/// The statistics of a file's rows, gathered batch by batch.
pub(super) struct Statistics {
    rows: usize,
    columns: Vec<(&'static str, usize, Option<Range>)>,
}

/// The least and the greatest value.
enum Range {
    Text(String, String),
    TimestampMicros(i64, i64),
}

impl Statistics {
    pub(super) fn new(table: Table) -> Self {
        Self { rows: 0, columns: columns(table).map(|name| (name, 0, None)).collect() }
    }

    pub(super) fn add(&mut self, rows: &RecordBatch) {
        self.rows += rows.num_rows();
        for (name, nulls, range) in &mut self.columns {
            let Some(column) = rows.column_by_name(name) else { continue };
            *nulls += column.null_count();
            *range = Range::join(range.take(), Range::of(column));
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// As an add action has them.
    pub(super) fn to_json(&self) -> String {
        let (mut least, mut most, mut nulls) = (Map::new(), Map::new(), Map::new());
        for (name, null_count, range) in &self.columns {
            nulls.insert((*name).to_owned(), json!(null_count));
            if let Some((min, max)) = range.as_ref().and_then(Range::bounds) {
                least.insert((*name).to_owned(), min.into());
                most.insert((*name).to_owned(), max.into());
            }
        }
        json!({ "numRecords": self.rows, "minValues": least, "maxValues": most, "nullCount": nulls }).to_string()
    }
}

impl Range {
    fn of(column: &dyn Array) -> Option<Self> {
        match column.data_type() {
            DataType::Utf8 => {
                let texts = column.as_string::<i32>();
                Some(Self::Text(min_string(texts)?.to_owned(), max_string(texts)?.to_owned()))
            }
            DataType::Timestamp(..) => {
                let times = column.as_primitive::<TimestampMicrosecondType>();
                Some(Self::TimestampMicros(min(times)?, max(times)?))
            }
            _ => None,
        }
    }

    fn join(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(Self::Text(a, b)), Some(Self::Text(c, d))) => Some(Self::Text(a.min(c), b.max(d))),
            (Some(Self::TimestampMicros(a, b)), Some(Self::TimestampMicros(c, d))) => {
                Some(Self::TimestampMicros(a.min(c), b.max(d)))
            }
            (one, other) => one.or(other),
        }
    }

    fn bounds(&self) -> Option<(String, String)> {
        match self {
            Self::Text(min, max) => (min.len().max(max.len()) <= TEXT_BYTES).then(|| (min.clone(), max.clone())),
            // Delta's statistics have milliseconds: widened, so that they bound the microseconds.
            Self::TimestampMicros(min, max) => {
                Some((rfc3339(min.div_euclid(1_000))?, rfc3339(max.saturating_add(999).div_euclid(1_000))?))
            }
        }
    }
}

fn rfc3339(millis: i64) -> Option<String> {
    DateTime::from_timestamp_millis(millis).map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// A file of the table by what the Delta log says of it. None where the log says too little, which our files never do.
pub(crate) fn data_file(table: Table, path: &str, bytes: i64, date: &str, statistics: &str) -> Option<DataFile> {
    let statistics: Value = serde_json::from_str(statistics).ok()?;
    let bound = |name: &'static str| {
        let min = parse(table, name, statistics["minValues"].get(name)?)?;
        let max = parse(table, name, statistics["maxValues"].get(name)?)?;
        Some((name.to_owned(), Bounds { min, max, nulls: statistics["nullCount"][name].as_u64().unwrap_or(0) }))
    };
    Some(DataFile {
        path: Path::parse(format!("{}/{path}", table.name())).ok()?,
        bytes: u64::try_from(bytes).ok()?,
        rows: statistics["numRecords"].as_u64()?,
        date: days(date)?,
        bounds: columns(table).filter_map(bound).collect(),
    })
}

fn parse(table: Table, name: &str, value: &Value) -> Option<Bound> {
    let text = value.as_str()?;
    if name == table.time_column() || name == INGESTED_AT {
        let time = DateTime::parse_from_rfc3339(text).ok()?;
        Some(Bound::TimestampMicros(time.timestamp_micros()))
    } else {
        Some(Bound::Text(text.to_owned()))
    }
}

/// A day as partitions are named.
pub(super) fn day(days: i32) -> String {
    NaiveDate::from_epoch_days(days).unwrap_or_default().to_string()
}

fn days(text: &str) -> Option<i32> {
    text.parse::<NaiveDate>().ok().map(|date| date.to_epoch_days())
}

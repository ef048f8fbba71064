//! Turns a query's answer into what a panel draws: at most so many series, a value for each bucket. Values stay exact:
//! whole numbers and decimals are summed as such, and decimals are text.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type, TimeUnit};
use serde::Serialize;
use serde_json::Value;

use crate::dashboard::{Column, Gap, Panel, Unit};
use crate::query::QueryResult;

use super::window::Window;

/// Series of a chart; the rest is one more, called other.
const MAX_SERIES: usize = 8;

/// Values over time.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    /// The start of each bucket, milliseconds since the epoch.
    times: Vec<i64>,
    /// The largest first.
    series: Vec<Series>,
    /// How many series are in the one called other.
    others: usize,
    /// The currency of all amounts; where there are several, the series' names say which.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
}

/// One line, area or row of bars.
#[derive(Debug, Serialize)]
pub(super) struct Series {
    /// The value of the column `series`, or the name of the column.
    name: String,
    /// The value of the column `series` alone, which a filter may be; none where several are summed.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// A value for each of the times; null where there is none.
    values: Vec<Value>,
}

/// Columns as lists of values.
#[derive(Debug, Serialize)]
pub(super) struct Rows {
    columns: Vec<RowsColumn>,
    /// How many rows there are, where not all of them are here.
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<usize>,
}

/// A version that came to be called.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Marker {
    /// Milliseconds since the epoch.
    time: i64,
    function: String,
    version: String,
}

#[derive(Debug, Serialize)]
struct RowsColumn {
    name: String,
    r#type: String,
    values: Vec<Value>,
}

/// A number as exact as it came.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    Int(i128),
    /// Digits and how many of them are decimals.
    Decimal(i128, i8),
    Float(f64),
}

impl Number {
    fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Self::Int(a + b),
            (Self::Decimal(a, scale), Self::Decimal(b, _)) => Self::Decimal(a + b, scale),
            (a, b) => Self::Float(a.size() + b.size()),
        }
    }

    /// For comparing only.
    fn size(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Decimal(value, scale) => value as f64 / 10_f64.powi(i32::from(scale)),
            Self::Float(value) => value,
        }
    }

    fn json(self) -> Value {
        match self {
            Self::Int(value) => i64::try_from(value).map_or_else(|_| Value::from(value as f64), Value::from),
            Self::Decimal(value, scale) => Value::from(decimal(value, scale)),
            Self::Float(value) => Value::from(value),
        }
    }
}

fn decimal(value: i128, scale: i8) -> String {
    let scale = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, decimals) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{decimals}") }
}

/// A line's values by bucket: nothing where no row is, null where a row says so.
type Cells = Vec<Option<Option<Number>>>;

/// Which line a value belongs to. Amounts of different currencies are never added, so each has lines of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    label: String,
    currency: Option<String>,
}

/// The chart of a query that returns `bucket` and numbers, or `bucket`, `series` and a number; and `currency` with money.
pub(super) fn chart(panel: &Panel, window: &Window, result: &QueryResult) -> Result<Chart, String> {
    let buckets = window.buckets();
    let mut found = lines(panel, &buckets, result)?;
    let by_series = result.schema.column_with_name("series").is_some();
    let others = if by_series { gather_others(&mut found) } else { 0 };
    let mut currencies: Vec<String> = found.iter().filter_map(|(key, _)| key.currency.clone()).collect();
    currencies.sort();
    currencies.dedup();
    let name = |key: Key| match key.currency {
        Some(currency) if currencies.len() > 1 => format!("{} ({currency})", key.label),
        _ => key.label,
    };
    let zero = (panel.gap == Gap::Zero).then_some(Number::Int(0));
    let json = |cell: Option<Option<Number>>| cell.unwrap_or(zero).map_or(Value::Null, Number::json);
    let own = if by_series { found.len().min(if others > 0 { MAX_SERIES } else { usize::MAX }) } else { 0 };
    let series = found.into_iter().enumerate().map(|(place, (key, cells))| Series {
        label: (place < own).then(|| key.label.clone()),
        name: name(key),
        values: cells.into_iter().map(json).collect(),
    });
    let series = series.collect();
    let currency = if currencies.len() == 1 { currencies.pop() } else { None };
    Ok(Chart { times: buckets.iter().map(|bucket| bucket / 1_000).collect(), series, others, currency })
}

/// The query's values, line by line.
fn lines(panel: &Panel, buckets: &[i64], result: &QueryResult) -> Result<Vec<(Key, Cells)>, String> {
    let places: HashMap<i64, usize> = buckets.iter().enumerate().map(|(place, bucket)| (*bucket, place)).collect();
    let mut found: Vec<(Key, Cells)> = Vec::new();
    let mut known: HashMap<Key, usize> = HashMap::new();
    // Where a bucket has amounts of several currencies, a query without series gives null for both.
    let mut several: Vec<(String, usize)> = Vec::new();
    for batch in &result.batches {
        let times = batch.column_by_name("bucket").ok_or("the query returns no column 'bucket'")?;
        let times = micros(times)?;
        let labels = batch.column_by_name("series").map(texts).transpose()?;
        let currencies = batch.column_by_name("currency").map(texts).transpose()?;
        for name in value_columns(panel, result) {
            let column = batch.column_by_name(&name).ok_or_else(|| format!("the query returns no column '{name}'"))?;
            let currencies = currencies.as_ref().filter(|_| is_money(panel, &name));
            for (row, value) in numbers(column)?.into_iter().enumerate() {
                let Some(place) = times[row].and_then(|time| places.get(&time)) else { continue };
                let label = match &labels {
                    Some(labels) => labels[row].clone().unwrap_or_else(|| "none".to_owned()),
                    None => name.clone(),
                };
                let currency = currencies.and_then(|currencies| currencies[row].clone());
                if currencies.is_some() && currency.is_none() && value.is_none() {
                    several.push((label, *place));
                    continue;
                }
                let key = Key { label, currency };
                let at = *known.entry(key.clone()).or_insert_with(|| {
                    found.push((key, vec![None; buckets.len()]));
                    found.len() - 1
                });
                let cell = &mut found[at].1[*place];
                *cell = Some(sum(cell.flatten(), value));
            }
        }
    }
    for (key, cells) in &mut found {
        let unknown = several.iter().filter(|(label, _)| *label == key.label);
        unknown.for_each(|(_, place)| cells[*place] = cells[*place].or(Some(None)));
    }
    Ok(found)
}

fn is_money(panel: &Panel, column: &str) -> bool {
    let named = panel.columns.iter().find(|named| named.name == column);
    matches!(named.and_then(|named| named.unit).unwrap_or(panel.unit), Unit::Money | Unit::Price)
}

fn sum(one: Option<Number>, other: Option<Number>) -> Option<Number> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.plus(other)),
        (one, other) => one.or(other),
    }
}

/// The largest lines first; those past the eighth are summed into one for each currency.
fn gather_others(found: &mut Vec<(Key, Cells)>) -> usize {
    let total = |cells: &Cells| cells.iter().flatten().flatten().map(|value| value.size()).sum::<f64>();
    found.sort_by(|(a_key, a), (b_key, b)| total(b).total_cmp(&total(a)).then_with(|| a_key.label.cmp(&b_key.label)));
    if found.len() <= MAX_SERIES + 1 {
        return 0;
    }
    let rest = found.split_off(MAX_SERIES);
    let count = rest.len();
    let mut sums: BTreeMap<Option<String>, Cells> = BTreeMap::new();
    for (key, cells) in rest {
        let sums = sums.entry(key.currency).or_insert_with(|| vec![None; cells.len()]);
        for (at, cell) in cells.into_iter().enumerate() {
            if let Some(value) = cell {
                sums[at] = Some(sum(sums[at].flatten(), value));
            }
        }
    }
    found.extend(sums.into_iter().map(|(currency, cells)| (Key { label: "other".to_owned(), currency }, cells)));
    count
}

/// The columns that the panel names, or all numbers. Where series are named by their values, so may the panel's columns be.
fn value_columns(panel: &Panel, result: &QueryResult) -> Vec<String> {
    let by_series = result.schema.column_with_name("series").is_some();
    let is_there = |name: &str| result.schema.column_with_name(name).is_some();
    let named = panel.columns.iter().map(|column| &column.name).filter(|name| !by_series || is_there(name));
    let named: Vec<String> = named.cloned().collect();
    if !named.is_empty() {
        return named;
    }
    let is_value = |name: &str, kind: &DataType| kind.is_numeric() && !["bucket", "series"].contains(&name);
    let fields = result.schema.fields().iter().filter(|field| is_value(field.name(), field.data_type()));
    fields.map(|field| field.name().clone()).collect()
}

/// The rows as they are, column by column; at most so many.
pub(super) fn rows(result: &QueryResult, max_rows: usize) -> Result<Rows, String> {
    let all = result.rows();
    let (cut, shown) = match all > max_rows {
        true => (Some(all), &first(result, max_rows)),
        false => (None, result),
    };
    let objects = crate::query::format::rows(shown).map_err(|error| error.to_string())?;
    let columns = result.schema.fields().iter().map(|field| RowsColumn {
        name: field.name().clone(),
        r#type: crate::query::format::type_name(field.data_type()),
        values: objects.iter().map(|row| row.get(field.name()).cloned().unwrap_or(Value::Null)).collect(),
    });
    Ok(Rows { columns: columns.collect(), cut })
}

fn first(result: &QueryResult, max_rows: usize) -> QueryResult {
    let mut left = max_rows;
    let batches = result.batches.iter().map(|batch| {
        let taken = batch.slice(0, batch.num_rows().min(left));
        left -= taken.num_rows();
        taken
    });
    QueryResult { schema: Arc::clone(&result.schema), batches: batches.collect() }
}

/// The rows of the query for new versions.
pub(super) fn markers(result: &QueryResult) -> Result<Vec<Marker>, String> {
    let mut markers = Vec::new();
    for batch in &result.batches {
        let column = |name: &str| batch.column_by_name(name).ok_or_else(|| format!("there is no column '{name}'"));
        let (times, functions) = (micros(column("bucket")?)?, texts(column("function")?)?);
        let rows = times.into_iter().zip(functions).zip(texts(column("version")?)?);
        markers.extend(rows.filter_map(|((time, function), version)| {
            Some(Marker { time: time? / 1_000, function: function?, version: version? })
        }));
    }
    Ok(markers)
}

/// A column that is drawn and has no name of its own.
pub(super) fn drawn(name: &str) -> Column {
    Column { name: name.to_owned(), title: String::new(), unit: None, bar: false, link: None, color: None }
}

fn micros(column: &ArrayRef) -> Result<Vec<Option<i64>>, String> {
    let kind = DataType::Timestamp(TimeUnit::Microsecond, None);
    let times = cast(column, &kind).and_then(|times| cast(&times, &DataType::Int64));
    let times = times.map_err(|error| format!("'bucket' is no time: {error}"))?;
    Ok(times.as_primitive::<Int64Type>().iter().collect())
}

fn texts(column: &ArrayRef) -> Result<Vec<Option<String>>, String> {
    let texts = cast(column, &DataType::Utf8).map_err(|error| format!("'series' is no text: {error}"))?;
    Ok(texts.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect())
}

fn numbers(column: &ArrayRef) -> Result<Vec<Option<Number>>, String> {
    match column.data_type() {
        DataType::Decimal128(_, scale) => {
            let values = column.as_primitive::<Decimal128Type>();
            Ok(values.iter().map(|value| value.map(|value| Number::Decimal(value, *scale))).collect())
        }
        kind if kind.is_integer() => {
            let whole = cast(column, &DataType::Int64).map_err(|error| error.to_string())?;
            Ok(whole.as_primitive::<Int64Type>().iter().map(|v| v.map(|v| Number::Int(v.into()))).collect())
        }
        kind if kind.is_null() => Ok(vec![None; column.len()]),
        kind if kind.is_numeric() => {
            let real = cast(column, &DataType::Float64).map_err(|error| error.to_string())?;
            let finite = real.as_primitive::<Float64Type>().iter().map(|v| v.filter(|v| v.is_finite()));
            Ok(finite.map(|value| value.map(Number::Float)).collect())
        }
        kind => Err(format!("a chart draws numbers, and this column is {kind}")),
    }
}

#[cfg(test)]
mod tests;

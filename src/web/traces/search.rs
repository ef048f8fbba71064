//! Finds traces by what begins them, newest first, page by page, and sums up those of a page alone.
//!
//! A trace is found by its entries: its invocations, and its spans without a parent; where an attribute is asked for, by the
//! spans that have it. It is listed once, at its newest entry. Entries of a trace that are more than an hour apart may list
//! it again on a later page.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::query::{Engine, Param, Params, format};
use crate::units::{Money, Timestamp};
use crate::web::error::Problem;
use crate::web::panel::window::Window;
use crate::web::rows::{Row, int, text};

use super::Amount;
use super::filter::Filter;
use super::tree::Cost;

/// How far apart entries of a trace are still known to be of one.
const APART: Duration = Duration::from_secs(3_600);
/// How far before and after its entry a trace's spans and invocations are counted.
const AROUND: Duration = Duration::from_secs(2 * 3_600);
/// Entries that are read for each trace of a page.
const ENTRIES: usize = 3;

/// A trace of the list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(in crate::web) struct TraceItem {
    /// 32 hex digits.
    pub(in crate::web) trace_id: String,
    /// The name of the first span without a parent, or else of the first; of a trace without spans the function's.
    pub(in crate::web) root: String,
    /// The function that it began in, or the service; null where neither is known.
    pub(in crate::web) function: Option<String>,
    pub(in crate::web) tenant: String,
    /// RFC 3339, to the microsecond.
    pub(in crate::web) started_at: String,
    /// From the first start to the last end.
    pub(in crate::web) duration_ns: i64,
    pub(in crate::web) spans: i64,
    /// Spans that failed; of a trace without spans, invocations that did not end well.
    pub(in crate::web) errors: i64,
    pub(in crate::web) invocations: i64,
    /// Cold starts among the invocations.
    pub(in crate::web) cold: i64,
    /// The sum of the invocations' list costs, one amount for each currency.
    pub(in crate::web) list_cost: Vec<Amount>,
    /// Invocations without a list cost.
    pub(in crate::web) unpriced: i64,
}

/// A page of traces.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(in crate::web) struct TraceList {
    pub(in crate::web) items: Vec<TraceItem>,
    /// Given as `cursor` it asks for older ones; null when there are none.
    pub(in crate::web) next_cursor: Option<String>,
}

/// The place of an entry in the list; a greater one comes before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::web) struct Cursor {
    micros: i64,
    trace: String,
    span: String,
}

/// What is listed of the traces.
struct Candidates {
    /// In the order of the list.
    traces: Vec<String>,
    first: Timestamp,
    last: Timestamp,
    next: Option<Cursor>,
}

/// A page of the traces that match.
pub(in crate::web) async fn search(
    engine: &Engine,
    window: &Window,
    filter: &Filter,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Result<TraceList, Problem> {
    let mut params = window.params();
    params.remove("step");
    params.extend(filter.params());
    let Some(mut found) = candidates(engine, params.clone(), window, cursor, limit).await? else {
        return Ok(TraceList::default());
    };
    let next_cursor = found.next.take().map(|next| next.to_string());
    if let Some(cursor) = cursor {
        let shown = shown_before(engine, params, window, cursor, &found.traces).await?;
        found.traces.retain(|trace| !shown.contains(trace));
    }
    let items = summed_up(engine, &found).await?;
    Ok(TraceList { items, next_cursor })
}

async fn candidates(
    engine: &Engine,
    mut params: Params,
    window: &Window,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Result<Option<Candidates>, Problem> {
    let most = limit * ENTRIES + 1;
    params.insert("limit".to_owned(), Param::Int(i64::try_from(most).unwrap_or(i64::MAX)));
    if let Some(cursor) = cursor {
        // Files that began later need not be looked at.
        let end = Timestamp::from_micros(cursor.micros.saturating_add(1)).min(window.to);
        params.insert("to".to_owned(), Param::Text(end.to_string()));
        params.insert("before".to_owned(), Param::Text(cursor.at().to_string()));
        params.insert("before_trace".to_owned(), Param::Text(cursor.trace.clone()));
        params.insert("before_span".to_owned(), Param::Text(cursor.span.clone()));
    }
    let rows = format::rows(&engine.named("traces_page", &params).await?)?;
    let (mut traces, mut seen, mut taken): (Vec<String>, BTreeSet<&str>, usize) = (Vec::new(), BTreeSet::new(), 0);
    for row in &rows {
        let trace = text(row, "trace_id");
        if !seen.contains(trace) {
            if traces.len() == limit {
                break;
            }
            seen.insert(trace);
            traces.push(trace.to_owned());
        }
        taken += 1;
    }
    let entries: Vec<Cursor> = rows[..taken].iter().map(Cursor::of).collect();
    let (Some(last), Some(first)) = (entries.first(), entries.last()) else { return Ok(None) };
    let next = (taken < rows.len() || rows.len() == most).then(|| first.clone());
    Ok(Some(Candidates { traces, first: first.at(), last: last.at(), next }))
}

/// Those of the traces that an earlier page has: they have an entry before the cursor too.
async fn shown_before(
    engine: &Engine,
    mut params: Params,
    window: &Window,
    cursor: &Cursor,
    traces: &[String],
) -> Result<BTreeSet<String>, Problem> {
    let limit = i64::try_from(traces.len() * 100).unwrap_or(i64::MAX);
    params.insert("from".to_owned(), Param::Text(cursor.at().to_string()));
    params.insert("to".to_owned(), Param::Text(cursor.at().plus(APART).min(window.to).to_string()));
    params.insert("trace_ids".to_owned(), Param::Text(traces.join(",")));
    params.insert("limit".to_owned(), Param::Int(limit));
    let rows = format::rows(&engine.named("traces_page", &params).await?)?;
    let earlier = rows.iter().filter(|row| Cursor::of(row) >= *cursor);
    Ok(earlier.map(|row| text(row, "trace_id").to_owned()).collect())
}

/// The traces in their order, with what they are made of.
async fn summed_up(engine: &Engine, found: &Candidates) -> Result<Vec<TraceItem>, Problem> {
    let params = Params::from([
        ("trace_ids".to_owned(), Param::Text(found.traces.join(","))),
        ("from".to_owned(), Param::Text(found.first.minus(AROUND).to_string())),
        ("to".to_owned(), Param::Text(found.last.plus(AROUND).to_string())),
    ]);
    let (spans, invocations) =
        futures::join!(engine.named("traces_spans", &params), engine.named("traces_invocations", &params));
    let (spans, invocations) = (format::rows(&spans?)?, format::rows(&invocations?)?);
    let spans: BTreeMap<&str, &Row> = spans.iter().map(|row| (text(row, "trace_id"), row)).collect();
    let mut by_trace: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in &invocations {
        by_trace.entry(text(row, "trace_id")).or_default().push(row);
    }
    let item = |trace: &String| {
        let invocations = by_trace.get(trace.as_str()).map_or(&[][..], Vec::as_slice);
        item(trace, spans.get(trace.as_str()).copied(), invocations)
    };
    found.traces.iter().filter_map(|trace| item(trace).transpose()).collect()
}

/// A trace of these sums; none where nothing of it is left.
fn item(trace: &str, spans: Option<&Row>, invocations: &[&Row]) -> Result<Option<TraceItem>, Problem> {
    let all = || spans.into_iter().chain(invocations.iter().copied());
    let sum = |column: &str| invocations.iter().map(|row| int(row, column)).sum::<i64>();
    let Some(begin) = all().map(|row| int(row, "start_time_unix_nano")).min() else { return Ok(None) };
    let end = all().map(|row| int(row, "end_time_unix_nano")).max().unwrap_or(begin);
    let named = |column: &str| all().map(|row| text(row, column)).find(|text| !text.is_empty());
    let mut cost = Cost::default();
    for row in invocations {
        if let Ok(amount) = text(row, "list_cost").parse::<Money>() {
            cost.add(&Cost::of(text(row, "currency"), amount)).map_err(|error| Problem::internal(&error))?;
        }
    }
    let function = named("function").map(str::to_owned);
    Ok(Some(TraceItem {
        trace_id: trace.to_owned(),
        root: spans.map_or_else(|| function.clone().unwrap_or_default(), |row| text(row, "root").to_owned()),
        function,
        tenant: named("tenant").unwrap_or_default().to_owned(),
        started_at: Timestamp::from_nanos(begin).to_string(),
        duration_ns: end.saturating_sub(begin).max(0),
        spans: spans.map_or(0, |row| int(row, "spans")),
        errors: spans.map_or_else(|| sum("errors"), |row| int(row, "errors")),
        invocations: sum("invocations"),
        cold: sum("cold"),
        list_cost: Amount::of(&cost),
        unpriced: sum("unpriced"),
    }))
}

impl Cursor {
    pub(in crate::web) fn read(text: &str) -> Result<Self, &'static str> {
        let parts: Vec<&str> = text.splitn(3, '~').collect();
        let fail = "no page gave this cursor";
        let [micros, trace, span] = parts[..] else { return Err(fail) };
        Ok(Self { micros: micros.parse().map_err(|_| fail)?, trace: trace.to_owned(), span: span.to_owned() })
    }

    fn of(row: &Row) -> Self {
        let began = Timestamp::parse_rfc3339(text(row, "started_at")).map_or(0, Timestamp::micros);
        Self { micros: began, trace: text(row, "trace_id").to_owned(), span: text(row, "span_id").to_owned() }
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_micros(self.micros)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}~{}~{}", self.micros, self.trace, self.span)
    }
}

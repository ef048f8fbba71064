//! Reads one trace and arranges it: what its page draws and the API answers.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::query::{Engine, Param, Params, format};
use crate::units::{Money, Timestamp, TraceId};
use crate::web::error::Problem;
use crate::web::rows::{Row, flag, int, text};

use super::Amount;
use super::tree::{Cost, Part, Tree, Uprooted};

/// Spans, and invocations, of a trace that are read, at most.
pub(in crate::web) const MOST: usize = 20_000;
/// OTLP's words for its kinds of span, by their numbers.
const KINDS: [&str; 6] = ["", "internal", "server", "client", "producer", "consumer"];

/// A trace.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct Trace {
    pub(in crate::web) trace_id: String,
    /// When the first of it began: RFC 3339, to the microsecond.
    pub(in crate::web) started_at: String,
    /// From the first start to the last end.
    pub(in crate::web) duration_ns: i64,
    /// Spans that failed.
    pub(in crate::web) errors: usize,
    /// Invocations in it.
    pub(in crate::web) invocations: usize,
    /// Cold starts among them.
    pub(in crate::web) cold: usize,
    /// The sum of the invocations' list costs, one amount for each currency.
    pub(in crate::web) list_cost: Vec<Amount>,
    /// Invocations without a list cost.
    pub(in crate::web) unpriced: usize,
    /// Spans whose parent is not there: they are at the root level.
    pub(in crate::web) orphans: usize,
    /// Invocations without a span: they are shown from their records.
    pub(in crate::web) without_span: usize,
    /// Whether there are more spans than were read.
    pub(in crate::web) is_cut: bool,
    /// Spans, each parent before its children.
    pub(in crate::web) items: Vec<SpanItem>,
}

/// A span of a trace in its place.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct SpanItem {
    span_id: String,
    /// The parent's place among the items; null at the root level.
    parent: Option<usize>,
    depth: usize,
    /// How many of the items that follow hang below it.
    below: usize,
    pub(in crate::web) name: String,
    /// The function, or the service; null where neither is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) function: Option<String>,
    /// OTLP's word; empty where it is not said.
    #[serde(skip_serializing_if = "str::is_empty")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    invocation_id: Option<String>,
    /// Of the invocation whose span this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    /// The group of errors that the invocation is of: outcome, type and the message's shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cold: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    failed: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    status_message: String,
    /// Since the trace began.
    start_ns: i64,
    duration_ns: i64,
    /// What no child of it took.
    own_ns: i64,
    /// What of the critical path is its own.
    critical_ns: i64,
    is_critical: bool,
    /// The list cost of the invocations whose span it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    own_cost: Vec<Amount>,
    /// The same with all that hangs below.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    list_cost: Vec<Amount>,
    #[serde(skip_serializing_if = "is_zero")]
    events: i64,
    #[serde(skip_serializing_if = "is_zero")]
    links: i64,
    /// The parent that is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_parent: Option<String>,
    /// Shown from an invocation's record: no span of it is stored.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    from_record: bool,
}

/// A row of what becomes a span: a span, or an invocation that has none.
struct Source<'a> {
    row: &'a Row,
    from_record: bool,
    invocations: Vec<&'a Row>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde gives it")]
fn is_zero(count: &i64) -> bool {
    *count == 0
}

/// The trace; none where no table has anything of it.
pub(in crate::web) async fn read(engine: &Engine, id: TraceId) -> Result<Option<Trace>, Problem> {
    let params = Params::from([
        ("trace_id".to_owned(), Param::Text(id.to_string())),
        ("limit".to_owned(), Param::Int(i64::try_from(MOST + 1).unwrap_or(i64::MAX))),
    ]);
    let (spans, invocations) =
        futures::join!(engine.named("trace_page_spans", &params), engine.named("trace_page_invocations", &params));
    let (spans, invocations) = (spans?, invocations?);
    if spans.rows() + invocations.rows() == 0 {
        return Ok(None);
    }
    // Thousands of spans take milliseconds to arrange.
    let arranged = tokio::task::spawn_blocking(move || {
        let (spans, invocations) = (format::rows(&spans)?, format::rows(&invocations)?);
        arrange(id, spans, &invocations)
    });
    arranged.await.map_err(|error| Problem::internal(&error))?.map(Some)
}

fn arrange(id: TraceId, mut spans: Vec<Row>, invocations: &[Row]) -> Result<Trace, Problem> {
    let is_cut = spans.len() > MOST || invocations.len() > MOST;
    spans.truncate(MOST);
    let sources = sources(&spans, invocations);
    let parts = sources.iter().map(Source::part).collect::<Result<Vec<_>, _>>()?;
    let tree = Tree::of(&parts).map_err(|error| Problem::internal(&error))?;
    let mut cost = Cost::default();
    for part in &parts {
        cost.add(&part.cost).map_err(|error| Problem::internal(&error))?;
    }
    let count = |of: &dyn Fn(&Row) -> bool| invocations.iter().filter(|row| of(row)).count();
    let items: Vec<SpanItem> = tree
        .nodes
        .iter()
        .map(|node| {
            let (part, source) = (&parts[node.part], &sources[node.part]);
            SpanItem {
                parent: node.parent,
                depth: node.depth,
                below: node.below,
                start_ns: part.start.saturating_sub(tree.start),
                own_ns: node.own_ns,
                critical_ns: node.critical_ns,
                is_critical: node.is_critical,
                own_cost: Amount::of(&part.cost),
                list_cost: Amount::of(&node.cost),
                missing_parent: part.parent.clone().filter(|_| node.uprooted == Some(Uprooted::Missing)),
                ..source.item()
            }
        })
        .collect();
    Ok(Trace {
        trace_id: id.to_string(),
        started_at: Timestamp::from_nanos(tree.start).to_string(),
        duration_ns: tree.end.saturating_sub(tree.start),
        errors: items.iter().filter(|item| item.failed).count(),
        invocations: invocations.len(),
        cold: count(&|row| flag(row, "cold")),
        list_cost: Amount::of(&cost),
        unpriced: count(&|row| text(row, "list_cost").is_empty()),
        orphans: items.iter().filter(|item| item.missing_parent.is_some()).count(),
        without_span: sources.iter().filter(|source| source.from_record).count(),
        is_cut,
        items,
    })
}

/// The spans with the invocations whose they are, and the invocations without one.
fn sources<'a>(spans: &'a [Row], invocations: &'a [Row]) -> Vec<Source<'a>> {
    let mut sources: Vec<Source> =
        spans.iter().map(|row| Source { row, from_record: false, invocations: Vec::new() }).collect();
    let mut places = std::collections::HashMap::with_capacity(sources.len());
    for (at, source) in sources.iter().enumerate() {
        places.entry(text(source.row, "span_id")).or_insert(at);
    }
    for row in invocations {
        match places.get(text(row, "span_id")) {
            Some(at) => sources[*at].invocations.push(row),
            None => sources.push(Source { row, from_record: true, invocations: vec![row] }),
        }
    }
    sources
}

impl Source<'_> {
    fn part(&self) -> Result<Part, Problem> {
        let row = self.row;
        let (start, end) = if self.from_record {
            let start = Timestamp::parse_rfc3339(text(row, "started_at")).map_or(0, Timestamp::nanos);
            (start, start.saturating_add(int(row, "felt_ns")))
        } else {
            (int(row, "start_time_unix_nano"), int(row, "end_time_unix_nano"))
        };
        let mut cost = Cost::default();
        for row in &self.invocations {
            if let Ok(amount) = text(row, "list_cost").parse::<Money>() {
                cost.add(&Cost::of(text(row, "currency"), amount)).map_err(|error| Problem::internal(&error))?;
            }
        }
        let parent = Some(text(row, "parent_span_id")).filter(|id| !id.is_empty()).map(str::to_owned);
        Ok(Part { id: text(row, "span_id").to_owned(), parent, start, end, cost })
    }

    /// What the row says, without its place.
    fn item(&self) -> SpanItem {
        let row = self.row;
        let some = |column: &str| Some(text(row, column)).filter(|text| !text.is_empty()).map(str::to_owned);
        let outcome = self.invocations.first().map(|row| text(row, "outcome").to_owned());
        let fingerprint = self.invocations.first().map(|row| text(row, "fingerprint")).filter(|text| !text.is_empty());
        let function = some("function").or_else(|| some("service"));
        let kind = usize::try_from(int(row, "kind")).ok().and_then(|kind| KINDS.get(kind)).copied();
        let length = int(row, "end_time_unix_nano").saturating_sub(int(row, "start_time_unix_nano"));
        let failed = if self.from_record {
            outcome.as_deref().is_some_and(|outcome| outcome != "ok")
        } else {
            int(row, "status_code") == 2
        };
        SpanItem {
            span_id: text(row, "span_id").to_owned(),
            parent: None,
            depth: 0,
            below: 0,
            name: some("name").or_else(|| function.clone()).unwrap_or_default(),
            function,
            kind: kind.unwrap_or_default(),
            invocation_id: some("invocation_id"),
            outcome,
            fingerprint: fingerprint.map(str::to_owned),
            cold: self.invocations.iter().any(|row| flag(row, "cold")),
            failed,
            status_message: some("status_message").or_else(|| some("error_message")).unwrap_or_default(),
            start_ns: 0,
            duration_ns: if self.from_record { int(row, "felt_ns") } else { length.max(0) },
            own_ns: 0,
            critical_ns: 0,
            is_critical: false,
            own_cost: Vec::new(),
            list_cost: Vec::new(),
            events: int(row, "events"),
            links: int(row, "links"),
            missing_parent: None,
            from_record: self.from_record,
        }
    }
}

/// All that is known of a span; more than one where its id came twice.
pub(in crate::web) async fn span(engine: &Engine, trace: TraceId, span: &str) -> Result<Vec<Row>, Problem> {
    let params = Params::from([
        ("trace_id".to_owned(), Param::Text(trace.to_string())),
        ("span_id".to_owned(), Param::Text(span.to_owned())),
    ]);
    let mut rows = format::rows(&engine.named("trace_span", &params).await?)?;
    for row in &mut rows {
        exact(row, &["start_time_unix_nano", "end_time_unix_nano"]);
        let events = row.get_mut("events").and_then(Value::as_array_mut).into_iter().flatten();
        events.filter_map(Value::as_object_mut).for_each(|event| exact(event, &["time_unix_nano"]));
    }
    Ok(rows)
}

/// A script's numbers do not hold nanoseconds since 1970, so they go as text, as OTLP's JSON has them.
fn exact(row: &mut Row, columns: &[&str]) {
    for column in columns {
        if let Some(nanos) = row.get(*column).and_then(Value::as_i64) {
            row.insert((*column).to_owned(), Value::from(nanos.to_string()));
        }
    }
}

/// The log records of a trace, oldest first; whether there are more.
pub(in crate::web) async fn logs(engine: &Engine, trace: TraceId, limit: usize) -> Result<(Vec<Row>, bool), Problem> {
    let params = Params::from([
        ("trace_id".to_owned(), Param::Text(trace.to_string())),
        ("limit".to_owned(), Param::Int(i64::try_from(limit + 1).unwrap_or(i64::MAX))),
    ]);
    let mut rows = format::rows(&engine.named("trace_logs", &params).await?)?;
    let is_cut = rows.len() > limit;
    rows.truncate(limit);
    rows.iter_mut().for_each(|row| exact(row, &["time_unix_nano"]));
    Ok((rows, is_cut))
}

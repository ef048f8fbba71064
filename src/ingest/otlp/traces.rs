//! Rows of spans, and the invocations that they tell of.

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::trace::v1 as proto;

use crate::ingest::{Error, Room};
use crate::model::{Event, Link, Records, Span, SpanKind, StatusCode};
use crate::units::{SpanId, Timestamp, TraceId};

use super::attributes::attributes;
use super::decode::{Context, Read};
use super::faas::{self, Told};
use super::ids;
use super::rejected::Rejected;
use super::resource::{Budget, Resource};
use super::times::{Times, clamped};

/// The word in the column `source`.
pub(super) const SOURCE: &str = "otlp";

/// A span may end so long before it begins, as clocks are; it is then kept as one that took no time. 60 s.
const MAX_BACKWARDS_NS: i64 = 60_000_000_000;

pub(super) fn read(request: proto::TracesData, context: &Context, room: &mut Room) -> Result<Read, Error> {
    let (mut spans, mut told, mut rejected) = (Vec::new(), Vec::new(), Rejected::default());
    let (mut times, mut budget) = (Times::new(context.received), Budget::new(context.max_bytes, room));
    for group in request.resource_spans {
        let resource = match Resource::read(group.resource, context) {
            Ok(resource) => resource,
            Err(why) => {
                rejected.add_all(group.scope_spans.iter().map(|scope| scope.spans.len()).sum(), why);
                continue;
            }
        };
        for scoped in group.scope_spans {
            let scope = scoped.scope.unwrap_or_default();
            budget.take(scoped.spans.len(), &resource, &scope, 0)?;
            for span in scoped.spans {
                match row(span, &resource, &scope, &mut times) {
                    Ok(span) => {
                        told.extend(faas::invocation(&span, &context.books));
                        spans.push(span);
                    }
                    Err(why) => rejected.add(why),
                }
            }
        }
    }
    // Where several spans tell of one invocation the first is kept, so that of its entry comes first.
    told.sort_by_key(|told| !told.is_entry);
    let invocations = told.into_iter().map(|Told { invocation, .. }| invocation).collect();
    Ok(Read { records: Records { spans, invocations, ..Records::default() }, rejected })
}

/// A span as a row; a reason where it is none.
fn row(span: proto::Span, of: &Resource, scope: &InstrumentationScope, times: &mut Times) -> Result<Span, String> {
    let place = place(&span, times).map_err(|why| format!("the span '{}': {why}", span.name))?;
    let attributes = attributes(span.attributes);
    let given = span.links.len();
    let links: Vec<Link> = span.links.into_iter().filter_map(link).collect();
    let unknown = u32::try_from(given - links.len()).unwrap_or(u32::MAX);
    let status = span.status.unwrap_or_default();
    Ok(Span {
        tenant: of.tenant.clone(),
        function: of.function_of(&attributes),
        source: SOURCE.to_owned(),
        invocation_id: attributes.get("faas.invocation_id").cloned(),
        trace_id: place.trace_id,
        span_id: place.span_id,
        parent_span_id: place.parent,
        trace_state: span.trace_state,
        flags: span.flags,
        name: span.name,
        kind: kind(span.kind),
        start: place.start,
        end: place.end,
        attributes,
        dropped_attributes_count: span.dropped_attributes_count,
        events: span.events.into_iter().map(event).collect(),
        dropped_events_count: span.dropped_events_count,
        links,
        dropped_links_count: span.dropped_links_count.saturating_add(unknown),
        status_code: status_code(status.code),
        status_message: status.message,
        resource_attributes: of.attributes.clone(),
        scope_name: scope.name.clone(),
        scope_version: scope.version.clone(),
    })
}

/// What a span cannot be kept without.
struct Place {
    trace_id: TraceId,
    span_id: SpanId,
    parent: Option<SpanId>,
    start: Timestamp,
    end: Timestamp,
}

fn place(span: &proto::Span, times: &mut Times) -> Result<Place, String> {
    let trace_id = ids::trace(&span.trace_id)?.ok_or("it has no trace id")?;
    let span_id = ids::span(&span.span_id, "span id")?.ok_or("it has no span id")?;
    let parent = ids::span(&span.parent_span_id, "parent span id")?;
    let start = times.of_row(span.start_time_unix_nano)?;
    let end = clamped(span.end_time_unix_nano);
    if start.nanos().saturating_sub(end.nanos()) > MAX_BACKWARDS_NS {
        return Err(format!("it ends at {} ns, long before it begins at {} ns", end.nanos(), start.nanos()));
    }
    Ok(Place { trace_id, span_id, parent, start, end: end.max(start) })
}

fn event(event: proto::span::Event) -> Event {
    Event {
        time: clamped(event.time_unix_nano),
        name: event.name,
        attributes: attributes(event.attributes),
        dropped_attributes_count: event.dropped_attributes_count,
    }
}

/// A link; none where it does not say which span it is to.
fn link(link: proto::span::Link) -> Option<Link> {
    Some(Link {
        trace_id: ids::trace(&link.trace_id).ok()??,
        span_id: ids::span(&link.span_id, "span id").ok()??,
        trace_state: link.trace_state,
        attributes: attributes(link.attributes),
        dropped_attributes_count: link.dropped_attributes_count,
        flags: link.flags,
    })
}

fn kind(number: i32) -> SpanKind {
    use SpanKind::{Client, Consumer, Internal, Producer, Server, Unspecified};
    let known = [Internal, Server, Client, Producer, Consumer];
    known.into_iter().find(|kind| *kind as i32 == number).unwrap_or(Unspecified)
}

fn status_code(number: i32) -> StatusCode {
    [StatusCode::Ok, StatusCode::Error].into_iter().find(|code| *code as i32 == number).unwrap_or(StatusCode::Unset)
}

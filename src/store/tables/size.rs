//! Owns the estimate of how much room records take, which reservations are made with. The exact figure is known only when
//! they are encoded.

use std::mem::size_of as bytes_of;

use crate::model::{Invocation, LogRecord, MetricData, MetricPoint, Records, Span};

/// What a row takes beside its texts: offsets, validity and its share of the log's framing.
const ROW: usize = 128;
/// What an attribute takes beside its texts.
const PAIR: usize = 8;

/// About how many bytes of the buffer the records need: what to reserve for them, and what their size is checked by.
#[must_use]
pub fn size_of(records: &Records) -> u64 {
    let bytes = records.invocations.iter().map(invocation).sum::<usize>()
        + records.spans.iter().map(span).sum::<usize>()
        + records.logs.iter().map(log).sum::<usize>()
        + records.metrics.iter().map(metric).sum::<usize>();
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn invocation(row: &Invocation) -> usize {
    let texts = [&row.invocation_id.0, &row.tenant, &row.function, &row.source];
    let optional = [&row.version, &row.region, &row.runtime, &row.account, &row.price_book, &row.error_type];
    let optional = optional.into_iter().chain([&row.error_message]).map(text).sum::<usize>();
    let ids = row.environment_id.as_ref().map_or(0, |id| id.0.len());
    let fixed = ROW + bytes_of::<Invocation>();
    fixed + texts.iter().map(|text| text.len()).sum::<usize>() + optional + ids + pairs(row.tags.iter())
}

fn span(row: &Span) -> usize {
    let texts = [&row.tenant, &row.source, &row.trace_state, &row.name, &row.status_message];
    let events = row.events.iter().map(|event| ROW + event.name.len() + pairs(event.attributes.iter())).sum::<usize>();
    let links =
        row.links.iter().map(|link| ROW + link.trace_state.len() + pairs(link.attributes.iter())).sum::<usize>();
    let scope = row.scope_name.len() + row.scope_version.len() + pairs(row.resource_attributes.iter());
    let optional = text(&row.function) + text(&row.invocation_id);
    let texts = texts.iter().map(|text| text.len()).sum::<usize>();
    ROW + bytes_of::<Span>() + texts + optional + pairs(row.attributes.iter()) + events + links + scope
}

fn log(row: &LogRecord) -> usize {
    let texts = [&row.tenant, &row.source, &row.severity_text, &row.body, &row.event_name];
    let scope = row.scope_name.len() + row.scope_version.len() + pairs(row.resource_attributes.iter());
    let optional = [&row.function, &row.version, &row.invocation_id, &row.environment_id, &row.origin_id];
    let optional = optional.into_iter().map(text).sum::<usize>();
    let texts = texts.iter().map(|text| text.len()).sum::<usize>();
    ROW + bytes_of::<LogRecord>() + texts + optional + pairs(row.attributes.iter()) + scope
}

fn metric(row: &MetricPoint) -> usize {
    let texts = [&row.tenant, &row.source, &row.name, &row.description, &row.unit];
    let scope = row.scope_name.len() + row.scope_version.len() + pairs(row.resource_attributes.iter());
    let exemplars = row.exemplars.iter().map(|found| ROW + pairs(found.filtered_attributes.iter())).sum::<usize>();
    let numbers = match &row.data {
        MetricData::Gauge(_) | MetricData::Sum { .. } => 0,
        MetricData::Histogram { bucket_counts, explicit_bounds, .. } => bucket_counts.len() + explicit_bounds.len(),
        MetricData::ExponentialHistogram { positive, negative, .. } => {
            positive.bucket_counts.len() + negative.bucket_counts.len()
        }
        MetricData::Summary { quantile_values, .. } => quantile_values.len() * 2,
    };
    let texts = texts.iter().map(|text| text.len()).sum::<usize>();
    let fixed = ROW + bytes_of::<MetricPoint>() + numbers * bytes_of::<u64>();
    fixed + texts + text(&row.function) + text(&row.origin_id) + pairs(row.attributes.iter()) + exemplars + scope
}

fn text(text: &Option<String>) -> usize {
    text.as_ref().map_or(0, String::len)
}

fn pairs<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> usize {
    pairs.map(|(key, value)| PAIR + key.len() + value.len()).sum()
}

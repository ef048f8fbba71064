//! Turns attempts into rows that look exactly like the executor's own: the billing record with its list price, the span
//! tree, the log records. What happened is decided in `simulation`.

use std::sync::Arc;

use uuid::Uuid;

use crate::cost::{self, PriceBook, PriceBooks};
use crate::demo::traffic::{Function, Traffic};
use crate::model::{Attributes, Invocation, Outcome, Records, Span, SpanTree};
use crate::units::{ByteCount, EnvironmentId, InvocationId, SpanId, Timestamp, TraceId, nanos};

use super::Place;
use super::simulation::Attempt;

/// W3C trace flags: sampled.
pub(super) const FLAGS: u8 = 1;

/// Makes rows.
pub(super) struct Rows {
    traffic: Arc<Traffic>,
    /// By function and version.
    templates: Vec<Vec<Template>>,
}

/// What all rows of one version have in common.
pub(super) struct Template {
    book: PriceBook,
    invocation: Invocation,
    pub(super) resource: Attributes,
}

impl Rows {
    pub(super) fn new(traffic: Arc<Traffic>, books: &PriceBooks, place: &Place) -> Result<Self, cost::Error> {
        let of_function = |function: &Function| {
            let book = books.get(&function.sample.spec.price_book)?;
            let versions = 0..function.versions.len();
            Ok(versions.map(|version| Template::new(function, version, book, place)).collect())
        };
        let templates = traffic.functions.iter().map(of_function).collect::<Result<_, cost::Error>>()?;
        Ok(Self { traffic, templates })
    }

    /// Adds the rows of an attempt.
    pub(super) fn add(&self, attempt: &Attempt, records: &mut Records) -> Result<(), cost::Error> {
        let template = &self.templates[attempt.function][attempt.version];
        let invocation = self.invocation(attempt, template)?;
        let traced = attempt.at_us >= self.traffic.traced_us || invocation.outcome.is_error();
        if traced && attempt.throttled.is_none() {
            let function = &self.traffic.functions[attempt.function];
            records.spans.extend(spans(attempt, &invocation, template));
            super::logs::add(attempt, function, &invocation, template, &mut records.logs);
        }
        records.invocations.push(invocation);
        Ok(())
    }

    fn invocation(&self, attempt: &Attempt, template: &Template) -> Result<Invocation, cost::Error> {
        let mut row = template.invocation.clone();
        row.invocation_id = InvocationId(uuid_text(attempt.id));
        row.attempt = u32::from(attempt.attempt);
        row.trace_id = TraceId::from_bytes(attempt.trace.to_be_bytes());
        row.span_id = SpanId::from_bytes(attempt.span.to_be_bytes());
        row.started_at = Timestamp::from_micros(attempt.at_us);
        row.request_size = Some(ByteCount(attempt.request_bytes));
        row.concurrency = Some(u32::try_from(attempt.concurrency).unwrap_or(u32::MAX));
        if let Some(reason) = attempt.throttled {
            row.outcome = Outcome::Throttled;
            row.throttle_reason = Some(reason);
            row.http_status = Some(429);
        } else {
            let function = &self.traffic.functions[attempt.function];
            let ending = &function.endings[attempt.ending];
            row.runtime = Some(function.figures.runtime.clone());
            row.environment_id = Some(EnvironmentId(uuid_text(attempt.environment)));
            row.outcome = ending.outcome;
            row.error_type.clone_from(&ending.error_type);
            row.error_message.clone_from(&ending.message);
            row.cold = Some(attempt.cold);
            row.phases = attempt.phases.into();
            row.peak_memory = Some(ByteCount(attempt.peak_memory_bytes));
            row.cpu_ns = Some(nanos(attempt.cpu));
            row.egress = Some(ByteCount(0));
            row.response_size = Some(ByteCount(attempt.response_bytes));
            row.http_status = Some(ending.status);
        }
        template.book.bill(row)
    }
}

impl Template {
    fn new(function: &Function, version: usize, book: &PriceBook, place: &Place) -> Self {
        let (spec, memory) = (&function.sample.spec, function.versions[version].memory);
        let number = u32::try_from(version + 1).expect("a recipe names its versions one by one");
        let invocation = Invocation {
            memory: Some(memory),
            region: Some(place.region.clone()),
            account: Some(place.account.clone()),
            ..Invocation::blank(spec, number, book.currency())
        };
        Self { book: book.clone(), resource: invocation.resource(), invocation }
    }
}

/// The executor's own span tree; the ids of the children follow from the root's.
fn spans(attempt: &Attempt, invocation: &Invocation, template: &Template) -> Vec<Span> {
    let path = format!("/fn/{}", invocation.function);
    let tree = SpanTree { parent: None, flags: FLAGS, method: "POST", path: &path, resource: &template.resource };
    let mut ids = (1..).filter_map(|number| SpanId::from_bytes(mixed(attempt.span, number).to_be_bytes()));
    invocation.spans(tree, move || ids.next().expect("numbers do not end"))
}

/// A UUID as text.
pub(super) fn uuid_text(id: u128) -> String {
    let mut text = Uuid::encode_buffer();
    Uuid::from_u128(id).hyphenated().encode_lower(&mut text).to_owned()
}

/// Another number for each pair, which tells nothing of the pair: the last steps of `SplitMix64`.
pub(super) fn mixed(number: u64, with: u64) -> u64 {
    let mut z = number.wrapping_add(with.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

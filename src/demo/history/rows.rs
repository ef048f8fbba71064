//! Turns attempts into rows that look exactly like the executor's own: the billing record with its list price, the span
//! tree, the log records. What happened is decided in `simulation`.

use std::sync::Arc;

use uuid::Uuid;

use crate::cost::{self, PriceBook, PriceBooks};
use crate::demo::traffic::{Function, Traffic};
use crate::model::{
    Architecture, Attributes, InitType, Invocation, Outcome, Phases, Records, Span, SpanKind, StatusCode, Trigger,
    Usage,
};
use crate::units::{ByteCount, EnvironmentId, InvocationId, SpanId, Timestamp, TraceId, nanos};

use super::Place;
use super::simulation::Attempt;

/// The source of every record that the executor makes.
pub(super) const SOURCE: &str = "executor";
/// W3C trace flags: sampled.
pub(super) const FLAGS: u32 = 1;

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
            spans(attempt, &invocation, template, &mut records.spans);
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
        row.request_size = ByteCount(attempt.request_bytes);
        if let Some(reason) = attempt.throttled {
            row.outcome = Outcome::Throttled;
            row.throttle_reason = Some(reason);
            row.http_status = Some(429);
        } else {
            let function = &self.traffic.functions[attempt.function];
            let ending = &function.endings[attempt.ending];
            row.runtime.clone_from(&function.figures.runtime);
            row.environment_id = Some(EnvironmentId(uuid_text(attempt.environment)));
            row.outcome = ending.outcome;
            row.error_type.clone_from(&ending.error_type);
            row.error_message.clone_from(&ending.message);
            row.cold = attempt.cold;
            row.phases = attempt.phases;
            row.peak_memory = ByteCount(attempt.peak_memory_bytes);
            row.cpu_ns = nanos(attempt.cpu);
            row.egress = Some(ByteCount(0));
            row.response_size = ByteCount(attempt.response_bytes);
            row.http_status = Some(ending.status);
        }
        template.price(row)
    }
}

impl Template {
    /// Sets what is billed and what it costs; nothing for an attempt that did not run.
    fn price(&self, mut row: Invocation) -> Result<Invocation, cost::Error> {
        let billed = row.outcome.is_billed();
        row.billed_ms = if billed { row.phases.billed_ms() } else { 0 };
        let usage = Usage {
            requests: u32::from(billed),
            billed_ms: row.billed_ms,
            memory: row.memory,
            ephemeral_storage: row.ephemeral_storage,
            streamed: row.streamed,
            architecture: row.architecture,
        };
        let price = self.book.list_price(&row.region, row.started_at, &usage)?;
        row.list_cost = Some(price.amount);
        row.price_book = price.price_book;
        Ok(row)
    }

    fn new(function: &Function, version: usize, book: &PriceBook, place: &Place) -> Self {
        let (spec, memory) = (&function.sample.spec, function.versions[version].memory);
        let number = (version + 1).to_string();
        let architecture = match spec.architecture {
            Architecture::X86_64 => "amd64",
            Architecture::Arm64 => "arm64",
        };
        let resource = [
            ("service.name", spec.name.clone()),
            ("faas.name", spec.name.clone()),
            ("faas.version", number.clone()),
            ("faas.max_memory", memory.bytes().0.to_string()),
            ("cloud.region", place.region.clone()),
            ("cloud.account.id", place.account.clone()),
            ("host.arch", architecture.to_owned()),
        ];
        let invocation = Invocation {
            invocation_id: InvocationId(String::new()),
            attempt: 1,
            trace_id: None,
            span_id: None,
            tenant: spec.tenant.clone(),
            function: spec.name.clone(),
            version: number,
            region: place.region.clone(),
            architecture: spec.architecture,
            runtime: String::new(),
            trigger: Trigger::Http,
            source: SOURCE.to_owned(),
            tags: spec.tags.clone(),
            started_at: Timestamp::from_micros(0),
            account: place.account.clone(),
            environment_id: None,
            init_type: InitType::OnDemand,
            ephemeral_storage: spec.ephemeral_storage,
            streamed: ByteCount(0),
            outcome: Outcome::Ok,
            error_type: None,
            error_message: None,
            throttle_reason: None,
            cold: false,
            phases: Phases::default(),
            billed_ms: 0,
            memory,
            peak_memory: ByteCount(0),
            cpu_ns: 0,
            fuel: None,
            egress: None,
            request_size: ByteCount(0),
            response_size: ByteCount(0),
            http_status: None,
            price_book: String::new(),
            list_cost: None,
            currency: book.currency(),
        };
        Self { book: book.clone(), invocation, resource: resource.map(|(name, value)| (name.to_owned(), value)).into() }
    }
}

/// A root span, and a child for each phase that took time.
fn spans(attempt: &Attempt, invocation: &Invocation, template: &Template, spans: &mut Vec<Span>) {
    let (Some(trace_id), Some(root_id)) = (invocation.trace_id, invocation.span_id) else { return };
    let span = |span_id, parent_span_id, name: &str, start, end| Span {
        tenant: invocation.tenant.clone(),
        function: Some(invocation.function.clone()),
        source: SOURCE.to_owned(),
        invocation_id: Some(invocation.invocation_id.0.clone()),
        trace_id,
        span_id,
        parent_span_id,
        trace_state: String::new(),
        flags: FLAGS,
        name: name.to_owned(),
        kind: SpanKind::Internal,
        start,
        end,
        attributes: Attributes::new(),
        dropped_attributes_count: 0,
        events: Vec::new(),
        dropped_events_count: 0,
        links: Vec::new(),
        dropped_links_count: 0,
        status_code: StatusCode::Unset,
        status_message: String::new(),
        resource_attributes: template.resource.clone(),
        scope_name: "faremeter".to_owned(),
        scope_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let begin = invocation.started_at;
    let mut root = span(root_id, None, &invocation.function, begin, begin.plus(invocation.phases.felt()));
    root.kind = SpanKind::Server;
    root.attributes = root_attributes(invocation);
    if invocation.outcome.is_error() {
        root.status_code = StatusCode::Error;
        root.status_message = invocation.error_message.clone().unwrap_or_default();
    }
    spans.push(root);
    let mut start = begin;
    for (number, (name, length)) in (1..).zip(invocation.phases.took_time()) {
        let end = start.plus(length);
        let id = SpanId::from_bytes(mixed(attempt.span, number).to_be_bytes()).unwrap_or(root_id);
        spans.push(span(id, Some(root_id), name, start, end));
        start = end;
    }
}

fn root_attributes(invocation: &Invocation) -> Attributes {
    let mut attributes = vec![
        ("faas.invocation_id", invocation.invocation_id.0.clone()),
        ("faas.trigger", invocation.trigger.as_str().to_owned()),
        ("faas.coldstart", invocation.cold.to_string()),
        ("http.request.method", "POST".to_owned()),
        ("url.path", format!("/fn/{}", invocation.function)),
        ("faremeter.outcome", invocation.outcome.as_str().to_owned()),
    ];
    let status = invocation.http_status.map(|status| ("http.response.status_code", status.to_string()));
    let error = invocation.error_type.clone().map(|error| ("error.type", error));
    let environment = invocation.environment_id.as_ref().map(|id| ("faas.instance", id.0.clone()));
    attributes.extend(status.into_iter().chain(error).chain(environment));
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
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

//! Owns what every record of an attempt says alike, whoever makes it: the blank row, the resource and the span tree. Pure.

use std::collections::BTreeMap;

use crate::units::{ByteCount, Currency, InvocationId, SpanId, Timestamp};

use super::{
    Architecture, Attributes, FunctionSpec, InitType, Invocation, Outcome, PhaseLengths, Phases, Span, SpanKind,
    StatusCode, Trigger, Usage,
};

/// The source of every record that our own executor makes.
const EXECUTOR: &str = "executor";

/// What the span tree of an attempt needs besides its billing record.
#[derive(Debug, Clone, Copy)]
pub struct SpanTree<'a> {
    /// The caller's span, where the trace was continued.
    pub parent: Option<SpanId>,
    /// W3C trace flags.
    pub flags: u8,
    /// The request's method.
    pub method: &'a str,
    /// The request's path.
    pub path: &'a str,
    /// `Invocation::resource`.
    pub resource: &'a Attributes,
}

impl Invocation {
    /// A first attempt of our own executor of which nothing has happened yet: whoever makes the record says the rest.
    #[must_use]
    pub fn blank(spec: &FunctionSpec, version: u32, currency: Currency) -> Self {
        Self {
            version: Some(version.to_string()),
            architecture: Some(spec.architecture),
            trigger: Some(Trigger::Http),
            tags: spec.tags.clone(),
            init_type: Some(InitType::OnDemand),
            ephemeral_storage: Some(spec.ephemeral_storage),
            streamed: Some(ByteCount(0)),
            cold: Some(false),
            phases: Phases::default().into(),
            billed_ms: Some(0),
            memory: Some(spec.memory),
            peak_memory: Some(ByteCount(0)),
            cpu_ns: Some(0),
            request_size: Some(ByteCount(0)),
            response_size: Some(ByteCount(0)),
            currency: Some(currency),
            ..Self::reported(EXECUTOR, InvocationId(String::new()), &spec.tenant, &spec.name, Timestamp::from_micros(0))
        }
    }

    /// A first attempt that ended well, of which nothing else is known: whoever makes the record says what its source tells.
    #[must_use]
    pub fn reported(source: &str, id: InvocationId, tenant: &str, function: &str, started_at: Timestamp) -> Self {
        Self {
            invocation_id: id,
            attempt: 1,
            trace_id: None,
            span_id: None,
            tenant: tenant.to_owned(),
            function: function.to_owned(),
            version: None,
            region: None,
            architecture: None,
            runtime: None,
            trigger: None,
            source: source.to_owned(),
            tags: BTreeMap::new(),
            started_at,
            account: None,
            environment_id: None,
            init_type: None,
            ephemeral_storage: None,
            streamed: None,
            outcome: Outcome::Ok,
            error_type: None,
            error_message: None,
            throttle_reason: None,
            cold: None,
            phases: PhaseLengths::default(),
            billed_ms: None,
            memory: None,
            peak_memory: None,
            cpu_ns: None,
            fuel: None,
            egress: None,
            request_size: None,
            response_size: None,
            http_status: None,
            concurrency: None,
            price_book: None,
            list_cost: None,
            init_cost: None,
            currency: None,
        }
    }

    /// What is billed of it; nothing of an attempt that did not run or failed by our fault. None where billed time, memory or
    /// architecture are not known. Ephemeral storage that is not known is taken for the free share.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        Some(Usage {
            requests: u32::from(self.outcome.is_billed()),
            billed_ms: self.billed_ms?,
            memory: self.memory?,
            ephemeral_storage: self.ephemeral_storage.unwrap_or_default(),
            streamed: self.streamed.unwrap_or_default(),
            cpu_ns: if self.outcome.is_billed() { self.cpu_ns } else { Some(0) },
            architecture: self.architecture?,
        })
    }

    /// The function that ran, in OpenTelemetry's words, as far as it is known.
    #[must_use]
    pub fn resource(&self) -> Attributes {
        let architecture = self.architecture.map(|architecture| match architecture {
            Architecture::X86_64 => "amd64",
            Architecture::Arm64 => "arm64",
        });
        let known = [
            ("service.name", Some(self.function.clone())),
            ("faas.name", Some(self.function.clone())),
            ("faas.version", self.version.clone()),
            ("faas.max_memory", self.memory.map(|memory| memory.bytes().0.to_string())),
            ("cloud.region", self.region.clone()),
            ("cloud.account.id", self.account.clone()),
            ("host.arch", architecture.map(str::to_owned)),
        ];
        known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// The root span, and a child for each phase that took time; `ids` names the children. None without a trace.
    pub fn spans(&self, tree: SpanTree<'_>, ids: impl FnMut() -> SpanId) -> Vec<Span> {
        let Some(blank) = self.blank_span(tree) else { return Vec::new() };
        let failed = self.outcome.is_error() || self.outcome == Outcome::PlatformError;
        let mut spans = vec![Span {
            parent_span_id: tree.parent,
            name: self.function.clone(),
            kind: SpanKind::Server,
            attributes: self.root_attributes(tree),
            status_code: if failed { StatusCode::Error } else { StatusCode::Unset },
            status_message: self.error_message.clone().filter(|_| failed).unwrap_or_default(),
            ..blank.clone()
        }];
        let mut start = self.started_at;
        for ((name, length), id) in self.phases.or_zero().took_time().zip(std::iter::repeat_with(ids)) {
            let end = start.plus(length);
            spans.push(Span { span_id: id, name: name.to_owned(), start, end, ..blank.clone() });
            start = end;
        }
        spans
    }

    /// A child of the root that has no name and the root's id and times.
    fn blank_span(&self, tree: SpanTree<'_>) -> Option<Span> {
        let (trace_id, root) = (self.trace_id?, self.span_id?);
        Some(Span {
            tenant: self.tenant.clone(),
            function: Some(self.function.clone()),
            source: self.source.clone(),
            invocation_id: Some(self.invocation_id.0.clone()),
            trace_id,
            span_id: root,
            parent_span_id: Some(root),
            trace_state: String::new(),
            flags: u32::from(tree.flags),
            name: String::new(),
            kind: SpanKind::Internal,
            start: self.started_at,
            end: self.started_at.plus(self.phases.or_zero().felt()),
            attributes: Attributes::new(),
            dropped_attributes_count: 0,
            events: Vec::new(),
            dropped_events_count: 0,
            links: Vec::new(),
            dropped_links_count: 0,
            status_code: StatusCode::Unset,
            status_message: String::new(),
            resource_attributes: tree.resource.clone(),
            scope_name: "faremeter".to_owned(),
            scope_version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    fn root_attributes(&self, tree: SpanTree<'_>) -> Attributes {
        let of_call = [
            ("faas.invocation_id", self.invocation_id.0.clone()),
            ("http.request.method", tree.method.to_owned()),
            ("url.path", tree.path.to_owned()),
            ("faremeter.outcome", self.outcome.as_str().to_owned()),
        ];
        let known = [
            ("faas.trigger", self.trigger.map(|trigger| trigger.as_str().to_owned())),
            ("faas.coldstart", self.cold.map(|cold| cold.to_string())),
            ("http.response.status_code", self.http_status.map(|status| status.to_string())),
            ("error.type", self.error_type.clone()),
            ("faas.instance", self.environment_id.as_ref().map(|id| id.0.clone())),
        ];
        let known = known.into_iter().filter_map(|(name, value)| Some((name, value?)));
        of_call.into_iter().chain(known).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

//! Owns what every record of an attempt says alike, whoever makes it: the blank row, the resource and the span tree. Pure.

use crate::units::{ByteCount, Currency, InvocationId, SpanId, Timestamp};

use super::{
    Architecture, Attributes, FunctionSpec, InitType, Invocation, Outcome, Phases, Span, SpanKind, StatusCode, Trigger,
    Usage,
};

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
    /// A first attempt of which nothing is known but what it is to run: whoever makes the record says the rest.
    #[must_use]
    pub fn blank(spec: &FunctionSpec, version: u32, currency: Currency) -> Self {
        Self {
            invocation_id: InvocationId(String::new()),
            attempt: 1,
            trace_id: None,
            span_id: None,
            tenant: spec.tenant.clone(),
            function: spec.name.clone(),
            version: version.to_string(),
            region: String::new(),
            architecture: spec.architecture,
            runtime: String::new(),
            trigger: Trigger::Http,
            source: String::new(),
            tags: spec.tags.clone(),
            started_at: Timestamp::from_micros(0),
            account: String::new(),
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
            memory: spec.memory,
            peak_memory: ByteCount(0),
            cpu_ns: 0,
            fuel: None,
            egress: None,
            request_size: ByteCount(0),
            response_size: ByteCount(0),
            http_status: None,
            concurrency: None,
            price_book: String::new(),
            list_cost: None,
            init_cost: None,
            currency,
        }
    }

    /// What is billed of it; nothing of an attempt that did not run or failed by our fault.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage {
            requests: u32::from(self.outcome.is_billed()),
            billed_ms: self.billed_ms,
            memory: self.memory,
            ephemeral_storage: self.ephemeral_storage,
            streamed: self.streamed,
            architecture: self.architecture,
        }
    }

    /// The function that ran, in OpenTelemetry's words.
    #[must_use]
    pub fn resource(&self) -> Attributes {
        let architecture = match self.architecture {
            Architecture::X86_64 => "amd64",
            Architecture::Arm64 => "arm64",
        };
        [
            ("service.name", self.function.clone()),
            ("faas.name", self.function.clone()),
            ("faas.version", self.version.clone()),
            ("faas.max_memory", self.memory.bytes().0.to_string()),
            ("cloud.region", self.region.clone()),
            ("cloud.account.id", self.account.clone()),
            ("host.arch", architecture.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
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
        for ((name, length), id) in self.phases.took_time().zip(std::iter::repeat_with(ids)) {
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
            end: self.started_at.plus(self.phases.felt()),
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
        let known = [
            ("faas.invocation_id", self.invocation_id.0.clone()),
            ("faas.trigger", self.trigger.as_str().to_owned()),
            ("faas.coldstart", self.cold.to_string()),
            ("http.request.method", tree.method.to_owned()),
            ("url.path", tree.path.to_owned()),
            ("faremeter.outcome", self.outcome.as_str().to_owned()),
        ];
        let status = self.http_status.map(|status| ("http.response.status_code", status.to_string()));
        let error = self.error_type.clone().map(|error| ("error.type", error));
        let environment = self.environment_id.as_ref().map(|id| ("faas.instance", id.0.clone()));
        let all = known.into_iter().chain(status).chain(error).chain(environment);
        all.map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

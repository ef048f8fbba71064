//! Turns what one call did into its rows: the billing record, the span tree, the log records. Pure: running,
//! pricing and storing are joined in `dispatch`.

use crate::cost::{self, PriceBook};
use crate::model::{
    Attributes, FunctionVersion, Invocation, LogRecord, Outcome, Records, Severity, Span, SpanTree, Trigger,
};
use crate::runtime::{Execution, GuestLog, Stream, Throttled};
use crate::units::{ByteCount, IdSource, InvocationId, Timestamp, nanos};

use super::{Config, TraceContext};

/// One call, as its rows need it.
pub(super) struct Recorder<'a> {
    pub(super) config: &'a Config,
    pub(super) book: &'a PriceBook,
    pub(super) function: &'a FunctionVersion,
    pub(super) id: &'a InvocationId,
    pub(super) trace: TraceContext,
    pub(super) trigger: Trigger,
    pub(super) started_at: Timestamp,
    /// Method and path, for the root span.
    pub(super) request: (&'a str, &'a str),
}

impl Recorder<'_> {
    /// The rows of a call that ran.
    pub(super) fn ran(
        &self,
        execution: &Execution,
        status: Option<u16>,
        ids: &IdSource,
    ) -> Result<Records, cost::Error> {
        let invocation = self.book.bill(Invocation {
            runtime: Some(execution.kind.as_str().to_owned()),
            // Empty where a fault of ours came before there was an environment.
            environment_id: Some(execution.environment_id.clone()).filter(|id| !id.0.is_empty()),
            init_type: Some(execution.init_type),
            streamed: Some(execution.streamed),
            outcome: execution.outcome,
            error_type: execution.error_type.clone(),
            error_message: execution.error_message.clone(),
            cold: Some(execution.cold),
            phases: execution.phases.into(),
            peak_memory: Some(execution.peak_memory),
            cpu_ns: Some(nanos(execution.cpu)),
            fuel: execution.fuel,
            egress: Some(execution.egress),
            request_size: Some(execution.request_size),
            response_size: Some(execution.response_size),
            http_status: status,
            concurrency: execution.concurrency,
            ..self.blank()
        })?;
        let logs = self.logs(execution, &invocation);
        let spans = self.spans(&invocation, ids);
        Ok(Records { invocations: vec![invocation], spans, logs, metrics: Vec::new() })
    }

    /// The row of a call that a limit turned away.
    pub(super) fn throttled(&self, throttled: &Throttled, request_size: ByteCount) -> Result<Records, cost::Error> {
        let invocation = self.book.bill(Invocation {
            outcome: Outcome::Throttled,
            throttle_reason: Some(throttled.reason),
            request_size: Some(request_size),
            http_status: Some(429),
            concurrency: Some(throttled.concurrency),
            ..self.blank()
        })?;
        Ok(Records { invocations: vec![invocation], ..Records::default() })
    }

    /// A record of nothing having happened yet.
    fn blank(&self) -> Invocation {
        Invocation {
            invocation_id: self.id.clone(),
            trace_id: Some(self.trace.trace_id),
            span_id: Some(self.trace.span_id),
            region: Some(self.config.region.clone()),
            account: Some(self.config.account.clone()),
            trigger: Some(self.trigger),
            started_at: self.started_at,
            ..Invocation::blank(&self.function.spec, self.function.version, self.book.currency())
        }
    }

    /// A root span that continues the caller's trace, and a child for each phase that took time.
    fn spans(&self, invocation: &Invocation, ids: &IdSource) -> Vec<Span> {
        let (method, path) = self.request;
        let (parent, flags) = (self.trace.parent, self.trace.flags);
        invocation.spans(SpanTree { parent, flags, method, path, resource: &invocation.resource() }, || ids.span())
    }

    fn logs(&self, execution: &Execution, invocation: &Invocation) -> Vec<LogRecord> {
        let mut logs: Vec<LogRecord> = execution.logs.iter().map(|log| self.log(log, invocation)).collect();
        if execution.logs_dropped > 0 {
            logs.push(self.log(
                &GuestLog {
                    time: self.started_at.plus(execution.phases.felt()),
                    stream: Stream::Stderr,
                    severity: Severity::Warn,
                    body: format!(
                        "{} more log lines were dropped: the invocation's limit was reached",
                        execution.logs_dropped
                    ),
                    attributes: Attributes::from([(
                        "faremeter.dropped_lines".to_owned(),
                        execution.logs_dropped.to_string(),
                    )]),
                },
                invocation,
            ));
        }
        logs
    }

    fn log(&self, log: &GuestLog, invocation: &Invocation) -> LogRecord {
        let scope_name = match log.stream {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        };
        LogRecord {
            tenant: invocation.tenant.clone(),
            function: Some(invocation.function.clone()),
            version: invocation.version.clone(),
            invocation_id: Some(self.id.0.clone()),
            environment_id: invocation.environment_id.as_ref().map(|id| id.0.clone()),
            source: invocation.source.clone(),
            time: log.time,
            observed_time: log.time,
            severity_number: log.severity.number(),
            severity_text: log.severity.text().to_owned(),
            body: log.body.clone(),
            attributes: log.attributes.clone(),
            dropped_attributes_count: 0,
            flags: u32::from(self.trace.flags),
            trace_id: Some(self.trace.trace_id),
            span_id: Some(self.trace.span_id),
            event_name: String::new(),
            resource_attributes: invocation.resource(),
            scope_name: scope_name.to_owned(),
            scope_version: String::new(),
            origin_id: None,
        }
    }
}

#[cfg(test)]
mod tests;

//! Owns what a row holds of Lambda's events: every field that the events tell, and null where they do not. Joining the events
//! is `join`'s.

use std::time::Duration;

use crate::model::{InitType, Invocation, LogRecord, Outcome, PhaseLengths, Severity};
use crate::units::{ByteCount, EnvironmentId, InvocationId, Timestamp};

use super::event::{Failure, Init, Line, Report, Trace};
use super::join::Place;

/// What `source` says of these rows.
pub(super) const SOURCE: &str = "aws-lambda";

/// What is known of an invocation besides its report.
pub(super) struct Run {
    pub(super) started_at: Timestamp,
    pub(super) version: Option<String>,
    pub(super) response: Option<ByteCount>,
    pub(super) failure: Option<Failure>,
    pub(super) cold: bool,
    pub(super) init: Duration,
    pub(super) kind: Option<InitType>,
}

/// What the name of a stream tells of its environment: `2024/09/05/[VERSION]ENVIRONMENT`, in a log group of several functions
/// `2024/09/05/FUNCTION[VERSION]ENVIRONMENT`.
pub(super) fn init_of_stream(stream: &str) -> Init {
    let read = || {
        let name = stream.splitn(4, '/').nth(3)?;
        let (function, rest) = name.split_once('[')?;
        let (version, environment) = rest.split_once(']')?;
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some(Init { function: text(function), version: text(version), instance: text(environment), ..Init::default() })
    };
    // A stream of another form still names one environment.
    read().unwrap_or_else(|| Init { instance: Some(stream.to_owned()), ..Init::default() })
}

/// An invocation's row; what prices it is the book's.
pub(super) fn invocation(place: &Place, init: &Init, report: &Report, run: Run) -> Invocation {
    let id = InvocationId(report.request_id.clone());
    let mut row = Invocation::reported(SOURCE, id, &place.tenant, &place.function, run.started_at);
    row.version = run.version;
    row.region = place.region.clone().or_else(|| init.region.clone());
    row.account.clone_from(&place.account);
    row.architecture = place.architecture;
    row.runtime.clone_from(&init.runtime);
    row.environment_id = init.instance.clone().map(EnvironmentId);
    row.init_type = run.kind;
    row.cold = Some(run.cold);
    row.phases = PhaseLengths { init: Some(run.init), handler: Some(report.duration), ..PhaseLengths::default() };
    row.billed_ms = Some(report.billed_ms);
    row.memory = Some(report.memory);
    row.peak_memory = report.peak_memory.map(|size| size.bytes());
    row.response_size = run.response;
    if let Some(failure) = run.failure {
        set_failure(&mut row, failure);
    }
    row
}

/// Writes down how an invocation failed; what was known before is kept.
pub(super) fn set_failure(row: &mut Invocation, failure: Failure) {
    if matches!(row.outcome, Outcome::Ok | Outcome::Error) {
        row.outcome = failure.outcome;
    }
    row.error_type = row.error_type.take().or(failure.error_type);
    row.error_message = row.error_message.take().or(failure.message);
    let used_all = row.memory.zip(row.peak_memory).is_some_and(|(memory, peak)| peak >= memory.bytes());
    if ran_out_of_memory(row.outcome, row.error_message.as_deref(), used_all) {
        row.outcome = Outcome::OutOfMemory;
    }
}

/// Whether a process was killed for the memory it took: the kernel's signal, and all of the memory in use.
fn ran_out_of_memory(outcome: Outcome, message: Option<&str>, used_all: bool) -> bool {
    outcome == Outcome::Error && used_all && message.is_some_and(|message| message.contains("signal: killed"))
}

/// Writes down which trace an invocation belongs to.
pub(super) fn set_trace(row: &mut Invocation, trace: Trace) {
    row.trace_id = Some(trace.trace_id);
    row.span_id = trace.span_id;
}

/// A log line's row; `observed_time` is when it happened until the writer says when it was seen.
pub(super) fn log(
    place: &Place,
    init: &Init,
    invocation_id: Option<String>,
    time: Timestamp,
    origin_id: String,
    line: Line,
) -> LogRecord {
    let resource = [("aws.log.group.names", &place.group), ("aws.log.stream.names", &place.stream)];
    let resource = resource.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
    LogRecord {
        tenant: place.tenant.clone(),
        function: Some(place.function.clone()),
        version: init.version.clone(),
        invocation_id,
        environment_id: init.instance.clone(),
        source: SOURCE.to_owned(),
        time,
        observed_time: time,
        severity_number: Severity::parse(&line.level).map_or(0, Severity::number),
        severity_text: line.level,
        body: line.body,
        attributes: line.attributes,
        dropped_attributes_count: 0,
        flags: 0,
        trace_id: None,
        span_id: None,
        event_name: String::new(),
        resource_attributes: resource.collect(),
        scope_name: line.scope.name().to_owned(),
        scope_version: String::new(),
        origin_id: Some(origin_id),
    }
}

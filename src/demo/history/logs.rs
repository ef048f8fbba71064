//! Makes the log records of an attempt, as the function would have printed them. The lines are the recipe's.

use crate::demo::measured::Line;
use crate::demo::traffic::Function;
use crate::model::{Invocation, LogRecord};
use crate::units::Timestamp;

use super::rows::{FLAGS, Template, mixed};
use super::simulation::Attempt;

/// What stands for a number in a line.
const NUMBER: &str = "{n}";

/// Adds the attempt's log records, spread over its handler.
pub(super) fn add(
    attempt: &Attempt,
    function: &Function,
    invocation: &Invocation,
    template: &Template,
    logs: &mut Vec<LogRecord>,
) {
    let lines = &function.endings[attempt.ending].logs;
    let handler = invocation.phases.or_zero().handler;
    let begin = invocation.started_at.plus(invocation.phases.or_zero().felt() - handler);
    let number = 1_000 + mixed(attempt.id as u64, 0) % 9_000;
    for (at, line) in (1..).zip(lines) {
        let time = begin.plus(handler * at / (lines.len() as u32 + 1));
        logs.push(record(line, number, time, invocation, template));
    }
}

fn record(line: &Line, number: u64, time: Timestamp, invocation: &Invocation, template: &Template) -> LogRecord {
    let filled = |text: &str| {
        if text.contains(NUMBER) { text.replace(NUMBER, &number.to_string()) } else { text.to_owned() }
    };
    LogRecord {
        tenant: invocation.tenant.clone(),
        function: Some(invocation.function.clone()),
        version: invocation.version.clone(),
        invocation_id: Some(invocation.invocation_id.0.clone()),
        environment_id: invocation.environment_id.as_ref().map(|id| id.0.clone()),
        source: invocation.source.clone(),
        time,
        observed_time: time,
        severity_number: line.severity.number(),
        severity_text: line.severity.text().to_owned(),
        body: filled(&line.body),
        attributes: line.attributes.iter().map(|(name, value)| (name.clone(), filled(value))).collect(),
        dropped_attributes_count: 0,
        flags: u32::from(FLAGS),
        trace_id: invocation.trace_id,
        span_id: invocation.span_id,
        event_name: String::new(),
        resource_attributes: template.resource.clone(),
        scope_name: if line.stdout { "stdout" } else { "stderr" }.to_owned(),
        scope_version: String::new(),
        origin_id: None,
    }
}

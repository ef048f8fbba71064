//! Owns the grammar of the lines that Lambda writes in fields between TABs: REPORT, INIT_REPORT, RESTORE_REPORT, XRAY,
//! INIT_START and RESTORE_START. Fields may come in any order, as emulators have their own; what is unknown is passed over,
//! what is given twice or does not read is broken.

use std::time::Duration;

use crate::model::InitType;

use super::decimal;
use super::event::{
    Broken, Event, Failure, Init, InitReport, Report, Trace, first_chars, is_request_id, region_of, xray_trace_id,
};

/// The most fields that a line may have.
const MAX_FIELDS: usize = 64;
/// The longest runtime's name that is kept, in characters.
const RUNTIME_CHARS: usize = 128;

/// `Name: value` between TABs.
struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    fn read(text: &'a str) -> Result<Self, Broken> {
        let mut fields: Vec<(&str, &str)> = Vec::new();
        for field in text.split('\t').map(str::trim).filter(|field| !field.is_empty()) {
            let (name, value) = field.split_once(": ").ok_or(Broken("a field that is not 'Name: value'"))?;
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(Broken("a field that is given twice"));
            }
            if fields.len() == MAX_FIELDS {
                return Err(Broken("more than 64 fields"));
            }
            fields.push((name, value.trim()));
        }
        Ok(Self(fields))
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// A value in `unit`, such as `127.10 ms`.
    fn in_unit<T>(
        &self,
        name: &str,
        unit: &str,
        read: impl FnOnce(&str) -> Option<T>,
        wrong: &'static str,
    ) -> Result<Option<T>, Broken> {
        let Some(value) = self.text(name) else { return Ok(None) };
        let number = value.strip_suffix(unit).and_then(|rest| rest.strip_suffix(' '));
        number.and_then(read).map(Some).ok_or(Broken(wrong))
    }

    fn millis(&self, name: &str) -> Result<Option<Duration>, Broken> {
        self.in_unit(name, "ms", decimal::millis, "a duration that is not a number of ms")
    }

    fn failure(&self) -> Result<Option<Failure>, Broken> {
        let error_type = self.text("Error Type").map(|name| first_chars(name, RUNTIME_CHARS));
        self.text("Status").map_or(Ok(None), |status| Failure::of_status(status, error_type))
    }
}

/// Reads a REPORT line from `RequestId:` on, with the XRAY line that may follow it.
pub(super) fn report(text: &str) -> Result<Event, Broken> {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let fields = Fields::read(first)?;
    let request_id = fields.text("RequestId").filter(|id| is_request_id(id));
    let billed = fields.in_unit("Billed Duration", "ms", decimal::whole, "a billed duration that is not whole ms")?;
    let billed = billed.map(|ms| i64::try_from(ms).map_err(|_| Broken("a billed duration beyond any"))).transpose()?;
    let size = |name| fields.in_unit(name, "MB", decimal::megabytes, "a memory size that is not whole MB");
    let xray = rest.lines().find_map(|line| line.trim().strip_prefix("XRAY ")).map(trace).transpose()?;
    Ok(Event::Report(Box::new(Report {
        request_id: request_id.ok_or(Broken("a REPORT line without a RequestId"))?.to_owned(),
        duration: fields.millis("Duration")?.ok_or(Broken("a REPORT line without a Duration"))?,
        billed_ms: billed.ok_or(Broken("a REPORT line without a Billed Duration"))?,
        memory: size("Memory Size")?.ok_or(Broken("a REPORT line without a Memory Size"))?,
        peak_memory: size("Max Memory Used")?,
        init: fields.millis("Init Duration")?,
        restore: fields.millis("Restore Duration")?,
        failure: fields.failure()?,
        trace: xray,
    })))
}

/// Reads the fields of an XRAY line, from `TraceId:` on.
pub(super) fn trace(text: &str) -> Result<Trace, Broken> {
    let fields = Fields::read(text)?;
    let trace_id = fields.text("TraceId").and_then(xray_trace_id).ok_or(Broken("an XRAY line without a TraceId"))?;
    let span_id = fields.text("SegmentId").and_then(|id| id.parse().ok());
    Ok(Trace { trace_id, span_id, parent: None, sampled: fields.text("Sampled") == Some("true") })
}

/// Reads an INIT_REPORT line, from `Init Duration:` on.
pub(super) fn init_report(text: &str) -> Result<Event, Broken> {
    let fields = Fields::read(text)?;
    Ok(Event::InitReport(InitReport {
        length: fields.millis("Init Duration")?,
        kind: None,
        within_invocation: fields.text("Phase") == Some("invoke"),
        failure: fields.failure()?,
    }))
}

/// Reads a RESTORE_REPORT line, from `Restore Duration:` on.
pub(super) fn restore_report(text: &str) -> Result<Event, Broken> {
    let fields = Fields::read(text)?;
    Ok(Event::InitReport(InitReport {
        length: fields.millis("Restore Duration")?,
        kind: Some(InitType::SnapStart),
        within_invocation: false,
        failure: fields.failure()?,
    }))
}

/// Reads an INIT_START or RESTORE_START line, from `Runtime Version:` on.
pub(super) fn init_start(text: &str, kind: Option<InitType>) -> Result<Event, Broken> {
    let fields = Fields::read(text)?;
    let runtime = fields.text("Runtime Version").map(|name| first_chars(name, RUNTIME_CHARS).to_owned());
    let region = fields.text("Runtime Version ARN").and_then(region_of);
    Ok(Event::Init(Init { runtime, region, kind, ..Init::default() }))
}

#[cfg(test)]
mod tests;

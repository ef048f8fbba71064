//! Owns the reading of one message of a log stream, text or JSON: the platform's lines, the lines that say how an invocation
//! failed, and a function's own in the forms that Lambda's runtimes give them. What it does not know is a plain log line.

use serde_json::{Map, Value};

use crate::model::{InitType, Outcome, Severity};
use crate::units::Timestamp;

use super::event::{Broken, Event, Failure, Line, Scope, first_chars, is_request_id};
use super::{decimal, report, telemetry};

/// The longest error's type and message that are kept, in characters.
const TYPE_CHARS: usize = 256;
const MESSAGE_CHARS: usize = 4_096;

/// How Node.js begins the line for an invocation that failed; the error follows as JSON.
const NODE_FAILURES: [&str; 3] = ["Invoke Error", "Uncaught Exception", "Unhandled Promise Rejection"];
/// What a JSON line calls the request's id: each runtime and library has its own name.
const ID_KEYS: [&str; 5] = ["requestId", "AWSRequestId", "awsRequestId", "aws_request_id", "function_request_id"];
const LEVEL_KEYS: [&str; 3] = ["level", "log_level", "severity"];
const MESSAGE_KEYS: [&str; 3] = ["message", "msg", "errorMessage"];

/// Reads a message.
pub(super) fn parse(text: &str) -> Result<Event, Broken> {
    let text = text.trim_end_matches(['\n', '\r']);
    if text.starts_with('{')
        && let Ok(Value::Object(object)) = serde_json::from_str(text)
    {
        return match telemetry::parts(&object) {
            Some((kind, record)) => telemetry::event(kind, record),
            None => Ok(Event::Line(of_json(object, text, Scope::Function))),
        };
    }
    platform(text).unwrap_or_else(|| Ok(failed(text).unwrap_or_else(|| Event::Line(of_text(text)))))
}

/// A line that begins as only the platform's do.
fn platform(text: &str) -> Option<Result<Event, Broken>> {
    let (word, rest) = text.split_once([' ', '\t'])?;
    let event = match word {
        "START" => start(rest)?,
        "END" => rest.strip_prefix("RequestId: ").filter(|id| is_request_id(id.trim_end())).map(|_| Event::Other)?,
        "REPORT" if rest.starts_with("RequestId: ") => return Some(report::report(rest)),
        "INIT_REPORT" if rest.starts_with("Init Duration: ") => return Some(report::init_report(rest)),
        "RESTORE_REPORT" if rest.starts_with("Restore Duration: ") => return Some(report::restore_report(rest)),
        "INIT_START" if rest.starts_with("Runtime Version: ") => return Some(report::init_start(rest, None)),
        "RESTORE_START" if rest.starts_with("Runtime Version: ") => {
            return Some(report::init_start(rest, Some(InitType::SnapStart)));
        }
        "XRAY" if rest.starts_with("TraceId: ") => return Some(report::trace(rest).map(Event::Trace)),
        "EXTENSION" | "TELEMETRY" | "LOGS" if rest.starts_with("Name: ") => Event::Other,
        _ => return None,
    };
    Some(Ok(event))
}

/// `RequestId: ID Version: VERSION`; emulators leave the version out.
fn start(rest: &str) -> Option<Event> {
    let mut words = rest.strip_prefix("RequestId: ")?.split_whitespace();
    let request_id = words.next().filter(|id| is_request_id(id))?.to_owned();
    let version = match (words.next(), words.next()) {
        (Some("Version:"), Some(version)) => Some(first_chars(version, 128).to_owned()),
        _ => None,
    };
    Some(Event::Start { request_id, version, trace: None })
}

/// A line of the platform, or of a runtime, that says how an invocation failed.
fn failed(text: &str) -> Option<Event> {
    timed_out(text).or_else(|| crashed(text)).or_else(|| raised(text))
}

/// `[TIME ]ID Task timed out after 3.00 seconds`
fn timed_out(text: &str) -> Option<Event> {
    let (before, after) = text.split_once(" Task timed out after ")?;
    decimal::seconds(after.trim_end().strip_suffix(" seconds")?)?;
    let request_id = before.rsplit(' ').next().filter(|id| is_request_id(id))?.to_owned();
    Some(event(Some(request_id), Outcome::Timeout, None, &text[text.find("Task").unwrap_or(0)..], text))
}

/// `RequestId: ID Error: Runtime exited with error: signal: killed`, its type on the next line, or
/// `RequestId: ID Process exited before completing request`.
fn crashed(text: &str) -> Option<Event> {
    let (request_id, rest) = text.strip_prefix("RequestId: ")?.split_once(' ')?;
    let (first, error_type) = rest.split_once('\n').unwrap_or((rest, ""));
    let message = first.strip_prefix("Error: ").or_else(|| first.contains(" exited before ").then_some(first))?;
    let error_type = Some(error_type.trim()).filter(|name| !name.is_empty() && !name.contains(char::is_whitespace));
    let outcome = if error_type == Some("Runtime.OutOfMemory") { Outcome::OutOfMemory } else { Outcome::Error };
    let request_id = is_request_id(request_id).then(|| request_id.to_owned())?;
    Some(event(Some(request_id), outcome, error_type.or(Some("Runtime.ExitError")), message.trim_end(), text))
}

/// What a runtime writes when a handler raised an error: text has no other sign of it.
fn raised(text: &str) -> Option<Event> {
    if let Some(rest) = text.strip_prefix("[ERROR] ") {
        let (first, trace) = rest.split_once(['\r', '\n'])?;
        let (error_type, message) = first.split_once(": ").unwrap_or((first, ""));
        let is_raised = trace.contains("Traceback (most recent call last):") && !error_type.contains(' ');
        return is_raised.then(|| event(None, Outcome::Error, Some(error_type), message, text));
    }
    let line = of_text(text);
    let (what, json) = line.body.split_once('\t')?;
    if line.level != "ERROR" || !NODE_FAILURES.contains(&what.trim_end()) {
        return None;
    }
    let error: Map<String, Value> = serde_json::from_str(json).ok()?;
    let field = |name: &str| error.get(name).and_then(Value::as_str);
    let failure = failure(Outcome::Error, field("errorType"), field("errorMessage").unwrap_or_default());
    Some(Event::Failed { request_id: line.request_id.clone(), failure, line })
}

fn event(request_id: Option<String>, outcome: Outcome, error_type: Option<&str>, message: &str, text: &str) -> Event {
    let scope = if request_id.is_some() { Scope::Platform } else { Scope::Function };
    let line = Line {
        request_id: request_id.clone(),
        level: "ERROR".to_owned(),
        body: text.to_owned(),
        scope,
        ..Line::default()
    };
    Event::Failed { request_id, failure: failure(outcome, error_type, message), line }
}

fn failure(outcome: Outcome, error_type: Option<&str>, message: &str) -> Failure {
    Failure {
        outcome,
        error_type: error_type.map(|name| first_chars(name, TYPE_CHARS).to_owned()),
        message: Some(first_chars(message, MESSAGE_CHARS).to_owned()).filter(|message| !message.is_empty()),
    }
}

/// A function's line: `TIME ID LEVEL text` as Node.js has it, `[LEVEL] TIME ID text` as Python has it, with TABs between;
/// or any other text.
fn of_text(text: &str) -> Line {
    let mut fields = text.splitn(4, '\t');
    let known = match (fields.next(), fields.next(), fields.next(), fields.next()) {
        (Some(time), Some(id), Some(level), Some(body)) if is_time(time) && Severity::parse(level).is_some() => {
            Some((id, level, body))
        }
        (Some(level), Some(time), Some(id), Some(body)) if is_time(time) => {
            level.strip_prefix('[').and_then(|level| level.strip_suffix(']')).map(|level| (id, level, body))
        }
        _ => None,
    };
    match known {
        Some((id, level, body)) => Line {
            // Node.js writes "undefined" outside of an invocation.
            request_id: Some(id).filter(|id| is_request_id(id) && *id != "undefined").map(str::to_owned),
            level: level.to_owned(),
            body: body.to_owned(),
            ..Line::default()
        },
        None => Line { body: text.to_owned(), ..Line::default() },
    }
}

fn is_time(text: &str) -> bool {
    Timestamp::parse_rfc3339(text).is_some()
}

/// A line that is a JSON object: its message is the body, and what is no column is an attribute.
pub(super) fn of_json(mut object: Map<String, Value>, text: &str, scope: Scope) -> Line {
    let mut take = |keys: &[&str]| {
        let key = keys.iter().find(|key| object.get(**key).is_some_and(Value::is_string))?;
        object.remove(*key).and_then(|value| value.as_str().map(str::to_owned))
    };
    let request_id = take(&ID_KEYS).filter(|id| is_request_id(id));
    let level = take(&LEVEL_KEYS).unwrap_or_default();
    let Some(body) = take(&MESSAGE_KEYS) else {
        return Line { request_id, level, body: text.to_owned(), scope, ..Line::default() };
    };
    let value = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let attributes = object.into_iter().map(|(key, other)| (key, value(other))).collect();
    Line { request_id, level, body, attributes, scope }
}

#[cfg(test)]
mod tests;

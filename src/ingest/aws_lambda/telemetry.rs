//! Owns the JSON events of Lambda's Telemetry API, schema 2025-01-29 and those before: an object of `time`, `type` and
//! `record`. A function whose log format is JSON has the same objects in CloudWatch.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::model::InitType;
use crate::units::{ByteCount, Megabytes, Timestamp};

use super::event::{
    Broken, Event, Failure, Init, InitReport, Line, Report, Scope, Trace, first_chars, is_request_id, region_of,
    xray_trace_id,
};
use super::join::Kept;
use super::message::Message;
use super::{Said, decimal, line};

/// The longest name that is kept, in characters.
const NAME_CHARS: usize = 128;

/// The type and the record of an event of the Telemetry API; none where the object is something else.
pub(super) fn parts(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let kind = object.get("type")?.as_str()?;
    let known = kind.starts_with("platform.") || matches!(kind, "function" | "extension");
    let record = object.get("record").filter(|_| known && object.contains_key("time"))?;
    Some((kind, record))
}

/// When an event happened.
pub(super) fn time(object: &Map<String, Value>) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(object.get("time")?.as_str()?)
}

/// What a sender says, and what its events, or those of an earlier request, say of function and environment besides.
pub(super) fn complete<'a>(said: Said, messages: impl Iterator<Item = &'a Message>, kept: &Kept) -> Said {
    let inits = messages.filter(|message| message.text.contains("Start\""));
    let init = inits.filter_map(|message| line::parse(&message.text).ok()).find_map(|event| match event {
        Event::Init(init) => Some(init),
        _ => None,
    });
    let Init { function, instance, .. } = init.unwrap_or_default();
    let instance = said.instance.clone().or(instance);
    let earlier = || kept.function_of(instance.as_deref()?);
    let function = said.function.clone().or(function).or_else(earlier);
    Said { function, instance, ..said }
}

/// Reads an event.
pub(super) fn event(kind: &str, record: &Value) -> Result<Event, Broken> {
    let scope = match kind {
        "function" => Scope::Function,
        "extension" => Scope::Extension,
        _ => return platform(kind, record),
    };
    Ok(match record {
        Value::String(text) => match line::parse(text)? {
            Event::Line(line) => Event::Line(Line { scope, ..line }),
            other => other,
        },
        Value::Object(object) => Event::Line(line::of_json(object.clone(), &record.to_string(), scope)),
        _ => return Err(Broken("a log line that is neither text nor a JSON object")),
    })
}

fn platform(kind: &str, record: &Value) -> Result<Event, Broken> {
    let Value::Object(record) = record else { return Err(Broken("a platform event whose record is no JSON object")) };
    let record = Record(record);
    Ok(match kind {
        "platform.initStart" => Event::Init(record.init()?),
        "platform.restoreStart" => Event::Init(Init { kind: Some(InitType::SnapStart), ..record.init()? }),
        "platform.initReport" => Event::InitReport(InitReport {
            length: record.metric("durationMs", decimal::millis)?,
            kind: record.init_type()?,
            within_invocation: record.text("phase") == Some("invoke"),
            failure: record.failure()?,
        }),
        "platform.restoreReport" => Event::InitReport(InitReport {
            length: record.metric("durationMs", decimal::millis)?,
            kind: Some(InitType::SnapStart),
            within_invocation: false,
            failure: record.failure()?,
        }),
        "platform.start" => {
            Event::Start { request_id: record.request_id()?, version: record.name("version"), trace: record.trace() }
        }
        "platform.runtimeDone" => Event::Done {
            request_id: record.request_id()?,
            response: record.metric("producedBytes", decimal::whole)?.map(ByteCount),
            failure: record.failure()?,
            trace: record.trace(),
        },
        "platform.report" => Event::Report(Box::new(record.report()?)),
        // What else there is (initRuntimeDone, restoreRuntimeDone, extension, telemetrySubscription, logsDropped, and what
        // will be) says nothing that a row holds.
        _ => Event::Other,
    })
}

/// The record of a platform event.
struct Record<'a>(&'a Map<String, Value>);

impl<'a> Record<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_str()
    }

    fn name(&self, name: &str) -> Option<String> {
        self.text(name).filter(|text| !text.is_empty()).map(|text| first_chars(text, NAME_CHARS).to_owned())
    }

    fn request_id(&self) -> Result<String, Broken> {
        let id = self.text("requestId").filter(|id| is_request_id(id));
        id.map(str::to_owned).ok_or(Broken("a platform event without a requestId"))
    }

    /// A number among the metrics, read by the digits that it is written with.
    fn metric<T>(&self, name: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Broken> {
        match self.0.get("metrics").and_then(|metrics| metrics.get(name)) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => {
                read(&number.to_string()).map(Some).ok_or(Broken("a metric that is not a plain decimal"))
            }
            Some(_) => Err(Broken("a metric that is not a number")),
        }
    }

    fn failure(&self) -> Result<Option<Failure>, Broken> {
        let error_type = self.text("errorType").map(|name| first_chars(name, NAME_CHARS));
        self.text("status").map_or(Ok(None), |status| Failure::of_status(status, error_type))
    }

    fn init_type(&self) -> Result<Option<InitType>, Broken> {
        match self.text("initializationType") {
            None | Some("lambda-managed-instances") => Ok(None),
            Some("on-demand") => Ok(Some(InitType::OnDemand)),
            Some("provisioned-concurrency") => Ok(Some(InitType::Provisioned)),
            Some("snap-start") => Ok(Some(InitType::SnapStart)),
            Some(_) => Err(Broken("an initialization type that is not known")),
        }
    }

    fn init(&self) -> Result<Init, Broken> {
        Ok(Init {
            runtime: self.name("runtimeVersion"),
            region: self.text("runtimeVersionArn").and_then(region_of),
            function: self.name("functionName"),
            version: self.name("functionVersion"),
            instance: self.name("instanceId"),
            kind: self.init_type()?,
        })
    }

    fn report(&self) -> Result<Report, Broken> {
        let millis = |name| self.metric::<Duration>(name, decimal::millis);
        let size = |name| self.metric::<Megabytes>(name, decimal::megabytes);
        let billed =
            self.metric("billedDurationMs", |text| decimal::whole(text).and_then(|ms| i64::try_from(ms).ok()))?;
        Ok(Report {
            request_id: self.request_id()?,
            duration: millis("durationMs")?.ok_or(Broken("a report without durationMs"))?,
            billed_ms: billed.ok_or(Broken("a report without billedDurationMs"))?,
            memory: size("memorySizeMB")?.ok_or(Broken("a report without memorySizeMB"))?,
            peak_memory: size("maxMemoryUsedMB")?,
            init: millis("initDurationMs")?,
            restore: millis("restoreDurationMs")?,
            failure: self.failure()?,
            trace: self.trace(),
        })
    }

    /// `Root=1-...;Parent=...;Sampled=1`, and the span of the record itself. An untraced record's is none.
    fn trace(&self) -> Option<Trace> {
        let tracing = self.0.get("tracing")?;
        let value = tracing.get("value")?.as_str()?;
        let part = |name: &str| value.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
        let span = |id: &str| id.parse().ok();
        Some(Trace {
            trace_id: xray_trace_id(part("Root")?)?,
            span_id: tracing.get("spanId").and_then(Value::as_str).and_then(span),
            parent: part("Parent").and_then(span),
            sampled: part("Sampled") == Some("1"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::model::Outcome;

    use super::*;

    const ID: &str = "6d68ca91-49c9-448d-89b8-7ca3e6dc66aa";

    fn read(kind: &str, record: &Value) -> Event {
        event(kind, record).unwrap_or_else(|broken| panic!("{kind}: {broken:?}"))
    }

    #[test]
    fn a_report_is_read_digit_by_digit() {
        let record = json!({"requestId": ID, "status": "success", "metrics": {"durationMs": 101.51, "billedDurationMs": 300,
            "memorySizeMB": 512, "maxMemoryUsedMB": 33, "initDurationMs": 116.67}, "tracing": {"spanId": "54565fb41ac79632",
            "type": "X-Amzn-Trace-Id", "value": "Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1"}});
        let Event::Report(report) = read("platform.report", &record) else { panic!("a report") };
        assert_eq!(report.duration, Duration::from_nanos(101_510_000));
        assert_eq!((report.billed_ms, report.memory, report.peak_memory), (300, Megabytes(512), Some(Megabytes(33))));
        assert_eq!(report.init, Some(Duration::from_nanos(116_670_000)));
        let trace = report.trace.expect("a trace");
        assert_eq!(trace.trace_id.to_string(), "62e900b2710d76f009d6e7785905449a");
        assert_eq!(trace.span_id.map(|id| id.to_string()).as_deref(), Some("54565fb41ac79632"));
        assert_eq!(trace.parent.map(|id| id.to_string()).as_deref(), Some("0efbd19962d95b05"));
        assert!(trace.sampled && report.failure.is_none());
    }

    #[test]
    fn init_start_names_what_runs() {
        let record = json!({"initializationType": "provisioned-concurrency", "phase": "init", "runtimeVersion": "nodejs:20.v7",
            "runtimeVersionArn": "arn:aws:lambda:us-east-2::runtime:1", "functionName": "f", "functionVersion": "7",
            "instanceId": "i1", "instanceMaxMemory": 256});
        let Event::Init(init) = read("platform.initStart", &record) else { panic!("an init") };
        assert_eq!((init.function.as_deref(), init.version.as_deref()), (Some("f"), Some("7")));
        assert_eq!((init.instance.as_deref(), init.region.as_deref()), (Some("i1"), Some("us-east-2")));
        assert_eq!(init.kind, Some(InitType::Provisioned));
        let restored = read("platform.restoreReport", &json!({"status": "success", "metrics": {"durationMs": 70.87}}));
        let Event::InitReport(restored) = restored else { panic!("a restore") };
        assert_eq!((restored.kind, restored.failure), (Some(InitType::SnapStart), None));
    }

    #[test]
    fn runtime_done_tells_failures_and_bytes() {
        let record =
            json!({"requestId": ID, "status": "timeout", "metrics": {"durationMs": 3000.0, "producedBytes": 276}});
        let Event::Done { response, failure, .. } = read("platform.runtimeDone", &record) else { panic!("done") };
        assert_eq!((response, failure.map(|f| f.outcome)), (Some(ByteCount(276)), Some(Outcome::Timeout)));
    }

    #[test]
    fn function_lines_are_text_or_json() {
        let Event::Line(text) = read("function", &json!("[INFO] hello")) else { panic!("a line") };
        assert_eq!((text.body.as_str(), text.scope), ("[INFO] hello", Scope::Function));
        let record = json!({"level": "INFO", "message": "m", "requestId": ID});
        let Event::Line(json) = read("extension", &record) else { panic!("a line") };
        assert_eq!((json.body.as_str(), json.level.as_str(), json.scope), ("m", "INFO", Scope::Extension));
        assert!(event("function", &json!(7)).is_err());
    }

    #[test]
    fn what_is_not_known_is_passed_over_and_what_is_wrong_is_broken() {
        assert_eq!(read("platform.logsDropped", &json!({"reason": "x"})), Event::Other);
        assert_eq!(read("platform.later", &json!({})), Event::Other);
        for wrong in [
            json!({}),
            json!([]),
            json!({"requestId": ID}),
            json!({"requestId": ID, "metrics": {"durationMs": "1", "billedDurationMs": 1, "memorySizeMB": 1}}),
            json!({"requestId": ID, "metrics": {"durationMs": -1.5, "billedDurationMs": 1, "memorySizeMB": 1}}),
            json!({"requestId": ID, "metrics": {"durationMs": 1e300, "billedDurationMs": 1, "memorySizeMB": 1}}),
            json!({"requestId": ID, "status": "?", "metrics": {"durationMs": 1, "billedDurationMs": 1, "memorySizeMB": 1}}),
        ] {
            assert!(event("platform.report", &wrong).is_err(), "{wrong}");
        }
        assert!(parts(json!({"type": "platform.start", "record": {}}).as_object().expect("an object")).is_none());
    }
}

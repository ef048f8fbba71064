//! Owns the events of log streams as they come in, not read yet: the JSON objects of CloudWatch, of its subscriptions and of
//! the Telemetry API. What their texts say is `line`'s.

use serde_json::{Map, Value};

use crate::units::Timestamp;

use super::event::Broken;
use super::telemetry;

/// Bytes of text that an event may have: as many as CloudWatch takes.
pub(super) const MAX_TEXT_BYTES: usize = 1 << 20;

/// One event of a log stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// When it happened, as its source has it.
    pub(super) time: Timestamp,
    /// Its log stream; none where that is not said.
    pub(super) stream: Option<String>,
    /// CloudWatch's own id of it.
    pub(super) id: Option<String>,
    pub(super) text: String,
}

/// What an envelope says of the events in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) group: Option<String>,
    pub(super) stream: Option<String>,
    pub(super) owner: Option<String>,
    /// CloudWatch sends such a one to see whether it arrives; there is nothing in it.
    pub(super) is_control: bool,
}

impl Envelope {
    /// Reads an object around a list of events; what it does not say is none.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Broken> {
        let object = object(bytes)?;
        Ok(Self {
            group: text(&object, "logGroup"),
            stream: text(&object, "logStream"),
            owner: text(&object, "owner"),
            is_control: object.get("messageType").and_then(Value::as_str) == Some("CONTROL_MESSAGE"),
        })
    }
}

impl Message {
    /// Reads an object that is an event: CloudWatch's with `timestamp` and `message`, or the Telemetry API's.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Broken> {
        let mut object = object(bytes)?;
        let read = match object.remove("message") {
            Some(Value::String(message)) => Self::of_cloudwatch(&object, message)?,
            _ => Self::of_telemetry(&object, bytes)?,
        };
        if read.text.len() > MAX_TEXT_BYTES { Err(Broken("an event's text has more than 1 MiB")) } else { Ok(read) }
    }

    fn of_cloudwatch(object: &Map<String, Value>, message: String) -> Result<Self, Broken> {
        let time = object.get("timestamp").and_then(time_of).ok_or(Broken("an event without a timestamp"))?;
        let id = text(object, "eventId").or_else(|| text(object, "id")).filter(|id| is_event_id(id));
        Ok(Self { time, stream: text(object, "logStreamName"), id, text: message })
    }

    fn of_telemetry(object: &Map<String, Value>, bytes: &[u8]) -> Result<Self, Broken> {
        let is_event = telemetry::parts(object).is_some();
        let time = telemetry::time(object).filter(|_| is_event);
        let time = time.ok_or(Broken(
            "an object that is no event: it has neither timestamp and message nor time, type and record",
        ))?;
        Ok(Self { time, stream: None, id: None, text: String::from_utf8_lossy(bytes).into_owned() })
    }
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, Broken> {
    serde_json::from_slice(bytes).map_err(|_| Broken("an event that is not JSON"))
}

/// A short text of an object.
fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    let text = object.get(name)?.as_str()?;
    // Log groups and streams have at most 512 characters.
    (!text.is_empty() && text.len() <= 2_048).then(|| text.to_owned())
}

/// CloudWatch's ids are 56 digits.
fn is_event_id(id: &str) -> bool {
    id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Milliseconds since 1970, or RFC 3339.
pub(super) fn time_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(millis) => millis.as_i64()?.checked_mul(1_000_000).map(Timestamp::from_nanos),
        Value::String(text) => Timestamp::parse_rfc3339(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cloudwatch_events_are_read() {
        let event = Message::read(
            br#"{"logStreamName":"2025/05/12/[$LATEST]5b","timestamp":1747081446154,"message":"a\n","ingestionTime":1,"eventId":"7"}"#,
        );
        let event = event.expect("an event");
        assert_eq!(event.time, Timestamp::from_nanos(1_747_081_446_154_000_000));
        assert_eq!((event.stream.as_deref(), event.id.as_deref()), (Some("2025/05/12/[$LATEST]5b"), Some("7")));
        assert_eq!(event.text, "a\n");
        let subscribed = Message::read(br#"{"id":"8","timestamp":1,"message":""}"#).expect("an event");
        assert_eq!((subscribed.id.as_deref(), subscribed.stream), (Some("8"), None));
    }

    #[test]
    fn telemetry_events_keep_their_whole_text() {
        let bytes = br#"{"time":"2024-09-05T12:00:00.5Z","type":"platform.start","record":{"requestId":"x"}}"#;
        let event = Message::read(bytes).expect("an event");
        assert_eq!(event.text.as_bytes(), bytes);
        assert_eq!(event.time.nanos() % 1_000_000_000, 500_000_000);
    }

    #[test]
    fn what_is_no_event_is_broken() {
        for wrong in [
            "{}",
            "{",
            r#"{"message":"m"}"#,
            r#"{"timestamp":1}"#,
            r#"{"timestamp":1.5,"message":"m"}"#,
            r#"{"timestamp":9223372036854775807,"message":"m"}"#,
            r#"{"timestamp":"today","message":"m"}"#,
            r#"{"timestamp":1,"message":{}}"#,
            r#"{"time":"2024-09-05T12:00:00Z","type":"other","record":{}}"#,
        ] {
            assert!(Message::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
        let long = format!(r#"{{"timestamp":1,"message":"{}"}}"#, "x".repeat(MAX_TEXT_BYTES + 1));
        assert!(Message::read(long.as_bytes()).is_err());
    }

    #[test]
    fn envelopes_say_whose_events_they_hold() {
        let envelope = Envelope::read(br#"{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/aws/lambda/f","logStream":"s","logEvents":[]}"#);
        let envelope = envelope.expect("an envelope");
        assert_eq!(
            (envelope.owner.as_deref(), envelope.group.as_deref()),
            (Some("123456789012"), Some("/aws/lambda/f"))
        );
        assert!(!envelope.is_control);
        assert!(Envelope::read(br#"{"messageType":"CONTROL_MESSAGE","logEvents":[]}"#).expect("one").is_control);
        assert_eq!(Envelope::read(br#"{"events":[]}"#), Ok(Envelope::default()));
    }
}

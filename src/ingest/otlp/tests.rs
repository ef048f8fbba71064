//! What bodies become, and that no body does harm. This file holds what the tests share.

mod generated;
mod hostile;
mod invocations;
mod made;
mod rows;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::cost::PriceBooks;
use crate::ingest::room::Rooms;
use crate::ingest::{Config, Error};
use crate::units::Timestamp;

use super::{Context, Encoding, Format, Read, Signal};

/// 2026-09-21T14:13:20Z, when everything arrives.
const NOW: Timestamp = Timestamp::from_nanos(1_790_000_000_000_000_000);

fn context() -> Context {
    let books = Arc::new(PriceBooks::embedded().unwrap());
    Context { tenant: "default".to_owned(), received: NOW, books, max_bytes: Config::default().max_decoded_bytes }
}

fn read(signal: Signal, format: Format, body: impl Into<Bytes>) -> Result<Read, Error> {
    super::read(signal, format, body.into(), &context(), &mut Rooms::new(&Config::default()).open())
}

fn read_json(signal: Signal, body: &Value) -> Read {
    read(signal, Format::Json, body.to_string()).unwrap()
}

fn plain(body: impl Into<Bytes>, encoding: Encoding, limit: u64) -> Result<Bytes, Error> {
    super::plain(body.into(), encoding, limit, &mut Rooms::new(&Config::default()).open())
}

/// A request of one span, which has these fields beside those that it needs.
fn one_span(resource: &Value, span: &Value) -> Value {
    let mut whole = json!({
        "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174", "name": "handle", "kind": 2,
        "startTimeUnixNano": "1789999999000000000", "endTimeUnixNano": 1_789_999_999_250_000_000_u64,
    });
    let members = span.as_object().unwrap().clone();
    whole.as_object_mut().unwrap().extend(members);
    json!({"resourceSpans": [{"resource": {"attributes": attributes(resource)}, "scopeSpans": [{"spans": [whole]}]}]})
}

/// Attributes of texts, numbers and truths.
fn attributes(pairs: &Value) -> Value {
    let value = |value: &Value| match value {
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(truth) => json!({"boolValue": truth}),
        number => json!({"intValue": number.to_string()}),
    };
    let pairs = pairs.as_object().unwrap().iter();
    pairs.map(|(key, given)| json!({"key": key, "value": value(given)})).collect()
}

/// A file of the shared samples; none where they are not there.
fn sample(name: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/otlp").join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!("skipped: there is no {}", path.display());
    }
    text
}

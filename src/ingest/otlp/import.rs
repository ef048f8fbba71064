//! Imports files of OTLP's JSON: export requests of traces, logs or metrics, one a line or laid out over many, one after
//! another. A file that was imported before stores nothing, however long ago that was.

use std::io::BufRead;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::ingest::{Encoding, Error, Format, Receiver, Request, Signal};

/// Imports into one store.
pub struct Import<'a> {
    /// Keeps what is read.
    pub receiver: &'a Receiver,
    /// Whom what names no tenant belongs to; none is `default`.
    pub tenant: Option<&'a str>,
}

/// What was read of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Export requests read.
    pub requests: u64,
    /// Items stored.
    pub stored: u64,
    /// Items that were stored before.
    pub duplicates: u64,
    /// Items that cannot be stored.
    pub rejected: u64,
    /// Why not, for each request that has some.
    pub messages: Vec<String>,
}

/// Reasons that are shown, at most.
const MAX_MESSAGES: usize = 20;

/// The names by which requests are told apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Names {
    resource_spans: Option<IgnoredAny>,
    resource_logs: Option<IgnoredAny>,
    resource_metrics: Option<IgnoredAny>,
}

impl Import<'_> {
    /// Reads all requests of a file. What was stored before an error stays.
    pub async fn read(&self, mut from: impl BufRead) -> Result<Imported, Error> {
        let mut imported = Imported::default();
        while let Some(request) = next(&mut from, self.receiver.max_body_bytes())? {
            imported.requests += 1;
            let number = imported.requests;
            let named = |error: Error| error.at(&format!("request {number}"));
            let body = Bytes::from(request);
            let signal = signal(&body).map_err(named)?;
            let mut room = self.receiver.room();
            room.hold(body.len() as u64)?;
            let tenant = self.tenant.map(str::to_owned);
            let request = Request { signal, format: Format::Json, encoding: Encoding::Identity, tenant, body, room };
            let outcome = self.receiver.receive_again(request).await.map_err(named)?;
            imported.stored += outcome.stored;
            imported.duplicates += outcome.duplicates;
            imported.rejected += outcome.rejected;
            if imported.messages.len() < MAX_MESSAGES {
                imported.messages.extend(outcome.message.map(|message| format!("request {number}: {message}")));
            }
        }
        Ok(imported)
    }
}

fn signal(json: &[u8]) -> Result<Signal, Error> {
    let names: Names =
        serde_json::from_slice(json).map_err(|error| Error::Bad(format!("it is not OTLP's JSON: {error}")))?;
    match (names.resource_spans, names.resource_logs, names.resource_metrics) {
        (Some(_), None, None) => Ok(Signal::Traces),
        (None, Some(_), None) => Ok(Signal::Logs),
        (None, None, Some(_)) => Ok(Signal::Metrics),
        _ => Err(Error::Bad("it has not one of 'resourceSpans', 'resourceLogs' and 'resourceMetrics'".to_owned())),
    }
}

/// The next object of a file, to its closing brace; none at the end. It is not checked to be JSON yet.
fn next(from: &mut impl BufRead, limit: u64) -> Result<Option<Vec<u8>>, Error> {
    let failed = |error: std::io::Error| Error::Bad(format!("the file cannot be read: {error}"));
    let (mut object, mut depth, mut in_text, mut escaped) = (Vec::new(), 0_u64, false, false);
    loop {
        let bytes = from.fill_buf().map_err(failed)?;
        if bytes.is_empty() {
            let left_over = object.iter().any(|byte: &u8| !byte.is_ascii_whitespace());
            return if left_over { Err(Error::Bad("the file ends within a request".to_owned())) } else { Ok(None) };
        }
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_text => escaped = true,
                b'"' => in_text = !in_text,
                b'{' if !in_text => depth += 1,
                b'}' if !in_text => depth = depth.saturating_sub(1),
                _ => continue,
            }
            if *byte == b'}' && !in_text && !escaped && depth == 0 {
                object.extend_from_slice(&bytes[..=at]);
                from.consume(at + 1);
                return Ok(Some(object));
            }
        }
        let length = bytes.len();
        object.extend_from_slice(bytes);
        from.consume(length);
        if object.len() as u64 > limit {
            return Err(Error::TooLarge(format!("a request of the file has more than {limit} bytes")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str) -> Vec<String> {
        let mut from = std::io::BufReader::with_capacity(3, text.as_bytes());
        let mut all = Vec::new();
        while let Some(object) = next(&mut from, 100).expect("whole") {
            all.push(String::from_utf8(object).expect("text"));
        }
        all
    }

    #[test]
    fn requests_end_with_their_brace_wherever_lines_do() {
        let found = objects("{\"a\": \"}{\\\"}\"}\n\n{\n  \"b\": {\"c\": {}}\n} {}\n");
        assert_eq!(found, ["{\"a\": \"}{\\\"}\"}", "\n\n{\n  \"b\": {\"c\": {}}\n}", " {}"]);
        assert!(objects(" \n").is_empty());
    }

    #[test]
    fn a_request_that_does_not_end_or_is_too_long_is_refused() {
        assert!(matches!(next(&mut "{\"a\": {}".as_bytes(), 100), Err(Error::Bad(_))));
        let long = format!("{{\"a\": \"{}\"", "x".repeat(20_000));
        assert!(matches!(next(&mut long.as_bytes(), 100), Err(Error::TooLarge(_))));
    }

    #[test]
    fn requests_are_told_apart_by_their_names() {
        assert_eq!(signal(br#"{"resourceLogs": []}"#), Ok(Signal::Logs));
        assert_eq!(signal(br#"{"resourceMetrics": [], "x": 1}"#), Ok(Signal::Metrics));
        assert!(signal(br#"{"resourceLogs": [], "resourceSpans": []}"#).is_err());
        assert!(signal(b"{}").is_err() && signal(b"[]").is_err() && signal(b"nonsense").is_err());
    }
}

//! Imports files of OTLP's JSON: export requests of traces, logs or metrics, one a line or laid out over many, one after
//! another. A file that was imported before stores nothing, however long ago that was.

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::sync::mpsc;

use crate::ingest::gzip::is_gzip;
use crate::ingest::{Counts, Encoding, Error, Format, Outcome, Receiver, Request, Signal, Skipped, Summary};

/// Reasons that are shown, at most.
const MAX_REASONS: usize = 20;
/// Requests that are read before they are stored.
const REQUESTS_AHEAD: usize = 2;
/// How often a request waits for a store that has no room, and how long each time, at most.
const MAX_WAITS: u32 = 60;
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Imports into one store.
pub struct Import<'a> {
    /// Keeps what is read.
    pub receiver: &'a Receiver,
    /// Whom what names no tenant belongs to; none is `default`.
    pub tenant: Option<&'a str>,
}

/// The names by which requests are told apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Names {
    resource_spans: Option<IgnoredAny>,
    resource_logs: Option<IgnoredAny>,
    resource_metrics: Option<IgnoredAny>,
}

impl Import<'_> {
    /// Reads all requests of a file, gzip or not. What was stored before an error stays.
    pub async fn read(&self, from: impl Read + Send + 'static) -> Result<Summary, Error> {
        let (limit, (sender, mut requests)) = (self.receiver.max_body_bytes(), mpsc::channel(REQUESTS_AHEAD));
        let reading = tokio::task::spawn_blocking(move || hand_on(from, limit, &sender));
        let mut summary = Summary::default();
        let mut stored = Ok(());
        while let Some(request) = requests.recv().await {
            summary.read += 1;
            stored = self.store(request, &mut summary).await;
            if stored.is_err() {
                break;
            }
        }
        // Whoever reads on finds nobody listening, and ends.
        drop(requests);
        let read = reading.await.map_err(|error| Error::Faulty(format!("reading the file broke off: {error}")))?;
        stored.and(read).map(|()| summary)
    }

    async fn store(&self, request: Vec<u8>, summary: &mut Summary) -> Result<(), Error> {
        let number = summary.read;
        let named = |error: Error| error.at(&format!("request {number}"));
        let body = Bytes::from(request);
        let signal = signal(&body).map_err(named)?;
        let mut waits = 0;
        let outcome = loop {
            match self.receive(signal, body.clone()).await {
                // A store that is only full has room again after its next commit.
                Err(Error::Busy { retry_after, .. }) if waits < MAX_WAITS => {
                    waits += 1;
                    tokio::time::sleep(retry_after.min(LONGEST_WAIT)).await;
                }
                outcome => break outcome.map_err(named)?,
            }
        };
        let Outcome { stored, invocations, duplicates, rejected, message } = outcome;
        summary.stored.add(Counts { invocations, ..of(signal, stored) });
        summary.duplicates.add(of(signal, duplicates));
        if let Some(reason) = message.filter(|_| rejected > 0) {
            let known = summary.skipped.iter().position(|skipped| skipped.reason == reason);
            // The last one stands for those that are too many to be told apart.
            let place = known.unwrap_or(summary.skipped.len().min(MAX_REASONS - 1));
            match summary.skipped.get_mut(place) {
                Some(known) => known.count += rejected,
                None => summary.skipped.push(Skipped { reason, count: rejected, line: number, text: String::new() }),
            }
        }
        Ok(())
    }
}

impl Import<'_> {
    async fn receive(&self, signal: Signal, body: Bytes) -> Result<Outcome, Error> {
        let mut room = self.receiver.room();
        room.hold(body.len() as u64)?;
        let tenant = self.tenant.map(str::to_owned);
        let request = Request { signal, format: Format::Json, encoding: Encoding::Identity, tenant, body, room };
        self.receiver.receive_again(request).await
    }
}

/// Items of a signal, as rows of its table.
fn of(signal: Signal, items: u64) -> Counts {
    let mut counts = Counts::default();
    match signal {
        Signal::Traces => counts.spans = items,
        Signal::Logs => counts.logs = items,
        Signal::Metrics => counts.metrics = items,
    }
    counts
}

/// Reads requests to the end of the file, for as long as somebody takes them.
fn hand_on(from: impl Read + Send + 'static, limit: u64, requests: &mpsc::Sender<Vec<u8>>) -> Result<(), Error> {
    let mut from = BufReader::new(from);
    let is_gzip = is_gzip(from.fill_buf().map_err(unreadable)?);
    let mut plain: Box<dyn BufRead> =
        if is_gzip { Box::new(BufReader::new(MultiGzDecoder::new(from))) } else { Box::new(from) };
    while let Some(request) = next(&mut plain, limit)? {
        if requests.blocking_send(request).is_err() {
            break;
        }
    }
    Ok(())
}

fn unreadable(error: std::io::Error) -> Error {
    Error::Bad(format!("the file cannot be read: {error}"))
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
    let (mut object, mut depth, mut in_text, mut escaped) = (Vec::new(), 0_u64, false, false);
    loop {
        let bytes = from.fill_buf().map_err(unreadable)?;
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

//! Owns what a guest prints: cuts it into lines with times, within the limit. What a line says is `logline`'s.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::logline;
use crate::clock::Clock;
use crate::model::{Attributes, Severity};
use crate::units::Timestamp;

/// Bytes of a line; the rest of a longer one is cut, which the line's end then says.
const MAX_LINE_BYTES: usize = 8 << 10;
/// Bytes that a line counts for besides its own: about what its record takes beside the text. A flood of short lines is
/// a flood too, and all records of a call are written at once, while its neighbours wait for the log.
const LINE_OVERHEAD_BYTES: u64 = 256;
/// What a cut line ends with.
const CUT: &str = " … (cut)";
/// Lines among which a panic is looked for.
const RECENT_LINES: usize = 8;
/// Bytes that a guest may write at once.
const WRITE_BYTES: usize = 64 << 10;

/// One line that a guest printed.
#[derive(Debug, Clone)]
pub struct GuestLog {
    /// When it was written; later lines of one invocation have later times.
    pub time: Timestamp,
    /// Where it was written to.
    pub stream: Stream,
    /// What the line says of itself, else info.
    pub severity: Severity,
    /// The text, at most 8 KiB.
    pub body: String,
    /// The other fields of a line of JSON.
    pub attributes: Attributes,
}

/// Where a guest's line was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Collects the lines of one invocation after another.
pub(super) struct LogSink {
    clock: Clock,
    limit: u64,
    collected: Mutex<Collected>,
}

#[derive(Default)]
struct Collected {
    lines: Vec<Raw>,
    bytes: u64,
    dropped: u64,
    last: Option<Timestamp>,
    stdout: Partial,
    stderr: Partial,
}

/// A line that is not at its end yet.
#[derive(Default)]
struct Partial {
    text: Vec<u8>,
    cut: bool,
}

struct Raw {
    time: Timestamp,
    stream: Stream,
    text: String,
}

impl LogSink {
    /// Keeps at most `limit` bytes of each invocation.
    pub(super) fn new(clock: Clock, limit: u64) -> Self {
        Self { clock, limit, collected: Mutex::default() }
    }

    /// Ends an invocation: its lines, unfinished ones too, and how many were dropped.
    pub(super) fn finish(&self) -> (Vec<GuestLog>, u64) {
        let mut collected = std::mem::take(&mut *self.lock());
        let now = self.clock.now();
        for stream in [Stream::Stdout, Stream::Stderr] {
            collected.end_line(stream, now, self.limit);
        }
        let read = |raw: Raw| {
            let line = logline::read(raw.text);
            let logline::Line { severity, body, attributes } = line;
            GuestLog { time: raw.time, stream: raw.stream, severity, body, attributes }
        };
        (collected.lines.into_iter().map(read).collect(), collected.dropped)
    }

    /// What a failing guest most likely said of its failure: a Rust panic's place and message, else the last line that it
    /// wrote to standard error.
    pub(super) fn last_words(&self) -> Option<String> {
        let collected = self.lock();
        let partial = String::from_utf8_lossy(&collected.stderr.text);
        let ended = collected.lines.iter().filter(|raw| raw.stream == Stream::Stderr).map(|raw| raw.text.as_str());
        let lines: Vec<_> = ended.chain([partial.trim()]).collect();
        let recent = &lines[lines.len().saturating_sub(RECENT_LINES)..];
        for (number, line) in recent.iter().enumerate().rev() {
            if let Some(at) = line.find("panicked at ") {
                let message = recent.get(number + 1).copied().unwrap_or_default();
                return Some(format!("{} {message}", &line[at..]));
            }
        }
        lines.iter().rev().find(|line| !line.is_empty() && !line.starts_with("note: ")).map(|line| (*line).to_owned())
    }

    /// The guest's end of `stream`.
    pub(super) fn writer(self: &Arc<Self>, stream: Stream) -> LogWriter {
        LogWriter { sink: Arc::clone(self), stream }
    }

    fn write(&self, stream: Stream, bytes: &[u8]) {
        let mut collected = self.lock();
        let mut pieces = bytes.split(|byte| *byte == b'\n').peekable();
        let now = self.clock.now();
        while let Some(piece) = pieces.next() {
            collected.partial(stream).push(piece);
            if pieces.peek().is_some() {
                collected.end_line(stream, now, self.limit);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Collected> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collected {
    fn partial(&mut self, stream: Stream) -> &mut Partial {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    fn end_line(&mut self, stream: Stream, now: Timestamp, limit: u64) {
        let Partial { text, cut } = std::mem::take(self.partial(stream));
        let text = text.strip_suffix(b"\r").unwrap_or(&text);
        if text.is_empty() {
            return;
        }
        let bytes = self.bytes.saturating_add(text.len() as u64).saturating_add(LINE_OVERHEAD_BYTES);
        if self.dropped > 0 || bytes > limit {
            self.dropped += 1;
            return;
        }
        self.bytes = bytes;
        let mut text = String::from_utf8_lossy(text).into_owned();
        if cut {
            text.push_str(CUT);
        }
        // Lines sort by time: two that are written within one reading of the clock stay in order.
        let time = self.last.map_or(now, |last| now.max(last.plus(Duration::from_nanos(1))));
        self.last = Some(time);
        self.lines.push(Raw { time, stream, text });
    }
}

impl Partial {
    fn push(&mut self, piece: &[u8]) {
        let room = MAX_LINE_BYTES - self.text.len();
        self.text.extend_from_slice(&piece[..piece.len().min(room)]);
        self.cut |= piece.len() > room;
    }
}

/// One of a guest's output streams; it takes everything at once.
#[derive(Clone)]
pub(super) struct LogWriter {
    sink: Arc<LogSink>,
    stream: Stream,
}

impl IsTerminal for LogWriter {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogWriter {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for LogWriter {
    async fn ready(&mut self) {}
}

impl OutputStream for LogWriter {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.sink.write(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}

impl AsyncWrite for LogWriter {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.sink.write(self.stream, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(limit: u64) -> LogSink {
        LogSink::new(Clock::manual(Timestamp::from_micros(1)), limit)
    }

    #[test]
    fn lines_are_cut_at_their_ends_and_keep_their_order() {
        let sink = sink(10_000);
        sink.write(Stream::Stdout, b"one\ntwo\r\n\nthr");
        sink.write(Stream::Stderr, b"bang\n");
        sink.write(Stream::Stdout, b"ee");
        assert_eq!(sink.last_words().as_deref(), Some("bang"));
        let (logs, dropped) = sink.finish();
        let bodies: Vec<_> = logs.iter().map(|log| (log.stream, log.body.as_str())).collect();
        let expected =
            [(Stream::Stdout, "one"), (Stream::Stdout, "two"), (Stream::Stderr, "bang"), (Stream::Stdout, "three")];
        assert_eq!(bodies, expected);
        assert!(logs.windows(2).all(|pair| pair[0].time < pair[1].time));
        assert_eq!(dropped, 0);
        assert!(sink.finish().0.is_empty());
    }

    #[test]
    fn a_panic_is_found_among_the_last_lines() {
        let sink = sink(10_000);
        sink.write(
            Stream::Stderr,
            b"before\n\nthread '<unnamed>' panicked at src/lib.rs:1:2:\nno such cart\nnote: run\n",
        );
        assert_eq!(sink.last_words().as_deref(), Some("panicked at src/lib.rs:1:2: no such cart"));
        sink.finish();
        assert_eq!(sink.last_words(), None);
    }

    #[test]
    fn long_lines_are_cut_and_say_so() {
        let sink = sink(1 << 20);
        sink.write(Stream::Stderr, &[b'x'; MAX_LINE_BYTES]);
        sink.write(Stream::Stderr, b"\n");
        sink.write(Stream::Stderr, &[b'y'; MAX_LINE_BYTES]);
        sink.write(Stream::Stderr, b"y\n");
        let (logs, _) = sink.finish();
        assert_eq!(logs[0].body.len(), MAX_LINE_BYTES);
        assert!(logs[1].body.ends_with(CUT));
        assert_eq!(logs[1].body.len(), MAX_LINE_BYTES + CUT.len());
    }

    #[test]
    fn a_flood_is_dropped_and_counted() {
        let sink = sink(4 * (5 + LINE_OVERHEAD_BYTES));
        for _ in 0..50 {
            sink.write(Stream::Stdout, b"flood\n");
        }
        let (logs, dropped) = sink.finish();
        assert_eq!((logs.len(), dropped), (4, 46));
        sink.write(Stream::Stdout, b"calm\n");
        assert_eq!(sink.finish().0.len(), 1);
    }
}

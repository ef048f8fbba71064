//! A stream whose writes fail once the other side took nothing in for too long, and whose reads fail, where that is asked
//! for, once it sent nothing for too long.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Wraps a stream.
pub(super) struct Patient<S> {
    stream: S,
    reads: Option<Patience>,
    writes: Patience,
}

/// How long one direction may stand still.
struct Patience {
    timeout: Duration,
    why: &'static str,
    /// Set while it stands still.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    /// `stream`, where a write that waits for longer than `timeout` fails.
    pub(super) fn new(stream: S, timeout: Duration) -> Self {
        Self { stream, reads: None, writes: Patience::new(timeout, "the client takes nothing in") }
    }

    /// The same, where a read that waits for longer than `timeout` fails too.
    pub(super) fn reading(self, timeout: Duration) -> Self {
        Self { reads: Some(Patience::new(timeout, "the client sends nothing")), ..self }
    }
}

impl Patience {
    fn new(timeout: Duration, why: &'static str) -> Self {
        Self { timeout, why, waiting: None }
    }

    /// Passes on what was polled, or the failure of having waited too long.
    fn held<T>(&mut self, polled: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.waiting = None;
            return polled;
        }
        let timeout = self.timeout;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(timeout)));
        match waiting.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, self.why))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, into);
        match &mut self.reads {
            Some(reads) => reads.held(polled, context),
            None => polled,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.writes.held(polled, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.writes.held(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        self.writes.held(polled, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(context);
        self.writes.held(polled, context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_read_that_brings_nothing_fails_where_that_is_asked_for() {
        let (stream, _nobody_writes) = tokio::io::duplex(4);
        let mut stream = Patient::new(stream, Duration::from_secs(60)).reading(Duration::from_millis(20));
        let error = stream.read_u8().await.expect_err("nobody writes");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_write_that_nobody_takes_in_fails() {
        let (stream, _nobody_reads) = tokio::io::duplex(4);
        let mut stream = Patient::new(stream, Duration::from_millis(20));
        assert!(stream.write_all(b"four").await.is_ok());
        let error = stream.write_all(b"more").await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}

//! Hands a request's body on as it arrives, whole files of any length, to a thread that reads it. What is in it is the
//! reader's.

use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use axum::body::Body;
use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Chunks that wait for their reader; a chunk is what a connection reads ahead, at most.
const CHUNKS_AHEAD: usize = 8;
/// How long the rest of a body is taken in that nobody reads, so that its sender sees the answer.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// A body, for a thread to read.
pub(super) struct Upload {
    chunks: Receiver<io::Result<Bytes>>,
    chunk: Bytes,
}

/// The body as a reader, and what brings it there, which ends with the body or when nobody reads it. A client that sends
/// nothing for `patience` ends it with an error.
pub(super) fn upload(body: Body, patience: Duration) -> (Upload, impl Future<Output = ()>) {
    let (sender, chunks) = channel(CHUNKS_AHEAD);
    (Upload { chunks, chunk: Bytes::new() }, bring(body, sender, patience))
}

async fn bring(mut body: Body, chunks: Sender<io::Result<Bytes>>, patience: Duration) {
    while let Some(chunk) = next(&mut body, patience).await {
        let failed = chunk.is_err();
        if chunks.send(chunk).await.is_err() {
            let rest = async { while let Some(Ok(_)) = next(&mut body, patience).await {} };
            let _late = tokio::time::timeout(DRAIN_TIME, rest).await;
            return;
        }
        if failed {
            return;
        }
    }
}

async fn next(body: &mut Body, patience: Duration) -> Option<io::Result<Bytes>> {
    loop {
        let Ok(frame) = tokio::time::timeout(patience, body.frame()).await else {
            let late = format!("nothing arrived for {} s", patience.as_secs_f64());
            return Some(Err(io::Error::new(ErrorKind::TimedOut, late)));
        };
        match frame? {
            Err(error) => return Some(Err(io::Error::new(ErrorKind::UnexpectedEof, error.to_string()))),
            Ok(frame) => match frame.into_data() {
                Ok(data) if !data.is_empty() => return Some(Ok(data)),
                _ => {}
            },
        }
    }
}

impl Read for Upload {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.chunks.blocking_recv() {
                Some(chunk) => self.chunk = chunk?,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

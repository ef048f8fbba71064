//! Owns the way of a reply from the guest to the caller: answered whole where it ends soon, else streamed with a bounded
//! buffer. It does not measure time and does not end guests.

use std::collections::VecDeque;
use std::pin::Pin;

use bytes::Bytes;
use futures::FutureExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::sync::{mpsc, oneshot};
use tokio::task::unconstrained;
use tokio::time::Sleep;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;

use super::attempt::lost;
use super::fault::{Cause, Fault, ReplyTooLarge};
use super::{Config, Execution, GuestKind, Reply};
use crate::model::Phases;

/// Chunks (of at most 64 KiB) that wait for a slow caller; then the guest waits.
const STREAM_CHUNKS: usize = 16;
/// Headers that are of one connection only: not the guest's to set.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What a component answers with, once.
pub(super) type Answer = Result<Response<HyperOutgoingBody>, ErrorCode>;

/// The way out for one reply.
pub(super) struct Outlet {
    limits: Limits,
    /// The request was HEAD: the response's length is not that of its body.
    bodiless: bool,
    caller: Option<oneshot::Sender<Reply>>,
    answer: Option<oneshot::Receiver<Answer>>,
    /// The phases before the handler.
    phases: Phases,
    head: Option<http::response::Parts>,
    body: Option<HyperOutgoingBody>,
    /// Chunks that have not gone to the caller.
    waiting: VecDeque<Bytes>,
    /// When a reply that has not ended begins to stream.
    stream_at: Option<Pin<Box<Sleep>>>,
    stream: Option<Streaming>,
    /// Bytes of body that the guest wrote.
    pub(super) size: u64,
    /// Bytes that were streamed.
    pub(super) streamed: u64,
    /// The guest's status.
    pub(super) status: Option<u16>,
}

struct Streaming {
    chunks: mpsc::Sender<Bytes>,
    execution: oneshot::Sender<Execution>,
}

#[derive(Clone, Copy)]
struct Limits {
    after: std::time::Duration,
    above: u64,
    most: u64,
}

impl Outlet {
    pub(super) fn new(config: &Config, bodiless: bool, caller: oneshot::Sender<Reply>) -> Self {
        let limits =
            Limits { after: config.stream_after, above: config.stream_above_bytes, most: config.response_bytes };
        Self {
            limits,
            bodiless,
            caller: Some(caller),
            answer: None,
            phases: Phases::default(),
            head: None,
            body: None,
            waiting: VecDeque::new(),
            stream_at: None,
            stream: None,
            size: 0,
            streamed: 0,
            status: None,
        }
    }

    /// Whether the caller has the head of the reply.
    pub(super) fn streams(&self) -> bool {
        self.stream.is_some()
    }

    /// A component's answer will come through `answer`; `phases` are those before its handler.
    pub(super) fn expect(&mut self, answer: oneshot::Receiver<Answer>, phases: Phases) {
        (self.answer, self.phases) = (Some(answer), phases);
    }

    /// A preview 1 command's whole reply.
    pub(super) fn put_whole(&mut self, body: Bytes) {
        let text = std::str::from_utf8(&body).is_ok();
        let kind = if text { "text/plain; charset=utf-8" } else { "application/octet-stream" };
        let (mut head, ()) = Response::new(()).into_parts();
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        self.status = Some(StatusCode::OK.as_u16());
        self.size = body.len() as u64;
        self.head = Some(head);
        self.waiting.push_back(body);
    }

    /// Does the next step of a component's reply: takes its head, or a chunk, or begins to stream. Waits for ever when
    /// there is nothing to do. May be dropped at any time and called again; nothing is lost.
    pub(super) async fn advance(&mut self) -> Result<(), Fault> {
        if let Some(answer) = &mut self.answer {
            let answered = answer.await;
            self.answer = None;
            return match answered {
                Ok(Ok(response)) => self.take_head(response),
                Ok(Err(code)) => Err(refused(&code)),
                // The guest let go of its only way to answer: it has not returned yet, but there is nothing to wait for.
                Err(_) => Ok(()),
            };
        }
        match (&mut self.body, &mut self.stream, &mut self.stream_at) {
            (Some(body), None, Some(stream_at)) => tokio::select! {
                biased;
                frame = body.frame() => self.take_frame(frame),
                () = stream_at => { self.begin_stream(); Ok(()) }
            },
            (None, None, Some(stream_at)) => {
                stream_at.await;
                self.begin_stream();
                Ok(())
            }
            (_, Some(stream), _) if !self.waiting.is_empty() => {
                if let Ok(permit) = stream.chunks.reserve().await {
                    send(&mut self.waiting, permit, &mut self.streamed);
                    return Ok(());
                }
                self.abandon();
                Ok(())
            }
            (Some(body), Some(_), _) => {
                let frame = body.frame().await;
                self.take_frame(frame)
            }
            _ => std::future::pending().await,
        }
    }

    /// The guest has returned: takes what it left behind. Says whether its body was at its end (else something of the
    /// guest still holds it, and the guest is not to be used again).
    pub(super) fn settle(&mut self) -> Result<bool, Fault> {
        // Unconstrained: tokio's budget would make what is ready look as if it was not.
        while let Some(advanced) = unconstrained(self.advance()).now_or_never() {
            advanced?;
        }
        if self.status.is_none() {
            return Err(Fault::new(Cause::NoResponse, "the handler returned without a response"));
        }
        Ok(self.body.is_none())
    }

    /// Hands what waits for a slow caller over, after the guest is done.
    pub(super) async fn deliver(&mut self) -> Result<(), Fault> {
        while let Some(stream) = &mut self.stream {
            if self.waiting.is_empty() {
                let Some(body) = &mut self.body else { break };
                let Some(frame) = unconstrained(body.frame()).now_or_never() else { break };
                self.take_frame(frame)?;
            } else {
                let Ok(permit) = stream.chunks.reserve().await else { break };
                send(&mut self.waiting, permit, &mut self.streamed);
            }
        }
        Ok(())
    }

    /// Ends the reply. `execution` says how: after a fault there is no whole response.
    pub(super) fn finish(self, execution: Execution) {
        if let Some(stream) = self.stream {
            // The body ends first, so that whoever sees its end finds the execution soon.
            drop(stream.chunks);
            let _ = stream.execution.send(execution);
            return;
        }
        let Some(caller) = self.caller else { return };
        let failed = execution.error_type.is_some();
        let response = self.head.filter(|_| !failed).map(|mut head| {
            if !self.bodiless {
                head.headers.remove(CONTENT_LENGTH);
            }
            Response::from_parts(head, join(self.waiting))
        });
        let _ = caller.send(Reply::Whole { response, execution });
    }

    fn take_head(&mut self, response: Response<HyperOutgoingBody>) -> Result<(), Fault> {
        let (mut head, body) = response.into_parts();
        if head.status.is_informational() {
            let message = format!("the guest answered with the informational status {}", head.status.as_u16());
            return Err(Fault::new(Cause::InvalidResponse, message));
        }
        remove_hop_by_hop(&mut head.headers);
        self.status = Some(head.status.as_u16());
        self.head = Some(head);
        self.body = Some(body);
        self.stream_at = Some(Box::pin(tokio::time::sleep(self.limits.after)));
        Ok(())
    }

    fn take_frame(
        &mut self,
        frame: Option<Result<http_body::Frame<Bytes>, wasmtime_wasi_http::Error>>,
    ) -> Result<(), Fault> {
        match frame {
            None => self.body = None,
            Some(Err(_)) => {
                let message = "the guest gave its response body up, or it is not as long as its content-length says";
                return Err(Fault::new(Cause::InvalidResponse, message));
            }
            // Trailers have no place in a reply.
            Some(Ok(frame)) => {
                if let Ok(chunk) = frame.into_data()
                    && !chunk.is_empty()
                {
                    self.size += chunk.len() as u64;
                    self.waiting.push_back(chunk);
                }
            }
        }
        if self.size > self.limits.most {
            let error = ReplyTooLarge { limit: self.limits.most };
            return Err(Fault::new(Cause::ResponseTooLarge, error.to_string()));
        }
        if self.size > self.limits.above && self.stream_at.is_some() {
            self.begin_stream();
        }
        Ok(())
    }

    fn begin_stream(&mut self) {
        self.stream_at = None;
        let (Some(head), Some(caller)) = (self.head.take(), self.caller.take()) else { return };
        let (chunks, body) = mpsc::channel(STREAM_CHUNKS);
        let (execution, executed) = oneshot::channel();
        let executed = executed.map(|executed| executed.unwrap_or_else(|_| lost(GuestKind::WasiHttp, 0))).boxed();
        let reply =
            Reply::Streaming { response: Response::from_parts(head, body), phases: self.phases, execution: executed };
        match caller.send(reply) {
            Ok(()) => self.stream = Some(Streaming { chunks, execution }),
            Err(_) => self.abandon(),
        }
    }

    /// The caller went away: the guest finds its stream closed.
    fn abandon(&mut self) {
        self.body = None;
        self.waiting.clear();
    }
}

fn send(waiting: &mut VecDeque<Bytes>, permit: mpsc::Permit<'_, Bytes>, streamed: &mut u64) {
    if let Some(chunk) = waiting.pop_front() {
        *streamed += chunk.len() as u64;
        permit.send(chunk);
    }
}

fn refused(code: &ErrorCode) -> Fault {
    let text = format!("{code:?}");
    let end = text.find(|c: char| !c.is_ascii_alphanumeric());
    let name = text.split_once("::").map_or_else(
        || text[..end.unwrap_or(text.len())].to_owned(),
        |(_, rest)| rest.chars().take_while(char::is_ascii_alphanumeric).collect(),
    );
    Fault::new(Cause::Http(name), format!("the guest answered with the error {text}"))
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

fn join(mut chunks: VecDeque<Bytes>) -> Bytes {
    if chunks.len() < 2 {
        return chunks.pop_front().unwrap_or_default();
    }
    chunks.iter().flat_map(|chunk| chunk.iter().copied()).collect::<Vec<u8>>().into()
}

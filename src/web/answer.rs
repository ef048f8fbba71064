//! Turns what a call came to into an HTTP answer: the guest's reply with our headers, a fault as problem+json, or a
//! stream that ends with trailers, or is cut off where the guest failed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HeaderMap, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderName, HeaderValue};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::sync::{mpsc, oneshot};

use crate::model::{Invocation, Outcome, ThrottleReason};
use crate::trigger::{Answer, Invoked, StreamEnd};

use super::error::{self, Problem};
use super::report;
use super::state::AppState;

/// Marks an answer as a function's own, whose headers are left as they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct GuestReply;

/// A function's pages share our address, but not our rights: a browser gives them an origin of their own.
const SANDBOX: HeaderValue =
    HeaderValue::from_static("sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts");

/// Headers that concern one connection only, and are not handed on.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-authenticate"),
    HeaderName::from_static("proxy-authorization"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The answer to a call of `function`.
pub(super) fn to_call(state: &Arc<AppState>, function: &str, invoked: Invoked) -> Response {
    let mut name = HeaderMap::new();
    report::name(&mut name, &invoked.id, &invoked.trace.header());
    let mut response = match invoked.answer {
        Answer::Response { response, invocation } => {
            state.metrics.ran(&invocation);
            let mut response = guest(response.map(Body::from));
            response.headers_mut().extend(report::of(&invocation));
            response
        }
        Answer::Fault { invocation } => {
            state.metrics.ran(&invocation);
            let mut response = fault(&invocation).into_response();
            response.headers_mut().extend(report::of(&invocation));
            response
        }
        Answer::Throttled { reason, retry_after } => {
            state.metrics.throttled(function, reason);
            let mut response = throttled(function, (reason, retry_after), &invoked.id.0).into_response();
            report::throttled(response.headers_mut());
            response
        }
        Answer::Streaming { response, phases, end } => {
            let (head, body) = response.into_parts();
            let mut response = guest(Response::from_parts(head, streamed(body, watched(state, end))));
            report::begun(response.headers_mut(), &phases);
            response.headers_mut().insert(TRAILER, HeaderValue::from_static(report::TRAILERS));
            response
        }
    };
    response.headers_mut().extend(name);
    response
}

/// A guest's reply as it may go out: without what concerns its own connection or looks like ours.
fn guest(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    if head.status.is_informational() {
        let detail = format!("the function replied with the status {}, which ends no request", head.status.as_u16());
        return Problem::new(error::GUEST_ERROR, detail).into_response();
    }
    strip_hop_by_hop(&mut head.headers);
    head.headers.remove(CONTENT_LENGTH);
    let ours = |name: &HeaderName| name.as_str().starts_with("x-faremeter-") || *name == report::SERVER_TIMING;
    let forged: Vec<HeaderName> = head.headers.keys().filter(|name| ours(name)).cloned().collect();
    for name in forged {
        head.headers.remove(name);
    }
    head.headers.append(CONTENT_SECURITY_POLICY, SANDBOX);
    head.extensions.insert(GuestReply);
    Response::from_parts(head, body)
}

/// Takes out the headers that concern one connection only, those that `connection` names included.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in HOP_BY_HOP.into_iter().chain(named) {
        headers.remove(name);
    }
}

fn fault(invocation: &Invocation) -> Problem {
    let kind = match invocation.outcome {
        Outcome::OutOfMemory => error::OUT_OF_MEMORY,
        Outcome::Timeout => error::TIMED_OUT,
        Outcome::PlatformError => error::PLATFORM_ERROR,
        Outcome::Ok | Outcome::Error | Outcome::Throttled => error::GUEST_ERROR,
    };
    let message = invocation.error_message.clone().unwrap_or_else(|| "the function gave no reason".to_owned());
    Problem::new(kind, message)
        .instance(format!("urn:uuid:{}", invocation.invocation_id))
        .with("invocation_id", invocation.invocation_id.0.clone())
        .with("function", invocation.function.clone())
        .with("outcome", invocation.outcome.as_str())
        .with("error_type", invocation.error_type.clone())
}

fn throttled(function: &str, (reason, retry_after): (ThrottleReason, Duration), id: &str) -> Problem {
    let detail = format!("function '{function}' was not run: the limit {} was reached", reason.as_str());
    Problem::new(error::THROTTLED, detail)
        .instance(format!("urn:uuid:{id}"))
        .with("reason", reason.as_str())
        .with("invocation_id", id)
        .with("function", function)
        .retry_after(retry_after)
}

type Ended = oneshot::Receiver<Result<HeaderMap, String>>;

/// Counts the invocation when it ends, also where the client has gone, and hands on what its trailers say.
fn watched(state: &Arc<AppState>, end: StreamEnd) -> Ended {
    let (told, ended) = oneshot::channel();
    let watching = Arc::clone(state);
    state.background.spawn(async move {
        let result = match end.await {
            Ok(Ok(invocation)) => {
                watching.metrics.ran(&invocation);
                if invocation.outcome == Outcome::Ok {
                    Ok(report::of(&invocation))
                } else {
                    Err(format!("the function failed after its reply began: {}", invocation.outcome.as_str()))
                }
            }
            Ok(Err(error)) => Err(format!("the call's record could not be kept: {error}")),
            Err(_) => Err("the call was cut off".to_owned()),
        };
        if let Err(error) = &result {
            tracing::warn!(%error, "a streamed answer was cut off");
        }
        let _client_is_gone = told.send(result);
    });
    ended
}

/// A body that hands on the guest's bytes, then the trailers; an error in it makes the server drop the connection, so
/// that the client sees an answer that is not whole.
fn streamed(bytes: mpsc::Receiver<Bytes>, ended: Ended) -> Body {
    let frames = stream::unfold(Some((bytes, ended)), |state| async {
        let (mut bytes, ended) = state?;
        if let Some(chunk) = bytes.recv().await {
            return Some((Ok(Frame::data(chunk)), Some((bytes, ended))));
        }
        let end = ended.await.unwrap_or_else(|_| Err("the call was cut off".to_owned()));
        Some((end.map(Frame::trailers).map_err(io::Error::other), None))
    });
    Body::new(StreamBody::new(frames))
}

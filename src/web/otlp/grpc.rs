//! OTLP over gRPC: one message in, one out. The framing of such a call is a flag and a length, so it is read here, by the
//! limits that HTTP has: tonic's server would answer a message that is too large with a status that tells clients to send it
//! again, and takes memory for a length that is only said.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::{BufMut, Bytes, BytesMut};
use futures::stream;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{HeaderName, HeaderValue};
use http_body::Frame;
use http_body_util::StreamBody;

use crate::ingest::{Encoding, Format, Request, Signal};

use super::super::body::{media_type, unsupported};
use super::super::error::Problem;
use super::super::state::AppState;
use super::{protobuf, take};

pub(in crate::web) const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
pub(in crate::web) const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
pub(in crate::web) const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// The media type of gRPC; `+proto` may follow.
pub(super) const GRPC: &str = "application/grpc";

const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// A flag that says whether the message is compressed, and its length in 4 bytes.
const FRAME_BYTES: usize = 5;

/// Takes in traces.
pub(in crate::web) async fn traces(
    state: State<Arc<AppState>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    export(&state, Signal::Traces, &headers, body).await
}

/// Takes in log records.
pub(in crate::web) async fn logs(
    state: State<Arc<AppState>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    export(&state, Signal::Logs, &headers, body).await
}

/// Takes in points of metrics.
pub(in crate::web) async fn metrics(
    state: State<Arc<AppState>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    export(&state, Signal::Metrics, &headers, body).await
}

async fn export(state: &AppState, signal: Signal, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
    let media_type = media_type(headers);
    if !media_type.as_deref().is_some_and(is_grpc) {
        state.receiver.refused(signal);
        return Err(unsupported(media_type.as_deref(), GRPC));
    }
    let mut taken = take(state, signal, Format::Protobuf, headers, ENCODING, body).await?;
    if let Err(wrong) = unframe(&mut taken) {
        state.receiver.refused(signal);
        return Err(Problem::invalid(wrong));
    }
    let outcome = state.receiver.receive(taken).await?;
    Ok(answer(&protobuf(&outcome)))
}

/// Whether a media type is gRPC's with protobuf in it.
pub(super) fn is_grpc(media_type: &str) -> bool {
    matches!(media_type, "application/grpc" | "application/grpc+proto")
}

/// Leaves the message of the one frame in the body; says what is wrong where there is no such frame.
fn unframe(request: &mut Request) -> Result<(), String> {
    let body = &request.body;
    let Some((frame, message)) = body.split_at_checked(FRAME_BYTES) else {
        return Err(format!("the request's body has {} bytes: a message begins with {FRAME_BYTES}", body.len()));
    };
    let said = u32::from_be_bytes([frame[1], frame[2], frame[3], frame[4]]);
    if message.len() as u64 != u64::from(said) {
        return Err(format!("the request's message has {} bytes and says it has {said}", message.len()));
    }
    match frame[0] {
        0 => request.encoding = Encoding::Identity,
        1 if request.encoding != Encoding::Identity => {}
        1 => return Err("the message is said to be compressed, and not how".to_owned()),
        flag => return Err(format!("the flag {flag} of a message is neither 0 nor 1")),
    }
    request.body = body.slice(FRAME_BYTES..);
    Ok(())
}

fn answer(message: &[u8]) -> Response {
    let mut frame = BytesMut::with_capacity(FRAME_BYTES + message.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).expect("a message that says what was rejected is short"));
    frame.put_slice(message);
    let trailers = HeaderMap::from_iter([(STATUS, HeaderValue::from_static("0"))]);
    let frames: [Result<Frame<Bytes>, Infallible>; 2] =
        [Ok(Frame::data(frame.freeze())), Ok(Frame::trailers(trailers))];
    let mut response = Response::new(Body::new(StreamBody::new(stream::iter(frames))));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(GRPC));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(super::status::ENCODINGS));
    response
}

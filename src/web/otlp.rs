//! OTLP over HTTP: `/v1/traces`, `/v1/logs` and `/v1/metrics`, on the main port and on one of their own. gRPC is `grpc`'s,
//! the form of errors `status`'s; what a request says is `crate::ingest`'s.

pub(super) mod grpc;
pub(super) mod status;

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use http::{HeaderName, HeaderValue};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};
use prost::Message;

use crate::ingest::{Encoding, Format, Outcome, Request, Room, Signal};

use super::body::{self, arrive, media_type, too_large};
use super::error::Problem;
use super::state::AppState;

/// Names a tenant for what names none itself.
const TENANT: HeaderName = HeaderName::from_static("x-scope-orgid");

pub(super) const PROTOBUF: &str = "application/x-protobuf";
pub(super) const JSON: &str = "application/json";

/// Take in traces
#[utoipa::path(
    post,
    operation_id = "export_traces",
    path = "/v1/traces",
    tag = "otlp",
    request_body(content = Vec<u8>, content_type = "application/x-protobuf", description = "`ExportTraceServiceRequest` of OTLP, or its JSON as `application/json`; gzip, zstd or deflate by `content-encoding`"),
    responses(
        (status = 200, description = "`ExportTraceServiceResponse`: everything is stored but what `partial_success` counts"),
        (status = 400, description = "`google.rpc.Status`: the body cannot be read"),
        (status = 413, description = "`google.rpc.Status`: the body is too large"),
        (status = 415, description = "`google.rpc.Status`: the body's type is not known here"),
        (status = 503, description = "`google.rpc.Status`: there is no room now; `retry-after` says when to come again"),
    )
)]
pub(super) async fn traces(state: State<Arc<AppState>>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    export(&state, Signal::Traces, &headers, body).await
}

/// Take in log records
#[utoipa::path(
    post,
    operation_id = "export_logs",
    path = "/v1/logs",
    tag = "otlp",
    request_body(content = Vec<u8>, content_type = "application/x-protobuf", description = "`ExportLogsServiceRequest` of OTLP, or its JSON as `application/json`; gzip, zstd or deflate by `content-encoding`"),
    responses(
        (status = 200, description = "`ExportLogsServiceResponse`: everything is stored but what `partial_success` counts"),
        (status = 400, description = "`google.rpc.Status`: the body cannot be read"),
        (status = 413, description = "`google.rpc.Status`: the body is too large"),
        (status = 415, description = "`google.rpc.Status`: the body's type is not known here"),
        (status = 503, description = "`google.rpc.Status`: there is no room now; `retry-after` says when to come again"),
    )
)]
pub(super) async fn logs(state: State<Arc<AppState>>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    export(&state, Signal::Logs, &headers, body).await
}

/// Take in metrics
#[utoipa::path(
    post,
    operation_id = "export_metrics",
    path = "/v1/metrics",
    tag = "otlp",
    request_body(content = Vec<u8>, content_type = "application/x-protobuf", description = "`ExportMetricsServiceRequest` of OTLP, or its JSON as `application/json`; gzip, zstd or deflate by `content-encoding`"),
    responses(
        (status = 200, description = "`ExportMetricsServiceResponse`: everything is stored but what `partial_success` counts"),
        (status = 400, description = "`google.rpc.Status`: the body cannot be read"),
        (status = 413, description = "`google.rpc.Status`: the body is too large"),
        (status = 415, description = "`google.rpc.Status`: the body's type is not known here"),
        (status = 503, description = "`google.rpc.Status`: there is no room now; `retry-after` says when to come again"),
    )
)]
pub(super) async fn metrics(state: State<Arc<AppState>>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    export(&state, Signal::Metrics, &headers, body).await
}

async fn export(state: &AppState, signal: Signal, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
    let format = match media_type(headers).as_deref() {
        Some(PROTOBUF) => Format::Protobuf,
        Some(JSON) => Format::Json,
        other => {
            state.receiver.refused(signal);
            return Err(body::unsupported(other, "application/x-protobuf or application/json"));
        }
    };
    let taken = take(state, signal, format, headers, CONTENT_ENCODING, body).await?;
    let outcome = state.receiver.receive(taken).await?;
    let (media_type, body) = match format {
        Format::Protobuf => (PROTOBUF, protobuf(&outcome)),
        Format::Json => (JSON, json(signal, &outcome)),
    };
    Ok(([(CONTENT_TYPE, HeaderValue::from_static(media_type))], body).into_response())
}

/// A request with its body, as it arrived. `encoding` is the header that says how the body is compressed.
async fn take(
    state: &AppState,
    signal: Signal,
    format: Format,
    headers: &HeaderMap,
    encoding: HeaderName,
    body: Body,
) -> Result<Request, Problem> {
    let taken = async {
        let encoding: Encoding = text(headers, &encoding)?.unwrap_or_default().parse()?;
        let tenant = text(headers, &TENANT)?.map(str::to_owned);
        let (body, room) = hold(state, body).await?;
        Ok(Request { signal, format, encoding, tenant, body, room })
    };
    let taken = taken.await;
    if taken.is_err() {
        state.receiver.refused(signal);
    }
    taken
}

/// A body, and the room that it takes up: that of a body that says its length before it is read.
async fn hold(state: &AppState, body: Body) -> Result<(Bytes, Room), Problem> {
    let (mut room, limit) = (state.receiver.room(), state.receiver.max_body_bytes());
    let said = body.size_hint().exact();
    if let Some(said) = said {
        if said > limit {
            return Err(too_large(limit));
        }
        room.hold(said)?;
    }
    let bytes = arrive(state, body, limit, |bytes| if said.is_none() { Ok(room.hold(bytes)?) } else { Ok(()) }).await?;
    Ok((bytes, room))
}

/// A header's value; it must be plain text, and there once.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let (first, more) = (values.next(), values.next());
    if more.is_some() {
        return Err(Problem::invalid(format!("there is more than one {name} header")));
    }
    let text =
        first.map(|value| value.to_str().map_err(|_| Problem::invalid(format!("the {name} header is not plain text"))));
    text.transpose()
}

/// The answer as protobuf. Those of logs and metrics are the same on the wire.
fn protobuf(outcome: &Outcome) -> Bytes {
    let partial = outcome.message.as_ref().map(|message| ExportTracePartialSuccess {
        rejected_spans: i64::try_from(outcome.rejected).unwrap_or(i64::MAX),
        error_message: message.clone(),
    });
    ExportTraceServiceResponse { partial_success: partial }.encode_to_vec().into()
}

fn json(signal: Signal, outcome: &Outcome) -> Bytes {
    let rejected = match signal {
        Signal::Traces => "rejectedSpans",
        Signal::Logs => "rejectedLogRecords",
        Signal::Metrics => "rejectedDataPoints",
    };
    let answer = match &outcome.message {
        None => serde_json::json!({}),
        // As protobuf's JSON has it, numbers of 64 bits are texts.
        Some(message) => {
            serde_json::json!({"partialSuccess": {rejected: outcome.rejected.to_string(), "errorMessage": message}})
        }
    };
    answer.to_string().into()
}

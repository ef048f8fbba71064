//! Answers problems in OTLP's form where a sender of OTLP asked: a `google.rpc.Status` in the request's own type, and gRPC's
//! status in its headers. So whatever refuses a request, it is understood.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use prost::Message;
use tonic::Code;
use tonic_types::{ErrorDetails, StatusExt};

use super::super::body::media_type;
use super::super::error::Detail;
use super::grpc::is_grpc;
use super::{JSON, PROTOBUF};

/// The encodings that are taken, as gRPC lists them.
pub(super) const ENCODINGS: &str = "identity,gzip,deflate,zstd";

/// How the sender of a request expects its errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Protobuf,
    Json,
    Grpc,
}

/// Puts problems of OTLP's routes into OTLP's form.
pub(in crate::web) async fn answer(request: Request, next: Next) -> Response {
    let form = form(request.uri(), request.headers());
    let mut response = next.run(request).await;
    match (form, response.extensions_mut().remove::<Detail>()) {
        (Some(form), Some(Detail(detail))) => form.answer(detail, response),
        _ => response,
    }
}

fn form(uri: &Uri, headers: &HeaderMap) -> Option<Form> {
    let media_type = media_type(headers);
    if media_type.as_deref().is_some_and(is_grpc) {
        return Some(Form::Grpc);
    }
    let is_otlp = matches!(uri.path(), "/v1/traces" | "/v1/logs" | "/v1/metrics");
    is_otlp.then(|| if media_type.as_deref() == Some(PROTOBUF) { Form::Protobuf } else { Form::Json })
}

impl Form {
    /// The answer that says the same as `response`, a problem.
    fn answer(self, detail: String, mut response: Response) -> Response {
        if response.status() == StatusCode::REQUEST_TIMEOUT {
            // Clients send again only what they are told to: a body that was slow is as good as any.
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        let status = response.status();
        let code = code(status, self);
        match self {
            Self::Grpc => {
                let retry = retry_after(response.headers());
                let details = retry.map(|after| ErrorDetails::with_retry_info(Some(after))).unwrap_or_default();
                let mut answer = tonic::Status::with_error_details(code, detail, details).into_http::<Body>();
                answer
                    .headers_mut()
                    .insert(HeaderName::from_static("grpc-accept-encoding"), HeaderValue::from_static(ENCODINGS));
                answer
            }
            Self::Protobuf => {
                let body =
                    tonic_types::Status { code: code as i32, message: detail, details: Vec::new() }.encode_to_vec();
                written(&mut response, PROTOBUF, body);
                response
            }
            Self::Json => {
                let body = serde_json::json!({"code": code as i32, "message": detail}).to_string();
                written(&mut response, JSON, body.into_bytes());
                response
            }
        }
    }
}

fn written(response: &mut Response, media_type: &'static str, body: Vec<u8>) {
    *response.body_mut() = Body::from(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().remove(CONTENT_LENGTH);
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

/// gRPC's code for a status of HTTP.
fn code(status: StatusCode, form: Form) -> Code {
    match status {
        StatusCode::NOT_FOUND if form == Form::Grpc => Code::Unimplemented,
        StatusCode::UNSUPPORTED_MEDIA_TYPE if form == Form::Grpc => Code::Unimplemented,
        StatusCode::BAD_REQUEST | StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::MISDIRECTED_REQUEST => {
            Code::InvalidArgument
        }
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::Unimplemented,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Code::ResourceExhausted,
        StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        _ => Code::Internal,
    }
}

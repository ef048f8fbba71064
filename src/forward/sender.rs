//! Owns the sending of OTLP requests over HTTP or gRPC, and what an answer means: taken, refused for good, or to be sent again.

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use prost::Message;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use crate::telemetry::{Error, Otlp, Protocol};

/// Bytes of an answer that are read.
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// The endpoint has it.
    Taken,
    /// The endpoint will never take it, or not all of it, and why.
    Refused(String),
    /// It may be taken later, and why not now.
    Failed(String),
}

/// A client of an endpoint.
pub(super) struct Sender {
    endpoint: String,
    transport: Transport,
}

enum Transport {
    Http { client: reqwest::Client, headers: HeaderMap },
    Grpc { channel: Channel, metadata: MetadataMap },
}

impl Sender {
    pub(super) fn new(otlp: &Otlp) -> Result<Self, Error> {
        let transport = match otlp.protocol {
            Protocol::Http => Transport::Http {
                client: reqwest::Client::builder().timeout(otlp.timeout).build()?,
                headers: headers(otlp)?,
            },
            Protocol::Grpc => Transport::Grpc { channel: otlp.channel()?, metadata: otlp.metadata()? },
        };
        Ok(Self { endpoint: otlp.endpoint.clone(), transport })
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(super) async fn traces(&self, request: ExportTraceServiceRequest) -> Sent {
        match &self.transport {
            Transport::Http { client, headers } => {
                self.post(client, headers, "v1/traces", &request, |answer: ExportTraceServiceResponse| {
                    answer.partial_success.map(|partial| (partial.rejected_spans, partial.error_message))
                })
                .await
            }
            Transport::Grpc { channel, metadata } => {
                let answer = TraceServiceClient::new(channel.clone()).export(with(metadata, request)).await;
                of_grpc(answer, |answer| {
                    answer.partial_success.map(|partial| (partial.rejected_spans, partial.error_message))
                })
            }
        }
    }

    pub(super) async fn logs(&self, request: ExportLogsServiceRequest) -> Sent {
        match &self.transport {
            Transport::Http { client, headers } => {
                self.post(client, headers, "v1/logs", &request, |answer: ExportLogsServiceResponse| {
                    answer.partial_success.map(|partial| (partial.rejected_log_records, partial.error_message))
                })
                .await
            }
            Transport::Grpc { channel, metadata } => {
                let answer = LogsServiceClient::new(channel.clone()).export(with(metadata, request)).await;
                of_grpc(answer, |answer| {
                    answer.partial_success.map(|partial| (partial.rejected_log_records, partial.error_message))
                })
            }
        }
    }

    pub(super) async fn metrics(&self, request: ExportMetricsServiceRequest) -> Sent {
        match &self.transport {
            Transport::Http { client, headers } => {
                self.post(client, headers, "v1/metrics", &request, |answer: ExportMetricsServiceResponse| {
                    answer.partial_success.map(|partial| (partial.rejected_data_points, partial.error_message))
                })
                .await
            }
            Transport::Grpc { channel, metadata } => {
                let answer = MetricsServiceClient::new(channel.clone()).export(with(metadata, request)).await;
                of_grpc(answer, |answer| {
                    answer.partial_success.map(|partial| (partial.rejected_data_points, partial.error_message))
                })
            }
        }
    }

    async fn post<A: Message + Default>(
        &self,
        client: &reqwest::Client,
        headers: &HeaderMap,
        path: &str,
        request: &impl Message,
        rejected: impl FnOnce(A) -> Option<(i64, String)>,
    ) -> Sent {
        let request =
            client.post(format!("{}/{path}", self.endpoint)).headers(headers.clone()).body(request.encode_to_vec());
        let mut answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Sent::Failed(error.to_string()),
        };
        let (status, mut body) = (answer.status(), Vec::new());
        while let Ok(Some(chunk)) = answer.chunk().await {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                break;
            }
            body.extend_from_slice(&chunk);
        }
        match status {
            status if status.is_success() => partial(A::decode(&*body).ok().and_then(rejected)),
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Sent::Failed(format!("the endpoint answers {status}")),
            // Whoever mends the key or the address wants the records that came meanwhile.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                Sent::Failed(format!("the endpoint answers {status}"))
            }
            status => Sent::Refused(format!("the endpoint answers {status}")),
        }
    }
}

fn headers(otlp: &Otlp) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"))]);
    for (name, value) in &otlp.headers {
        let wrong = || Error::Header(name.clone());
        let key: HeaderName = name.parse().map_err(|_| wrong())?;
        headers.insert(key, value.parse().map_err(|_| wrong())?);
    }
    Ok(headers)
}

fn with<M>(metadata: &MetadataMap, message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.metadata_mut().clone_from(metadata);
    request
}

fn of_grpc<A>(answer: Result<Response<A>, Status>, rejected: impl FnOnce(A) -> Option<(i64, String)>) -> Sent {
    match answer {
        Ok(answer) => partial(rejected(answer.into_inner())),
        Err(status) => match status.code() {
            Code::InvalidArgument | Code::Unimplemented | Code::OutOfRange | Code::FailedPrecondition => {
                Sent::Refused(status.to_string())
            }
            _ => Sent::Failed(status.to_string()),
        },
    }
}

fn partial(rejected: Option<(i64, String)>) -> Sent {
    match rejected {
        Some((count, why)) if count > 0 => Sent::Refused(format!("{count} records: {why}")),
        _ => Sent::Taken,
    }
}

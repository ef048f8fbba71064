//! Owns the sending of Faremeter's own traces and logs to an OTLP endpoint, by the OpenTelemetry SDK. It does not decide what
//! is worth a span.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::Uri;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tonic::metadata::{MetadataKey, MetadataMap};
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::{TRACED, tls};

/// Bytes of an answer, at most.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// How an OTLP endpoint is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// Protobuf over HTTP: `http/protobuf`.
    #[default]
    Http,
    /// gRPC: `grpc`.
    Grpc,
}

/// An OTLP endpoint that telemetry is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Otlp {
    /// Such as `http://127.0.0.1:4318`; over HTTP `/v1/traces` and the like are added.
    pub endpoint: String,
    /// How it is spoken to (HTTP).
    pub protocol: Protocol,
    /// Sent with each request, such as an API key.
    pub headers: BTreeMap<String, String>,
    /// A request that takes longer has failed (10 s).
    pub timeout: Duration,
}

/// Why nothing can be sent there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is none.
    #[error("the OTLP endpoint '{0}' is not a URL: write one such as http://127.0.0.1:4318")]
    Endpoint(String),
    /// The header cannot be sent.
    #[error("the OTLP header '{0}' cannot be sent: a name has letters, digits and dashes, a value no line breaks")]
    Header(String),
    /// The word is no protocol.
    #[error("'{0}' is not an OTLP protocol: it is http/protobuf or grpc")]
    Protocol(String),
    /// The SDK refuses it.
    #[error("nothing can be sent by OTLP: {0}")]
    Exporter(#[from] ExporterBuildError),
    /// There is no TLS to be had.
    #[error("nothing can be sent over TLS: {0}")]
    Tls(std::io::Error),
    /// The client cannot be made.
    #[error("nothing can be sent by OTLP: {0}")]
    Client(#[from] reqwest::Error),
}

/// The SDK's senders of our own spans and log records.
pub struct Providers {
    traces: SdkTracerProvider,
    logs: SdkLoggerProvider,
}

impl FromStr for Protocol {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "http/protobuf" | "http" => Ok(Self::Http),
            "grpc" => Ok(Self::Grpc),
            _ => Err(Error::Protocol(text.to_owned())),
        }
    }
}

impl Otlp {
    /// That endpoint with the defaults, once it is known to be a URL.
    pub fn at(endpoint: &str) -> Result<Self, Error> {
        let url =
            url::Url::parse(endpoint).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        url.ok_or_else(|| Error::Endpoint(endpoint.to_owned()))?;
        Ok(Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            protocol: Protocol::default(),
            headers: BTreeMap::new(),
            timeout: Duration::from_secs(10),
        })
    }

    /// The headers as gRPC sends them.
    pub fn metadata(&self) -> Result<MetadataMap, Error> {
        let mut metadata = MetadataMap::new();
        for (name, value) in &self.headers {
            let wrong = || Error::Header(name.clone());
            let key = MetadataKey::from_str(&name.to_ascii_lowercase()).map_err(|_| wrong())?;
            metadata.insert(key, value.parse().map_err(|_| wrong())?);
        }
        Ok(metadata)
    }

    /// A connection for gRPC, made when it is first needed.
    pub fn channel(&self) -> Result<Channel, Error> {
        let wrong = || Error::Endpoint(self.endpoint.clone());
        let endpoint = Endpoint::from_shared(self.endpoint.clone()).map_err(|_| wrong())?;
        let endpoint = endpoint.timeout(self.timeout).connect_timeout(self.timeout);
        if !self.endpoint.starts_with("https:") {
            return Ok(endpoint.connect_lazy());
        }
        let connector = tls::connector().map_err(Error::Tls)?;
        Ok(endpoint.connect_with_connector_lazy(service_fn(move |to: Uri| tls::connect(connector.clone(), to))))
    }
}

impl Providers {
    /// Senders to that endpoint. They work on the async runtime that this is called in.
    pub fn new(otlp: &Otlp) -> Result<Self, Error> {
        let resource = Resource::builder()
            .with_service_name("faremeter")
            .with_attributes([KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))])
            .build();
        let (spans, logs) = match otlp.protocol {
            Protocol::Http => {
                let client = OnRuntime { client: reqwest::Client::new(), runtime: Handle::current() };
                let headers: HashMap<String, String> = otlp.headers.clone().into_iter().collect();
                let spans = SpanExporter::builder()
                    .with_http()
                    .with_http_client(client.clone())
                    .with_headers(headers.clone())
                    .with_endpoint(format!("{}/v1/traces", otlp.endpoint))
                    .with_timeout(otlp.timeout);
                let logs = LogExporter::builder()
                    .with_http()
                    .with_http_client(client)
                    .with_headers(headers)
                    .with_endpoint(format!("{}/v1/logs", otlp.endpoint))
                    .with_timeout(otlp.timeout);
                (spans.build()?, logs.build()?)
            }
            Protocol::Grpc => {
                let (channel, metadata) = (otlp.channel()?, otlp.metadata()?);
                let spans =
                    SpanExporter::builder().with_tonic().with_channel(channel.clone()).with_metadata(metadata.clone());
                let logs = LogExporter::builder().with_tonic().with_channel(channel).with_metadata(metadata);
                (spans.build()?, logs.build()?)
            }
        };
        Ok(Self {
            traces: SdkTracerProvider::builder().with_resource(resource.clone()).with_batch_exporter(spans).build(),
            logs: SdkLoggerProvider::builder().with_resource(resource).with_batch_exporter(logs).build(),
        })
    }

    /// What hands our spans and log lines to the senders. What the sending itself logs is left out, or it would never end.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let ours = |metadata: &Metadata<'_>| metadata.target().starts_with("faremeter");
        let spans = tracing_opentelemetry::layer()
            .with_tracer(self.traces.tracer("faremeter"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|metadata| metadata.target() == TRACED));
        let logs = OpenTelemetryTracingBridge::new(&self.logs)
            .with_filter(filter_fn(move |metadata| metadata.is_event() && ours(metadata)));
        spans.and_then(logs)
    }

    /// Sends what waits and stops, within `deadline`. Blocks.
    pub fn stop(&self, deadline: Duration) {
        for stopped in [self.traces.shutdown_with_timeout(deadline), self.logs.shutdown_with_timeout(deadline)] {
            if let Err(error) = stopped {
                tracing::warn!(%error, "the last of our own telemetry was not sent");
            }
        }
    }
}

/// A client whose requests run on the async runtime, whoever waits for them: the SDK waits on threads of its own.
#[derive(Debug, Clone)]
struct OnRuntime {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let answered = self.runtime.spawn(async move {
            let mut answer = client.execute(request.try_into()?).await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.extend(answer.headers().clone());
            }
            let mut body = BytesMut::new();
            while let Some(chunk) = answer.chunk().await? {
                if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                    return Err(format!("the answer has more than {MAX_ANSWER_BYTES} bytes").into());
                }
                body.extend_from_slice(&chunk);
            }
            Ok::<_, HttpError>(response.body(body.freeze())?)
        });
        answered.await?
    }
}

//! Runs guests of both kinds through the public interface. This file holds what the tests share.

mod burst;
mod commands;
mod components;
mod egress;
mod fuel;
mod lifecycle;
mod pool;
mod provisioned;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;

use super::{Config, Execution, Reply, Request, Runtime, Source};
use crate::clock::Clock;
use crate::model::{FunctionSpec, FunctionVersion, VersionState};
use crate::units::{IdSource, Timestamp};

/// A function as `deploy` makes it by default, with time enough for a busy machine.
pub(super) fn spec(name: &str) -> FunctionSpec {
    FunctionSpec { timeout: Duration::from_secs(20), ..FunctionSpec::new(name) }
}

/// One of the guests in `tests/guests`.
pub(super) fn guest(file: &str) -> Vec<u8> {
    let path = format!("{}/tests/guests/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A runtime over a directory of its own.
pub(super) struct Bench {
    pub(super) runtime: Runtime,
    pub(super) clock: Clock,
    pub(super) dir: Arc<tempfile::TempDir>,
}

/// How a call ended, the stream read to its end.
pub(super) struct Done {
    pub(super) status: Option<u16>,
    pub(super) headers: http::HeaderMap,
    pub(super) body: Bytes,
    pub(super) chunks: usize,
    pub(super) streamed: bool,
    pub(super) execution: Execution,
}

impl Done {
    /// Outcome and error type, for comparing.
    pub(super) fn ended(&self) -> (&str, &str) {
        (self.execution.outcome.as_str(), self.execution.error_type.as_deref().unwrap_or(""))
    }

    pub(super) fn message(&self) -> &str {
        self.execution.error_message.as_deref().unwrap_or("")
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(Clock::system(), |_| {})
    }

    pub(super) fn with(clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        Self::over(Arc::new(tempfile::tempdir().unwrap()), clock, change)
    }

    /// Starts over a directory that another one may have filled.
    pub(super) fn over(dir: Arc<tempfile::TempDir>, clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        let mut config =
            Config { account_concurrency: 40, idle_environments: 20, threads: 2, ..Config::new(dir.path()) };
        change(&mut config);
        let runtime = Runtime::start(config, clock.clone(), IdSource::seeded(7)).unwrap();
        Self { runtime, clock, dir }
    }

    pub(super) async fn deploy(&self, spec: FunctionSpec, version: u32, upload: &[u8]) -> Arc<FunctionVersion> {
        let source = Source { fuel: spec.fuel, ..self.runtime.check(upload).unwrap() };
        let sha256 = source.sha256.clone();
        self.runtime.compile(source).await.unwrap();
        assert!(self.runtime.is_compiled(&sha256, spec.fuel));
        let deployed_at = Timestamp::from_micros(1);
        Arc::new(FunctionVersion { spec, version, sha256, state: VersionState::Active, deployed_at })
    }

    pub(super) fn request(&self, path: &str, body: impl Into<Bytes>) -> Request {
        Request {
            method: http::Method::POST,
            uri: path.parse().unwrap(),
            headers: http::HeaderMap::new(),
            body: body.into(),
            started_at: self.clock.now(),
            arrived: self.clock.instant(),
            invocation_id: Some("inv-1".to_owned()),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        }
    }

    pub(super) async fn call(&self, function: &Arc<FunctionVersion>, path: &str, body: impl Into<Bytes>) -> Done {
        self.send(function, self.request(path, body)).await
    }

    pub(super) async fn send(&self, function: &Arc<FunctionVersion>, request: Request) -> Done {
        let admission = self.runtime.admit(function).unwrap();
        let reply = self.runtime.invoke(admission, request).boxed();
        match reply.await {
            Reply::Whole { response, execution } => {
                let (status, headers, body) = match response {
                    Some(response) => {
                        let (head, body) = response.into_parts();
                        (Some(head.status.as_u16()), head.headers, body)
                    }
                    None => Default::default(),
                };
                Done { status, headers, body, chunks: 0, streamed: false, execution }
            }
            Reply::Streaming { response, execution, .. } => {
                let (head, mut receiver) = response.into_parts();
                let (mut body, mut chunks) = (Vec::new(), 0);
                while let Some(chunk) = receiver.recv().await {
                    body.extend_from_slice(&chunk);
                    chunks += 1;
                }
                let status = Some(head.status.as_u16());
                let (headers, body) = (head.headers, body.into());
                Done { status, headers, body, chunks, streamed: true, execution: execution.await }
            }
        }
    }
}

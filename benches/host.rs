//! The executor as the benches use it: over a folder of its own, called as the trigger does. It measures nothing itself.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use faremeter::clock::Clock;
use faremeter::model::{FunctionSpec, FunctionVersion, VersionState};
use faremeter::runtime::{Config, Execution, Reply, Request, Runtime};
use faremeter::units::{IdSource, Timestamp};

/// The executor, over a folder that another one may share.
pub(crate) struct Host {
    pub(crate) runtime: Runtime,
    clock: Clock,
}

impl Host {
    pub(crate) fn start(dir: &Path, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(dir);
        change(&mut config);
        let clock = Clock::system();
        let runtime = Runtime::start(config, clock.clone(), IdSource::random()).expect("the executor starts");
        Self { runtime, clock }
    }

    pub(crate) async fn deploy(&self, spec: FunctionSpec, upload: &[u8]) -> Arc<FunctionVersion> {
        let source = self.runtime.check(upload).expect("the guest is valid");
        let sha256 = source.sha256.clone();
        self.runtime.compile(source).await.expect("the guest compiles");
        let deployed_at = Timestamp::from_micros(1);
        Arc::new(FunctionVersion { spec, version: 1, sha256, state: VersionState::Active, deployed_at })
    }

    /// Calls as the trigger does, and takes the reply to its end.
    pub(crate) async fn call(
        &self,
        function: &Arc<FunctionVersion>,
        path: &'static str,
        body: &'static str,
    ) -> Execution {
        self.try_call(function, path, body).await.expect("the limits leave room")
    }

    /// The same; none where a limit turns the call away.
    pub(crate) async fn try_call(
        &self,
        function: &Arc<FunctionVersion>,
        path: &'static str,
        body: &'static str,
    ) -> Option<Execution> {
        let admission = self.runtime.admit(function).ok()?;
        let request = Request {
            method: http::Method::POST,
            uri: http::Uri::from_static(path),
            headers: http::HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
            started_at: self.clock.now(),
            arrived: self.clock.instant(),
            invocation_id: Some("0199a1f0-0000-7000-8000-000000000001".to_owned()),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        };
        match Box::pin(self.runtime.invoke(admission, request)).await {
            Reply::Whole { execution, .. } => Some(execution),
            Reply::Streaming { response, execution, .. } => {
                let mut chunks = response.into_body();
                while chunks.recv().await.is_some() {}
                Some(execution.await)
            }
        }
    }
}

/// One of the guests in `tests/guests`.
pub(crate) fn guest(file: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests").join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

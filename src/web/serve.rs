//! Listens on every port, and stops in order. Connections are `port`'s.

mod port;
mod slow;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bus::Notable;

use super::state::AppState;
use super::{Config, Parts, metrics, origin, router};

use port::{Port, Protocol};

/// Why the web part could not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no access control yet, so nobody but this machine may reach the server.
    #[error("'{0}' is not a loopback address: without access control the server listens on 127.0.0.1 or [::1] alone")]
    NotLoopback(SocketAddr),
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}{purpose}: {error}")]
    Listen { address: SocketAddr, purpose: &'static str, error: io::Error },
    /// A template that is part of the program is wrong.
    #[error("a page's template is not valid: {0}")]
    Template(#[from] tera::Error),
    /// Boards are wrong.
    #[error("dashboards are wrong:\n{0}")]
    Dashboards(#[from] crate::dashboard::Faults),
    /// The OpenAPI document cannot be written.
    #[error("the API's document is not valid: {0}")]
    Document(#[from] serde_json::Error),
}

/// Owns the listeners.
pub struct Service {
    main: Port,
    otlp: Vec<Port>,
    state: Arc<AppState>,
    events: broadcast::Receiver<Notable>,
}

/// Where OTLP is listened for, ports known; none where it is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtlpAddresses {
    /// gRPC.
    pub grpc: Option<SocketAddr>,
    /// HTTP.
    pub http: Option<SocketAddr>,
}

impl Service {
    /// Takes the addresses and gets everything ready; connections wait until `run`.
    pub async fn bind(config: Config, parts: Parts) -> Result<Self, Error> {
        let (main, grpc, http) = (config.listen, config.otlp_grpc.0, config.otlp_http.0);
        let events = parts.bus.subscribe();
        // An address that is wrong is known before anything is made ready for it.
        for address in [Some(main), grpc, http].into_iter().flatten() {
            if !origin::may_listen_on(address.ip()) {
                return Err(Error::NotLoopback(address));
            }
        }
        let state = Arc::new(AppState::new(config, parts).await?);
        let main = Port::bind(main, "", Protocol::Http1, router::all().finish(&state)?).await?;
        let mut otlp = Vec::new();
        if let Some(address) = grpc {
            let router = router::otlp_grpc().finish(&state)?;
            otlp.push(Port::bind(address, " for OTLP over gRPC (--otlp-grpc)", Protocol::Http2, router).await?);
        }
        if let Some(address) = http {
            let router = router::otlp_http().finish(&state)?;
            otlp.push(Port::bind(address, " for OTLP over HTTP (--otlp-http)", Protocol::Http1, router).await?);
        }
        Ok(Self { main, otlp, state, events })
    }

    /// The address that it listens on, its port known.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.main.address
    }

    /// Where it listens for OTLP.
    #[must_use]
    pub fn otlp_addrs(&self) -> OtlpAddresses {
        let of = |protocol| self.otlp.iter().find(|port| port.protocol == protocol).map(|port| port.address);
        OtlpAddresses { grpc: of(Protocol::Http2), http: of(Protocol::Http1) }
    }

    /// Gives the server's own metrics as OpenMetrics text, to whoever hands them on.
    #[must_use]
    pub fn exposition(&self) -> Arc<dyn Fn() -> String + Send + Sync> {
        let state = Arc::clone(&self.state);
        Arc::new(move || {
            let text = state.open_metrics();
            text.inspect_err(|error| tracing::warn!(%error, "the server's own metrics cannot be written"))
                .unwrap_or_default()
        })
    }

    /// Answers until `shutdown`, then lets running requests end, at most for `Config::stop_deadline`.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { main, otlp, state, events } = self;
        let (connections, cut) = (TaskTracker::new(), CancellationToken::new());
        state.background.spawn(metrics::listen(Arc::clone(&state), events, shutdown.clone()));
        let ports = std::iter::once(main).chain(otlp).map(|port| {
            let (state, connections) = (Arc::clone(&state), connections.clone());
            port.accept(state, connections, shutdown.clone(), cut.clone())
        });
        futures::future::join_all(ports).await;
        state.stopping.cancel();
        connections.close();
        state.background.close();
        let all = async {
            connections.wait().await;
            state.background.wait().await;
        };
        if tokio::time::timeout(state.config.stop_deadline, all).await.is_err() {
            tracing::warn!(
                connections = connections.len(),
                answers = state.background.len(),
                "requests were late and are cut off"
            );
            cut.cancel();
            connections.wait().await;
        }
    }
}

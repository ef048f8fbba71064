//! Listens, holds connections to their limits, and stops in order.

mod slow;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bus::Notable;

use super::state::AppState;
use super::{Config, Parts, metrics, origin, router};

use slow::WriteTimeout;

/// How long accepting rests after it failed, as it does when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Fields that a request's head may have.
const MAX_HEADERS: usize = 256;
/// Bytes that a connection reads ahead; heads are held to their own limit once they are read.
const READ_AHEAD_BYTES: usize = 256 << 10;

/// Why the web part could not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no access control yet, so nobody but this machine may reach the server.
    #[error("'{0}' is not a loopback address: without access control the server listens on 127.0.0.1 or [::1] alone")]
    NotLoopback(SocketAddr),
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {error}")]
    Listen { address: SocketAddr, error: io::Error },
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

/// Owns the listener.
pub struct Service {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    state: Arc<AppState>,
    events: broadcast::Receiver<Notable>,
}

impl Service {
    /// Takes the address and gets everything ready; connections wait until `run`.
    pub async fn bind(config: Config, parts: Parts) -> Result<Self, Error> {
        let asked = config.listen;
        if !origin::may_listen_on(asked.ip()) {
            return Err(Error::NotLoopback(asked));
        }
        let events = parts.bus.subscribe();
        let state = Arc::new(AppState::new(config, parts).await?);
        let router = router::all().finish(&state)?;
        let failed = |error| Error::Listen { address: asked, error };
        let listener = TcpListener::bind(asked).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, router, state, events })
    }

    /// The address that it listens on, its port known.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Gives the server's own metrics as OpenMetrics text, to whoever hands them on.
    #[must_use]
    pub fn exposition(&self) -> Arc<dyn Fn() -> String + Send + Sync> {
        let state = Arc::clone(&self.state);
        Arc::new(move || {
            let text = state.metrics.open_metrics(&state.store.status(), &state.runtime.status());
            text.inspect_err(|error| tracing::warn!(%error, "the server's own metrics cannot be written"))
                .unwrap_or_default()
        })
    }

    /// Answers until `shutdown`, then lets running requests end, at most for `Config::stop_deadline`.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { listener, address, router, state, events } = self;
        tracing::info!(%address, "listening");
        let (connections, cut) = (TaskTracker::new(), CancellationToken::new());
        state.background.spawn(metrics::listen(Arc::clone(&state), events, shutdown.clone()));
        let places = Arc::new(Semaphore::new(state.config.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
        while let Some((stream, place)) = next(&listener, &places, &shutdown).await {
            let connection = Connection {
                router: router.clone(),
                state: Arc::clone(&state),
                shutdown: shutdown.clone(),
                cut: cut.clone(),
                _place: place,
            };
            connections.spawn(connection.serve(stream));
        }
        drop(listener);
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

/// The next connection and its place among those at once; none after `shutdown`.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let accepted = async {
        let place = Arc::clone(places).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return Some((stream, place)),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => None,
        accepted = accepted => accepted,
    }
}

struct Connection {
    router: Router,
    state: Arc<AppState>,
    /// Ends the connection after its running request.
    shutdown: CancellationToken,
    /// Ends it at once.
    cut: CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        let _counted = self.state.metrics.begin_connection();
        let _without_it_answers_are_slow = stream.set_nodelay(true);
        let config = &self.state.config;
        let io = TokioIo::new(WriteTimeout::new(stream, config.write_timeout));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(config.head_timeout)
            .max_headers(MAX_HEADERS)
            .max_buf_size(READ_AHEAD_BYTES)
            .serve_connection(io, TowerToHyperService::new(self.router));
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = self.cut.cancelled() => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

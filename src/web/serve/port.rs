//! One port: takes its address, accepts connections, and holds them to their limits.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::web::state::AppState;
use crate::web::{Config, Error};

use super::slow::Patient;

/// How long accepting rests after it failed, as it does when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Fields that a request's head may have.
const MAX_HEADERS: usize = 256;
/// Bytes that a connection reads ahead; heads are held to their own limit once they are read.
const READ_AHEAD_BYTES: usize = 256 << 10;
/// Requests of one connection of HTTP/2 at once.
const MAX_STREAMS: u32 = 128;
/// Bytes of a body that a client of HTTP/2 may send before they are read.
const WINDOW_BYTES: u32 = 1 << 20;

/// What is spoken on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 from its first byte, as gRPC has it.
    Http2,
}

/// A port and what answers on it.
pub(super) struct Port {
    listener: TcpListener,
    pub(super) address: SocketAddr,
    pub(super) protocol: Protocol,
    router: Router,
}

impl Port {
    /// Takes the address; `purpose` is what an error says of it.
    pub(super) async fn bind(
        asked: SocketAddr,
        purpose: &'static str,
        protocol: Protocol,
        router: Router,
    ) -> Result<Self, Error> {
        let failed = |error| Error::Listen { address: asked, purpose, error };
        let listener = TcpListener::bind(asked).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, protocol, router })
    }

    /// Accepts connections until `shutdown`, each in a task of `connections`; `cut` ends them at once.
    pub(super) async fn accept(
        self,
        state: Arc<AppState>,
        connections: TaskTracker,
        shutdown: CancellationToken,
        cut: CancellationToken,
    ) {
        let Self { listener, address, protocol, router } = self;
        tracing::info!(%address, "listening");
        let places = Arc::new(Semaphore::new(state.config.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
        while let Some((stream, place)) = next(&listener, &places, &shutdown).await {
            let connection = Connection {
                router: router.clone(),
                protocol,
                state: Arc::clone(&state),
                shutdown: shutdown.clone(),
                cut: cut.clone(),
                _place: place,
            };
            connections.spawn(connection.serve(stream));
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
    protocol: Protocol,
    state: Arc<AppState>,
    /// Ends the connection after its running requests.
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
        let mut stream = Patient::new(stream, config.write_timeout);
        if self.protocol == Protocol::Http2 {
            // Pings are asked for in between, so that whoever is there sends something.
            stream = stream.reading(config.head_timeout * 2);
        }
        let builder = builder(self.protocol, config);
        let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(self.router));
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

fn builder(protocol: Protocol, config: &Config) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    match protocol {
        Protocol::Http1 => {
            builder
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(config.head_timeout)
                .max_headers(MAX_HEADERS)
                .max_buf_size(READ_AHEAD_BYTES);
            builder.http1_only()
        }
        Protocol::Http2 => {
            builder
                .http2()
                .timer(TokioTimer::new())
                .keep_alive_interval(config.head_timeout)
                .keep_alive_timeout(config.head_timeout)
                .max_concurrent_streams(MAX_STREAMS)
                .initial_stream_window_size(WINDOW_BYTES)
                .initial_connection_window_size(WINDOW_BYTES)
                .max_header_list_size(u32::try_from(config.max_head_bytes).unwrap_or(u32::MAX));
            builder.http2_only()
        }
    }
}

//! Owns who a guest may send requests to, how many at once, and how many bytes it has sent. A guest reaches no host but
//! those that its function names, this server's own address included. How a request is sent is `outgoing`'s; sockets and
//! files are closed by `state`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::uri::{Authority, Scheme};
use http::{Method, Request, Uri};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsConnector;
use tokio_util::sync::{CancellationToken, DropGuard};
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::outgoing::{self, Answer};
use super::service::Service;
use crate::clock::Clock;
use crate::model::FunctionSpec;

/// Bytes that a guest gets into the host by one write to a body.
const BODY_CHUNK_BYTES: usize = 64 << 10;

/// What all guests share of the way out.
pub(super) struct Network {
    requests: Arc<Semaphore>,
    requests_of_call: usize,
    /// Made by the first request that needs it.
    pub(super) tls: OnceCell<TlsConnector>,
}

impl Network {
    /// At most `requests` on their way at once, of one call at most `requests_of_call`.
    pub(super) fn new(requests: u32, requests_of_call: u32) -> Self {
        let count = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self {
            requests: Arc::new(Semaphore::new(count(requests))),
            requests_of_call: count(requests_of_call),
            tls: OnceCell::new(),
        }
    }
}

/// One guest's way out.
pub(super) struct Egress {
    network: Arc<Network>,
    clock: Clock,
    allowed: Vec<Host>,
    deadline: Instant,
    /// None until the call sends its first request: most calls send none.
    call: Option<OfCall>,
}

/// What one call has on its way.
struct OfCall {
    requests: Arc<Semaphore>,
    sent: Arc<AtomicU64>,
    ended: CancellationToken,
    /// What is still on its way ends with the call.
    _end: DropGuard,
}

/// Leave for one request to go out; dropping it makes room for another.
pub(super) struct Leave {
    pub(super) network: Arc<Network>,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
    /// What is left of the call's time.
    pub(super) left: Duration,
    /// Counts what is sent.
    pub(super) sent: Arc<AtomicU64>,
    /// When the call ends, so does the request.
    pub(super) ended: CancellationToken,
    pub(super) permits: [OwnedSemaphorePermit; 2],
}

impl Egress {
    /// The way out of a guest that may reach what `spec` names.
    pub(super) fn new(service: &Service, spec: &FunctionSpec) -> Self {
        Self {
            network: Arc::clone(&service.network),
            clock: service.clock.clone(),
            allowed: spec.allowed_hosts.iter().filter_map(|host| Host::parse(host)).collect(),
            deadline: service.clock.instant(),
            call: None,
        }
    }

    /// Begins a call that may take until `deadline`.
    pub(super) fn begin(&mut self, deadline: Instant) {
        (self.deadline, self.call) = (deadline, None);
    }

    /// Ends what the call still has on its way; says how many bytes it sent.
    pub(super) fn end(&mut self) -> u64 {
        let Some(call) = self.call.take() else { return 0 };
        call.ended.cancel();
        call.sent.load(Ordering::SeqCst)
    }

    fn leave(&mut self, request: &Request<WasiBody>) -> Result<Leave, Error> {
        let target = Target::of(request.uri()).ok_or(Error::HttpRequestUriInvalid)?;
        if !self.allowed.iter().any(|host| host.allows(&target)) {
            return Err(Error::HttpRequestDenied);
        }
        // A tunnel would lead on to hosts that nobody has named.
        if request.method() == Method::CONNECT {
            return Err(Error::HttpRequestMethodInvalid);
        }
        let left = self.deadline.saturating_duration_since(self.clock.instant());
        let call = self.call.get_or_insert_with(|| OfCall::begin(self.network.requests_of_call));
        let permit =
            |of: &Arc<Semaphore>| Arc::clone(of).try_acquire_owned().map_err(|_| Error::ConnectionLimitReached);
        Ok(Leave {
            permits: [permit(&call.requests)?, permit(&self.network.requests)?],
            network: Arc::clone(&self.network),
            host: target.host,
            port: target.port,
            tls: target.tls,
            left,
            sent: Arc::clone(&call.sent),
            ended: call.ended.clone(),
        })
    }
}

impl OfCall {
    fn begin(requests: usize) -> Self {
        let ended = CancellationToken::new();
        let end = ended.clone().drop_guard();
        Self { requests: Arc::new(Semaphore::new(requests)), sent: Arc::default(), ended, _end: end }
    }
}

impl WasiHttpHooks for Egress {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _sent: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Answer, Error>> + Send> {
        match self.leave(&request) {
            Ok(leave) => Box::new(outgoing::send(leave, request, options.unwrap_or_default())),
            Err(error) => Box::new(std::future::ready(Err(error))),
        }
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK_BYTES
    }

    /// What another host does wrong is the guest's to know, and nothing for our own log.
    fn p2_error_from_hyper(&mut self, _error: &hyper::Error) -> ErrorCode {
        ErrorCode::HttpProtocolError
    }
}

/// A host that may be reached, at one port or at any.
struct Host {
    name: String,
    port: Option<u16>,
}

/// Where a request goes.
struct Target {
    host: String,
    port: u16,
    tls: bool,
}

impl Host {
    /// `host` or `host:port`; none for what no specification allows.
    fn parse(text: &str) -> Option<Self> {
        let authority: Authority = text.parse().ok()?;
        Some(Self { name: authority.host().to_ascii_lowercase(), port: authority.port_u16() })
    }

    fn allows(&self, target: &Target) -> bool {
        self.name == target.host && self.port.is_none_or(|port| port == target.port)
    }
}

impl Target {
    /// None where the URI names no host, or more than a host and a port.
    fn of(uri: &Uri) -> Option<Self> {
        let authority = uri.authority()?;
        let tls = uri.scheme() == Some(&Scheme::HTTPS);
        // The text itself is looked at: `Authority` takes a port that is none for no port.
        let port = match authority.as_str().strip_prefix(authority.host())? {
            "" if tls => 443,
            "" => 80,
            port => port.strip_prefix(':')?.parse().ok()?,
        };
        Some(Self { host: authority.host().to_ascii_lowercase(), port, tls }).filter(|target| !target.host.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(host: &str, uri: &str) -> bool {
        let target = uri.parse().ok().and_then(|uri| Target::of(&uri));
        target.is_some_and(|target| Host::parse(host).unwrap().allows(&target))
    }

    #[test]
    fn a_host_is_reached_by_its_name_and_port_alone() {
        for (host, uri) in [
            ("api.example", "http://api.example/"),
            ("api.example", "https://API.Example:8443/x"),
            ("API.example:443", "https://api.example"),
            ("api.example:80", "http://api.example/?q"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("[::1]:81", "http://[::1]:81/"),
        ] {
            assert!(allows(host, uri), "{host} allows {uri}");
        }
        for (host, uri) in [
            ("api.example", "http://example/"),
            ("api.example", "http://x.api.example/"),
            ("api.example", "http://api.example.evil/"),
            ("api.example", "http://evil@api.example/"),
            ("api.example", "http://api.example@evil/"),
            ("api.example:443", "http://api.example/"),
            ("api.example:80", "http://api.example:8080/"),
            ("api.example", "http://api.example:99999/"),
            ("127.0.0.1", "http://2130706433/"),
            ("127.0.0.1", "http://localhost/"),
        ] {
            assert!(!allows(host, uri), "{host} does not allow {uri}");
        }
    }
}

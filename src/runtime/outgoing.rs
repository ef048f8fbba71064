//! Sends one request of a guest to another host: connects, with TLS for https, counts what is sent, and keeps to the
//! request's time-outs within the call's own time. It follows no redirect and knows no proxy. Whether the request may be
//! sent at all is `egress`'s.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::egress::Leave;

/// What a request comes to: the response, and what carries its body.
pub(super) type Answer = (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

/// Sends the request. It ends with its call, whatever its own time-outs say.
pub(super) async fn send(leave: Leave, request: Request<WasiBody>, options: RequestOptions) -> Result<Answer, Error> {
    let (left, ended) = (leave.left, leave.ended.clone());
    tokio::select! {
        biased;
        () = ended.cancelled() => Err(Error::ConnectionTerminated),
        answered = timeout(left, exchange(leave, request, options)) => {
            answered.unwrap_or(Err(Error::HttpResponseTimeout))
        }
    }
}

async fn exchange(leave: Leave, mut request: Request<WasiBody>, options: RequestOptions) -> Result<Answer, Error> {
    let within = |asked: Option<Duration>| asked.unwrap_or(leave.left).min(leave.left);
    let connected = timeout(within(options.connect_timeout), connect(&leave)).await;
    let stream = connected.map_err(|_| Error::ConnectionTimeout)??;
    let stream = TokioIo::new(Counted { stream, sent: Arc::clone(&leave.sent) });
    let (mut sender, connection) = http1::handshake(stream).await.map_err(|error| of_hyper(&error))?;
    // The host is in its header; the request line has the path alone.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    *request.uri_mut() = path.parse::<Uri>().map_err(|_| Error::HttpRequestUriInvalid)?;
    let (ended, permits) = (leave.ended.clone(), leave.permits);
    let carried = AbortOnDropHandle::new(tokio::spawn(async move {
        tokio::select! {
            biased;
            () = ended.cancelled() => {}
            // What goes wrong, the guest sees in the response or its body.
            _ = connection => {}
        }
        drop(permits);
    }));
    let responded = timeout(within(options.first_byte_timeout), sender.send_request(request)).await;
    let response = responded.map_err(|_| Error::ConnectionReadTimeout)?.map_err(|error| of_hyper(&error))?;
    let between = within(options.between_bytes_timeout);
    let response = response.map(|incoming| Timed { incoming, between, waiting: None }.boxed_unsync());
    let carried = async move {
        let _ended_anyway = carried.await;
        Ok(())
    };
    Ok((response, Box::new(carried)))
}

/// A stream that bytes go over both ways.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn connect(leave: &Leave) -> Result<Box<dyn Stream>, Error> {
    let name = leave.host.trim_start_matches('[').trim_end_matches(']');
    let unknown = || Error::DnsError { rcode: Some(format!("'{name}' is not known")), info_code: None };
    let found = tokio::net::lookup_host((name, leave.port)).await.map_err(|_| unknown())?;
    let addresses: Vec<_> = found.collect();
    if addresses.is_empty() {
        return Err(unknown());
    }
    let stream = TcpStream::connect(&addresses[..]).await.map_err(|error| of_connecting(&error))?;
    // Only slower without it.
    let _as_it_is = stream.set_nodelay(true);
    if !leave.tls {
        return Ok(Box::new(stream));
    }
    let connector = leave.network.tls.get_or_try_init(connector).await?;
    let server = ServerName::try_from(name.to_owned()).map_err(|_| Error::HttpRequestUriInvalid)?;
    let stream = connector.connect(server, stream).await.map_err(|error| of_tls(&error))?;
    Ok(Box::new(stream))
}

/// TLS that trusts whom this machine trusts.
async fn connector() -> Result<TlsConnector, Error> {
    let loaded = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
    let mut roots = RootCertStore::empty();
    if let Ok(loaded) = loaded {
        roots.add_parsable_certificates(loaded.certs);
    }
    if roots.is_empty() {
        tracing::warn!("this machine trusts no certificates: functions cannot reach https hosts");
        return Err(Error::ConfigurationError);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|_| Error::ConfigurationError)?.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn of_connecting(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        io::ErrorKind::TimedOut => Error::ConnectionTimeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Error::DestinationIpUnroutable,
        _ => Error::DestinationUnavailable,
    }
}

fn of_tls(error: &io::Error) -> Error {
    match error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            Error::TlsCertificateError
        }
        Some(rustls::Error::AlertReceived(alert)) => {
            Error::TlsAlertReceived { alert_id: Some(u8::from(*alert)), alert_message: Some(format!("{alert:?}")) }
        }
        _ => Error::TlsProtocolError,
    }
}

fn of_hyper(error: &hyper::Error) -> Error {
    if error.is_timeout() {
        Error::HttpResponseTimeout
    } else if error.is_incomplete_message() {
        Error::HttpResponseIncomplete
    } else if error.is_parse() {
        Error::HttpProtocolError
    } else {
        Error::ConnectionTerminated
    }
}

/// Counts what is written: HTTP's own bytes, before TLS.
struct Counted {
    stream: Box<dyn Stream>,
    sent: Arc<AtomicU64>,
}

impl Counted {
    fn count(&self, written: io::Result<usize>) -> Poll<io::Result<usize>> {
        if let Ok(bytes) = &written {
            self.sent.fetch_add(*bytes as u64, Ordering::SeqCst);
        }
        Poll::Ready(written)
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.count(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bytes));
        self.count(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A response's body whose next bytes must come within a time from when the guest asks for them.
struct Timed {
    incoming: Incoming,
    between: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Body for Timed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) {
            self.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| of_hyper(&error))));
        }
        let between = self.between;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(between)));
        ready!(waiting.as_mut().poll(cx));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

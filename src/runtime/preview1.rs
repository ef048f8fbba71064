//! Runs WASI preview 1 commands: a fresh instance for each call, the payload on standard input, the reply on standard
//! output, the log on standard error, and the request's data in environment variables, as CGI has them.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWrite;
use wasmtime::TypedFunc;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use super::attempt::{Record, environment_variables};
use super::environment::{Guest, start};
use super::fault::{Fault, ReplyTooLarge};
use super::logs::LogSink;
use super::meter::metered;
use super::program::Program;
use super::reply::Outlet;
use super::service::Service;
use super::state::{self, State};
use super::{Request, Stream};
use crate::model::FunctionVersion;

/// Bytes that a guest may write at once.
const WRITE_BYTES: usize = 64 << 10;

/// Runs one call in an instance of its own. The slot may always be used again: nothing of the guest is left in it.
pub(super) async fn run(
    service: &Service,
    (function, program): (&FunctionVersion, &Program),
    request: Request,
    outlet: &mut Outlet,
    record: &mut Record,
) -> Result<bool, Fault> {
    let logs = Arc::new(LogSink::new(service.clock.clone(), service.config.log_bytes));
    let reply = ReplyPipe::new(service.config.response_bytes);
    let state = || state(service, function, &request, &logs, &reply);
    let result = match start::<TypedFunc<(), ()>>(service, program, state, record).await {
        Ok(mut guest) => {
            let began = service.clock.instant();
            let result = call(&mut guest, record).await;
            record.phases.handler = service.clock.instant().saturating_duration_since(began);
            guest.end(record);
            result
        }
        Err(fault) => Err(fault),
    };
    record.take_logs(&logs);
    let body = reply.take();
    outlet.size = body.len() as u64;
    result?;
    outlet.put_whole(body);
    Ok(true)
}

async fn call(guest: &mut Guest<TypedFunc<(), ()>>, record: &mut Record) -> Result<(), Fault> {
    let left = guest.begin(record.phases.init);
    let Guest { store, entry, .. } = guest;
    let returned = {
        let call = pin!(metered(entry.call_async(&mut *store, ()), &mut record.cpu));
        tokio::time::timeout(left, call).await
    };
    match returned {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Fault::of_guest(&error, store.data()).map_or(Ok(()), Err),
        Err(_) => Err(Fault::timeout(store.data().watch.timeout())),
    }
}

fn state(
    service: &Service,
    function: &FunctionVersion,
    request: &Request,
    logs: &Arc<LogSink>,
    reply: &ReplyPipe,
) -> State {
    let mut wasi = WasiCtxBuilder::new();
    wasi.arg(&function.spec.name);
    let of_request = request_variables(request);
    for (name, value) in environment_variables(function) {
        if !of_request.iter().any(|(taken, _)| *taken == name) {
            wasi.env(name, value);
        }
    }
    for (name, value) in of_request {
        wasi.env(name, value);
    }
    wasi.stdin(state::stdin(request.body.clone())).stdout(reply.clone()).stderr(logs.writer(Stream::Stderr));
    State::new(wasi, service, &function.spec, Arc::clone(logs))
}

/// What a command is told of its request.
fn request_variables(request: &Request) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("REQUEST_METHOD", request.method.to_string()),
        ("PATH_INFO", request.uri.path().to_owned()),
        ("QUERY_STRING", request.uri.query().unwrap_or_default().to_owned()),
        ("CONTENT_LENGTH", request.body.len().to_string()),
    ];
    let header = |name| request.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let optional = [
        ("CONTENT_TYPE", header("content-type")),
        ("TRACEPARENT", request.traceparent.as_deref().or_else(|| header("traceparent"))),
        ("FAREMETER_INVOCATION_ID", request.invocation_id.as_deref()),
    ];
    variables.extend(optional.into_iter().filter_map(|(name, value)| value.map(|value| (name, value.to_owned()))));
    variables
}

/// Standard output of a command, up to a limit; writing past it ends the guest.
#[derive(Clone)]
struct ReplyPipe {
    limit: u64,
    written: Arc<Mutex<BytesMut>>,
}

impl ReplyPipe {
    fn new(limit: u64) -> Self {
        Self { limit, written: Arc::default() }
    }

    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.written.lock().unwrap_or_else(PoisonError::into_inner)).freeze()
    }

    fn push(&self, bytes: &[u8]) -> Result<(), ReplyTooLarge> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if (written.len() + bytes.len()) as u64 > self.limit {
            return Err(ReplyTooLarge { limit: self.limit });
        }
        written.extend_from_slice(bytes);
        Ok(())
    }
}

impl IsTerminal for ReplyPipe {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for ReplyPipe {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for ReplyPipe {
    async fn ready(&mut self) {}
}

impl OutputStream for ReplyPipe {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes).map_err(|error| StreamError::Trap(error.into()))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}

impl AsyncWrite for ReplyPipe {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Ready(self.push(bytes).map(|()| bytes.len()).map_err(std::io::Error::other))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

//! Runs components that export `wasi:http/incoming-handler`: one instance takes one request after another, until it
//! fails. What becomes of the reply is `reply`'s.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderName, HeaderValue};
use http_body_util::Full;
use tokio::sync::oneshot;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::Proxy;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;

use super::attempt::Record;
use super::environment::{Environment, Guest, start};
use super::fault::Fault;
use super::logs::LogSink;
use super::meter::metered;
use super::program::Program;
use super::reply::Outlet;
use super::service::Service;
use super::state::State;
use super::{Request, Stream};
use crate::model::FunctionVersion;

/// How often it is looked whether an instance leaves resources of the host behind.
const LEAK_CHECK_CALLS: u64 = 64;
const INVOCATION_ID: HeaderName = HeaderName::from_static("x-faremeter-invocation-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Runs one request in `environment`, which is started first where it is new. Says whether it may be used again.
pub(super) async fn run(
    service: &Service,
    (function, program): (&FunctionVersion, &Program),
    environment: &mut Environment,
    request: Request,
    outlet: &mut Outlet,
    record: &mut Record,
) -> Result<bool, Fault> {
    let guest = match &mut environment.guest {
        Some(guest) => {
            guest.store.data_mut().memory.begin();
            guest
        }
        none => none.insert(begin(service, (function, program), record).await?),
    };
    let left = guest.begin(record.phases.init);
    let began = service.clock.instant();
    let result = call(guest, request, outlet, left, record).await;
    record.phases.handler = service.clock.instant().saturating_duration_since(began);
    guest.end(record);
    record.take_logs(&guest.store.data().logs);
    result
}

/// Starts an instance, for a call or ahead of one.
pub(super) async fn begin(
    service: &Service,
    (function, program): (&FunctionVersion, &Program),
    record: &mut Record,
) -> Result<Guest<Proxy>, Fault> {
    let logs = Arc::new(LogSink::new(service.clock.clone(), service.config.log_bytes));
    let started = start(service, program, || state(service, function, &logs), record).await;
    started.inspect_err(|_| record.take_logs(&logs))
}

async fn call(
    guest: &mut Guest<Proxy>,
    request: Request,
    outlet: &mut Outlet,
    left: Duration,
    record: &mut Record,
) -> Result<bool, Fault> {
    let Guest { store, entry, calls } = guest;
    *calls += 1;
    let (sender, answer) = oneshot::channel();
    let mut http = store.data_mut().http();
    let fail = |error: wasmtime::Error| Fault::platform("Request", &error);
    let request = http.new_incoming_request(Scheme::Http, http_request(request)?).map_err(fail)?;
    let response = http.new_response_outparam(sender).map_err(fail)?;
    outlet.expect(answer, record.phases);
    let cpu = &mut record.cpu;
    let returned = {
        let mut call =
            pin!(metered(entry.wasi_http_incoming_handler().call_handle(&mut *store, request, response), cpu));
        let mut timer = pin!(tokio::time::sleep(left));
        loop {
            tokio::select! {
                biased;
                returned = &mut call => break Some(returned),
                // After a fault the guest is not called again, and its store, where the way to answer still is, goes.
                advanced = outlet.advance() => advanced?,
                () = &mut timer => break None,
            }
        }
    };
    match returned {
        Some(Ok(())) => {}
        Some(Err(error)) => {
            if let Some(fault) = Fault::of_guest(&error, store.data()) {
                return Err(fault);
            }
            outlet.settle()?;
            return Ok(false);
        }
        None => return Err(Fault::timeout(store.data().watch.timeout())),
    }
    if calls.is_multiple_of(LEAK_CHECK_CALLS) && store.data_mut().leaks() {
        outlet.settle()?;
        return Ok(false);
    }
    let settled = outlet.settle();
    if settled.is_err() && store.data().memory.refused() {
        let message = "memory growth was refused, then the handler returned without a response";
        return Err(Fault::new(super::fault::Cause::OutOfMemory, message));
    }
    settled
}

/// What a component sees of its environment; requests bring the rest.
fn state(service: &Service, function: &FunctionVersion, logs: &Arc<LogSink>) -> State {
    let mut wasi = WasiCtxBuilder::new();
    for (name, value) in super::attempt::environment_variables(function) {
        wasi.env(name, value);
    }
    wasi.stdout(logs.writer(Stream::Stdout)).stderr(logs.writer(Stream::Stderr));
    State::new(wasi, service, &function.spec, Arc::clone(logs))
}

fn http_request(request: Request) -> Result<http::Request<Full<Bytes>>, Fault> {
    let mut to_guest = http::Request::new(Full::new(request.body));
    *to_guest.method_mut() = request.method;
    *to_guest.uri_mut() = request.uri;
    *to_guest.headers_mut() = request.headers;
    let headers = to_guest.headers_mut();
    if headers.get(HOST).is_none_or(|host| host.to_str().is_err()) {
        headers.insert(HOST, HeaderValue::from_static("localhost"));
    }
    for (name, value) in [(INVOCATION_ID, request.invocation_id), (TRACEPARENT, request.traceparent)] {
        if let Some(value) = value {
            let value = HeaderValue::try_from(value).map_err(|error| Fault::platform("Request", &error))?;
            headers.insert(name, value);
        }
    }
    Ok(to_guest)
}

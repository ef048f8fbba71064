//! Starts environments ahead of calls, and others in place of those that a fault ended. How many there are is
//! `pool::version`'s to count; where they wait is `pool`'s.
//!
//! Each active version has one task, which starts one environment after another: a deployment of a thousand leaves the
//! processors to calls. What a guest prints while it starts comes with its first call.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::FutureExt;

use super::attempt::{Record, program};
use super::environment::{Environment, Guest};
use super::fault::Fault;
use super::pool::Version;
use super::service::Service;
use super::{GuestKind, wasi_http};
use crate::model::FunctionVersion;
use wasmtime_wasi_http::p2::bindings::Proxy;

/// The pause after a start that failed: doubled each time, up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Makes `function` the version that calls run: what it wants is set aside and started.
pub(super) fn activate(service: &Arc<Service>, function: &Arc<FunctionVersion>) {
    service.limits.set_aside(&function.spec);
    if let Some(version) = service.pool.activate(function) {
        service.guests().spawn(keep_filled(Arc::downgrade(service), Arc::clone(function), version));
    }
}

/// Starts what is missing, until the version is retired or the runtime is gone.
async fn keep_filled(service: Weak<Service>, function: Arc<FunctionVersion>, version: Arc<Version>) {
    let Some(places) = version.places() else { return };
    let mut pause = PAUSES.0;
    while !version.is_retired() {
        let Some(place) = places.claim() else {
            places.changed().await;
            continue;
        };
        let Some(service) = service.upgrade() else { return };
        let started = AssertUnwindSafe(start(&service, &function, &version)).catch_unwind().await;
        match started.unwrap_or_else(|_| Err(Fault::platform("Lost", &"the start ended without a result"))) {
            Ok(guest) => {
                let id = service.ids.environment(service.clock.now());
                service.pool.give_back(&version, Environment { id, guest, place: Some(place.fill()) });
                pause = PAUSES.0;
            }
            Err(fault) => {
                drop(service);
                let (name, number) = (&function.spec.name, function.version);
                let error_type = fault.cause.error_type();
                tracing::warn!(function = %name, version = number, error_type, error = fault.message, retry_s = pause.as_secs(),
                    "a provisioned environment does not start");
                // The place is held meanwhile, so that what wakes this up is another's end.
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = places.changed() => {}
                }
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}

/// Starts one guest, its own start code included. A command has none before its call: its slot holds the program.
async fn start(
    service: &Arc<Service>,
    function: &FunctionVersion,
    version: &Arc<Version>,
) -> Result<Option<Guest<Proxy>>, Fault> {
    let _ticking = service.engines.ticking();
    let mut record = Record::blank();
    let program = program(service, function, version, &mut record.phases).await?;
    match program.kind() {
        GuestKind::WasiHttp => wasi_http::begin(service, (function, &program), &mut record).await.map(Some),
        GuestKind::WasiPreview1 => Ok(None),
    }
}

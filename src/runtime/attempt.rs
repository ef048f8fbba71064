//! Runs one attempt from its arrival on the guests' threads to the answer: takes or starts an environment, has the guest
//! called, and writes down what it used. Exactly one `Execution` comes of it, whatever happens.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::artifact::Build;
use super::environment::Environment;
use super::fault::{Cause, Fault};
use super::logs::LogSink;
use super::pool::{Taken, Version};
use super::program::Program;
use super::reply::Outlet;
use super::service::Service;
use super::{Admission, Error, Execution, GuestKind, GuestLog, Reply, Request, Source, preview1, wasi_http};
use crate::model::{FunctionVersion, InitType, Outcome, Phases};
use crate::units::{ByteCount, EnvironmentId};

/// Artifacts up to this size are mapped by the thread that needs them; larger ones, which take milliseconds, elsewhere.
const LOAD_INLINE_BYTES: u64 = 4 << 20;

/// What is measured while an attempt runs.
pub(super) struct Record {
    concurrency: u32,
    kind: GuestKind,
    cold: bool,
    environment_id: EnvironmentId,
    init_type: InitType,
    request_size: u64,
    logs: Vec<GuestLog>,
    logs_dropped: u64,
    pub(super) phases: Phases,
    pub(super) cpu: Duration,
    pub(super) peak_memory: u64,
    pub(super) fuel: Option<u64>,
    pub(super) egress: u64,
}

/// Runs the attempt and answers `caller`.
pub(super) async fn run(service: Arc<Service>, admission: Admission, request: Request, caller: oneshot::Sender<Reply>) {
    let mut record = Record::begin(&service, &admission, &request);
    let ticking = service.engines.ticking();
    let function = Arc::clone(&admission.function);
    let mut outlet = Outlet::new(&service.config, request.method == http::Method::HEAD, caller);
    let mut result = execute(&service, &function, request, &mut outlet, &mut record).await;
    // The guest is done, and its place free, before the caller is told: the caller's next call finds room.
    drop((ticking, admission));
    if result.is_ok() {
        let delivered = tokio::time::timeout(function.spec.timeout, outlet.deliver()).await;
        result = delivered.unwrap_or(Ok(()));
    }
    let execution = record.end(result.err(), &outlet);
    outlet.finish(execution);
}

async fn execute(
    service: &Arc<Service>,
    function: &FunctionVersion,
    request: Request,
    outlet: &mut Outlet,
    record: &mut Record,
) -> Result<(), Fault> {
    let Taken { version, environment } = service.pool.take(function);
    let program = program(service, function, &version, &mut record.phases).await?;
    record.kind = program.kind();
    record.cold = environment.is_none();
    let mut environment =
        environment.unwrap_or_else(|| Environment::on_demand(service.ids.environment(service.clock.now())));
    record.environment_id = environment.id.clone();
    record.init_type = environment.init_type();
    let guest = (function, &*program);
    let result = match program.kind() {
        GuestKind::WasiHttp => wasi_http::run(service, guest, &mut environment, request, outlet, record).await,
        GuestKind::WasiPreview1 => preview1::run(service, guest, request, outlet, record).await,
    };
    let reusable = match (&result, program.kind()) {
        (Ok(reusable), _) => *reusable,
        (Err(_), GuestKind::WasiHttp) => false,
        // Nothing of the guest is left in a slot.
        (Err(fault), GuestKind::WasiPreview1) => fault.cause.outcome() != Outcome::PlatformError,
    };
    if reusable && !function.spec.single_use {
        service.pool.give_back(&version, environment);
    }
    result.map(|_| ())
}

/// The version's program, which the first that needs it loads while others wait for it.
pub(super) async fn program(
    service: &Arc<Service>,
    function: &FunctionVersion,
    version: &Version,
    phases: &mut Phases,
) -> Result<Arc<Program>, Fault> {
    if let Some(program) = version.program.get() {
        return Ok(Arc::clone(program));
    }
    let began = service.clock.instant();
    let mut compile = Duration::ZERO;
    let loaded =
        version.program.get_or_try_init(|| load(service, Build::of(function), &mut compile)).await.map(Arc::clone);
    phases.compile = compile;
    phases.load = service.clock.instant().saturating_duration_since(began).saturating_sub(compile);
    loaded
}

/// Loads the artifact; where there is none, or one that cannot be used, it is compiled now.
async fn load(service: &Arc<Service>, build: Build<'_>, compile: &mut Duration) -> Result<Arc<Program>, Fault> {
    if service.artifacts.is_ready(build) {
        match map(service, build).await {
            Ok(program) => return Ok(program),
            Err(error) => {
                let (sha256, error) = (build.sha256, format!("{error:#}"));
                tracing::warn!(sha256, error, "artifact cannot be used; compiling it again");
                service.artifacts.discard(build);
            }
        }
    }
    let began = service.clock.instant();
    let made = match service.artifacts.read_source(build.sha256) {
        Ok(source) => service.artifacts.make(Source { fuel: build.fuel, ..source }).await,
        Err(error) => Err(error),
    };
    *compile = service.clock.instant().saturating_duration_since(began);
    made.map_err(|error| match error {
        Error::InvalidGuest(_) => Fault::platform("Compile", &error),
        Error::Platform(_) | Error::SetAside { .. } => Fault::platform("Artifact", &error),
    })?;
    map(service, build).await.map_err(|error| Fault::platform("Artifact", &format_args!("{error:#}")))
}

async fn map(service: &Arc<Service>, build: Build<'_>) -> wasmtime::Result<Arc<Program>> {
    let (path, fuel) = (service.artifacts.artifact(build), build.fuel);
    if std::fs::metadata(&path)?.len() <= LOAD_INLINE_BYTES {
        return Program::load(&service.engines, &path, fuel).map(Arc::new);
    }
    let service = Arc::clone(service);
    tokio::task::spawn_blocking(move || Program::load(&service.engines, &path, fuel).map(Arc::new)).await?
}

/// What every guest finds in its environment: what `deploy` said, and which function it is.
pub(super) fn environment_variables(function: &FunctionVersion) -> Vec<(&str, String)> {
    let own = [
        ("FAREMETER_FUNCTION_NAME", function.spec.name.clone()),
        ("FAREMETER_FUNCTION_VERSION", function.version.to_string()),
        ("FAREMETER_MEMORY_MB", function.spec.memory.0.to_string()),
    ];
    let deployed = function.spec.env.iter().map(|(name, value)| (name.as_str(), value.clone()));
    deployed.filter(|(name, _)| own.iter().all(|(taken, _)| taken != name)).chain(own.clone()).collect()
}

impl Record {
    fn begin(service: &Service, admission: &Admission, request: &Request) -> Self {
        let queue = service.clock.instant().saturating_duration_since(request.arrived);
        let phases = Phases { queue, ..Phases::default() };
        let (concurrency, request_size) = (admission.permit.concurrency, request.body.len() as u64);
        Self { concurrency, request_size, phases, ..Self::blank() }
    }

    /// Of nothing having happened yet.
    pub(super) fn blank() -> Self {
        Self {
            concurrency: 0,
            kind: GuestKind::WasiHttp,
            cold: false,
            environment_id: EnvironmentId(String::new()),
            init_type: InitType::OnDemand,
            request_size: 0,
            logs: Vec::new(),
            logs_dropped: 0,
            phases: Phases::default(),
            cpu: Duration::ZERO,
            peak_memory: 0,
            fuel: None,
            egress: 0,
        }
    }

    /// Takes what the guest printed.
    pub(super) fn take_logs(&mut self, logs: &LogSink) {
        (self.logs, self.logs_dropped) = logs.finish();
    }

    fn end(self, fault: Option<Fault>, outlet: &Outlet) -> Execution {
        let failed = fault.is_some();
        Execution {
            outcome: fault.as_ref().map_or(Outcome::Ok, |fault| fault.cause.outcome()),
            error_type: fault.as_ref().map(|fault| fault.cause.error_type()),
            error_message: fault.map(|fault| fault.message),
            concurrency: Some(self.concurrency),
            kind: self.kind,
            cold: self.cold,
            environment_id: self.environment_id,
            init_type: self.init_type,
            phases: self.phases,
            cpu: self.cpu,
            peak_memory: ByteCount(self.peak_memory),
            fuel: self.fuel,
            egress: ByteCount(self.egress),
            request_size: ByteCount(self.request_size),
            response_size: ByteCount(outlet.size),
            streamed: ByteCount(outlet.streamed),
            http_status: outlet.status.filter(|_| !failed || outlet.streams()),
            logs: self.logs,
            logs_dropped: self.logs_dropped,
        }
    }
}

/// What is left to say of an attempt whose task ended before it could say anything: a bug of ours.
pub(super) fn lost(kind: GuestKind, request_size: u64) -> Execution {
    let fault = Fault::platform("Lost", &"the attempt ended without a result");
    Execution {
        outcome: fault.cause.outcome(),
        error_type: Some(Cause::error_type(&fault.cause)),
        error_message: Some(fault.message),
        concurrency: None,
        kind,
        cold: false,
        environment_id: EnvironmentId(String::new()),
        init_type: InitType::OnDemand,
        phases: Phases::default(),
        cpu: Duration::ZERO,
        peak_memory: ByteCount(0),
        fuel: None,
        egress: ByteCount(0),
        request_size: ByteCount(request_size),
        response_size: ByteCount(0),
        streamed: ByteCount(0),
        http_status: None,
        logs: Vec::new(),
        logs_dropped: 0,
    }
}

//! Owns the running of WebAssembly functions: compiling, execution environments, limits and metering.
//! It knows no prices, no tables and no names of tenants beyond their limits.
//!
//! One attempt, in a straight line: `admit` counts it against the limits → `invoke` runs it, on its caller's thread or
//! the guests' own (`placement`) → `attempt` takes an environment (`pool`), or starts one (`program`, `environment`) → `wasi_http` or `preview1` calls the
//! guest under its meters (`meter`, `watch`, `logs`), its own requests going out by `egress` → `reply` answers the caller → `Execution` says what it used.
//!
//! How the phases are told apart. `queue` ends when the attempt's task begins. `compile` and `load` are spent making a
//! `Program`; a call that waits for another call's loading counts the wait as `load`. `instantiate` and `init` share the
//! making of an instance: the store's epoch deadline is set to have passed already, so that the first wasm function that
//! runs calls back at once and leaves the time; what comes before is `instantiate` (not billed), what comes after is the
//! guest's own start code, `init` (billed). Where a component has several core modules, making those that follow the
//! first start function counts as init. `handler` ends when the guest's function has returned, and with it the writing of
//! its body; what the caller has not yet taken of a streamed reply is delivered after that, unbilled.

mod artifact;
mod attempt;
mod check;
mod egress;
mod engine;
mod environment;
mod fault;
mod limits;
mod logline;
mod logs;
mod meter;
mod outgoing;
mod placement;
mod pool;
mod preview1;
mod program;
mod provision;
mod reply;
mod scan;
mod service;
mod state;
mod status;
#[cfg(test)]
mod tests;
mod wasi_http;
mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::clock::Clock;
use crate::model::{FunctionSpec, FunctionVersion, InitType, Outcome, Phases};
use crate::units::{ByteCount, EnvironmentId, IdSource, Timestamp};

pub use limits::{Quota, Throttled};
pub use logs::{GuestLog, Stream};
pub use status::{Provisioned, Status};

/// What the runtime is to keep to.
#[derive(Debug, Clone)]
pub struct Config {
    /// Compiled artifacts, by key. Only the runtime may write here: what lies here is run as machine code.
    pub artifacts_dir: PathBuf,
    /// Deployed modules in binary form, `<sha256>.wasm`: compiled again where an artifact is missing or no longer fits.
    pub sources_dir: PathBuf,
    /// Idle environments expire after this (5 min).
    pub idle_timeout: Duration,
    /// Idle environments kept in all (512); past it the one that is idle the longest goes.
    pub idle_environments: u32,
    /// Calls at once in the account (1000).
    pub account_concurrency: u32,
    /// Calls admitted a second in the account, with a burst of one second's worth (no limit).
    pub account_rate_per_s: Option<u32>,
    /// What each tenant may use of that (no limits of its own).
    pub tenant: Quota,
    /// Tenants with limits other than `tenant`; what is none here is as there (no such tenants).
    pub tenants: BTreeMap<String, Quota>,
    /// Request body limit (6 MiB).
    pub request_bytes: u64,
    /// Response body limit (20 MiB).
    pub response_bytes: u64,
    /// Log bytes kept of one invocation (256 KiB), each line with 256 besides its text; more is counted and dropped.
    pub log_bytes: u64,
    /// A reply is answered whole when it ends within this time and size; else it streams (100 ms, 1 MiB).
    /// The time runs from the moment when the guest gives its status and headers.
    pub stream_after: Duration,
    /// See `stream_after`.
    pub stream_above_bytes: u64,
    /// Requests of guests to other hosts that are on their way at once, in all (512).
    pub outgoing_requests: u32,
    /// The same of one call (16).
    pub outgoing_requests_of_call: u32,
    /// Threads that run guests, apart from those that serve the web (as many as there are processors).
    pub threads: usize,
}

impl Config {
    /// The defaults, with artifacts and sources under `data_dir`.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self {
            artifacts_dir: data_dir.join("artifacts"),
            sources_dir: data_dir.join("sources"),
            idle_timeout: Duration::from_secs(300),
            idle_environments: 512,
            account_concurrency: 1_000,
            account_rate_per_s: None,
            tenant: Quota::default(),
            tenants: BTreeMap::new(),
            request_bytes: 6 << 20,
            response_bytes: 20 << 20,
            log_bytes: 256 << 10,
            stream_after: Duration::from_millis(100),
            stream_above_bytes: 1 << 20,
            outgoing_requests: 512,
            outgoing_requests_of_call: 16,
            threads: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        }
    }
}

/// The two kinds of guest that run here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestKind {
    /// A component that exports `wasi:http/incoming-handler` 0.2.
    WasiHttp,
    /// A core module with `_start`: a WASI preview 1 command.
    WasiPreview1,
}

impl GuestKind {
    /// The word in the column `runtime`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WasiHttp => "wasi-http",
            Self::WasiPreview1 => "wasi-preview1",
        }
    }
}

/// A module or component that was checked and can be compiled: always in binary form.
#[derive(Debug, Clone)]
pub struct Source {
    /// SHA-256 of `wasm`, lower-case hex.
    pub sha256: String,
    /// The binary form.
    pub wasm: Bytes,
    /// What it is.
    pub kind: GuestKind,
    /// Whether it is to be compiled to count its instructions (false).
    pub fuel: bool,
}

/// Why a deployment or the start of the runtime failed. What goes wrong in a call is in its `Execution`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was uploaded is not a function that can run here.
    #[error("{0}")]
    InvalidGuest(String),
    /// A function asks for more of the account's concurrency than others leave.
    #[error(
        "{asked} of the account's {limit} calls at once cannot be set aside (reserved or provisioned concurrency): other \
         functions leave {left}"
    )]
    SetAside { asked: u32, left: u64, limit: u32 },
    /// Our fault: a directory that cannot be written, an engine that does not start. Another try may help.
    #[error("{0}")]
    Platform(String),
}

/// One call.
pub struct Request {
    /// The method, as the guest is to see it.
    pub method: http::Method,
    /// Path and query as the guest is to see them, e.g. `/fn/shop/cart?x=1`; for preview 1 passed as env only.
    pub uri: http::Uri,
    /// The headers; hop-by-hop ones do not reach the guest.
    pub headers: http::HeaderMap,
    /// The body, whole (already within `Config::request_bytes`).
    pub body: Bytes,
    /// When the call arrived, wall clock (phase `queue` starts at `arrived`).
    pub started_at: Timestamp,
    /// The same moment on the steady clock.
    pub arrived: std::time::Instant,
    /// Told to the guest: header `x-faremeter-invocation-id`, for preview 1 the variable `FAREMETER_INVOCATION_ID`.
    pub invocation_id: Option<String>,
    /// Told to the guest in place of the caller's: header `traceparent`, for preview 1 the variable `TRACEPARENT`.
    pub traceparent: Option<String>,
}

/// Permission to run, counted against the limits; dropping it gives it back.
pub struct Admission {
    /// What may run.
    pub function: Arc<FunctionVersion>,
    permit: limits::Permit,
}

/// What comes back to the caller while or after the guest runs.
pub enum Reply {
    /// The guest is done; its whole reply. None: it failed before a reply was complete.
    Whole {
        /// The reply.
        response: Option<http::Response<Bytes>>,
        /// What the attempt did and used.
        execution: Execution,
    },
    /// The reply streams; `execution` resolves when the guest is done (also if the caller goes away). A body that ends
    /// early looks like one that ends: only the execution's outcome tells.
    Streaming {
        /// Status and headers, and the body as it comes.
        response: http::Response<tokio::sync::mpsc::Receiver<Bytes>>,
        /// The phases before the handler.
        phases: Phases,
        /// What the attempt did and used.
        execution: BoxFuture<'static, Execution>,
    },
}

/// What one attempt did and used.
#[derive(Debug, Clone)]
pub struct Execution {
    /// How it ended.
    pub outcome: Outcome,
    /// Finer cause: the words are listed in `runtime/fault.rs`, e.g. `Trap.UnreachableCodeReached`, `Exit.3`, `Timeout`.
    pub error_type: Option<String>,
    /// What a person reads: one line, at most 1 KiB.
    pub error_message: Option<String>,
    /// Calls of the function that ran when this one was admitted, itself included; none where a fault of ours lost it.
    pub concurrency: Option<u32>,
    /// What kind of guest it was; `WasiHttp` where a fault of ours kept it from being known.
    pub kind: GuestKind,
    /// Whether it was the first invocation of its environment.
    pub cold: bool,
    /// The environment that ran it; empty where a fault of ours came before there was one.
    pub environment_id: EnvironmentId,
    /// How the environment came to be.
    pub init_type: InitType,
    /// Lengths of the phases.
    pub phases: Phases,
    /// CPU time of the handler.
    pub cpu: Duration,
    /// The most memory that the guest held during this invocation, all its linear memories together.
    pub peak_memory: ByteCount,
    /// WebAssembly instructions of the handler, counted as fuel, where the function asks for it: the same call of an
    /// environment in the same state gives exactly the same. Start code (init) and the host's own work are left out.
    /// Where the guest was ended by its time limit, what it had used some 10 million instructions before at most.
    pub fuel: Option<u64>,
    /// Bytes that the guest sent to other hosts: its requests as HTTP/1.1 has them, heads, bodies and framing; what TLS
    /// and TCP add is left out.
    pub egress: ByteCount,
    /// Bytes of the request's body.
    pub request_size: ByteCount,
    /// Bytes of the reply's body that the guest wrote.
    pub response_size: ByteCount,
    /// Bytes of the reply that were streamed rather than answered whole.
    pub streamed: ByteCount,
    /// The guest's own status (component), 200 for a preview 1 command that exits 0; none where it failed before the
    /// caller had it.
    pub http_status: Option<u16>,
    /// What it printed.
    pub logs: Vec<GuestLog>,
    /// Log lines dropped past the limit.
    pub logs_dropped: u64,
}

/// Runs functions. Cheap clone; the last one to go stops the guests' threads.
#[derive(Clone)]
pub struct Runtime(Arc<service::Service>);

impl Runtime {
    /// Starts the engine and the guests' threads. The directories are made where they are missing.
    pub fn start(config: Config, clock: Clock, ids: IdSource) -> Result<Self, Error> {
        service::Service::start(config, clock, ids).map(Self)
    }

    /// Checks an upload (WAT or binary; component or core module) without compiling it; CPU work, call off the async threads.
    pub fn check(&self, upload: &[u8]) -> Result<Source, Error> {
        check::check(&self.0.engines, upload)
    }

    /// Keeps a source on disk, so that it can be compiled after a restart. On disk when this returns.
    pub async fn save(&self, source: Source) -> Result<(), Error> {
        self.0.save(source).await
    }

    /// The source that was kept under this digest.
    pub async fn saved(&self, sha256: &str) -> Result<Source, Error> {
        self.0.saved(sha256.to_owned()).await
    }

    /// Compiles in a bounded background worker and stores the artifact, unless it is there already. Keeps the source.
    pub async fn compile(&self, source: Source) -> Result<(), Error> {
        self.0.compile(source).await
    }

    /// Whether the artifact of a source is ready; `fuel` asks for the one that counts its instructions.
    #[must_use]
    pub fn is_compiled(&self, sha256: &str, fuel: bool) -> bool {
        self.0.artifacts.is_ready(artifact::Build { sha256, fuel })
    }

    /// Whether what `spec` reserves or provisions is left of the account's concurrency, besides what other active
    /// functions have set aside. One that is still being compiled does not count yet: should both become active, nothing
    /// is left for others, and the account's limit holds.
    pub fn check_limits(&self, spec: &FunctionSpec) -> Result<(), Error> {
        self.0.limits.check(spec)
    }

    /// Calls run this version from now on: its provisioned environments are started in the background, and those of other
    /// versions are forgotten. Calls that run go on; their environments are dropped when they end. Done again, it changes
    /// nothing.
    pub fn activate(&self, function: &Arc<FunctionVersion>) {
        provision::activate(&self.0, function);
    }

    /// Forgets a function's environments and what is set aside for it. Calls that run go on.
    pub fn remove(&self, function: &str) {
        self.0.limits.release(function);
        self.0.pool.remove(function);
    }

    /// The provisioned environments of a function's active version; none where it wants none.
    #[must_use]
    pub fn provisioned(&self, function: &str) -> Option<Provisioned> {
        self.0.pool.provisioned_of(function)
    }

    /// Admits a call or says which limit turns it away; never waits.
    pub fn admit(&self, function: &Arc<FunctionVersion>) -> Result<Admission, Throttled> {
        let permit = limits::admit(&self.0.limits, function)?;
        Ok(Admission { function: Arc::clone(function), permit })
    }

    /// Runs one call in an environment, warm or cold. Runs to its end even if the returned future is dropped.
    pub async fn invoke(&self, admission: Admission, request: Request) -> Reply {
        service::invoke(&self.0, admission, request).await
    }

    /// Waits for running calls, at most `deadline`; then drops environments. Says how many calls were still running.
    pub async fn shutdown(&self, deadline: Duration) -> usize {
        self.0.shutdown(deadline).await
    }

    /// Figures for /metrics.
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.status()
    }
}

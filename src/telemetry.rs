//! Faremeter's own logs and traces: log lines to stderr, readable on a terminal, one JSON object a line elsewhere on request;
//! and both to an OTLP endpoint where one is named. What functions log is telemetry of theirs, and goes to `crate::store`.

mod otlp;
mod tls;

use std::io::IsTerminal;

use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

pub use otlp::{Error, Otlp, Protocol, Providers};

/// The target of spans that are made for traces alone: log lines do not show them.
pub const TRACED: &str = "faremeter::traced";

/// How our own log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// Begins logging at `info`; `FAREMETER_LOG` sets other levels, such as `debug` or `faremeter::store=trace`. Traces and logs
/// go to `otlp` as well where it is given; what is returned sends the rest when it is stopped.
pub fn init(format: LogFormat, otlp: Option<&Otlp>) -> Result<Option<Providers>, Error> {
    // Delta's kernel logs each error that it returns, those too that are an answer, such as that there is no table yet.
    let levels = EnvFilter::try_from_env("FAREMETER_LOG").unwrap_or_else(|_| {
        EnvFilter::new("info,datafusion=warn,deltalake_core=warn,delta_kernel=off,buoyant_kernel=off")
    });
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_span_events(FmtSpan::NONE)
        .with_target(false);
    let not_traced = || tracing_subscriber::filter::filter_fn(|metadata| metadata.target() != TRACED);
    let lines = match format {
        LogFormat::Text => lines.with_filter(not_traced()).boxed(),
        LogFormat::Json => lines.json().with_filter(not_traced()).boxed(),
    };
    let providers = otlp.map(Providers::new).transpose()?;
    let exported = providers.as_ref().map(Providers::layer);
    if tracing_subscriber::registry().with(levels).with(lines).with(exported).try_init().is_err() {
        tracing::debug!("logging had begun already");
    }
    Ok(providers)
}

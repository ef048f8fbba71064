//! Faremeter's own logs: to stderr, readable on a terminal, one JSON object a line elsewhere on request.
//! What functions log is telemetry of theirs, and goes to `crate::store`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// How our own log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// Begins logging at `info`; `FAREMETER_LOG` sets other levels, such as `debug` or `faremeter::store=trace`.
pub fn init(format: LogFormat) {
    // Delta's kernel logs each error that it returns, those too that are an answer, such as that there is no table yet.
    let filter = EnvFilter::try_from_env("FAREMETER_LOG").unwrap_or_else(|_| {
        EnvFilter::new("info,datafusion=warn,deltalake_core=warn,delta_kernel=off,buoyant_kernel=off")
    });
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_span_events(FmtSpan::NONE)
        .with_target(false);
    let begun = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    if begun.is_err() {
        tracing::debug!("logging had begun already");
    }
}

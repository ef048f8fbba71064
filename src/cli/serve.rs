//! `faremeter serve`: everything in one process, until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::config::Config;
use crate::store::WalSync;
use crate::telemetry::{self, LogFormat, Otlp, Providers};
use crate::web::{Listen, OtlpAddresses};

use super::{Common, output};

/// How long a stop waits for the last of our own telemetry to be sent.
const LAST_SENDING: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    pub(super) options: ServeOptions,
}

/// What `serve` and `demo` take.
#[derive(Debug, Args)]
pub(super) struct ServeOptions {
    /// Where the page and the API listen [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where OTLP over gRPC listens, or off [default: 127.0.0.1:4317]
    #[arg(long, value_name = "ADDRESS")]
    otlp_grpc: Option<Listen>,
    /// Where OTLP over HTTP listens beside the main port, or off [default: 127.0.0.1:4318]
    #[arg(long, value_name = "ADDRESS")]
    otlp_http: Option<Listen>,
    /// The region that prices and records name [default: us-east-1]
    #[arg(long)]
    region: Option<String>,
    /// The billing account that records name [default: default]
    #[arg(long)]
    account: Option<String>,
    /// Folder with dashboards (*.toml) and their queries (*.sql) beside those of the program
    #[arg(long, value_name = "DIR")]
    dashboards: Option<PathBuf>,
    /// OTLP endpoint that the server's own telemetry goes to, such as http://127.0.0.1:4318; the configuration file says more
    #[arg(long, value_name = "URL", value_parser = Otlp::at)]
    forward: Option<Otlp>,
    /// When records reach the disk: within 20 ms, or before each answer [default: interval]
    #[arg(long, value_enum)]
    wal_sync: Option<Sync>,
    /// How the server's own log lines look
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Sync {
    Interval,
    Always,
}

impl ServeOptions {
    /// Reads the configuration and begins logging; what is returned beside it sends our own telemetry.
    pub(super) fn config(&self, common: &Common) -> anyhow::Result<(Config, Option<Providers>)> {
        let mut flags = common.flags();
        flags.listen = self.listen;
        flags.otlp_grpc = self.otlp_grpc;
        flags.otlp_http = self.otlp_http;
        flags.region.clone_from(&self.region);
        flags.account.clone_from(&self.account);
        flags.dashboards.clone_from(&self.dashboards);
        flags.forward.clone_from(&self.forward);
        flags.wal_sync = self.wal_sync.map(|sync| match sync {
            Sync::Interval => WalSync::Interval,
            Sync::Always => WalSync::Always,
        });
        let config = Config::read(&flags)?;
        let otlp = config.forward.otlp.as_ref().filter(|_| config.forward.own);
        let providers = telemetry::init(self.log_format, otlp)?;
        Ok((config, providers))
    }
}

impl Serve {
    pub(super) async fn run(&self, common: &Common) -> anyhow::Result<()> {
        let (config, providers) = self.options.config(common)?;
        let app = App::start(config).await?;
        say_otlp(&app)?;
        output::line(&format!("Faremeter is ready at {}", app.url()))?;
        let stopped = app.run(stop_signal()?).await;
        send_rest(providers).await;
        stopped
    }
}

/// Sends what is left of our own telemetry.
pub(super) async fn send_rest(providers: Option<Providers>) {
    if let Some(providers) = providers {
        let _nothing_to_do_when_it_panics = tokio::task::spawn_blocking(move || providers.stop(LAST_SENDING)).await;
    }
}

/// Prints where telemetry can be sent to.
pub(super) fn say_otlp(app: &App) -> anyhow::Result<()> {
    let OtlpAddresses { grpc, http } = app.otlp_addrs();
    for (over, address) in [("gRPC", grpc), ("HTTP", http)] {
        if let Some(address) = address {
            output::line(&format!("OTLP over {over} is taken at {address}"))?;
        }
    }
    Ok(())
}

/// Is cancelled by an interrupt or a request to terminate.
pub(super) fn stop_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = CancellationToken::new();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        told.cancel();
    });
    Ok(stop)
}

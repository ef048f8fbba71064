//! Owns the configuration: one struct that holds each part's own Config, read once from the file and the flags
//! (a flag wins over the file, the file over the default) and passed down. No part reads it from here.

mod file;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{billing, catalog, forward, ingest, query, runtime, store, trigger, web};

use crate::telemetry::Otlp;

pub use file::Error;

/// Every part's configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
    /// The folder that holds everything.
    pub data: PathBuf,
    /// Functions and limits.
    pub catalog: catalog::Config,
    /// Telemetry.
    pub store: store::Config,
    /// The executor.
    pub runtime: runtime::Config,
    /// SQL.
    pub query: query::Config,
    /// What records say of where they were made.
    pub trigger: trigger::Config,
    /// What is taken in from elsewhere.
    pub ingest: ingest::Config,
    /// The HTTP server.
    pub web: web::Config,
    /// Telemetry that is sent on.
    pub forward: forward::Config,
    /// What bills are made with.
    pub billing: billing::Config,
    /// How long a stop waits for calls that run (20 s).
    pub stop_deadline: Duration,
}

/// What the command line says; each wins over the file.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--listen`
    pub listen: Option<SocketAddr>,
    /// `--otlp-grpc`
    pub otlp_grpc: Option<web::Listen>,
    /// `--otlp-http`
    pub otlp_http: Option<web::Listen>,
    /// `--region`
    pub region: Option<String>,
    /// `--account`
    pub account: Option<String>,
    /// `--dashboards`
    pub dashboards: Option<PathBuf>,
    /// `--forward`
    pub forward: Option<Otlp>,
    /// `--wal-sync`
    pub wal_sync: Option<store::WalSync>,
}

/// Where data is when nothing else is said.
pub const DEFAULT_DATA: &str = "./faremeter-data";

/// Calls, other requests and records that wait for their commit, besides as many calls as the account may have at once.
const SPARE_CALLS: u64 = 600;

/// Room for the records of 1,600 calls at once, whose logs are reserved for in full (512 MiB).
const BUFFER_BYTES: u64 = 512 << 20;

impl Config {
    /// The defaults, with everything in `data`.
    #[must_use]
    pub fn at(data: &Path) -> Self {
        Self {
            file: None,
            data: data.to_owned(),
            catalog: catalog::Config::at(data.join("catalog.db")),
            store: store::Config { buffer_bytes: BUFFER_BYTES, ..store::Config::at(data) },
            runtime: runtime::Config::new(data),
            query: query::Config::default(),
            trigger: trigger::Config::default(),
            ingest: ingest::Config::default(),
            web: web::Config::default(),
            forward: forward::Config::at(data),
            billing: billing::Config::default(),
            stop_deadline: Duration::from_secs(20),
        }
    }

    /// Reads the file, if one is named, and lays the flags over it.
    pub fn read(flags: &Flags) -> Result<Self, Error> {
        let file = flags.config.as_deref().map(file::read).transpose()?.unwrap_or_default();
        let data = flags.data.clone().or_else(|| file.data.clone()).unwrap_or_else(|| DEFAULT_DATA.into());
        let mut config = Self::at(&data);
        config.file.clone_from(&flags.config);
        file.apply(&mut config);
        if let Some(listen) = flags.listen {
            config.web.listen = listen;
        }
        if let Some(listen) = flags.otlp_grpc {
            config.web.otlp_grpc = listen;
        }
        if let Some(listen) = flags.otlp_http {
            config.web.otlp_http = listen;
        }
        if let Some(region) = &flags.region {
            config.trigger.region.clone_from(region);
        }
        if let Some(account) = &flags.account {
            config.trigger.account.clone_from(account);
        }
        if let Some(dashboards) = &flags.dashboards {
            config.web.dashboards = Some(dashboards.clone());
        }
        if let Some(otlp) = &flags.forward {
            let headers = config.forward.otlp.take().map(|known| known.headers).unwrap_or_default();
            config.forward.otlp = Some(Otlp { headers, ..otlp.clone() });
        }
        if let Some(wal_sync) = flags.wal_sync {
            config.store.wal_sync = wal_sync;
        }
        Ok(config)
    }
}

impl Config {
    /// As many calls as may run at once have room for their records, and those that are turned away meanwhile too: the
    /// limit that turns a call away is the one that was set for that.
    fn make_room_for_records(&mut self) {
        let calls = u64::from(self.runtime.account_concurrency) + SPARE_CALLS;
        self.store.buffer_bytes = self.store.buffer_bytes.max(calls.saturating_mul(self.trigger.record_bytes));
    }

    /// The same for their connections.
    fn make_room_for_connections(&mut self) {
        let calls = u64::from(self.runtime.account_concurrency).saturating_add(SPARE_CALLS);
        let calls = usize::try_from(calls).unwrap_or(usize::MAX);
        self.web.max_connections = self.web.max_connections.max(calls);
        self.web.max_requests = self.web.max_requests.max(calls);
    }
}

#[cfg(test)]
mod tests;

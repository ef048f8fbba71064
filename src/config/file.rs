//! The configuration file: TOML, every key optional, an unknown key refused with its line.

mod billing;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::forward;
use crate::ingest;
use crate::model::check_name;
use crate::runtime::{self, Quota};
use crate::store::{self, WalSync};
use crate::telemetry::{Otlp, Protocol};
use crate::units::parse_duration;
use crate::web::{self, Listen};

use super::Config;
use billing::Billing;

/// Why the file was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("the configuration file {file} cannot be read: {source}")]
    Unreadable { file: String, source: std::io::Error },
    /// It breaks the rules.
    #[error("the configuration file {file} is wrong: {reason}")]
    Malformed { file: String, reason: String },
}

/// What a file may say. Absent keys leave the defaults.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) data: Option<PathBuf>,
    listen: Option<SocketAddr>,
    otlp_grpc: Option<Port>,
    otlp_http: Option<Port>,
    region: Option<String>,
    account: Option<String>,
    stop_deadline: Option<Length>,
    store: Store,
    retention: Retention,
    runtime: Runtime,
    query: Query,
    ingest: Ingest,
    web: Web,
    forward: Forward,
    billing: Billing,
    /// By the tenant's name.
    tenants: BTreeMap<String, Tenant>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Store {
    wal_sync: Option<Sync>,
    commit_interval: Option<Length>,
    buffer_mb: Option<u32>,
    maintenance_interval: Option<Length>,
    vacuum_after: Option<Length>,
    disk_limit_mb: Option<u32>,
    min_free_mb: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Retention {
    invocations: Option<Days>,
    spans: Option<Days>,
    logs: Option<Days>,
    metrics: Option<Days>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Runtime {
    idle_timeout: Option<Length>,
    account_concurrency: Option<u32>,
    account_rate_per_s: Option<NonZeroU32>,
    tenant_concurrency: Option<u32>,
    tenant_rate_per_s: Option<NonZeroU32>,
    response_mb: Option<u32>,
    log_kb: Option<u32>,
}

/// What is absent is as `[runtime]` has it for every tenant.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Tenant {
    concurrency: Option<u32>,
    rate_per_s: Option<NonZeroU32>,
    /// What is absent is as `[retention]` has it.
    retention: Option<Retention>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Query {
    timeout: Option<Length>,
    max_rows: Option<usize>,
    memory_mb: Option<u32>,
    rollup_mb: Option<u32>,
    concurrency: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Ingest {
    max_body_mb: Option<u32>,
    max_held_mb: Option<u32>,
    dedupe_window: Option<Length>,
    dedupe_keys: Option<usize>,
    aws_lambda: AwsLambda,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AwsLambda {
    imports: Option<NonZeroU32>,
    import_wait: Option<Length>,
    import_buffer_mb: Option<u32>,
    requests: Option<NonZeroU32>,
    waiting: Option<u32>,
    max_request_mb: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Web {
    dashboards: Option<PathBuf>,
    max_tails: Option<u32>,
    tail_rows: Option<NonZeroU32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Forward {
    endpoint: Option<Endpoint>,
    protocol: Option<OtlpProtocol>,
    headers: BTreeMap<String, String>,
    own: Option<bool>,
    functions: Option<bool>,
    interval: Option<Length>,
}

/// Where OTLP is sent.
#[derive(Debug)]
struct Endpoint(Otlp);

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Otlp::at(&String::deserialize(deserializer)?).map(Endpoint).map_err(serde::de::Error::custom)
    }
}

#[derive(Debug, Clone, Copy)]
struct OtlpProtocol(Protocol);

impl<'de> Deserialize<'de> for OtlpProtocol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(OtlpProtocol).map_err(serde::de::Error::custom)
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sync {
    Interval,
    Always,
}

/// An address, or `off`.
#[derive(Debug, Clone, Copy)]
struct Port(Listen);

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// A length of time in Prometheus' notation.
#[derive(Debug, Clone, Copy)]
struct Length(Duration);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text).map(Length).map_err(serde::de::Error::custom)
    }
}

/// A length of time of whole days, one at least.
#[derive(Debug, Clone, Copy)]
struct Days(u32);

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const DAY: u64 = 86_400_000;
        let text = String::deserialize(deserializer)?;
        let millis = parse_duration(&text).map_err(serde::de::Error::custom)?.as_millis();
        let days = u64::try_from(millis).ok().filter(|millis| *millis > 0 && millis.is_multiple_of(DAY));
        let days = days.and_then(|millis| u32::try_from(millis / DAY).ok());
        days.map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("'{text}' is not a number of whole days, as 30d is")))
    }
}

pub(super) fn read(path: &Path) -> Result<File, Error> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| Error::Unreadable { file: file.clone(), source })?;
    let parsed: File = toml::from_str(&text)
        .map_err(|error| Error::Malformed { file: file.clone(), reason: one_line(&error, &text) })?;
    let wrong_name = parsed.tenants.keys().find_map(|name| check_name(name, "tenant").err());
    wrong_name.map_or(Ok(parsed), |wrong| Err(Error::Malformed { file, reason: format!("[tenants]: {wrong}") }))
}

/// The library's own text shows the place over several lines; ours is one sentence.
fn one_line(error: &toml::de::Error, text: &str) -> String {
    let message = error.message().lines().map(str::trim).collect::<Vec<_>>().join(", ");
    let Some(place) = error.span().and_then(|span| text.get(..span.start)) else { return message };
    let line = place.matches('\n').count();
    let shown = text.lines().nth(line).unwrap_or_default().trim();
    format!("line {}, '{shown}': {message}", line + 1)
}

impl File {
    pub(super) fn apply(mut self, config: &mut Config) {
        set(&mut config.web.listen, self.listen);
        set(&mut config.web.otlp_grpc, self.otlp_grpc.map(|port| port.0));
        set(&mut config.web.otlp_http, self.otlp_http.map(|port| port.0));
        set(&mut config.trigger.region, self.region);
        set(&mut config.trigger.account, self.account);
        set(&mut config.stop_deadline, self.stop_deadline.map(|length| length.0));
        let buffer_follows = self.store.buffer_mb.is_none();
        self.store.apply(&mut config.store);
        self.retention.apply(&mut config.store.retention);
        if let Some(kb) = self.runtime.log_kb {
            config.trigger.record_bytes = (u64::from(kb) << 10).saturating_add(64 << 10);
        }
        self.runtime.apply(&mut config.runtime);
        for (name, tenant) in &mut self.tenants {
            if let Some(days) = tenant.retention.take() {
                let mut retention = config.store.retention;
                days.apply(&mut retention);
                config.store.tenant_retention.insert(name.clone(), retention);
            }
        }
        config.runtime.tenants = self.tenants.into_iter().map(|(name, tenant)| (name, tenant.quota())).collect();
        if buffer_follows {
            config.make_room_for_records();
        }
        config.make_room_for_connections();
        std::mem::take(&mut self.ingest.aws_lambda).apply(&mut config.aws_lambda);
        self.ingest.apply(&mut config.ingest);
        self.forward.apply(&mut config.forward);
        self.billing.apply(&mut config.billing);
        self.web.apply(&mut config.web);
        set(&mut config.query.timeout, self.query.timeout.map(|length| length.0));
        set(&mut config.query.max_rows, self.query.max_rows);
        set(&mut config.query.memory_bytes, self.query.memory_mb.map(|mb| (mb as usize) << 20));
        set(&mut config.query.rollup_bytes, self.query.rollup_mb.map(|mb| (mb as usize) << 20));
        set(&mut config.query.concurrency, self.query.concurrency);
    }
}

impl Runtime {
    fn apply(self, config: &mut runtime::Config) {
        let rate = |rate: Option<NonZeroU32>| rate.map(NonZeroU32::get);
        set(&mut config.idle_timeout, self.idle_timeout.map(|length| length.0));
        set(&mut config.account_concurrency, self.account_concurrency);
        config.account_rate_per_s = rate(self.account_rate_per_s);
        config.tenant = Quota { concurrency: self.tenant_concurrency, rate_per_s: rate(self.tenant_rate_per_s) };
        set(&mut config.response_bytes, self.response_mb.map(|mb| u64::from(mb) << 20));
        set(&mut config.log_bytes, self.log_kb.map(|kb| u64::from(kb) << 10));
    }
}

impl Ingest {
    fn apply(self, config: &mut ingest::Config) {
        let megabytes = |mb: u32| u64::from(mb) << 20;
        set(&mut config.max_body_bytes, self.max_body_mb.map(megabytes));
        set(&mut config.max_held_bytes, self.max_held_mb.map(megabytes));
        set(&mut config.dedupe_window, self.dedupe_window.map(|length| length.0));
        set(&mut config.dedupe_keys, self.dedupe_keys);
    }
}

impl AwsLambda {
    fn apply(self, config: &mut ingest::aws_lambda::Config) {
        let megabytes = |mb: u32| u64::from(mb) << 20;
        set(&mut config.imports, self.imports.map(|imports| imports.get() as usize));
        set(&mut config.import_wait, self.import_wait.map(|length| length.0));
        set(&mut config.import_buffer_bytes, self.import_buffer_mb.map(megabytes));
        set(&mut config.requests, self.requests.map(|requests| requests.get() as usize));
        set(&mut config.waiting, self.waiting.map(|requests| requests as usize));
        set(&mut config.max_request_bytes, self.max_request_mb.map(megabytes));
    }
}

impl Web {
    fn apply(self, config: &mut web::Config) {
        set(&mut config.dashboards, self.dashboards.map(Some));
        set(&mut config.max_tails, self.max_tails.map(|tails| tails as usize));
        set(&mut config.tail_rows, self.tail_rows.map(|rows| rows.get() as usize));
    }
}

impl Tenant {
    fn quota(self) -> Quota {
        Quota { concurrency: self.concurrency, rate_per_s: self.rate_per_s.map(NonZeroU32::get) }
    }
}

impl Store {
    fn apply(self, config: &mut store::Config) {
        let megabytes = |mb: u32| u64::from(mb) << 20;
        let wal_sync = self.wal_sync.map(|sync| match sync {
            Sync::Interval => WalSync::Interval,
            Sync::Always => WalSync::Always,
        });
        set(&mut config.wal_sync, wal_sync);
        set(&mut config.commit_interval, self.commit_interval.map(|length| length.0));
        set(&mut config.buffer_bytes, self.buffer_mb.map(megabytes));
        set(&mut config.maintenance.interval, self.maintenance_interval.map(|length| length.0));
        set(&mut config.maintenance.vacuum_after, self.vacuum_after.map(|length| length.0));
        set(&mut config.disk_limit_bytes, self.disk_limit_mb.map(|mb| Some(megabytes(mb))));
        set(&mut config.min_free_bytes, self.min_free_mb.map(megabytes));
    }
}

impl Forward {
    fn apply(self, config: &mut forward::Config) {
        config.otlp = self.endpoint.map(|Endpoint(otlp)| Otlp {
            protocol: self.protocol.map_or(otlp.protocol, |protocol| protocol.0),
            headers: self.headers,
            ..otlp
        });
        set(&mut config.own, self.own);
        set(&mut config.functions, self.functions);
        set(&mut config.interval, self.interval.map(|length| length.0));
    }
}

impl Retention {
    fn apply(self, config: &mut store::Retention) {
        set(&mut config.invocations, self.invocations.map(|days| days.0));
        set(&mut config.spans, self.spans.map(|days| days.0));
        set(&mut config.logs, self.logs.map(|days| days.0));
        set(&mut config.metrics, self.metrics.map(|days| days.0));
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

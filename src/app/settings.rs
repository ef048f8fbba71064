//! Writes down what the configuration says, for the page of settings. It decides nothing.

use crate::config::Config;
use crate::runtime::Quota;
use crate::store::{Retention, Table, WalSync};
use crate::web::{Section, Setting, Settings, Value};

/// What the program is set to.
pub(super) fn of(config: &Config) -> Settings {
    let retention = &config.store.retention;
    Settings {
        sections: vec![server(config), store(config), kept(config), limits(config), received(config), queries(config)],
        retention_days: Table::ALL.iter().map(|table| (table.name(), retention.days(*table))).collect(),
        tenant_retention_days: tenant_retention(config),
    }
}

fn setting(title: impl Into<String>, value: Value, keys: &'static [&'static str]) -> Setting {
    Setting { title: title.into(), value, keys }
}

fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

fn server(config: &Config) -> Section {
    let file = config.file.as_ref().map_or_else(|| "none: defaults".to_owned(), |file| file.display().to_string());
    Section {
        title: "Server",
        settings: vec![
            setting("Version", text(env!("CARGO_PKG_VERSION")), &[]),
            setting("Configuration file", text(file), &["--config"]),
            setting("Data folder", text(config.data.display()), &["data", "--data"]),
            setting("Listens on", text(config.web.listen), &["listen", "--listen"]),
            setting("OTLP over gRPC", text(config.web.otlp_grpc), &["otlp_grpc", "--otlp-grpc"]),
            setting("OTLP over HTTP", text(config.web.otlp_http), &["otlp_http", "--otlp-http"]),
            setting("Region of new records", text(&config.trigger.region), &["region", "--region"]),
            setting("Account of new records", text(&config.trigger.account), &["account", "--account"]),
            setting("Connections at once", Value::Count(config.web.max_connections as u64), &[]),
            setting("Its own telemetry goes to", text(forwarded(config)), &["forward.endpoint", "--forward"]),
            setting("Body of a call", Value::Bytes(Some(config.web.max_request_bytes)), &[]),
            setting("A stop waits for calls", Value::Length(config.stop_deadline), &["stop_deadline"]),
        ],
    }
}

fn forwarded(config: &Config) -> &str {
    config.forward.otlp.as_ref().map_or("nowhere", |otlp| &otlp.endpoint)
}

fn store(config: &Config) -> Section {
    let store = &config.store;
    let sync = match store.wal_sync {
        WalSync::Interval => text(format!("within {} ms of the answer", store.wal_sync_interval.as_millis())),
        WalSync::Always => text("before the answer"),
    };
    Section {
        title: "Store",
        settings: vec![
            setting("The log reaches the disk", sync, &["store.wal_sync", "--wal-sync"]),
            setting("Rows become files every", Value::Length(store.commit_interval), &["store.commit_interval"]),
            setting("Records that wait for that", Value::Bytes(Some(store.buffer_bytes)), &["store.buffer_mb"]),
            setting("Tables and log, at most", Value::Bytes(store.disk_limit_bytes), &["store.disk_limit_mb"]),
            setting("Free on the disk, at least", Value::Bytes(Some(store.min_free_bytes)), &["store.min_free_mb"]),
            setting(
                "Files are joined every",
                Value::Length(store.maintenance.interval),
                &["store.maintenance_interval"],
            ),
            setting(
                "Old files are deleted after",
                Value::Length(store.maintenance.vacuum_after),
                &["store.vacuum_after"],
            ),
        ],
    }
}

fn kept(config: &Config) -> Section {
    let days = |table: Table, keys| setting(table.name(), Value::Days(config.store.retention.days(table)), keys);
    let mut settings = vec![
        days(Table::Invocations, &["retention.invocations"]),
        days(Table::Spans, &["retention.spans"]),
        days(Table::Logs, &["retention.logs"]),
        days(Table::Metrics, &["retention.metrics"]),
    ];
    for (tenant, retention) in &config.store.tenant_retention {
        for table in Table::ALL {
            let (own, of_all) = (retention.days(table), config.store.retention.days(table));
            if own != of_all {
                let title = format!("{} of {tenant}", table.name());
                settings.push(setting(title, Value::Days(own), &["tenants.NAME.retention"]));
            }
        }
    }
    Section { title: "Retention", settings }
}

fn limits(config: &Config) -> Section {
    let runtime = &config.runtime;
    let mut settings = vec![
        setting(
            "Calls of the account",
            Value::AtOnce(Some(runtime.account_concurrency)),
            &["runtime.account_concurrency"],
        ),
        setting("Rate of the account", Value::PerSecond(runtime.account_rate_per_s), &["runtime.account_rate_per_s"]),
        setting("Calls of each tenant", Value::AtOnce(runtime.tenant.concurrency), &["runtime.tenant_concurrency"]),
        setting("Rate of each tenant", Value::PerSecond(runtime.tenant.rate_per_s), &["runtime.tenant_rate_per_s"]),
    ];
    for (tenant, quota) in &runtime.tenants {
        let Quota { concurrency, rate_per_s } = *quota;
        let calls = Value::AtOnce(concurrency.or(runtime.tenant.concurrency));
        let rate = Value::PerSecond(rate_per_s.or(runtime.tenant.rate_per_s));
        settings.push(setting(format!("Calls of {tenant}"), calls, &["tenants.NAME.concurrency"]));
        settings.push(setting(format!("Rate of {tenant}"), rate, &["tenants.NAME.rate_per_s"]));
    }
    settings.extend([
        setting("Environments idle for longer expire", Value::Length(runtime.idle_timeout), &["runtime.idle_timeout"]),
        setting("Idle environments, at most", Value::Count(u64::from(runtime.idle_environments)), &[]),
        setting("Reply of a call", Value::Bytes(Some(runtime.response_bytes)), &["runtime.response_mb"]),
        setting("Logs of a call", Value::Bytes(Some(runtime.log_bytes)), &["runtime.log_kb"]),
    ]);
    Section { title: "Limits of calls", settings }
}

fn received(config: &Config) -> Section {
    let (ingest, lambda) = (&config.ingest, &config.aws_lambda);
    let at_once = |count: usize| Value::AtOnce(Some(u32::try_from(count).unwrap_or(u32::MAX)));
    Section {
        title: "Telemetry from elsewhere",
        settings: vec![
            setting("Body of a request", Value::Bytes(Some(ingest.max_body_bytes)), &["ingest.max_body_mb"]),
            setting("Held of all requests", Value::Bytes(Some(ingest.max_held_bytes)), &["ingest.max_held_mb"]),
            setting("Sent again is known for", Value::Length(ingest.dedupe_window), &["ingest.dedupe_window"]),
            setting(
                "Items and requests that are known",
                Value::Count(ingest.dedupe_keys as u64),
                &["ingest.dedupe_keys"],
            ),
            setting("Imports of AWS Lambda's logs", at_once(lambda.imports), &["ingest.aws_lambda.imports"]),
            setting(
                "An import waits for its turn",
                Value::Length(lambda.import_wait),
                &["ingest.aws_lambda.import_wait"],
            ),
            setting("Requests with AWS Lambda's logs", at_once(lambda.requests), &["ingest.aws_lambda.requests"]),
            setting(
                "Events of one, uncompressed",
                Value::Bytes(Some(lambda.max_request_bytes)),
                &["ingest.aws_lambda.max_request_mb"],
            ),
        ],
    }
}

fn queries(config: &Config) -> Section {
    let query = &config.query;
    Section {
        title: "Limits of queries",
        settings: vec![
            setting("Time of a query", Value::Length(query.timeout), &["query.timeout"]),
            setting("Rows of an answer", Value::Count(query.max_rows as u64), &["query.max_rows"]),
            setting("Memory of all together", Value::Bytes(Some(query.memory_bytes as u64)), &["query.memory_mb"]),
            setting("Rollup in memory", Value::Bytes(Some(query.rollup_bytes as u64)), &["query.rollup_mb"]),
            setting("Queries at once", Value::Count(query.concurrency as u64), &["query.concurrency"]),
            setting("Followers of log records", Value::Count(config.web.max_tails as u64), &["web.max_tails"]),
        ],
    }
}

/// For how many days each table is kept for the tenants that have their own retention.
fn tenant_retention(config: &Config) -> Vec<(String, &'static str, u32)> {
    let tenants = config.store.tenant_retention.iter();
    let of = |(tenant, retention): (&String, &Retention)| {
        Table::ALL.map(|table| (tenant.clone(), table.name(), retention.days(table)))
    };
    tenants.flat_map(of).collect()
}

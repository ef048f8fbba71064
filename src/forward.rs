//! Owns the handing on of telemetry to an OTLP endpoint: the spans and log records of functions that ran here, and the
//! server's own metrics. It follows the store, so that what is sent is what is stored: a call never waits for it, and what
//! could not be sent while the endpoint was away is sent later. Our own traces and log lines go through `crate::telemetry`.

mod cursor;
mod metrics;
mod records;
mod sender;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::query::{self, Engine, Param, Params, format};
use crate::telemetry::{self, Otlp};
use crate::units::Timestamp;

use cursor::Cursor;
use records::Kind;
use sender::{Sender, Sent};

/// The longest wait after a failure, as a multiple of the interval.
const LONGEST_WAIT: u32 = 32;

/// What is sent where. Defaults in brackets.
#[derive(Debug, Clone)]
pub struct Config {
    /// The endpoint; none (the default) sends nothing.
    pub otlp: Option<Otlp>,
    /// Whether the server's own traces, log lines and metrics are sent (yes).
    pub own: bool,
    /// Whether spans and log records of the functions that run here are sent (no).
    pub functions: bool,
    /// Time between looks for new records, and between metrics (10 s).
    pub interval: Duration,
    /// Records of one request, at most (2,000).
    pub batch: u32,
    /// The file that remembers what was sent.
    pub cursor: PathBuf,
}

impl Config {
    /// Nothing is sent; the file lies in `data`.
    #[must_use]
    pub fn at(data: &std::path::Path) -> Self {
        Self {
            otlp: None,
            own: true,
            functions: false,
            interval: Duration::from_secs(10),
            batch: 2_000,
            cursor: data.join("forwarded.json"),
        }
    }
}

/// Why nothing can be handed on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The endpoint is wrong.
    #[error(transparent)]
    Endpoint(#[from] telemetry::Error),
    /// What was sent cannot be remembered.
    #[error(
        "the file '{file}' cannot be read: {reason}; without it, what was sent already would be sent again: mend or remove it"
    )]
    Cursor { file: String, reason: String },
}

/// Gives the server's own metrics as OpenMetrics text.
pub type Exposition = Arc<dyn Fn() -> String + Send + Sync>;

/// Hands telemetry on while it runs.
pub struct Forwarder {
    config: Config,
    sender: Sender,
    cursor: Cursor,
    query: Engine,
    clock: Clock,
    exposition: Exposition,
    started_at: Timestamp,
}

impl Forwarder {
    /// Gets ready to send; none where there is no endpoint. What is newer than now is sent at the first start, later what
    /// is newer than what was sent.
    pub fn new(config: Config, query: Engine, clock: Clock, exposition: Exposition) -> Result<Option<Self>, Error> {
        let Some(otlp) = config.otlp.as_ref().filter(|_| config.own || config.functions) else { return Ok(None) };
        let sender = Sender::new(otlp)?;
        let started_at = clock.now();
        let cursor = Cursor::read(&config.cursor, started_at)?;
        Ok(Some(Self { config, sender, cursor, query, clock, exposition, started_at }))
    }

    /// Sends until `stop`, and then what is left, once.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut failures = 0_u32;
        loop {
            let wait = self.config.interval * 2_u32.saturating_pow(failures).min(LONGEST_WAIT);
            let stopped = tokio::time::timeout(wait, stop.cancelled()).await.is_ok();
            match self.round().await {
                Ok(()) => failures = 0,
                Err(reason) => {
                    failures = failures.saturating_add(1);
                    // Not at each attempt: an endpoint may be away for days.
                    if failures == 1 {
                        tracing::warn!(endpoint = self.sender.endpoint(), reason, "telemetry waits to be handed on");
                    }
                }
            }
            if stopped {
                return;
            }
        }
    }

    async fn round(&mut self) -> Result<(), String> {
        if self.config.own {
            let text = (self.exposition)();
            let request = metrics::request(&text, self.started_at, self.clock.now());
            settled(self.sender.metrics(request).await, "metrics")?;
        }
        if self.config.functions {
            for kind in Kind::ALL {
                while self.send_next(kind).await? {}
            }
        }
        Ok(())
    }

    /// Sends the next records of a kind; says whether there may be more.
    async fn send_next(&mut self, kind: Kind) -> Result<bool, String> {
        let after = self.cursor.of(kind);
        let mut params = Params::from([
            ("after".to_owned(), Param::Text(after.to_string())),
            ("batch".to_owned(), Param::Int(self.config.batch.into())),
        ]);
        let until = self.ask(kind.until(), &params).await?;
        let Some(until) = until.first().and_then(|row| row.get("until")?.as_str()?.parse_time()) else {
            return Ok(false);
        };
        params.insert("until".to_owned(), Param::Text(until.to_string()));
        params.remove("batch");
        let rows = self.ask(kind.rows(), &params).await?;
        let sent = match kind {
            Kind::Spans => self.sender.traces(records::spans(&rows)).await,
            Kind::Logs => self.sender.logs(records::logs(&rows)).await,
        };
        settled(sent, kind.table())?;
        self.cursor.advance(kind, until).map_err(|error| error.to_string())?;
        Ok(true)
    }

    async fn ask(&self, sql: &str, params: &Params) -> Result<Vec<records::Row>, String> {
        let answer = self.query.sql(sql, params).await.and_then(|answer| format::rows(&answer));
        answer.map_err(|error: query::Error| error.to_string())
    }
}

/// What was refused for good is not sent again: it would be refused again, and hold up what follows.
fn settled(sent: Sent, what: &str) -> Result<(), String> {
    match sent {
        Sent::Taken => Ok(()),
        Sent::Refused(reason) => {
            tracing::warn!(what, reason, "telemetry was refused by the endpoint, and is not sent again");
            Ok(())
        }
        Sent::Failed(reason) => Err(reason),
    }
}

/// Reads what SQL shows as a time.
trait ParseTime {
    fn parse_time(&self) -> Option<Timestamp>;
}

impl ParseTime for str {
    fn parse_time(&self) -> Option<Timestamp> {
        Timestamp::parse_rfc3339(self)
    }
}

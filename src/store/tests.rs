//! Tests of the store as a whole; those of its parts stand beside them.

mod commits;
mod contents;
mod faulty;
pub(crate) mod fixtures;
mod kill;
mod maintain;
mod readers;
mod recovery;
mod rollup;
mod room;
mod upgrade;

use std::path::Path;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::Clock;
use crate::model::Records;

/// A store whose committer runs, with no commits but those that a test asks for.
struct Running {
    handle: Handle,
    shutdown: CancellationToken,
    service: JoinHandle<Result<(), Error>>,
}

/// Every row is kept.
const FOREVER: Retention = Retention { invocations: 1_000_000, spans: 1_000_000, logs: 1_000_000, metrics: 1_000_000 };

/// Settings under which nothing happens by itself.
fn quiet(dir: &Path) -> Config {
    let day = std::time::Duration::from_secs(86_400);
    let maintenance = Maintenance { interval: day, ..Maintenance::default() };
    Config { commit_interval: day, maintenance, ..Config::at(dir) }
}

async fn start(config: Config) -> Running {
    let (service, handle) = Service::open(config, Clock::system()).await.expect("opens");
    run(service, handle)
}

fn run(service: Service, handle: Handle) -> Running {
    let shutdown = CancellationToken::new();
    let service = tokio::spawn(service.run(shutdown.clone()));
    Running { handle, shutdown, service }
}

async fn open(config: &Config, clock: &Clock) -> Running {
    let (service, handle) = Service::open(config.clone(), clock.clone()).await.expect("opens");
    run(service, handle)
}

impl Running {
    /// Ends it, in order or not, and opens the same store again.
    async fn reopen(&mut self, config: &Config, clock: &Clock, crash: bool) {
        if crash {
            self.service.abort();
        } else {
            self.shutdown.cancel();
        }
        let _ = (&mut self.service).await;
        *self = open(config, clock).await;
    }

    /// Ends it in order.
    async fn stop(self) -> Result<(), Error> {
        self.shutdown.cancel();
        self.service.await.expect("does not panic")
    }

    /// Ends it as a crash would: whatever is under way is dropped.
    async fn crash(self) {
        self.service.abort();
        let _ = self.service.await;
    }
}

async fn append(handle: &Handle, records: Records) {
    let slot = handle.reserve(size_of(&records)).expect("room");
    slot.append(records).await.expect("appends");
}

/// Rows that each table shows, in files and in memory.
fn rows(handle: &Handle) -> [u64; 4] {
    Table::ALL.map(|table| handle.view(table).rows())
}

fn counts(records: &Records) -> [u64; 4] {
    [records.invocations.len(), records.spans.len(), records.logs.len(), records.metrics.len()].map(|len| len as u64)
}

fn sum(one: [u64; 4], other: [u64; 4]) -> [u64; 4] {
    std::array::from_fn(|at| one[at] + other[at])
}

//! A live workload: calls start when the traffic says so, whether or not earlier ones are answered (an open loop), over
//! HTTP as any client's. When and what is drawn in `arrivals`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::clock::Clock;
use crate::units::Timestamp;

use super::Error;
use super::arrivals::{Arrival, Arrivals};
use super::traffic::{Function, Traffic};

/// Calls of the workload that may be under way at once; one more is not sent, and counted.
const MAX_UNDER_WAY: usize = 1_024;
/// Time for an answer; a call that takes longer is given up, and is metered all the same.
const PATIENCE: Duration = Duration::from_secs(30);
/// A call that would start so late, since the machine slept, is not sent, and counted.
const LATE_US: i64 = 5_000_000;
/// How far ahead arrivals are looked for.
const AHEAD_US: i64 = 60_000_000;

/// Calls the sample functions over HTTP.
pub struct Workload {
    traffic: Traffic,
    arrivals: Arrivals,
    urls: Vec<Url>,
    client: reqwest::Client,
    clock: Clock,
    figures: Figures,
}

/// What the workload has done. A cheap clone; clones count together.
#[derive(Debug, Clone, Default)]
pub struct Figures(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    not_sent: AtomicU64,
    unanswered: AtomicU64,
}

impl Figures {
    /// Calls that were started.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// Calls that were due and not started: too many were under way, or it was too late.
    #[must_use]
    pub fn not_sent(&self) -> u64 {
        self.0.not_sent.load(Ordering::Relaxed)
    }

    /// Calls that had no answer.
    #[must_use]
    pub fn unanswered(&self) -> u64 {
        self.0.unanswered.load(Ordering::Relaxed)
    }
}

impl Workload {
    /// The traffic from a moment on, for the server at `base`.
    pub fn new(traffic: Traffic, from: Timestamp, base: &Url, clock: Clock) -> Result<Self, Error> {
        let url = |function: &Function| {
            base.join(&format!("fn/{}", function.name())).map_err(|_| Error::Url(base.to_string()))
        };
        let urls = traffic.functions.iter().map(url).collect::<Result<_, _>>()?;
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().map_err(Error::Client)?;
        let arrivals = Arrivals::from(from.micros());
        Ok(Self { traffic, arrivals, urls, client, clock, figures: Figures::default() })
    }

    /// What it has done, also while it runs.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.figures.clone()
    }

    /// Calls until `stop`, then waits for the answers.
    pub async fn run(mut self, stop: CancellationToken) {
        let room = Arc::new(Semaphore::new(MAX_UNDER_WAY));
        let calls = TaskTracker::new();
        loop {
            let now_us = self.clock.now().micros();
            let next = self.arrivals.peek(&self.traffic, now_us + AHEAD_US);
            let due_us = next.map_or(now_us + AHEAD_US / 2, |arrival| arrival.at_us);
            let pause = Duration::from_micros(u64::try_from(due_us - now_us).unwrap_or(0));
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
            if let Some(arrival) = self.arrivals.next(&self.traffic, self.clock.now().micros() + 1) {
                self.start(&arrival, &room, &calls);
            }
        }
        calls.close();
        calls.wait().await;
        let figures = &self.figures;
        tracing::info!(
            sent = figures.sent(),
            not_sent = figures.not_sent(),
            unanswered = figures.unanswered(),
            "the workload ended"
        );
    }

    fn start(&self, arrival: &Arrival, room: &Arc<Semaphore>, calls: &TaskTracker) {
        let late = self.clock.now().micros() - arrival.at_us > LATE_US;
        let place = Arc::clone(room).try_acquire_owned().ok().filter(|_| !late);
        let Some(place) = place else {
            let not_sent = self.figures.0.not_sent.fetch_add(1, Ordering::Relaxed) + 1;
            if not_sent.is_power_of_two() {
                tracing::warn!(not_sent, late, "the workload does not send all of its calls");
            }
            return;
        };
        self.figures.0.sent.fetch_add(1, Ordering::Relaxed);
        let function = &self.traffic.functions[arrival.function];
        let mut url = self.urls[arrival.function].clone();
        url.query_pairs_mut().append_pair("wait_ms", &arrival.wait_ms.to_string());
        let call = self.client.post(url).body(function.payload(arrival.payload).to_owned());
        let figures = self.figures.clone();
        calls.spawn(async move {
            let _place = place;
            if let Err(error) = finish(call).await {
                figures.0.unanswered.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(%error, "a call of the workload had no answer");
            }
        });
    }
}

/// Calls, and reads the answer to its end.
async fn finish(call: reqwest::RequestBuilder) -> Result<(), reqwest::Error> {
    call.send().await?.bytes().await.map(drop)
}

//! A live workload: calls arrive at random moments, whether or not earlier ones are answered (an open loop).

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use super::{Error, Sample};

/// Calls of the workload that may be under way at once; one more is left out.
const MAX_UNDER_WAY: usize = 256;

/// Time for an answer; a call that takes longer is given up, and is metered all the same.
const PATIENCE: Duration = Duration::from_secs(30);

/// Calls one sample function at its rate, over HTTP as any client does.
pub struct Workload {
    sample: Sample,
    url: Url,
    client: reqwest::Client,
    rng: StdRng,
}

impl Workload {
    /// A workload for one sample on the server at `base`; `rng` decides when and with what.
    pub fn new(sample: Sample, base: &Url, rng: StdRng) -> Result<Self, Error> {
        let url = base.join(&format!("fn/{}", sample.spec.name)).map_err(|_| Error::Url(base.to_string()))?;
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().map_err(Error::Client)?;
        Ok(Self { sample, url, client, rng })
    }

    /// Calls until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let room = Arc::new(Semaphore::new(MAX_UNDER_WAY));
        let calls = TaskTracker::new();
        loop {
            let pause = self.pause();
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
            if let Ok(place) = Arc::clone(&room).try_acquire_owned() {
                let call = self.client.post(self.url.clone()).body(self.payload());
                calls.spawn(async move {
                    let _place = place;
                    finish(call).await;
                });
            }
        }
        calls.close();
        calls.wait().await;
    }

    /// Time to the next arrival of a Poisson process.
    fn pause(&mut self) -> Duration {
        let uniform: f64 = self.rng.random_range(f64::EPSILON..1.0);
        Duration::from_secs_f64(-uniform.ln() / self.sample.rate_per_s)
    }

    fn payload(&mut self) -> String {
        let rare = self.sample.rare_one_in.is_some_and(|one_in| self.rng.random_ratio(1, one_in));
        let payloads = if rare { &self.sample.rare_payloads } else { &self.sample.payloads };
        payloads.choose(&mut self.rng).cloned().unwrap_or_default()
    }
}

/// Calls, and reads the answer to its end.
async fn finish(call: reqwest::RequestBuilder) {
    let answered = match call.send().await {
        Ok(response) => response.bytes().await.map(|_| ()),
        Err(error) => Err(error),
    };
    if let Err(error) = answered {
        tracing::debug!(%error, "a call of the workload had no answer");
    }
}

//! Brings the demo up behind the page: deploys the functions, loads the history, starts the live workload, and says how
//! far it is on `/readyz`, on the page and on a terminal.

use anyhow::bail;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::app::App;
use crate::billing::Bell;
use crate::clock::Clock;
use crate::demo::{self, History, Sample, Workload, history::Progress};
use crate::model::{FunctionSpec, VersionState};
use crate::trigger::Deployer;
use crate::units::Timestamp;
use crate::web::Readiness;

use super::bar;
use crate::cli::bar::Bar;
use crate::cli::output;

/// Time between looks at a sample that is being compiled.
const POLL: std::time::Duration = std::time::Duration::from_millis(20);
/// The steps' names on `/readyz`.
const FUNCTIONS: &str = "functions";
const HISTORY: &str = "history";
const BILLS: &str = "bills";

/// What is to be done before the demo is ready.
pub(super) struct Stage {
    url: String,
    deployer: Deployer,
    clock: Clock,
    readiness: Readiness,
    samples: Vec<Sample>,
    history: History,
    rating: Bell,
    /// How many times the usual load there is; none where there is none.
    load: Option<f64>,
}

impl Stage {
    pub(super) fn new(app: &App, samples: Vec<Sample>, history: History, load: Option<f64>) -> Self {
        let readiness = app.readiness().clone();
        readiness.wait_for(FUNCTIONS, "not deployed yet");
        readiness.wait_for(HISTORY, "not loaded yet");
        readiness.wait_for(BILLS, "not rated yet");
        let (deployer, rating, clock) = (app.deployer().clone(), app.rating(), app.clock().clone());
        Self { url: app.url(), deployer, clock, readiness, samples, history, rating, load }
    }

    /// Does it, then calls until `stop`. A failure ends the server.
    pub(super) async fn run(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let done = match Box::pin(self.bring_up(&stop)).await {
            Ok(end) => self.call(end, &stop).await,
            // Whatever is not done then is taken up by the next start on the folder.
            Err(_) if stop.is_cancelled() => Ok(()),
            Err(error) => Err(error),
        };
        if done.is_err() {
            stop.cancel();
        }
        done
    }

    /// Deploys and loads side by side, and says where the history ends.
    async fn bring_up(&mut self, stop: &CancellationToken) -> anyhow::Result<Timestamp> {
        let Self { deployer, readiness, samples, history, rating, .. } = self;
        let versions = history.traffic().versions();
        let (deployed, bar) = (CancellationToken::new(), Bar::new());
        let told = |progress: Progress| {
            readiness.wait_for(HISTORY, said(progress));
            bar::show(&bar, progress);
        };
        let deploying = async {
            deploy(deployer, samples, &versions, readiness).await?;
            readiness.done(FUNCTIONS);
            deployed.cancel();
            anyhow::Ok(())
        };
        let loading = async { Ok(history.load(told, &deployed, stop).await?) };
        let loaded = tokio::select! {
            () = stop.cancelled() => Err(demo::Error::Stopped.into()),
            loaded = async { tokio::try_join!(deploying, loading) } => loaded.map(|((), end)| end),
        };
        bar.clear();
        let end = loaded?;
        readiness.done(HISTORY);
        stop.run_until_cancelled(rating.catch_up()).await;
        readiness.done(BILLS);
        Ok(end)
    }

    async fn call(self, end: Timestamp, stop: &CancellationToken) -> anyhow::Result<()> {
        let Self { url, samples, history, load, clock, .. } = self;
        output::line(&format!("Faremeter is ready at {url}"))?;
        output::line(&format!("  {} sample functions are deployed; try:", samples.len()))?;
        output::line(&format!("  faremeter invoke hello --payload Ada --report --server {url}"))?;
        let Some(factor) = load else { return Ok(()) };
        let traffic = history.traffic().times(factor);
        let workload = Workload::new(traffic, end, &Url::parse(&url)?, clock)?;
        workload.run(stop.clone()).await;
        Ok(())
    }
}

fn said(progress: Progress) -> String {
    let Progress { invocations, expected, .. } = progress;
    format!("{} %, {invocations} of about {expected} invocations", progress.per_cent())
}

/// Deploys what is not deployed already, so that a named folder is not given a new version at every start.
async fn deploy(
    deployer: &Deployer,
    samples: &[Sample],
    versions: &[Vec<FunctionSpec>],
    readiness: &Readiness,
) -> anyhow::Result<()> {
    for (number, (sample, specs)) in samples.iter().zip(versions).enumerate() {
        readiness.wait_for(FUNCTIONS, format!("{number} of {} deployed", samples.len()));
        let name = &sample.spec.name;
        let latest = deployer.get(name).map(|function| FunctionSpec::clone(&function.latest.spec));
        let there = deployer.get(name).map_or(0, |function| function.latest.version as usize);
        // The history's rows name versions: the catalog has each of them, and the last is the one that runs.
        for spec in specs.iter().skip(there) {
            deployer.deploy(spec.clone(), sample.module.clone()).await?;
            active(deployer, name).await?;
        }
        if there >= specs.len() && latest.as_ref() != Some(&sample.spec) {
            deployer.deploy(sample.spec.clone(), sample.module.clone()).await?;
        }
        active(deployer, name).await?;
    }
    Ok(())
}

/// Waits for the compiler.
async fn active(deployer: &Deployer, name: &str) -> anyhow::Result<()> {
    loop {
        match deployer.get(name).map(|function| function.latest.state.clone()) {
            Some(VersionState::Active) => return Ok(()),
            Some(VersionState::Pending) => tokio::time::sleep(POLL).await,
            Some(VersionState::Failed(reason)) => bail!("the sample function {name} failed to deploy: {reason}"),
            None => bail!("the sample function {name} was removed while the demo began"),
        }
    }
}

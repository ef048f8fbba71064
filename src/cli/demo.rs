//! `faremeter demo`: serves with sample functions deployed and a live workload that calls them.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::app::App;
use crate::demo::{self, Sample, Workload};
use crate::model::VersionState;
use crate::trigger::Deployer;

use super::serve::{ServeOptions, stop_signal};
use super::{Common, output};

/// Time between looks at a sample that is being compiled.
const POLL: Duration = Duration::from_millis(20);

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Leave the live workload out
    #[arg(long)]
    no_load: bool,
    #[command(flatten)]
    options: ServeOptions,
}

impl Demo {
    pub(super) async fn run(&self, common: &Common) -> anyhow::Result<()> {
        let mut common = common.clone();
        let scratch = if common.data.is_none() { Some(Scratch::make()?) } else { None };
        if let Some(scratch) = &scratch {
            common.data = Some(scratch.0.clone());
        }
        let config = self.options.config(&common)?;
        let app = App::start(config).await?;
        let stop = stop_signal()?;
        let samples = demo::samples()?;
        deploy(app.deployer(), &samples).await?;
        output::line(&format!("Faremeter is ready at {}", app.url()))?;
        output::line(&format!("  {} sample functions are deployed; try:", samples.len()))?;
        output::line(&format!("  faremeter invoke hello --payload Ada --report --server {}", app.url()))?;
        let workload = if self.no_load { Vec::new() } else { begin(&app.url(), samples, &stop)? };
        let served = app.run(stop).await;
        for task in workload {
            task.await?;
        }
        served
    }
}

/// Deploys what is not deployed already, so that a named folder is not given a new version at every start.
async fn deploy(deployer: &Deployer, samples: &[Sample]) -> anyhow::Result<()> {
    for sample in samples {
        if deployer.get(&sample.spec.name).is_none_or(|function| function.latest.spec != sample.spec) {
            deployer.deploy(sample.spec.clone(), sample.module.clone()).await?;
        }
    }
    for sample in samples {
        let name = &sample.spec.name;
        loop {
            match deployer.get(name).map(|function| function.latest.state.clone()) {
                Some(VersionState::Active) => break,
                Some(VersionState::Pending) => tokio::time::sleep(POLL).await,
                Some(VersionState::Failed(reason)) => bail!("the sample function {name} failed to deploy: {reason}"),
                None => bail!("the sample function {name} was removed while the demo began"),
            }
        }
    }
    Ok(())
}

fn begin(server: &str, samples: Vec<Sample>, stop: &CancellationToken) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let server = Url::parse(server)?;
    let begin = |sample| {
        let workload = Workload::new(sample, &server, StdRng::from_os_rng())?;
        Ok(tokio::spawn(workload.run(stop.clone())))
    };
    samples.into_iter().map(begin).collect()
}

/// A folder that goes when the demo ends.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn make() -> anyhow::Result<Self> {
        let name = format!("faremeter-demo-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).with_context(|| format!("'{}' cannot be made", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "the demo's folder could not be removed");
        }
    }
}

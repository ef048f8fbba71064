//! `faremeter demo`: serves with sample functions deployed, a history of calls to them, and a live workload that goes on
//! with it. The page is there first; the rest comes up behind it (`stage`).

mod bar;
mod stage;

use std::num::NonZeroU32;

use anyhow::Context;
use clap::Args;

use crate::app::App;
use crate::config::Config;
use crate::cost::PriceBooks;
use crate::demo::history::{Parts, Place, Wanted};
use crate::demo::{self, History};

use super::scratch::Scratch;
use super::serve::{ServeOptions, say_otlp, send_rest, stop_signal};
use super::{Common, output};

use stage::Stage;

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Leave the live workload out
    #[arg(long)]
    no_load: bool,
    /// How many times as many live calls there are as the history's end has
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = factor)]
    load: f64,
    /// Invocations in the whole days of the history, about, such as 1M, 250k or none [default: 1M]
    #[arg(long, value_name = "COUNT", value_parser = count)]
    history: Option<u64>,
    /// Whole days of history before today [default: 65]
    #[arg(long, value_name = "DAYS")]
    history_days: Option<NonZeroU32>,
    /// Decides every draw: the same seed gives the same history on the same day [default: 1]
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    options: ServeOptions,
}

impl Demo {
    pub(super) async fn run(&self, common: &Common) -> anyhow::Result<()> {
        let mut common = common.clone();
        let scratch = if common.data.is_none() { Some(Scratch::make("demo")?) } else { None };
        if let Some(scratch) = &scratch {
            common.data = Some(scratch.path().to_owned());
        }
        let (config, providers) = self.options.config(&common)?;
        let samples = demo::samples()?;
        let app = App::start(config.clone()).await?;
        let stop = stop_signal()?;
        let history = History::open(parts(&app, config)?, self.wanted(), &samples)?;
        let load = (!self.no_load).then_some(self.load);
        let stage = Stage::new(&app, samples, history, load);
        say_otlp(&app)?;
        output::line(&format!("Faremeter listens at {}", app.url()))?;
        let stage = tokio::spawn(stage.run(stop.clone()));
        let served = Box::pin(app.run(stop)).await;
        send_rest(providers).await;
        let staged = stage.await.context("what brings the demo up broke off")?;
        served.and(staged)
    }

    fn wanted(&self) -> Wanted {
        Wanted { seed: self.seed, days: self.history_days.map(NonZeroU32::get), invocations: self.history }
    }
}

fn parts(app: &App, config: Config) -> anyhow::Result<Parts> {
    Ok(Parts {
        store: app.store().clone(),
        query: app.query().clone(),
        books: PriceBooks::embedded()?,
        clock: app.clock().clone(),
        place: Place { region: config.trigger.region, account: config.trigger.account },
        idle_timeout: config.runtime.idle_timeout,
        folder: config.data,
    })
}

/// Reads a factor above 0.
fn factor(text: &str) -> Result<f64, String> {
    let read = text.parse().ok().filter(|factor: &f64| (0.001..=10_000.0).contains(factor));
    read.ok_or_else(|| format!("'{text}' is not a factor from 0.001 to 10000"))
}

/// Reads a count such as `1M`, `250k`, `12000` or `none`.
fn count(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.trim_end_matches(['k', 'K', 'm', 'M']) {
        digits if text.len() == digits.len() => (digits, 1),
        digits if text.len() > digits.len() + 1 => return Err(format!("'{text}' has more than one unit")),
        digits if text.ends_with(['k', 'K']) => (digits, 1_000),
        digits => (digits, 1_000_000),
    };
    if text == "none" {
        return Ok(0);
    }
    let read = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit));
    let most = 1_000_000_000;
    read.filter(|count| *count <= most)
        .ok_or_else(|| format!("'{text}' is not a count up to 1000M, such as 1M, 250k or none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_as_people_write_them() {
        assert_eq!(
            ["1M", "250k", "12000", "0", "none"].map(count),
            [Ok(1_000_000), Ok(250_000), Ok(12_000), Ok(0), Ok(0)]
        );
        for wrong in ["", "M", "1kM", "-1", "1.5M", "2000M", "many"] {
            assert!(count(wrong).is_err(), "{wrong}");
        }
        assert_eq!(factor("10"), Ok(10.0));
        assert!(factor("0").is_err() && factor("NaN").is_err() && factor("-1").is_err());
    }
}

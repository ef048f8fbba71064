//! Owns the traffic that follows from a recipe, a seed and a day: how many calls of each function come when, how long they
//! wait, which version runs. History and live load both read it here, so that one goes on where the other ends.

use std::time::Duration;

use crate::model::{FunctionSpec, Outcome, ThrottleReason};
use crate::units::Megabytes;

use super::chance::LogNormal;
use super::measured::{self, Ending, Figures};
use super::recipe::{self, Recipe, Retry, Rhythm};
use super::{Error, Sample};

const SECOND_US: i64 = 1_000_000;
const HOUR_US: i64 = 3_600 * SECOND_US;
const DAY_US: i64 = 24 * HOUR_US;
const WEEK_S: f64 = 7.0 * 86_400.0;

/// The ending of a call that took too long. Those of the payloads follow, and those of incidents.
pub(super) const TIMEOUT: usize = 0;
const PAYLOADS: usize = 1;

/// What the traffic is made from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Decides every draw.
    pub seed: u64,
    /// The UTC day, since the epoch, on which the history ends.
    pub day: i32,
    /// Whole days of history before that day.
    pub days: u32,
    /// Calls in those days, about; the rates follow from it.
    pub invocations: u64,
}

/// The traffic.
#[derive(Debug, Clone)]
pub struct Traffic {
    pub(super) seed: u64,
    /// The midnight that days are counted from, µs since the epoch: growth and drift end there.
    day_us: i64,
    /// Where the history begins, µs since the epoch.
    pub(super) start_us: i64,
    /// From here on each call has spans and logs.
    pub(super) traced_us: i64,
    /// Calls per second at weight 1.
    scale: f64,
    growth_per_week: f64,
    pub(super) functions: Vec<Function>,
}

/// One function's part.
#[derive(Debug, Clone)]
pub(super) struct Function {
    pub(super) recipe: recipe::Function,
    pub(super) figures: Figures,
    pub(super) sample: Sample,
    rhythm: Rhythm,
    /// Oldest first, never empty.
    pub(super) versions: Vec<Version>,
    pub(super) incidents: Vec<Incident>,
    /// See `TIMEOUT`.
    pub(super) endings: Vec<Ending>,
}

/// One deployed version.
#[derive(Debug, Clone, Copy)]
pub(super) struct Version {
    from_us: i64,
    slow: f64,
    pub(super) memory: Megabytes,
}

/// Something that goes wrong for a while.
#[derive(Debug, Clone, Copy)]
pub(super) struct Incident {
    pub(super) from_us: i64,
    pub(super) to_us: i64,
    surge: f64,
    slow: f64,
    /// A probability, and which ending.
    pub(super) fails: Option<(f64, usize)>,
    /// Calls at once, at most.
    pub(super) limit: Option<(usize, ThrottleReason)>,
    pub(super) retry: Option<Retry>,
}

impl Traffic {
    /// Joins the recipe with the sample functions.
    pub fn new(settings: Settings, samples: &[Sample]) -> Result<Self, Error> {
        let (recipe, measured) = (&Recipe::embedded()?, &measured::embedded()?);
        let day_us = i64::from(settings.day) * DAY_US;
        let functions = samples.iter().map(|sample| Function::of(recipe, measured, sample, day_us));
        let mut traffic = Self {
            seed: settings.seed,
            day_us,
            start_us: day_us - i64::from(settings.days) * DAY_US,
            traced_us: day_us - i64::from(recipe.traced_days) * DAY_US,
            scale: 1.0,
            growth_per_week: recipe.growth_per_week,
            functions: functions.collect::<Result<_, _>>()?,
        };
        traffic.scale = settings.invocations as f64 / traffic.expected(traffic.start_us, day_us).max(f64::MIN_POSITIVE);
        for function in 0..traffic.functions.len() {
            let limits: Vec<_> =
                recipe.incident.iter().filter(|i| i.function == traffic.functions[function].name()).collect();
            let limits: Vec<_> =
                limits.iter().enumerate().map(|(at, i)| traffic.limit(function, at, i.limit)).collect();
            for (incident, limit) in traffic.functions[function].incidents.iter_mut().zip(limits) {
                incident.limit = limit;
            }
        }
        Ok(traffic)
    }

    /// The same traffic, so many times as dense.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        Self { scale: self.scale * factor, ..self.clone() }
    }

    /// How each function is deployed, by version; the last is the one that runs.
    #[must_use]
    pub fn versions(&self) -> Vec<Vec<FunctionSpec>> {
        let of = |function: &Function| {
            let spec = |version: &Version| FunctionSpec { memory: version.memory, ..function.sample.spec.clone() };
            function.versions.iter().map(spec).collect()
        };
        self.functions.iter().map(of).collect()
    }

    /// How many calls come from one moment to another, on average, incidents left out.
    #[must_use]
    pub fn expected(&self, from_us: i64, to_us: i64) -> f64 {
        let of_hour = |function: usize, hour: i64| {
            let (begin, end) = (from_us.max(hour * HOUR_US), to_us.min((hour + 1) * HOUR_US));
            let part = (end - begin).max(0) as f64 / HOUR_US as f64;
            let rates = self.plain_rates(function, hour);
            part * rates.iter().sum::<f64>() * 60.0
        };
        let hours = from_us.div_euclid(HOUR_US)..=to_us.div_euclid(HOUR_US);
        hours.map(|hour| (0..self.functions.len()).map(|function| of_hour(function, hour)).sum::<f64>()).sum()
    }

    /// Calls per second of a function in each minute of an hour since the epoch.
    pub(super) fn rates(&self, function: usize, hour: i64) -> [f64; 60] {
        let mut rates = self.plain_rates(function, hour);
        let (begin, end) = (hour * HOUR_US, (hour + 1) * HOUR_US);
        let during = |incident: &&Incident| incident.from_us < end && incident.to_us > begin && incident.surge != 1.0;
        for incident in self.functions[function].incidents.iter().filter(during) {
            for (minute, rate) in rates.iter_mut().enumerate() {
                let at = begin + minute as i64 * 60 * SECOND_US;
                if incident.holds(at) {
                    *rate *= incident.surge;
                }
            }
        }
        rates
    }

    /// `rates` without incidents.
    fn plain_rates(&self, function: usize, hour: i64) -> [f64; 60] {
        let function = &self.functions[function];
        let at = hour * HOUR_US;
        if at < function.versions[0].from_us {
            return [0.0; 60];
        }
        let (day, of_day) = (hour.div_euclid(24), hour.rem_euclid(24) as usize);
        // The first day of the epoch was a Thursday.
        let weekday = (day + 3).rem_euclid(7) as usize;
        let growth = (self.growth_per_week * function.recipe.growth_per_week).powf(self.weeks(at));
        let whole = self.scale * function.recipe.share * growth * function.rhythm.week[weekday];
        let (first, last) = (function.rhythm.day[of_day] * whole, function.rhythm.day[(of_day + 1) % 24] * whole);
        let mut rates = [0.0; 60];
        for (minute, rate) in rates.iter_mut().enumerate() {
            *rate = first + (last - first) * minute as f64 / 60.0;
        }
        if let Some(hourly) = function.recipe.hourly {
            let minutes = f64::from(hourly.minutes);
            let (within, outside) = (hourly.share * 60.0 / minutes, (1.0 - hourly.share) * 60.0 / (60.0 - minutes));
            for (minute, rate) in rates.iter_mut().enumerate() {
                *rate *= if (minute as f64) < minutes { within } else { outside };
            }
        }
        rates
    }

    /// Which of a function's versions runs.
    pub(super) fn version(&self, function: usize, at_us: i64) -> usize {
        self.functions[function].versions.iter().rposition(|version| version.from_us <= at_us).unwrap_or(0)
    }

    /// How long waits are, relative to the recipe's.
    pub(super) fn slow(&self, function: usize, at_us: i64) -> f64 {
        let version = self.functions[function].versions[self.version(function, at_us)].slow;
        let function = &self.functions[function];
        let drift = function.recipe.drift.map_or(1.0, |drift| {
            let weeks = self.weeks(at_us) - f64::from(drift.from_day) / 7.0;
            drift.per_week.powf(weeks.max(0.0))
        });
        version * drift * function.incident(at_us).map_or(1.0, |incident| incident.slow)
    }

    /// Weeks from the last midnight of the history, negative before it and zero after.
    fn weeks(&self, at_us: i64) -> f64 {
        (at_us - self.day_us).min(0) as f64 / SECOND_US as f64 / WEEK_S
    }

    /// What a limit comes to: a share of the calls that would be under way at once in the middle of the incident.
    fn limit(&self, function: usize, incident: usize, limit: Option<recipe::Limit>) -> Option<(usize, ThrottleReason)> {
        let limit = limit?;
        let found = self.functions[function].incidents.get(incident)?;
        let middle = found.from_us + (found.to_us - found.from_us) / 2;
        let rate =
            self.rates(function, middle.div_euclid(HOUR_US))[(middle.rem_euclid(HOUR_US) / (60 * SECOND_US)) as usize];
        let modes = &self.functions[function].recipe.wait;
        let weight: f64 = modes.iter().map(|mode| mode.weight).sum();
        let mean_ms: f64 = modes.iter().map(|mode| mode.weight * mode.ms.mean()).sum::<f64>() / weight;
        let at_once = rate * mean_ms / 1_000.0 * self.slow(function, middle);
        Some((((at_once * limit.share).round() as usize).max(1), limit.reason))
    }
}

impl Function {
    fn of(recipe: &Recipe, measured: &[Figures], sample: &Sample, day_us: i64) -> Result<Self, Error> {
        let name = &sample.spec.name;
        let found = recipe.function.iter().find(|function| function.name == *name);
        let function = found.ok_or_else(|| Error::Recipe(format!("the sample function {name} is not in it")))?;
        let figures = measured.iter().find(|figures| figures.name == *name);
        let figures = figures.ok_or_else(|| Error::Measured(format!("the sample function {name} is not in it")))?;
        let known = (figures.usual.len(), figures.rare.len());
        if known != (sample.payloads.len(), sample.rare_payloads.len()) {
            return Err(Error::Measured(format!("{name} has other payloads than it has figures for: measure again")));
        }
        let mut endings = vec![timeout(sample.spec.timeout, &figures.usual)];
        endings.extend(figures.usual.iter().chain(&figures.rare).cloned());
        let moment = |day: i32, at: Duration| day_us + i64::from(day) * DAY_US + micros(at);
        let version = |version: &recipe::Version| Version {
            from_us: moment(version.day, version.at),
            slow: version.slow,
            memory: version.memory_mb.map_or(sample.spec.memory, Megabytes),
        };
        let mut incidents = Vec::new();
        for incident in recipe.incident.iter().filter(|incident| incident.function == *name) {
            let from_us = moment(incident.day, incident.at);
            let fails = incident.fails.as_ref().map(|fails| {
                endings.push(fails.ending.clone());
                (fails.share, endings.len() - 1)
            });
            let (surge, slow, retry) = (incident.surge, incident.slow, incident.retry);
            incidents.push(Incident {
                from_us,
                to_us: from_us + micros(incident.lasts),
                surge,
                slow,
                fails,
                limit: None,
                retry,
            });
        }
        Ok(Self {
            rhythm: recipe.rhythm[&function.rhythm].clone(),
            versions: function.version.iter().map(version).collect(),
            recipe: function.clone(),
            figures: figures.clone(),
            sample: sample.clone(),
            incidents,
            endings,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.sample.spec.name
    }

    /// What goes wrong with it at this moment.
    pub(super) fn incident(&self, at_us: i64) -> Option<&Incident> {
        self.incidents.iter().find(|incident| incident.holds(at_us))
    }

    /// The ending that a payload leads to.
    pub(super) fn ending(payload: usize) -> usize {
        PAYLOADS + payload
    }

    /// A payload by its number: the ordinary ones come first, then the rare ones.
    pub(super) fn payload(&self, number: usize) -> &str {
        let Sample { payloads, rare_payloads, .. } = &self.sample;
        payloads.iter().chain(rare_payloads).nth(number).map_or("", String::as_str)
    }
}

impl Incident {
    fn holds(&self, at_us: i64) -> bool {
        self.from_us <= at_us && at_us < self.to_us
    }
}

/// As the executor says it; until then it was a call like others.
fn timeout(limit: Duration, usual: &[Ending]) -> Ending {
    let like = usual.first();
    let figure = |get: fn(&Ending) -> LogNormal| like.map(get).unwrap_or_default();
    Ending {
        outcome: Outcome::Timeout,
        error_type: Some("Timeout".to_owned()),
        message: Some(format!("the function ran longer than its limit of {limit:?}")),
        status: 504,
        waits: true,
        own_us: figure(|like| like.own_us),
        cpu_us: figure(|like| like.cpu_us),
        peak_memory_kib: figure(|like| like.peak_memory_kib),
        response_bytes: 0,
        logs: Vec::new(),
    }
}

pub(super) fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}

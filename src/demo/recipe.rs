//! Owns the recipe of the demo's traffic as `sample-data/history.toml` has it, and whether it is right. What follows from
//! it is `traffic`'s.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::model::ThrottleReason;
use crate::units::parse_duration;

use super::Error;
use super::chance::LogNormal;
use super::measured::Ending;

/// The recipe that is part of the program.
pub(super) const TEXT: &str = include_str!("../../sample-data/history.toml");

/// How often, how long and how well the sample functions run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recipe {
    /// Each call of so many last days has its spans and logs; of the days before, each failed one.
    pub(super) traced_days: u32,
    /// How much more there is of everything, a week later.
    pub(super) growth_per_week: f64,
    /// Named courses of the day and the week.
    pub(super) rhythm: BTreeMap<String, Rhythm>,
    pub(super) function: Vec<Function>,
    pub(super) incident: Vec<Incident>,
}

/// Weights, relative to each other, UTC.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rhythm {
    /// At each full hour; between them a straight line.
    pub(super) day: [f64; 24],
    /// Monday first.
    pub(super) week: [f64; 7],
}

/// One sample function.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Function {
    pub(super) name: String,
    /// Its part of all calls, relative to the other functions'.
    pub(super) share: f64,
    pub(super) rhythm: String,
    /// Over `Recipe::growth_per_week`.
    #[serde(default = "one")]
    pub(super) growth_per_week: f64,
    pub(super) hourly: Option<Hourly>,
    /// How long it waits for others: a mixture.
    pub(super) wait: Vec<Mode>,
    pub(super) drift: Option<Drift>,
    /// Oldest first; the last is the one that the demo runs.
    pub(super) version: Vec<Version>,
}

/// Calls that a schedule makes: so large a share comes in the first minutes of the hour.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hourly {
    pub(super) minutes: u32,
    pub(super) share: f64,
}

/// One of several kinds of wait.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mode {
    pub(super) weight: f64,
    pub(super) ms: LogNormal,
}

/// Waits that become longer from a day on.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Drift {
    /// Days before the one that the history ends on, negative.
    pub(super) from_day: i32,
    pub(super) per_week: f64,
}

/// A deployment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Version {
    /// Days before the one that the history ends on, negative.
    pub(super) day: i32,
    #[serde(default, deserialize_with = "time_of_day")]
    pub(super) at: Duration,
    /// How long its waits are, relative to the recipe's.
    #[serde(default = "one")]
    pub(super) slow: f64,
    /// Instead of what `functions.toml` says.
    pub(super) memory_mb: Option<u32>,
}

/// Something that goes wrong for a while.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Incident {
    /// What happened, for whoever reads the recipe.
    #[serde(rename = "what")]
    pub(super) _what: String,
    pub(super) function: String,
    /// Days before the one that the history ends on, negative.
    pub(super) day: i32,
    #[serde(deserialize_with = "time_of_day")]
    pub(super) at: Duration,
    #[serde(deserialize_with = "length")]
    pub(super) lasts: Duration,
    /// How many times as many calls come.
    #[serde(default = "one")]
    pub(super) surge: f64,
    /// How many times as long the waits are.
    #[serde(default = "one")]
    pub(super) slow: f64,
    pub(super) fails: Option<Fails>,
    pub(super) limit: Option<Limit>,
    pub(super) retry: Option<Retry>,
}

/// Calls that end badly in an incident.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fails {
    pub(super) share: f64,
    pub(super) ending: Ending,
}

/// A limit on calls at once, as a share of those that there would be.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    pub(super) share: f64,
    #[serde(deserialize_with = "parsed")]
    pub(super) reason: ThrottleReason,
}

/// Callers that try a failed or refused call again, after a wait that doubles.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Retry {
    pub(super) attempts: u8,
    #[serde(deserialize_with = "length")]
    pub(super) after: Duration,
}

impl Recipe {
    /// The recipe that is part of the program.
    pub(super) fn embedded() -> Result<Self, Error> {
        let recipe: Self = toml::from_str(TEXT).map_err(|error| Error::Recipe(error.to_string()))?;
        recipe.check().map_err(Error::Recipe)?;
        Ok(recipe)
    }

    fn check(&self) -> Result<(), String> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        for (name, rhythm) in &self.rhythm {
            let right = rhythm.day.iter().chain(&rhythm.week).all(|weight| positive(*weight));
            require(right, || format!("rhythm '{name}' has a weight that is not above 0"))?;
        }
        for function in &self.function {
            let name = &function.name;
            require(self.rhythm.contains_key(&function.rhythm), || format!("{name}: no rhythm '{}'", function.rhythm))?;
            require(positive(function.share), || format!("{name}: share is {}", function.share))?;
            let weights = function.wait.iter().all(|mode| positive(mode.weight) && mode.ms.is_valid());
            require(weights && !function.wait.is_empty(), || format!("{name}: wait is wrong"))?;
            let hourly = |hourly: Hourly| (1..60).contains(&hourly.minutes) && (0.0..1.0).contains(&hourly.share);
            require(function.hourly.is_none_or(hourly), || format!("{name}: hourly is wrong"))?;
            let days = function.version.windows(2).all(|pair| pair[0].day < pair[1].day && pair[1].day < 0);
            require(days && !function.version.is_empty(), || format!("{name}: its versions are not in order"))?;
        }
        for Incident { function, day, at, lasts, .. } in &self.incident {
            require(self.function.iter().any(|known| known.name == *function), || {
                format!("there is an incident of '{function}', which is no function")
            })?;
            // What is not over by midnight would go on into the live load, which has no incidents.
            let ends = Duration::from_secs(86_400);
            require(*day < -1 || (*day == -1 && *at + *lasts <= ends), || {
                format!("the incident of '{function}' on day {day} goes on after the history's last whole day")
            })?;
        }
        Ok(())
    }
}

fn require(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

fn one() -> f64 {
    1.0
}

pub(super) fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(deserializer: D) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// `HH:MM`.
fn time_of_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let read = |text: &str| {
        let (hours, minutes) = text.split_once(':')?;
        let (hours, minutes): (u64, u64) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours < 24 && minutes < 60).then(|| Duration::from_secs(hours * 3_600 + minutes * 60))
    };
    read(&text).ok_or_else(|| serde::de::Error::custom(format!("'{text}' is no time of day: write HH:MM")))
}

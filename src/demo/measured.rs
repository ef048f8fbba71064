//! Owns what was measured of the sample functions, as `sample-data/measured.toml` has it: what they take beside their
//! waits, and how each payload ends. How often they are called and how long they wait is `recipe`'s.

use serde::{Deserialize, Deserializer};

use crate::model::{Attributes, Outcome, Severity};

use super::Error;
use super::chance::LogNormal;
use super::recipe::parsed;

/// The figures that are part of the program.
pub(super) const TEXT: &str = include_str!("../../sample-data/measured.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Measured {
    function: Vec<Figures>,
}

/// One sample function.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Figures {
    pub(super) name: String,
    /// The column `runtime`.
    pub(super) runtime: String,
    pub(super) cold: Start,
    pub(super) warm: Start,
    /// How much longer than asked for a wait is, µs.
    pub(super) late_us: LogNormal,
    /// How the ordinary payloads of `functions.toml` end, in their order.
    pub(super) usual: Vec<Ending>,
    /// And the rare ones.
    pub(super) rare: Vec<Ending>,
}

/// What goes before the handler's work, µs.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Start {
    pub(super) queue_us: LogNormal,
    #[serde(default)]
    pub(super) load_us: LogNormal,
    #[serde(default)]
    pub(super) instantiate_us: LogNormal,
    #[serde(default)]
    pub(super) init_us: LogNormal,
    /// What the handler takes more, where a function makes itself ready in its first call.
    #[serde(default)]
    pub(super) handler_us: LogNormal,
}

/// A log line. `{n}` in it is a number that differs from call to call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    #[serde(default)]
    pub(super) stdout: bool,
    #[serde(deserialize_with = "severity")]
    pub(super) severity: Severity,
    pub(super) body: String,
    #[serde(default)]
    pub(super) attributes: Attributes,
}

/// What a call does and how it ends.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ending {
    #[serde(default = "ok", deserialize_with = "parsed")]
    pub(super) outcome: Outcome,
    pub(super) error_type: Option<String>,
    pub(super) message: Option<String>,
    /// What the caller sees.
    #[serde(default = "answered")]
    pub(super) status: u16,
    /// Whether it waits for others before.
    #[serde(default = "yes")]
    pub(super) waits: bool,
    /// What the handler takes beside the wait, µs.
    pub(super) own_us: LogNormal,
    /// CPU time of the handler, µs.
    pub(super) cpu_us: LogNormal,
    /// The most memory held, KiB.
    pub(super) peak_memory_kib: LogNormal,
    pub(super) response_bytes: u64,
    #[serde(default)]
    pub(super) logs: Vec<Line>,
}

/// Reads the figures.
pub(super) fn embedded() -> Result<Vec<Figures>, Error> {
    let measured: Measured = toml::from_str(TEXT).map_err(|error| Error::Measured(error.to_string()))?;
    Ok(measured.function)
}

fn ok() -> Outcome {
    Outcome::Ok
}

fn answered() -> u16 {
    200
}

fn yes() -> bool {
    true
}

fn severity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Severity, D::Error> {
    let word = String::deserialize(deserializer)?;
    Severity::parse(&word).ok_or_else(|| serde::de::Error::custom(format!("'{word}' is no severity")))
}

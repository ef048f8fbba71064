//! The text of a price book: its keys, and what each may hold. What must fit together is checked in `book`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::model::Architecture;

use super::ratio::Ratio;
use super::source::Source;
use super::{Period, Rounding, Scope, Zone};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BookFile {
    pub(super) id: Spanned<String>,
    pub(super) name: String,
    pub(super) currency: Spanned<String>,
    #[serde(default = "two")]
    pub(super) minor_digits: Spanned<u32>,
    pub(super) scope: Scope,
    pub(super) period: Period,
    pub(super) zone: Zone,
    pub(super) invoice_rounding: Rounding,
    pub(super) edition: Vec<EditionFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EditionFile {
    pub(super) effective: Spanned<String>,
    pub(super) default_region: String,
    #[serde(default = "no_rules")]
    pub(super) invocation: Spanned<Rules>,
    #[serde(default)]
    pub(super) size: Vec<Spanned<Size>>,
    pub(super) meter: Vec<MeterFile>,
    #[serde(default)]
    pub(super) allowance: Vec<AllowanceFile>,
    #[serde(default)]
    pub(super) region: BTreeMap<String, BTreeMap<Spanned<String>, Prices>>,
}

/// How one invocation's usage becomes billed usage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::cost) struct Rules {
    /// Whether init is billed like the handler.
    pub(super) bills_init: bool,
    /// Billed time is a multiple of this, rounded up.
    pub(super) granularity_ms: u32,
    /// Billed time is at least this, where something ran.
    pub(super) minimum_ms: u32,
    /// Billed memory is a multiple of this, rounded up.
    pub(super) memory_step_mb: u32,
    /// Billed memory is at least this.
    pub(super) minimum_memory_mb: u32,
    /// There are no functions with more.
    pub(super) maximum_memory_mb: Option<u32>,
    /// Whether invocations that run in one instance at once share its time.
    pub(super) shared_instances: bool,
    /// Ephemeral storage that costs nothing.
    pub(in crate::cost) free_ephemeral_storage_mb: u32,
    /// Bytes of each streamed reply that cost nothing.
    pub(super) free_streamed_bytes: u32,
    /// Provisioned time is a multiple of this, rounded up.
    pub(in crate::cost) provisioned_step_s: u32,
    /// Provisioned time is at least this, where there is any.
    pub(in crate::cost) minimum_provisioned_s: u32,
    /// Snapshots are kept for at least this, where there are any.
    pub(super) minimum_snap_s: u32,
    /// How the size of an event makes several requests of one.
    pub(super) event: Option<EventRules>,
}

/// An event up to `first_kb` is one request, each further `step_kb` that is begun is one more; none is above `maximum_kb`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cost) struct EventRules {
    pub(super) first_kb: u32,
    pub(super) step_kb: u32,
    pub(super) maximum_kb: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            bills_init: false,
            granularity_ms: 1,
            minimum_ms: 0,
            memory_step_mb: 1,
            minimum_memory_mb: 0,
            maximum_memory_mb: None,
            shared_instances: false,
            free_ephemeral_storage_mb: 0,
            free_streamed_bytes: 0,
            provisioned_step_s: 1,
            minimum_provisioned_s: 0,
            minimum_snap_s: 0,
            event: None,
        }
    }
}

/// A size of instances: what is asked for becomes the first that has as much.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Size {
    pub(super) memory_mb: u32,
    /// The clock rate that goes with it.
    pub(super) mhz: Option<u32>,
    /// The vCPUs that go with it.
    pub(super) vcpu: Option<Decimal>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MeterFile {
    pub(super) name: Spanned<String>,
    pub(super) unit: Spanned<String>,
    #[serde(default)]
    pub(super) counts: Vec<Source>,
    #[serde(default, deserialize_with = "architecture")]
    pub(super) architecture: Option<Architecture>,
    pub(super) price: Prices,
    pub(super) rounding: Option<Rounding>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllowanceFile {
    pub(super) name: Spanned<String>,
    pub(super) meters: Vec<Spanned<String>>,
    pub(super) quantity: Option<Decimal>,
    pub(super) credit: Option<Decimal>,
    pub(super) used_elsewhere: Option<Decimal>,
    #[serde(default)]
    pub(super) included: bool,
}

/// What a unit costs: one price, graduated tiers, or not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cost) enum Prices {
    Unknown,
    /// By cumulative upper bound, the last of which may be none; never empty.
    Tiers(Vec<Tier>),
}

/// A price up to a bound, counted from the first unit of the month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cost) struct Tier {
    pub(super) up_to: Option<Ratio>,
    pub(super) price: Ratio,
}

/// A decimal of 0 or more, written as a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal(pub(super) Ratio);

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Decimal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal in a string, such as \"0.0000166667\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Decimal, E> {
                decimal(text).map(Decimal).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl<'de> Deserialize<'de> for Prices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PriceOrTiers;
        impl<'de> Visitor<'de> for PriceOrTiers {
            type Value = Prices;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a price such as \"0.2\", tiers such as [[\"100\", \"0.2\"], [\"inf\", \"0.1\"]], or \"unknown\"",
                )
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Prices, E> {
                if text == "unknown" {
                    return Ok(Prices::Unknown);
                }
                let price = decimal(text).map_err(E::custom)?;
                Ok(Prices::Tiers(vec![Tier { up_to: None, price }]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Prices, A::Error> {
                let mut tiers = Vec::new();
                while let Some((bound, price)) = seq.next_element::<(String, String)>()? {
                    let up_to = match bound.as_str() {
                        "inf" => None,
                        text => Some(decimal(text).map_err(A::Error::custom)?),
                    };
                    tiers.push(Tier { up_to, price: decimal(&price).map_err(A::Error::custom)? });
                }
                graduated(&tiers).map_err(A::Error::custom)?;
                Ok(Prices::Tiers(tiers))
            }
        }
        deserializer.deserialize_any(PriceOrTiers)
    }
}

/// Checks that bounds rise and that only the last is open.
fn graduated(tiers: &[Tier]) -> Result<(), String> {
    if tiers.is_empty() {
        return Err("there is no tier: write at least one".to_owned());
    }
    let mut below = Ratio::ZERO;
    for (at, tier) in tiers.iter().enumerate() {
        match tier.up_to {
            Some(up_to) => {
                let rises = up_to.minus(below).is_ok_and(Ratio::is_positive);
                if !rises {
                    return Err(format!("the tier up to {up_to} does not lie above the one before, up to {below}"));
                }
                below = up_to;
            }
            None if at + 1 < tiers.len() => return Err("a tier comes after the one up to \"inf\"".to_owned()),
            None => {}
        }
    }
    Ok(())
}

fn decimal(text: &str) -> Result<Ratio, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = plain.then(|| Ratio::parse(text)).flatten();
    number.ok_or_else(|| format!("'{text}' is not a decimal of 0 or more, such as 0.0000166667"))
}

fn architecture<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Architecture>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(D::Error::custom)
}

fn no_rules() -> Spanned<Rules> {
    Spanned::new(0..0, Rules::default())
}

fn two() -> Spanned<u32> {
    Spanned::new(0..0, 2)
}

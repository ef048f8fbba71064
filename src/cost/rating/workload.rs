//! A workload: a month's usage as a user writes it down in JSON. What a book counts of it is `usage`'s.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use crate::model::Architecture;

use super::Error;
use super::fields::Fields;
use super::ratio::Ratio;

/// Objects that one workload may hold.
const MAX_PARTS: usize = 100_000;

/// A month's usage: the sum of its parts. Allowances are used up in their order.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Never empty.
    pub(super) parts: Vec<Part>,
}

/// Requests that are alike, and what stands ready for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) requests: i128,
    /// Of each request, ms; none where it is not told.
    pub(super) duration: Option<Ratio>,
    /// Of each request, ms.
    pub(super) init: Ratio,
    pub(super) memory_mb: i128,
    pub(super) architecture: Architecture,
    pub(super) ephemeral_storage_mb: i128,
    /// CPU time of each request, ms; none where it is not told.
    pub(super) cpu: Option<Ratio>,
    pub(super) vcpu: Ratio,
    /// Requests that run in one instance at once.
    pub(super) concurrency_per_instance: i128,
    /// The size of the event that each request brings.
    pub(super) event_kb: Ratio,
    pub(super) streamed_bytes_per_request: i128,
    pub(super) free_tier: bool,
    pub(super) provisioned: Provisioned,
    pub(super) snap_start: SnapStart,
    /// Quantities of meters, by name, in their units.
    pub(super) meters: BTreeMap<String, Ratio>,
    /// The fields that were written down.
    pub(super) given: BTreeSet<String>,
}

/// Environments that stand ready, and what runs in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Provisioned {
    pub(super) concurrency: i128,
    pub(super) seconds: i128,
    /// Beside those on demand.
    pub(super) requests: i128,
    /// Of each request, ms.
    pub(super) duration: Option<Ratio>,
}

/// Snapshots that are kept and restored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SnapStart {
    pub(super) cached_seconds: i128,
    pub(super) restores: i128,
}

impl Workload {
    /// Reads an object, or a list of objects, as JSON.
    pub fn parse(json: &str) -> Result<Self, Error> {
        let malformed = |error: serde_json::Error| Error::Workload(format!("it is not JSON: {error}"));
        if !json.trim_start().starts_with('[') {
            let whole: &RawValue = serde_json::from_str(json).map_err(malformed)?;
            return Ok(Self { parts: vec![Part::read(Fields::read("", whole)?)?] });
        }
        let list: Vec<&RawValue> = serde_json::from_str(json).map_err(malformed)?;
        if list.is_empty() || list.len() > MAX_PARTS {
            return Err(Error::Workload(format!(
                "it is a list of {}, 1 to {MAX_PARTS} objects were expected",
                list.len()
            )));
        }
        let part = |(at, json): (usize, &&RawValue)| Part::read(Fields::read(&format!("[{at}]"), json)?);
        Ok(Self { parts: list.iter().enumerate().map(part).collect::<Result<_, _>>()? })
    }

    /// The fields that some part has.
    pub(super) fn given(&self) -> BTreeSet<&str> {
        self.parts.iter().flat_map(|part| part.given.iter().map(String::as_str)).collect()
    }
}

impl Part {
    /// One request of which nothing is told.
    pub(super) fn one() -> Self {
        Self {
            requests: 1,
            duration: None,
            init: Ratio::ZERO,
            memory_mb: 128,
            architecture: Architecture::X86_64,
            ephemeral_storage_mb: 512,
            cpu: None,
            vcpu: Ratio::ONE,
            concurrency_per_instance: 1,
            event_kb: Ratio::ZERO,
            streamed_bytes_per_request: 0,
            free_tier: true,
            provisioned: Provisioned::default(),
            snap_start: SnapStart::default(),
            meters: BTreeMap::new(),
            given: BTreeSet::new(),
        }
    }

    fn read(mut fields: Fields<'_>) -> Result<Self, Error> {
        let mut given: BTreeSet<String> = fields.names().collect();
        let requests = fields.whole("requests")?;
        let mut provisioned = Provisioned::default();
        if let Some(mut inner) = fields.object("provisioned")? {
            given.remove("provisioned");
            given.extend(inner.names().map(|name| format!("provisioned.{name}")));
            provisioned = Provisioned {
                concurrency: inner.whole("concurrency")?.unwrap_or_default(),
                seconds: inner.whole("seconds")?.unwrap_or_default(),
                requests: inner.whole("requests")?.unwrap_or_default(),
                duration: inner.number("duration_ms")?,
            };
        }
        let mut snap_start = SnapStart::default();
        if let Some(mut inner) = fields.object("snap_start")? {
            given.remove("snap_start");
            given.extend(inner.names().map(|name| format!("snap_start.{name}")));
            snap_start = SnapStart {
                cached_seconds: inner.whole("cached_seconds")?.unwrap_or_default(),
                restores: inner.whole("restores")?.unwrap_or_default(),
            };
        }
        let meters = fields.object("meters")?.map(Fields::quantities).transpose()?.unwrap_or_default();
        let architecture = fields.word("architecture", "\"x86_64\" or \"arm64\"")?;
        let one = Self::one();
        Ok(Self {
            requests: requests.ok_or_else(|| fields.missing("requests"))?,
            duration: fields.number("duration_ms")?,
            init: fields.number("init_ms")?.unwrap_or(Ratio::ZERO),
            memory_mb: fields.positive("memory_mb")?.unwrap_or(one.memory_mb),
            architecture: architecture.unwrap_or(one.architecture),
            ephemeral_storage_mb: fields.whole("ephemeral_storage_mb")?.unwrap_or(one.ephemeral_storage_mb),
            cpu: fields.number("cpu_ms")?,
            vcpu: fields.number("vcpu")?.unwrap_or(one.vcpu),
            concurrency_per_instance: fields.positive("concurrency_per_instance")?.unwrap_or(1),
            event_kb: fields.number("event_kb")?.unwrap_or(Ratio::ZERO),
            streamed_bytes_per_request: fields.whole("streamed_bytes_per_request")?.unwrap_or_default(),
            free_tier: fields.flag("free_tier")?.unwrap_or(true),
            provisioned,
            snap_start,
            meters: meters.into_iter().collect(),
            given,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_left_out_have_defaults() {
        let workload = Workload::parse(r#"{"requests": 3e6}"#).expect("it is right");
        let part = &workload.parts[0];
        assert_eq!((part.requests, part.memory_mb, part.ephemeral_storage_mb), (3_000_000, 128, 512));
        assert_eq!((part.duration, part.cpu, part.vcpu), (None, None, Ratio::ONE));
        assert!(part.free_tier && part.architecture == Architecture::X86_64);
        let given: Vec<&str> = workload.given().into_iter().collect();
        assert_eq!(given, ["requests"]);
    }

    #[test]
    fn numbers_are_decimals_and_meters_may_be_fractions() {
        let text = r#"[{"requests": 1, "duration_ms": 0.1, "vcpu": 0.167}, {"requests": 2, "meters": {"gb": "275/9", "x": 1.50}}]"#;
        let workload = Workload::parse(text).expect("it is right");
        assert_eq!(workload.parts[0].duration, Ratio::new(1, 10).ok());
        assert_eq!(workload.parts[0].vcpu.to_string(), "0.167");
        assert_eq!(workload.parts[1].meters["gb"].as_fraction().as_deref(), Some("275/9"));
        assert_eq!(workload.parts[1].meters["x"].to_string(), "1.5");
    }

    #[test]
    fn a_wrong_field_is_named_with_its_value() {
        let refuse = |text: &str| Workload::parse(text).expect_err("it is wrong").to_string();
        for (text, error) in [
            ("{}", "requests is missing"),
            (r#"{"requests": "many"}"#, r#"requests is "many", a whole number of 0 or more was expected"#),
            (r#"{"requests": 1.5}"#, "requests is 1.5, a whole number"),
            (r#"{"requests": -1}"#, "requests is -1, a whole number"),
            (r#"{"requests": null}"#, "requests is null, a whole number"),
            (r#"{"requests": 1, "duration_ms": "1"}"#, r#"duration_ms is "1", a number of 0 or more"#),
            (r#"{"requests": 1, "memory_mb": 0}"#, "memory_mb is 0, a whole number of 1 or more"),
            (
                r#"{"requests": 1, "architecture": "mips"}"#,
                r#"architecture is "mips", "x86_64" or "arm64" was expected"#,
            ),
            (r#"{"requests": 1, "free_tier": 1}"#, "free_tier is 1, true or false"),
            (r#"{"requests": 1, "provisioned": {"seconds": []}}"#, "provisioned.seconds is [], a whole number"),
            (r#"{"requests": 1, "provisioned": 5}"#, "provisioned is 5, an object was expected"),
            (r#"[{"requests": 1}, {"requests": true}]"#, "[1].requests is true"),
            (r#"[{"requests": 1}, 7]"#, "[1] is 7, an object was expected"),
            (r#"{"requests": 1, "meters": {"a": "b"}}"#, r#"meters.a is "b", a number of 0 or more"#),
            (r#"{"requests": 1, "requests": 2}"#, "the field 'requests' is there twice"),
            ("[]", "it is a list of 0"),
            ("{", "it is not JSON"),
            ("7", "it is 7, an object was expected"),
            ("", "it is not JSON"),
        ] {
            assert!(refuse(text).contains(error), "{text}: {}", refuse(text));
        }
        let many: Vec<String> = (0..=1_000).map(|at| format!("\"f{at}\": 1")).collect();
        assert!(refuse(&format!("{{{}}}", many.join(", "))).contains("it: there are more than 1000 fields"));
    }
}

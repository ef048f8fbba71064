//! The sample functions, as `sample-data/functions.toml` lists them, with their modules.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;

use crate::model::FunctionSpec;
use crate::units::{Megabytes, parse_duration};

use super::Error;

pub(super) const LIST: &str = include_str!("../../sample-data/functions.toml");
/// The modules that the list names, by their paths in it.
const MODULES: &[(&str, &[u8])] = &[
    ("functions/auth/auth.wasm", include_bytes!("../../sample-data/functions/auth/auth.wasm")),
    ("functions/checkout/checkout.wasm", include_bytes!("../../sample-data/functions/checkout/checkout.wasm")),
    ("functions/export-csv/export-csv.wasm", include_bytes!("../../sample-data/functions/export-csv/export-csv.wasm")),
    (
        "functions/fraud-score/fraud-score.wasm",
        include_bytes!("../../sample-data/functions/fraud-score/fraud-score.wasm"),
    ),
    ("functions/geocode/geocode.wat", include_bytes!("../../sample-data/functions/geocode/geocode.wat")),
    ("functions/hello/hello.wat", include_bytes!("../../sample-data/functions/hello/hello.wat")),
    ("functions/invoice/invoice.wasm", include_bytes!("../../sample-data/functions/invoice/invoice.wasm")),
    ("functions/notify/notify.wasm", include_bytes!("../../sample-data/functions/notify/notify.wasm")),
    ("functions/report/report.wasm", include_bytes!("../../sample-data/functions/report/report.wasm")),
    ("functions/search/search.wasm", include_bytes!("../../sample-data/functions/search/search.wasm")),
    ("functions/thumbnail/thumbnail.wasm", include_bytes!("../../sample-data/functions/thumbnail/thumbnail.wasm")),
    ("functions/wordcount/wordcount.wasm", include_bytes!("../../sample-data/functions/wordcount/wordcount.wasm")),
];

/// A sample function and what it is called with.
#[derive(Debug, Clone)]
pub struct Sample {
    /// How it is deployed.
    pub spec: FunctionSpec,
    /// Its module.
    pub module: Bytes,
    /// What it is called with.
    pub payloads: Vec<String>,
    /// One call in so many takes a rare payload; none where there are none.
    pub rare_one_in: Option<u32>,
    /// What it is called with rarely: calls that end badly.
    pub rare_payloads: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    function: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    file: String,
    memory_mb: u32,
    timeout: String,
    tenant: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    payloads: Vec<String>,
    rare_one_in: Option<u32>,
    #[serde(default)]
    rare_payloads: Vec<String>,
}

/// Reads the list.
pub fn samples() -> Result<Vec<Sample>, Error> {
    let list: List = toml::from_str(LIST)?;
    list.function.into_iter().map(Entry::sample).collect()
}

impl Entry {
    fn sample(self) -> Result<Sample, Error> {
        let module = MODULES.iter().find(|(path, _)| *path == self.file);
        let (_, module) = module.ok_or_else(|| Error::Missing(self.file.clone()))?;
        let spec = FunctionSpec {
            tenant: self.tenant,
            memory: Megabytes(self.memory_mb),
            timeout: parse_duration(&self.timeout)?,
            env: self.env,
            tags: self.tags,
            ..FunctionSpec::new(self.name)
        };
        Ok(Sample {
            spec,
            module: Bytes::from_static(module),
            payloads: self.payloads,
            rare_one_in: self.rare_one_in,
            rare_payloads: self.rare_payloads,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_part_of_the_program_and_within_limits() {
        let samples = samples().expect("the list is right");
        assert_eq!(samples.len(), MODULES.len());
        for sample in samples {
            assert_eq!(sample.spec.check(), Ok(()), "{}", sample.spec.name);
            assert!(!sample.payloads.is_empty(), "{}", sample.spec.name);
            assert_eq!(sample.rare_one_in.is_some(), !sample.rare_payloads.is_empty(), "{}", sample.spec.name);
        }
    }
}

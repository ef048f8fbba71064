//! Shows the provisioned environments of each function. The runtime keeps these figures, so that they are written as they
//! were last read, and a function that has none any more has no series.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::runtime::Provisioned;

use super::Function;

/// The figures as they were last read. A cheap clone of the same.
#[derive(Debug, Clone, Default)]
pub(super) struct ProvisionedConcurrency(Arc<Mutex<Vec<Provisioned>>>);

type Value = fn(&Provisioned) -> u64;

const GAUGES: [(&str, &str, Value); 3] = [
    ("wanted", "Environments that are to be started ahead of calls.", |of| u64::from(of.wanted)),
    ("ready", "Environments that are started ahead of calls, those in use included.", |of| u64::from(of.ready)),
    ("in_use", "Environments started ahead of calls that a call runs in.", |of| u64::from(of.in_use)),
];

impl ProvisionedConcurrency {
    /// Takes what the runtime says now.
    pub(super) fn read(&self, provisioned: &[Provisioned]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = provisioned.to_vec();
    }
}

impl Collector for ProvisionedConcurrency {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let labels = |of: &Provisioned| Function { function: of.function.clone() };
        for (name, help, value) in GAUGES {
            let name = format!("faremeter_function_provisioned_environments_{name}");
            let mut metric = encoder.encode_descriptor(&name, help, None, MetricType::Gauge)?;
            for of in &all {
                let value = i64::try_from(value(of)).unwrap_or(i64::MAX);
                ConstGauge::new(value).encode(metric.encode_family(&labels(of))?)?;
            }
        }
        let name = "faremeter_function_provisioned_spillovers";
        let help = "Calls that found no environment started ahead of calls free.";
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for of in &all {
            ConstCounter::new(of.spillovers).encode(metric.encode_family(&labels(of))?)?;
        }
        Ok(())
    }
}

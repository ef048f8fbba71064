//! The metrics of what is received, which `crate::ingest` counts itself: read from its status when they are shown.

use std::sync::atomic::Ordering;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::ingest::{Signal, Status};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSignal {
    signal: &'static str,
}

/// Figures that receiving keeps.
#[derive(Default)]
pub(super) struct IngestFigures {
    accepted: Family<OfSignal, Counter>,
    duplicate: Family<OfSignal, Counter>,
    rejected: Family<OfSignal, Counter>,
    refused: Family<OfSignal, Counter>,
    remembered: Gauge,
}

impl IngestFigures {
    pub(super) fn register(&self, ingest: &mut Registry) {
        ingest.register("items_accepted", "Spans, log records and data points stored", self.accepted.clone());
        ingest.register("items_duplicate", "Items that were stored before", self.duplicate.clone());
        ingest.register("items_rejected", "Items that could not be stored", self.rejected.clone());
        ingest.register("requests_refused", "Requests of which nothing was kept", self.refused.clone());
        let help = "Spans, invocations and requests that are known when they are sent again";
        ingest.register("keys_remembered", help, self.remembered.clone());
    }

    pub(super) fn read(&self, status: &Status) {
        let set = |family: &Family<OfSignal, Counter>, signal: Signal, value: u64| {
            family.get_or_create(&OfSignal { signal: signal.as_str() }).inner().store(value, Ordering::Relaxed);
        };
        for (signal, counts) in Signal::ALL.into_iter().zip(&status.signals) {
            set(&self.accepted, signal, counts.accepted);
            set(&self.duplicate, signal, counts.duplicate);
            set(&self.rejected, signal, counts.rejected);
            set(&self.refused, signal, counts.refused);
        }
        self.remembered.set(i64::try_from(status.remembered).unwrap_or(i64::MAX));
    }
}

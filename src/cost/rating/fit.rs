//! Whether a book can price a workload at all, and what of the workload it does not look at.

use std::collections::BTreeSet;

use crate::units::Timestamp;

use super::Error;
use super::book::{Book, Edition};
use super::source::Source;
use super::usage::Counter;
use super::workload::{Part, Workload};

impl Book {
    /// Says so where usage is older than the book.
    pub(super) fn is_first_edition(&self, edition: &Edition, at: Timestamp) -> Option<String> {
        (at < self.editions[0].effective)
            .then(|| format!("{} is the first edition: what was used before is billed by it", edition.label))
    }

    /// One sentence for everything that is assumed or ignored.
    pub(super) fn warnings(&self, edition: &Edition, workload: &Workload, at: Timestamp) -> Vec<String> {
        let mut warnings: Vec<String> = self.is_first_edition(edition, at).into_iter().collect();
        let mut metered = edition.metered();
        let no_cpu =
            |part: &Part| part.cpu.is_none() && (part.duration.is_some() || part.provisioned.duration.is_some());
        let assumed = metered.contains("cpu_ms") && workload.parts.iter().any(no_cpu);
        if assumed {
            metered.extend(["duration_ms", "provisioned.duration_ms"]);
            warnings.push(format!("cpu_ms is not told: {} takes all of duration_ms for CPU time", self.id));
        }
        let asks_for_requests = workload.parts.iter().any(|part| part.requests > 0);
        let ignored = workload.given().into_iter().filter(|field| !metered.contains(field));
        let ignored: Vec<&str> = ignored.filter(|field| *field != "requests" || asks_for_requests).collect();
        if !ignored.is_empty() {
            warnings.push(format!("{} does not meter {}: ignored", self.id, ignored.join(", ")));
        }
        warnings
    }

    /// Refuses a workload that the book has no prices for, rather than to call it free.
    pub(super) fn check_expressible(&self, edition: &Edition, workload: &Workload) -> Result<(), Error> {
        let refuse = |reason: String| Err(Error::NotPriced { book: self.id.clone(), reason });
        let names: Vec<&str> = edition.meters.iter().map(|meter| meter.name.as_str()).collect();
        let mut asked = workload.parts.iter().flat_map(|part| part.meters.keys());
        if let Some(unknown) = asked.find(|name| !names.contains(&name.as_str())) {
            return refuse(format!("it has no meter '{unknown}', it has {}", names.join(", ")));
        }
        let sources: BTreeSet<Source> = edition.sources().collect();
        if sources.iter().any(|source| source.is_of_requests()) {
            return Ok(());
        }
        let says_something = |part: &Part| {
            let idle = part.requests == 0 && part.provisioned.requests == 0;
            let stands = part.provisioned.concurrency > 0 && part.provisioned.seconds > 0 && !sources.is_empty();
            idle || stands || !part.meters.is_empty()
        };
        if workload.parts.iter().any(says_something) {
            Ok(())
        } else if sources.is_empty() {
            refuse(format!("it bills no requests; 'meters' can name {}", names.join(", ")))
        } else {
            refuse(
                "it bills instances for as long as they stand, not requests: tell provisioned.concurrency and \
                 provisioned.seconds"
                    .to_owned(),
            )
        }
    }

    /// Refuses a part whose architecture none of the meters is for that count what it uses.
    pub(super) fn check_architecture(
        &self,
        edition: &Edition,
        part: &Part,
        counter: &Counter<'_>,
    ) -> Result<(), Error> {
        for source in edition.sources().collect::<BTreeSet<_>>() {
            let mut counting = edition.meters.iter().filter(|meter| meter.counts.iter().any(|(s, _)| *s == source));
            let priced = counting.any(|meter| meter.architecture.is_none_or(|only| only == part.architecture));
            if !priced && counter.count(source)?.is_positive() {
                let reason = format!("it has no prices for the architecture {}", part.architecture.as_str());
                return Err(Error::NotPriced { book: self.id.clone(), reason });
            }
        }
        Ok(())
    }
}

impl Edition {
    /// Everything that some meter counts.
    fn sources(&self) -> impl Iterator<Item = Source> {
        self.meters.iter().flat_map(|meter| meter.counts.iter().map(|(source, _)| *source))
    }

    /// The fields of a workload that change what it costs.
    fn metered(&self) -> BTreeSet<&'static str> {
        let mut fields: BTreeSet<&'static str> = self.sources().flat_map(Source::fields).copied().collect();
        fields.extend(["free_tier", "meters"]);
        let billed_time = self.sources().any(Source::is_billed_time);
        let more = [
            ("architecture", self.meters.iter().any(|meter| meter.architecture.is_some())),
            ("init_ms", billed_time && self.rules.bills_init),
            ("concurrency_per_instance", billed_time && self.rules.shared_instances),
            ("event_kb", self.rules.event.is_some()),
            ("memory_mb", !self.sizes.is_empty() || self.rules.maximum_memory_mb.is_some()),
            ("vcpu", self.sizes.iter().any(|size| size.vcpu.is_some())),
        ];
        fields.extend(more.iter().filter(|(_, counts)| *counts).map(|(field, _)| *field));
        fields
    }
}

//! Usage that was metered record by record: what an edition's meters count of records that are alike, in whole numbers. How
//! one record's time is rounded is told to whoever sums the records (`Rounds`); prices are `bill`'s.

use crate::model::Architecture;
use crate::units::Timestamp;

use super::book::{Book, Edition};
use super::source::Source;
use super::usage::Counter;
use super::workload::Part;
use super::{Error, TooLarge};

/// The region of books whose prices are the same everywhere: usage of all regions adds up there.
const GLOBAL: &str = "global";

/// What was used of one meter in one region at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metered {
    /// Allowances are used up in this order.
    pub at: Timestamp,
    pub region: String,
    /// The meter's number in the book.
    pub meter: usize,
    /// How much, in parts of the meter's unit (`Book::parts_per_unit`); 0 or more.
    pub parts: i128,
}

/// Records of one kind, summed. Those that are not billed are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alike {
    pub architecture: Architecture,
    pub memory_mb: i128,
    pub ephemeral_storage_mb: i128,
    /// Whether they ran in provisioned environments.
    pub provisioned: bool,
    /// Thousandths of a vCPU, where the book has no size that says it.
    pub milli_vcpu: i128,
    pub requests: i128,
    /// Rounded record by record, as `Rounds` says.
    pub billed_ms: i128,
    pub cpu_ns: i128,
    /// Above what is free of each record.
    pub streamed_bytes: i128,
}

/// How a book rounds one record before anything is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rounds {
    /// Whether init is billed like the handler.
    pub bills_init: bool,
    /// Billed time is a multiple of this, rounded up.
    pub granularity_ms: u32,
    /// Billed time is at least this.
    pub minimum_ms: u32,
    /// Streamed bytes of each record that cost nothing.
    pub free_streamed_bytes: u32,
    /// Events larger than this are several requests, where the book says so.
    pub first_event_bytes: Option<u64>,
}

/// When an allowance runs out among several regions or meters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    pub at: Timestamp,
    /// The meters that the allowance is for, by number.
    pub meters: Vec<usize>,
}

/// Something that a book bills and records do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untold {
    /// Environments that stand ready.
    Provisioned,
    /// Snapshots that are kept and restored.
    SnapStart,
}

impl Book {
    /// How one record is rounded by the edition that holds at `at`.
    #[must_use]
    pub fn rounds(&self, at: Timestamp) -> Rounds {
        let rules = &self.edition(at).rules;
        Rounds {
            bills_init: rules.bills_init,
            granularity_ms: rules.granularity_ms,
            minimum_ms: rules.minimum_ms,
            free_streamed_bytes: rules.free_streamed_bytes,
            first_event_bytes: rules.event.map(|event| u64::from(event.first_kb) << 10),
        }
    }

    /// The region that usage is billed in: the recorded one, or the book's own where none is, or where all are one.
    #[must_use]
    pub fn region<'a>(&'a self, recorded: Option<&'a str>, at: Timestamp) -> &'a str {
        let default = &self.edition(at).default_region;
        recorded.filter(|_| default != GLOBAL).unwrap_or(default)
    }

    /// What the meters count of the records: meters by number, and parts of their units. What no meter has a price for is
    /// refused, and so is memory that the book's functions cannot have.
    pub fn metered(&self, alike: &Alike, at: Timestamp) -> Result<Vec<(usize, i128)>, Error> {
        let edition = self.edition(at);
        let part = Part { memory_mb: alike.memory_mb, architecture: alike.architecture, ..Part::one() };
        let counter = Counter::new(&self.id, edition, &part)?;
        let mut metered = Vec::new();
        for (number, meter) in edition.meters.iter().enumerate() {
            if meter.architecture.is_some_and(|only| only != alike.architecture) {
                continue;
            }
            let mut parts = 0_i128;
            for (source, _) in &meter.counts {
                let more = alike.parts(*source, edition, &counter)?;
                parts = parts.checked_add(more).ok_or(TooLarge)?;
            }
            if parts > 0 {
                metered.push((number, parts));
            }
        }
        self.check_counted(edition, alike, &counter)?;
        Ok(metered)
    }

    /// The meters that a month costs, whatever was used.
    #[must_use]
    pub fn monthly(&self, at: Timestamp) -> Vec<usize> {
        let meters = self.edition(at).meters.iter().enumerate();
        let monthly = meters.filter(|(_, meter)| meter.counts.iter().any(|(source, _)| *source == Source::Month));
        monthly.map(|(number, _)| number).collect()
    }

    /// How many of what `Metered::parts` counts make a unit of the meter.
    #[must_use]
    pub fn parts_per_unit(&self, meter: usize, at: Timestamp) -> i128 {
        self.edition(at).parts_per_unit(meter)
    }

    /// Says so where other prices begin to hold within a period, which is billed at those of its start.
    #[must_use]
    pub fn changes_within(&self, from: Timestamp, to: Timestamp) -> Option<String> {
        let later = self.editions.iter().find(|edition| edition.effective > from && edition.effective < to)?;
        let used = self.edition(from);
        (used.effective <= from)
            .then(|| format!("{} begins within the period: all of it is billed by {}", later.label, used.label))
    }

    /// What the book has meters for and no record tells.
    #[must_use]
    pub fn untold(&self, at: Timestamp) -> Vec<Untold> {
        let counts = |sources: &[Source]| {
            self.edition(at).meters.iter().any(|meter| meter.counts.iter().any(|(source, _)| sources.contains(source)))
        };
        let provisioned = [Source::ProvisionedMemory, Source::ProvisionedVcpu, Source::IdleMemory, Source::IdleVcpu];
        let mut untold = Vec::new();
        untold.extend(counts(&provisioned).then_some(Untold::Provisioned));
        untold.extend(counts(&[Source::SnapCache, Source::SnapRestore]).then_some(Untold::SnapStart));
        untold
    }

    /// Whether it bills what invocations do, rather than what stands or is named.
    #[must_use]
    pub fn bills_invocations(&self, at: Timestamp) -> bool {
        let mut counts = self.edition(at).meters.iter().flat_map(|meter| &meter.counts);
        counts.any(|(source, _)| source.is_of_requests())
    }

    /// Refuses records of an architecture that has no price, rather than to call them free.
    fn check_counted(&self, edition: &Edition, alike: &Alike, counter: &Counter<'_>) -> Result<(), Error> {
        for (source, _) in edition.meters.iter().flat_map(|meter| &meter.counts) {
            let mut counting = edition.meters.iter().filter(|meter| meter.counts.iter().any(|(s, _)| s == source));
            let priced = counting.any(|meter| meter.architecture.is_none_or(|only| only == alike.architecture));
            if !priced && alike.parts(*source, edition, counter)? > 0 {
                let reason = format!("it has no prices for the architecture {}", alike.architecture.as_str());
                return Err(Error::NotPriced { book: self.id.clone(), reason });
            }
        }
        Ok(())
    }
}

impl Edition {
    /// How many parts make a unit of the meter. All that a meter counts is of one dimension, and so are its parts.
    pub(super) fn parts_per_unit(&self, meter: usize) -> i128 {
        self.meters[meter].counts.first().map_or(1, |(source, per_unit)| source.parts() * per_unit)
    }
}

impl Alike {
    /// How many parts they are of a source.
    fn parts(&self, source: Source, edition: &Edition, counter: &Counter<'_>) -> Result<i128, Error> {
        let whole = |number: super::Ratio| number.as_whole().ok_or(TooLarge);
        let (busy, requests) = (self.billed_ms, self.requests);
        let only = |provisioned: bool, number: i128| if self.provisioned == provisioned { number } else { 0 };
        let times = |number: i128, factor: i128| number.checked_mul(factor).ok_or(TooLarge);
        Ok(match source {
            Source::Requests => only(false, requests),
            Source::ProvisionedRequests => only(true, requests),
            Source::DurationMemory => times(only(false, busy), whole(counter.memory()?)?)?,
            Source::ProvisionedDurationMemory => times(only(true, busy), whole(counter.memory()?)?)?,
            Source::DurationVcpu => times(only(false, busy), counter.milli_vcpu(self.milli_vcpu)?)?,
            Source::ProvisionedDurationVcpu => times(only(true, busy), counter.milli_vcpu(self.milli_vcpu)?)?,
            Source::DurationClock => times(only(false, busy), whole(counter.mhz())?)?,
            Source::ProvisionedDurationClock => times(only(true, busy), whole(counter.mhz())?)?,
            Source::CpuTime => self.cpu_ns,
            Source::EphemeralStorage => {
                let free = i128::from(edition.rules.free_ephemeral_storage_mb);
                times(busy, (self.ephemeral_storage_mb - free).max(0))?
            }
            Source::Streamed => self.streamed_bytes,
            // What stands or is kept is in no record.
            Source::ProvisionedMemory
            | Source::ProvisionedVcpu
            | Source::IdleMemory
            | Source::IdleVcpu
            | Source::SnapCache
            | Source::SnapRestore
            | Source::Month => 0,
        })
    }
}

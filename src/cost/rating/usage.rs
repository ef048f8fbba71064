//! How much of each source a part of a workload uses, by a book's rules for one invocation: rounded up in time, memory and
//! requests, and summed exactly.

use super::book::Edition;
use super::file::Size;
use super::ratio::Ratio;
use super::source::Source;
use super::workload::Part;
use super::{Error, TooLarge};

/// Bytes in a MB, which are 2^20 as everywhere in functions' memory.
const BYTES_PER_MB: i128 = 1 << 20;
const MS_PER_S: i128 = 1_000;

/// Counts one part by one edition's rules.
pub(super) struct Counter<'a> {
    book: &'a str,
    edition: &'a Edition,
    part: &'a Part,
    size: Option<&'a Size>,
}

impl<'a> Counter<'a> {
    /// Finds the size that the part runs in. What the book's functions cannot have is refused.
    pub(super) fn new(book: &'a str, edition: &'a Edition, part: &'a Part) -> Result<Self, Error> {
        let refuse = |reason: String| Error::NotPriced { book: book.to_owned(), reason };
        let asked = part.memory_mb;
        if let Some(most) = edition.rules.maximum_memory_mb.filter(|most| asked > i128::from(*most)) {
            return Err(refuse(format!("memory_mb is {asked}, its functions have {most} at most")));
        }
        let mut size = None;
        if !edition.sizes.is_empty() {
            for candidate in &edition.sizes {
                let vcpu = candidate.vcpu.map_or(part.vcpu, |vcpu| vcpu.0);
                let enough = asked <= i128::from(candidate.memory_mb) && part.vcpu.larger(vcpu)? == vcpu;
                if enough {
                    size = Some(candidate);
                    break;
                }
            }
            if size.is_none() {
                let reason = format!("no size has memory_mb {asked} and vcpu {}", part.vcpu);
                return Err(refuse(reason));
            }
        }
        Ok(Self { book, edition, part, size })
    }

    /// How much the part uses of a source, in what the source is counted in.
    pub(super) fn count(&self, source: Source) -> Result<Ratio, Error> {
        let (part, provisioned) = (self.part, &self.part.provisioned);
        Ok(match source {
            Source::Requests => self.request_units(part.requests)?,
            Source::ProvisionedRequests => self.request_units(provisioned.requests)?,
            Source::DurationMemory => self.busy()?.times(self.memory()?)?,
            Source::ProvisionedDurationMemory => self.busy_provisioned()?.times(self.memory()?)?,
            Source::DurationVcpu => self.busy()?.times(self.vcpu())?,
            Source::ProvisionedDurationVcpu => self.busy_provisioned()?.times(self.vcpu())?,
            Source::DurationClock => self.busy()?.times(self.mhz())?,
            Source::ProvisionedDurationClock => self.busy_provisioned()?.times(self.mhz())?,
            Source::ProvisionedMemory => self.capacity()?.times(self.memory()?)?,
            Source::ProvisionedVcpu => self.capacity()?.times(self.vcpu())?,
            Source::IdleMemory => self.idle()?.times(self.memory()?)?,
            Source::IdleVcpu => self.idle()?.times(self.vcpu())?,
            Source::CpuTime => {
                let requests = Ratio::whole(part.requests).plus(Ratio::whole(provisioned.requests))?;
                match part.cpu {
                    Some(cpu) => cpu.times(requests)?,
                    None => {
                        let on_demand = Ratio::whole(part.requests).times(part.duration.unwrap_or(Ratio::ZERO))?;
                        let duration = provisioned.duration.unwrap_or(Ratio::ZERO);
                        on_demand.plus(Ratio::whole(provisioned.requests).times(duration)?)?
                    }
                }
            }
            Source::EphemeralStorage => {
                let free = i128::from(self.edition.rules.free_ephemeral_storage_mb);
                let paid = (part.ephemeral_storage_mb - free).max(0);
                self.busy()?.plus(self.busy_provisioned()?)?.times(Ratio::whole(paid))?
            }
            Source::Streamed => {
                let free = i128::from(self.edition.rules.free_streamed_bytes);
                let paid = Ratio::whole((part.streamed_bytes_per_request - free).max(0));
                Ratio::whole(part.requests).plus(Ratio::whole(provisioned.requests))?.times(paid)?
            }
            Source::SnapCache => {
                let seconds = at_least(part.snap_start.cached_seconds, self.edition.rules.minimum_snap_s);
                Ratio::whole(seconds).times(Ratio::whole(MS_PER_S))?.times(self.memory()?)?
            }
            Source::SnapRestore => {
                let bytes = self.memory()?.times(Ratio::whole(BYTES_PER_MB))?;
                Ratio::whole(part.snap_start.restores).times(bytes)?
            }
            Source::Month => Ratio::ONE,
        })
    }

    /// Requests as they are billed: a large event is several.
    fn request_units(&self, requests: i128) -> Result<Ratio, Error> {
        let Some(event) = self.edition.rules.event else { return Ok(Ratio::whole(requests)) };
        let most = Ratio::whole(i128::from(event.maximum_kb));
        if self.part.event_kb.larger(most)? != most {
            let reason = format!("event_kb is {}, {} at most", self.part.event_kb, event.maximum_kb);
            return Err(Error::NotPriced { book: self.book.to_owned(), reason });
        }
        let beyond = self.part.event_kb.minus(Ratio::whole(i128::from(event.first_kb)))?.larger(Ratio::ZERO)?;
        let step = i128::from(event.step_kb);
        let units = beyond.up_to(step)?.divided_by(step)?.plus(Ratio::ONE)?;
        Ok(units.times(Ratio::whole(requests))?)
    }

    /// ms that one request is billed for. Where no time is told, none is.
    pub(super) fn billed_ms(&self, duration: Option<Ratio>) -> Result<Ratio, TooLarge> {
        let rules = &self.edition.rules;
        let init = if rules.bills_init { self.part.init } else { Ratio::ZERO };
        if duration.is_none() && init.is_zero() {
            return Ok(Ratio::ZERO);
        }
        let whole = duration.unwrap_or(Ratio::ZERO).plus(init)?.up_to(i128::from(rules.granularity_ms))?;
        whole.larger(Ratio::whole(i128::from(rules.minimum_ms)))
    }

    /// ms that all requests on demand are billed for.
    fn busy(&self) -> Result<Ratio, TooLarge> {
        self.shared(self.billed_ms(self.part.duration)?.times(Ratio::whole(self.part.requests))?)
    }

    /// ms that all requests in provisioned environments are billed for. These were initialized before.
    fn busy_provisioned(&self) -> Result<Ratio, TooLarge> {
        let provisioned = &self.part.provisioned;
        let Some(duration) = provisioned.duration else { return Ok(Ratio::ZERO) };
        let rules = &self.edition.rules;
        let one = duration.up_to(i128::from(rules.granularity_ms))?;
        let one = one.larger(Ratio::whole(i128::from(rules.minimum_ms)))?;
        self.shared(one.times(Ratio::whole(provisioned.requests))?)
    }

    /// The time of instances, where several requests run in one.
    fn shared(&self, time: Ratio) -> Result<Ratio, TooLarge> {
        if self.edition.rules.shared_instances { time.divided_by(self.part.concurrency_per_instance) } else { Ok(time) }
    }

    /// ms for which environments stand ready, all together.
    fn capacity(&self) -> Result<Ratio, TooLarge> {
        let (rules, provisioned) = (&self.edition.rules, &self.part.provisioned);
        let seconds = at_least(provisioned.seconds, rules.minimum_provisioned_s);
        let each = Ratio::whole(seconds).up_to(i128::from(rules.provisioned_step_s))?;
        each.times(Ratio::whole(MS_PER_S))?.times(Ratio::whole(provisioned.concurrency))
    }

    /// ms of it in which they run nothing.
    fn idle(&self) -> Result<Ratio, TooLarge> {
        self.capacity()?.minus(self.busy_provisioned()?)?.larger(Ratio::ZERO)
    }

    /// Billed memory in MB.
    pub(super) fn memory(&self) -> Result<Ratio, TooLarge> {
        let rules = &self.edition.rules;
        if let Some(size) = self.size {
            return Ok(Ratio::whole(i128::from(size.memory_mb)));
        }
        let stepped = Ratio::whole(self.part.memory_mb).up_to(i128::from(rules.memory_step_mb))?;
        stepped.larger(Ratio::whole(i128::from(rules.minimum_memory_mb)))
    }

    /// The size's clock rate; a book that counts it has one for each size.
    pub(super) fn mhz(&self) -> Ratio {
        Ratio::whole(i128::from(self.size.and_then(|size| size.mhz).unwrap_or_default()))
    }

    /// Thousandths of the size's vCPUs, or those that are assumed where it has none.
    pub(super) fn milli_vcpu(&self, assumed: i128) -> Result<i128, TooLarge> {
        let Some(vcpu) = self.size.and_then(|size| size.vcpu) else { return Ok(assumed) };
        vcpu.0.times(Ratio::whole(1_000))?.as_whole().ok_or(TooLarge)
    }

    fn vcpu(&self) -> Ratio {
        self.size.and_then(|size| size.vcpu).map_or(self.part.vcpu, |vcpu| vcpu.0)
    }
}

/// `number`, raised to `least` where there is any.
fn at_least(number: i128, least: u32) -> i128 {
    if number == 0 { 0 } else { number.max(i128::from(least)) }
}

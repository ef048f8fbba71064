//! From what was used to a bill: a workload's parts, or usage that was metered record by record, as moments of meters. What
//! they cost is `bill`'s; what a part uses of a meter is `usage`'s, what records do `metered`'s.

use crate::units::Timestamp;

use super::allowance::{Moment, deduct};
use super::bill::Bill;
use super::book::{Book, Edition};
use super::metered::{Metered, Split};
use super::ratio::Ratio;
use super::source::Source;
use super::usage::Counter;
use super::workload::{Part, Workload};
use super::{Error, TooLarge};

impl Book {
    /// Bills a month's workload at the prices that hold in `region` at `at`; in the book's own region where none is named.
    pub fn bill(&self, workload: &Workload, region: Option<&str>, at: Timestamp) -> Result<Bill, Error> {
        let edition = self.edition(at);
        let region = region.unwrap_or(&edition.default_region);
        self.check_expressible(edition, workload)?;
        let mut moments = Vec::new();
        for (number, part) in workload.parts.iter().enumerate() {
            moments.extend(self.moments(edition, number, part)?);
        }
        self.bill_of(edition, &[region], moments, self.warnings(edition, workload, at))
    }

    /// Bills a month of metered usage at the prices of the edition that holds at `at`. Usage of one time is one, in whatever
    /// order or pieces it comes.
    pub fn rate(&self, usage: &[Metered], at: Timestamp) -> Result<Bill, Error> {
        let edition = self.edition(at);
        let regions = regions(usage);
        let moments = in_units(edition, &regions, usage)?;
        self.bill_of(edition, &regions, moments, self.is_first_edition(edition, at).into_iter().collect())
    }

    /// The times at which an allowance runs out among several regions or meters, so that it matters what of them came first:
    /// whoever has their usage closer in time than that should give it so.
    pub fn splits(&self, usage: &[Metered], at: Timestamp) -> Result<Vec<Split>, Error> {
        let edition = self.edition(at);
        let (_, run_out) = deduct(edition, in_units(edition, &regions(usage), usage)?)?;
        let split = |(at, meters)| Split { at: Timestamp::from_micros(at), meters };
        Ok(run_out.into_iter().map(split).collect())
    }

    /// What a part used of each meter: the parts' order is their time.
    fn moments(&self, edition: &Edition, number: usize, part: &Part) -> Result<Vec<Moment>, Error> {
        let counter = Counter::new(&self.id, edition, part)?;
        self.check_architecture(edition, part, &counter)?;
        let at = i64::try_from(number).expect("a workload has few parts");
        let mut moments = Vec::with_capacity(edition.meters.len());
        for (index, meter) in edition.meters.iter().enumerate() {
            let mut quantity = part.meters.get(&meter.name).copied().unwrap_or(Ratio::ZERO);
            let fits = meter.architecture.is_none_or(|only| only == part.architecture);
            for (source, per_unit) in meter.counts.iter().filter(|_| fits) {
                // The month is one, whatever it is the sum of.
                if *source != Source::Month || number == 0 {
                    quantity = quantity.plus(counter.count(*source)?.divided_by(*per_unit)?)?;
                }
            }
            if quantity.is_positive() {
                moments.push(Moment { at, cell: (0, index), quantity, free_tier: part.free_tier });
            }
        }
        Ok(moments)
    }
}

/// All regions, sorted.
fn regions(usage: &[Metered]) -> Vec<&str> {
    let mut regions: Vec<&str> = usage.iter().map(|metered| metered.region.as_str()).collect();
    regions.sort_unstable();
    regions.dedup();
    regions
}

/// Usage in the units of its meters.
fn in_units(edition: &Edition, regions: &[&str], usage: &[Metered]) -> Result<Vec<Moment>, TooLarge> {
    let moment = |metered: &Metered| {
        let region = regions.binary_search(&metered.region.as_str()).expect("all regions are listed");
        let quantity = Ratio::new(metered.parts, edition.parts_per_unit(metered.meter))?;
        Ok(Moment { at: metered.at.micros(), cell: (region, metered.meter), quantity, free_tier: true })
    };
    usage.iter().map(moment).collect()
}

//! Counts records: what of them a book meters, by its own rules for one invocation, as whole numbers by region and meter, by
//! day and by owner. The same count serves a bill and a what-if. The sums are SQL's; what meters count is `cost::rating`'s.

use std::collections::BTreeMap;

use crate::cost::rating::{self, Alike, Book, Rounds};
use crate::model::Architecture;
use crate::query::{Engine, Param, Params};
use crate::units::Timestamp;

use super::Error;
use super::looks::Looks;
use super::sums::{Sums, read};

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// Which records to count, and as what.
#[derive(Debug, Clone)]
pub struct Counting<'a> {
    /// By whose rules.
    pub book: &'a Book,
    /// When its edition holds that is meant.
    pub at: Timestamp,
    /// Start, included.
    pub from: Timestamp,
    /// End, not included.
    pub to: Timestamp,
    /// Only what came in until then.
    pub until: Option<Timestamp>,
    pub whose: Whose,
    pub filter: Filter,
    pub substitution: Substitution,
    /// Owners, at most: they are held in memory.
    pub max_owners: usize,
}

/// Records of which book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those that the book priced; their billed time is as it was recorded.
    Priced,
    /// All; billed time is made of their phases by the book's rules.
    All,
}

/// Of which function and tenant; of all where none is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub tenant: Option<String>,
    pub function: Option<String>,
}

/// What is taken to be otherwise than recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Substitution {
    pub memory_mb: Option<u32>,
    pub architecture: Option<Architecture>,
    pub region: Option<String>,
    /// vCPUs of an environment, in thousandths; 1,000 where none is named and the book has no sizes that say it.
    pub milli_vcpu: Option<u32>,
}

/// A region, and a meter by its number in the book.
pub type Cell = (String, usize);

/// Whom usage is of.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    pub tenant: String,
    pub function: String,
    pub tags: BTreeMap<String, String>,
}

/// What was counted. All quantities are in parts of the meters' units (`Book::parts_per_unit`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// By the UTC day, or what of it lies in the period.
    pub by_day: BTreeMap<Timestamp, BTreeMap<Cell, i128>>,
    pub by_owner: BTreeMap<Owner, Shares>,
    /// Records that were counted.
    pub records: u64,
    /// The sum of their list cost, in units of 10^-23.
    pub list_cost: i128,
    /// Of these, records in provisioned environments.
    pub provisioned: u64,
    /// Records in environments that were restored from a snapshot.
    pub snap_starts: u64,
    /// Records whose request is larger than one request of the book's.
    pub large_events: u64,
    /// Records that the book cannot price: they are counted nowhere. Why, as far as there are any.
    pub left_out: BTreeMap<String, u64>,
}

/// An owner's part of what was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shares {
    pub requests: i128,
    pub cells: BTreeMap<Cell, i128>,
}

impl Counting<'_> {
    /// Counts by day and by owner: each day is one query, so that a month holds up nobody for long.
    pub(super) async fn count(&self, looks: &mut Looks<'_>) -> Result<Counted, Error> {
        let mut counted = Counted::default();
        for (from, to) in days(self.from, self.to) {
            let mut params = self.params(from, to);
            let first_event = self.rounds().first_event_bytes.and_then(|bytes| i64::try_from(bytes).ok());
            params.insert("first_event_bytes".to_owned(), first_event.map_or(Param::Null, Param::Int));
            for batch in looks.metered_usage(&params).await?.batches {
                for sums in read(&batch)? {
                    self.add(&mut counted, from, sums)?;
                }
            }
        }
        Ok(counted)
    }

    /// Counts meters by buckets of so many microseconds, counted from 1970.
    pub(super) async fn count_over_time(
        &self,
        engine: &Engine,
        (from, to): (Timestamp, Timestamp),
        step_us: i64,
        meters: &[usize],
    ) -> Result<BTreeMap<Timestamp, BTreeMap<Cell, i128>>, Error> {
        let mut params = self.params(from, to);
        params.insert("step_us".to_owned(), Param::Int(step_us));
        let mut buckets: BTreeMap<Timestamp, BTreeMap<Cell, i128>> = BTreeMap::new();
        for batch in engine.named("metered_usage_over_time", &params).await?.batches {
            for sums in read(&batch)? {
                let at = sums.bucket.unwrap_or(from);
                for (cell, parts) in self.cells(&sums)?.unwrap_or_default() {
                    if meters.contains(&cell.1) {
                        add(buckets.entry(at).or_default(), cell, parts)?;
                    }
                }
            }
        }
        Ok(buckets)
    }

    fn rounds(&self) -> Rounds {
        self.book.rounds(self.at)
    }

    fn params(&self, from: Timestamp, to: Timestamp) -> Params {
        let rounds = self.rounds();
        let text = |text: Option<String>| text.map_or(Param::Null, Param::Text);
        let priced = self.whose == Whose::Priced;
        let params = [
            ("from", Param::Text(from.to_string())),
            ("to", Param::Text(to.to_string())),
            ("until", text(self.until.map(|until| until.to_string()))),
            ("price_book", text(priced.then(|| self.book.id().to_owned()))),
            ("tenant", text(self.filter.tenant.clone())),
            ("function", text(self.filter.function.clone())),
            ("as_stored", Param::Bool(priced)),
            ("bills_init", Param::Bool(rounds.bills_init)),
            ("granularity_ms", Param::Int(rounds.granularity_ms.into())),
            ("minimum_ms", Param::Int(rounds.minimum_ms.into())),
            ("free_streamed_bytes", Param::Int(rounds.free_streamed_bytes.into())),
        ];
        params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn add(&self, counted: &mut Counted, day: Timestamp, sums: Sums) -> Result<(), Error> {
        let records = u64::try_from(sums.requests).unwrap_or_default();
        let cells = match self.cells(&sums)? {
            Ok(cells) => cells,
            Err(reason) => {
                *counted.left_out.entry(reason).or_default() += records;
                return Ok(());
            }
        };
        counted.records += records;
        counted.list_cost = counted.list_cost.checked_add(sums.list_cost).ok_or(Error::TooLarge)?;
        counted.provisioned += if sums.provisioned { records } else { 0 };
        counted.snap_starts += sums.snap_starts;
        counted.large_events += sums.large_events;
        let day = counted.by_day.entry(day).or_default();
        let full = counted.by_owner.len() >= self.max_owners;
        if full && !counted.by_owner.contains_key(&sums.owner) {
            return Err(Error::Limit(format!(
                "the records are of more than {} different functions, tenants and sets of tags",
                self.max_owners
            )));
        }
        let owner = counted.by_owner.entry(sums.owner).or_default();
        owner.requests += sums.requests;
        for (cell, parts) in cells {
            add(day, cell.clone(), parts)?;
            add(&mut owner.cells, cell, parts)?;
        }
        Ok(())
    }

    /// What the meters count of records that are alike; or why the book cannot price them, which holds up no other record.
    fn cells(&self, sums: &Sums) -> Result<Result<Vec<(Cell, i128)>, String>, Error> {
        let Some(memory_mb) = self.substitution.memory_mb.map(i128::from).or(sums.memory_mb.map(i128::from)) else {
            return Ok(Err("memory_mb is not known".to_owned()));
        };
        let recorded = sums.architecture.unwrap_or(Architecture::X86_64);
        let alike = Alike {
            architecture: self.substitution.architecture.unwrap_or(recorded),
            memory_mb,
            ephemeral_storage_mb: sums.ephemeral_storage_mb.unwrap_or_default().into(),
            provisioned: sums.provisioned,
            milli_vcpu: self.substitution.milli_vcpu.unwrap_or(1_000).into(),
            requests: sums.requests,
            billed_ms: sums.billed_ms,
            cpu_ns: sums.cpu_ns,
            streamed_bytes: sums.streamed_bytes,
        };
        let region = self.substitution.region.as_deref().or(sums.region.as_deref());
        let region = self.book.region(region, self.at);
        match self.book.metered(&alike, self.at) {
            Ok(metered) => {
                Ok(Ok(metered.into_iter().map(|(meter, parts)| ((region.to_owned(), meter), parts)).collect()))
            }
            Err(rating::Error::NotPriced { reason, .. }) => Ok(Err(reason)),
            Err(error) => Err(error.into()),
        }
    }
}

fn add(cells: &mut BTreeMap<Cell, i128>, cell: Cell, parts: i128) -> Result<(), Error> {
    let sum = cells.entry(cell).or_default();
    *sum = sum.checked_add(parts).ok_or(Error::TooLarge)?;
    Ok(())
}

/// A period cut at the midnights of UTC, by which the records lie in files.
fn days(from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let (mut days, mut start) = (Vec::new(), from);
    while start < to {
        let midnight = Timestamp::from_micros((start.micros().div_euclid(DAY_US) + 1) * DAY_US);
        let end = midnight.min(to);
        days.push((start, end));
        start = end;
    }
    days
}

//! What the records of a time would have cost otherwise: in another memory size, on another architecture, in another region or
//! by another provider's book. Counted anew by the same `counting` as a bill, and rated by the same rules.

use std::borrow::Cow;

use crate::cost::rating::{Bill, Book, Books, Minor, Ratio};
use crate::model::Architecture;
use crate::query::Engine;
use crate::units::{Currency, Timestamp};

use super::counting::{Counting, Filter, Substitution, Whose};
use super::looks::Looks;
use super::rated::{Rated, rate};
use super::{Error, month_rated};

/// Memory sizes that `sizes` looks at, MB.
const SIZES_MB: [u32; 10] = [128, 256, 512, 1_024, 1_536, 2_048, 3_072, 4_096, 8_192, 10_240];

/// Which records, and how they are billed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhatIf {
    /// Start, included.
    pub from: Timestamp,
    /// End, not included. What lies between is billed as one month.
    pub to: Timestamp,
    pub filter: Filter,
    /// Whether free allowances are taken off.
    pub free_allowance: bool,
}

/// What is to be otherwise; nothing is a change to none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    pub memory_mb: Option<u32>,
    pub architecture: Option<Architecture>,
    /// Whose prices; a region that a book does not know has the prices of its own.
    pub region: Option<String>,
    /// The id of the book that bills all records, whatever priced them.
    pub book: Option<String>,
}

/// The bills of one way to run the records.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// One for each book, by id.
    pub bills: Vec<Bill>,
    /// Records that they are for.
    pub records: u64,
    /// What was assumed or left out, one sentence each.
    pub notes: Vec<String>,
}

/// How far apart two totals are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// Below zero where it is cheaper.
    pub exact: Ratio,
    /// Of what was before, in thousandths, cut off for display; none where that was nothing.
    pub per_mille: Option<i128>,
}

/// One of several ways, beside the others.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The book's id, or the memory in MB.
    pub value: String,
    /// For people.
    pub name: String,
    /// The bills, or why there are none.
    pub outcome: Result<Scenario, String>,
}

impl Scenario {
    /// The sum of the bills, where they are all in one currency: exact and as invoiced.
    pub fn total(&self) -> Result<Option<(Currency, Ratio, Minor)>, Error> {
        let Some(first) = self.bills.first() else { return Ok(None) };
        let digits = first.total.digits();
        let (mut exact, mut units) = (Ratio::ZERO, 0_i128);
        for bill in &self.bills {
            if bill.currency != first.currency || bill.total.digits() != digits {
                return Ok(None);
            }
            exact = exact.plus(bill.exact_total)?;
            units = units.checked_add(bill.total.units()).ok_or(Error::TooLarge)?;
        }
        Ok(Some((first.currency, exact, Minor::new(units, digits))))
    }

    /// What this costs more than another; none where the two are in different currencies, or there is no bill.
    pub fn against(&self, before: &Self) -> Result<Option<Difference>, Error> {
        let (Some((one, exact, _)), Some((other, changed, _))) = (before.total()?, self.total()?) else {
            return Ok(None);
        };
        if one != other {
            return Ok(None);
        }
        let difference = changed.minus(exact)?;
        let per_mille =
            if exact.is_positive() { Some(difference.over(exact)?.times(Ratio::whole(1_000))?.cut()) } else { None };
        Ok(Some(Difference { exact: difference, per_mille }))
    }

    fn of(rated: Vec<Rated>) -> Self {
        let records = rated.iter().map(|rated| rated.counted.records).sum();
        let notes = rated.iter().flat_map(|rated| rated.notes.iter().cloned()).collect();
        Self { bills: rated.into_iter().map(|rated| rated.bill).collect(), records, notes }
    }
}

/// What records are billed anew with, in one way after another.
pub struct Again<'a> {
    looks: Looks<'a>,
    books: &'a Books,
    /// As `Counting::max_owners`.
    max_owners: usize,
}

impl<'a> Again<'a> {
    /// As many rows are kept between two ways to run the records as owners may be held.
    pub(super) fn new(engine: &'a Engine, books: &'a Books, max_owners: usize) -> Self {
        Self { looks: Looks::new(engine, max_owners), books, max_owners }
    }

    /// The bills of the records with the change. Without one they are those of the books that priced the records.
    pub async fn scenario(&mut self, usage: &WhatIf, change: &Change) -> Result<Scenario, Error> {
        let ids = self.billing(usage, change).await?;
        self.billed(usage, change, ids).await
    }

    /// The ids of the books that bill.
    async fn billing(&self, usage: &WhatIf, change: &Change) -> Result<Vec<String>, Error> {
        match &change.book {
            Some(id) => Ok(vec![id.clone()]),
            None => month_rated::priced_by(self.looks.engine, self.books, usage.from, usage.to).await,
        }
    }

    async fn billed(&mut self, usage: &WhatIf, change: &Change, ids: Vec<String>) -> Result<Scenario, Error> {
        let whose = if change.book.is_some() { Whose::All } else { Whose::Priced };
        let mut rated = Vec::new();
        for id in ids {
            let mut book = Cow::Borrowed(self.books.get(&id)?);
            if !usage.free_allowance {
                book = Cow::Owned(book.without_free_tier());
            }
            check_bills_calls(&book, usage.to)?;
            let counting = Counting {
                book: &book,
                at: usage.to,
                from: usage.from,
                to: usage.to,
                until: None,
                whose,
                filter: usage.filter.clone(),
                substitution: Substitution {
                    memory_mb: change.memory_mb,
                    architecture: change.architecture,
                    region: change.region.clone(),
                    milli_vcpu: None,
                },
                max_owners: self.max_owners,
            };
            let one = rate(&mut self.looks, &counting).await?;
            if one.counted.records > 0 {
                rated.push(one);
            }
        }
        Ok(Scenario::of(rated))
    }

    /// The records on every book, each with the reason where one cannot bill them; cheapest first.
    pub async fn on_every_book(&mut self, usage: &WhatIf, change: &Change) -> Result<Vec<Candidate>, Error> {
        let mut candidates = Vec::new();
        for book in self.books.all() {
            let change = Change { book: Some(book.id().to_owned()), ..change.clone() };
            let outcome = told(self.scenario(usage, &change).await)?;
            candidates.push(Candidate { value: book.id().to_owned(), name: book.name().to_owned(), outcome });
        }
        sort(&mut candidates)?;
        Ok(candidates)
    }

    /// The records in every memory size, smallest first.
    pub async fn in_every_size(&mut self, usage: &WhatIf, change: &Change) -> Result<Vec<Candidate>, Error> {
        let ids = self.billing(usage, change).await?;
        let mut candidates = Vec::new();
        for memory_mb in SIZES_MB {
            let change = Change { memory_mb: Some(memory_mb), ..change.clone() };
            let outcome = told(self.billed(usage, &change, ids.clone()).await)?;
            candidates.push(Candidate { value: memory_mb.to_string(), name: format!("{memory_mb} MB"), outcome });
        }
        Ok(candidates)
    }
}

/// A refusal of the book is an answer; what went wrong on our side is not.
fn told(outcome: Result<Scenario, Error>) -> Result<Result<Scenario, String>, Error> {
    match outcome {
        Ok(scenario) => Ok(Ok(scenario)),
        Err(Error::Rating(error)) => Ok(Err(error.to_string())),
        Err(other) => Err(other),
    }
}

fn check_bills_calls(book: &Book, at: Timestamp) -> Result<(), Error> {
    if book.bills_invocations(at) {
        return Ok(());
    }
    let reason = "it bills what stands ready, which records do not tell".to_owned();
    Err(Error::Rating(crate::cost::rating::Error::NotPriced { book: book.id().to_owned(), reason }))
}

/// By what they cost; what has no amount comes last.
fn sort(candidates: &mut Vec<Candidate>) -> Result<(), Error> {
    let mut keyed = Vec::with_capacity(candidates.len());
    for candidate in candidates.drain(..) {
        let total = match &candidate.outcome {
            Ok(scenario) => scenario.total()?.map(|(_, _, total)| (total.digits(), total.units())),
            Err(_) => None,
        };
        keyed.push((total.is_none(), total, candidate));
    }
    keyed.sort_by(|one, other| (one.0, one.1, &one.2.value).cmp(&(other.0, other.1, &other.2.value)));
    candidates.extend(keyed.into_iter().map(|(_, _, candidate)| candidate));
    Ok(())
}

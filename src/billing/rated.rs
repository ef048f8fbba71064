//! A month of one book, rated: what was counted, put in the order of time as closely as its allowances need it, and the bill.

use std::collections::BTreeMap;

use crate::cost::rating::{Bill, Book, Metered, Split, Untold};
use crate::query::Engine;
use crate::units::Timestamp;

use super::counting::{Cell, Counted, Counting, Filter, Substitution, Whose};
use super::looks::Looks;
use super::{Error, Month};

/// How closely to look, in turn, where an allowance runs out within a bucket: an hour, a minute, a microsecond.
const STEPS_US: [i64; 3] = [3_600_000_000, 60_000_000, 1];

/// One book's month.
#[derive(Debug, Clone)]
pub struct Rated {
    /// The book's name, for people.
    pub name: String,
    pub bill: Bill,
    pub counted: Counted,
    pub from: Timestamp,
    pub to: Timestamp,
    /// The meters that a month costs whatever was used, by number.
    pub monthly: Vec<usize>,
    /// What was assumed or left out, one sentence each.
    pub notes: Vec<String>,
}

/// Usage of some meters within a time.
struct Bucket {
    from: Timestamp,
    to: Timestamp,
    /// How many of `STEPS_US` were taken to get here.
    depth: usize,
    cells: BTreeMap<Cell, i128>,
}

/// Rates a month of the records that a book priced. `until` leaves out what came in later.
pub(super) async fn rate_month(
    engine: &Engine,
    book: &Book,
    month: Month,
    until: Option<Timestamp>,
    max_owners: usize,
) -> Result<Rated, Error> {
    let (from, to) = (month.start(book.zone()), month.end(book.zone()));
    let counting = Counting {
        book,
        at: from,
        from,
        to,
        until,
        whose: Whose::Priced,
        filter: Filter::default(),
        substitution: Substitution::default(),
        max_owners,
    };
    rate(&mut Looks::new(engine, 0), &counting).await
}

/// Counts and rates. All usage is one period's, at the prices that hold at `Counting::at`.
pub(super) async fn rate(looks: &mut Looks<'_>, counting: &Counting<'_>) -> Result<Rated, Error> {
    let counted = counting.count(looks).await?;
    let book = counting.book;
    let mut buckets = buckets(&counted, counting);
    while let Some(split) = next_split(book, &buckets, counting.at)? {
        refine(looks.engine, counting, &mut buckets, &split).await?;
    }
    let mut usage = metered(&buckets);
    let monthly = if counted.records > 0 { book.monthly(counting.at) } else { Vec::new() };
    let region = book.region(counting.substitution.region.as_deref(), counting.at);
    let once = |meter: &usize| Metered { at: counting.from, region: region.to_owned(), meter: *meter, parts: 1 };
    usage.extend(monthly.iter().map(once));
    let bill = book.rate(&usage, counting.at)?;
    let mut notes = bill.warnings.clone();
    notes.extend(told(book, counting, &counted));
    let name = book.name().to_owned();
    Ok(Rated { name, bill, counted, from: counting.from, to: counting.to, monthly, notes })
}

fn buckets(counted: &Counted, counting: &Counting<'_>) -> Vec<Bucket> {
    let starts: Vec<Timestamp> = counted.by_day.keys().copied().collect();
    let day = std::time::Duration::from_secs(86_400);
    let bucket = |(from, cells): (&Timestamp, &BTreeMap<Cell, i128>)| {
        // A day begins at its midnight, but for the first of a month that does not.
        let next = starts.iter().find(|start| *start > from).copied();
        let to = next.unwrap_or(counting.to).min(from.plus(day));
        Bucket { from: *from, to, depth: 0, cells: cells.clone() }
    };
    counted.by_day.iter().map(bucket).collect()
}

fn metered(buckets: &[Bucket]) -> Vec<Metered> {
    let one = |bucket: &Bucket| {
        let at = bucket.from;
        let cell = move |((region, meter), parts): (&Cell, &i128)| Metered {
            at,
            region: region.clone(),
            meter: *meter,
            parts: *parts,
        };
        bucket.cells.iter().map(cell).collect::<Vec<_>>()
    };
    buckets.iter().flat_map(one).collect()
}

/// The first time at which an allowance runs out among several regions or meters that can still be looked at more closely.
fn next_split(book: &Book, buckets: &[Bucket], at: Timestamp) -> Result<Option<Split>, Error> {
    let can_be_closer = |split: &Split| buckets.iter().any(|bucket| is_of(bucket, split));
    Ok(book.splits(&metered(buckets), at)?.into_iter().find(can_be_closer))
}

fn is_of(bucket: &Bucket, split: &Split) -> bool {
    bucket.from == split.at
        && bucket.depth < STEPS_US.len()
        && bucket.cells.keys().any(|(_, meter)| split.meters.contains(meter))
}

/// Puts shorter buckets in the place of what a bucket has of the meters.
async fn refine(
    engine: &Engine,
    counting: &Counting<'_>,
    buckets: &mut Vec<Bucket>,
    split: &Split,
) -> Result<(), Error> {
    let Some(bucket) = buckets.iter_mut().find(|bucket| is_of(bucket, split)) else { return Ok(()) };
    bucket.cells.retain(|(_, meter), _| !split.meters.contains(meter));
    let (from, to, depth) = (bucket.from, bucket.to, bucket.depth);
    let step = std::time::Duration::from_micros(STEPS_US[depth].unsigned_abs());
    let counted = counting.count_over_time(engine, (from, to), STEPS_US[depth], &split.meters).await?;
    buckets.extend(counted.into_iter().map(|(at, cells)| {
        let start = at.max(from);
        Bucket { from: start, to: at.plus(step).min(to), depth: depth + 1, cells }
    }));
    Ok(())
}

/// What the records leave open, as far as it matters to the book.
fn told(book: &Book, counting: &Counting<'_>, counted: &Counted) -> Vec<String> {
    let mut notes = Vec::new();
    let untold = book.untold(counting.at);
    if counted.provisioned > 0 && untold.contains(&Untold::Provisioned) {
        notes.push(format!(
            "{} records ran in provisioned environments: that these stand ready is in no record and not billed here",
            counted.provisioned
        ));
    }
    if counted.snap_starts > 0 && untold.contains(&Untold::SnapStart) {
        notes.push(format!(
            "{} records ran in environments restored from snapshots: keeping and restoring these is not billed here",
            counted.snap_starts
        ));
    }
    if counted.large_events > 0 {
        notes.push(format!(
            "{} records had a request above {} bytes: each is one request here, as no record tells whether it was asynchronous",
            counted.large_events,
            book.rounds(counting.at).first_event_bytes.unwrap_or_default()
        ));
    }
    for (reason, records) in &counted.left_out {
        notes.push(format!("{records} records are left out: {reason}"));
    }
    notes.extend(book.changes_within(counting.from, counting.to));
    notes
}

//! Price books for list prices: the first tier's rates, by edition and region. The books' text is read by `rating`; what usage
//! costs at a rate is `list`'s.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{Architecture, Invocation, Usage};
use crate::units::{Currency, Megabytes, Money, MoneyError, Timestamp};

use super::list::{Billed, ListPrice, MB_MS_PER_GIB_S, MHZ_MS_PER_GHZ_S, NS_PER_MS, Rates};
use super::rating::{self, Book, Source};
use super::receipt::{ListedRates, Receipt};

/// The embedded books, by the order they are listed in.
const EMBEDDED: &[(&str, &str)] = &[
    ("aws-lambda", include_str!("books/aws-lambda.toml")),
    ("aws-lambda-edge", include_str!("books/aws-lambda-edge.toml")),
    ("azure-functions-consumption", include_str!("books/azure-functions-consumption.toml")),
    ("cloudflare-workers-standard", include_str!("books/cloudflare-workers-standard.toml")),
    ("gcp-functions-gen1", include_str!("books/gcp-functions-gen1.toml")),
];

/// How far billed time may be from the sum of phases without saying anything of them.
const ROUNDING: Duration = Duration::from_millis(2);

/// Why a book or a price was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The book's text breaks its own rules.
    #[error("price book {book}: {reason}")]
    Malformed { book: String, reason: String },
    /// No book has this id.
    #[error("'{id}' is not a price book that prices an invocation; known are: {known}")]
    Unknown { id: String, known: String },
    /// The book's functions cannot have so much memory.
    #[error("{book} has no functions of {memory_mb} MB")]
    NoSize { book: String, memory_mb: u32 },
    /// The usage costs more than a ledger holds.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// Every book that prices an invocation by itself.
#[derive(Debug, Clone)]
pub struct PriceBooks(BTreeMap<String, PriceBook>);

/// One provider's price book.
#[derive(Debug, Clone)]
pub struct PriceBook {
    id: String,
    currency: Currency,
    /// Oldest first, never empty.
    editions: Vec<Edition>,
}

#[derive(Debug, Clone)]
struct Edition {
    effective: Timestamp,
    label: String,
    rates: Rates,
    regions: BTreeMap<String, Rates>,
    /// How one attempt is rounded.
    rules: rating::Edition,
}

impl PriceBooks {
    /// Reads the books that are part of the program.
    pub fn embedded() -> Result<Self, Error> {
        let books = EMBEDDED.iter().map(|(id, text)| Ok(((*id).to_owned(), PriceBook::parse(id, text)?)));
        books.collect::<Result<_, Error>>().map(Self)
    }

    /// The book with this id.
    pub fn get(&self, id: &str) -> Result<&PriceBook, Error> {
        self.0.get(id).ok_or_else(|| {
            let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
            Error::Unknown { id: id.to_owned(), known: known.join(", ") }
        })
    }

    /// Works out what `usage` costs by the book and edition that a record names; none where there is no such edition.
    pub fn receipt(&self, price_book: &str, region: &str, usage: &Usage) -> Result<Option<Receipt>, Error> {
        let id = price_book.split('@').next().unwrap_or_default();
        let book = self.0.get(id);
        let found = book.and_then(|book| Some((book, book.editions.iter().find(|e| e.label == price_book)?)));
        let Some((book, edition)) = found else { return Ok(None) };
        let rates = edition.rates_of(region);
        let Some(billed) = edition.billed(usage) else { return Ok(None) };
        let (lines, total) = (rates.lines(&billed)?, rates.price(&billed)?);
        Ok(Some(Receipt { price_book: edition.label.clone(), currency: book.currency, lines, total }))
    }

    /// The rates of every book, edition and region that has its own; a book's newest edition first.
    pub fn listed(&self) -> Result<Vec<ListedRates>, Error> {
        let editions = self.0.values().flat_map(|book| book.editions.iter().rev().map(move |edition| (book, edition)));
        let mut listed = Vec::new();
        for (book, edition) in editions {
            listed.push(edition.listed(book.currency, None, &edition.rates)?);
            for (region, rates) in &edition.regions {
                listed.push(edition.listed(book.currency, Some(region), rates)?);
            }
        }
        Ok(listed)
    }
}

impl PriceBook {
    /// Reads a book's TOML text; `id` is what the text must say it is.
    pub fn parse(id: &str, text: &str) -> Result<Self, Error> {
        let malformed = |reason: String| Error::Malformed { book: id.to_owned(), reason };
        let book = Book::parse(text).map_err(|error| match error {
            rating::Error::Book { line, reason, .. } => malformed(format!("line {line}: {reason}")),
            other => malformed(other.to_string()),
        })?;
        if book.id() != id {
            return Err(malformed(format!("its id is '{}'", book.id())));
        }
        let editions = book.editions.iter().map(|edition| Edition::read(edition).map_err(&malformed));
        Ok(Self { id: id.to_owned(), currency: book.currency(), editions: editions.collect::<Result<_, _>>()? })
    }

    /// The book's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What its amounts are in.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// Writes down what is billed of an attempt that we metered, what it costs, and which part of that a cold start's init
    /// made: nothing where it did not run or failed by our fault.
    pub fn bill(&self, mut invocation: Invocation) -> Result<Invocation, Error> {
        let billed = invocation.outcome.is_billed();
        let phases = invocation.phases.or_zero();
        let rules = &self.edition(invocation.started_at).rules;
        invocation.billed_ms = Some(if billed { rules.billed_ms(phases.init, phases.handler) } else { 0 });
        self.price(invocation)
    }

    /// Prices an attempt that was metered elsewhere. Its billed time is taken as given; where none was given it follows from
    /// the phases as ours does. An attempt whose billed time, memory or architecture is not known stays without a price.
    pub fn price_reported(&self, mut invocation: Invocation) -> Result<Invocation, Error> {
        if !invocation.outcome.is_billed() {
            invocation.billed_ms = Some(0);
        } else if invocation.billed_ms.is_none() && invocation.phases.handler.is_some() {
            let phases = invocation.phases.or_zero();
            let rules = &self.edition(invocation.started_at).rules;
            invocation.billed_ms = Some(rules.billed_ms(phases.init, phases.handler));
        }
        self.price(invocation)
    }

    fn price(&self, mut invocation: Invocation) -> Result<Invocation, Error> {
        let edition = self.edition(invocation.started_at);
        let rates = edition.rates_in(invocation.region.as_deref());
        let Some(usage) = invocation.usage() else { return Ok(invocation) };
        let Some(billed) = edition.billed(&usage).filter(|_| rates.cpu == Money::ZERO || usage.cpu_ns.is_some()) else {
            return Ok(invocation);
        };
        let list_cost = rates.price(&billed)?;
        let init_cost = edition.init_cost(rates, &invocation, &billed, list_cost)?;
        let price_book = edition.label.clone();
        invocation.init_cost = init_cost;
        invocation.list_cost = Some(list_cost);
        invocation.price_book = Some(price_book);
        invocation.currency = Some(self.currency);
        Ok(invocation)
    }

    /// Prices usage at `at` in `region`, exactly. Usage older than the first edition is priced with that one.
    pub fn list_price(&self, region: &str, at: Timestamp, usage: &Usage) -> Result<ListPrice, Error> {
        let edition = self.edition(at);
        let no_size = || Error::NoSize { book: self.id.clone(), memory_mb: usage.memory.0 };
        let billed = edition.billed(usage).ok_or_else(no_size)?;
        Ok(ListPrice { amount: edition.rates_of(region).price(&billed)?, price_book: edition.label.clone() })
    }

    /// The edition that holds at `at`; what is older than the first is priced by that one.
    fn edition(&self, at: Timestamp) -> &Edition {
        let newest = self.editions.iter().rev().find(|edition| edition.effective <= at);
        newest.unwrap_or(&self.editions[0])
    }
}

impl Edition {
    fn read(edition: &rating::Edition) -> Result<Self, String> {
        let region = |name: &String| Ok((name.clone(), first_rates(edition, Some(name))?));
        Ok(Self {
            effective: edition.effective,
            label: edition.label.clone(),
            rates: first_rates(edition, None)?,
            regions: edition.regions.keys().map(region).collect::<Result<_, String>>()?,
            rules: edition.clone(),
        })
    }

    /// Usage in the size that it is billed as; none where there is no such size.
    fn billed<'a>(&self, usage: &'a Usage) -> Option<Billed<'a>> {
        let (memory_mb, mhz) = self.rules.size(usage.memory.0)?;
        Some(Billed { usage, memory_mb, mhz })
    }

    /// What a billed cold start costs more than it would without its init. A warm call has none of it, though a command's own
    /// start code runs in each. None where it is not known whether the call was cold, or how long its phases were.
    fn init_cost(
        &self,
        rates: &Rates,
        invocation: &Invocation,
        billed: &Billed<'_>,
        list_cost: Money,
    ) -> Result<Option<Money>, MoneyError> {
        let Some(cold) = invocation.cold else { return Ok(None) };
        if !cold || !invocation.outcome.is_billed() {
            return Ok(Some(Money::ZERO));
        }
        if invocation.phases.init.is_none() || invocation.phases.handler.is_none() {
            return Ok(None);
        }
        let (phases, usage) = (invocation.phases.or_zero(), billed.usage);
        let mut without = self.rules.billed_ms(Duration::ZERO, phases.handler).min(usage.billed_ms);
        // Not every provider bills init, and lengths are printed rounded: one millisecond more is no init that took longer.
        if usage.billed_ms - without == 1 && phases.init > ROUNDING {
            without = usage.billed_ms;
        }
        let usage = Usage { billed_ms: without, ..*usage };
        list_cost.checked_sub(rates.price(&Billed { usage: &usage, ..*billed })?).map(Some)
    }

    /// The rates of a region; where it is not known, the book's first.
    fn rates_in(&self, region: Option<&str>) -> &Rates {
        region.map_or(&self.rates, |region| self.rates_of(region))
    }

    /// The region's own rates, or those of all others.
    fn rates_of(&self, region: &str) -> &Rates {
        self.regions.get(region).unwrap_or(&self.rates)
    }

    fn listed(&self, currency: Currency, region: Option<&String>, rates: &Rates) -> Result<ListedRates, Error> {
        let per_gib_s = |rate: Money| rate.checked_mul(MB_MS_PER_GIB_S);
        Ok(ListedRates {
            price_book: self.label.clone(),
            effective: self.effective.to_string().split('T').next().unwrap_or_default().to_owned(),
            currency,
            region: region.cloned(),
            request: rates.request,
            duration_x86_64: per_gib_s(rates.duration_x86_64)?,
            duration_arm64: per_gib_s(rates.duration_arm64)?,
            clock: rates.clock.checked_mul(MHZ_MS_PER_GHZ_S)?,
            cpu: rates.cpu.checked_mul(NS_PER_MS)?,
            ephemeral_storage: per_gib_s(rates.ephemeral_storage)?,
            free_ephemeral_storage_mb: rates.free_ephemeral_storage.0,
        })
    }
}

/// What an attempt's meters cost in the first tier. What the book does not bill costs nothing; what it bills at a price that
/// is not known is refused.
fn first_rates(edition: &rating::Edition, region: Option<&str>) -> Result<Rates, String> {
    let rate = |source, architecture, per_part: i128, name: &str| {
        let price = edition.first_price(region, source, architecture);
        let price = price.ok_or_else(|| format!("the rate '{name}' is missing"))?;
        let price = price.and_then(|price| price.divided_by(per_part)).map_err(|error| error.to_string())?;
        let amount: Result<Money, _> = price.to_string().parse();
        amount.map_err(|_| format!("'{name}' has no exact price for one request or 1 MB·ms: ten decimals at most"))
    };
    let billed = |source, architecture, per_part, name| {
        if edition.counts(source) { rate(source, architecture, per_part, name) } else { Ok(Money::ZERO) }
    };
    let duration = |architecture, name| billed(Source::DurationMemory, Some(architecture), 1, name);
    Ok(Rates {
        request: rate(Source::Requests, None, 1, "request")?,
        duration_x86_64: duration(Architecture::X86_64, "duration_x86_64")?,
        duration_arm64: duration(Architecture::Arm64, "duration_arm64")?,
        clock: billed(Source::DurationClock, None, 1, "clock")?,
        cpu: billed(Source::CpuTime, None, NS_PER_MS, "cpu")?,
        ephemeral_storage: billed(Source::EphemeralStorage, None, 1, "ephemeral_storage")?,
        free_ephemeral_storage: Megabytes(edition.rules.free_ephemeral_storage_mb),
    })
}

#[cfg(test)]
mod tests;

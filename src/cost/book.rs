//! Price books for list prices: the first tier's rates, by edition and region. The books' text is read by `rating`; what usage
//! costs at a rate is `list`'s.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{Architecture, Invocation, Usage};
use crate::units::{Currency, Megabytes, Money, MoneyError, Timestamp};

use super::list::{ListPrice, MB_MS_PER_GIB_S, Rates};
use super::rating::{self, Book, Source};
use super::receipt::{ListedRates, Receipt};

/// The embedded books, by the order they are listed in.
const EMBEDDED: &[(&str, &str)] = &[("aws-lambda", include_str!("books/aws-lambda.toml"))];

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
        let (lines, total) = (rates.lines(usage)?, rates.price(usage)?);
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
        invocation.billed_ms = Some(if billed { invocation.phases.or_zero().billed_ms() } else { 0 });
        self.price(invocation)
    }

    /// Prices an attempt that was metered elsewhere. Its billed time is taken as given; where none was given it follows from
    /// the phases as ours does. An attempt whose billed time, memory or architecture is not known stays without a price.
    pub fn price_reported(&self, mut invocation: Invocation) -> Result<Invocation, Error> {
        if !invocation.outcome.is_billed() {
            invocation.billed_ms = Some(0);
        } else if invocation.billed_ms.is_none() && invocation.phases.handler.is_some() {
            invocation.billed_ms = Some(invocation.phases.or_zero().billed_ms());
        }
        self.price(invocation)
    }

    fn price(&self, mut invocation: Invocation) -> Result<Invocation, Error> {
        let Some(usage) = invocation.usage() else { return Ok(invocation) };
        let (rates, price_book) = self.rates(invocation.region.as_deref(), invocation.started_at);
        let list_cost = rates.price(&usage)?;
        invocation.init_cost = init_cost(rates, &invocation, &usage, list_cost)?;
        invocation.list_cost = Some(list_cost);
        invocation.price_book = Some(price_book.to_owned());
        invocation.currency = Some(self.currency);
        Ok(invocation)
    }

    /// Prices usage at `at` in `region`, exactly. Usage older than the first edition is priced with that one.
    pub fn list_price(&self, region: &str, at: Timestamp, usage: &Usage) -> Result<ListPrice, Error> {
        let (rates, price_book) = self.rates(Some(region), at);
        Ok(ListPrice { amount: rates.price(usage)?, price_book: price_book.to_owned() })
    }

    /// The rates that hold in `region` at `at`, and the name of their edition. Where the region is not known, or has no rates
    /// of its own, they are the book's first.
    fn rates(&self, region: Option<&str>, at: Timestamp) -> (&Rates, &str) {
        let newest = self.editions.iter().rev().find(|edition| edition.effective <= at);
        let edition = newest.unwrap_or(&self.editions[0]);
        (region.map_or(&edition.rates, |region| edition.rates_of(region)), &edition.label)
    }
}

/// What a billed cold start costs more than it would without its init. A warm call has none of it, though a command's own
/// start code runs in each. None where it is not known whether the call was cold, or how long its phases were.
fn init_cost(
    rates: &Rates,
    invocation: &Invocation,
    usage: &Usage,
    list_cost: Money,
) -> Result<Option<Money>, MoneyError> {
    let Some(cold) = invocation.cold else { return Ok(None) };
    if !cold || !invocation.outcome.is_billed() {
        return Ok(Some(Money::ZERO));
    }
    if invocation.phases.init.is_none() || invocation.phases.handler.is_none() {
        return Ok(None);
    }
    let phases = invocation.phases.or_zero();
    let mut without = phases.billed_ms_without_init().min(usage.billed_ms);
    // Not every provider bills init, and lengths are printed rounded: one millisecond more is no init that took longer.
    if usage.billed_ms - without == 1 && phases.init > ROUNDING {
        without = usage.billed_ms;
    }
    list_cost.checked_sub(rates.price(&Usage { billed_ms: without, ..*usage })?).map(Some)
}

impl Edition {
    fn read(edition: &rating::Edition) -> Result<Self, String> {
        let region = |name: &String| Ok((name.clone(), first_rates(edition, Some(name))?));
        Ok(Self {
            effective: edition.effective,
            label: edition.label.clone(),
            rates: first_rates(edition, None)?,
            regions: edition.regions.keys().map(region).collect::<Result<_, String>>()?,
        })
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
            ephemeral_storage: per_gib_s(rates.ephemeral_storage)?,
            free_ephemeral_storage_mb: rates.free_ephemeral_storage.0,
        })
    }
}

/// What an attempt's meters cost in the first tier.
fn first_rates(edition: &rating::Edition, region: Option<&str>) -> Result<Rates, String> {
    let rate = |source, architecture, name: &str| {
        let price = edition.first_price(region, source, architecture);
        let price = price.ok_or_else(|| format!("the rate '{name}' is missing"))?.map_err(|error| error.to_string())?;
        let amount: Result<Money, _> = price.to_string().parse();
        amount.map_err(|_| format!("'{name}' has no exact price for one request or 1 MB·ms: ten decimals at most"))
    };
    let duration = |architecture, name| rate(Source::DurationMemory, Some(architecture), name);
    Ok(Rates {
        request: rate(Source::Requests, None, "request")?,
        duration_x86_64: duration(Architecture::X86_64, "duration_x86_64")?,
        duration_arm64: duration(Architecture::Arm64, "duration_arm64")?,
        ephemeral_storage: rate(Source::EphemeralStorage, None, "ephemeral_storage")?,
        free_ephemeral_storage: Megabytes(edition.rules.free_ephemeral_storage_mb),
    })
}

#[cfg(test)]
mod tests {
    use crate::model::{Architecture, Outcome, PhaseLengths};
    use crate::units::InvocationId;

    use super::*;

    const BOOK: &str = r#"
id = "b"
name = "A book"
currency = "USD"
scope = "account"
period = "calendar_month"
zone = "UTC"
invoice_rounding = "line"
[[edition]]
effective = "2025-01-01"
default_region = "here"
invocation = { free_ephemeral_storage_mb = 512 }
meter = [
    { name = "requests", unit = "request", counts = ["requests"], price = "0.1" },
    { name = "x86", unit = "GiB-second", counts = ["duration_memory"], architecture = "x86_64", price = "0.1" },
    { name = "arm", unit = "GiB-second", counts = ["duration_memory"], architecture = "arm64", price = "0.1" },
    { name = "storage", unit = "GiB-second", counts = ["ephemeral_storage"], price = "0.1" },
]
"#;

    #[test]
    fn embedded_books_are_right() {
        let books = PriceBooks::embedded().expect("they parse");
        assert_eq!(books.get("aws-lambda").expect("it is there").currency().code(), "USD");
        let error = books.get("aws").expect_err("it is not there").to_string();
        assert_eq!(error, "'aws' is not a price book that prices an invocation; known are: aws-lambda");
    }

    #[test]
    fn a_wrong_book_says_what_is_wrong() {
        let refuse = |text: &str| PriceBook::parse("b", text).expect_err("it is wrong").to_string();
        assert!(PriceBook::parse("b", BOOK).is_ok());
        assert!(refuse(&BOOK.replace("[\"requests\"]", "[]")).contains("the rate 'request' is missing"));
        assert!(refuse(&BOOK.replace("2025-01-01", "2025-13-01")).contains("line 10: '2025-13-01' is not a date"));
        let arm = |price: &str| BOOK.replace("\"arm64\", price = \"0.1\"", &format!("\"arm64\", price = \"{price}\""));
        assert!(refuse(&arm("0.00000000001")).contains("ten decimals at most"));
        assert!(refuse(&arm("-1")).contains("'-1' is not a decimal of 0 or more"));
        assert!(refuse(&BOOK.replace("\"b\"", "\"c\"")).contains("its id is 'c'"));
    }

    /// 2,048 MB on x86_64, a handler of `handler_us` after an init of `init_us`.
    fn reported(billed_ms: Option<i64>, init_us: u64, handler_us: u64) -> Invocation {
        let at = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").expect("a time");
        Invocation {
            billed_ms,
            architecture: Some(Architecture::X86_64),
            memory: Some(Megabytes(2_048)),
            cold: Some(init_us > 0),
            phases: PhaseLengths {
                init: Some(Duration::from_micros(init_us)),
                handler: Some(Duration::from_micros(handler_us)),
                ..PhaseLengths::default()
            },
            ..Invocation::reported("aws-lambda", InvocationId("a".to_owned()), "default", "f", at)
        }
    }

    #[test]
    fn what_was_metered_elsewhere_is_priced_as_far_as_it_is_known() {
        let books = PriceBooks::embedded().expect("they parse");
        let book = books.get("aws-lambda").expect("it is there");
        let price = |row| book.price_reported(row).expect("in range");
        let row = price(reported(Some(154), 0, 127_100));
        assert_eq!(row.list_cost.map(|cost| cost.to_string()).as_deref(), Some("0.0000053333436"));
        assert_eq!((row.billed_ms, row.init_cost), (Some(154), Some(Money::ZERO)));
        assert_eq!(row.price_book.as_deref(), Some("aws-lambda@2025-10-01"));
        // Billed time is taken as given, whatever the phases say; where none is given it follows from them.
        assert_eq!(price(reported(None, 0, 153_001)).billed_ms, Some(154));
        for unknown in [
            Invocation { architecture: None, ..reported(Some(154), 0, 127_100) },
            Invocation { memory: None, ..reported(Some(154), 0, 127_100) },
            Invocation { phases: PhaseLengths::default(), ..reported(None, 0, 0) },
        ] {
            let row = price(unknown);
            assert_eq!((row.list_cost, row.init_cost, row.price_book, row.currency), (None, None, None, None));
        }
        let throttled = price(Invocation { outcome: Outcome::Throttled, ..reported(None, 0, 0) });
        assert_eq!((throttled.list_cost, throttled.billed_ms), (Some(Money::ZERO), Some(0)));
    }

    #[test]
    fn what_init_costs_is_what_was_billed_beyond_the_handler() {
        let books = PriceBooks::embedded().expect("they parse");
        let book = books.get("aws-lambda").expect("it is there");
        let ms = |row: Invocation| {
            let row = book.price_reported(row).expect("in range");
            let per_ms =
                book.list_price("us-east-1", row.started_at, &Usage { requests: 0, billed_ms: 1, ..row.usage()? });
            Some(row.init_cost?.units() / per_ms.expect("in range").amount.units())
        };
        assert_eq!(ms(reported(Some(393), 264_750, 127_100)), Some(265), "init is billed");
        assert_eq!(ms(reported(Some(128), 264_750, 127_100)), Some(0), "init is not billed");
        assert_eq!(ms(reported(Some(154), 325_930, 127_100)), Some(26), "a part of a restore is billed");
        assert_eq!(ms(reported(Some(128), 264_750, 127_000)), Some(0), "the printed length was rounded down");
        assert_eq!(ms(reported(Some(2), 500, 600)), Some(1), "init took less than a millisecond");
        assert_eq!(ms(Invocation { cold: None, ..reported(Some(154), 0, 127_100) }), None);
    }
}

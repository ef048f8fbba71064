//! Price books: rates as data, by edition and region. What usage costs at a rate is `list`'s.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::{Invocation, Usage};
use crate::units::{Currency, Megabytes, Money, MoneyError, Timestamp};

use super::list::{ListPrice, MB_MS_PER_GIB_S, Rates};
use super::receipt::{ListedRates, Receipt};

/// The embedded books, by the order they are listed in.
const EMBEDDED: &[(&str, &str)] = &[("aws-lambda", include_str!("books/aws-lambda.toml"))];

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
        let file: BookFile = toml::from_str(text).map_err(|error| malformed(error.to_string()))?;
        if file.id != id {
            return Err(malformed(format!("its id is '{}'", file.id)));
        }
        let currency = file.currency.parse().map_err(|error: MoneyError| malformed(error.to_string()))?;
        let editions = file.edition.iter().map(|edition| Edition::read(id, edition).map_err(&malformed));
        let mut editions = editions.collect::<Result<Vec<_>, _>>()?;
        editions.sort_by_key(|edition| edition.effective);
        if editions.is_empty() {
            return Err(malformed("it has no edition".to_owned()));
        }
        Ok(Self { id: id.to_owned(), currency, editions })
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
        invocation.billed_ms = if billed { invocation.phases.billed_ms() } else { 0 };
        let (rates, price_book) = self.rates(&invocation.region, invocation.started_at);
        let list_cost = rates.price(&invocation.usage())?;
        invocation.init_cost = Some(init_cost(rates, &invocation, list_cost)?);
        invocation.list_cost = Some(list_cost);
        price_book.clone_into(&mut invocation.price_book);
        Ok(invocation)
    }

    /// Prices usage at `at` in `region`, exactly. Usage older than the first edition is priced with that one.
    pub fn list_price(&self, region: &str, at: Timestamp, usage: &Usage) -> Result<ListPrice, Error> {
        let (rates, price_book) = self.rates(region, at);
        Ok(ListPrice { amount: rates.price(usage)?, price_book: price_book.to_owned() })
    }

    /// The rates that hold in `region` at `at`, and the name of their edition.
    fn rates(&self, region: &str, at: Timestamp) -> (&Rates, &str) {
        let newest = self.editions.iter().rev().find(|edition| edition.effective <= at);
        let edition = newest.unwrap_or(&self.editions[0]);
        (edition.regions.get(region).unwrap_or(&edition.rates), &edition.label)
    }
}

/// What a billed cold start costs more than it would without its init. A warm call has none of it, though a command's own
/// start code runs in each.
fn init_cost(rates: &Rates, invocation: &Invocation, list_cost: Money) -> Result<Money, MoneyError> {
    if !invocation.cold || !invocation.outcome.is_billed() {
        return Ok(Money::ZERO);
    }
    let usage = Usage { billed_ms: invocation.phases.billed_ms_without_init(), ..invocation.usage() };
    list_cost.checked_sub(rates.price(&usage)?)
}

impl Edition {
    fn read(book: &str, file: &EditionFile) -> Result<Self, String> {
        let midnight = format!("{}T00:00:00Z", file.effective);
        let effective = Timestamp::parse_rfc3339(&midnight)
            .ok_or_else(|| format!("'{}' is not a date: write YYYY-MM-DD", file.effective))?;
        let free = Megabytes(file.free_ephemeral_storage_mb);
        let rates = file.rates.over(None, free)?;
        let region = |(name, own): (&String, &RatesFile)| Ok((name.clone(), own.over(Some(&rates), free)?));
        let regions = file.region.iter().map(region).collect::<Result<_, String>>()?;
        Ok(Self { effective, label: format!("{book}@{}", file.effective), rates, regions })
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BookFile {
    id: String,
    currency: String,
    edition: Vec<EditionFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditionFile {
    effective: String,
    free_ephemeral_storage_mb: u32,
    rates: RatesFile,
    #[serde(default)]
    region: BTreeMap<String, RatesFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RatesFile {
    request: Option<String>,
    duration_x86_64: Option<String>,
    duration_arm64: Option<String>,
    ephemeral_storage: Option<String>,
}

impl RatesFile {
    /// These rates where they are given, else those of `base`; a rate that neither has is an error.
    fn over(&self, base: Option<&Rates>, free_ephemeral_storage: Megabytes) -> Result<Rates, String> {
        let per_request = |text: &String| amount(text);
        let per_mb_ms = |text: &String| {
            Rates::per_mb_ms(amount(text)?).ok_or_else(|| {
                format!("the rate {text} has more than ten decimals, so that 1 MB·ms has no exact price")
            })
        };
        let missing = |name: &str| format!("the rate '{name}' is missing");
        let pick = |own: Option<Result<Money, String>>, base: Option<Money>, name: &str| {
            own.or(base.map(Ok)).unwrap_or_else(|| Err(missing(name)))
        };
        Ok(Rates {
            request: pick(self.request.as_ref().map(per_request), base.map(|b| b.request), "request")?,
            duration_x86_64: pick(
                self.duration_x86_64.as_ref().map(per_mb_ms),
                base.map(|b| b.duration_x86_64),
                "duration_x86_64",
            )?,
            duration_arm64: pick(
                self.duration_arm64.as_ref().map(per_mb_ms),
                base.map(|b| b.duration_arm64),
                "duration_arm64",
            )?,
            ephemeral_storage: pick(
                self.ephemeral_storage.as_ref().map(per_mb_ms),
                base.map(|b| b.ephemeral_storage),
                "ephemeral_storage",
            )?,
            free_ephemeral_storage,
        })
    }
}

fn amount(text: &str) -> Result<Money, String> {
    let money: Money = text.parse().map_err(|error: MoneyError| error.to_string())?;
    if money < Money::ZERO { Err(format!("the rate {text} is negative")) } else { Ok(money) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: &str = "id = \"b\"\ncurrency = \"USD\"\n[[edition]]\neffective = \"2025-01-01\"\n\
        free_ephemeral_storage_mb = 512\n[edition.rates]\nrequest = \"0.1\"\nduration_x86_64 = \"0.1\"\n\
        duration_arm64 = \"0.1\"\nephemeral_storage = \"0.1\"\n";

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
        assert!(refuse(&BOOK.replace("request = \"0.1\"\n", "")).contains("the rate 'request' is missing"));
        assert!(refuse(&BOOK.replace("2025-01-01", "2025-13-01")).contains("'2025-13-01' is not a date"));
        assert!(refuse(&BOOK.replace("arm64 = \"0.1\"", "arm64 = \"0.00000000001\"")).contains("ten decimals"));
        assert!(refuse(&BOOK.replace("arm64 = \"0.1\"", "arm64 = \"-1\"")).contains("negative"));
        assert!(refuse(&BOOK.replace("\"b\"", "\"c\"")).contains("its id is 'c'"));
    }
}

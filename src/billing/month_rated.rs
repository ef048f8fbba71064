//! A month of all books that priced its records: which these are, each rated, and what it was all made from.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType};

use crate::cost::rating::{Book, Books, Ratio, Zone};
use crate::query::{Engine, Param, Params, QueryResult};
use crate::units::{Currency, MONEY_PRECISION, MONEY_SCALE, Timestamp};

use super::rated::{Rated, rate_month};
use super::sums::Columns;
use super::{Error, Month, Sources};

/// The version of the program.
const ENGINE: &str = env!("CARGO_PKG_VERSION");

/// A month, rated.
#[derive(Debug, Clone)]
pub struct RatedMonth {
    pub month: Month,
    /// By the book's id.
    pub books: Vec<Rated>,
    pub sources: Sources,
}

/// What priced the month's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Overview {
    /// Books that priced records of the month, by id. In one whose month ends later than that of UTC they may be of another.
    pub(super) books: Vec<String>,
    pub(super) records: u64,
    unpriced: u64,
    list_cost: Vec<(Currency, Ratio)>,
    /// When the last of all records came in that were looked at.
    pub(super) last_ingested: Option<Timestamp>,
}

impl RatedMonth {
    /// When the month is over for all of its books.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        let ends = self.books.iter().map(|book| book.to);
        ends.max().unwrap_or_else(|| self.month.end(Zone::Utc))
    }
}

/// Looks at what priced the month's records.
pub(super) async fn overview(engine: &Engine, books: &Books, month: Month) -> Result<Overview, Error> {
    let (from, to) = (month.start(Zone::Utc), month.end(Zone::Utc));
    let until = books.all().map(|book| month.end(book.zone())).max().unwrap_or(to).max(to);
    look(engine, books, from, to, until).await
}

/// The ids of the books that priced records of a time.
pub(super) async fn priced_by(
    engine: &Engine,
    books: &Books,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<String>, Error> {
    Ok(look(engine, books, from, to, to).await?.books)
}

async fn look(
    engine: &Engine,
    books: &Books,
    from: Timestamp,
    to: Timestamp,
    until: Timestamp,
) -> Result<Overview, Error> {
    let params = [("from", from), ("to", to), ("until", until)];
    let params: Params = params.into_iter().map(|(name, at)| (name.to_owned(), Param::Text(at.to_string()))).collect();
    read(&engine.named("billed_books", &params).await?, books)
}

/// Rates what `overview` saw, and no record that came in later.
pub(super) async fn rate(
    engine: &Engine,
    books: &Books,
    month: Month,
    overview: &Overview,
    table_version: i64,
    max_owners: usize,
) -> Result<RatedMonth, Error> {
    let mut rated = Vec::new();
    for id in &overview.books {
        let book: &Book = books.get(id)?;
        let one = rate_month(engine, book, month, overview.last_ingested, max_owners).await?;
        if one.counted.records > 0 {
            rated.push(one);
        }
    }
    let sources = Sources {
        table_version,
        records: overview.records,
        unpriced: overview.unpriced,
        list_cost: overview.list_cost.clone(),
        engine: ENGINE,
    };
    Ok(RatedMonth { month, books: rated, sources })
}

fn read(answer: &QueryResult, known: &Books) -> Result<Overview, Error> {
    let mut overview =
        Overview { books: Vec::new(), records: 0, unpriced: 0, list_cost: Vec::new(), last_ingested: None };
    let mut costs: BTreeMap<String, (Currency, i128)> = BTreeMap::new();
    for batch in &answer.batches {
        let column = Columns(batch);
        let (price_book, currency) = (column.texts("price_book")?, column.texts("currency")?);
        let (records, billed) = (column.whole("records")?, column.whole("billed")?);
        let list_cost = column.of("list_cost", &DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE))?;
        let last = column.of("last_ingested_at", &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?;
        for at in 0..batch.num_rows() {
            let count = |array: &arrow::array::ArrayRef| {
                u64::try_from(array.as_primitive::<Int64Type>().value(at)).unwrap_or_default()
            };
            overview.records += count(&records);
            let ingested = last.is_valid(at).then(|| last.as_primitive::<TimestampMicrosecondType>().value(at));
            overview.last_ingested = overview.last_ingested.max(ingested.map(Timestamp::from_micros));
            let label = price_book.is_valid(at).then(|| price_book.as_string::<i32>().value(at));
            let id = label.and_then(|label| label.split('@').next()).filter(|id| known.get(id).is_ok());
            match id {
                Some(id) => overview.books.push(id.to_owned()),
                None => overview.unpriced += count(&billed),
            }
            if currency.is_valid(at) && list_cost.is_valid(at) {
                let code = currency.as_string::<i32>().value(at);
                let currency: Currency = code.parse().map_err(|error: crate::units::MoneyError| {
                    Error::Internal(format!("a record's currency: {error}"))
                })?;
                let sum = &mut costs.entry(code.to_owned()).or_insert((currency, 0)).1;
                let more = list_cost.as_primitive::<Decimal128Type>().value(at);
                *sum = sum.checked_add(more).ok_or(Error::TooLarge)?;
            }
        }
    }
    overview.books.sort();
    overview.books.dedup();
    let one = 10_i128.pow(MONEY_SCALE.unsigned_abs().into());
    for (currency, units) in costs.into_values() {
        overview.list_cost.push((currency, Ratio::new(units, one)?));
    }
    Ok(overview)
}

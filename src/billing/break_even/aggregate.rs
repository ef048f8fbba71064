//! The SQL aggregate `break_even`: replays a group's arrivals in provisioned environments. It gathers them from wherever
//! they come, in whatever order; the replay is `cost::break_even`'s, which rows are replayed is the query's.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;

use crate::cost::break_even::{BreakEven, Provisioned, ProvisionedRates, Replay};
use crate::cost::rating::Books;
use crate::model::Architecture;
use crate::query::{Aggregate, Fold};
use crate::units::{MONEY_PRECISION, MONEY_SCALE, Megabytes, Money, Timestamp};

use super::answer::{self, Told, time};
use super::rows::{Batch, Head, Newest, Row, Rows};

/// Arrivals that are replayed at most, the newest of the time asked for.
pub const MAX_ARRIVALS: usize = 1_000_000;

/// `break_even(started_at, duration_ns, memory_mb, ephemeral_storage_mb, list_cost, cold, price_book, region, architecture,
/// from, to)`: a struct of the newest arrival's environment and the options, from none on; null where nothing arrived. Rows
/// without time, duration, memory or cost are left out, `cold` is false and storage 512 MB where they are null.
#[must_use]
pub fn break_even_aggregate(books: Books) -> Aggregate {
    let books = Arc::new(books);
    let money = DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE);
    let arguments = vec![
        ("started_at", time()),
        ("duration_ns", DataType::Int64),
        ("memory_mb", DataType::Int64),
        ("ephemeral_storage_mb", DataType::Int64),
        ("list_cost", money),
        ("cold", DataType::Boolean),
        ("price_book", DataType::Utf8View),
        ("region", DataType::Utf8View),
        ("architecture", DataType::Utf8View),
        ("from", time()),
        ("to", time()),
    ];
    Aggregate::new("break_even", arguments, answer::kind(), move || Arrivals {
        books: Arc::clone(&books),
        head: Head::default(),
        rows: Rows::default(),
    })
}

/// One group's arrivals.
#[derive(Debug)]
pub(super) struct Arrivals {
    pub(super) books: Arc<Books>,
    pub(super) head: Head,
    pub(super) rows: Rows,
}

impl Arrivals {
    /// Keeps the newest, once there are twice as many as are replayed.
    fn cut(&mut self, most: usize) {
        if self.rows.len() <= most {
            return;
        }
        let surplus = self.rows.len() - MAX_ARRIVALS;
        let rows = self.rows.whole();
        rows.select_nth_unstable(surplus);
        rows.drain(..surplus);
        self.head.is_cut = true;
    }

    /// What was paid, for rows that cannot be replayed.
    fn as_paid(&self) -> Result<BreakEven, String> {
        let paid = self
            .rows
            .iter()
            .try_fold(Money::ZERO, |sum, row| Money::from_units(row.list_cost).and_then(|cost| sum.checked_add(cost)));
        let cold_starts = self.rows.iter().filter(|row| row.cold).count() as u64;
        Ok(BreakEven {
            options: vec![Provisioned::none(paid.map_err(told)?)],
            best: 0,
            arrivals: self.rows.len() as u64,
            cold_starts,
        })
    }

    /// The replay, or why there is none.
    fn replay(&self, newest: &Newest, window: Duration) -> Result<Result<BreakEven, String>, String> {
        let rates = match self.rates(newest)? {
            Ok(rates) => rates,
            Err(reason) => return Ok(Err(reason)),
        };
        let mut replay = Replay::new(rates);
        for row in self.rows.iter() {
            replay.push(&row.arrival().map_err(told)?).map_err(told)?;
        }
        replay.finish(Megabytes(newest.memory_mb), window).map(Ok).map_err(told)
    }

    fn rates(&self, newest: &Newest) -> Result<Result<ProvisionedRates, String>, String> {
        let Ok(architecture) = newest.architecture.parse::<Architecture>() else {
            let found = &newest.architecture;
            return Ok(Err(format!("the newest record's architecture is '{found}', not x86_64 or arm64")));
        };
        let id = newest.price_book.split('@').next().unwrap_or_default();
        let book = match self.books.get(id) {
            Ok(book) => book,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let rates = book.provisioned_rates(&newest.region, architecture, Timestamp::from_micros(newest.at));
        let none = || format!("{} has no price for environments that stand ready", book.name());
        rates.map(|rates| rates.ok_or_else(none)).map_err(told)
    }
}

impl Fold for Arrivals {
    fn take(&mut self, arguments: &[ArrayRef]) -> Result<(), String> {
        let batch = Batch::of(arguments).ok_or("break_even got columns of other types than it takes")?;
        let rows = self.rows.room(batch.times.len());
        let mut last = i64::MIN;
        for at in 0..batch.times.len() {
            let Some(row) = batch.row(at) else { continue };
            last = last.max(row.at);
            rows.push(row);
        }
        // Texts are copied of few rows: of those that none is newer than.
        let is_last = |at: &usize| batch.times.value(*at) == last && batch.row(*at).is_some();
        let newest = (0..batch.times.len()).filter(is_last).map(|at| batch.newest(at)).max();
        self.head.merge(Head { newest, window: batch.window(), is_cut: false });
        self.cut(2 * MAX_ARRIVALS);
        Ok(())
    }

    fn state(&mut self) -> Vec<u8> {
        let head = serde_json::to_vec(&self.head).expect("texts and numbers");
        let length = u32::try_from(head.len()).expect("a few hundred bytes");
        let mut state = Vec::with_capacity(4 + head.len() + self.rows.len() * Row::BYTES);
        state.extend(length.to_le_bytes());
        state.extend(head);
        std::mem::take(&mut self.rows).iter().for_each(|row| state.extend_from_slice(&row.bytes()));
        state
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), String> {
        let broken = || "the state of break_even is not what was written".to_owned();
        let (length, rest) = state.split_first_chunk().ok_or_else(broken)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| broken())?;
        let (head, rows) = rest.split_at_checked(length).ok_or_else(broken)?;
        self.head.merge(serde_json::from_slice(head).map_err(|_| broken())?);
        let taken = self.rows.room(rows.len() / Row::BYTES);
        for row in rows.chunks(Row::BYTES) {
            taken.push(Row::read(row).ok_or_else(broken)?);
        }
        self.cut(2 * MAX_ARRIVALS);
        Ok(())
    }

    fn answer(&mut self) -> Result<ArrayRef, String> {
        self.cut(MAX_ARRIVALS);
        let (Some(newest), Some((from, to))) = (self.head.newest.clone(), self.head.window) else {
            return Ok(answer::nothing());
        };
        // Rows come in a few runs that are in order, which this kind of sorting merges.
        let rows = self.rows.whole();
        rows.sort();
        let oldest = rows.first().map_or(from, |row| row.at);
        let from = if self.head.is_cut { oldest } else { from };
        let window = Timestamp::from_micros(to).since(Timestamp::from_micros(from));
        let (replayed, reason) = match self.replay(&newest, window)? {
            Ok(replayed) => (replayed, None),
            Err(reason) => (self.as_paid()?, Some(reason)),
        };
        let id = newest.price_book.split('@').next().unwrap_or_default();
        let currency = self.books.get(id).ok().map(|book| book.currency().to_string());
        answer::of(&Told { newest: &newest, currency, window: (from, to), reason, replayed: &replayed }).map_err(told)
    }

    fn bytes(&self) -> usize {
        self.rows.bytes()
    }
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

//! The SQL aggregate `break_even`: replays a group's arrivals in provisioned environments. It gathers them from wherever
//! they come, in whatever order; the replay is `cost::break_even`'s, which rows are replayed is the query's.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array, ListArray, StringArray, StringViewArray,
    StructArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Decimal128Type, Field, Fields, Int64Type, TimeUnit, TimestampMicrosecondType};
use serde::{Deserialize, Serialize};

use crate::cost::break_even::{Arrival, BreakEven, Provisioned, ProvisionedRates, Replay};
use crate::cost::rating::Books;
use crate::model::Architecture;
use crate::query::{Aggregate, Fold};
use crate::units::{MONEY_PRECISION, MONEY_SCALE, Megabytes, Money, Timestamp, nanos};

/// Arrivals that are replayed at most, the newest of the time asked for.
pub const MAX_ARRIVALS: usize = 1_000_000;
/// What an execution environment has where nothing else is said (AWS), MB.
const USUAL_STORAGE_MB: u32 = 512;

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
    Aggregate::new("break_even", arguments, DataType::Struct(answer_fields()), move || Arrivals {
        books: Arc::clone(&books),
        head: Head::default(),
        rows: Vec::new(),
    })
}

/// One group's arrivals.
#[derive(Debug)]
struct Arrivals {
    books: Arc<Books>,
    head: Head,
    rows: Vec<Row>,
}

/// What is told of all of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Head {
    newest: Option<Newest>,
    /// The time asked for, microseconds since the Unix epoch.
    window: Option<(i64, i64)>,
    /// Some were left out, since there are too many.
    is_cut: bool,
}

/// What the newest arrival says of the function as it is. Of several at one time it is always the same one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Newest {
    at: i64,
    price_book: String,
    region: String,
    architecture: String,
    memory_mb: u32,
}

/// An arrival. Two at the same time are replayed in the order of what they hold, so that the order of rows does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    /// Microseconds since the Unix epoch.
    at: i64,
    handler_ns: u64,
    memory_mb: u32,
    storage_mb: u32,
    /// Units of money.
    list_cost: i128,
    cold: bool,
}

impl Row {
    const BYTES: usize = 41;

    fn bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.at.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.handler_ns.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.memory_mb.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.storage_mb.to_le_bytes());
        bytes[24..40].copy_from_slice(&self.list_cost.to_le_bytes());
        bytes[40] = u8::from(self.cold);
        bytes
    }

    /// Of exactly `BYTES`.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (at, rest) = bytes.split_first_chunk()?;
        let (handler_ns, rest) = rest.split_first_chunk()?;
        let (memory_mb, rest) = rest.split_first_chunk()?;
        let (storage_mb, rest) = rest.split_first_chunk()?;
        let (list_cost, rest) = rest.split_first_chunk()?;
        let cold = *rest.first()? != 0;
        Some(Self {
            at: i64::from_le_bytes(*at),
            handler_ns: u64::from_le_bytes(*handler_ns),
            memory_mb: u32::from_le_bytes(*memory_mb),
            storage_mb: u32::from_le_bytes(*storage_mb),
            list_cost: i128::from_le_bytes(*list_cost),
            cold,
        })
    }

    fn arrival(&self) -> Result<Arrival, String> {
        Ok(Arrival {
            at: Timestamp::from_micros(self.at),
            handler: Duration::from_nanos(self.handler_ns),
            memory: Megabytes(self.memory_mb),
            storage: Megabytes(self.storage_mb),
            list_cost: Money::from_units(self.list_cost).map_err(told)?,
            cold: self.cold,
        })
    }
}

impl Head {
    fn merge(&mut self, other: Self) {
        self.newest = self.newest.take().max(other.newest);
        self.window = match (self.window, other.window) {
            (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
            (one, other) => one.or(other),
        };
        self.is_cut |= other.is_cut;
    }
}

impl Arrivals {
    /// Keeps the newest, once there are twice as many as are replayed.
    fn cut(&mut self, most: usize) {
        if self.rows.len() <= most {
            return;
        }
        let surplus = self.rows.len() - MAX_ARRIVALS;
        self.rows.select_nth_unstable(surplus);
        self.rows.drain(..surplus);
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
        for row in &self.rows {
            replay.push(&row.arrival()?).map_err(told)?;
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

/// One batch of rows.
struct Batch<'a> {
    times: &'a TimestampMicrosecondArray,
    /// Duration, memory, storage.
    numbers: [&'a Int64Array; 3],
    costs: &'a Decimal128Array,
    cold: &'a BooleanArray,
    /// Price book, region, architecture.
    texts: [&'a StringViewArray; 3],
    /// The time asked for.
    bounds: [&'a TimestampMicrosecondArray; 2],
}

impl<'a> Batch<'a> {
    fn of(arguments: &'a [ArrayRef]) -> Option<Self> {
        let [at, duration, memory, storage, cost, cold, book, region, architecture, from, to] = arguments else {
            return None;
        };
        Some(Self {
            times: at.as_primitive_opt::<TimestampMicrosecondType>()?,
            numbers: [
                duration.as_primitive_opt::<Int64Type>()?,
                memory.as_primitive_opt::<Int64Type>()?,
                storage.as_primitive_opt::<Int64Type>()?,
            ],
            costs: cost.as_primitive_opt::<Decimal128Type>()?,
            cold: cold.as_boolean_opt()?,
            texts: [book.as_string_view_opt()?, region.as_string_view_opt()?, architecture.as_string_view_opt()?],
            bounds: [
                from.as_primitive_opt::<TimestampMicrosecondType>()?,
                to.as_primitive_opt::<TimestampMicrosecondType>()?,
            ],
        })
    }

    /// None where the row does not tell what a replay needs.
    fn row(&self, at: usize) -> Option<Row> {
        let [duration, memory, storage] = self.numbers;
        let is_told =
            self.times.is_valid(at) && duration.is_valid(at) && memory.is_valid(at) && self.costs.is_valid(at);
        is_told.then(|| Row {
            at: self.times.value(at),
            handler_ns: u64::try_from(duration.value(at)).unwrap_or_default(),
            memory_mb: megabytes(memory.value(at)),
            storage_mb: if storage.is_valid(at) { megabytes(storage.value(at)) } else { USUAL_STORAGE_MB },
            list_cost: self.costs.value(at),
            cold: self.cold.is_valid(at) && self.cold.value(at),
        })
    }

    fn newest(&self, at: usize) -> Newest {
        let [price_book, region, architecture] =
            self.texts.map(|texts| if texts.is_valid(at) { texts.value(at).to_owned() } else { String::new() });
        let memory_mb = megabytes(self.numbers[1].value(at));
        Newest { at: self.times.value(at), price_book, region, architecture, memory_mb }
    }

    fn window(&self) -> Option<(i64, i64)> {
        let [from, to] = self.bounds.map(|times| times.iter().flatten().next());
        from.zip(to)
    }
}

impl Fold for Arrivals {
    fn take(&mut self, arguments: &[ArrayRef]) -> Result<(), String> {
        let batch = Batch::of(arguments).ok_or("break_even got columns of other types than it takes")?;
        self.rows.reserve(batch.times.len());
        let mut last = i64::MIN;
        for at in 0..batch.times.len() {
            let Some(row) = batch.row(at) else { continue };
            last = last.max(row.at);
            self.rows.push(row);
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
        self.rows.reserve(rows.len() / Row::BYTES);
        for row in rows.chunks(Row::BYTES) {
            self.rows.push(Row::read(row).ok_or_else(broken)?);
        }
        self.cut(2 * MAX_ARRIVALS);
        Ok(())
    }

    fn answer(&mut self) -> Result<ArrayRef, String> {
        self.cut(MAX_ARRIVALS);
        let (Some(newest), Some((from, to))) = (self.head.newest.clone(), self.head.window) else {
            return Ok(new_null_array(&DataType::Struct(answer_fields()), 1));
        };
        // Rows come in a few runs that are in order, which this kind of sorting merges.
        self.rows.sort();
        let oldest = self.rows.first().map_or(from, |row| row.at);
        let from = if self.head.is_cut { oldest } else { from };
        let window = Timestamp::from_micros(to).since(Timestamp::from_micros(from));
        let (replayed, reason) = match self.replay(&newest, window)? {
            Ok(replayed) => (replayed, None),
            Err(reason) => (self.as_paid()?, Some(reason)),
        };
        let id = newest.price_book.split('@').next().unwrap_or_default();
        let currency = self.books.get(id).ok().map(|book| book.currency().to_string());
        let text = |text: &str| Arc::new(StringArray::from(vec![text])) as ArrayRef;
        let at = |at: i64| Arc::new(TimestampMicrosecondArray::from(vec![at]).with_timezone("UTC")) as ArrayRef;
        let columns: Vec<ArrayRef> = vec![
            text(&newest.price_book),
            Arc::new(StringArray::from(vec![currency])),
            text(&newest.region),
            text(&newest.architecture),
            whole([i64::from(newest.memory_mb)]),
            at(newest.at),
            at(from),
            at(to),
            whole([count(replayed.arrivals)]),
            whole([count(replayed.cold_starts)]),
            whole([places(replayed.best)]),
            Arc::new(StringArray::from(vec![reason])),
            options(&replayed.options)?,
        ];
        let answer = StructArray::try_new(answer_fields(), columns, None).map_err(told)?;
        Ok(Arc::new(answer))
    }

    fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Row>()
    }
}

/// The fields of the answer.
fn answer_fields() -> Fields {
    let item = Field::new_list_field(DataType::Struct(option_fields()), false);
    let fields = [
        ("price_book", DataType::Utf8, false),
        ("currency", DataType::Utf8, true),
        ("region", DataType::Utf8, false),
        ("architecture", DataType::Utf8, false),
        ("memory_mb", DataType::Int64, false),
        ("priced_at", time(), false),
        ("from", time(), false),
        ("to", time(), false),
        ("arrivals", DataType::Int64, false),
        ("cold_starts", DataType::Int64, false),
        ("best", DataType::Int64, false),
        ("reason", DataType::Utf8, true),
        ("options", DataType::List(Arc::new(item)), false),
    ];
    fields.into_iter().map(|(name, kind, nullable)| Field::new(name, kind, nullable)).collect()
}

/// The fields of an option.
fn option_fields() -> Fields {
    let money = DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE);
    let fields = [
        ("environments", DataType::Int64),
        ("capacity_cost", money.clone()),
        ("ran_cost", money.clone()),
        ("spilled_cost", money.clone()),
        ("total_cost", money),
        ("served", DataType::Int64),
        ("cold_starts_saved", DataType::Int64),
        ("busy_ns", DataType::Int64),
    ];
    fields.into_iter().map(|(name, kind)| Field::new(name, kind, false)).collect()
}

/// A list of all options.
fn options(options: &[Provisioned]) -> Result<ArrayRef, String> {
    let money = |get: fn(&Provisioned) -> Money| -> Result<ArrayRef, String> {
        let amounts = Decimal128Array::from_iter_values(options.iter().map(|option| get(option).units()));
        Ok(Arc::new(amounts.with_precision_and_scale(MONEY_PRECISION, MONEY_SCALE).map_err(told)?))
    };
    let columns = vec![
        whole(options.iter().map(|option| places(option.environments))),
        money(|option| option.capacity)?,
        money(|option| option.ran)?,
        money(|option| option.spilled)?,
        money(|option| option.total)?,
        whole(options.iter().map(|option| count(option.served))),
        whole(options.iter().map(|option| count(option.cold_starts_saved))),
        whole(options.iter().map(|option| nanos(option.busy))),
    ];
    let rows = StructArray::try_new(option_fields(), columns, None).map_err(told)?;
    let item = Arc::new(Field::new_list_field(DataType::Struct(option_fields()), false));
    let list = ListArray::try_new(item, OffsetBuffer::from_lengths([options.len()]), Arc::new(rows), None);
    Ok(Arc::new(list.map_err(told)?))
}

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn whole(numbers: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(numbers))
}

fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn places(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn megabytes(size: i64) -> u32 {
    u32::try_from(size).unwrap_or_default()
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn fold() -> Arrivals {
        let books = Arc::new(Books::embedded().expect("they parse"));
        Arrivals { books, head: Head::default(), rows: Vec::new() }
    }

    /// Rows of a second, an hour's time asked for: when it arrived (ms), how long it ran (ms), what it cost (10^-9).
    fn batch(rows: &[(i64, i64, i128)]) -> Vec<ArrayRef> {
        let start = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").expect("a time").micros();
        let at = |times: Vec<i64>| Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")) as ArrayRef;
        let texts = |text: &str| Arc::new(StringViewArray::from(vec![text; rows.len()])) as ArrayRef;
        let costs = Decimal128Array::from_iter_values(rows.iter().map(|row| row.2 * 10_i128.pow(14)));
        let costs = costs.with_precision_and_scale(MONEY_PRECISION, MONEY_SCALE).expect("it fits");
        vec![
            at(rows.iter().map(|row| start + row.0 * 1_000).collect()),
            whole(rows.iter().map(|row| row.1 * 1_000_000)),
            whole(rows.iter().map(|row| if row.0 % 2 == 0 { 1_024 } else { 512 })),
            Arc::new(Int64Array::new_null(rows.len())),
            Arc::new(costs),
            Arc::new(BooleanArray::from(rows.iter().map(|row| row.2 % 3 == 0).collect::<Vec<_>>())),
            texts("aws-lambda@2025-10-01"),
            texts("us-east-1"),
            texts("x86_64"),
            at(vec![start; rows.len()]),
            at(vec![start + 3_600_000_000; rows.len()]),
        ]
    }

    fn answer(fold: &mut Arrivals) -> Value {
        let answer = fold.answer().expect("in range");
        let options = answer.as_struct().column_by_name("options").expect("it is there").clone();
        let options = options.as_list::<i32>().value(0);
        let options = options.as_struct();
        let numbers = |name: &str| -> Vec<String> {
            let column = options.column_by_name(name).expect("it is there");
            let texts = arrow::compute::cast(column, &DataType::Utf8).expect("it is shown");
            texts.as_string::<i32>().iter().flatten().map(str::to_owned).collect()
        };
        json!([numbers("total_cost"), numbers("served"), numbers("cold_starts_saved"), numbers("busy_ns")])
    }

    #[test]
    fn nothing_gives_null() {
        assert!(fold().answer().expect("it is answered").is_null(0));
        let mut empty = fold();
        empty.take(&batch(&[])).expect("it is taken");
        assert!(empty.answer().expect("it is answered").is_null(0));
    }

    #[test]
    fn what_has_no_price_is_as_it_was_paid_and_says_so() {
        let mut columns = batch(&[(0, 10, 5), (1, 10, 6)]);
        columns[6] = Arc::new(StringViewArray::from(vec!["cloudflare-workers-standard@2026-01-01"; 2]));
        let mut fold = fold();
        fold.take(&columns).expect("it is taken");
        let answer = fold.answer().expect("in range");
        let reason = answer.as_struct().column_by_name("reason").expect("it is there").clone();
        let reason = reason.as_string::<i32>().value(0);
        assert!(reason.ends_with("has no price for environments that stand ready"), "{reason}");
        assert_eq!(super::tests::answer(&mut fold)[0], json!(["0.00000001100000000000000"]));
    }

    #[test]
    fn of_too_many_the_newest_are_replayed() {
        let all: Vec<(i64, i64, i128)> = (0..MAX_ARRIVALS as i64 + 5).map(|at| (at, 1, 1)).collect();
        let mut fold = fold();
        for part in all.rchunks(300_000) {
            fold.take(&batch(part)).expect("it is taken");
        }
        let answer = fold.answer().expect("in range");
        let column = |name: &str| answer.as_struct().column_by_name(name).expect("it is there").clone();
        assert_eq!(column("arrivals").as_primitive::<Int64Type>().value(0), MAX_ARRIVALS as i64);
        let [from, to] = ["from", "to"].map(|name| column(name).as_primitive::<TimestampMicrosecondType>().value(0));
        assert_eq!(to - from, 3_600_000_000 - 5_000);
    }

    proptest! {
        #[test]
        fn neither_the_order_nor_the_batches_of_rows_matter(
            rows in prop::collection::vec((0_i64..60, 1_i64..50, 1_i128..5), 1..40).prop_shuffle(),
            parts in 1_usize..9,
        ) {
            let mut sorted = rows.clone();
            sorted.sort_unstable();
            let mut at_once = fold();
            at_once.take(&batch(&sorted)).expect("it is taken");
            let mut merged = fold();
            for part in rows.chunks(parts) {
                let mut one = fold();
                part.iter().for_each(|row| one.take(&batch(&[*row])).expect("it is taken"));
                merged.merge(&one.state()).expect("it is a state");
            }
            prop_assert_eq!(answer(&mut merged), answer(&mut at_once));
        }
    }
}

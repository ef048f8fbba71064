//! Owns what a replay keeps of an arrival, how it reads that of columns, and the bytes in which it is handed on.

use std::time::Duration;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array, StringViewArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Decimal128Type, Int64Type, TimestampMicrosecondType};
use serde::{Deserialize, Serialize};

use crate::cost::break_even::Arrival;
use crate::units::{Megabytes, Money, MoneyError, Timestamp};

/// What an execution environment has where nothing else is said (AWS), MB.
const USUAL_STORAGE_MB: u32 = 512;

/// What is told of all of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) newest: Option<Newest>,
    /// The time asked for, microseconds since the Unix epoch.
    pub(super) window: Option<(i64, i64)>,
    /// Some were left out, since there are too many.
    pub(super) is_cut: bool,
}

/// What the newest arrival says of the function as it is. Of several at one time it is always the same one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Newest {
    pub(super) at: i64,
    pub(super) price_book: String,
    pub(super) region: String,
    pub(super) architecture: String,
    pub(super) memory_mb: u32,
}

/// An arrival. Two at the same time are replayed in the order of what they hold, so that the order of rows does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    /// Microseconds since the Unix epoch.
    pub(super) at: i64,
    pub(super) handler_ns: u64,
    pub(super) memory_mb: u32,
    pub(super) storage_mb: u32,
    /// Units of money.
    pub(super) list_cost: i128,
    pub(super) cold: bool,
}

impl Row {
    pub(super) const BYTES: usize = 41;

    pub(super) fn bytes(&self) -> [u8; Self::BYTES] {
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
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
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

    pub(super) fn arrival(&self) -> Result<Arrival, MoneyError> {
        Ok(Arrival {
            at: Timestamp::from_micros(self.at),
            handler: Duration::from_nanos(self.handler_ns),
            memory: Megabytes(self.memory_mb),
            storage: Megabytes(self.storage_mb),
            list_cost: Money::from_units(self.list_cost)?,
            cold: self.cold,
        })
    }
}

/// Rows in pieces, so that they need not be moved as they become more.
#[derive(Debug, Default)]
pub(super) struct Rows(Vec<Vec<Row>>);

impl Rows {
    /// Of a piece, at least: groups of few rows take little.
    const FEWEST: usize = 64;
    /// Of a piece that rows are added to one at a time, at most.
    const MOST: usize = 65_536;

    /// A piece that has room for so many more.
    pub(super) fn room(&mut self, more: usize) -> &mut Vec<Row> {
        let (length, room) = self.0.last().map_or((0, 0), |last| (last.len(), last.capacity() - last.len()));
        if room < more || self.0.is_empty() {
            self.0.push(Vec::with_capacity(more.max((2 * length).clamp(Self::FEWEST, Self::MOST))));
        }
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Row> {
        self.0.iter().flatten()
    }

    /// All rows as one piece.
    pub(super) fn whole(&mut self) -> &mut Vec<Row> {
        if self.0.len() != 1 {
            let all = self.0.concat();
            self.0 = vec![all];
        }
        &mut self.0[0]
    }

    /// Memory that they take.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(Vec::capacity).sum::<usize>() * size_of::<Row>()
    }
}

impl Head {
    pub(super) fn merge(&mut self, other: Self) {
        self.newest = self.newest.take().max(other.newest);
        self.window = match (self.window, other.window) {
            (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
            (one, other) => one.or(other),
        };
        self.is_cut |= other.is_cut;
    }
}

/// One batch of rows.
pub(super) struct Batch<'a> {
    pub(super) times: &'a TimestampMicrosecondArray,
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
    pub(super) fn of(arguments: &'a [ArrayRef]) -> Option<Self> {
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
    pub(super) fn row(&self, at: usize) -> Option<Row> {
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

    pub(super) fn newest(&self, at: usize) -> Newest {
        let [price_book, region, architecture] =
            self.texts.map(|texts| if texts.is_valid(at) { texts.value(at).to_owned() } else { String::new() });
        let memory_mb = megabytes(self.numbers[1].value(at));
        Newest { at: self.times.value(at), price_book, region, architecture, memory_mb }
    }

    pub(super) fn window(&self) -> Option<(i64, i64)> {
        let [from, to] = self.bounds.map(|times| times.iter().flatten().next());
        from.zip(to)
    }
}

fn megabytes(size: i64) -> u32 {
    u32::try_from(size).unwrap_or_default()
}

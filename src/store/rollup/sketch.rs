//! Owns the quantile sketch: DDSketch with a relative error of 1 %, in the bytes that DataDog's Java library reads and
//! writes (`sketches-ddsketch` has the mapping of values to bins). It holds no sum, which as a float would depend on the
//! order of adding; so whatever the order, the same values make the same bytes.
//!
//! Merging reads bytes straight into the bins: the library would make a sketch of each first.

use std::sync::LazyLock;

use sketches_ddsketch::Config;

use super::bytes::{self, Reader};

/// The relative error of a quantile: 1 %.
pub const RELATIVE_ERROR: f64 = 0.01;

/// Why bytes are no sketch of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SketchError {
    /// They end too early.
    #[error("a sketch of {0} bytes ends too early")]
    Short(usize),
    /// Something is in them that a sketch does not have.
    #[error("{0}")]
    Malformed(String),
}

/// How values are spread: counts in bins whose bounds are 2 % apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Sketch {
    pub(super) min: f64,
    pub(super) max: f64,
    /// Values that are nearer to 0 than 10^-9.
    pub(super) zeros: u64,
    pub(super) positive: Bins,
    /// Of the values' opposites.
    pub(super) negative: Bins,
}

/// A bin of a histogram: `count` values, `low` included, `high` not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// No value is less.
    pub low: f64,
    /// All values are less.
    pub high: f64,
    /// How many.
    pub count: u64,
}

impl Default for Sketch {
    fn default() -> Self {
        Self {
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            zeros: 0,
            positive: Bins::default(),
            negative: Bins::default(),
        }
    }
}

impl Sketch {
    /// Adds a value; one that is not finite is left out.
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        match bin_of(value) {
            Place::Zero => self.zeros += 1,
            Place::Positive(key) => self.positive.add(key, 1),
            Place::Negative(key) => self.negative.add(key, 1),
        }
    }

    /// The bytes of a sketch of one value, as they would be were it added to an empty one.
    pub fn write_value(value: f64, out: &mut Vec<u8>) {
        if value.is_finite() {
            bytes::write_value(value, out);
        }
    }

    /// Adds what `bytes` hold. After an error a part of it may have been added.
    pub fn merge(&mut self, bytes: &[u8]) -> Result<(), SketchError> {
        Reader::new(bytes).read_into(self)
    }

    /// The sketch that `bytes` hold.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SketchError> {
        let mut sketch = Self::default();
        sketch.merge(bytes)?;
        Ok(sketch)
    }

    /// The bytes; none where there are no values.
    #[must_use]
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        bytes::write(self, &mut out);
        (!out.is_empty()).then_some(out)
    }

    /// How many values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.zeros.saturating_add(self.positive.total).saturating_add(self.negative.total)
    }

    /// The value below which a share `q` (0 to 1) of the values lies, within [`RELATIVE_ERROR`]: the least for 0, the
    /// greatest for 1, exactly. None where there are no values.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        if q <= 0.0 {
            return Some(self.min);
        }
        if q >= 1.0 {
            return Some(self.max);
        }
        let rank = (q * (count - 1) as f64) as u64;
        let value = if rank < self.negative.total {
            -config().value(self.negative.key_at(self.negative.total - 1 - rank))
        } else if rank - self.negative.total < self.zeros {
            0.0
        } else {
            config().value(self.positive.key_at(rank - self.negative.total - self.zeros))
        };
        Some(value.clamp(self.min, self.max))
    }

    /// The sketch's own bins that hold values, in order. Values near 0 are in one from 0 to 0.
    pub fn bins(&self) -> impl Iterator<Item = Bin> {
        let bound = |key: i32| config().pow_gamma(key);
        let negative =
            self.negative.iter().rev().map(move |(key, count)| Bin { low: -bound(key + 1), high: -bound(key), count });
        let zero = (self.zeros > 0).then_some(Bin { low: 0.0, high: 0.0, count: self.zeros });
        let positive =
            self.positive.iter().map(move |(key, count)| Bin { low: bound(key), high: bound(key + 1), count });
        negative.chain(zero).chain(positive)
    }

    /// Bytes of memory that it takes beside itself.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        (self.positive.counts.capacity() + self.negative.counts.capacity()) * size_of::<u64>()
    }
}

/// Where a value is counted.
pub(super) enum Place {
    Zero,
    Positive(i32),
    Negative(i32),
}

/// Where a finite value is counted.
pub(super) fn bin_of(value: f64) -> Place {
    let config = config();
    if value > config.min_possible() {
        Place::Positive(config.key(value))
    } else if value < -config.min_possible() {
        Place::Negative(config.key(-value))
    } else {
        Place::Zero
    }
}

/// The mapping of values to bins.
pub(super) fn config() -> &'static Config {
    static CONFIG: LazyLock<Config> = LazyLock::new(|| Config::new(RELATIVE_ERROR, 2_048, 1e-9));
    &CONFIG
}

/// Counts by key, from the least key on without a gap.
#[derive(Debug, Clone, Default)]
pub(super) struct Bins {
    first: i32,
    counts: Vec<u64>,
    pub(super) total: u64,
}

impl PartialEq for Bins {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Bins {
    /// Keys of finite values: ln(10^-9) and ln(1.8 x 10^308) over ln(gamma), and a little more.
    pub(super) const KEYS: std::ops::RangeInclusive<i64> = -1_100..=35_600;
    /// Bins that are made room for below the least key.
    const SPARE: i32 = 16;

    /// `key` must be one of `KEYS`.
    pub(super) fn add(&mut self, key: i32, count: u64) {
        if self.counts.is_empty() {
            self.first = key;
        } else if key < self.first {
            let first = key - Self::SPARE;
            self.counts.splice(0..0, std::iter::repeat_n(0, (self.first - first) as usize));
            self.first = first;
        }
        let at = (key - self.first) as usize;
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] = self.counts[at].saturating_add(count);
        self.total = self.total.saturating_add(count);
    }

    /// Keys in order, with their counts, those of 0 left out.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (i32, u64)> {
        let first = self.first;
        let found = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        found.map(move |(at, count)| (first + at as i32, *count))
    }

    /// The key of the value that has `rank` values before it.
    fn key_at(&self, rank: u64) -> i32 {
        let mut sum = 0_u64;
        for (at, count) in self.counts.iter().enumerate() {
            sum = sum.saturating_add(*count);
            if sum > rank {
                return self.first + at as i32;
            }
        }
        self.first + self.counts.len() as i32 - 1
    }
}

#[cfg(test)]
mod tests;

//! Owns a sketch's bytes: writing them, and reading them into the bins of another. The format is that of DataDog's
//! `DDSketchWithExactSummaryStatistics`. What a sketch is for is `sketch`'s.

use super::sketch::{Bins, Place, Sketch, SketchError, bin_of, config};

const COUNT: u8 = 0xA0;
const SUM: u8 = 0x84;
const MIN: u8 = 0x88;
const MAX: u8 = 0x8C;
const MAPPING: u8 = 0x02;
const ZEROS: u8 = 0x04;
/// Kinds of bins, in the two lowest bits of a flag.
const POSITIVE: u8 = 1;
const NEGATIVE: u8 = 3;
/// How bins follow, in the bits above.
const DELTAS_AND_COUNTS: u8 = 1;
const DELTAS: u8 = 2;
const CONTIGUOUS: u8 = 3;

/// Numbers have at most nine bytes: seven bits in each, eight in the last.
const LAST_SHIFT: u32 = 56;
const ONE: u64 = 1.0_f64.to_bits();
/// The counts that take one byte.
const SMALL: [u64; 128] = small_counts();

const fn small_counts() -> [u64; 128] {
    let mut counts = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        counts[byte] = count_of((byte as u64) << 57);
        byte += 1;
    }
    counts
}

const fn count_of(bits: u64) -> u64 {
    (f64::from_bits(bits.rotate_right(6).wrapping_add(ONE)) - 1.0) as u64
}

/// Appends the sketch; nothing where it has no values.
pub(super) fn write(sketch: &Sketch, out: &mut Vec<u8>) {
    let count = sketch.count();
    if count == 0 {
        return;
    }
    write_head(out, count, sketch.min, sketch.max, sketch.zeros);
    for (bins, kind) in [(&sketch.positive, POSITIVE), (&sketch.negative, NEGATIVE)] {
        if bins.total > 0 {
            out.push(DELTAS_AND_COUNTS << 2 | kind);
            write_unsigned(out, bins.iter().count() as u64);
            let mut last = 0;
            for (key, count) in bins.iter() {
                write_bin(out, key - last, count);
                last = key;
            }
        }
    }
}

/// Appends the sketch of some values; nothing where there are none. `keys` is room to work in.
pub(super) fn write_values(values: &[i64], keys: &mut Vec<i32>, out: &mut Vec<u8>) {
    let (Some(min), Some(max)) = (values.iter().min(), values.iter().max()) else { return };
    if *min < 0 {
        let mut sketch = Sketch::default();
        values.iter().for_each(|value| sketch.add(*value as f64));
        return write(&sketch, out);
    }
    keys.clear();
    for value in values {
        if let Place::Positive(key) = bin_of(*value as f64) {
            keys.push(key);
        }
    }
    keys.sort_unstable();
    write_head(out, values.len() as u64, *min as f64, *max as f64, (values.len() - keys.len()) as u64);
    if keys.is_empty() {
        return;
    }
    let runs = keys.chunk_by(|one, other| one == other);
    out.push(DELTAS_AND_COUNTS << 2 | POSITIVE);
    write_unsigned(out, runs.clone().count() as u64);
    let mut last = 0;
    for run in runs {
        write_bin(out, run[0] - last, run.len() as u64);
        last = run[0];
    }
}

/// Appends the sketch of one finite value.
pub(super) fn write_value(value: f64, out: &mut Vec<u8>) {
    let place = bin_of(value);
    write_head(out, 1, value, value, u64::from(matches!(place, Place::Zero)));
    let (kind, key) = match place {
        Place::Zero => return,
        Place::Positive(key) => (POSITIVE, key),
        Place::Negative(key) => (NEGATIVE, key),
    };
    out.push(DELTAS_AND_COUNTS << 2 | kind);
    write_unsigned(out, 1);
    write_bin(out, key, 1);
}

fn write_head(out: &mut Vec<u8>, count: u64, min: f64, max: f64, zeros: u64) {
    out.push(COUNT);
    write_count(out, count);
    for (flag, value) in [(MIN, min), (MAX, max), (MAPPING, config().gamma)] {
        out.push(flag);
        out.extend_from_slice(&value.to_le_bytes());
    }
    // The mapping's second number: no offset.
    out.extend_from_slice(&0.0_f64.to_le_bytes());
    if zeros > 0 {
        out.push(ZEROS);
        write_count(out, zeros);
    }
}

fn write_bin(out: &mut Vec<u8>, delta: i32, count: u64) {
    let delta = i64::from(delta);
    write_unsigned(out, ((delta >> 63) ^ (delta << 1)) as u64);
    write_count(out, count);
}

fn write_unsigned(out: &mut Vec<u8>, mut value: u64) {
    for _ in 0..8 {
        if value < 0x80 {
            break;
        }
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn write_count(out: &mut Vec<u8>, count: u64) {
    let mut bits = (count as f64 + 1.0).to_bits().wrapping_sub(ONE).rotate_left(6);
    for _ in 0..8 {
        let next = (bits >> 57) as u8;
        bits <<= 7;
        if bits == 0 {
            return out.push(next);
        }
        out.push(next | 0x80);
    }
    out.push((bits >> 56) as u8);
}

const fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Bytes that are read from the front.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    whole: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, whole: bytes.len() }
    }

    /// Adds all that follows to `sketch`.
    pub(super) fn read_into(mut self, sketch: &mut Sketch) -> Result<(), SketchError> {
        while !self.rest.is_empty() {
            match self.byte()? {
                COUNT => drop(self.count()?),
                SUM => drop(self.float()?),
                MIN => sketch.min = sketch.min.min(self.float()?),
                MAX => sketch.max = sketch.max.max(self.float()?),
                MAPPING => self.mapping()?,
                ZEROS => sketch.zeros = sketch.zeros.saturating_add(self.count()?),
                flag if flag & 3 == POSITIVE => self.bins(flag >> 2, &mut sketch.positive)?,
                flag if flag & 3 == NEGATIVE => self.bins(flag >> 2, &mut sketch.negative)?,
                flag => return Err(SketchError::Malformed(format!("{flag:#04x} is no part of a sketch"))),
            }
        }
        // Where they are missing, the least is greater than the greatest still.
        if sketch.count() > 0 && sketch.min > sketch.max {
            return Err(SketchError::Malformed("a sketch has no least and greatest value".to_owned()));
        }
        Ok(())
    }

    fn mapping(&mut self) -> Result<(), SketchError> {
        let (gamma, offset) = (self.float()?, self.float()?);
        if gamma == config().gamma && offset == 0.0 {
            return Ok(());
        }
        Err(SketchError::Malformed(format!("a sketch with bins {gamma} apart is not one with an error of 1 %")))
    }

    fn bins(&mut self, mode: u8, bins: &mut Bins) -> Result<(), SketchError> {
        let count = self.unsigned()?;
        let (mut key, mut step) = (0_i64, 0_i64);
        if mode == CONTIGUOUS {
            key = self.signed()?;
            step = self.signed()?;
            key = key.wrapping_sub(step);
        } else if mode != DELTAS_AND_COUNTS && mode != DELTAS {
            return Err(SketchError::Malformed(format!("{mode} is no way to write the bins of a sketch")));
        }
        for _ in 0..count {
            let (delta, times) = match self.rest {
                // Nearly always a byte for each: what a merge of many sketches spends its time on.
                [delta, times, rest @ ..] if mode == DELTAS_AND_COUNTS && (*delta | *times) < 0x80 => {
                    self.rest = rest;
                    (zigzag(u64::from(*delta)), SMALL[usize::from(*times)])
                }
                _ => (
                    if mode == CONTIGUOUS { step } else { self.signed()? },
                    if mode == DELTAS { 1 } else { self.count()? },
                ),
            };
            key = key.wrapping_add(delta);
            if !Bins::KEYS.contains(&key) {
                return Err(SketchError::Malformed(format!("a sketch has no bin {key}")));
            }
            bins.add(key as i32, times);
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, SketchError> {
        let (byte, rest) = self.rest.split_first().ok_or(SketchError::Short(self.whole))?;
        self.rest = rest;
        Ok(*byte)
    }

    fn float(&mut self) -> Result<f64, SketchError> {
        let (bytes, rest) = self.rest.split_first_chunk::<8>().ok_or(SketchError::Short(self.whole))?;
        self.rest = rest;
        Ok(f64::from_le_bytes(*bytes))
    }

    fn unsigned(&mut self) -> Result<u64, SketchError> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let next = self.byte()?;
            if next < 0x80 || shift == LAST_SHIFT {
                return Ok(value | u64::from(next) << shift);
            }
            value |= u64::from(next & 0x7F) << shift;
            shift += 7;
        }
    }

    fn signed(&mut self) -> Result<i64, SketchError> {
        self.unsigned().map(zigzag)
    }

    fn count(&mut self) -> Result<u64, SketchError> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(SMALL[usize::from(first)]);
        }
        let (mut bits, mut shift) = (u64::from(first & 0x7F) << 57, 50);
        loop {
            let next = self.byte()?;
            if shift == 1 {
                return Ok(count_of(bits | u64::from(next)));
            }
            if next < 0x80 {
                return Ok(count_of(bits | u64::from(next) << shift));
            }
            bits |= u64::from(next & 0x7F) << shift;
            shift -= 7;
        }
    }
}

//! Owns the keys that are stored, in generations that are forgotten whole: a key is known for the window at least, and for a
//! quarter of it longer at most.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use crate::units::Timestamp;

use super::Key;

/// Generations that a window is made of.
const GENERATIONS: usize = 4;

type Set = HashSet<Key, AsItIs>;

/// Keys are hashes already.
pub(super) type AsItIs = BuildHasherDefault<Whole>;

/// Keys by the time that they were stored at.
pub(super) struct Generations {
    /// How long one generation takes keys.
    span: Duration,
    /// How many keys it takes.
    keys: usize,
    window: Duration,
    /// The newest first. Never empty.
    all: VecDeque<Generation>,
}

struct Generation {
    began: Timestamp,
    /// When the last key came, at the latest.
    ended: Timestamp,
    keys: Set,
}

impl Generations {
    /// Of keys that are known for `window`, or until `keys` came after them.
    pub(super) fn new(window: Duration, keys: usize, now: Timestamp) -> Self {
        let span = window / u32::try_from(GENERATIONS).unwrap_or(1);
        Self { span, keys: (keys / GENERATIONS).max(1), window, all: VecDeque::from([Generation::at(now)]) }
    }

    /// To be called before keys are looked for or put in: begins another generation where it is time, and forgets those
    /// whose keys are all out of the window.
    pub(super) fn age(&mut self, now: Timestamp) {
        if now.since(self.all[0].began) >= self.span {
            self.begin(now);
        }
        self.all[0].ended = now.max(self.all[0].ended);
        let (window, all) = (self.window, &mut self.all);
        while all.len() > 1 && all.back().is_some_and(|oldest| now.since(oldest.ended) > window) {
            all.pop_back();
        }
    }

    fn begin(&mut self, now: Timestamp) {
        self.all.push_front(Generation::at(now));
    }

    pub(super) fn contains(&self, key: Key) -> bool {
        self.all.iter().any(|generation| generation.keys.contains(&key))
    }

    pub(super) fn insert(&mut self, key: Key) {
        if self.all[0].keys.len() >= self.keys {
            let now = self.all[0].ended;
            self.begin(now);
            // Those that are full count, so that a burst of keys does not outgrow the limit within the window.
            let full = self.all.iter().map(|generation| generation.keys.len()).sum::<usize>();
            if full > self.keys * (GENERATIONS - 1) {
                self.all.pop_back();
            }
        }
        self.all[0].keys.insert(key);
    }

    pub(super) fn len(&self) -> usize {
        self.all.iter().map(|generation| generation.keys.len()).sum()
    }
}

impl Generation {
    fn at(now: Timestamp) -> Self {
        Self { began: now, ended: now, keys: Set::default() }
    }
}

/// The key itself.
#[derive(Default)]
pub(super) struct Whole(u64);

impl Hasher for Whole {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut whole = [0; 8];
            whole[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(whole));
        }
    }

    fn write_u64(&mut self, part: u64) {
        self.0 ^= part;
    }
}

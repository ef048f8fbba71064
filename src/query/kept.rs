//! Keeps what was read of files in memory, within a limit of bytes: what was not asked for the longest makes way. What is kept,
//! and how large it is, says who keeps it.
//!
//! A file's content never changes, and a view names the files that it is of: so what is kept cannot be out of date, and a file
//! that is no longer asked for makes way.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Of what is kept when the limit is passed, one part in so many goes.
const GOES: usize = 4;

/// Things by their keys, which may cost so much to get as to be kept.
#[derive(Debug)]
pub(super) struct Kept<K, V> {
    /// Bytes that may be kept.
    limit: usize,
    things: Mutex<Things<K, V>>,
}

#[derive(Debug)]
struct Things<K, V> {
    by_key: HashMap<K, Thing<V>>,
    bytes: usize,
    /// Counts the times that something was asked for.
    asked: u64,
}

#[derive(Debug)]
struct Thing<V> {
    thing: V,
    bytes: usize,
    /// When it was asked for last.
    asked: u64,
}

impl<K: Clone + Eq + Hash + Ord, V: Clone> Kept<K, V> {
    /// Keeps so many bytes at most.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, things: Mutex::new(Things { by_key: HashMap::new(), bytes: 0, asked: 0 }) }
    }

    /// What is kept under the key.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        let mut things = self.lock();
        things.asked += 1;
        let asked = things.asked;
        let found = things.by_key.get_mut(key)?;
        found.asked = asked;
        Some(found.thing.clone())
    }

    /// Keeps what takes so many bytes. Of two that are put under one key the first stays.
    pub(super) fn put(&self, key: K, thing: V, bytes: usize) {
        let mut things = self.lock();
        let asked = things.asked;
        if things.by_key.contains_key(&key) {
            return;
        }
        things.by_key.insert(key, Thing { thing, bytes, asked });
        things.bytes += bytes;
        if things.bytes > self.limit {
            things.make_room(self.limit - self.limit / GOES);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Things<K, V>> {
        self.things.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl<K, V> Kept<K, V> {
    /// How many things there are, and their bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        let things = self.things.lock().unwrap();
        (things.by_key.len(), things.bytes)
    }
}

impl<K: Clone + Eq + Hash + Ord, V> Things<K, V> {
    /// Forgets things until no more than so many bytes are kept.
    fn make_room(&mut self, limit: usize) {
        let mut oldest_first: Vec<(u64, K)> =
            self.by_key.iter().map(|(key, thing)| (thing.asked, key.clone())).collect();
        oldest_first.sort_unstable();
        for (_, key) in oldest_first {
            if self.bytes <= limit {
                break;
            }
            self.bytes -= self.by_key.remove(&key).map_or(0, |thing| thing.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_last_stays_within_the_limit() {
        let kept: Kept<u32, u32> = Kept::new(100);
        kept.put(0, 0, 10);
        for number in 1..200 {
            kept.put(number, number * 2, 10);
            kept.put(number, 1, 1_000);
            assert_eq!((kept.get(&number), kept.get(&0)), (Some(number * 2), Some(0)));
            let (things, bytes) = kept.size();
            assert!(bytes <= 100 && bytes == things * 10, "{things} of {bytes} bytes");
        }
        assert_eq!((kept.get(&100), kept.get(&199)), (None, Some(398)));
        kept.put(1_000, 1, 1_000);
        assert_eq!(kept.size(), (0, 0), "what is larger than the limit is not kept");
    }
}

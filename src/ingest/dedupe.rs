//! Remembers what was received, so that what is sent again is not stored again: senders repeat what they got no answer to.
//!
//! A key is claimed before its rows are written, and is known once they are durable. Who claims a key that is being
//! written waits for the outcome: it is answered "received" when the rows are there, and stores them itself when the other
//! failed. So nothing is acknowledged by the mere intention of another request. After a restart the keys are read from the
//! store (`rebuild`).

mod generations;
mod rebuild;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::units::{SpanId, TraceId};

use super::Config;
use generations::{AsItIs, Generations};

pub(super) use rebuild::{recall, remember_recent};

/// 128 bits that stand for what was received. Nobody outside can know them: the hash has a secret of its own in each
/// process, so that no sender can make two keys of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u64; 2]);

/// What was received. A cheap clone.
#[derive(Clone)]
pub struct Dedupe(Arc<Shared>);

struct Shared {
    secrets: [RandomState; 2],
    clock: Clock,
    index: Mutex<Index>,
}

struct Index {
    stored: Generations,
    /// Keys that are being written, each with what tells when that is over.
    claimed: HashMap<Key, Arc<CancellationToken>, AsItIs>,
}

/// Keys that are one request's to store. Dropping it gives them up.
#[must_use]
pub struct Claim {
    dedupe: Dedupe,
    keys: Vec<Key>,
    /// For each key that was asked for, whether it is this claim's.
    new: Vec<bool>,
    over: Arc<CancellationToken>,
}

impl Dedupe {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(config: &Config, clock: Clock) -> Self {
        let stored = Generations::new(config.dedupe_window, config.dedupe_keys, clock.now());
        let index = Mutex::new(Index { stored, claimed: HashMap::default() });
        Self(Arc::new(Shared { secrets: [RandomState::new(), RandomState::new()], clock, index }))
    }

    /// The key of a span.
    #[must_use]
    pub fn span(&self, tenant: &str, trace_id: &TraceId, span_id: &SpanId) -> Key {
        self.key(("span", tenant, trace_id, span_id))
    }

    /// The key of an attempt.
    #[must_use]
    pub fn invocation(&self, source: &str, invocation_id: &str, attempt: u32) -> Key {
        self.key(("invocation", source, invocation_id, attempt))
    }

    /// The key of a record's or a request's `origin_id`; `source` and `tenant` are those of its rows.
    #[must_use]
    pub fn origin(&self, source: &str, tenant: &str, origin_id: &str) -> Key {
        self.key(("origin", source, tenant, origin_id))
    }

    fn key(&self, of: impl Hash) -> Key {
        Key([0, 1].map(|at: usize| self.0.secrets[at].hash_one(&of)))
    }

    /// Claims the keys that nobody has stored, each once. Waits while another claim holds any of them, and holds none
    /// meanwhile, so that claims cannot wait for each other.
    pub async fn claim(&self, keys: &[Key]) -> Claim {
        loop {
            match self.try_claim(keys) {
                Ok(claim) => return claim,
                Err(other) => other.cancelled().await,
            }
        }
    }

    /// A claim, or what tells when another claim of one of the keys is over.
    fn try_claim(&self, keys: &[Key]) -> Result<Claim, Arc<CancellationToken>> {
        let now = self.0.clock.now();
        let mut index = self.index();
        if let Some(other) = keys.iter().find_map(|key| index.claimed.get(key)) {
            return Err(Arc::clone(other));
        }
        index.stored.age(now);
        let over = Arc::new(CancellationToken::new());
        let mut new = Vec::with_capacity(keys.len());
        for key in keys {
            // The second time that a key is among these it is claimed already.
            let is_new = !index.stored.contains(*key) && index.claimed.insert(*key, Arc::clone(&over)).is_none();
            new.push(is_new);
        }
        let mine = keys.iter().zip(&new).filter(|(_, new)| **new).map(|(key, _)| *key).collect();
        Ok(Claim { dedupe: self.clone(), keys: mine, new, over })
    }

    /// Takes keys for stored that were stored before.
    fn remember(&self, keys: impl IntoIterator<Item = Key>) {
        let now = self.0.clock.now();
        let mut index = self.index();
        index.stored.age(now);
        keys.into_iter().for_each(|key| index.stored.insert(key));
    }

    /// Keys that are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index().stored.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.0.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// Whether the key at this place of those asked for is to be stored: not where it was stored before, nor the second time
    /// that it is among them.
    #[must_use]
    pub fn is_new(&self, at: usize) -> bool {
        self.new[at]
    }

    /// How many of the keys are not to be stored.
    #[must_use]
    pub fn duplicates(&self) -> usize {
        self.new.len() - self.keys.len()
    }

    /// Says that what was claimed is durable.
    pub fn stored(mut self) {
        let (keys, now) = (std::mem::take(&mut self.keys), self.dedupe.0.clock.now());
        let mut index = self.dedupe.index();
        index.stored.age(now);
        for key in keys {
            index.claimed.remove(&key);
            index.stored.insert(key);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut index = self.dedupe.index();
        self.keys.iter().for_each(|key| _ = index.claimed.remove(key));
        drop(index);
        self.over.cancel();
    }
}

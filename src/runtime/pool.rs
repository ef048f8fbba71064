//! Owns the environments that wait for a call. It starts none and runs none. Provisioned ones are used first; of the
//! others, the last one used is the first used again, so that those that are not needed grow old and expire.

mod shelf;
mod version;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Provisioned;
use super::environment::Environment;
use crate::clock::Clock;
use crate::model::FunctionVersion;

use shelf::{Shelf, Shelves};
pub(super) use version::{Place, Version};

/// Environments that are idle.
pub(super) struct Pool {
    clock: Clock,
    idle_timeout: Duration,
    most: usize,
    shelves: Mutex<Shelves>,
}

/// What a call takes.
pub(super) struct Taken {
    /// What the function's environments share.
    pub(super) version: Arc<Version>,
    /// One that waited; none: the call starts its own.
    pub(super) environment: Option<Environment>,
}

impl Pool {
    /// Keeps at most `most` environments, each at most `idle_timeout`; provisioned ones come on top, and stay.
    pub(super) fn new(clock: Clock, idle_timeout: Duration, most: u32) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Self { clock, idle_timeout, most, shelves: Mutex::default() }
    }

    /// What `function`'s environments share, and one that waits, if any: a provisioned one, else the one that was idle the
    /// shortest.
    pub(super) fn take(&self, function: &FunctionVersion) -> Taken {
        let now = self.clock.instant();
        let (mut stale, mut expired) = (Vec::new(), Vec::new());
        let mut shelves = self.lock();
        let shelf = shelves.shelf(function, now, &mut stale);
        let version = Arc::clone(&shelf.version);
        if let Some(environment) = shelf.provisioned.pop() {
            return Taken { version, environment: Some(environment) };
        }
        if shelf.idle.back().is_some_and(|idle| now.saturating_duration_since(idle.since) >= self.idle_timeout) {
            expired.extend(shelf.idle.drain(..));
        }
        let taken = shelf.idle.pop_back();
        for idle in expired.iter().chain(&taken) {
            shelves.by_age.remove(&idle.age);
        }
        if version.places().is_some() {
            match shelves.spillovers.get_mut(&function.spec.name) {
                Some(count) => *count += 1,
                None => _ = shelves.spillovers.insert(function.spec.name.clone(), 1),
            }
        }
        // Dropping an environment frees a guest's memory: not under the lock.
        drop(shelves);
        drop((stale, expired));
        Taken { version, environment: taken.map(|idle| idle.environment) }
    }

    /// Puts an environment back, or a provisioned one in; it is dropped when its version was retired meanwhile.
    pub(super) fn give_back(&self, version: &Arc<Version>, environment: Environment) {
        let since = self.clock.instant();
        let mut surplus = Vec::new();
        let mut shelves = self.lock();
        let unwanted = shelves.put(version, environment, since);
        while shelves.by_age.len() > self.most
            && let Some((_, oldest)) = shelves.by_age.pop_first()
        {
            surplus.extend(shelves.shelf_of(&oldest).and_then(|shelf| shelf.idle.pop_front()));
        }
        drop(shelves);
        drop((unwanted, surplus));
    }

    /// Calls run this version from now on: others' environments go, and this one has its provisioned ones. Returns the
    /// version where those are still to be started, which is so once.
    pub(super) fn activate(&self, function: &FunctionVersion) -> Option<Arc<Version>> {
        let now = self.clock.instant();
        let spec = &function.spec;
        let mut shelves = self.lock();
        let mut gone = shelves.take_off(&spec.name, Some(function.version));
        let mut to_fill = None;
        if spec.provisioned_concurrency > 0 && !spec.single_use {
            let version = Arc::clone(&shelves.shelf(function, now, &mut gone).version);
            to_fill = version.provision(spec.provisioned_concurrency).then_some(version);
        }
        drop(shelves);
        drop(gone);
        to_fill
    }

    /// The function is gone, and with it its idle environments; busy ones are dropped when given back.
    pub(super) fn remove(&self, function: &str) {
        let mut shelves = self.lock();
        let gone = shelves.take_off(function, None);
        shelves.spillovers.remove(function);
        drop(shelves);
        drop(gone);
    }

    /// Drops what has been idle for too long, and programs that no environment has used for as long.
    pub(super) fn reap(&self) {
        let now = self.clock.instant();
        let old = |since: Instant| now.saturating_duration_since(since) >= self.idle_timeout;
        let mut expired = Vec::new();
        let mut unused = Vec::new();
        let mut shelves = self.lock();
        let Shelves { functions, by_age, .. } = &mut *shelves;
        functions.retain(|_, versions| {
            for shelf in versions.values_mut() {
                while let Some(idle) = shelf.idle.pop_front_if(|idle| old(idle.since)) {
                    by_age.remove(&idle.age);
                    expired.push(idle);
                }
            }
            let done = |shelf: &Shelf| {
                old(shelf.used) && shelf.version.places().is_none() && Arc::strong_count(&shelf.version) == 1
            };
            unused.extend(versions.extract_if(.., |_, shelf| done(shelf)).map(|(_, shelf)| shelf));
            !versions.is_empty()
        });
        drop(shelves);
    }

    /// Drops every idle environment, and has no provisioned one started again.
    pub(super) fn clear(&self) {
        let gone = self.lock().clear();
        drop(gone);
    }

    /// Idle environments, but for provisioned ones.
    pub(super) fn idle(&self) -> usize {
        self.lock().by_age.len()
    }

    /// The functions that have provisioned environments, by name.
    pub(super) fn provisioned(&self) -> Vec<Provisioned> {
        let shelves = self.lock();
        let all =
            shelves.functions.iter().flat_map(|(name, versions)| versions.values().map(move |shelf| (name, shelf)));
        let mut found: Vec<Provisioned> = all.filter_map(|(name, shelf)| shelves.report(name, shelf)).collect();
        drop(shelves);
        found.sort_unstable_by(|a, b| a.function.cmp(&b.function));
        found
    }

    /// The same of one function.
    pub(super) fn provisioned_of(&self, function: &str) -> Option<Provisioned> {
        let shelves = self.lock();
        shelves.functions.get(function)?.values().find_map(|shelf| shelves.report(function, shelf))
    }

    /// Whether nothing at all is kept.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.lock().functions.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    fn report(&self, function: &str, shelf: &Shelf) -> Option<Provisioned> {
        let places = shelf.version.places()?;
        let ready = places.ready();
        Some(Provisioned {
            function: function.to_owned(),
            wanted: places.wanted,
            ready,
            in_use: ready.saturating_sub(u32::try_from(shelf.provisioned.len()).unwrap_or(u32::MAX)),
            spillovers: self.spillovers.get(function).copied().unwrap_or(0),
        })
    }
}

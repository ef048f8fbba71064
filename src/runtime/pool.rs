//! Owns the environments that wait for a call, and what the environments of one function version share. It starts none
//! and runs none. The last one used is the first used again, so that those that are not needed grow old and expire.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

use super::environment::Environment;
use super::program::Program;
use crate::clock::Clock;
use crate::model::FunctionVersion;
use crate::units::Timestamp;

/// Environments that are idle.
pub(super) struct Pool {
    clock: Clock,
    idle_timeout: Duration,
    most: usize,
    shelves: Mutex<Shelves>,
}

/// What the environments of one function version share: the loaded program, made by the first call.
pub(super) struct Version {
    function: String,
    number: u32,
    sha256: String,
    deployed_at: Timestamp,
    retired: AtomicBool,
    pub(super) program: OnceCell<Arc<Program>>,
}

#[derive(Default)]
struct Shelves {
    functions: HashMap<String, BTreeMap<u32, Shelf>>,
    /// Every idle environment by age, the oldest first.
    by_age: BTreeMap<u64, Arc<Version>>,
    next_age: u64,
}

struct Shelf {
    version: Arc<Version>,
    used: Instant,
    /// The oldest first.
    idle: VecDeque<Idle>,
}

struct Idle {
    environment: Environment,
    since: Instant,
    age: u64,
}

impl Pool {
    /// Keeps at most `most` environments, each at most `idle_timeout`.
    pub(super) fn new(clock: Clock, idle_timeout: Duration, most: u32) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Self { clock, idle_timeout, most, shelves: Mutex::default() }
    }

    /// What `function`'s environments share, and the one that was idle the shortest, if any.
    pub(super) fn take(&self, function: &FunctionVersion) -> (Arc<Version>, Option<Environment>) {
        let now = self.clock.instant();
        let mut expired = Vec::new();
        let mut shelves = self.lock();
        let shelf = shelves.shelf(function, now, &mut expired);
        let version = Arc::clone(&shelf.version);
        if shelf.idle.back().is_some_and(|idle| now.saturating_duration_since(idle.since) >= self.idle_timeout) {
            expired.extend(shelf.idle.drain(..));
        }
        let taken = shelf.idle.pop_back();
        for idle in expired.iter().chain(&taken) {
            shelves.by_age.remove(&idle.age);
        }
        // Dropping an environment frees a guest's memory: not under the lock.
        drop(shelves);
        drop(expired);
        (version, taken.map(|idle| idle.environment))
    }

    /// Puts an environment back; it is dropped when its version was retired meanwhile.
    pub(super) fn give_back(&self, version: &Arc<Version>, environment: Environment) {
        let since = self.clock.instant();
        let mut surplus = Vec::new();
        let mut shelves = self.lock();
        let age = shelves.next_age;
        match shelves.shelf_of(version).filter(|shelf| Arc::ptr_eq(&shelf.version, version)) {
            Some(shelf) if !version.retired.load(Ordering::SeqCst) => {
                shelf.used = since;
                shelf.idle.push_back(Idle { environment, since, age });
                shelves.next_age += 1;
                shelves.by_age.insert(age, Arc::clone(version));
            }
            _ => {
                drop(shelves);
                drop(environment);
                return;
            }
        }
        while shelves.by_age.len() > self.most
            && let Some((_, oldest)) = shelves.by_age.pop_first()
        {
            surplus.extend(shelves.shelf_of(&oldest).and_then(|shelf| shelf.idle.pop_front()));
        }
        drop(shelves);
    }

    /// Drops the idle environments of versions of `function` other than `keep`; busy ones are dropped when given back.
    pub(super) fn retire(&self, function: &str, keep: Option<u32>) {
        let mut retired = Vec::new();
        let mut shelves = self.lock();
        if let Some(mut versions) = shelves.functions.remove(function) {
            retired.extend(versions.extract_if(.., |number, _| Some(*number) != keep).map(|(_, shelf)| shelf));
            if !versions.is_empty() {
                shelves.functions.insert(function.to_owned(), versions);
            }
        }
        for shelf in &retired {
            shelf.version.retired.store(true, Ordering::SeqCst);
            for idle in &shelf.idle {
                shelves.by_age.remove(&idle.age);
            }
        }
        drop(shelves);
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
            let done = |shelf: &Shelf| old(shelf.used) && Arc::strong_count(&shelf.version) == 1;
            unused.extend(versions.extract_if(.., |_, shelf| done(shelf)).map(|(_, shelf)| shelf));
            !versions.is_empty()
        });
        drop(shelves);
    }

    /// Drops every idle environment.
    pub(super) fn clear(&self) {
        let shelves = std::mem::take(&mut *self.lock());
        drop(shelves);
    }

    /// Idle environments.
    pub(super) fn idle(&self) -> usize {
        self.lock().by_age.len()
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
    /// The shelf of a version, made where it is missing. A function that was removed and deployed anew counts its
    /// versions from 1 again: what is left of the old one goes to `stale`.
    fn shelf(&mut self, function: &FunctionVersion, now: Instant, stale: &mut Vec<Idle>) -> &mut Shelf {
        if !self.functions.contains_key(&function.spec.name) {
            self.functions.insert(function.spec.name.clone(), BTreeMap::new());
        }
        let versions = self.functions.get_mut(&function.spec.name).expect("it was inserted where it was missing");
        let shelf = versions.entry(function.version).or_insert_with(|| Shelf::new(function, now));
        if !shelf.version.is(function) {
            shelf.version.retired.store(true, Ordering::SeqCst);
            stale.extend(std::mem::replace(shelf, Shelf::new(function, now)).idle);
        }
        shelf.used = now;
        shelf
    }

    fn shelf_of(&mut self, version: &Version) -> Option<&mut Shelf> {
        self.functions.get_mut(&version.function)?.get_mut(&version.number)
    }
}

impl Shelf {
    fn new(function: &FunctionVersion, used: Instant) -> Self {
        let version = Version {
            function: function.spec.name.clone(),
            number: function.version,
            sha256: function.sha256.clone(),
            deployed_at: function.deployed_at,
            retired: AtomicBool::new(false),
            program: OnceCell::new(),
        };
        Self { version: Arc::new(version), used, idle: VecDeque::new() }
    }
}

impl Version {
    fn is(&self, function: &FunctionVersion) -> bool {
        self.sha256 == function.sha256 && self.deployed_at == function.deployed_at
    }
}

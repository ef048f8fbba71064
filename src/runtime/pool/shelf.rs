//! Owns the order in which environments wait: by function, by version, by age. It takes no lock and drops nothing that is
//! large: what is to go is handed to the caller.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::version::Version;
use crate::model::FunctionVersion;
use crate::runtime::environment::Environment;

/// Every environment that waits.
#[derive(Default)]
pub(super) struct Shelves {
    pub(super) functions: HashMap<String, BTreeMap<u32, Shelf>>,
    /// Every idle environment by age, the oldest first. Provisioned ones have none: they do not expire.
    pub(super) by_age: BTreeMap<u64, Arc<Version>>,
    /// Calls that found no provisioned environment free, by function, all its versions together.
    pub(super) spillovers: HashMap<String, u64>,
    next_age: u64,
}

/// The environments of one version.
pub(super) struct Shelf {
    pub(super) version: Arc<Version>,
    pub(super) used: Instant,
    /// Those started for a call, the oldest first.
    pub(super) idle: VecDeque<Idle>,
    /// Those started ahead of calls.
    pub(super) provisioned: Vec<Environment>,
}

/// An environment that was started for a call and waits for the next.
pub(super) struct Idle {
    pub(super) environment: Environment,
    pub(super) since: Instant,
    pub(super) age: u64,
}

impl Shelves {
    /// The shelf of a version, made where it is missing. A function that was removed and deployed anew counts its
    /// versions from 1 again: what is left of the old one goes to `stale`.
    pub(super) fn shelf(&mut self, function: &FunctionVersion, now: Instant, stale: &mut Vec<Shelf>) -> &mut Shelf {
        let Self { functions, by_age, .. } = self;
        if !functions.contains_key(&function.spec.name) {
            functions.insert(function.spec.name.clone(), BTreeMap::new());
        }
        let versions = functions.get_mut(&function.spec.name).expect("it was inserted where it was missing");
        let shelf = versions.entry(function.version).or_insert_with(|| Shelf::new(function, now));
        if !shelf.version.is(function) {
            let old = std::mem::replace(shelf, Shelf::new(function, now));
            old.retire(by_age);
            stale.push(old);
        }
        shelf.used = now;
        shelf
    }

    pub(super) fn shelf_of(&mut self, version: &Version) -> Option<&mut Shelf> {
        self.functions.get_mut(&version.function)?.get_mut(&version.number)
    }

    /// Puts an environment back; it comes back where its version is not kept any more.
    pub(super) fn put(
        &mut self,
        version: &Arc<Version>,
        environment: Environment,
        since: Instant,
    ) -> Option<Environment> {
        let age = self.next_age;
        let Some(shelf) = self.shelf_of(version).filter(|shelf| Arc::ptr_eq(&shelf.version, version)) else {
            return Some(environment);
        };
        if version.is_retired() {
            return Some(environment);
        }
        shelf.used = since;
        if environment.is_provisioned() {
            shelf.provisioned.push(environment);
        } else {
            shelf.idle.push_back(Idle { environment, since, age });
            self.next_age += 1;
            self.by_age.insert(age, Arc::clone(version));
        }
        None
    }

    /// Takes the versions of `function` other than `keep` off.
    pub(super) fn take_off(&mut self, function: &str, keep: Option<u32>) -> Vec<Shelf> {
        let Self { functions, by_age, .. } = self;
        let Some(versions) = functions.get_mut(function) else { return Vec::new() };
        let gone: Vec<Shelf> =
            versions.extract_if(.., |number, _| Some(*number) != keep).map(|(_, shelf)| shelf).collect();
        if versions.is_empty() {
            functions.remove(function);
        }
        gone.iter().for_each(|shelf| shelf.retire(by_age));
        gone
    }

    /// Takes everything off.
    pub(super) fn clear(&mut self) -> Vec<Shelf> {
        let Self { functions, by_age, .. } = self;
        let gone: Vec<Shelf> = functions.drain().flat_map(|(_, versions)| versions.into_values()).collect();
        gone.iter().for_each(|shelf| shelf.retire(by_age));
        gone
    }
}

impl Shelf {
    fn new(function: &FunctionVersion, used: Instant) -> Self {
        let version = Arc::new(Version::new(function));
        Self { version, used, idle: VecDeque::new(), provisioned: Vec::new() }
    }

    fn retire(&self, by_age: &mut BTreeMap<u64, Arc<Version>>) {
        self.version.retire();
        for idle in &self.idle {
            by_age.remove(&idle.age);
        }
    }
}

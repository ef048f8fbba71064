//! Keeps versions in memory that are called though they are neither the newest nor the active one. It reads none.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::model::FunctionVersion;

/// Versions kept, of all functions together.
const MOST: usize = 1_024;

/// Versions that were called by their number lately. Only such as have compiled, since their state does not change.
#[derive(Default)]
pub(super) struct Recent {
    functions: HashMap<String, HashMap<u32, Arc<FunctionVersion>>>,
    /// In the order that they came; the first goes first.
    order: VecDeque<Arc<FunctionVersion>>,
}

impl Recent {
    pub(super) fn get(&self, name: &str, version: u32) -> Option<Arc<FunctionVersion>> {
        self.functions.get(name)?.get(&version).map(Arc::clone)
    }

    pub(super) fn keep(&mut self, version: &Arc<FunctionVersion>) {
        let versions = self.functions.entry(version.spec.name.clone()).or_default();
        if versions.insert(version.version, Arc::clone(version)).is_none() {
            self.order.push_back(Arc::clone(version));
        }
        while self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.forget_one(&oldest);
        }
    }

    /// Forgets all versions of a function.
    pub(super) fn forget(&mut self, name: &str) {
        if self.functions.remove(name).is_some() {
            self.order.retain(|version| version.spec.name != name);
        }
    }

    fn forget_one(&mut self, version: &FunctionVersion) {
        if let Some(versions) = self.functions.get_mut(&version.spec.name) {
            versions.remove(&version.version);
            if versions.is_empty() {
                self.functions.remove(&version.spec.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FunctionSpec, VersionState};
    use crate::units::Timestamp;

    fn version(name: &str, version: u32) -> Arc<FunctionVersion> {
        let (spec, deployed_at) = (FunctionSpec::new(name), Timestamp::from_micros(1));
        Arc::new(FunctionVersion { spec, version, sha256: String::new(), state: VersionState::Active, deployed_at })
    }

    #[test]
    fn what_came_first_goes_first_and_a_function_goes_whole() {
        let mut recent = Recent::default();
        let most = u32::try_from(MOST).expect("it is small");
        for number in 1..=most + 2 {
            recent.keep(&version("a", number));
            recent.keep(&version("a", number));
        }
        recent.keep(&version("b", 1));
        assert_eq!(recent.order.len(), MOST);
        let has = |recent: &Recent, name, number| recent.get(name, number).is_some();
        assert!(!has(&recent, "a", 3) && has(&recent, "a", 4) && has(&recent, "a", most + 2) && has(&recent, "b", 1));
        recent.forget("a");
        assert!(!has(&recent, "a", 4) && has(&recent, "b", 1));
        assert_eq!((recent.order.len(), recent.functions.len()), (1, 1));
    }
}

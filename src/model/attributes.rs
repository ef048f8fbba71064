//! Attributes of spans, logs and metrics. Values are text: a value that is not a string is held as its JSON.

use std::fmt;
use std::ops::Index;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

/// Attribute names and their values, sorted by name, each name once. They do not change, and a clone is cheap: all spans and log
/// records of a resource share its attributes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Attributes(Arc<[(String, String)]>);

impl Attributes {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&String> {
        let at = self.0.binary_search_by(|(key, _)| key.as_str().cmp(name)).ok()?;
        Some(&self.0[at].1)
    }

    /// Whether there is an attribute of this name.
    #[must_use]
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether there is an attribute whose name begins so.
    #[must_use]
    pub fn has_prefix(&self, prefix: &str) -> bool {
        let at = self.0.partition_point(|(key, _)| key.as_str() < prefix);
        self.0.get(at).is_some_and(|(key, _)| key.starts_with(prefix))
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&String, &String)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Of a name that is there twice the last value is kept.
impl FromIterator<(String, String)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let mut pairs: Vec<(String, String)> = pairs.into_iter().collect();
        if pairs.is_empty() {
            return Self::default();
        }
        if !pairs.is_sorted_by(|(one, _), (next, _)| one < next) {
            pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
            // The first of equal names is what `dedup_by` keeps.
            pairs.dedup_by(|later, first| {
                let same = later.0 == first.0;
                if same {
                    std::mem::swap(later, first);
                }
                same
            });
        }
        Self(pairs.into())
    }
}

impl<const N: usize> From<[(String, String); N]> for Attributes {
    fn from(pairs: [(String, String); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl Index<&str> for Attributes {
    type Output = String;

    fn index(&self, name: &str) -> &String {
        self.get(name).unwrap_or_else(|| panic!("there is no attribute '{name}'"))
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(std::collections::BTreeMap::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_what_a_map_is(pairs in proptest::collection::vec(("[a-d.]{0,2}", "[x-z]"), 0..12), asked in "[a-d.]{0,2}") {
            let map: BTreeMap<String, String> = pairs.iter().cloned().collect();
            let attributes: Attributes = pairs.into_iter().collect();
            prop_assert!(attributes.iter().eq(map.iter()));
            prop_assert_eq!((attributes.len(), attributes.is_empty()), (map.len(), map.is_empty()));
            prop_assert_eq!(attributes.get(&asked), map.get(&asked));
            prop_assert_eq!(attributes.contains_key(&asked), map.contains_key(&asked));
            prop_assert_eq!(attributes.has_prefix(&asked), map.keys().any(|key| key.starts_with(&asked)));
        }
    }
}

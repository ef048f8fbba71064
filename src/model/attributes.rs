//! Attributes of spans, logs and metrics. Values are text: a value that is not a string is held as its JSON.

use std::collections::BTreeMap;

/// Attribute names and their values, sorted by name.
pub type Attributes = BTreeMap<String, String>;

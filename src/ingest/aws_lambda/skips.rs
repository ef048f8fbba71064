//! Owns the count of what is not understood, by reason.

use std::collections::BTreeMap;

use crate::ingest::Skipped;

use super::event::Broken;

/// What is being skipped. There are as many reasons as the program knows, so it stays small.
#[derive(Debug, Default)]
pub(super) struct Skips(BTreeMap<&'static str, (u64, u64, String)>);

impl Skips {
    pub(super) fn add(&mut self, why: Broken, line: u64, text: impl FnOnce() -> String) {
        self.0.entry(why.0).or_insert_with(|| (0, line, text())).0 += 1;
    }

    /// The most frequent first.
    pub(super) fn into_list(self) -> Vec<Skipped> {
        let skipped =
            |(reason, (count, line, text)): (&str, _)| Skipped { reason: reason.to_owned(), count, line, text };
        let mut all: Vec<Skipped> = self.0.into_iter().map(skipped).collect();
        all.sort_by_key(|skipped| std::cmp::Reverse(skipped.count));
        all
    }
}

//! Counts the items of a request that were not taken, and says why the first was not: what OTLP calls partial success.

/// Characters of a message, at most: what it shows of an item may be long.
const MESSAGE_CHARS: usize = 500;

/// What was not taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::ingest) struct Rejected {
    pub(in crate::ingest) count: u64,
    first: Option<String>,
}

impl Rejected {
    /// Counts one item.
    pub(super) fn add(&mut self, why: impl Into<String>) {
        self.add_all(1, why);
    }

    /// Counts items that share a reason. None of them may still be worth saying something.
    pub(super) fn add_all(&mut self, items: usize, why: impl Into<String>) {
        self.count += items as u64;
        self.first.get_or_insert_with(|| why.into());
    }

    /// One sentence for the sender; none where all was taken. `item` is what an item is called.
    pub(in crate::ingest) fn message(&self, item: &str) -> Option<String> {
        let first: String = self.first.as_deref()?.chars().take(MESSAGE_CHARS).collect();
        Some(match self.count {
            0 => first,
            1 => format!("1 {item} was not taken: {first}"),
            count => format!("{count} {item}s were not taken; the first: {first}"),
        })
    }
}

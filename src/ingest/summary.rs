//! Owns what is told of an import: what was read, stored, skipped and why.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What came of an import. It adds up: of what was read, some was stored, some was there already, some was skipped, and the
/// platform's own lines became part of invocations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportSummary)]
pub struct Summary {
    /// Events, lines or requests that were read.
    pub read: u64,
    /// Rows that were stored.
    pub stored: Counts,
    /// Rows that were there already.
    pub duplicates: Counts,
    /// Invocations that began and whose end was not in the input: no row is made of them.
    pub unfinished: u64,
    /// Rows stored whose day is past what is kept: they go soon, unless more days are kept.
    pub past_retention: u64,
    /// What was not understood, by reason.
    pub skipped: Vec<Skipped>,
}

/// Rows of each table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportCounts)]
pub struct Counts {
    /// Of `invocations`.
    pub invocations: u64,
    /// Of `logs`.
    pub logs: u64,
    /// Of `spans`.
    pub spans: u64,
    /// Of `metrics`.
    #[serde(default)]
    pub metrics: u64,
}

/// What was skipped for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportSkipped)]
pub struct Skipped {
    /// Why.
    pub reason: String,
    /// How often.
    pub count: u64,
    /// The line of the input where the first one is, or the number of its request.
    pub line: u64,
    /// How that one begins.
    pub text: String,
}

impl Counts {
    /// Rows of all tables.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.invocations + self.logs + self.spans + self.metrics
    }

    /// Adds rows.
    pub fn add(&mut self, other: Self) {
        self.invocations += other.invocations;
        self.logs += other.logs;
        self.spans += other.spans;
        self.metrics += other.metrics;
    }
}

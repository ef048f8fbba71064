//! Owns the quantities that the whole program shares, and every conversion between their units:
//! time stamps, byte counts, memory sizes, money and ids. It does not know what they are used for.

mod ids;
mod money;
mod time;

pub use ids::{EnvironmentId, IdSource, InvocationId, ParseIdError, SpanId, TraceId};
pub use money::{Currency, MONEY_PRECISION, MONEY_SCALE, Money, MoneyError};
pub use time::{ParseDurationError, Timestamp, nanos, parse_duration};

use serde::{Deserialize, Serialize};

/// A count of bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ByteCount(pub u64);

impl ByteCount {
    /// The count as a column holds it; a count beyond 2^63 is held at the column's largest value.
    #[must_use]
    pub fn to_i64(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    /// Adds without wrapping round.
    #[must_use]
    pub fn saturating_add(self, other: u64) -> Self {
        Self(self.0.saturating_add(other))
    }
}

/// A size in megabytes as functions are configured in: 1 MB is 2^20 bytes, as in AWS Lambda.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Megabytes(pub u32);

impl Megabytes {
    /// The same size in bytes.
    #[must_use]
    pub fn bytes(self) -> ByteCount {
        ByteCount(u64::from(self.0) << 20)
    }
}

impl std::fmt::Display for Megabytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} MB", self.0)
    }
}

//! Ids and where new ones come from. Chance comes in through `IdSource`, so that a test can fix it.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use rand::{RngCore, SeedableRng, rngs::StdRng};
use uuid::{Builder, Uuid};

use super::Timestamp;

/// Why an id could not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{value}' is not {what}")]
pub struct ParseIdError {
    value: String,
    what: &'static str,
}

/// A W3C trace id: 16 bytes, not all zero, written as 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId([u8; 16]);

/// A W3C span id: 8 bytes, not all zero, written as 16 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId([u8; 8]);

macro_rules! hex_id {
    ($name:ident, $bytes:literal, $what:literal) => {
        impl $name {
            /// From raw bytes; none when they are all zero, which the W3C calls invalid.
            #[must_use]
            pub fn from_bytes(bytes: [u8; $bytes]) -> Option<Self> {
                (bytes != [0; $bytes]).then_some(Self(bytes))
            }

            /// The raw bytes.
            #[must_use]
            pub fn bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        /// Reads lower-case or upper-case hex digits.
        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let fail = || ParseIdError { value: text.to_owned(), what: $what };
                if text.len() != $bytes * 2 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err(fail());
                }
                let mut bytes = [0; $bytes];
                for (index, byte) in bytes.iter_mut().enumerate() {
                    *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).map_err(|_| fail())?;
                }
                Self::from_bytes(bytes).ok_or_else(fail)
            }
        }
    };
}

hex_id!(TraceId, 16, "a trace id: 32 hex digits, not all zero");
hex_id!(SpanId, 8, "a span id: 16 hex digits, not all zero");

/// Names one invocation; new ones are UUIDs of version 7, so that they sort by time. Imported ones keep their source's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InvocationId(pub String);

impl fmt::Display for InvocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one execution environment: what is started cold, reused warm and expires idle.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EnvironmentId(pub String);

impl fmt::Display for EnvironmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hands out new ids. A cheap clone; clones share one generator.
#[derive(Clone)]
pub struct IdSource(Arc<Mutex<StdRng>>);

impl IdSource {
    /// Ids from the operating system's entropy.
    #[must_use]
    pub fn random() -> Self {
        Self(Arc::new(Mutex::new(StdRng::from_os_rng())))
    }

    /// The same ids for the same seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// A new invocation's id, as of `at`.
    #[must_use]
    pub fn invocation(&self, at: Timestamp) -> InvocationId {
        InvocationId(self.uuid(at).to_string())
    }

    /// A new environment's id, as of `at`.
    #[must_use]
    pub fn environment(&self, at: Timestamp) -> EnvironmentId {
        EnvironmentId(self.uuid(at).to_string())
    }

    /// A new trace's id.
    #[must_use]
    pub fn trace(&self) -> TraceId {
        loop {
            if let Some(id) = TraceId::from_bytes(self.bytes()) {
                return id;
            }
        }
    }

    /// A new span's id.
    #[must_use]
    pub fn span(&self) -> SpanId {
        loop {
            if let Some(id) = SpanId::from_bytes(self.bytes()) {
                return id;
            }
        }
    }

    fn uuid(&self, at: Timestamp) -> Uuid {
        let millis = u64::try_from(at.nanos() / 1_000_000).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }

    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_ids_print_as_they_are_read() {
        let text = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(text.parse::<TraceId>().map(|id| id.to_string()), Ok(text.to_owned()));
        for wrong in ["", "0af7", "00000000000000000000000000000000", "0af7651916cd43dd8448eb211c80319g"] {
            assert!(wrong.parse::<TraceId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn invocation_ids_sort_by_time() {
        let ids = IdSource::seeded(1);
        let (early, late) = (Timestamp::from_micros(1_000_000), Timestamp::from_micros(2_000_000));
        assert!(ids.invocation(early).0 < ids.invocation(late).0);
    }
}

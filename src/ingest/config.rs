//! The limits of receiving. What each protects is said at its field.

use std::time::Duration;

/// Limits of what is received, and of what is remembered of it. Defaults in brackets.
#[derive(Debug, Clone)]
pub struct Config {
    /// Bytes of a request's body, both as it arrives and after decompression (64 MiB).
    pub max_body_bytes: u64,
    /// Bytes that one request may take in memory once it is decoded, and again its rows once they are made (384 MiB).
    pub max_decoded_bytes: u64,
    /// Bytes that all requests together may hold, as they arrive, decompressed, decoded and as rows (1 GiB). Beyond that they are
    /// refused for the moment.
    pub max_held_bytes: u64,
    /// How long what was received is remembered at least, so that what is sent again is not stored again (15 min).
    pub dedupe_window: Duration,
    /// Spans, invocations and requests that are remembered, at most (4,000,000, about 140 MB): with more, the oldest are
    /// forgotten before the window is over.
    pub dedupe_keys: usize,
    /// When to come again after a refusal for lack of room (1 s).
    pub retry_after: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_body_bytes: 64 << 20,
            max_decoded_bytes: 384 << 20,
            max_held_bytes: 1 << 30,
            dedupe_window: Duration::from_secs(900),
            dedupe_keys: 4_000_000,
            retry_after: Duration::from_secs(1),
        }
    }
}

//! What the Rust sample functions share: the log, the wait that a caller asks for, JSON, and with feature `http` the
//! way in and out of a component.

#[cfg(feature = "http")]
pub mod http;
pub mod json;

use std::io::Write;
use std::time::Duration;

const MAX_WAIT_MS: u64 = 60_000;

/// Waits as long as `wait_ms` in the query says, as if for a database: without using the CPU.
pub fn wait_as_asked(query: &str) {
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("wait_ms="));
    let wait_ms = asked.and_then(|value| value.parse().ok()).unwrap_or(0).min(MAX_WAIT_MS);
    if wait_ms > 0 {
        std::thread::sleep(Duration::from_millis(wait_ms));
    }
}

/// One JSON log line, written at once so that it arrives whole. `fields` hold JSON values.
pub fn log(level: &str, message: &str, fields: &[(&str, String)]) {
    let mut all = vec![("level", json::quoted(level)), ("msg", json::quoted(message))];
    all.extend_from_slice(fields);
    // A log that cannot be written is no reason to fail the call.
    let _ = std::io::stderr().write_all((json::object(&all) + "\n").as_bytes());
}

//! What an answer's headers say of its invocation: who it was, how long its phases took, what it used and cost.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::model::{Invocation, Outcome, Phases};
use crate::units::InvocationId;

pub(super) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const INVOCATION_ID: HeaderName = HeaderName::from_static("x-faremeter-invocation-id");
const OUTCOME: HeaderName = HeaderName::from_static("x-faremeter-outcome");
const VERSION: HeaderName = HeaderName::from_static("x-faremeter-version");
const COLD: HeaderName = HeaderName::from_static("x-faremeter-cold");
const BILLED_MS: HeaderName = HeaderName::from_static("x-faremeter-billed-ms");
const MEMORY_MB: HeaderName = HeaderName::from_static("x-faremeter-memory-mb");
const PEAK_MEMORY: HeaderName = HeaderName::from_static("x-faremeter-peak-memory-bytes");
const LIST_COST: HeaderName = HeaderName::from_static("x-faremeter-list-cost");
const CURRENCY: HeaderName = HeaderName::from_static("x-faremeter-currency");

/// What a streaming answer's `trailer` header announces: everything that `of` may say.
pub(super) const TRAILERS: &str = "server-timing, x-faremeter-outcome, x-faremeter-version, x-faremeter-cold, \
     x-faremeter-billed-ms, x-faremeter-memory-mb, x-faremeter-peak-memory-bytes, x-faremeter-list-cost, x-faremeter-currency";

/// The headers that name an invocation.
pub(super) fn name(headers: &mut HeaderMap, id: &InvocationId, traceparent: &str) {
    set(headers, INVOCATION_ID, &id.0);
    set(headers, TRACEPARENT, traceparent);
}

/// The header of a call that a limit turned away.
pub(super) fn throttled(headers: &mut HeaderMap) {
    set(headers, OUTCOME, Outcome::Throttled.as_str());
}

/// What an invocation did, used and cost.
pub(super) fn of(invocation: &Invocation) -> HeaderMap {
    let mut headers = HeaderMap::new();
    set(&mut headers, SERVER_TIMING, &timing(&invocation.phases.or_zero()));
    set(&mut headers, OUTCOME, invocation.outcome.as_str());
    for (name, value) in [
        (VERSION, invocation.version.clone()),
        (COLD, invocation.cold.map(|cold| cold.to_string())),
        (BILLED_MS, invocation.billed_ms.map(|billed| billed.to_string())),
        (MEMORY_MB, invocation.memory.map(|memory| memory.0.to_string())),
        (PEAK_MEMORY, invocation.peak_memory.map(|peak| peak.0.to_string())),
        (LIST_COST, invocation.list_cost.map(|cost| cost.to_string())),
        (CURRENCY, invocation.currency.as_ref().map(|currency| currency.code().to_owned())),
    ] {
        if let Some(value) = value {
            set(&mut headers, name, &value);
        }
    }
    headers
}

/// What is known when a streamed answer begins: the phases before the handler. Its trailers say all of them.
pub(super) fn begun(headers: &mut HeaderMap, phases: &Phases) {
    set(headers, SERVER_TIMING, &timing(phases));
}

/// The phases that took time, in milliseconds: `queue;dur=0.012, handler;dur=1.500`.
fn timing(phases: &Phases) -> String {
    let entries: Vec<String> = phases
        .took_time()
        .map(|(name, length)| format!("{name};dur={}.{:03}", length.as_millis(), length.as_micros() % 1_000))
        .collect();
    entries.join(", ")
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn phases_that_took_time_are_shown_in_milliseconds() {
        let phases = Phases {
            queue: Duration::from_nanos(12_345),
            init: Duration::from_millis(1_234),
            handler: Duration::from_micros(5),
            ..Phases::default()
        };
        assert_eq!(timing(&phases), "queue;dur=0.012, init;dur=1234.000, handler;dur=0.005");
        assert_eq!(timing(&Phases::default()), "");
    }
}

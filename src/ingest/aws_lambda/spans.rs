//! Owns the spans of invocations that X-Ray traced and sampled: the function's segment, and its phases below it. The ids of
//! the phases are worked out from the invocation, so that they are the same whenever it is imported.

use crate::model::{Span, SpanTree};
use crate::units::SpanId;

use super::join::Finished;
use super::pipeline::digest;

/// The span tree of an invocation; empty where it was not sampled or its segment is not known.
pub(super) fn of(finished: &Finished) -> Vec<Span> {
    let row = &finished.invocation;
    let Some(trace) = finished.trace.filter(|trace| trace.sampled) else { return Vec::new() };
    let resource = row.resource();
    let tree = SpanTree { parent: trace.parent, flags: 1, method: "", path: "", resource: &resource };
    let mut number: u32 = 0;
    let mut spans = row.spans(tree, || {
        number += 1;
        phase_id(&row.invocation_id.0, row.attempt, number)
    });
    // Lambda does not say that a request over HTTP was behind it.
    let unknown = ["http.request.method", "url.path"];
    for span in &mut spans {
        let known = |(name, value): &(&String, &String)| !unknown.contains(&name.as_str()) || !value.is_empty();
        let known = span.attributes.iter().filter(known).map(|(name, value)| (name.clone(), value.clone()));
        span.attributes = known.collect();
    }
    spans
}

fn phase_id(request_id: &str, attempt: u32, number: u32) -> SpanId {
    let digest = digest([request_id.as_bytes(), &attempt.to_be_bytes(), &number.to_be_bytes()]);
    let mut bytes = [1; 8];
    bytes[..7].copy_from_slice(&digest[..7]);
    SpanId::from_bytes(bytes).expect("its last byte is 1")
}

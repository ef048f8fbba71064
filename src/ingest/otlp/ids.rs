//! Ids as OTLP carries them: bytes of a fixed length, or none; all zero is none too.

use crate::units::{SpanId, TraceId};

/// A trace's id; a reason where it has another length.
pub(super) fn trace(bytes: &[u8]) -> Result<Option<TraceId>, String> {
    Ok(sized(bytes, "trace id")?.and_then(TraceId::from_bytes))
}

/// A span's id; `what` it is called.
pub(super) fn span(bytes: &[u8], what: &str) -> Result<Option<SpanId>, String> {
    Ok(sized(bytes, what)?.and_then(SpanId::from_bytes))
}

fn sized<const N: usize>(bytes: &[u8], what: &str) -> Result<Option<[u8; N]>, String> {
    if bytes.is_empty() {
        return Ok(None);
    }
    bytes.try_into().map(Some).map_err(|_| format!("its {what} has {} bytes: it must have {N}", bytes.len()))
}

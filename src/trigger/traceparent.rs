//! The W3C `traceparent` header: read it, write it. Which spans there are is `record`'s.

use crate::units::{IdSource, SpanId, TraceId};

/// Where a call stands in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// The caller's trace, or a new one.
    pub trace_id: TraceId,
    /// The caller's span; none when the trace begins here.
    pub parent: Option<SpanId>,
    /// The invocation's own root span.
    pub span_id: SpanId,
    /// W3C trace flags; bit 0 is "sampled".
    pub flags: u8,
}

impl TraceContext {
    /// Continues the caller's trace, or begins a new one when the header is absent or not as the W3C has it.
    #[must_use]
    pub fn continue_from(traceparent: Option<&str>, ids: &IdSource) -> Self {
        let span_id = ids.span();
        match traceparent.and_then(parse) {
            Some((trace_id, parent, flags)) => Self { trace_id, parent: Some(parent), span_id, flags },
            None => Self { trace_id: ids.trace(), parent: None, span_id, flags: 1 },
        }
    }

    /// The header that names this invocation's span as the parent.
    #[must_use]
    pub fn header(&self) -> String {
        format!("00-{}-{}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

fn parse(header: &str) -> Option<(TraceId, SpanId, u8)> {
    let lower = |part: &str| !part.bytes().any(|b| b.is_ascii_uppercase());
    let mut parts = header.trim().split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let known_shape = version != "00" || parts.next().is_none();
    let version_is_hex = version.len() == 2 && version != "ff" && u8::from_str_radix(version, 16).is_ok();
    if !known_shape || !version_is_hex || flags.len() != 2 || !lower(header) {
        return None;
    }
    Some((trace.parse().ok()?, parent.parse().ok()?, u8::from_str_radix(flags, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn an_incoming_trace_is_continued() {
        let context = TraceContext::continue_from(Some(PARENT), &IdSource::seeded(1));
        assert_eq!(context.trace_id.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.parent.map(|id| id.to_string()).as_deref(), Some("b7ad6b7169203331"));
        assert_eq!(context.header(), format!("00-0af7651916cd43dd8448eb211c80319c-{}-01", context.span_id));
    }

    #[test]
    fn a_later_version_with_more_fields_is_continued() {
        let later = PARENT.replacen("00", "cc", 1) + "-more";
        assert!(TraceContext::continue_from(Some(&later), &IdSource::seeded(1)).parent.is_some());
    }

    #[test]
    fn a_broken_header_begins_a_new_trace() {
        let upper = PARENT.to_uppercase();
        let zero = PARENT.replace("b7ad6b7169203331", "0000000000000000");
        let longer = format!("{PARENT}-x");
        for broken in ["", "00", "zz-1-2-3", &upper, &zero, &longer, &PARENT.replacen("00", "ff", 1)] {
            let context = TraceContext::continue_from(Some(broken), &IdSource::seeded(1));
            assert_eq!((context.parent, context.flags), (None, 1), "{broken}");
        }
    }
}

//! Invocations as spans with `faas.*` attributes tell of them. What a span does not say stays unknown; nothing is guessed.

use crate::cost::PriceBooks;
use crate::model::{Architecture, Invocation, Outcome, PhaseLengths, Span, SpanKind, StatusCode, Trigger};
use crate::units::{ByteCount, EnvironmentId, InvocationId, Megabytes};

use super::traces::SOURCE;

/// The scope of our own executor's spans: its invocations are recorded already.
const OWN_SCOPE: &str = "faremeter";
/// The price book of a function of which no other provider is said.
const DEFAULT_BOOK: &str = "aws-lambda";

/// OTLP's span flags: whether the parent is known to be remote, and whether it is.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// An invocation that a span tells of.
pub(super) struct Told {
    pub(super) invocation: Invocation,
    /// Whether it is the span that the invocation began with.
    pub(super) is_entry: bool,
}

/// The invocation that a span tells of, priced where memory, duration and architecture are known; none where it is not the
/// span of an invocation.
pub(super) fn invocation(span: &Span, books: &PriceBooks) -> Option<Told> {
    let is_entry = is_entry(span);
    let of_a_function = is_entry && span.function.is_some();
    let own = |name: &str| span.attributes.contains_key(name);
    let says_so =
        matches!(span.kind, SpanKind::Unspecified | SpanKind::Internal | SpanKind::Server | SpanKind::Consumer)
            && (own("faas.invocation_id") || own("faas.trigger"));
    if span.scope_name == OWN_SCOPE || !(of_a_function || says_so) {
        return None;
    }
    let function = span.function.as_deref()?;
    let said = Said(span);
    let id = said.text("faas.invocation_id").map_or_else(|| span.span_id.to_string(), str::to_owned);
    let failure = said.failure();
    let invocation = Invocation {
        trace_id: Some(span.trace_id),
        span_id: Some(span.span_id),
        version: said.owned("faas.version"),
        region: said.owned("cloud.region"),
        architecture: said.text("host.arch").and_then(architecture),
        runtime: said.owned("process.runtime.name"),
        trigger: said.trigger(),
        account: said.owned("cloud.account.id"),
        environment_id: said.owned("faas.instance").map(EnvironmentId),
        outcome: failure.as_ref().map_or(Outcome::Ok, |failure| failure.outcome),
        error_type: failure.as_ref().and_then(|failure| failure.error_type.map(str::to_owned)),
        error_message: failure.and_then(|failure| failure.message.map(str::to_owned)),
        cold: said.text("faas.coldstart").and_then(|text| text.to_ascii_lowercase().parse().ok()),
        phases: PhaseLengths { handler: Some(span.end.since(span.start)), ..PhaseLengths::default() },
        memory: said.number("faas.max_memory").and_then(megabytes),
        peak_memory: said.number("faas.mem_usage").map(ByteCount),
        request_size: said.number("http.request.body.size").map(ByteCount),
        response_size: said.number("http.response.body.size").map(ByteCount),
        http_status: said
            .text("http.response.status_code")
            .or_else(|| said.text("http.status_code"))
            .and_then(|text| text.parse().ok()),
        ..Invocation::reported(SOURCE, InvocationId(id), &span.tenant, function, span.start)
    };
    Some(Told { invocation: priced(invocation, said.text("cloud.provider"), books), is_entry })
}

/// Whether a call came in by this span. A span whose parent is known to be of the same process is within another.
fn is_entry(span: &Span) -> bool {
    let within = span.parent_span_id.is_some() && span.flags & (HAS_IS_REMOTE | IS_REMOTE) == HAS_IS_REMOTE;
    matches!(span.kind, SpanKind::Server | SpanKind::Consumer) && !within
}

/// With its list cost where the provider's book is known and the record says what it takes.
fn priced(invocation: Invocation, provider: Option<&str>, books: &PriceBooks) -> Invocation {
    let known = matches!(provider, None | Some("aws"));
    let Some(book) = books.get(DEFAULT_BOOK).ok().filter(|_| known) else { return invocation };
    // What costs more than a ledger holds is kept without a price.
    book.price_reported(invocation.clone()).unwrap_or(invocation)
}

fn architecture(text: &str) -> Option<Architecture> {
    match text {
        "amd64" | "x86_64" => Some(Architecture::X86_64),
        "arm64" | "aarch64" => Some(Architecture::Arm64),
        _ => None,
    }
}

/// From bytes. Less than a megabyte is no function's memory: older clients write megabytes there, and which is not said.
fn megabytes(bytes: u64) -> Option<Megabytes> {
    u32::try_from(bytes >> 20).ok().filter(|megabytes| *megabytes > 0).map(Megabytes)
}

/// What a span and its resource say.
struct Said<'a>(&'a Span);

/// How an invocation failed.
struct Failure<'a> {
    outcome: Outcome,
    error_type: Option<&'a str>,
    message: Option<&'a str>,
}

impl<'a> Said<'a> {
    /// The span's own attribute, else its resource's.
    fn text(&self, name: &str) -> Option<&'a str> {
        let found = self.0.attributes.get(name).or_else(|| self.0.resource_attributes.get(name));
        found.map(String::as_str).filter(|text| !text.is_empty())
    }

    fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    fn trigger(&self) -> Option<Trigger> {
        let said = self.text("faas.trigger").and_then(|text| text.parse().ok());
        let http =
            || ["http.request.method", "http.method"].iter().find_map(|name| self.text(name)).map(|_| Trigger::Http);
        said.or_else(http).or_else(|| self.text("messaging.system").map(|_| Trigger::Pubsub))
    }

    /// How it failed; none where it did not.
    fn failure(&self) -> Option<Failure<'a>> {
        if self.0.status_code != StatusCode::Error {
            return None;
        }
        let thrown = self.0.events.iter().find(|event| event.name == "exception");
        let thrown = |name: &str| thrown.and_then(|event| event.attributes.get(name)).map(String::as_str);
        let error_type = self.text("error.type").or_else(|| thrown("exception.type"));
        let message = Some(self.0.status_message.as_str()).filter(|text| !text.is_empty());
        Some(Failure {
            outcome: error_type.map_or(Outcome::Error, outcome),
            error_type,
            message: message.or_else(|| thrown("exception.message")),
        })
    }
}

/// What an error's type says of the outcome.
fn outcome(error_type: &str) -> Outcome {
    let plain: String = error_type.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| plain.contains(word));
    // First, since there is a "timeout" in "RuntimeOutOfMemory".
    if has(&["outofmemory", "oomkilled"]) {
        Outcome::OutOfMemory
    } else if has(&["timeout", "timedout", "deadlineexceeded"]) {
        Outcome::Timeout
    } else {
        Outcome::Error
    }
}

//! One attempt to run a function: the billing record.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::units::{ByteCount, Currency, EnvironmentId, InvocationId, Megabytes, Money, SpanId, Timestamp, TraceId};

use super::{Architecture, PhaseLengths};

/// Why a word was refused where only a few are known.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{word}' is not {expected}")]
pub struct UnknownWord {
    word: String,
    expected: &'static str,
}

impl UnknownWord {
    /// For `word`, where `expected` says what would be right.
    #[must_use]
    pub fn new(word: &str, expected: &'static str) -> Self {
        Self { word: word.to_owned(), expected }
    }
}

/// Declares an enum whose variants are words in a column.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $expected:literal, { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every word there is.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word in the column.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(UnknownWord::new(text, $expected)),
                }
            }
        }
    };
}

words! {
    /// How an attempt ended.
    Outcome, "an outcome: ok, error, timeout, out_of_memory, throttled or platform_error", {
        /// The guest answered.
        Ok = "ok",
        /// The guest failed: a trap, an exit code, no answer, an answer that breaks the protocol.
        Error = "error",
        /// The wall-clock limit passed.
        Timeout = "timeout",
        /// The guest failed after memory growth was refused, or died of it.
        OutOfMemory = "out_of_memory",
        /// A limit turned the call away before it ran.
        Throttled = "throttled",
        /// Our fault: not billed.
        PlatformError = "platform_error",
    }
}

words! {
    /// Which limit turned a call away.
    ThrottleReason, "a throttle reason: function-concurrency, tenant-concurrency, account-concurrency, rate or budget", {
        /// The function's reserved concurrency.
        FunctionConcurrency = "function-concurrency",
        /// The tenant's limit.
        TenantConcurrency = "tenant-concurrency",
        /// The account's limit.
        AccountConcurrency = "account-concurrency",
        /// Calls per second.
        Rate = "rate",
        /// A budget that is used up.
        Budget = "budget",
    }
}

words! {
    /// What causes an invocation, as OpenTelemetry's `faas.trigger` has it.
    Trigger, "a trigger: http, pubsub, datasource, timer or other", {
        /// A request over HTTP.
        Http = "http",
        /// A message.
        Pubsub = "pubsub",
        /// A change in a data source.
        Datasource = "datasource",
        /// A schedule.
        Timer = "timer",
        /// Anything else.
        Other = "other",
    }
}

words! {
    /// How an execution environment came to be.
    InitType, "an init type: on-demand, provisioned or snap-start", {
        /// Started for a call.
        OnDemand = "on-demand",
        /// Started ahead of calls.
        Provisioned = "provisioned",
        /// Restored from a snapshot.
        SnapStart = "snap-start",
    }
}

impl Outcome {
    /// Whether the attempt ran and failed by the guest's fault: what an error rate counts.
    #[must_use]
    pub fn is_error(self) -> bool {
        matches!(self, Self::Error | Self::Timeout | Self::OutOfMemory)
    }

    /// Whether the attempt is billed: it ran, and what went wrong was not our fault.
    #[must_use]
    pub fn is_billed(self) -> bool {
        !matches!(self, Self::Throttled | Self::PlatformError)
    }
}

/// One row of `invocations`; the columns say more (`crate::store::tables::invocations`). What its source does not tell is none,
/// and never zero: our own executor tells everything, telemetry from elsewhere only some.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// Unique with source and attempt.
    pub invocation_id: InvocationId,
    /// 1, 2, ... for retries of the same event.
    pub attempt: u32,
    /// The trace it belongs to.
    pub trace_id: Option<TraceId>,
    /// Its own root span.
    pub span_id: Option<SpanId>,
    /// Whom the function belongs to.
    pub tenant: String,
    /// The function's name.
    pub function: String,
    /// The function's version.
    pub version: Option<String>,
    /// Where it ran.
    pub region: Option<String>,
    /// What it is billed as running on.
    pub architecture: Option<Architecture>,
    /// What ran it, such as `wasi-http` or `wasi-preview1`.
    pub runtime: Option<String>,
    /// What caused it.
    pub trigger: Option<Trigger>,
    /// Where the record comes from: `executor`, `aws-lambda`, `otlp`.
    pub source: String,
    /// Cost allocation tags.
    pub tags: BTreeMap<String, String>,
    /// When the call arrived.
    pub started_at: Timestamp,
    /// The billing account.
    pub account: Option<String>,
    /// The environment that ran it; none when none did.
    pub environment_id: Option<EnvironmentId>,
    /// How that environment came to be.
    pub init_type: Option<InitType>,
    /// Ephemeral storage configured.
    pub ephemeral_storage: Option<Megabytes>,
    /// Bytes streamed to the caller, rather than answered whole.
    pub streamed: Option<ByteCount>,
    /// How it ended.
    pub outcome: Outcome,
    /// A finer cause, such as `Trap.Unreachable`.
    pub error_type: Option<String>,
    /// What a person reads.
    pub error_message: Option<String>,
    /// Which limit turned it away.
    pub throttle_reason: Option<ThrottleReason>,
    /// Whether it was the first of its environment.
    pub cold: Option<bool>,
    /// Lengths of the phases.
    pub phases: PhaseLengths,
    /// Milliseconds billed, as the price book rounds; as given where another meter billed.
    pub billed_ms: Option<i64>,
    /// Memory configured.
    pub memory: Option<Megabytes>,
    /// The most memory that the guest held.
    pub peak_memory: Option<ByteCount>,
    /// CPU time of the handler, nanoseconds.
    pub cpu_ns: Option<i64>,
    /// Instructions that the handler ran, counted as fuel; none where they are not counted.
    pub fuel: Option<u64>,
    /// Bytes that it sent to other hosts; none where it is not known.
    pub egress: Option<ByteCount>,
    /// Bytes of the request's body.
    pub request_size: Option<ByteCount>,
    /// Bytes of the reply's body.
    pub response_size: Option<ByteCount>,
    /// The reply's status as the caller saw it.
    pub http_status: Option<u16>,
    /// Calls of the function that ran when this one was admitted, itself included, or when it was turned away; none where
    /// that is not known.
    pub concurrency: Option<u32>,
    /// Id and version of the price book; none where nothing could be priced.
    pub price_book: Option<String>,
    /// List price of this attempt; none where the book does not price an invocation by itself.
    pub list_cost: Option<Money>,
    /// The part of the list price that the init phase of a cold start made; none where there is no list price.
    pub init_cost: Option<Money>,
    /// The list price's currency.
    pub currency: Option<Currency>,
}

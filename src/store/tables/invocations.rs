//! Owns the columns of `invocations`: one row for each attempt, throttled ones included.

use crate::model::{Architecture, InitType, Invocation, ThrottleReason, Trigger};
use crate::units::{ByteCount, Currency, Megabytes, nanos};

use super::column::{Column, Values};

/// The columns, in order; `ingested_at` and `date` follow in every table.
pub(crate) const COLUMNS: &[Column<Invocation>] = &[
    Column {
        name: "invocation_id",
        doc: "names the attempt together with source and attempt; the request id for imported records",
        values: Values::Text(|r| &r.invocation_id.0),
    },
    Column {
        name: "attempt",
        doc: "1, 2, ... for retries of the same event",
        values: Values::Int32(|r| i32::try_from(r.attempt).unwrap_or(i32::MAX)),
    },
    Column {
        name: "trace_id",
        doc: "the trace, 32 lower-case hex digits",
        values: Values::Trace(|r| r.trace_id.as_ref()),
    },
    Column {
        name: "span_id",
        doc: "the attempt's own root span, 16 lower-case hex digits",
        values: Values::Span(|r| r.span_id.as_ref()),
    },
    Column { name: "tenant", doc: "whom the function belongs to", values: Values::Text(|r| &r.tenant) },
    Column { name: "function", doc: "the function's name", values: Values::Text(|r| &r.function) },
    Column {
        name: "version",
        doc: "the function's version; null where that is not known",
        values: Values::OptionalText(|r| r.version.as_deref()),
    },
    Column {
        name: "region",
        doc: "where it ran, such as us-east-1; null where that is not known",
        values: Values::OptionalText(|r| r.region.as_deref()),
    },
    Column {
        name: "architecture",
        doc: "what it is billed as running on: x86_64 or arm64; null where that is not known",
        values: Values::OptionalText(|r| r.architecture.map(Architecture::as_str)),
    },
    Column {
        name: "runtime",
        doc: "what ran it, such as wasi-http or python:3.13; null where nothing did or that is not known",
        values: Values::OptionalText(|r| r.runtime.as_deref()),
    },
    Column {
        name: "trigger",
        doc: "what caused it, OpenTelemetry's faas.trigger: http, pubsub, datasource, timer or other; null where that is not known",
        values: Values::OptionalText(|r| r.trigger.map(Trigger::as_str)),
    },
    Column {
        name: "source",
        doc: "where the record comes from: executor, aws-lambda, otlp, ...",
        values: Values::Text(|r| &r.source),
    },
    Column { name: "tags", doc: "tags for cost allocation", values: Values::Map(|r| &r.tags) },
    Column {
        name: "started_at",
        doc: "when the call arrived, UTC; all time buckets use it",
        values: Values::Time(|r| r.started_at),
    },
    Column {
        name: "account",
        doc: "the billing account; null where that is not known",
        values: Values::OptionalText(|r| r.account.as_deref()),
    },
    Column {
        name: "environment_id",
        doc: "the execution environment that ran it; null when none did",
        values: Values::OptionalText(|r| r.environment_id.as_ref().map(|id| id.0.as_str())),
    },
    Column {
        name: "init_type",
        doc: "how that environment came to be: on-demand, provisioned or snap-start; null where that is not known",
        values: Values::OptionalText(|r| r.init_type.map(InitType::as_str)),
    },
    Column {
        name: "ephemeral_storage_mb",
        doc: "ephemeral storage configured, MB of 2^20 bytes; null where that is not known",
        values: Values::OptionalInt64(|r| r.ephemeral_storage.map(megabytes)),
    },
    Column {
        name: "streamed_bytes",
        doc: "bytes streamed to the caller rather than answered whole; null where that is not known",
        values: Values::OptionalInt64(|r| r.streamed.map(ByteCount::to_i64)),
    },
    Column {
        name: "outcome",
        doc: "how it ended: ok, error, timeout, out_of_memory, throttled or platform_error (not billed, no error of the function)",
        values: Values::Text(|r| r.outcome.as_str()),
    },
    Column {
        name: "error_type",
        doc: "the finer cause; null when none",
        values: Values::OptionalText(|r| r.error_type.as_deref()),
    },
    Column {
        name: "error_message",
        doc: "what went wrong, for people; null when nothing did",
        values: Values::OptionalText(|r| r.error_message.as_deref()),
    },
    Column {
        name: "throttle_reason",
        doc: "which limit turned it away: function-concurrency, tenant-concurrency, account-concurrency, rate or budget; null when none",
        values: Values::OptionalText(|r| r.throttle_reason.map(ThrottleReason::as_str)),
    },
    Column {
        name: "cold",
        doc: "whether it was the first of an execution environment that was not provisioned; null where that is not known",
        values: Values::OptionalBool(|r| r.cold),
    },
    Column {
        name: "queue_ns",
        doc: "waiting for admission and an environment, ns; not billed; null where that is not known",
        values: Values::OptionalInt64(|r| r.phases.queue.map(nanos)),
    },
    Column {
        name: "load_ns",
        doc: "loading the compiled artifact, ns; not billed; null where that is not known",
        values: Values::OptionalInt64(|r| r.phases.load.map(nanos)),
    },
    Column {
        name: "compile_ns",
        doc: "compiling where no artifact was ready, ns; not billed; null where that is not known",
        values: Values::OptionalInt64(|r| r.phases.compile.map(nanos)),
    },
    Column {
        name: "instantiate_ns",
        doc: "linking and making the instance, ns; not billed; null where that is not known",
        values: Values::OptionalInt64(|r| r.phases.instantiate.map(nanos)),
    },
    Column {
        name: "init_ns",
        doc: "the guest's own start code, ns; billed; null where that is not known",
        values: Values::OptionalInt64(|r| r.phases.init.map(nanos)),
    },
    Column {
        name: "duration_ns",
        doc: "the handler alone, ns; billed; null where that is not known",
        values: Values::OptionalInt64(|r| r.phases.handler.map(nanos)),
    },
    Column {
        name: "billed_ms",
        doc: "milliseconds billed, as the price book rounds; taken as given when imported; null where that is not known",
        values: Values::OptionalInt64(|r| r.billed_ms),
    },
    Column {
        name: "memory_mb",
        doc: "memory configured, MB of 2^20 bytes; null where that is not known",
        values: Values::OptionalInt64(|r| r.memory.map(megabytes)),
    },
    Column {
        name: "peak_memory_bytes",
        doc: "the most memory that the guest held, bytes; null where that is not known",
        values: Values::OptionalInt64(|r| r.peak_memory.map(ByteCount::to_i64)),
    },
    Column {
        name: "cpu_ns",
        doc: "CPU time of the handler, ns; null where that is not known",
        values: Values::OptionalInt64(|r| r.cpu_ns),
    },
    Column {
        name: "fuel",
        doc: "instructions of the handler where the function counts them; null where it does not",
        values: Values::OptionalInt64(|r| r.fuel.map(|fuel| i64::try_from(fuel).unwrap_or(i64::MAX))),
    },
    Column {
        name: "egress_bytes",
        doc: "bytes that it sent to other hosts; null where that is not known",
        values: Values::OptionalInt64(|r| r.egress.map(ByteCount::to_i64)),
    },
    Column {
        name: "request_bytes",
        doc: "the request's body, bytes; null where that is not known",
        values: Values::OptionalInt64(|r| r.request_size.map(ByteCount::to_i64)),
    },
    Column {
        name: "response_bytes",
        doc: "the reply's body, bytes; null where that is not known",
        values: Values::OptionalInt64(|r| r.response_size.map(ByteCount::to_i64)),
    },
    Column {
        name: "http_status",
        doc: "the reply's status as the caller saw it; null where there was none",
        values: Values::OptionalInt32(|r| r.http_status.map(i32::from)),
    },
    Column {
        name: "concurrency",
        doc: "calls of the function that ran when this one was admitted, itself included; of a throttled one, those that ran when it was turned away; null where that is not known",
        values: Values::OptionalInt32(|r| r.concurrency.map(|calls| i32::try_from(calls).unwrap_or(i32::MAX))),
    },
    Column {
        name: "price_book",
        doc: "the price book's id and version; null where there is no list cost",
        values: Values::OptionalText(|r| r.price_book.as_deref()),
    },
    Column {
        name: "list_cost",
        doc: "list price of this attempt in `currency`, exact: first tier, no free tier; 0 when throttled; null where the book does not price an invocation by itself, or billed time, memory or architecture are not known",
        values: Values::OptionalMoney(|r| r.list_cost),
    },
    Column {
        name: "init_cost",
        doc: "the part of list_cost that the init phase of a cold start made, exact: what is left when the price without init is taken away; 0 when not cold; null where list_cost is",
        values: Values::OptionalMoney(|r| r.init_cost),
    },
    Column {
        name: "currency",
        doc: "the list cost's currency, ISO 4217; null where there is no list cost",
        values: Values::OptionalText(|r| r.currency.as_ref().map(Currency::code)),
    },
];

fn megabytes(size: Megabytes) -> i64 {
    i64::from(size.0)
}

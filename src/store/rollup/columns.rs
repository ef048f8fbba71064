//! Owns the columns of the rollups: what is counted and summed, by which definition. How rows come together is `roll`'s and
//! `fold`'s.

use arrow::array::Array;

use super::raw::Raw;

/// What a rollup's rows are told apart by, beside the bucket: columns of `invocations`.
pub(super) const DIMENSIONS: [&str; 10] =
    ["tenant", "function", "version", "region", "account", "source", "architecture", "memory_mb", "tags", "currency"];

/// One measure: what it is, and what a row of `invocations` brings to it.
pub(super) struct Measure {
    pub(super) name: &'static str,
    pub(super) doc: &'static str,
    pub(super) of: Of,
}

/// How a measure comes out of a row, and how it adds up. The functions take the row's place in the batch.
#[derive(Clone, Copy)]
pub(super) enum Of {
    /// A sum that wraps around, as SQL's does.
    Sum(fn(&Raw, usize) -> i64),
    /// A sum of whole numbers of up to 38 digits.
    Wide(fn(&Raw, usize) -> i128),
    /// A sum of money; null where no row has a value.
    Money(fn(&Raw, usize) -> Option<i128>),
    /// The greatest value; null where no row has one.
    Max(fn(&Raw, usize) -> Option<i64>),
    /// A sketch of the values; null where no row has one.
    Sketch(fn(&Raw, usize) -> Option<i64>),
}

const fn sum(name: &'static str, doc: &'static str, of: fn(&Raw, usize) -> i64) -> Measure {
    Measure { name, doc, of: Of::Sum(of) }
}

const fn money(name: &'static str, doc: &'static str, of: fn(&Raw, usize) -> Option<i128>) -> Measure {
    Measure { name, doc, of: Of::Money(of) }
}

const fn sketch(name: &'static str, doc: &'static str, of: fn(&Raw, usize) -> Option<i64>) -> Measure {
    Measure { name, doc, of: Of::Sketch(of) }
}

const fn most(name: &'static str, doc: &'static str, of: fn(&Raw, usize) -> Option<i64>) -> Measure {
    Measure { name, doc, of: Of::Max(of) }
}

/// The measures, in order.
pub(super) const MEASURES: &[Measure] = &[
    sum("invocations", "attempts that ran: neither throttled nor platform errors", |r, at| i64::from(r.ran[at])),
    sum("errors", "attempts with the outcome error", |r, at| i64::from(r.error[at])),
    sum("timeouts", "attempts with the outcome timeout", |r, at| i64::from(r.timeout[at])),
    sum("out_of_memory", "attempts with the outcome out_of_memory", |r, at| i64::from(r.out_of_memory[at])),
    sum("platform_errors", "attempts with the outcome platform_error", |r, at| i64::from(r.platform_error[at])),
    sum("throttled_function", "throttled by the function's concurrency", |r, at| {
        r.throttled_by(at, "function-concurrency")
    }),
    sum("throttled_tenant", "throttled by the tenant's concurrency", |r, at| r.throttled_by(at, "tenant-concurrency")),
    sum("throttled_account", "throttled by the account's concurrency", |r, at| {
        r.throttled_by(at, "account-concurrency")
    }),
    sum("throttled_rate", "throttled by a rate", |r, at| r.throttled_by(at, "rate")),
    sum("throttled_budget", "throttled by a budget", |r, at| r.throttled_by(at, "budget")),
    sum("throttled", "throttled, for whatever reason", |r, at| i64::from(r.throttled[at])),
    sum("cold", "attempts that ran and were cold", |r, at| i64::from(r.cold[at])),
    sum("provisioned", "attempts that ran in a provisioned environment", |r, at| {
        i64::from(r.ran[at] && r.init_type.is_valid(at) && r.init_type.value(at) == "provisioned")
    }),
    sum("retries", "attempts that ran and were not the first", |r, at| i64::from(r.ran[at] && r.attempt[at] > 1)),
    sum("unpriced", "attempts that ran and have no list cost", |r, at| {
        i64::from(r.ran[at] && r.list_cost(at).is_none())
    }),
    sum("billed_ms", "milliseconds billed, of attempts that ran", |r, at| r.if_ran(at, r.billed_ms)),
    Measure {
        name: "billed_mb_ms",
        doc: "billed milliseconds times configured MB, of attempts that ran",
        of: Of::Wide(|r, at| i128::from(r.if_ran(at, r.billed_ms)) * i128::from(r.memory_mb.or_zero(at))),
    },
    sum("cpu_ns", "CPU time of the handler, ns, of attempts that ran", |r, at| r.if_ran(at, r.cpu_ns)),
    sum("queue_ns", "waiting, ns, of attempts that ran", |r, at| r.if_ran(at, r.queue_ns)),
    sum("duration_ns", "the handler alone, ns, of attempts that ran", |r, at| r.if_ran(at, r.duration_ns)),
    sum("init_ns", "the guest's own start code, ns, of attempts that ran", |r, at| r.if_ran(at, r.init_ns)),
    sum("busy_ns", "load, compile, instantiate, init and duration, ns, of attempts that ran", |r, at| {
        if r.ran[at] { r.busy(at) } else { 0 }
    }),
    sum("cold_load_ns", "loading the artifact, ns, of cold attempts that ran", |r, at| r.if_cold(at, r.load_ns)),
    sum("cold_compile_ns", "compiling, ns, of cold attempts that ran", |r, at| r.if_cold(at, r.compile_ns)),
    sum("cold_instantiate_ns", "linking and instantiating, ns, of cold attempts that ran", |r, at| {
        r.if_cold(at, r.instantiate_ns)
    }),
    sum("cold_init_ns", "the guest's own start code, ns, of cold attempts that ran", |r, at| r.if_cold(at, r.init_ns)),
    sum(
        "request_bytes",
        "bodies of requests, bytes, of all attempts; what is not known counts 0, as in every sum here",
        |r, at| r.request_bytes.or_zero(at),
    ),
    sum("response_bytes", "bodies of replies, bytes, of all attempts", |r, at| r.response_bytes.or_zero(at)),
    sum("streamed_bytes", "bytes streamed, of all attempts", |r, at| r.streamed_bytes.or_zero(at)),
    sum("egress_bytes", "bytes sent to other hosts, of all attempts; what is not known counts 0", |r, at| {
        r.egress_bytes(at)
    }),
    most("peak_memory_bytes", "the most memory that an attempt held, bytes", |r, at| r.peak_memory_bytes.get(at)),
    most("concurrency", "the most attempts at once; null where that is not known", |r, at| r.concurrency(at)),
    money("list_cost", "list cost of all attempts, exact; null where none has one", |r, at| r.list_cost(at)),
    money("error_cost", "list cost of attempts that ended in error, timeout or out of memory", |r, at| {
        if r.error[at] || r.timeout[at] || r.out_of_memory[at] { r.list_cost(at) } else { Some(0) }
    }),
    money("retry_cost", "list cost of attempts that were not the first", |r, at| {
        if r.attempt[at] > 1 { r.list_cost(at) } else { Some(0) }
    }),
    money("init_cost", "what of the list cost is for init; null where that is not known", |r, at| r.init_cost(at)),
    sketch("duration_sketch", "sketch of duration_ns of attempts that ran", |r, at| {
        r.duration_ns.get(at).filter(|_| r.ran[at])
    }),
    sketch("init_sketch", "sketch of init_ns of cold attempts that ran", |r, at| {
        r.init_ns.get(at).filter(|_| r.cold[at])
    }),
    sketch("cold_sketch", "sketch of the felt latency (queue to duration, ns) of cold attempts that ran", |r, at| {
        (r.cold[at] && r.duration_ns.get(at).is_some()).then(|| r.queue_ns.or_zero(at).wrapping_add(r.busy(at)))
    }),
];

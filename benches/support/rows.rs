//! The rows that the benches of the store write.

use std::time::Duration;

use faremeter::model::{Architecture, InitType, Invocation, Outcome, Phases, Records, Trigger};
use faremeter::units::{ByteCount, EnvironmentId, IdSource, Megabytes, Money, Timestamp};

/// When the first row began: nanoseconds since the Unix epoch, in the middle of a day.
pub(crate) const START: i64 = 1_790_000_000_000_000_000;

/// So many rows from the `first`th on.
pub(crate) fn group(ids: &IdSource, first: u64, rows: u64) -> Records {
    Records { invocations: (first..first + rows).map(|n| invocation(ids, n)).collect(), ..Records::default() }
}

/// The `n`th row: 20 functions of 5 tenants, a row each millisecond.
fn invocation(ids: &IdSource, n: u64) -> Invocation {
    let small = |n: u64| i64::try_from(n).expect("the count is small");
    let started_at = Timestamp::from_nanos(START + small(n) * 1_000_000);
    let handler_ns = n * 7_919 % 200_000_000;
    Invocation {
        invocation_id: ids.invocation(started_at),
        attempt: 1,
        trace_id: Some(ids.trace()),
        span_id: Some(ids.span()),
        tenant: format!("tenant-{}", n % 5),
        function: format!("function-{}", n % 20),
        version: Some("3".to_owned()),
        region: Some("us-east-1".to_owned()),
        architecture: Some(Architecture::X86_64),
        runtime: Some("wasi-http".to_owned()),
        trigger: Some(Trigger::Http),
        source: "executor".to_owned(),
        tags: [("team".to_owned(), "shop".to_owned())].into(),
        started_at,
        account: Some("default".to_owned()),
        environment_id: Some(EnvironmentId(format!("env-{}", n % 100))),
        init_type: Some(InitType::OnDemand),
        ephemeral_storage: Some(Megabytes(512)),
        streamed: Some(ByteCount(0)),
        outcome: Outcome::Ok,
        error_type: None,
        error_message: None,
        throttle_reason: None,
        cold: Some(n.is_multiple_of(50)),
        phases: Phases {
            queue: Duration::from_nanos(n * 7 % 10_000),
            handler: Duration::from_nanos(handler_ns),
            ..Phases::default()
        }
        .into(),
        billed_ms: Some(small(handler_ns.div_ceil(1_000_000).max(1))),
        memory: Some(Megabytes(128)),
        peak_memory: Some(ByteCount(n * 31 % 100_000_000)),
        fuel: None,
        egress: Some(ByteCount(0)),
        cpu_ns: Some(small(n * 13 % 1_000_000)),
        request_size: Some(ByteCount(n % 1_000)),
        response_size: Some(ByteCount(n % 5_000)),
        http_status: Some(200),
        concurrency: Some(1),
        price_book: Some("aws-lambda@2026-01-01".to_owned()),
        list_cost: Some(Money::from_units(i128::from(n) * 1_666_670_000_000).expect("it is within the range")),
        init_cost: Some(Money::ZERO),
        currency: Some("USD".parse().expect("it is a currency")),
    }
}

//! What a call's rows say: billing, the span tree, the logs.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cost::PriceBooks;
use crate::model::{FunctionSpec, InitType, Phases, SpanKind, StatusCode, ThrottleReason, VersionState};
use crate::runtime::GuestKind;
use crate::units::{EnvironmentId, Megabytes};

use super::*;

const AT: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn function() -> FunctionVersion {
    let spec = FunctionSpec {
        tenant: "shop".to_owned(),
        memory: Megabytes(2_048),
        tags: BTreeMap::from([("team".to_owned(), "a".to_owned())]),
        ..FunctionSpec::new("checkout")
    };
    FunctionVersion { spec, version: 7, sha256: String::new(), state: VersionState::Active, deployed_at: AT }
}

fn execution(outcome: Outcome) -> Execution {
    let failed = outcome != Outcome::Ok;
    Execution {
        outcome,
        error_type: failed.then(|| "Trap.UnreachableCodeReached".to_owned()),
        error_message: failed.then(|| "wasm trap".to_owned()),
        concurrency: Some(4),
        kind: GuestKind::WasiHttp,
        cold: true,
        environment_id: EnvironmentId("e".to_owned()),
        init_type: InitType::OnDemand,
        phases: Phases {
            queue: Duration::from_micros(5),
            load: Duration::from_micros(200),
            instantiate: Duration::from_micros(50),
            init: Duration::from_millis(20),
            handler: Duration::from_micros(133_100),
            ..Phases::default()
        },
        cpu: Duration::from_millis(90),
        peak_memory: ByteCount(3 << 20),
        fuel: None,
        egress: ByteCount(0),
        request_size: ByteCount(10),
        response_size: ByteCount(20),
        streamed: ByteCount(0),
        http_status: Some(200),
        logs: vec![GuestLog {
            time: AT,
            stream: Stream::Stderr,
            severity: Severity::Info,
            body: "order priced".to_owned(),
            attributes: Attributes::new(),
        }],
        logs_dropped: 0,
    }
}

fn with_recorder<T>(use_it: impl FnOnce(&Recorder<'_>, &IdSource) -> T) -> T {
    let (config, function, ids) = (Config::default(), function(), IdSource::seeded(1));
    let books = PriceBooks::embedded().expect("right");
    let recorder = Recorder {
        config: &config,
        book: books.get("aws-lambda").expect("embedded"),
        function: &function,
        id: &ids.invocation(AT),
        trace: TraceContext::continue_from(Some(PARENT), &ids),
        trigger: Trigger::Http,
        started_at: AT,
        request: ("POST", "/fn/checkout"),
    };
    use_it(&recorder, &ids)
}

fn ran(execution: &Execution, status: u16) -> Records {
    with_recorder(|recorder, ids| recorder.ran(execution, Some(status), ids).expect("it has a price"))
}

#[test]
fn init_and_handler_are_billed_and_priced_exactly() {
    let records = ran(&execution(Outcome::Ok), 200);
    let invocation = &records.invocations[0];
    assert_eq!(invocation.billed_ms, Some(154));
    assert_eq!(invocation.list_cost.map(|cost| cost.to_string()).as_deref(), Some("0.0000053333436"));
    // Without the 20 ms of init, 134 ms would be billed.
    assert_eq!(invocation.init_cost.map(|cost| cost.to_string()).as_deref(), Some("0.000000666668"));
    assert_eq!(invocation.concurrency, Some(4));
    assert_eq!(invocation.price_book.as_deref(), Some("aws-lambda@2025-10-01"));
    assert_eq!((invocation.version.as_deref(), invocation.tenant.as_str()), (Some("7"), "shop"));
}

#[test]
fn spans_are_one_tree_under_the_callers_span_without_gaps() {
    let records = ran(&execution(Outcome::Ok), 200);
    let root = &records.spans[0];
    assert_eq!(root.parent_span_id.map(|id| id.to_string()).as_deref(), Some("b7ad6b7169203331"));
    assert_eq!((root.kind, root.status_code), (SpanKind::Server, StatusCode::Unset));
    let children = &records.spans[1..];
    let names: Vec<&str> = children.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["queue", "load", "instantiate", "init", "handler"]);
    assert!(children.iter().all(|span| span.parent_span_id == Some(root.span_id) && span.trace_id == root.trace_id));
    assert!(children.windows(2).all(|pair| pair[0].end == pair[1].start));
    assert_eq!((children[0].start, children[4].end), (root.start, root.end));
}

#[test]
fn a_failed_call_is_billed_and_its_span_says_why() {
    let records = ran(&execution(Outcome::Error), 502);
    assert_eq!(records.invocations[0].billed_ms, Some(154));
    assert_eq!(records.spans[0].status_code, StatusCode::Error);
    assert_eq!(records.spans[0].attributes["error.type"], "Trap.UnreachableCodeReached");
}

#[test]
fn our_own_fault_and_a_throttled_call_cost_nothing() {
    let ours = ran(&execution(Outcome::PlatformError), 500);
    let throttled =
        Throttled { reason: ThrottleReason::FunctionConcurrency, retry_after: Duration::from_secs(1), concurrency: 25 };
    let throttled = with_recorder(|recorder, _| recorder.throttled(&throttled, ByteCount(3)).expect("it has a price"));
    for invocation in [&ours.invocations[0], &throttled.invocations[0]] {
        let free = Some(crate::units::Money::ZERO);
        assert_eq!((invocation.billed_ms, invocation.list_cost, invocation.init_cost), (Some(0), free, free));
    }
    let row = &throttled.invocations[0];
    assert_eq!((row.outcome, row.throttle_reason), (Outcome::Throttled, Some(ThrottleReason::FunctionConcurrency)));
    assert_eq!((&row.environment_id, row.concurrency), (&None, Some(25)));
    assert!(throttled.spans.is_empty() && throttled.logs.is_empty());
}

#[test]
fn logs_carry_the_invocation_and_dropped_lines_are_told() {
    let records = ran(&Execution { logs_dropped: 9, ..execution(Outcome::Ok) }, 200);
    let [first, last] = &records.logs[..] else { panic!("two records: {:?}", records.logs) };
    assert_eq!(first.invocation_id.as_deref(), Some(records.invocations[0].invocation_id.0.as_str()));
    assert_eq!((first.trace_id, first.scope_name.as_str()), (records.invocations[0].trace_id, "stderr"));
    assert!(last.body.starts_with("9 more log lines were dropped"));
    assert_eq!(last.severity_text, "WARN");
}

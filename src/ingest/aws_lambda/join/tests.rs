//! What becomes of the events of streams, in the orders that Lambda writes them in.

use crate::ingest::aws_lambda::line;
use crate::model::{InitType, Outcome};

use super::*;

const A: &str = "aaaaaaaa-0000-0000-0000-000000000001";
const B: &str = "bbbbbbbb-0000-0000-0000-000000000002";

fn place(stream: Option<&str>) -> Place {
    Place {
        tenant: "t".to_owned(),
        function: "f".to_owned(),
        group: None,
        stream: stream.map(str::to_owned),
        instance: None,
        architecture: None,
        account: Some("1".to_owned()),
        region: None,
    }
}

fn stream() -> Place {
    place(Some("2024/09/05/[7]5b1105a695c4"))
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_micros(1_725_494_400_000_000 + millis * 1_000)
}

fn happened(millis: i64, text: &str) -> Happened {
    let event = line::parse(text).unwrap_or_else(|broken| panic!("{text}: {broken:?}"));
    Happened { time: at(millis), origin_id: millis.to_string(), event }
}

fn report(id: &str, more: &str) -> String {
    format!(
        "REPORT RequestId: {id}\tDuration: 100.00 ms\tBilled Duration: 100 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB\t{more}\n"
    )
}

/// What is made of lines of one stream, the last one settled too.
fn joined(place: &Place, lines: &[(i64, &str)]) -> Made {
    let (mut join, mut made) = (Join::over(Kept::default()), Made::default());
    for (millis, text) in lines {
        join.take(place, happened(*millis, text), &mut made);
    }
    join.settle(&mut made);
    made
}

fn only(place: &Place, lines: &[(i64, &str)]) -> Invocation {
    let mut made = joined(place, lines);
    assert_eq!(made.invocations.len(), 1, "{made:?}");
    made.invocations.remove(0).invocation
}

fn start(id: &str) -> String {
    format!("START RequestId: {id} Version: 8")
}

#[test]
fn a_warm_call_takes_its_start_and_its_streams_name() {
    let row = only(&stream(), &[(0, &start(A)), (100, &format!("END RequestId: {A}")), (101, &report(A, ""))]);
    assert_eq!((row.started_at, row.invocation_id.0.as_str(), row.attempt), (at(0), A, 1));
    assert_eq!(
        (row.version.as_deref(), row.environment_id.map(|id| id.0)),
        (Some("8"), Some("5b1105a695c4".to_owned()))
    );
    assert_eq!((row.cold, row.billed_ms, row.outcome), (Some(false), Some(100), Outcome::Ok));
    assert_eq!(row.phases.init, Some(std::time::Duration::ZERO));
    assert_eq!((row.tenant.as_str(), row.function.as_str(), row.account.as_deref()), ("t", "f", Some("1")));
}

#[test]
fn a_report_alone_is_enough() {
    let row = only(&stream(), &[(101, &report(A, ""))]);
    assert_eq!((row.started_at, row.version.as_deref()), (at(1), Some("7")));
    assert_eq!((row.region, row.runtime, row.init_type), (None, None, None));
}

#[test]
fn cold_starts_by_init_by_restore_and_by_a_failed_init() {
    let init = "INIT_START Runtime Version: python:3.12.v36\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:1";
    let row = only(&stream(), &[(0, init), (1, &start(A)), (101, &report(A, "Init Duration: 264.75 ms\t"))]);
    assert_eq!(
        (row.cold, row.runtime.as_deref(), row.region.as_deref()),
        (Some(true), Some("python:3.12.v36"), Some("eu-west-1"))
    );
    assert_eq!(row.phases.init, Some(std::time::Duration::from_nanos(264_750_000)));
    let row = only(
        &stream(),
        &[(0, &start(A)), (101, &report(A, "Restore Duration: 300.00 ms\tBilled Restore Duration: 26 ms\t"))],
    );
    assert_eq!((row.cold, row.init_type), (Some(true), Some(InitType::SnapStart)));
    let failed = "INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout";
    let again =
        "INIT_REPORT Init Duration: 90.00 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ImportModuleError";
    let made = joined(
        &stream(),
        &[
            (0, failed),
            (1, &start(A)),
            (2, again),
            (101, &report(A, "Status: error")),
            (102, &start(B)),
            (202, &report(B, "")),
        ],
    );
    let (first, second) = (&made.invocations[0].invocation, &made.invocations[1].invocation);
    assert_eq!((first.cold, second.cold), (Some(true), Some(false)));
    assert_eq!((first.outcome, first.error_type.as_deref()), (Outcome::Error, Some("Runtime.ImportModuleError")));
}

#[test]
fn provisioned_environments_are_never_cold() {
    let init = r#"{"time":"2024-09-05T00:00:00Z","type":"platform.initStart","record":{"initializationType":"provisioned-concurrency"}}"#;
    let row = only(&stream(), &[(0, init), (1, &start(A)), (101, &report(A, "Init Duration: 9.00 ms\t"))]);
    assert_eq!(
        (row.cold, row.init_type, row.phases.init),
        (Some(false), Some(InitType::Provisioned), Some(std::time::Duration::ZERO))
    );
}

#[test]
fn failures_are_told_before_in_and_after_the_report() {
    let timed_out = format!("2024-09-05T00:00:00.000Z {A} Task timed out after 3.00 seconds\n\n");
    let crashed = format!("RequestId: {A} Error: Runtime exited with error: exit status 1\nRuntime.ExitError\n");
    let killed = format!("RequestId: {A} Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n");
    let raised = "[ERROR] ValueError: bad\rTraceback (most recent call last):\r".to_owned();
    for (text, outcome, error_type) in [
        (timed_out, Outcome::Timeout, None),
        (crashed, Outcome::Error, Some("Runtime.ExitError")),
        (killed, Outcome::OutOfMemory, Some("Runtime.ExitError")),
    ] {
        for order in [[0, 1, 2], [0, 2, 1]] {
            let start = start(A);
            let report = report(A, "");
            let lines = [(0, start.as_str()), (99, text.as_str()), (101, report.as_str())];
            let made = joined(&stream(), &order.map(|at| lines[at]));
            let row = &made.invocations[0].invocation;
            assert_eq!((row.outcome, row.error_type.as_deref()), (outcome, error_type), "{text}");
            assert!(row.error_message.is_some());
            assert_eq!((made.logs.len(), made.logs[0].invocation_id.as_deref()), (1, Some(A)), "it is a log line too");
            assert_eq!(made.logs[0].severity_text, "ERROR");
        }
    }
    let row = only(&stream(), &[(0, &start(A)), (50, &raised), (101, &report(A, ""))]);
    assert_eq!(
        (row.outcome, row.error_type.as_deref(), row.error_message.as_deref()),
        (Outcome::Error, Some("ValueError"), Some("bad"))
    );
    let row = only(&stream(), &[(0, &start(A)), (101, &report(A, "Status: timeout"))]);
    assert_eq!(row.outcome, Outcome::Timeout);
}

#[test]
fn lines_belong_to_who_they_say_or_to_who_runs() {
    let said = format!("[INFO]\t2024-09-05T00:00:00Z\t{B}\tsaid");
    let made = joined(
        &stream(),
        &[(0, "before"), (1, &start(A)), (2, "within"), (3, &said), (101, &report(A, "")), (102, "after")],
    );
    let of: Vec<Option<&str>> = made.logs.iter().map(|log| log.invocation_id.as_deref()).collect();
    assert_eq!(of, [None, Some(A), Some(B), None]);
    assert_eq!((made.logs[2].body.as_str(), made.logs[2].severity_number), ("said", 9));
    assert!(made.logs.iter().all(|log| log.environment_id.as_deref() == Some("5b1105a695c4")));
}

#[test]
fn invocations_that_run_at_once_are_told_apart() {
    let made = joined(
        &place(None),
        &[(0, &start(A)), (10, &start(B)), (20, "whose?"), (110, &report(B, "")), (111, "A's"), (130, &report(A, ""))],
    );
    let starts: Vec<_> = made
        .invocations
        .iter()
        .map(|done| (done.invocation.invocation_id.0.as_str(), done.invocation.started_at))
        .collect();
    assert_eq!(starts, [(B, at(10)), (A, at(0))]);
    let of: Vec<Option<&str>> = made.logs.iter().map(|log| log.invocation_id.as_deref()).collect();
    assert_eq!(of, [None, Some(A)]);
}

#[test]
fn a_trace_comes_with_the_report_or_behind_it() {
    let xray = "XRAY TraceId: 1-66d978e5-0af7651916cd43dd8448eb21\tSegmentId: 29c3839e6ecb5895\tSampled: true\t";
    let together = only(&stream(), &[(0, &format!("{}{xray}\n", report(A, "")))]);
    let behind = only(&stream(), &[(0, &report(A, "")), (1, xray)]);
    for row in [together, behind] {
        assert_eq!(row.trace_id.map(|id| id.to_string()).as_deref(), Some("66d978e50af7651916cd43dd8448eb21"));
        assert_eq!(row.span_id.map(|id| id.to_string()).as_deref(), Some("29c3839e6ecb5895"));
    }
}

#[test]
fn what_does_not_end_is_counted() {
    let (mut join, mut made) = (Join::over(Kept::default()), Made::default());
    join.take(&stream(), happened(0, &start(A)), &mut made);
    join.take(&stream(), happened(1, &start(B)), &mut made);
    join.take(&stream(), happened(101, &report(B, "")), &mut made);
    join.settle(&mut made);
    assert_eq!((join.unfinished(), made.invocations.len()), (1, 1));
}

#[test]
fn the_next_request_goes_on_and_a_failed_one_leaves_no_trace() {
    let kept = Kept::default();
    let first = |keep: bool| {
        let (mut join, mut made) = (Join::over(kept.clone()), Made::default());
        join.take(&stream(), happened(0, &start(A)), &mut made);
        if keep {
            join.keep();
        }
    };
    let second = || {
        let (mut join, mut made) = (Join::over(kept.clone()), Made::default());
        join.take(&stream(), happened(150, &report(A, "")), &mut made);
        join.settle(&mut made);
        made.invocations.remove(0).invocation.started_at
    };
    first(false);
    assert_eq!(second(), at(50));
    first(true);
    assert_eq!((second(), second()), (at(0), at(0)), "what is not kept has no effect");
}

#[test]
fn there_are_never_more_streams_than_the_limit() {
    let (mut join, mut made) = (Join::over(Kept::default()), Made::default());
    let many = MAX_STREAMS + 100;
    for number in 0..many {
        let place = place(Some(&format!("2024/09/05/[7]{number}")));
        join.take(&place, happened(0, &start(A)), &mut made);
        join.take(&place, happened(100, &report(B, "")), &mut made);
        assert!(join.streams.len() <= MAX_STREAMS);
    }
    join.settle(&mut made);
    assert_eq!((made.invocations.len(), join.unfinished()), (many, many as u64), "nothing is lost");
    join.keep();
}

#[test]
fn there_are_never_more_open_than_the_limit() {
    let (mut join, mut made) = (Join::over(Kept::default()), Made::default());
    for number in 0..(MAX_OPEN + 2_000) {
        let place = place(Some(&format!("2024/09/05/[7]{}", number / 900)));
        let event = Event::Start { request_id: number.to_string(), version: None, trace: None };
        join.take(&place, Happened { time: at(0), origin_id: String::new(), event }, &mut made);
        assert!(join.open <= MAX_OPEN);
    }
    assert_eq!(join.unfinished(), (MAX_OPEN + 2_000) as u64);
}

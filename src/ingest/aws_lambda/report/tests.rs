//! The TAB grammar, form by form.

use std::time::Duration;

use crate::model::Outcome;
use crate::units::Megabytes;

use super::*;

const ID: &str = "94f4a28a-dbe3-4114-9f2b-0b3ae40f4dbc";

fn read(fields: &str) -> Report {
    match report(&format!("RequestId: {ID}\t{fields}")) {
        Ok(Event::Report(report)) => *report,
        other => panic!("a report: {other:?}"),
    }
}

fn broken(fields: &str) -> &'static str {
    report(&format!("RequestId: {ID}\t{fields}")).expect_err("it is broken").0
}

const WARM: &str = "Duration: 127.10 ms\tBilled Duration: 128 ms\tMemory Size: 2048 MB\tMax Memory Used: 212 MB";

#[test]
fn a_warm_line_with_and_without_its_last_tab() {
    for end in ["", "\t", "\t\n"] {
        let report = read(&format!("{WARM}{end}"));
        assert_eq!(report.request_id, ID);
        assert_eq!(report.duration, Duration::from_nanos(127_100_000));
        assert_eq!((report.billed_ms, report.memory), (128, Megabytes(2_048)));
        assert_eq!(report.peak_memory, Some(Megabytes(212)));
        assert_eq!((report.init, report.restore, report.failure, report.trace), (None, None, None, None));
    }
}

#[test]
fn billed_is_as_given_though_the_printed_duration_is_rounded() {
    let report = read("Duration: 155.00 ms\tBilled Duration: 156 ms\tMemory Size: 1769 MB\tMax Memory Used: 40 MB\t");
    assert_eq!((report.duration, report.billed_ms), (Duration::from_millis(155), 156));
}

#[test]
fn cold_lines_have_init_or_restore_wherever_it_stands() {
    let cold = read(&format!("{WARM}\tInit Duration: 264.75 ms\t"));
    assert_eq!(cold.init, Some(Duration::from_nanos(264_750_000)));
    let emulator = read(&format!("Init Duration: 0.12 ms\t{WARM}\t"));
    assert_eq!(emulator.init, Some(Duration::from_nanos(120_000)));
    let restored = read(&format!("{WARM}\tRestore Duration: 325.93 ms\tBilled Restore Duration: 26 ms\t"));
    assert_eq!((restored.init, restored.restore), (None, Some(Duration::from_nanos(325_930_000))));
}

#[test]
fn failures_have_a_status() {
    let failure = |fields: &str| read(&format!("{WARM}\t{fields}")).failure.expect("a failure");
    assert_eq!(failure("Status: timeout").outcome, Outcome::Timeout);
    let exit = failure("Status: error\tError Type: Runtime.ExitError");
    assert_eq!((exit.outcome, exit.error_type.as_deref()), (Outcome::Error, Some("Runtime.ExitError")));
    assert_eq!(failure("Status: error\tError Type: Runtime.OutOfMemory").outcome, Outcome::OutOfMemory);
    assert_eq!(read(&format!("{WARM}\tStatus: success")).failure, None);
    assert!(broken(&format!("{WARM}\tStatus: great")).contains("status"));
}

#[test]
fn xray_follows_on_a_line_of_its_own() {
    let xray = "XRAY TraceId: 1-66d978e5-0af7651916cd43dd8448eb21\tSegmentId: 29c3839e6ecb5895\tSampled: true\t";
    let trace = read(&format!("{WARM}\t\n{xray}\n")).trace.expect("a trace");
    assert_eq!(trace.trace_id.to_string(), "66d978e50af7651916cd43dd8448eb21");
    assert_eq!(trace.span_id.map(|id| id.to_string()).as_deref(), Some("29c3839e6ecb5895"));
    assert!(trace.sampled);
    assert!(broken(&format!("{WARM}\t\nXRAY TraceId: 1-66d978e5-short\t")).contains("XRAY"));
}

#[test]
fn what_is_missing_doubled_or_unreadable_is_broken() {
    for (fields, says) in [
        ("Duration: 1.00 ms\tMemory Size: 1 MB", "Billed Duration"),
        ("Billed Duration: 1 ms\tMemory Size: 1 MB", "without a Duration"),
        ("Duration: 1.00 ms\tBilled Duration: 1 ms", "Memory Size"),
        ("Duration: 1.00 s\tBilled Duration: 1 ms\tMemory Size: 1 MB", "number of ms"),
        ("Duration: -1.00 ms\tBilled Duration: 1 ms\tMemory Size: 1 MB", "number of ms"),
        ("Duration: 1.00 ms\tBilled Duration: 1.5 ms\tMemory Size: 1 MB", "whole ms"),
        ("Duration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 1 kB", "whole MB"),
        ("Duration: 1.00 ms\tDuration: 2.00 ms", "twice"),
        ("Duration", "'Name: value'"),
        ("Duration: 1.00 ms\tBilled Duration: 9223372036854775808 ms\tMemory Size: 1 MB", "beyond"),
    ] {
        assert!(broken(fields).contains(says), "{fields}: {}", broken(fields));
    }
    assert!(report("RequestId: a b\tDuration: 1.00 ms").is_err());
    let many: String = (0..80).map(|n| format!("F{n}: 1\t")).collect();
    assert!(broken(&many).contains("64"));
}

#[test]
fn fields_that_are_new_are_passed_over() {
    assert_eq!(read(&format!("{WARM}\tSomething New: 7 units\t")).billed_ms, 128);
}

#[test]
fn init_lines_tell_runtime_region_and_length() {
    let started = init_start(
        "Runtime Version: python:3.12.v36\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:188d9ca2",
        None,
    );
    let Ok(Event::Init(init)) = started else { panic!("{started:?}") };
    assert_eq!((init.runtime.as_deref(), init.region.as_deref()), (Some("python:3.12.v36"), Some("eu-west-1")));
    let reported = init_report("Init Duration: 10009.13 ms\tPhase: init\tStatus: timeout");
    let Ok(Event::InitReport(init)) = reported else { panic!("{reported:?}") };
    assert_eq!(init.length, Some(Duration::from_nanos(10_009_130_000)));
    assert_eq!(init.failure.map(|failure| failure.outcome), Some(Outcome::Timeout));
    let reported = restore_report("Restore Duration: 325.93 ms");
    let Ok(Event::InitReport(restore)) = reported else { panic!("{reported:?}") };
    assert_eq!(restore.kind, Some(InitType::SnapStart));
}

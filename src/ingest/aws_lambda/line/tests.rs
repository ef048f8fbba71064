//! Messages as Lambda and its runtimes write them.

use proptest::prelude::*;

use super::*;

const ID: &str = "94f4a28a-dbe3-4114-9f2b-0b3ae40f4dbc";

fn line(text: &str) -> Line {
    match parse(text) {
        Ok(Event::Line(line)) => line,
        other => panic!("a plain line: {other:?}"),
    }
}

fn failed_by(text: &str) -> (Option<String>, Failure) {
    match parse(text) {
        Ok(Event::Failed { request_id, failure, .. }) => (request_id, failure),
        other => panic!("a failure: {other:?}"),
    }
}

#[test]
fn start_end_and_extension_lines() {
    let start = |text: &str| match parse(text) {
        Ok(Event::Start { request_id, version, .. }) => (request_id, version),
        other => panic!("a start: {other:?}"),
    };
    assert_eq!(
        start(&format!("START RequestId: {ID} Version: $LATEST\n")),
        (ID.to_owned(), Some("$LATEST".to_owned()))
    );
    assert_eq!(start(&format!("START RequestId: {ID}")), (ID.to_owned(), None));
    assert_eq!(parse(&format!("END RequestId: {ID}\n")), Ok(Event::Other));
    assert_eq!(parse("EXTENSION\tName: x\tState: Ready\tEvents: [INVOKE]"), Ok(Event::Other));
    assert!(parse("REPORT RequestId: x").is_err(), "a platform line that breaks its grammar is not a log line");
}

#[test]
fn what_only_looks_like_the_platform_is_a_log_line() {
    for text in ["START the engine", "END", "REPORT: all is well", "START RequestId: ? Version: 1", "XRAY vision", ""] {
        assert_eq!(line(text).body, text);
    }
}

#[test]
fn runtimes_lines_have_level_and_request() {
    let node = line(&format!("2024-09-05T12:00:00.123Z\t{ID}\tWARN\tlow on tea\twith a tab\n"));
    assert_eq!((node.request_id.as_deref(), node.level.as_str()), (Some(ID), "WARN"));
    assert_eq!(node.body, "low on tea\twith a tab");
    let python = line(&format!("[INFO]\t2024-09-05T12:00:00.123Z\t{ID}\thello\nworld\n"));
    assert_eq!((python.request_id.as_deref(), python.level.as_str()), (Some(ID), "INFO"));
    assert_eq!(python.body, "hello\nworld");
    assert_eq!(line("2024-09-05T12:00:00.123Z\tundefined\tINFO\tinit").request_id, None);
    assert_eq!(line("a\tb\tc\td").body, "a\tb\tc\td");
}

#[test]
fn json_lines_keep_what_is_no_column_as_attributes() {
    let json = line(&format!(
        r#"{{"timestamp":"2024-09-05T12:00:00Z","level":"ERROR","requestId":"{ID}","message":"no","n":7,"o":{{"k":[1]}}}}"#
    ));
    assert_eq!((json.request_id.as_deref(), json.level.as_str(), json.body.as_str()), (Some(ID), "ERROR", "no"));
    assert_eq!(json.attributes.get("n").map(String::as_str), Some("7"));
    assert_eq!(json.attributes.get("o").map(String::as_str), Some(r#"{"k":[1]}"#));
    let text = r#"{"answer":42}"#;
    assert_eq!(line(text).body, text);
    assert_eq!(line("{not json").body, "{not json");
}

#[test]
fn timeouts_and_crashes() {
    for text in [
        format!("2024-09-05T12:00:00.123Z {ID} Task timed out after 3.00 seconds\n\n"),
        format!("{ID} Task timed out after 900.10 seconds"),
    ] {
        let (request_id, failure) = failed_by(&text);
        assert_eq!((request_id.as_deref(), failure.outcome), (Some(ID), Outcome::Timeout));
        assert!(failure.message.expect("a message").starts_with("Task timed out after "));
    }
    let (request_id, exit) =
        failed_by(&format!("RequestId: {ID} Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n"));
    assert_eq!((request_id.as_deref(), exit.error_type.as_deref()), (Some(ID), Some("Runtime.ExitError")));
    assert_eq!(exit.message.as_deref(), Some("Runtime exited with error: signal: killed"));
    let (_, memory) = failed_by(&format!("RequestId: {ID} Error: Runtime exited\nRuntime.OutOfMemory"));
    assert_eq!(memory.outcome, Outcome::OutOfMemory);
    let (_, old) = failed_by(&format!("RequestId: {ID} Process exited before completing request"));
    assert_eq!(old.outcome, Outcome::Error);
}

#[test]
fn errors_that_a_handler_raised() {
    let (request_id, python) = failed_by("[ERROR] ValueError: no: bad\rTraceback (most recent call last):\r  File x");
    assert_eq!(
        (request_id, python.error_type.as_deref(), python.message.as_deref()),
        (None, Some("ValueError"), Some("no: bad"))
    );
    let (request_id, node) = failed_by(&format!(
        "2024-09-05T12:00:00.123Z\t{ID}\tERROR\tInvoke Error \t{{\"errorType\":\"TypeError\",\"errorMessage\":\"x\"}}"
    ));
    assert_eq!((request_id.as_deref(), node.error_type.as_deref()), (Some(ID), Some("TypeError")));
    assert_eq!(line(&format!("2024-09-05T12:00:00.123Z\t{ID}\tERROR\tInvoke Error was handled")).level, "ERROR");
    assert_eq!(line("[ERROR] only said so").body, "[ERROR] only said so");
}

/// Lines that mean something, to be damaged.
fn sample() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        format!("START RequestId: {ID} Version: $LATEST\n"),
        format!(
            "REPORT RequestId: {ID}\tDuration: 127.10 ms\tBilled Duration: 154 ms\tMemory Size: 2048 MB\tMax Memory Used: 212 MB\tRestore Duration: 325.93 ms\tStatus: error\tError Type: Runtime.ExitError\t\nXRAY TraceId: 1-66d978e5-0af7651916cd43dd8448eb21\tSegmentId: 29c3839e6ecb5895\tSampled: true\t\n"
        ),
        "INIT_REPORT Init Duration: 10009.13 ms\tPhase: init\tStatus: timeout\tError Type: Runtime.InvalidEntrypoint"
            .to_owned(),
        "INIT_START Runtime Version: python:3.12.v36\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:1"
            .to_owned(),
        format!("2024-09-05T12:00:00.123Z {ID} Task timed out after 3.00 seconds\n\n"),
        format!("RequestId: {ID} Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n"),
        format!(
            r#"{{"time":"2024-09-05T12:00:00Z","type":"platform.report","record":{{"requestId":"{ID}","status":"success","metrics":{{"durationMs":101.51,"billedDurationMs":102,"memorySizeMB":128,"maxMemoryUsedMB":33}}}}}}"#
        ),
        "[ERROR] ValueError: no\rTraceback (most recent call last):\r".to_owned(),
    ])
}

proptest! {
    /// Whatever is done to a line, reading it ends with an event or with what is broken about it.
    #[test]
    fn damaged_lines_do_no_harm(
        text in sample(),
        at in any::<prop::sample::Index>(),
        length in 0usize..12,
        put in "\\PC{0,4}|[\t\n\r:{}\".0-9-]{0,4}",
    ) {
        let begin = text.floor_char_boundary(at.index(text.len() + 1));
        let end = text.ceil_char_boundary((begin + length).min(text.len()));
        let damaged = format!("{}{put}{}", &text[..begin], &text[end..]);
        if let Ok(Event::Report(report)) = parse(&damaged) {
            prop_assert!(report.billed_ms >= 0);
            prop_assert!(is_request_id(&report.request_id));
        }
    }

    #[test]
    fn any_text_is_read(text in "\\PC{0,200}") {
        let _either = parse(&text);
    }
}

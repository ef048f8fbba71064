//! wasi:http components, by way of the probe in `tests/guests/probe`.

use std::time::Duration;

use super::{Bench, guest, spec};
use crate::clock::Clock;
use crate::model::{FunctionSpec, Severity};
use crate::runtime::{GuestKind, Reply, Stream};
use crate::units::{ByteCount, Megabytes};

const PROBE: &str = "probe/probe.wasm";

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_reused_until_it_fails() {
    let bench = Bench::new();
    let function = bench.deploy(spec("probe"), 1, &guest(PROBE)).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let done = bench.call(&function, "/count", "").await;
        assert_eq!(done.ended(), ("ok", ""), "{}", done.message());
        seen.push((done.text().to_owned(), done.execution.cold, done.execution.environment_id.clone()));
        assert_eq!(done.execution.kind, GuestKind::WasiHttp);
    }
    assert_eq!(
        seen.iter().map(|(text, cold, _)| (text.as_str(), *cold)).collect::<Vec<_>>(),
        [("1", true), ("2", false), ("3", false)]
    );
    assert!(seen.iter().all(|(_, _, id)| *id == seen[0].2));
    assert_eq!(bench.runtime.status().idle_environments, 1);

    let done = bench.call(&function, "/trap", "").await;
    assert_eq!(done.ended(), ("error", "Trap.UnreachableCodeReached"));
    assert_eq!((done.status, done.execution.cold), (None, false));
    assert_eq!(bench.runtime.status().idle_environments, 0);
    let done = bench.call(&function, "/count", "").await;
    assert_eq!((done.text(), done.execution.cold), ("1", true));
    assert_ne!(done.execution.environment_id, seen[0].2);
    assert_eq!(done.execution.phases.load, Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_have_their_own_words() {
    let bench = Bench::new();
    let small = FunctionSpec { memory: Megabytes(32), ..spec("probe") };
    let short = FunctionSpec { timeout: Duration::from_millis(300), ..small.clone() };
    let function = bench.deploy(small, 1, &guest(PROBE)).await;
    let hurried = bench.deploy(short, 2, &guest(PROBE)).await;
    let cases = [
        ("/recurse", "error", "Trap.StackOverflow"),
        ("/never", "error", "NoResponse"),
        ("/grow", "out_of_memory", "OutOfMemory"),
        ("/spin", "timeout", "Timeout"),
        ("/sleep?ms=60000", "timeout", "Timeout"),
        ("/cut", "error", "Trap.UnreachableCodeReached"),
        ("/panic", "error", "Trap.UnreachableCodeReached"),
    ];
    for (path, outcome, error_type) in cases {
        let function = if outcome == "timeout" { &hurried } else { &function };
        let done = bench.call(function, path, "").await;
        assert_eq!(done.ended(), (outcome, error_type), "{path}: {}", done.message());
        assert_eq!((done.status, done.execution.http_status), (None, None), "{path}");
        assert!(done.execution.phases.handler < Duration::from_secs(10), "{path}");
        assert_eq!(bench.runtime.status().idle_environments, 0, "{path}");
    }
    let done = bench.call(&function, "/panic", "").await;
    assert!(done.message().contains("because it was asked to"), "{}", done.message());
    let done = bench.call(&function, "/grow_ok", "").await;
    assert_eq!(done.ended(), ("ok", ""));
    let peak = done.execution.peak_memory.0;
    assert!((30 << 20..=32 << 20).contains(&peak), "{peak}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_replies_pass_whole() {
    let bench = Bench::new();
    let env = [("GREETING".to_owned(), "hello".to_owned())].into();
    let function = bench.deploy(FunctionSpec { env, ..spec("probe") }, 1, &guest(PROBE)).await;
    let mut request = bench.request("/fn/probe/echo", "a body");
    request.headers.insert("content-type", "text/csv".parse().unwrap());
    let done = bench.send(&function, request).await;
    assert_eq!((done.text(), done.headers["content-type"].to_str().unwrap()), ("a body", "text/csv"));
    assert_eq!((done.execution.request_size, done.execution.response_size), (ByteCount(6), ByteCount(6)));

    let done = bench.call(&function, "/status?code=418", "").await;
    assert_eq!((done.status, done.execution.http_status, done.ended()), (Some(418), Some(418), ("ok", "")));

    let mut request = bench.request("/headers", "");
    request.headers.insert("x-mine", "1".parse().unwrap());
    request.headers.insert("connection", "close".parse().unwrap());
    let done = bench.send(&function, request).await;
    let headers: serde_json::Value = serde_json::from_slice(&done.body).unwrap();
    assert_eq!(headers["x-mine"][0], "1");
    assert_eq!(headers["x-faremeter-invocation-id"][0], "inv-1");
    assert!(headers["traceparent"][0].as_str().unwrap().starts_with("00-0af7"));
    assert!(headers.get("connection").is_none());

    let done = bench.call(&function, "/env", "").await;
    let env: serde_json::Value = serde_json::from_slice(&done.body).unwrap();
    assert_eq!((&env["GREETING"], &env["FAREMETER_FUNCTION_VERSION"]), (&"hello".into(), &"1".into()));
    assert_eq!(env.as_object().unwrap().len(), 4);

    let done = bench.call(&function, "/noread", vec![0; 4 << 20]).await;
    assert_eq!((done.text(), done.ended()), ("ok", ("ok", "")));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outside_is_reached() {
    let bench = Bench::new();
    let function = bench.deploy(spec("probe"), 1, &guest(PROBE)).await;
    let done = bench.call(&function, "/outgoing?url=http://127.0.0.1:1/", "").await;
    assert!(done.text().starts_with("error: ") && done.text().contains("HttpRequestDenied"), "{}", done.text());
    let done = bench.call(&function, "/file", "").await;
    assert!(done.text().starts_with("error: "), "{}", done.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_component_prints_becomes_log_records() {
    let bench = Bench::new();
    let function = bench.deploy(spec("probe"), 1, &guest(PROBE)).await;
    for _ in 0..2 {
        let done = bench.call(&function, "/log", "").await;
        let logs = &done.execution.logs;
        let lines: Vec<_> = logs.iter().map(|log| (log.stream, log.severity, log.body.as_str())).collect();
        let expected = [
            (Stream::Stderr, Severity::Info, "plain line on stderr"),
            (Stream::Stderr, Severity::Warn, "careful"),
            (Stream::Stderr, Severity::Error, "ERROR something broke"),
            (Stream::Stderr, Severity::Info, "in two pieces"),
            (Stream::Stdout, Severity::Info, "plain line on stdout"),
            (Stream::Stdout, Severity::Info, "json on stdout"),
            (Stream::Stderr, Severity::Info, "last line without an end"),
        ];
        assert_eq!(lines, expected);
        assert!(logs.windows(2).all(|pair| pair[0].time < pair[1].time));
        assert_eq!(logs[1].attributes.get("n").map(String::as_str), Some("7"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_and_slow_replies_stream() {
    let bench = Bench::new();
    let function = bench.deploy(spec("probe"), 1, &guest(PROBE)).await;
    let slow = bench.call(&function, "/stream?chunks=4&ms=80", "").await;
    assert!(slow.streamed && slow.chunks >= 2, "{}", slow.chunks);
    assert_eq!((slow.text(), slow.ended()), ("chunk 0\nchunk 1\nchunk 2\nchunk 3\n", ("ok", "")));
    assert!(slow.execution.phases.handler >= Duration::from_millis(240));
    assert_eq!(slow.execution.streamed, slow.execution.response_size);

    let quick = bench.call(&function, "/stream?chunks=3&ms=1", "").await;
    assert_eq!((quick.streamed, quick.text().lines().count()), (false, 3));
    assert_eq!(quick.execution.streamed, ByteCount(0));

    let large = bench.call(&function, "/big?bytes=5000000", "").await;
    assert!(large.streamed && large.body.len() == 5_000_000);
    assert_eq!(large.execution.response_size, ByteCount(5_000_000));
    let small = bench.call(&function, "/big?bytes=500000", "").await;
    assert!(!small.streamed && small.body.len() == 500_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_past_the_limit_ends() {
    let bench = Bench::with(Clock::system(), |config| config.response_bytes = 3 << 20);
    let function = bench.deploy(spec("probe"), 1, &guest(PROBE)).await;
    let done = bench.call(&function, "/big?bytes=1000000000", "").await;
    assert!(done.streamed);
    assert_eq!(done.ended(), ("error", "ResponseTooLarge"));
    assert!(done.body.len() as u64 <= 3 << 20);
    assert_eq!(done.execution.http_status, Some(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_goes_on_and_is_metered_when_its_caller_goes_away() {
    let bench = Bench::new();
    let timeout = Duration::from_secs(2);
    let function = bench.deploy(FunctionSpec { timeout, ..spec("probe") }, 1, &guest(PROBE)).await;
    let admission = bench.runtime.admit(&function).unwrap();
    let reply = bench.runtime.invoke(admission, bench.request("/stream?chunks=1000&ms=120", "")).await;
    let Reply::Streaming { response, execution, .. } = reply else { panic!("it should stream") };
    drop(response);
    let execution = execution.await;
    assert!(execution.phases.handler < Duration::from_secs(2), "the guest sees its stream closed");
    assert_eq!(execution.outcome.as_str(), "ok");

    let admission = bench.runtime.admit(&function).unwrap();
    let call = bench.runtime.invoke(admission, bench.request("/sleep?ms=150", ""));
    assert!(tokio::time::timeout(Duration::from_millis(30), call).await.is_err());
    assert_eq!(bench.runtime.status().running, 1);
    assert_eq!(bench.runtime.shutdown(Duration::from_secs(10)).await, 0);
    assert_eq!(bench.runtime.status().running, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_caller_holds_its_guest_only_until_the_limit() {
    let bench = Bench::new();
    let timeout = Duration::from_millis(400);
    let function = bench.deploy(FunctionSpec { timeout, ..spec("probe") }, 1, &guest(PROBE)).await;
    let admission = bench.runtime.admit(&function).unwrap();
    let reply = bench.runtime.invoke(admission, bench.request("/big?bytes=15000000", "")).await;
    let Reply::Streaming { response, execution, .. } = reply else { panic!("it should stream") };
    let execution = execution.await;
    assert_eq!(execution.error_type.as_deref(), Some("Timeout"));
    assert!(execution.response_size.0 < 4 << 20, "what waits is bounded: {:?}", execution.response_size);
    drop(response);
}

//! WASI preview 1 commands: every way in which one can end.

use std::time::Duration;

use super::{Bench, guest, spec};
use crate::model::{FunctionSpec, Severity};
use crate::runtime::{GuestKind, Stream};
use crate::units::{ByteCount, Megabytes};

/// A command that does nothing but `body`, with one page of memory.
fn command(body: &str) -> Vec<u8> {
    format!(r#"(module (memory (export "memory") 1) (func $inner {body}) (func (export "_start") (call $inner)))"#)
        .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_payload_goes_in_and_the_reply_comes_out() {
    let bench = Bench::new();
    let function = bench.deploy(spec("ok"), 1, &guest("ok.wat")).await;
    let payload = vec![b'p'; 300_000];
    let done = bench.call(&function, "/", payload.clone()).await;
    assert_eq!(done.ended(), ("ok", ""));
    assert_eq!((done.status, done.execution.http_status), (Some(200), Some(200)));
    assert_eq!(done.body, payload);
    assert_eq!(done.headers["content-type"], "text/plain; charset=utf-8");
    let execution = &done.execution;
    assert_eq!((execution.request_size, execution.response_size), (ByteCount(300_000), ByteCount(300_000)));
    assert_eq!(execution.peak_memory, ByteCount(2 << 16));
    assert_eq!(execution.kind, GuestKind::WasiPreview1);
    assert!(execution.cold && !done.streamed);
    let phases = execution.phases;
    assert!(phases.load > Duration::ZERO && phases.instantiate > Duration::ZERO && phases.handler > Duration::ZERO);
    assert_eq!((phases.compile, phases.init), (Duration::ZERO, Duration::ZERO));
    assert!(execution.cpu > Duration::ZERO && execution.cpu <= phases.handler);

    let again = bench.call(&function, "/", "x").await;
    assert!(!again.execution.cold);
    assert_eq!(again.execution.environment_id, execution.environment_id);
    assert_eq!(again.execution.phases.load, Duration::ZERO);
    assert_eq!(again.text(), "x");
}

#[tokio::test(flavor = "multi_thread")]
async fn input_that_is_never_read_is_no_failure() {
    let bench = Bench::new();
    let function = bench.deploy(spec("noinput"), 1, &guest("noinput.wat")).await;
    let done = bench.call(&function, "/", vec![0; 5 << 20]).await;
    assert_eq!((done.ended(), done.text()), (("ok", ""), "ok"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_is_named_with_the_functions_it_was_in() {
    let bench = Bench::new();
    let cases = [
        ("unreachable", "Trap.UnreachableCodeReached"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "Trap.IntegerDivisionByZero"),
        ("(drop (i32.load (i32.const 70000)))", "Trap.MemoryOutOfBounds"),
    ];
    for (number, (body, error_type)) in (1..).zip(cases) {
        let function = bench.deploy(spec("trap"), number, &command(body)).await;
        let done = bench.call(&function, "/", "").await;
        assert_eq!(done.ended(), ("error", error_type));
        assert!(done.message().contains("; in inner"), "{}", done.message());
        assert_eq!((done.status, done.execution.http_status), (None, None));
    }
    let function = bench.deploy(spec("overflow"), 1, &guest("overflow.wat")).await;
    let done = bench.call(&function, "/", "").await;
    assert_eq!(done.ended(), ("error", "Trap.StackOverflow"));
    assert!(done.message().contains("deeper"), "{}", done.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exit_code_is_an_error_with_the_last_line_of_stderr() {
    let bench = Bench::new();
    let function = bench.deploy(spec("exit"), 1, &guest("exit.wat")).await;
    let done = bench.call(&function, "/", "").await;
    assert_eq!(done.ended(), ("error", "Exit.3"));
    assert!(done.message().starts_with("the guest exited with code 3: stock file is damaged"), "{}", done.message());
    let exit0 = r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const 0))))"#;
    let function = bench.deploy(spec("exit0"), 1, exit0.as_bytes()).await;
    let done = bench.call(&function, "/", "").await;
    assert_eq!((done.ended(), done.status), (("ok", ""), Some(200)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spinning_and_a_waiting_guest_are_ended_at_their_limit() {
    let bench = Bench::new();
    let timeout = Duration::from_millis(120);
    let short = |name: &str| FunctionSpec { timeout, ..spec(name) };
    let spin = bench.deploy(short("spin"), 1, &guest("spin.wat")).await;
    let sleep = bench.deploy(short("sleep"), 1, &guest("sleep.wat")).await;
    let (spun, slept) = tokio::join!(bench.call(&spin, "/", ""), bench.call(&sleep, "/", "60000"));
    for done in [&spun, &slept] {
        assert_eq!(done.ended(), ("timeout", "Timeout"));
        assert!(done.message().contains("120ms"), "{}", done.message());
        // A generous bound, as the machine may be busy: what is shown is that neither ran for seconds.
        let handler = done.execution.phases.handler;
        assert!(handler >= timeout && handler < Duration::from_secs(5), "{handler:?}");
    }
    assert!(slept.execution.cpu < Duration::from_millis(60));
    assert!(spun.execution.cpu > slept.execution.cpu);
    let done = bench.call(&sleep, "/", "20").await;
    assert_eq!((done.ended(), done.text()), (("ok", ""), "slept"));
    assert!(done.execution.phases.handler >= Duration::from_millis(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_memory_matters_only_to_a_guest_that_fails() {
    let bench = Bench::new();
    let small = |name: &str| FunctionSpec { memory: Megabytes(16), ..spec(name) };
    let function = bench.deploy(small("grow"), 1, &guest("grow.wat")).await;
    let done = bench.call(&function, "/", "").await;
    assert_eq!(done.ended(), ("out_of_memory", "OutOfMemory"));
    let peak = done.execution.peak_memory.0;
    assert!((15 << 20..=16 << 20).contains(&peak), "{peak}");
    assert!(done.message().starts_with("memory growth was refused, then: "), "{}", done.message());

    let function = bench.deploy(small("grow_ok"), 1, &guest("grow_ok.wat")).await;
    let done = bench.call(&function, "/", "").await;
    assert_eq!((done.ended(), done.text()), (("ok", ""), "refused"));

    let large = br#"(module (memory 300) (func (export "_start")))"#;
    let function = bench.deploy(small("large"), 1, large).await;
    let done = bench.call(&function, "/", "").await;
    assert_eq!(done.ended(), ("out_of_memory", "OutOfMemory"));
}

#[tokio::test(flavor = "multi_thread")]
async fn four_gigabytes_can_be_held() {
    let bench = Bench::new();
    let grow = "(if (i32.eq (memory.grow (i32.const 65535)) (i32.const -1)) (then unreachable))
        (i32.store (i32.const 0xfffffff0) (i32.const 1))";
    let spec = FunctionSpec { memory: Megabytes(4096), ..spec("four") };
    let function = bench.deploy(spec, 1, &command(grow)).await;
    let done = bench.call(&function, "/", "").await;
    assert_eq!(done.ended(), ("ok", ""), "{}", done.message());
    assert_eq!(done.execution.peak_memory, ByteCount(1 << 32));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_past_the_limit_ends_the_guest() {
    let bench = Bench::with(crate::clock::Clock::system(), |config| config.response_bytes = 1 << 20);
    let function = bench.deploy(spec("bigreply"), 1, &guest("bigreply.wat")).await;
    let done = bench.call(&function, "/", "").await;
    assert_eq!(done.ended(), ("error", "ResponseTooLarge"));
    assert!(done.message().contains("1048576"), "{}", done.message());
    assert!(done.execution.response_size.0 <= 1 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_flood_is_cut_and_counted() {
    let bench = Bench::new();
    let function = bench.deploy(spec("flood"), 1, &guest("flood.wat")).await;
    let done = bench.call(&function, "/", "").await;
    assert_eq!((done.ended(), done.text()), (("ok", ""), "flooded"));
    let execution = &done.execution;
    assert_eq!(execution.logs.len() as u64 + execution.logs_dropped, 100_000);
    // Of 63 bytes each, and 256 more for the record of a line.
    assert_eq!(execution.logs.len(), (256 << 10) / (63 + 256));
    assert!(execution.logs[0].body.starts_with("line 000000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_on_stderr_become_log_records() {
    let bench = Bench::new();
    let function = bench.deploy(spec("log"), 1, &guest("log.wat")).await;
    let done = bench.call(&function, "/", "").await;
    let severities: Vec<_> = done.execution.logs.iter().map(|log| log.severity).collect();
    assert_eq!(severities, [Severity::Info, Severity::Warn, Severity::Error]);
    assert!(done.execution.logs.iter().all(|log| log.stream == Stream::Stderr));
    assert_eq!(done.execution.logs[1].attributes.get("n").map(String::as_str), Some("7"));
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_are_the_functions_and_the_requests_and_no_others() {
    let bench = Bench::new();
    let env = [("GREETING", "hello"), ("REQUEST_METHOD", "mine"), ("FAREMETER_FUNCTION_NAME", "mine")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let function = bench.deploy(FunctionSpec { env, ..spec("environ") }, 3, &guest("environ.wat")).await;
    let mut request = bench.request("/fn/environ/a?x=1&y=2", "body");
    request.headers.insert("content-type", "text/csv".parse().unwrap());
    let done = bench.send(&function, request).await;
    let mut lines: Vec<_> = done.text().lines().collect();
    lines.sort_unstable();
    let expected = [
        "CONTENT_LENGTH=4",
        "CONTENT_TYPE=text/csv",
        "FAREMETER_FUNCTION_NAME=environ",
        "FAREMETER_FUNCTION_VERSION=3",
        "FAREMETER_INVOCATION_ID=inv-1",
        "FAREMETER_MEMORY_MB=128",
        "GREETING=hello",
        "PATH_INFO=/fn/environ/a",
        "QUERY_STRING=x=1&y=2",
        "REQUEST_METHOD=POST",
        "TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ];
    assert_eq!(lines, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn start_code_is_init_and_the_rest_is_not() {
    let bench = Bench::new();
    let burn = |steps: u32| {
        format!(
            "(local $n i32) (loop $l (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $l (i32.lt_u (local.get $n) (i32.const {steps}))))"
        )
    };
    let module = format!(
        r#"(module (memory (export "memory") 1) (func $init {}) (start $init) (func (export "_start") {}))"#,
        burn(20_000_000),
        burn(10)
    );
    let function = bench.deploy(spec("init"), 1, module.as_bytes()).await;
    // The least of a few: the machine may be busy.
    let (mut init, mut others) = (Duration::MAX, Duration::MAX);
    for _ in 0..8 {
        let phases = bench.call(&function, "/", "").await.execution.phases;
        init = init.min(phases.init);
        others = others.min(phases.instantiate + phases.handler);
    }
    assert!(init > Duration::from_millis(2) && others < init, "{init:?} {others:?}");

    let trap =
        br#"(module (memory (export "memory") 1) (func $init unreachable) (start $init) (func (export "_start")))"#;
    let function = bench.deploy(spec("init-trap"), 1, trap).await;
    assert_eq!(bench.call(&function, "/", "").await.ended(), ("error", "Trap.UnreachableCodeReached"));

    let spin =
        br#"(module (memory (export "memory") 1) (func $init (loop br 0)) (start $init) (func (export "_start")))"#;
    let timeout = Duration::from_millis(60);
    let function = bench.deploy(FunctionSpec { timeout, ..spec("init-spin") }, 1, spin).await;
    let done = bench.call(&function, "/", "").await;
    assert_eq!(done.ended(), ("timeout", "Timeout"));
    assert!(done.execution.phases.init >= timeout, "{:?}", done.execution.phases);
    assert_eq!(done.execution.phases.handler, Duration::ZERO);
}

//! Every outcome of the contract, each with a guest that provokes it; each leaves one record, and the server goes on.

use crate::support::http::{Request, Response};
use crate::support::rows::Row;
use crate::support::server::Server;
use crate::support::{guest, money, probe, wait_until};

/// A call that ends in a known way.
struct Case {
    /// The guest's file; or the path that the probe is called with.
    guest: &'static str,
    payload: &'static str,
    outcome: &'static str,
    status: u16,
    /// Part of the error type; empty for a call that is well.
    error: &'static str,
}

/// The wall-clock limit: short for what is to pass it, long for what is not, however slow the machine.
fn timeout(case: &Case) -> &'static str {
    if case.outcome == "timeout" { "400ms" } else { "20s" }
}

const fn case(
    guest: &'static str,
    payload: &'static str,
    outcome: &'static str,
    status: u16,
    error: &'static str,
) -> Case {
    Case { guest, payload, outcome, status, error }
}

/// Preview 1 commands, each deployed with 64 MB.
const COMMANDS: &[Case] = &[
    case("ok.wat", "tea", "ok", 200, ""),
    case("noinput.wat", "never read", "ok", 200, ""),
    case("log.wat", "", "ok", 200, ""),
    case("grow_ok.wat", "", "ok", 200, ""),
    case("sleep.wat", "20", "ok", 200, ""),
    case("trap.wat", "", "error", 502, "Trap"),
    case("overflow.wat", "", "error", 502, "Trap"),
    case("exit.wat", "", "error", 502, "3"),
    case("grow.wat", "", "out_of_memory", 502, "OutOfMemory"),
    case("spin.wat", "", "timeout", 504, "Timeout"),
    case("sleep.wat", "60000", "timeout", 504, "Timeout"),
    case("hog.wat", "100000000", "timeout", 504, "Timeout"),
];

/// The same for the component.
const PROBES: &[Case] = &[
    case("echo", "tea", "ok", 200, ""),
    case("noread", "never read", "ok", 200, ""),
    case("status?code=503", "", "ok", 503, ""),
    case("sleep?ms=20", "", "ok", 200, ""),
    case("outgoing?url=http://127.0.0.1:9/", "", "ok", 200, ""),
    case("file", "", "ok", 200, ""),
    case("trap", "", "error", 502, "Trap"),
    case("panic", "", "error", 502, ""),
    case("recurse", "", "error", 502, ""),
    case("never", "", "error", 502, ""),
    case("grow", "", "out_of_memory", 502, "OutOfMemory"),
    case("spin", "", "timeout", 504, "Timeout"),
    case("sleep?ms=60000", "", "timeout", 504, "Timeout"),
    case("hog?steps=1000000000000", "", "timeout", 504, "Timeout"),
];

#[test]
fn commands_end_as_they_should() {
    let server = Server::shared();
    server.deploy("out-alive", &guest("ok.wat"), &[]);
    for case in COMMANDS {
        let name = format!("out-{}-{}", case.guest.trim_end_matches(".wat"), case.outcome);
        server.deploy(&name, &guest(case.guest), &["--memory-mb", "64", "--timeout", timeout(case)]);
        let target = format!("/api/v1/functions/{name}/invocations");
        let answer = server.send(&Request::post(&target, case.payload));
        check(&server, case, &answer);
        assert_eq!(server.invoke("out-alive", "still here").text(), "still here", "after {}", case.guest);
    }
}

#[test]
fn components_end_as_they_should() {
    let server = Server::shared();
    for timeout in ["400ms", "20s"] {
        server.deploy(&format!("out-probe-{timeout}"), &probe(), &["--memory-mb", "64", "--timeout", timeout]);
    }
    for case in PROBES {
        let url = format!("/fn/out-probe-{}", timeout(case));
        let answer = server.send(&Request::post(&format!("{url}/{}", case.guest), case.payload));
        check(&server, case, &answer);
        assert_eq!(server.get("/fn/out-probe-20s/noread").text(), "ok", "after {}", case.guest);
    }
}

fn check(server: &Server, case: &Case, answer: &Response) {
    let about = format!("{} with '{}': {answer:?}", case.guest, case.payload);
    let well = case.outcome == "ok";
    assert_eq!(answer.status, case.status, "{about}");
    if !well {
        answer.problem(case.status);
    }
    let row = server.record(answer.invocation_id());
    assert_eq!((row.text("outcome"), row.int("http_status")), (case.outcome, i64::from(case.status)), "{row:?}");
    assert_eq!((row.is_null("error_type"), row.is_null("error_message")), (well, well), "{row:?}");
    if !well {
        assert!(row.text("error_type").contains(case.error), "'{}' names {}", row.text("error_type"), case.error);
        assert!(!row.text("error_message").contains('\n'), "one sentence: {row:?}");
    }
    assert_eq!(row.int("billed_ms"), money::billed_ms(&row), "what ran is billed: {row:?}");
    assert_eq!(money::units(row.text("list_cost")), money::price_of(&row));
    assert!(row.int("peak_memory_bytes") <= 64 << 20, "{row:?}");
    check_more(case, answer, &row);
}

/// What is particular to some guests.
fn check_more(case: &Case, answer: &Response, row: &Row) {
    let ran_ns = row.int("init_ns") + row.int("duration_ns");
    match (case.guest, case.outcome) {
        (_, "timeout") => assert!(ran_ns >= 400_000_000, "it had its time: {row:?}"),
        ("grow.wat" | "grow", _) => {
            let spare = (64 << 20) - row.int("peak_memory_bytes");
            assert!(spare <= 2 << 20, "the peak is near the limit: {row:?}");
        }
        ("grow_ok.wat", _) => assert_eq!(answer.text(), "refused"),
        ("exit.wat", _) => assert!(row.text("error_message").contains('3'), "{row:?}"),
        ("outgoing?url=http://127.0.0.1:9/", _) => assert!(answer.text().starts_with("error: "), "{answer:?}"),
        ("file", _) => assert!(answer.text().starts_with("error: "), "a guest has no files: {answer:?}"),
        ("sleep.wat" | "sleep?ms=20", _) => {
            assert!(ran_ns >= 20_000_000 && row.int("cpu_ns") < ran_ns, "waiting takes no CPU time: {row:?}");
        }
        _ => {}
    }
}

/// CPU time is what the guest burnt; it can be no more than the time that passed.
#[test]
fn cpu_time_is_measured() {
    let server = Server::shared();
    server.deploy("out-burn", &guest("hog.wat"), &["--timeout", "30s"]);
    let row = server.record(server.invoke("out-burn", "20000").invocation_id());
    assert_eq!(row.text("outcome"), "ok");
    let (cpu, passed) = (row.int("cpu_ns"), row.int("init_ns") + row.int("duration_ns"));
    assert!(cpu > 1_000_000 && cpu <= passed + 1_000_000, "cpu {cpu} ns of {passed} ns");
}

#[test]
fn a_failed_call_fails_the_command_with_the_reason() {
    let server = Server::shared();
    server.deploy("out-exit-cli", &guest("exit.wat"), &[]);
    let called = server.cli(&["invoke", "out-exit-cli", "--report"]);
    assert_eq!((called.code, called.stdout.as_str()), (1, ""), "{called:?}");
    let lines: Vec<&str> = called.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "the report and the reason: {called:?}");
    assert!(lines[0].starts_with("error 502 · cold · ") && lines[1].starts_with("error: "), "{called:?}");
}

/// Instances of a component are reused while they are well, and thrown away when they are not.
#[test]
fn environments_stay_warm_and_fail_alone() {
    let server = Server::shared();
    server.deploy("out-warm", &probe(), &[]);
    let call = |path: &str| {
        let answer = server.get(&format!("/fn/out-warm/{path}"));
        let row = server.record(answer.invocation_id());
        (answer, row)
    };
    let (first, second, third) = (call("count"), call("count"), call("count"));
    assert_eq!((first.0.text(), second.0.text(), third.0.text()), ("1", "2", "3"));
    assert_eq!((first.1.flag("cold"), second.1.flag("cold"), third.1.flag("cold")), (true, false, false));
    assert_eq!(first.1.text("environment_id"), third.1.text("environment_id"));
    assert_eq!((second.1.int("load_ns"), second.1.int("instantiate_ns"), second.1.int("init_ns")), (0, 0, 0));
    assert_eq!(call("trap").0.status, 502);
    let (answer, row) = call("count");
    assert_eq!((answer.text(), row.flag("cold")), ("1", true), "an instance that trapped is not used again");
    assert_ne!(row.text("environment_id"), first.1.text("environment_id"));
}

/// A command runs once in an instance; its environment is the slot, so the second call is warm and yet new.
#[test]
fn a_command_is_warm_at_its_second_call() {
    let server = Server::shared();
    server.deploy("out-slot", &guest("ok.wat"), &[]);
    let record = || server.record(server.invoke("out-slot", "x").invocation_id());
    let (first, second) = (record(), record());
    assert_eq!((first.flag("cold"), second.flag("cold")), (true, false));
    assert_eq!(first.text("environment_id"), second.text("environment_id"));
    assert_eq!(second.int("load_ns"), 0, "what is loaded stays loaded: {second:?}");
}

#[test]
fn idle_environments_expire() {
    let home = std::sync::Arc::new(crate::support::server::Home::new().config("[runtime]\nidle_timeout = \"300ms\"\n"));
    let server = home.serve();
    server.deploy("idle", &probe(), &[]);
    assert_eq!(server.get("/fn/idle/count").text(), "1");
    wait_until("the idle environment is gone", || {
        std::thread::sleep(std::time::Duration::from_millis(400));
        let answer = server.get("/fn/idle/count");
        (answer.text() == "1" && server.record(answer.invocation_id()).flag("cold")).then_some(())
    });
    assert!(server.stop().success());
}

#[test]
fn a_flood_of_logs_is_cut_at_the_limit() {
    let server = Server::shared();
    server.deploy("out-flood", &guest("flood.wat"), &["--timeout", "30s"]);
    let answer = server.invoke("out-flood", "");
    assert_eq!((answer.status, answer.text()), (200, "flooded"));
    let logs = format!("FROM logs WHERE invocation_id = '{}'", answer.invocation_id());
    let kept = server.row(&format!("SELECT count(*) AS n, CAST(sum(length(body)) AS BIGINT) AS bytes {logs}"));
    assert!((500..=1_000).contains(&kept.int("n")), "{kept:?}");
    assert!(kept.int("bytes") <= 256 << 10, "{kept:?}");
    let dropped = server.row(&format!("SELECT * {logs} AND body LIKE '%dropped%'"));
    let count: i64 = dropped.entry("attributes", "faremeter.dropped_lines").parse().expect("a count");
    assert_eq!(count + kept.int("n") - 1, 100_000, "what was dropped is counted: {dropped:?}");
}

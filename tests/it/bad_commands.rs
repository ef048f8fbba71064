//! Wrong input for every command: the exit code tells wrong usage from failure, and one sentence names what was wrong.

use std::sync::Arc;

use crate::support::cli::{Ran, cli};
use crate::support::server::{Home, Server, temporary_file};
use crate::support::{guest, path_text};

/// Checks that a command failed with `code` and that its error names `part`.
fn refused(ran: &Ran, code: i32, part: &str) {
    assert!(ran.failed(code).contains(part), "the error names '{part}': {ran:?}");
    assert_eq!(ran.stdout, "", "nothing on standard output: {ran:?}");
}

#[test]
fn wrong_usage_is_exit_code_two() {
    let ok = guest("ok.wat");
    let cases: &[(&[&str], &str)] = &[
        (&["frobnicate"], "frobnicate"),
        (&["serve", "--frobnicate"], "--frobnicate"),
        (&["serve", "--listen", "nowhere"], "nowhere"),
        (&["serve", "--wal-sync", "sometimes"], "sometimes"),
        (&["serve", "surplus"], "surplus"),
        (&["demo", "--load", "much"], "--load"),
        (&["deploy"], "NAME"),
        (&["deploy", "x"], "FILE"),
        (&["deploy", "x", &ok, "--memory-mb", "many"], "many"),
        (&["deploy", "x", &ok, "--memory-mb", "-5"], "-5"),
        (&["deploy", "x", &ok, "--memory-mb", "99999999999"], "99999999999"),
        (&["deploy", "x", &ok, "--timeout", "soon"], "soon"),
        (&["deploy", "x", &ok, "--timeout", "3"], "'3'"),
        (&["deploy", "x", &ok, "--env", "NOVALUE"], "NOVALUE"),
        (&["deploy", "x", &ok, "--tag", "=shop"], "=shop"),
        (&["deploy", "x", &ok, "--reserved-concurrency", "-1"], "-1"),
        (&["functions", "--output", "yaml"], "yaml"),
        (&["remove"], "NAME"),
        (&["invoke"], "NAME"),
        (&["invoke", "x", "--verbose"], "--verbose"),
        (&["logs", "x", "--since", "yesterday"], "yesterday"),
        (&["query"], "SQL"),
        (&["query", "SELECT 1", "--param", "x"], "'x'"),
        (&["query", "SELECT 1", "--file", "x.sql"], "--file"),
    ];
    for (args, part) in cases {
        refused(&cli(args), 2, part);
    }
    assert_eq!(cli(&[]).code, 2, "without a command there is help, and nothing was done");
    for command in ["serve", "demo", "deploy", "functions", "remove", "invoke", "logs", "query"] {
        let help = cli(&[command, "--help"]).ok();
        assert!(help.contains("Usage: ") && help.contains("--config") && help.contains("--data"), "{help}");
    }
}

#[test]
fn a_deployment_that_cannot_be_is_refused_with_the_reason() {
    let server = Server::shared();
    let ok = guest("ok.wat");
    let (_folder, text) = temporary_file("notes.wasm", b"these are notes, no code");
    let (_other_folder, empty) = temporary_file("empty.wasm", b"");
    let (_third_folder, torn) = temporary_file("torn.wat", b"(module (func (export \"_start\") nonsense))");
    let long_tag = format!("k={}", "v".repeat(300));
    let cases: &[(&[&str], &str)] = &[
        (&["a b", &ok], "a b"),
        (&["", &ok], "''"),
        (&["../up", &ok], "../up"),
        (&["bad", "no/such/file.wasm"], "no/such/file.wasm"),
        (&["bad", "/"], "'/'"),
        (&["bad", &text], "WebAssembly"),
        (&["bad", &empty], "empty"),
        (&["bad", &torn], "line 1"),
        (&["bad", &guest("nostart.wat")], "_start"),
        (&["bad", &guest("badimport.wat")], "env.open_till"),
        (&["bad", &ok, "--memory-mb", "0"], "memory_mb is 0"),
        (&["bad", &ok, "--memory-mb", "5000"], "5000"),
        (&["bad", &ok, "--timeout", "0s"], "timeout_ms is 0"),
        (&["bad", &ok, "--timeout", "16m"], "960000"),
        (&["bad", &ok, "--ephemeral-storage-mb", "100"], "100"),
        (&["bad", &ok, "--architecture", "sparc"], "sparc"),
        (&["bad", &ok, "--tenant", "a/b"], "a/b"),
        (&["bad", &ok, "--price-book", "acme"], "acme"),
        (&["bad", &ok, "--env", "1X=2"], "1X"),
        (&["bad", &ok, "--tag", &long_tag], "'k'"),
        (&["bad", &ok, "--reserved-concurrency", "100001"], "100001"),
    ];
    for (args, part) in cases {
        refused(&server.cli(&[&["deploy"], *args].concat()), 1, part);
    }
    server.get("/api/v1/functions/bad").problem(404);
}

#[test]
fn functions_that_are_not_there_are_named() {
    let server = Server::shared();
    refused(&server.cli(&["invoke", "no-such"]), 1, "no-such");
    refused(&server.cli(&["invoke", "no/such"]), 1, "such");
    refused(&server.cli(&["remove", "no-such"]), 1, "no-such");
    refused(&server.cli(&["invoke", "x", "--payload", "@no/such/file"]), 1, "no/such/file");
    let logs = server.cli(&["logs", "no-such"]);
    assert!(logs.code == 0 && logs.stdout.is_empty() || logs.failed(1).contains("no-such"), "{logs:?}");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let commands: [&[&str]; 5] =
        [&["functions"], &["deploy", "x", &guest("ok.wat")], &["invoke", "x"], &["logs", "x"], &["query", "SELECT 1"]];
    for command in commands {
        let run = |server: &str| cli(&[command, &["--server", server]].concat());
        refused(&run("http://127.0.0.1:1"), 1, "http://127.0.0.1:1");
        refused(&run("nonsense"), 1, "nonsense");
        refused(&run("ftp://127.0.0.1"), 1, "ftp://127.0.0.1");
    }
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let running = Server::shared();
    let address = running.address.to_string();
    let home = Home::new();
    let data = home.data_text();
    let (_folder, file) = temporary_file("file", b"");
    let serve = |args: &[&str]| cli(&[&["serve"], args].concat());
    refused(&serve(&["--data", &data, "--listen", &address]), 1, &address);
    refused(&serve(&["--data", &data, "--listen", "0.0.0.0:0"]), 1, "0.0.0.0");
    refused(&serve(&["--data", &running.home.data_text(), "--listen", "127.0.0.1:0"]), 1, &running.home.data_text());
    refused(&serve(&["--data", &file, "--listen", "127.0.0.1:0"]), 1, &file);
    assert_eq!(running.get("/healthz").status, 200, "the running server does not mind");
}

#[test]
fn a_configuration_file_that_is_wrong_is_refused() {
    let home = Home::new();
    let cases: [(&[u8], &str); 8] = [
        (b"region = ", "line 1"),
        (b"regoin = \"x\"", "regoin"),
        (b"[store]\ncommit_interval = \"10\"", "'10'"),
        (b"[store]\nwal_sync = \"never\"", "never"),
        (b"[runtime]\naccount_concurrency = -1", "-1"),
        (b"[query]\ntimeout = 60", "60"),
        (b"listen = \"nowhere\"", "listen"),
        (b"\xff\xfe", "faremeter.toml"),
    ];
    for (text, part) in cases {
        let (_folder, file) = temporary_file("faremeter.toml", text);
        let ran = cli(&["serve", "--config", &file, "--data", &home.data_text(), "--listen", "127.0.0.1:0"]);
        refused(&ran, 1, part);
        refused(&ran, 1, &file);
    }
    let ran = cli(&["query", "SELECT 1", "--config", "no/such.toml"]);
    refused(&ran, 1, "no/such.toml");
    assert!(!home.data().exists(), "nothing was begun");
}

/// The same queries fail in the same words with a server and without.
#[test]
fn queries_that_are_wrong_fail_with_the_reason() {
    let home = Arc::new(Home::new());
    let server = home.serve();
    let data = home.data_text();
    let cases: &[(&[&str], &str)] = &[
        (&["SELEC 1"], "SELEC"),
        (&["SELECT * FROM no_such"], "no_such"),
        (&["SELECT no_such FROM invocations"], "no_such"),
        (&["DROP TABLE invocations"], "DROP"),
        (&["SELECT * FROM '/etc/passwd'"], "/etc/passwd"),
        (&["SELECT $who"], "who"),
        (&["SELECT 1", "--param", "who=Ada"], "who"),
        (&["--file", "no/such.sql"], "no/such.sql"),
    ];
    let run = |args: &[&str]| cli(&[&["query", "--data", &data], args].concat());
    let online: Vec<Ran> = cases.iter().map(|(args, _)| run(args)).collect();
    assert!(server.stop().success());
    for ((args, part), online) in cases.iter().zip(&online) {
        refused(online, 1, part);
        let offline = run(args);
        refused(&offline, 1, part);
        let last = |ran: &Ran| ran.stderr.trim_end().lines().next_back().map(str::to_owned);
        assert_eq!(last(&offline), last(online), "{args:?}");
    }
}

#[test]
fn a_folder_that_is_no_store_is_not_made_one() {
    let (folder, file) = temporary_file("file", b"");
    refused(&cli(&["query", "SELECT 1", "--data", &file]), 1, "");
    let absent = path_text(folder.path().join("absent"));
    refused(&cli(&["query", "SELECT 1", "--data", &absent]), 1, "");
    assert!(!folder.path().join("absent").exists(), "asking makes no folder");
}

//! AWS Lambda's logs, imported on the data folder and through a server: real files counted by an own plain scan, nothing
//! twice, `kill -9` in between, and bounded memory.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::support::cli::{Running, cli};
use crate::support::rows::{Row, rows};
use crate::support::server::{Home, Server, temporary_file};
use crate::support::{path_text, repository, wait_until};

/// The real files are of May 2025.
const KEPT: &str = "[retention]\ninvocations = \"4000d\"\nlogs = \"4000d\"\n";
/// 2026-11-20T12:00:00Z
const AT: i64 = 1_795_176_000_000;

/// The real files; none where they are not beside the repository.
fn real_files() -> Vec<PathBuf> {
    let folder = repository().join("../shared/data/aws-lambda-logs");
    let files: Vec<PathBuf> = [1, 2, 4].iter().map(|n| folder.join(format!("aws_{n}_cloudwatch.json"))).collect();
    let there = files.iter().all(|file| file.is_file());
    if !there {
        println!("skipped: {} is not there", folder.display());
    }
    if there { files } else { Vec::new() }
}

/// Count, billed ms, hundredths of ms of duration, and MB·ms of the REPORTs in a file, by a scan that knows nothing of the
/// program's.
fn scan(file: &PathBuf) -> [i64; 4] {
    let text = std::fs::read_to_string(file).expect("the file is text");
    let mut sums = [0; 4];
    for line in text.lines().filter(|line| line.contains("\"REPORT RequestId: ")) {
        let number = |name: &str| -> i64 {
            let after = line.split(&format!("\\t{name}: ")).nth(1).expect("the field is there");
            after.split(' ').next().expect("a number").replace('.', "").parse().expect("digits")
        };
        let billed = number("Billed Duration");
        let of = [1, billed, number("Duration"), billed * number("Memory Size")];
        sums.iter_mut().zip(of).for_each(|(sum, more)| *sum += more);
    }
    sums
}

const SUMS: &str = "SELECT count(*) AS n, sum(billed_ms) AS billed, sum(duration_ns) / 10000 AS hundredths, \
    sum(billed_ms * memory_mb) AS mb_ms, count(list_cost) AS priced FROM invocations WHERE source = 'aws-lambda'";

fn sums(row: &Row) -> [i64; 4] {
    ["n", "billed", "hundredths", "mb_ms"].map(|name| row.int(name))
}

/// The rows of a command's JSON.
fn query(data: &str, sql: &str) -> Vec<Row> {
    let answer: Value =
        serde_json::from_str(&cli(&["query", sql, "--data", data, "--output", "json"]).ok()).expect("JSON");
    rows(&answer)
}

/// The summaries that an import printed.
fn summaries(printed: &str) -> Vec<Value> {
    serde_json::from_str(printed).expect("a list of summaries")
}

#[test]
fn real_files_come_to_what_a_plain_scan_counts() {
    let files = real_files();
    if files.is_empty() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("c.toml");
    std::fs::write(&config, KEPT).expect("written");
    std::fs::create_dir(folder.path().join("data")).expect("made");
    let (config, data) = (path_text(config), path_text(folder.path().join("data")));
    let names: Vec<String> = files.iter().map(|file| path_text(file.clone())).collect();
    let mut args =
        vec!["import", "aws-lambda-logs", "--function", "shop", "--architecture", "x86_64", "--region", "us-east-1"];
    args.extend(["--output", "json", "--data", &data, "--config", &config]);
    args.extend(names.iter().map(String::as_str));
    let expected = files.iter().map(scan).reduce(|a, b| [0, 1, 2, 3].map(|at| a[at] + b[at])).expect("files");
    assert_eq!(expected[0], 840);
    for (stored, again) in [(840, 0), (0, 840)] {
        let done = summaries(&cli(&args).ok());
        let sum = |of: &str, what: &str| done.iter().map(|one| one[of][what].as_i64().expect("a number")).sum::<i64>();
        assert_eq!((sum("stored", "invocations"), sum("duplicates", "invocations")), (stored, again), "{done:?}");
        assert_eq!(done.iter().map(|one| one["read"].as_i64().expect("a number")).sum::<i64>(), 2_520);
        assert!(done.iter().all(|one| one["skipped"] == json!([]) && one["unfinished"] == 0), "{done:?}");
        let row = query(&data, SUMS).remove(0);
        assert_eq!((sums(&row), row.int("priced")), (expected, 840));
    }
    let row = query(&data, "SELECT * FROM invocations ORDER BY started_at LIMIT 1").remove(0);
    assert_eq!(row.text("invocation_id"), "94f4a28a-dbe3-4114-9f2b-0b3ae40f4dbc");
    assert_eq!((row.text("environment_id"), row.text("version")), ("5b1105a695c440a3b75cb8e9aba09b28", "$LATEST"));
    assert!(row.text("started_at").starts_with("2025-05-12T20:24:06.154"), "{row:?}");
    assert!(row.is_null("runtime") && !row.flag("cold"));
}

/// Log events of `invocations` invocations in several environments, each with a line and one in ten with two attempts.
fn generated(invocations: usize, line: &str) -> String {
    let mut text = String::from("{\"events\": [\n");
    let mut id = 0;
    let mut event = |text: &mut String, time: i64, stream: usize, message: &str| {
        id += 1;
        let event = json!({"logStreamName": format!("2026/11/20/[7]{stream:032x}"), "timestamp": time, "message": message, "eventId": format!("{id:056}")});
        writeln!(text, "{}{event}", if id == 1 { "" } else { "," }).expect("memory");
    };
    for number in 0..invocations {
        let (request, stream, at) = (
            format!("00000000-0000-0000-0000-{:012}", number - number % 10 / 9),
            number % 7,
            AT + number as i64 * 15_000,
        );
        event(&mut text, at, stream, &format!("START RequestId: {request} Version: 7\n"));
        event(&mut text, at + 1, stream, &format!("[INFO]\t2026-11-20T12:00:00Z\t{request}\t{line}\n"));
        event(&mut text, at + 100, stream, &format!("END RequestId: {request}\n"));
        event(
            &mut text,
            at + 100,
            stream,
            &format!(
                "REPORT RequestId: {request}\tDuration: 99.5{} ms\tBilled Duration: 100 ms\tMemory Size: 128 MB\tMax Memory Used: 50 MB\t\n",
                number % 10
            ),
        );
    }
    text + "], \"searchedLogStreams\": []}\n"
}

const KEYS: &str = "SELECT count(*) AS n, count(DISTINCT invocation_id || '#' || attempt) AS keys, \
    count(*) FILTER (WHERE attempt = 2) AS second FROM invocations";

/// All is there once: invocations, second attempts and log lines.
fn check_all(server: &Server, invocations: i64) {
    let row = server.row(KEYS);
    assert_eq!((row.int("n"), row.int("keys"), row.int("second")), (invocations, invocations, invocations / 10));
    let row =
        server.row("SELECT count(*) AS n, count(DISTINCT origin_id) AS keys FROM logs WHERE source = 'aws-lambda'");
    assert_eq!((row.int("n"), row.int("keys")), (invocations, invocations));
}

#[test]
fn an_import_that_is_killed_is_completed_by_the_next() {
    let home = Arc::new(Home::new());
    let seed: u64 = StdRng::from_os_rng().random();
    println!("moments are drawn with the seed {seed}");
    let mut moments = StdRng::seed_from_u64(seed);
    let (_folder, file) = temporary_file("logs.json", generated(20_000, "a line").as_bytes());
    let mut server = home.serve();
    for _ in 0..4 {
        let url = server.url.clone();
        let import = Running::begin(&["import", "aws-lambda-logs", &file, "--function", "f", "--server", &url]);
        std::thread::sleep(Duration::from_millis(moments.random_range(50..2_500)));
        if moments.random() {
            server.kill();
            server = home.serve();
        }
        drop(import);
    }
    let args = ["import", "aws-lambda-logs", &file, "--function", "f", "--output", "json"];
    let done = summaries(&server.cli(&args).ok()).remove(0);
    println!("the last import: {done}");
    check_all(&server, 20_000);
    let again = summaries(&server.cli(&args).ok()).remove(0);
    assert_eq!((&again["stored"]["invocations"], &again["stored"]["logs"]), (&json!(0), &json!(0)), "{again}");
    check_all(&server, 20_000);
    assert!(server.stop().success());
}

#[test]
fn two_imports_of_one_file_at_once_store_it_once() {
    let server = Server::start();
    let (_folder, file) = temporary_file("logs.json", generated(6_000, "a line").as_bytes());
    let args = ["import", "aws-lambda-logs", &file, "--function", "f", "--server", &server.url];
    let imports = [Running::begin(&args), Running::begin(&args)];
    for import in imports {
        import.end().ok();
    }
    check_all(&server, 6_000);
}

/// The most memory that a process ever had, in MiB; none once it has ended.
fn peak_mib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kb| kb >> 10)
}

#[test]
fn a_large_file_takes_no_more_memory_than_a_small_one() {
    let home = Arc::new(Home::new().config("[store]\nbuffer_mb = 64\n[runtime]\naccount_concurrency = 10\n"));
    let server = home.serve();
    let import = |invocations: usize, line: &str, function: &str| {
        let text = generated(invocations, line);
        let (_folder, file) = temporary_file("logs.json", text.as_bytes());
        let done = summaries(
            &server.cli(&["import", "aws-lambda-logs", &file, "--function", function, "--output", "json"]).ok(),
        );
        (text.len() >> 20, done[0]["stored"]["logs"].as_u64(), peak_mib(server.pid()).expect("it runs"))
    };
    let line = "x".repeat(8_000);
    let (small_mib, _, before) = import(1_000, &line, "small");
    let (large_mib, stored, after) = import(10_000, &line, "large");
    println!("{small_mib} MiB took {before} MiB, {large_mib} MiB took {after} MiB");
    // The request ids are those of the small file, ten to one: they are known, the lines too.
    assert_eq!(stored, Some(9_000));
    assert!(large_mib >= 80, "{large_mib}");
    assert!(after < before + 250, "{before} MiB, then {after} MiB");
}

#[test]
fn text_is_read_too_and_what_is_broken_is_shown() {
    let server = Server::start();
    let id = "94f4a28a-dbe3-4114-9f2b-0b3ae40f4dbc";
    let text = format!(
        "2026-11-20T12:00:00.000000+00:00 2026/11/20/[$LATEST]5b START RequestId: {id} Version: $LATEST\n\
         2026-11-20T12:00:00.010000+00:00 2026/11/20/[$LATEST]5b one\n  and two\n\
         2026-11-20T12:00:00.100000+00:00 2026/11/20/[$LATEST]5b REPORT RequestId: {id}\tDuration: 99.00 ms\tnonsense\n\
         2026-11-20T12:00:03.100000+00:00 2026/11/20/[$LATEST]5b REPORT RequestId: {id}\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 50 MB\tStatus: timeout\t\n"
    );
    let (_folder, file) = temporary_file("logs.txt", text.as_bytes());
    let table = server.cli(&["import", "aws-lambda-logs", &file, "--function", "f"]).ok();
    assert!(
        table.contains("skipped 1: a field that is not 'Name: value'; the first is on line 4: REPORT RequestId"),
        "{table}"
    );
    let row = server.row("SELECT * FROM invocations");
    assert_eq!((row.text("outcome"), row.int("billed_ms"), row.int("peak_memory_bytes")), ("timeout", 3_000, 50 << 20));
    let log = server.row("SELECT * FROM logs");
    assert_eq!((log.text("body"), log.text("invocation_id")), ("one\n  and two", id));
    let csv = server.cli(&["import", "aws-lambda-logs", &file, "--function", "f", "--output", "csv"]).ok();
    assert!(csv.ends_with(",4,0,0,0,0,2,0,1\r\n"), "{csv}");
}

#[test]
fn a_folder_that_is_not_there_is_made_unless_a_server_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_file_folder, file) = temporary_file("logs.json", generated(20, "a line").as_bytes());
    let data = path_text(folder.path().join("new/data"));
    let import = ["import", "aws-lambda-logs", &file, "--function", "f", "--data", &data, "--output", "json"];
    let refused = cli(&[&import[..], &["--server", "http://127.0.0.1:1"]].concat());
    assert!(refused.failed(1).contains("no answer from http://127.0.0.1:1"), "{refused:?}");
    assert!(!folder.path().join("new").exists());
    let done = summaries(&cli(&import).ok()).remove(0);
    assert_eq!((&done["stored"]["invocations"], &done["stored"]["logs"]), (&json!(20), &json!(20)));
    assert_eq!(query(&data, "SELECT count(*) AS n FROM invocations").remove(0).int("n"), 20);
}

#[test]
fn what_cannot_be_imported_says_why() {
    let server = Server::start();
    let (_folder, file) = temporary_file("logs.json", generated(3, "x").as_bytes());
    let import = |args: &[&str]| server.cli(&[&["import", "aws-lambda-logs"], args].concat());
    let nameless = import(&[&file]);
    assert!(nameless.failed(1).contains("name the function"), "{nameless:?}");
    let missing = import(&["/nowhere/at/all", "--function", "f"]);
    assert!(missing.failed(1).contains("'/nowhere/at/all' cannot be opened"), "{missing:?}");
    for wrong in [
        cli(&["import", "other-logs", &file]),
        cli(&["import", "aws-lambda-logs"]),
        cli(&["import", "aws-lambda-logs", &file, "--architecture", "mips"]),
        cli(&["import", "aws-lambda-logs", &file, "--function", "a b"]),
    ] {
        wrong.failed(2);
    }
    let (_folder, cut) = temporary_file("cut.gz", &[0x1f, 0x8b, 8, 0, 1, 2]);
    assert!(import(&[&cut, "--function", "f"]).failed(1).contains("cannot be read"));
    assert_eq!(server.count("SELECT count(*) AS n FROM invocations"), 0);
    wait_until("the server answers still", || (server.get("/healthz").status == 200).then_some(()));
}

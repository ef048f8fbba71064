//! What outlives a server: functions, their artifacts and every record; and the ways to ask for the records.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;

use crate::support::cli::cli;
use crate::support::http::Request;
use crate::support::server::{Home, Server, temporary_file};
use crate::support::{guest, money, path_text, probe, repository};

#[test]
fn functions_and_records_outlive_the_server_and_nothing_is_compiled_again() {
    let home = Arc::new(Home::new());
    let server = home.serve();
    server.deploy("again-ok", &guest("ok.wat"), &[]);
    server.deploy("again-probe", &probe(), &["--tag", "team=shop"]);
    server.deploy("again-gone", &guest("ok.wat"), &[]);
    let before = [server.invoke("again-ok", "x"), server.get("/fn/again-probe/echo")];
    server.cli(&["remove", "again-gone"]).ok();
    let functions = server.get("/api/v1/functions").json();
    assert!(server.stop().success(), "{}", home.log());
    let artifacts = artifacts(&home.data());
    assert!(!artifacts.is_empty(), "compiled functions are kept");

    let server = home.serve();
    assert_eq!(server.get("/api/v1/functions").json(), functions, "the same functions, in the same state");
    let after = [server.invoke("again-ok", "x"), server.get("/fn/again-probe/count")];
    for answer in &after {
        let row = server.record(answer.invocation_id());
        assert_eq!((answer.status, row.int("compile_ns"), row.text("outcome")), (200, 0, "ok"), "{row:?}");
        assert!(row.flag("cold"), "environments do not outlive the server");
    }
    for answer in &before {
        assert_eq!(server.record(answer.invocation_id()).text("outcome"), "ok");
    }
    assert_eq!(server.count("SELECT count(*) AS n FROM invocations"), 4);
    assert!(server.stop().success());
    assert_eq!(self::artifacts(&home.data()), artifacts, "no artifact was made anew");
}

#[test]
fn a_function_whose_files_are_lost_is_our_fault_and_costs_nothing() {
    let home = Arc::new(Home::new());
    let server = home.serve();
    server.deploy("lost", &guest("ok.wat"), &[]);
    assert!(server.stop().success(), "{}", home.log());
    for folder in ["artifacts", "sources"] {
        std::fs::remove_dir_all(home.data().join(folder)).expect("the runtime keeps its files there");
    }

    let server = home.serve();
    let answer = server.invoke("lost", "x");
    answer.problem(500);
    let row = server.record(answer.invocation_id());
    assert_eq!((row.text("outcome"), row.int("http_status")), ("platform_error", 500), "{row:?}");
    assert!(row.text("error_type").starts_with("Platform."), "{row:?}");
    assert_eq!((row.int("billed_ms"), money::units(row.text("list_cost"))), (0, 0), "{row:?}");
}

/// Compiled artifacts, and when each was written.
fn artifacts(folder: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry")) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "cwasm") {
                let modified = entry.metadata().and_then(|metadata| metadata.modified()).expect("a time");
                found.insert(path, modified);
            }
        }
    }
    found
}

/// A stop lets what runs finish: its answer goes out whole, and its record is kept.
#[test]
fn a_stop_waits_for_calls_that_run() {
    let home = Arc::new(Home::new());
    let server = home.serve();
    server.deploy("slow", &probe(), &["--timeout", "30s"]);
    let mut connection = server.connect();
    let request = Request::get("/fn/slow/stream?chunks=4&ms=400");
    let mut answer = connection.begin(&request).expect("an answer begins");
    let reader = std::thread::spawn(move || {
        let mut body = Vec::new();
        while let Some(piece) = connection.next(&mut answer).expect("the answer goes on") {
            body.extend(piece);
        }
        (answer, body)
    });
    assert!(server.stop().success(), "{}", home.log());
    let (answer, body) = reader.join().expect("the reader ends");
    assert_eq!((answer.complete, body.as_slice()), (true, &b"chunk 0\nchunk 1\nchunk 2\nchunk 3\n"[..]));
    let server = home.serve();
    let row = server.record(answer.invocation_id());
    assert_eq!((row.text("outcome"), row.int("response_bytes")), ("ok", 32));
    assert!(server.stop().success());
}

#[test]
fn queries_run_on_the_folder_or_through_the_server_that_has_it() {
    let home = Arc::new(Home::new());
    let server = home.serve();
    server.deploy("asked", &guest("ok.wat"), &[]);
    let ids: Vec<String> = (0..3).map(|_| server.invoke("asked", "x").invocation_id().to_owned()).collect();
    // No --server: the folder itself leads to the server that has it open.
    check_formats(&home, &ids);
    check_files(&home, &ids[0]);
    assert!(server.stop().success());
    check_formats(&home, &ids);
    check_files(&home, &ids[0]);
}

fn check_formats(home: &Home, ids: &[String]) {
    let sql = "SELECT invocation_id, function, billed_ms, list_cost, throttle_reason, tags, started_at \
               FROM invocations ORDER BY started_at, invocation_id";
    let run = |format: &str| cli(&["query", sql, "--data", &home.data_text(), "--output", format]).ok();
    let json: Value = serde_json::from_str(&run("json")).expect("JSON");
    let names: Vec<&str> =
        json["columns"].as_array().expect("columns").iter().filter_map(|c| c["name"].as_str()).collect();
    assert_eq!(names.join(","), "invocation_id,function,billed_ms,list_cost,throttle_reason,tags,started_at");
    let rows = json["rows"].as_array().expect("rows");
    let found: Vec<&str> = rows.iter().filter_map(|row| row["invocation_id"].as_str()).collect();
    assert_eq!(found, ids, "in the order of the calls");
    for row in rows {
        assert!(row["list_cost"].is_string() && row["billed_ms"].is_i64() && row["throttle_reason"].is_null(), "{row}");
        assert!(row["started_at"].as_str().is_some_and(|time| time.ends_with('Z')), "{row}");
    }
    let csv = run("csv");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], names.join(","));
    assert!(lines.len() == ids.len() + 1 && lines[1].starts_with(&ids[0]), "{csv}");
    let table = run("table");
    assert!(table.contains("invocation_id") && ids.iter().all(|id| table.contains(id.as_str())), "{table}");
}

/// SQL from files, with parameters that are bound and never pasted.
fn check_files(home: &Home, id: &str) {
    let (_folder, file) = temporary_file("who.sql", b"SELECT $who AS who, 1 + 1 AS two");
    let who = "who=o'Neill; DROP TABLE invocations --";
    let answer = cli(&["query", "--file", &file, "--param", who, "--data", &home.data_text(), "--output", "json"]).ok();
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer["rows"][0]["who"], "o'Neill; DROP TABLE invocations --");
    assert_eq!(answer["rows"][0]["two"], 2);

    let named = path_text(repository().join("queries/invocation.sql"));
    let param = format!("invocation_id={id}");
    let answer =
        cli(&["query", "--file", &named, "--param", &param, "--data", &home.data_text(), "--output", "json"]).ok();
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer["rows"].as_array().map(Vec::len), Some(1), "{answer}");
}

#[test]
fn other_formats_of_an_answer_are_asked_for_by_media_type() {
    let server = Server::shared();
    let ask = |accept: &str| {
        let body = r#"{"sql":"SELECT 1 AS one, 'a,b' AS two"}"#;
        let request = Request::post("/api/v1/query", body).header("content-type", "application/json");
        server.send(&request.header("accept", accept))
    };
    let csv = ask("text/csv");
    assert!(csv.header("content-type").starts_with("text/csv"), "{csv:?}");
    assert_eq!(csv.text().lines().collect::<Vec<_>>(), ["one,two", "1,\"a,b\""]);
    let ipc = ask("application/vnd.apache.arrow.stream");
    let batches = arrow::ipc::reader::StreamReader::try_new(ipc.body.as_slice(), None).expect("an Arrow stream");
    let rows: usize = batches.map(|batch| batch.expect("a batch").num_rows()).sum();
    assert_eq!(rows, 1);
    ask("image/png").problem(406);
}

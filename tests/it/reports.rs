//! A month's files, by command and API: the same bytes from both, manifests that are right, totals that agree with the stored
//! records, and errors that say what is wrong.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::support::cli::cli;
use crate::support::http::Request;
use crate::support::money::units;
use crate::support::server::{Home, Server};
use crate::support::{guest, path_text};

const FORMATS: [&str; 5] = ["csv", "json", "parquet", "xlsx", "pdf"];

/// A server on which three functions of two teams were called this month.
fn called() -> (Arc<Home>, Server) {
    let home = Arc::new(Home::new().config("[billing]\nissuer = \"Lighthouse Compute GmbH\"\n"));
    let server = home.serve();
    for (name, options) in [("one", &["--tag", "team==cmd"][..]), ("two", &["--tag", "team=b"]), ("three", &[])] {
        server.deploy(name, &guest("ok.wat"), options);
        for _ in 0..5 {
            assert_eq!(server.invoke(name, "x").status, 200);
        }
    }
    (home, server)
}

/// This month, as the records have it: a test that runs over its end sees one of both.
fn month(server: &Server) -> String {
    server.text("SELECT max(date_trunc('month', started_at))::text AS m FROM invocations", "m")[..7].to_owned()
}

/// A file and its manifest.
fn read(file: &Path) -> (Vec<u8>, Value) {
    let beside = file.with_file_name(format!("{}.manifest.json", file.file_name().expect("a name").to_string_lossy()));
    let manifest = std::fs::read(beside).expect("the manifest is beside the file");
    (std::fs::read(file).expect("the file is there"), serde_json::from_slice(&manifest).expect("JSON"))
}

/// SHA-256 by the system's own program.
fn sha256(file: &Path) -> String {
    let out = std::process::Command::new("sha256sum").arg(file).output().expect("sha256sum runs");
    String::from_utf8(out.stdout).expect("text").split(' ').next().expect("a digest").to_owned()
}

/// The arguments of a report's command that puts it into this file.
fn command<'a>(kind: &'a str, by: Option<&'a str>, month: &'a str, out: &'a str) -> Vec<&'a str> {
    let mut args = vec!["report", kind, "--month", month, "--out", out];
    args.extend(by.into_iter().flat_map(|by| ["--by", by]));
    args
}

#[test]
fn command_and_api_give_the_same_bytes() {
    let (home, server) = called();
    let (month, folder) = (month(&server), tempfile::tempdir().expect("a folder"));
    // What was called is in the tables now, and no commit comes in between.
    assert!(server.stop().success());
    let (data, config) = (home.data_text(), path_text(home.folder().join("faremeter.toml")));
    let reports = [("statement", None), ("chargeback", Some("function")), ("chargeback", Some("tag:team"))];
    let files = reports.iter().flat_map(|report| FORMATS.map(|format| (*report, format)));
    let mut written = Vec::new();
    for ((kind, by), format) in files {
        let file = folder.path().join(format!("{kind}-{}.{format}", by.unwrap_or("all").replace(':', "-")));
        let out = path_text(file.clone());
        let mut args = command(kind, by, &month, &out);
        args.extend(["--data", &data, "--config", &config]);
        cli(&args).ok();
        let (bytes, manifest) = read(&file);
        assert_eq!(manifest["sha256"], sha256(&file), "{file:?}");
        assert_eq!(manifest["file"], file.file_name().expect("a name").to_string_lossy().into_owned());
        written.push((kind, by, format, bytes, manifest));
    }
    let server = home.serve();
    for (kind, by, format, bytes, manifest) in written {
        let query = by.map(|by| format!("&by={by}")).unwrap_or_default();
        let target = format!("/api/v1/reports/{kind}?month={month}&format={format}{query}");
        let answer = server.get(&target);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.body == bytes, "{target}");
        assert_eq!(answer.header("etag"), format!("\"{}\"", manifest["sha256"].as_str().expect("text")));
        assert!(answer.header("repr-digest").starts_with("sha-256=:"));
        assert!(answer.header("content-disposition").ends_with(&format!("-{month}.{format}\"")), "{answer:?}");
        let mut told = server.get(&target.replace('?', "/manifest?")).json();
        assert_eq!(told["file"].as_str().map(|name| name.starts_with("faremeter-")), Some(true));
        told["file"] = manifest["file"].clone();
        assert_eq!(told, manifest);
        let again = server.send(&Request::get(&target).header("if-none-match", answer.header("etag")));
        assert_eq!((again.status, again.body.len()), (304, 0));
        let file = folder.path().join(format!("asked.{format}"));
        server.cli(&command(kind, by, &month, &path_text(file.clone()))).ok();
        let (asked, mut own) = read(&file);
        own["file"] = manifest["file"].clone();
        assert!(asked == bytes && own == manifest, "{target} by the command");
    }
}

#[test]
fn totals_are_those_of_the_records() {
    let (_home, server) = called();
    let month = month(&server);
    let get = |target: &str| server.get(&format!("/api/v1/reports/{target}")).json();
    let statement = get(&format!("statement?month={month}"));
    assert_eq!(statement["head"]["issuer"], "Lighthouse Compute GmbH");
    assert_eq!((&statement["kind"], &statement["open"]), (&"statement".into(), &true.into()));
    let listed = server.text("SELECT sum(list_cost)::text AS c FROM invocations", "c");
    assert_eq!(units(statement["sources"]["list_cost"][0]["exact"].as_str().expect("text")), units(&listed));
    assert_eq!(statement["sources"]["records"], "15");
    let chargeback = get(&format!("chargeback?month={month}&by=tag:team"));
    let rows = chargeback["rows"].as_array().expect("rows");
    let requests: Vec<(&str, &str)> = rows
        .iter()
        .filter(|row| row["meter"] == "requests")
        .map(|row| (row["dimension"].as_str().unwrap_or_default(), row["free_quantity"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(requests, [("", "5"), ("=cmd", "5"), ("b", "5")], "{rows:?}");
    let csv = server.get(&format!("/api/v1/reports/chargeback?month={month}&by=tag:team&format=csv"));
    assert!(csv.text().contains(",'=cmd,") && !csv.text().contains(",=cmd,"), "{}", csv.text());
    for report in [&statement, &chargeback] {
        let total = report["rows"].as_array().expect("rows").iter().find(|row| row["line_type"] == "total");
        assert_eq!(total.expect("a total")["billed_cost"], "0.00", "all of it is free");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let server = Server::shared();
    for (target, status, said) in [
        ("focus?month=2026-03", 404, "'focus'"),
        ("statement", 400, "'month' is missing"),
        ("statement?month=2026-3", 400, "'2026-3' is not a month"),
        ("statement?month=2199-12", 400, "2199-12 has not begun"),
        ("statement?month=2026-03&format=doc", 400, "'doc' is not a format"),
        ("statement?month=2026-03&by=function", 400, "by is for a chargeback"),
        ("chargeback?month=2026-03&by=colour", 400, "'colour' is not what a chargeback can be by"),
        ("chargeback?month=2026-03&x=1", 400, "'x' is not known here"),
    ] {
        let detail = server.get(&format!("/api/v1/reports/{target}")).problem(status);
        assert!(detail.contains(said), "{target}: {detail}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = path_text(folder.path().join("none"));
    let file = path_text(folder.path().join("none/x.csv"));
    let data = path_text(folder.path());
    for (args, code, said) in [
        (&["invoice", "--month", "2026-03"][..], 2, "'invoice'"),
        (&["statement", "--month", "March"], 2, "'March' is not a month: write YYYY-MM"),
        (&["statement", "--month", "2199-12"], 2, "2199-12 has not begun"),
        (&["statement", "--month", "2026-03", "--by", "function"], 2, "--by is for a chargeback"),
        (&["statement", "--month", "2026-03", "--format", "doc"], 2, "'doc' is not a format"),
        (&["statement", "--month", "2026-03", "--out", "x.doc"], 2, "'x.doc' does not say its format"),
        (&["statement", "--month", "2026-03", "--data", &nowhere], 1, "there is no data folder"),
        (&["statement", "--month", "2026-03", "--data", &data, "--out", &file], 1, "there is no folder"),
    ] {
        let ran = cli(&[&["report"], args].concat());
        let error = ran.failed(code);
        assert!(error.contains(said), "{args:?}: {error}");
    }
}

#[test]
fn an_empty_month_has_files_too() {
    let home = Arc::new(Home::new());
    let server = home.serve();
    for format in FORMATS {
        let answer = server.get(&format!("/api/v1/reports/statement?month=2026-03&format={format}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(!answer.body.is_empty());
    }
    let page = server.get("/reports");
    assert!(page.text().contains("No month has a bill yet"), "{}", page.text());
}

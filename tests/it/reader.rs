//! An independent reader: a script that replays the Delta logs itself, with DuckDB over the Parquet files, counts and sums
//! what SQL does.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::Value;

use crate::support::load::Load;
use crate::support::server::{Home, Server};
use crate::support::{guest, money, path_text, probe, repository, wait_until};
use crate::visible::find_table;

#[test]
fn a_script_over_the_delta_log_and_duckdb_counts_the_same() {
    let python = match python() {
        Ok(python) => python,
        Err(reason) if std::env::var_os("CI").is_none() => {
            // Straight to standard error: the output of a test that passes is not shown.
            let note = format!("\nSKIPPED: the independent reader needs Python and two packages, and {reason}\n");
            std::io::stderr().write_all(note.as_bytes()).expect("standard error can be written");
            return;
        }
        Err(reason) => panic!("the independent reader must run where CI is set: {reason}"),
    };
    let home = Arc::new(Home::new().config("[store]\ncommit_interval = \"20ms\"\nmaintenance_interval = \"200ms\"\n"));
    let server = home.serve();
    put_to_work(&server, &home);
    let (expected, tables) = ask(&server);
    assert!(server.stop().success(), "{}", home.log());

    let script = repository().join("tests/tools/read_store.py");
    let folder = find_table(&home.data(), "invocations").and_then(|table| table.parent().map(Path::to_owned));
    let folder = folder.expect("the tables have a folder");
    let ran = Command::new(&python).arg(&script).arg(&folder).output().expect("Python starts");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let found: Value = serde_json::from_slice(&ran.stdout).expect("the script prints JSON");
    for (table, rows) in tables {
        assert_eq!(found[table]["rows"].as_i64(), Some(rows), "rows of {table}: {found}");
        let (ours, theirs) = (&found[table], &found[table]["deltalake"]);
        assert_eq!((&ours["version"], &ours["rows"]), (&theirs["version"], &theirs["rows"]), "{table} by deltalake");
        let names = |files: &Value| {
            let files = files.as_array().expect("a list").iter().filter_map(Value::as_str);
            let mut names: Vec<String> = files.filter_map(|path| Some(path.rsplit('/').next()?.to_owned())).collect();
            names.sort();
            names
        };
        assert_eq!(names(&ours["files"]), names(&theirs["files"]), "{table} by deltalake");
    }
    let calls = &found["invocations"];
    assert!(calls["checkpoint"].is_u64(), "the script began at a checkpoint");
    assert_eq!(calls["rows"], calls["distinct"], "no call twice");
    assert_eq!(calls["outcomes"], expected["outcomes"]);
    let cost = calls["list_cost"].as_str().expect("a sum");
    assert_eq!(money::units(cost), money::units(expected["list_cost"].as_str().expect("a sum")));
}

/// Calls with several outcomes, enough of them for many commits and a checkpoint.
fn put_to_work(server: &Server, home: &Home) {
    server.deploy("ok", &guest("ok.wat"), &["--memory-mb", "16"]);
    server.deploy("probe", &probe(), &["--timeout", "10s", "--tag", "team=shop"]);
    server.deploy("grow", &guest("grow.wat"), &["--timeout", "10s", "--memory-mb", "8"]);
    server.deploy("spin", &guest("spin.wat"), &["--timeout", "50ms"]);
    server.deploy("none", &guest("ok.wat"), &["--reserved-concurrency", "0"]);
    let load = Load::begin(server.address, "ok", 2);
    let log = wait_until("the table is made", || find_table(&home.data(), "invocations")).join("_delta_log");
    wait_until("there is a checkpoint and more", || {
        for path in ["probe/trap", "probe/log", "probe/sleep?ms=5", "grow", "spin", "none"] {
            server.get(&format!("/fn/{path}"));
        }
        let entries = std::fs::read_dir(&log).into_iter().flatten().filter_map(Result::ok);
        let names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        let checkpoint = names.iter().find_map(|name| name.strip_suffix(".checkpoint.parquet"))?;
        let after = |name: &&String| name.strip_suffix(".json").is_some_and(|version| version > checkpoint);
        (names.iter().filter(after).count() > 2).then_some(())
    });
    load.end();
}

/// What SQL says: of the calls, and how many rows each table has. Calls that were turned away are written by then.
fn ask(server: &Server) -> (Value, Vec<(&'static str, i64)>) {
    let throttled = "SELECT count(*) AS n FROM invocations WHERE outcome = 'throttled'";
    let mut last = -1;
    wait_until("every call that was turned away is on record", || {
        let now = server.count(throttled);
        let settled = now == std::mem::replace(&mut last, now);
        std::thread::sleep(std::time::Duration::from_millis(100));
        settled.then_some(())
    });
    let cost = server.row("SELECT sum(list_cost) AS cost FROM invocations").text("cost").to_owned();
    let outcomes = server.sql("SELECT outcome, count(*) AS n FROM invocations GROUP BY outcome");
    let outcomes: serde_json::Map<String, Value> =
        outcomes.iter().map(|row| (row.text("outcome").to_owned(), row.int("n").into())).collect();
    assert!(outcomes.len() >= 5, "many outcomes: {outcomes:?}");
    let tables = ["invocations", "spans", "logs"];
    let tables = tables.map(|table| (table, server.count(&format!("SELECT count(*) AS n FROM {table}"))));
    (serde_json::json!({"list_cost": cost, "outcomes": outcomes}), tables.to_vec())
}

/// A Python with the script's packages, installed once under the target folder; or why there is none.
fn python() -> Result<PathBuf, String> {
    let tmp = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let wanted = repository().join("tests/tools/requirements.txt");
    let wanted_text = std::fs::read_to_string(&wanted).map_err(|error| error.to_string())?;
    let (venv, lock) = (tmp.join("reader-venv"), File::create(tmp.join("reader-venv.lock")));
    let lock = lock.map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let (python, done) = (venv.join("bin/python"), venv.join("installed.txt"));
    if std::fs::read_to_string(&done).is_ok_and(|installed| installed == wanted_text) {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    run(Command::new(&python).args(install).arg(path_text(wanted)))?;
    std::fs::write(&done, wanted_text).map_err(|error| error.to_string())?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let ran = command.output().map_err(|error| format!("{command:?} does not start: {error}"))?;
    if ran.status.success() {
        Ok(())
    } else {
        Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&ran.stderr).trim()))
    }
}

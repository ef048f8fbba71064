//! Rows on their way from memory to Delta, under load and concurrent reads: each is there at once, never twice, never gone.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::support::load::Load;
use crate::support::server::{Home, Server};
use crate::support::{guest, wait_until};

/// Commits of the table that must happen while readers look.
const COMMITS: usize = 12;

#[test]
fn rows_are_neither_missing_nor_doubled_while_they_move() {
    let home = Arc::new(Home::new().config("[store]\ncommit_interval = \"250ms\"\n"));
    let server = home.serve();
    server.deploy("ok", &guest("ok.wat"), &["--memory-mb", "16"]);
    server.invoke("ok", "first");
    let table = wait_until("the table is made", || find_table(&home.data(), "invocations"));
    let load = Load::begin(server.address, "ok", 2);
    let (done, looks) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        let _stops = Stop(&done);
        let readers: Vec<_> = (0..2).map(|_| scope.spawn(|| read(&server, &load, &done, &looks))).collect();
        scope.spawn(|| call_and_look(&server, &done));
        let first = commits(&table);
        wait_until("rows have moved often", || {
            let moved = commits(&table) >= first + COMMITS && looks.load(Ordering::SeqCst) > 20;
            (moved || readers.iter().any(|reader| reader.is_finished())).then_some(())
        });
    });
    let answered = load.end();
    let sql = "SELECT count(*) AS n FROM invocations WHERE function = 'ok'";
    assert!(server.count(sql) >= i64::try_from(answered.len()).expect("few"), "nothing is missing at the end");
    assert!(server.stop().success());
}

/// Tells the others to stop, also when the test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Counts again and again: each call once, and never fewer than were answered before the look, or than at the last look.
fn read(server: &Server, load: &Load, done: &AtomicBool, looks: &AtomicU32) {
    let sql = "SELECT count(*) AS n, count(DISTINCT invocation_id) AS once FROM invocations";
    let mut last = 0;
    while !done.load(Ordering::SeqCst) {
        let answered = load.progress.answered.load(Ordering::SeqCst);
        let row = server.row(sql);
        let count = row.int("n");
        assert_eq!(count, row.int("once"), "no call twice");
        assert!(count > answered, "{count} rows, and {answered} calls and the first were answered before");
        assert!(count >= last, "{count} rows after {last}");
        last = count;
        looks.fetch_add(1, Ordering::SeqCst);
    }
}

/// What was answered can be queried right away, with its spans.
fn call_and_look(server: &Server, done: &AtomicBool) {
    while !done.load(Ordering::SeqCst) {
        let answer = server.invoke("ok", "seen?");
        let id = answer.invocation_id();
        assert_eq!(server.record(id).int("request_bytes"), 5);
        let roots = format!("SELECT count(*) AS n FROM spans WHERE invocation_id = '{id}' AND kind = 2");
        assert_eq!(server.count(&roots), 1);
    }
}

/// The folder of a Delta table below `folder`.
pub(crate) fn find_table(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        if folder.file_name().is_some_and(|last| last == name) && folder.join("_delta_log").is_dir() {
            return Some(folder);
        }
        let entries = std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
        folders.extend(entries.map(|entry| entry.path()).filter(|path| path.is_dir()));
    }
    None
}

/// The version that the table's log has reached.
fn commits(table: &Path) -> usize {
    let entries = std::fs::read_dir(table.join("_delta_log")).expect("a log").filter_map(Result::ok);
    let version = |name: &str| name.strip_suffix(".json").and_then(|version| version.parse().ok());
    entries.filter_map(|entry| entry.file_name().to_str().and_then(version)).max().unwrap_or(0)
}

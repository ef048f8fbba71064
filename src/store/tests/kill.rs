//! kill -9 at random moments: a process that writes is killed, round after round, and every row that it acknowledged is
//! there once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use arrow::array::AsArray;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::contents::read;
use super::fixtures::Fixtures;
use super::*;
use crate::units::InvocationId;

const DIR: &str = "FAREMETER_TEST_STORE";
const ROUNDS: u64 = 8;

/// The process that is killed: it writes without end, and says what was acknowledged.
#[test]
#[ignore = "run by the test below, which kills it"]
fn victim() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let config = Config {
            commit_interval: Duration::from_millis(40),
            segment_bytes: 100_000,
            // Kills hit joining and deleting too. The fixtures' days are long past.
            maintenance: Maintenance {
                interval: Duration::from_millis(30),
                fan_in: 2,
                settle_after: Duration::ZERO,
                vacuum_after: Duration::ZERO,
                orphan_after: Duration::from_millis(100),
                vacuum_interval: Duration::ZERO,
                ..Maintenance::default()
            },
            retention: FOREVER,
            ..Config::at(std::path::PathBuf::from(dir))
        };
        let store = start(config).await;
        let writers: Vec<_> = (0..4).map(|task| tokio::spawn(write(store.handle.clone(), task))).collect();
        for writer in writers {
            writer.await.unwrap();
        }
    });
}

async fn write(handle: Handle, task: u64) {
    let mut fixtures = Fixtures::new(task);
    for number in 0.. {
        let mut records = fixtures.records([1 + number % 3, 1, 1, 0]);
        let ids: Vec<_> =
            (0..records.invocations.len()).map(|row| format!("{}-{task}-{number}-{row}", std::process::id())).collect();
        for (invocation, id) in records.invocations.iter_mut().zip(&ids) {
            invocation.invocation_id = InvocationId(id.clone());
        }
        let Ok(slot) = handle.reserve(size_of(&records)) else { continue };
        let appended = if number % 5 == 0 { slot.append_durable(records).await } else { slot.append(records).await };
        appended.unwrap();
        let line: String = ids.iter().map(|id| format!("ack {id}\n")).collect();
        std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    }
}

/// Starts the victim, kills it a while after its first row, and returns what it acknowledged.
fn round(dir: &Path, lifetime: Duration) -> Vec<String> {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::kill::victim", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines().map_while(Result::ok);
    let is_ack = |line: &String| line.starts_with("ack ");
    let mut acknowledged: Vec<String> = lines.find(is_ack).into_iter().collect();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(lifetime);
        victim.kill().unwrap();
        victim.wait().unwrap();
    });
    acknowledged.extend(lines.filter(is_ack));
    killer.join().unwrap();
    acknowledged.into_iter().map(|line| line["ack ".len()..].to_owned()).collect()
}

/// How often each invocation is in the store.
fn stored(dir: &Path, handle: &Handle) -> BTreeMap<String, usize> {
    let view = handle.view(Table::Invocations);
    let mut found = BTreeMap::new();
    for rows in view.files.iter().map(|file| read(dir, file)).chain(view.batches) {
        for id in rows.column_by_name("invocation_id").unwrap().as_string::<i32>().iter().flatten() {
            *found.entry(id.to_owned()).or_default() += 1;
        }
    }
    found
}

#[test]
fn rows_acknowledged_before_kill_9_are_there_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = StdRng::seed_from_u64(1);
    let mut acknowledged = BTreeSet::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for number in 1..=ROUNDS {
        let new = round(dir.path(), Duration::from_millis(rng.random_range(20..500)));
        assert!(!new.is_empty(), "round {number}: nothing was acknowledged");
        acknowledged.extend(new);
        runtime.block_on(async {
            let store = start(quiet(dir.path())).await;
            for _ in 0..2 {
                let found = stored(dir.path(), &store.handle);
                assert_eq!(found.iter().find(|(_, times)| **times > 1), None, "round {number}: doubled");
                assert_eq!(acknowledged.iter().find(|id| !found.contains_key(*id)), None, "round {number}: lost");
                let [invocations, spans, logs, _] = rows(&store.handle);
                assert_eq!(invocations, found.len() as u64);
                let view = store.handle.view(Table::Invocations);
                assert_eq!(super::rollup::attempts_in(&store.handle, &view).await, view.rows(), "round {number}");
                assert_eq!(spans, logs, "a group is whole or not at all");
                store.handle.flush().await.unwrap();
            }
            store.stop().await.unwrap();
        });
    }
}

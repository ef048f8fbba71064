//! Nothing acknowledged is lost or doubled, whatever is interrupted.

use std::fs;
use std::sync::Arc;

use proptest::prelude::*;

use super::faulty::{Failure, Faulty};
use super::fixtures::Fixtures;
use super::*;

fn on(dir: &Path, store: &Arc<Faulty>) -> Config {
    let object_store: Arc<dyn object_store::ObjectStore> = Arc::clone(store) as _;
    Config { object_store: Some(object_store), ..quiet(dir) }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_outlive_a_crash_without_a_commit() {
    let dir = tempfile::tempdir().unwrap();
    let mut fixtures = Fixtures::new(1);
    let mut expected = [0; 4];
    for _ in 0..3 {
        let store = start(quiet(dir.path())).await;
        assert_eq!(rows(&store.handle), expected);
        for _ in 0..5 {
            let records = fixtures.some();
            expected = sum(expected, counts(&records));
            append(&store.handle, records).await;
            assert_eq!(rows(&store.handle), expected);
        }
        store.crash().await;
    }
    let store = start(quiet(dir.path())).await;
    store.handle.flush().await.unwrap();
    assert_eq!(rows(&store.handle), expected);
    assert!(Table::ALL.iter().all(|table| store.handle.view(*table).batches.is_empty()));
    assert_eq!(store.handle.status().buffered_bytes, 0);
    store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_files_and_commit_neither_loses_nor_doubles() {
    let (dir, objects) = (tempfile::tempdir().unwrap(), Faulty::new());
    let store = start(on(dir.path(), &objects)).await;
    let records = Fixtures::new(2).records([3, 4, 5, 6]);
    append(&store.handle, records).await;
    objects.fail("_delta_log", Failure::Before, u32::MAX);
    assert!(matches!(store.handle.flush().await, Err(Error::Delta { table: Table::Invocations, .. })));
    assert_eq!(rows(&store.handle), [3, 4, 5, 6]);
    assert!(store.handle.status().commit_failures >= 4);
    store.crash().await;
    objects.heal();
    let store = start(on(dir.path(), &objects)).await;
    assert_eq!(rows(&store.handle), [3, 4, 5, 6]);
    store.handle.flush().await.unwrap();
    assert_eq!(rows(&store.handle), [3, 4, 5, 6]);
    store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_commit_and_deletion_of_the_segment_neither_loses_nor_doubles() {
    let (dir, objects) = (tempfile::tempdir().unwrap(), Faulty::new());
    for _ in 0..2 {
        let store = start(on(dir.path(), &objects)).await;
        let before = rows(&store.handle);
        append(&store.handle, Fixtures::new(3).records([3, 4, 5, 6])).await;
        // The commits of two tables arrive without an answer, those of the others do not happen.
        objects.fail("invocations/_delta_log", Failure::After, 1);
        let _ = store.handle.flush().await;
        store.crash().await;
        let store = start(on(dir.path(), &objects)).await;
        assert_eq!(rows(&store.handle), sum(before, [3, 4, 5, 6]));
        assert!(store.handle.view(Table::Invocations).batches.is_empty());
        store.handle.flush().await.unwrap();
        assert_eq!(rows(&store.handle), sum(before, [3, 4, 5, 6]));
        store.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_was_lost_is_not_made_again() {
    let (dir, objects) = (tempfile::tempdir().unwrap(), Faulty::new());
    let store = start(on(dir.path(), &objects)).await;
    for (table, round) in Table::ALL.into_iter().zip(1..) {
        append(&store.handle, Fixtures::new(4).records([3, 4, 5, 6])).await;
        objects.fail(&format!("{}/_delta_log", table.name()), Failure::After, 1);
        assert!(store.handle.flush().await.is_err());
        assert_eq!(rows(&store.handle), [3 * round, 4 * round, 5 * round, 6 * round]);
        store.handle.flush().await.unwrap();
        assert_eq!(rows(&store.handle), [3 * round, 4 * round, 5 * round, 6 * round]);
    }
    assert_eq!(objects.failed(), 4);
    assert!(Table::ALL.iter().all(|table| store.handle.view(*table).batches.is_empty()));
    store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn segment_numbers_are_not_given_again_when_the_log_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    for round in 1..=3 {
        let store = start(quiet(dir.path())).await;
        append(&store.handle, Fixtures::new(round).records([1, 1, 1, 1])).await;
        store.handle.flush().await.unwrap();
        assert_eq!(rows(&store.handle), [round; 4]);
        store.stop().await.unwrap();
        for entry in fs::read_dir(dir.path().join("wal")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "wal") {
                fs::remove_file(path).unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_log_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let store = start(quiet(dir.path())).await;
    for seed in 0..3 {
        append(&store.handle, Fixtures::new(seed).records([2, 2, 2, 2])).await;
    }
    store.crash().await;
    let segment = dir.path().join("wal/00000000000000000001.wal");
    let good = fs::read(&segment).unwrap();
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    fs::write(&segment, &bad).unwrap();
    let Err(error) = Service::open(quiet(dir.path()), Clock::system()).await else { panic!("opened a damaged log") };
    assert!(matches!(&error, Error::CorruptLog { path, offset, .. } if *path == segment && *offset > 0), "{error}");
    assert_eq!(fs::read(&segment).unwrap(), bad);
    fs::write(&segment, good).unwrap();
    let store = start(quiet(dir.path())).await;
    assert_eq!(rows(&store.handle), [6; 4]);
    store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_has_one_store_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = start(quiet(dir.path())).await;
    let Err(error) = Service::open(quiet(dir.path()), Clock::system()).await else { panic!("opened it twice") };
    assert_eq!(error.to_string(), format!("{} is in use by another faremeter", dir.path().display()));
    store.stop().await.unwrap();
    start(quiet(dir.path())).await.stop().await.unwrap();
}

/// What may happen to a store.
#[derive(Debug, Clone)]
enum Step {
    Append(u64, bool),
    Flush,
    Crash,
    Restart,
    Fail(usize, bool, bool),
    Heal,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<u64>(), any::<bool>()).prop_map(|(seed, durable)| Step::Append(seed, durable)),
        3 => Just(Step::Flush),
        2 => Just(Step::Crash),
        1 => Just(Step::Restart),
        3 => (0..4_usize, any::<bool>(), any::<bool>()).prop_map(|(table, log, after)| Step::Fail(table, log, after)),
        2 => Just(Step::Heal),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_history_of_faults_and_crashes_keeps_each_row_once(steps in prop::collection::vec(step(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(history(steps));
    }
}

async fn history(steps: Vec<Step>) {
    let (dir, objects) = (tempfile::tempdir().unwrap(), Faulty::new());
    let mut expected = [0; 4];
    let mut store = start(on(dir.path(), &objects)).await;
    for step in steps {
        match step {
            Step::Append(seed, durable) => {
                let records = Fixtures::new(seed).some();
                expected = sum(expected, counts(&records));
                let slot = store.handle.reserve(0).unwrap();
                if durable { slot.append_durable(records).await.unwrap() } else { slot.append(records).await.unwrap() }
            }
            Step::Flush => drop(store.handle.flush().await),
            Step::Crash | Step::Restart => {
                if matches!(step, Step::Crash) {
                    store.crash().await
                } else {
                    drop(store.stop().await)
                }
                objects.heal();
                store = start(on(dir.path(), &objects)).await;
            }
            Step::Fail(table, log, after) => {
                let text = format!("{}/{}", Table::ALL[table].name(), if log { "_delta_log" } else { "date=" });
                objects.fail(&text, if after { Failure::After } else { Failure::Before }, 1);
            }
            Step::Heal => objects.heal(),
        }
        assert_eq!(rows(&store.handle), expected);
    }
    objects.heal();
    store.handle.flush().await.unwrap();
    assert_eq!(rows(&store.handle), expected);
    assert_eq!(store.handle.status().buffered_bytes, 0);
    store.stop().await.unwrap();
}

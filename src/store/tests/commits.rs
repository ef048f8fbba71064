//! Commits: retries, many of them, and what is left on the disk.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use super::faulty::{Failure, Faulty};
use super::fixtures::Fixtures;
use super::*;

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..400 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("never: {what}");
}

fn segments(dir: &Path) -> usize {
    let names = fs::read_dir(dir.join("wal")).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().ends_with(".wal")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_commit_is_tried_again_by_itself() {
    let (dir, objects) = (tempfile::tempdir().unwrap(), Faulty::new());
    let object_store: Arc<dyn object_store::ObjectStore> = Arc::clone(&objects) as _;
    let config = Config { object_store: Some(object_store), ..quiet(dir.path()) };
    let store = start(config).await;
    append(&store.handle, Fixtures::new(1).records([5, 0, 0, 0])).await;
    objects.fail("date=", Failure::Before, 2);
    assert!(matches!(store.handle.flush().await, Err(Error::Storage { table: Table::Invocations, .. })));
    assert!(store.handle.view(Table::Invocations).files.is_empty());
    eventually("the rows are committed", || store.handle.view(Table::Invocations).batches.is_empty()).await;
    assert_eq!(rows(&store.handle), [5, 0, 0, 0]);
    let status = store.handle.status();
    assert_eq!((status.commits, status.commit_failures, status.fault), (1, 2, None));
    store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_happen_by_time_and_by_size() {
    let dir = tempfile::tempdir().unwrap();
    let by_time = Config { commit_interval: Duration::from_millis(50), ..quiet(dir.path()) };
    let store = start(by_time).await;
    append(&store.handle, Fixtures::new(1).records([1, 1, 1, 1])).await;
    eventually("committed by time", || store.handle.status().commits == 4).await;
    store.stop().await.unwrap();

    let by_size = Config { segment_bytes: 10_000, ..quiet(dir.path()) };
    let store = start(by_size).await;
    append(&store.handle, Fixtures::new(2).records([100, 0, 0, 0])).await;
    eventually("committed by size", || store.handle.status().buffered_bytes == 0).await;
    assert_eq!(rows(&store.handle), [101, 1, 1, 1]);
    store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn committed_segments_are_deleted_and_tables_reopen_with_the_same_files() {
    let dir = tempfile::tempdir().unwrap();
    let store = start(quiet(dir.path())).await;
    let mut fixtures = Fixtures::new(1);
    for _ in 0..105 {
        append(&store.handle, fixtures.records([1, 0, 0, 0])).await;
        store.handle.flush().await.unwrap();
        assert_eq!((segments(dir.path()), store.handle.status().wal_segments), (1, 1));
    }
    let log = dir.path().join("tables/invocations/_delta_log");
    let names = fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.contains(".checkpoint")).count(), 1);
    let sorted = |handle: &Handle| {
        let mut files = handle.view(Table::Invocations).files.to_vec();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        files
    };
    let before = sorted(&store.handle);
    store.stop().await.unwrap();
    let store = start(quiet(dir.path())).await;
    assert_eq!(sorted(&store.handle), before);
    assert_eq!(rows(&store.handle), [105, 0, 0, 0]);
    store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_commits_what_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let store = start(quiet(dir.path())).await;
    append(&store.handle, Fixtures::new(1).records([2, 2, 2, 2])).await;
    let handle = store.handle.clone();
    store.stop().await.unwrap();
    assert!(Table::ALL.iter().all(|table| handle.view(*table).batches.is_empty()));
    assert!(matches!(handle.flush().await, Err(Error::Closed)));
    let slot = handle.reserve(1).unwrap();
    assert!(matches!(slot.append(Fixtures::new(1).records([1, 0, 0, 0])).await, Err(Error::Closed)));
}

//! Joining while storage fails: nothing is lost or doubled, and it goes on by itself.

use super::super::faulty::Failure;
use super::*;

async fn small_files() -> Bench {
    let mut bench = Bench::new(|config| config.maintenance.fan_in = 4).await;
    for _ in 0..4 {
        bench.commit(3).await;
    }
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_that_fails_anywhere_leaves_the_table_as_it_was_and_is_made_later() {
    for text in ["joined-", "invocations/_delta_log", "part-"] {
        let bench = small_files().await;
        bench.objects.fail(text, Failure::Before, 1);
        assert!(bench.store.handle.maintain().await.is_err(), "{text}");
        assert_eq!(bench.objects.failed(), 1);
        bench.check().await;
        assert_eq!(bench.files(Table::Invocations).len(), 4, "{text}");
        assert_eq!(bench.store.handle.status().maintenance_failures, 1);
        bench.maintain().await;
        assert_eq!(bench.files(Table::Invocations).len(), 1, "{text}");
        bench.check().await;
        bench.store.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_whose_answer_was_lost_is_settled_and_not_made_again() {
    for crash in [None, Some(true), Some(false)] {
        let mut bench = small_files().await;
        bench.objects.fail("invocations/_delta_log", Failure::After, 1);
        assert!(bench.store.handle.maintain().await.is_err());
        bench.check().await;
        if let Some(crash) = crash {
            bench.reopen(crash).await;
            bench.check().await;
        }
        bench.maintain().await;
        bench.check().await;
        assert_eq!(bench.files(Table::Invocations).len(), 1);
        bench.commit(1).await;
        bench.clock.advance(2 * DAY);
        bench.maintain().await;
        bench.clock.advance(2 * DAY);
        bench.maintain().await;
        bench.check().await;
        assert_eq!(bench.stored(Table::Invocations).await, bench.files(Table::Invocations).len());
        bench.store.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_go_on_beside_a_join_whose_answer_was_lost() {
    let mut bench = small_files().await;
    bench.objects.fail("invocations/_delta_log", Failure::After, 1);
    assert!(bench.store.handle.maintain().await.is_err());
    bench.commit(2).await;
    bench.check().await;
    assert_eq!(bench.files(Table::Invocations).len(), 2);
    bench.maintain().await;
    bench.check().await;
    bench.store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_not_joined_and_the_rest_goes_on() {
    let mut bench = small_files().await;
    let files = bench.files(Table::Invocations);
    let objects = bench.config.object_store.clone().unwrap();
    let bytes = objects.get(&files[1].path).await.unwrap().bytes().await.unwrap();
    objects.put(&files[0].path, bytes[..40].to_vec().into()).await.unwrap();
    assert!(bench.store.handle.maintain().await.is_err());
    assert_eq!(bench.files(Table::Invocations).len(), 4);
    assert_eq!(bench.files(Table::Logs).len(), 1, "the other tables are looked after");
    bench.append(1, Duration::ZERO).await;
    bench.store.handle.flush().await.unwrap();
    bench.store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_see_each_row_once_while_files_move() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let mut bench = Bench::new(|config| config.maintenance.fan_in = 2).await;
    bench.commit(10).await;
    let done = Arc::new(AtomicBool::new(false));
    let (handle, stop) = (bench.store.handle.clone(), Arc::clone(&done));
    let reader = std::thread::spawn(move || {
        let (mut last, mut moves, mut files) = (0, 0, Vec::new());
        while !stop.load(Ordering::SeqCst) {
            let view = handle.view(Table::Invocations);
            assert!(view.rows() >= last && view.rows().is_multiple_of(10), "{last} then {}", view.rows());
            moves += usize::from(files != view.files.to_vec());
            (last, files) = (view.rows(), view.files.to_vec());
        }
        moves
    });
    for _ in 0..30 {
        let records = bench.records(10, Duration::ZERO);
        append(&bench.store.handle, records).await;
        let (flushed, looked_after) = tokio::join!(bench.store.handle.flush(), bench.store.handle.maintain());
        flushed.and(looked_after).unwrap();
    }
    done.store(true, Ordering::SeqCst);
    assert!(reader.join().unwrap() > 5);
    bench.check().await;
    bench.store.stop().await.unwrap();
}

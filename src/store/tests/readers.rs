//! Readers while rows move: each acknowledged row once, at any moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arrow::array::AsArray;
use arrow::datatypes::TimestampMicrosecondType;

use super::fixtures::Fixtures;
use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn views_grow_with_what_is_acknowledged_and_never_lose_or_double() {
    let dir = tempfile::tempdir().unwrap();
    let store = start(Config { segment_bytes: 200_000, ..quiet(dir.path()) }).await;
    let (sent, acknowledged) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (handle, done) = (store.handle.clone(), Arc::clone(&done));
            let (sent, acknowledged) = (Arc::clone(&sent), Arc::clone(&acknowledged));
            std::thread::spawn(move || {
                let (mut last, mut views) = (0, 0_u64);
                while !done.load(Ordering::SeqCst) {
                    let least = acknowledged.load(Ordering::SeqCst);
                    let seen = handle.view(Table::Invocations).rows();
                    let most = sent.load(Ordering::SeqCst);
                    assert!(least <= seen && seen <= most, "{least} <= {seen} <= {most}");
                    assert!(last <= seen, "{last} <= {seen}");
                    (last, views) = (seen, views + 1);
                }
                views
            })
        })
        .collect();
    let mut writers = Vec::new();
    for seed in 0..4 {
        let (handle, sent, acknowledged) = (store.handle.clone(), Arc::clone(&sent), Arc::clone(&acknowledged));
        writers.push(tokio::spawn(async move {
            let mut fixtures = Fixtures::new(seed);
            for round in 0..60 {
                let records = fixtures.records([1 + round % 7, 1, 0, 0]);
                let rows = records.invocations.len() as u64;
                sent.fetch_add(rows, Ordering::SeqCst);
                append(&handle, records).await;
                acknowledged.fetch_add(rows, Ordering::SeqCst);
                if round % 10 == 0 {
                    handle.flush().await.unwrap();
                }
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    for reader in readers {
        assert!(reader.join().unwrap() > 10);
    }
    let expected = acknowledged.load(Ordering::SeqCst);
    assert_eq!(rows(&store.handle), [expected, 240, 0, 0]);
    store.stop().await.unwrap();
}

fn ingested(handle: &Handle, table: Table) -> Vec<i64> {
    let column = |rows: &arrow::record_batch::RecordBatch| {
        let times = rows.column_by_name("ingested_at").unwrap().as_primitive::<TimestampMicrosecondType>();
        times.values().to_vec()
    };
    handle.view(table).batches.iter().flat_map(column).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ingested_at_grows_from_group_to_group_on_a_clock_that_stands() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(crate::units::Timestamp::from_micros(1_000_000));
    let mut last = 0;
    for round in 0..3 {
        let (service, handle) = Service::open(quiet(dir.path()), clock.clone()).await.unwrap();
        let store = run(service, handle);
        for _ in 0..40 {
            append(&store.handle, Fixtures::new(1).records([2, 0, 1, 0])).await;
        }
        // What earlier rounds left may be on its way to the files.
        let times = ingested(&store.handle, Table::Invocations);
        let new = &times[times.len() - 80..];
        assert!(new[0] > last, "{} > {last}", new[0]);
        assert!(new.chunks(2).all(|group| group[0] == group[1]));
        assert!(new.chunks(2).zip(new.chunks(2).skip(1)).all(|(one, next)| one[0] < next[0]));
        last = new[79];
        // Once from the log, once from the files.
        if round == 1 {
            store.stop().await.unwrap();
        } else {
            store.crash().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_groups_are_few_batches_to_a_reader() {
    let dir = tempfile::tempdir().unwrap();
    let store = start(quiet(dir.path())).await;
    for _ in 0..600 {
        append(&store.handle, Fixtures::new(1).records([1, 0, 0, 0])).await;
    }
    let view = store.handle.view(Table::Invocations);
    assert_eq!(view.rows(), 600);
    assert!(view.batches.len() <= 48, "{}", view.batches.len());
    store.stop().await.unwrap();
}

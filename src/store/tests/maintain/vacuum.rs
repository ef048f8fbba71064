//! What is deleted, and when.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_joined_are_deleted_an_hour_later() {
    let mut bench = Bench::new(|config| config.maintenance.fan_in = 4).await;
    for _ in 0..4 {
        bench.commit(2).await;
    }
    bench.maintain().await;
    assert_eq!((bench.files(Table::Invocations).len(), bench.stored(Table::Invocations).await), (1, 5));
    bench.clock.advance(HOUR - Duration::from_secs(1));
    bench.maintain().await;
    assert_eq!(bench.stored(Table::Invocations).await, 5);
    // A restart forgets nothing.
    bench.reopen(true).await;
    bench.clock.advance(Duration::from_secs(1));
    bench.maintain().await;
    assert_eq!(bench.stored(Table::Invocations).await, 1);
    let status = bench.store.handle.status();
    assert_eq!((status.files_deleted, status.maintenance_failures), (8, 0));
    bench.check().await;
    bench.store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_keeps_its_files_for_as_long_as_it_lives() {
    let mut bench = Bench::new(|config| {
        config.maintenance.fan_in = 2;
        config.maintenance.vacuum_after = Duration::ZERO;
        config.maintenance.vacuum_interval = Duration::ZERO;
    })
    .await;
    bench.commit(3).await;
    bench.commit(3).await;
    let view = bench.store.handle.view(Table::Invocations);
    let expected = bench.expected.clone();
    for _ in 0..5 {
        bench.commit(2).await;
        bench.clock.advance(2 * DAY);
        bench.maintain().await;
        assert_eq!(ids(&view).await, expected);
    }
    assert!(view.files.iter().all(|file| !bench.files(Table::Invocations).contains(file)), "they were joined");
    drop(view);
    bench.maintain().await;
    assert_eq!(bench.stored(Table::Invocations).await, bench.files(Table::Invocations).len());
    bench.check().await;
    bench.store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_table_ever_had_is_deleted_when_it_is_old() {
    // The clock may be a day and a half ahead of the objects' times.
    let mut bench = Bench::new(|config| config.maintenance.orphan_after = 3 * DAY).await;
    bench.commit(2).await;
    let orphan = bench.files(Table::Invocations)[0].path.to_string().replace("part-", "lost-");
    bench.config.object_store.as_ref().unwrap().put(&orphan.clone().into(), "rows".into()).await.unwrap();
    bench.maintain().await;
    assert_eq!(bench.stored(Table::Invocations).await, 2);
    bench.clock.advance(3 * DAY);
    bench.maintain().await;
    assert_eq!(bench.stored(Table::Invocations).await, 1);
    bench.check().await;
    bench.store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_commit_that_is_still_tried_are_kept_however_old() {
    use super::super::faulty::Failure;
    let mut bench = Bench::new(|_| {}).await;
    bench.append(2, Duration::ZERO).await;
    bench.objects.fail("_delta_log", Failure::Before, u32::MAX);
    assert!(bench.store.handle.flush().await.is_err());
    bench.clock.advance(3 * DAY);
    let _ = bench.store.handle.maintain().await;
    bench.objects.heal();
    bench.maintain().await;
    bench.store.handle.flush().await.unwrap();
    bench.maintain().await;
    bench.check().await;
    bench.store.stop().await.unwrap();
}

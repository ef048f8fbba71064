//! Days past their retention go, and do not come back.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn expired_days_are_dropped_and_deleted_and_late_rows_follow_them() {
    let mut bench = Bench::new(|config| {
        config.retention = Retention { invocations: 10, logs: 3, ..FOREVER };
    })
    .await;
    for _ in 0..12 {
        bench.commit(2).await;
        bench.clock.advance(DAY);
        bench.maintain().await;
    }
    let today = bench.clock.now().days();
    let days = |bench: &Bench, table| bench.files(table).iter().map(|file| file.date).collect::<Vec<_>>();
    let [mut calls, mut logs] = [Table::Invocations, Table::Logs].map(|table| days(&bench, table));
    calls.sort_unstable();
    logs.sort_unstable();
    assert_eq!(calls, (today - 10..today).collect::<Vec<_>>());
    assert_eq!(logs, (today - 3..today).collect::<Vec<_>>());
    let status = bench.store.handle.status();
    assert_eq!((status.files_expired, status.rows_expired), (2 + 9, 2 * (2 + 9)));
    bench.append(1, 20 * DAY).await;
    bench.store.handle.flush().await.unwrap();
    assert_eq!(bench.files(Table::Logs).len(), 4);
    bench.maintain().await;
    assert_eq!(bench.files(Table::Logs).len(), 3);
    bench.clock.advance(2 * HOUR);
    bench.maintain().await;
    assert_eq!((bench.stored(Table::Logs).await, bench.stored(Table::Invocations).await), (3, 10));
    bench.reopen(false).await;
    assert_eq!(bench.store.handle.view(Table::Logs).rows(), 6);
    bench.store.stop().await.unwrap();
}

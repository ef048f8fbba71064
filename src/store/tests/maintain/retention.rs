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

/// How many log records of each tenant are there, by day.
async fn logs_by_tenant(bench: &Bench) -> BTreeMap<(String, i32), usize> {
    let mut found = BTreeMap::new();
    let view = bench.store.handle.view(Table::Logs);
    for file in view.files.iter() {
        for rows in contents(&View { files: Arc::new([file.clone()]), batches: Vec::new(), ..view.clone() }).await {
            for tenant in rows.column_by_name("tenant").unwrap().as_string::<i32>().iter().flatten() {
                *found.entry((tenant.to_owned(), file.date)).or_default() += 1;
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_rows_are_kept_for_as_long_as_is_said_for_them() {
    let mut bench = Bench::new(|config| {
        config.retention = Retention { logs: 5, ..FOREVER };
        let days = |logs| Retention { logs, ..FOREVER };
        config.tenant_retention = [("name-0".to_owned(), days(2)), ("name-1".to_owned(), days(8))].into();
    })
    .await;
    let mut appended = BTreeMap::new();
    for _ in 0..12 {
        let records = bench.records(60, Duration::ZERO);
        for log in &records.logs {
            *appended.entry((log.tenant.clone(), log.time.days())).or_insert(0) += 1;
        }
        append(&bench.store.handle, records).await;
        bench.store.handle.flush().await.unwrap();
        bench.clock.advance(DAY);
        bench.maintain().await;
        let today = bench.clock.now().days();
        let kept = |(tenant, date): &(String, i32)| {
            let days = match tenant.as_str() {
                "name-0" => 2,
                "name-1" => 8,
                _ => 5,
            };
            *date >= today - days
        };
        let expected: BTreeMap<_, _> = appended.clone().into_iter().filter(|(key, _)| kept(key)).collect();
        assert_eq!(logs_by_tenant(&bench).await, expected);
    }
    let before = bench.files(Table::Logs);
    bench.maintain().await;
    assert_eq!(bench.files(Table::Logs), before, "what was looked at is not written again");
    assert_eq!(ids(&bench.store.handle.view(Table::Invocations)).await, bench.expected, "other tables keep theirs");
    let status = bench.store.handle.status();
    let left: usize = logs_by_tenant(&bench).await.values().sum();
    assert_eq!(status.rows_expired, (12 * 60 - left) as u64);
    bench.reopen(true).await;
    bench.maintain().await;
    assert_eq!(logs_by_tenant(&bench).await.values().sum::<usize>(), left);
    bench.store.stop().await.unwrap();
}

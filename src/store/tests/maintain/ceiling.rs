//! The limits of the disk: a warning, a refusal, and the way back.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_keeps_what_was_acknowledged_and_recovers_by_retention() {
    let mut bench = Bench::new(|config| {
        config.retention = Retention { invocations: 2, logs: 2, ..FOREVER };
        config.disk_limit_bytes = Some(800_000);
        config.maintenance.fan_in = 1_000;
    })
    .await;
    let mut levels = vec![bench.store.handle.status().disk.level];
    let refused = loop {
        let records = bench.records(20, Duration::ZERO);
        match bench.store.handle.reserve(size_of(&records)) {
            Ok(slot) => slot.append(records).await.unwrap(),
            Err(error) => break error,
        }
        bench.store.handle.flush().await.unwrap();
        bench.maintain().await;
        levels.push(bench.store.handle.status().disk.level);
    };
    levels.dedup();
    assert_eq!(levels, [DiskLevel::Room, DiskLevel::Low, DiskLevel::Full]);
    assert!(matches!(refused, Error::NoSpace(NoSpace::Limit { used, limit: 800_000 }) if used >= 800_000), "{refused}");
    // The last records were refused.
    let refused = bench.expected.len() - 20;
    bench.expected.retain(|id, _| id["call-".len()..].parse::<usize>().unwrap() < refused);
    bench.check().await;
    bench.clock.advance(3 * DAY);
    bench.maintain().await;
    assert_eq!(bench.store.handle.status().disk.level, DiskLevel::Full, "what was dropped is deleted later");
    bench.clock.advance(HOUR);
    bench.maintain().await;
    let disk = bench.store.handle.status().disk;
    assert_eq!(disk.level, DiskLevel::Room, "{disk:?}");
    bench.expected.clear();
    bench.commit(5).await;
    bench.check().await;
    bench.store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_the_disk_was_full_is_committed() {
    let mut bench = Bench::new(|config| config.disk_limit_bytes = Some(100_000)).await;
    let (first, second) = (bench.records(100, Duration::ZERO), bench.records(5, Duration::ZERO));
    let late = bench.store.handle.reserve(size_of(&second)).unwrap();
    append(&bench.store.handle, first).await;
    bench.maintain().await;
    assert!(matches!(bench.store.handle.reserve(1), Err(Error::NoSpace(_))));
    late.append(second).await.unwrap();
    bench.store.handle.flush().await.unwrap();
    assert_eq!(bench.files(Table::Invocations).iter().map(|file| file.rows).sum::<u64>(), 105);
    bench.check().await;
    bench.store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn joining_small_files_makes_room() {
    let mut bench = Bench::new(|config| {
        config.disk_limit_bytes = Some(900_000);
        config.maintenance.fan_in = 60;
    })
    .await;
    while bench.store.handle.status().disk.level < DiskLevel::Full {
        bench.commit(1).await;
        bench.maintain().await;
    }
    bench.clock.advance(DAY);
    bench.maintain().await;
    bench.clock.advance(HOUR);
    bench.maintain().await;
    assert_eq!(bench.store.handle.status().disk.level, DiskLevel::Room, "{:?}", bench.store.handle.status().disk);
    bench.commit(1).await;
    bench.check().await;
    bench.store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_enough_room_refuses_from_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = start(Config { min_free_bytes: u64::MAX, ..quiet(dir.path()) }).await;
    let refused = store.handle.reserve(1).map(drop).unwrap_err();
    assert!(matches!(refused, Error::NoSpace(NoSpace::Disk { least: u64::MAX, .. })), "{refused}");
    assert!(refused.to_string().contains("bytes free and must have"), "{refused}");
    assert!(store.handle.status().disk.shortage().is_some());
    store.stop().await.unwrap();
}

//! Room in the buffer: refused before anything is lost, and accounted for to the byte.

use std::sync::Arc;

use super::faulty::{Failure, Faulty};
use super::fixtures::Fixtures;
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_buffer_refuses_until_a_commit_makes_room() {
    let (dir, objects) = (tempfile::tempdir().unwrap(), Faulty::new());
    let object_store: Arc<dyn object_store::ObjectStore> = Arc::clone(&objects) as _;
    let config = Config { object_store: Some(object_store), buffer_bytes: 100_000, ..quiet(dir.path()) };
    let store = start(config).await;
    objects.fail("date=", Failure::Before, u32::MAX);
    let mut fixtures = Fixtures::new(1);
    let mut accepted = 0;
    let refused = loop {
        let records = fixtures.records([10, 0, 0, 0]);
        match store.handle.reserve(size_of(&records)) {
            Ok(slot) => slot.append(records).await.unwrap(),
            Err(error) => break error,
        }
        accepted += 10;
        let _ = store.handle.flush().await;
    };
    assert!(matches!(refused, Error::Full { waiting, limit: 100_000 } if waiting > 50_000), "{refused}");
    assert_eq!(rows(&store.handle), [accepted, 0, 0, 0]);
    objects.heal();
    store.handle.flush().await.unwrap();
    assert_eq!(store.handle.status().buffered_bytes, 0);
    append(&store.handle, fixtures.records([10, 0, 0, 0])).await;
    assert_eq!(rows(&store.handle), [accepted + 10, 0, 0, 0]);
    store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn reservations_become_what_the_log_holds() {
    let dir = tempfile::tempdir().unwrap();
    let store = start(quiet(dir.path())).await;
    let buffered = || store.handle.status().buffered_bytes;
    let slot = store.handle.reserve(1_000_000).unwrap();
    assert_eq!(buffered(), 1_000_000);
    slot.append(Fixtures::new(1).records([1, 0, 0, 0])).await.unwrap();
    let one = buffered();
    assert!((500..20_000).contains(&one), "{one}");
    drop(store.handle.reserve(5_000).unwrap());
    assert_eq!(buffered(), one);
    store.handle.append_unconfirmed(store.handle.reserve(0).unwrap(), Fixtures::new(2).records([0, 1, 0, 0]));
    store.handle.flush().await.unwrap();
    assert_eq!((buffered(), rows(&store.handle)), (0, [1, 1, 0, 0]));
    assert_eq!(store.handle.status().rows_appended, 2);
    store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_fit_is_refused_with_its_size() {
    let dir = tempfile::tempdir().unwrap();
    let store = start(Config { buffer_bytes: 10_000, max_slots: 2, ..quiet(dir.path()) }).await;
    assert!(matches!(store.handle.reserve(10_001), Err(Error::TooLarge { bytes: 10_001, limit: 10_000 })));
    let records = Fixtures::new(1).records([100, 0, 0, 0]);
    let bytes = size_of(&records);
    let slot = store.handle.reserve(0).unwrap();
    let refused = slot.append(records).await;
    assert!(matches!(refused, Err(Error::TooLarge { bytes: found, limit: 10_000 }) if found == bytes));
    let _two = (store.handle.reserve(0).unwrap(), store.handle.reserve(0).unwrap());
    assert!(matches!(store.handle.reserve(0), Err(Error::Slots { limit: 2 })));
    assert_eq!(store.handle.status().buffered_bytes, 0);
    store.stop().await.unwrap();
}

#[test]
fn the_estimate_is_of_the_size_of_what_is_written() {
    let mut fixtures = Fixtures::new(1);
    for counts in [[500, 0, 0, 0], [0, 500, 0, 0], [0, 0, 500, 0], [0, 0, 0, 500]] {
        let records = fixtures.records(counts);
        let rows = batches(&records, crate::units::Timestamp::from_micros(1));
        let exact = rows.iter().map(|(_, rows)| rows.get_array_memory_size() as u64).sum::<u64>();
        let estimate = size_of(&records);
        assert!((exact / 3..exact * 3).contains(&estimate), "{counts:?}: {estimate} for {exact}");
    }
}

//! What was stored is known; what is being stored is waited for; what failed is somebody else's to store.

use std::time::Duration;

use super::*;
use crate::units::Timestamp;

const START: Timestamp = Timestamp::from_nanos(1_790_000_000_000_000_000);

fn dedupe(window: u64, keys: usize) -> (Dedupe, Clock) {
    let clock = Clock::manual(START);
    let config = Config { dedupe_window: Duration::from_secs(window), dedupe_keys: keys, ..Config::default() };
    (Dedupe::new(&config, clock.clone()), clock)
}

fn keys(dedupe: &Dedupe, names: &[&str]) -> Vec<Key> {
    names.iter().map(|name| dedupe.origin("otlp", "default", name)).collect()
}

fn new(claim: &Claim, count: usize) -> Vec<bool> {
    (0..count).map(|at| claim.is_new(at)).collect()
}

#[tokio::test]
async fn what_was_stored_is_known_and_what_comes_twice_at_once_too() {
    let (dedupe, _) = dedupe(60, 1_000);
    let first = dedupe.claim(&keys(&dedupe, &["a", "b", "a"])).await;
    assert_eq!((new(&first, 3), first.duplicates()), (vec![true, true, false], 1));
    first.stored();
    let second = dedupe.claim(&keys(&dedupe, &["b", "c"])).await;
    assert_eq!(new(&second, 2), [false, true]);
    drop(second);
    let third = dedupe.claim(&keys(&dedupe, &["c"])).await;
    assert_eq!(new(&third, 1), [true], "what was given up is not known");
}

#[test]
fn keys_tell_kinds_tenants_and_sources_apart() {
    let (dedupe, _) = dedupe(60, 1_000);
    let (trace, span) = ("0af7651916cd43dd8448eb211c80319c".parse().unwrap(), "b7ad6b7169203331".parse().unwrap());
    let all = [
        dedupe.span("a", &trace, &span),
        dedupe.span("b", &trace, &span),
        dedupe.invocation("otlp", "x", 1),
        dedupe.invocation("otlp", "x", 2),
        dedupe.invocation("aws-lambda", "x", 1),
        dedupe.origin("otlp", "a", "x"),
        dedupe.origin("otlp", "b", "x"),
        dedupe.origin("otlp", "ab", "x"),
        dedupe.origin("otlp", "a", "bx"),
    ];
    let distinct: std::collections::HashSet<Key> = all.into_iter().collect();
    assert_eq!(distinct.len(), all.len());
    assert_eq!(dedupe.span("a", &trace, &span), all[0]);
}

#[tokio::test]
async fn a_second_request_waits_for_the_outcome_of_the_first() {
    for stored in [true, false] {
        let (dedupe, _) = dedupe(60, 1_000);
        let first = dedupe.claim(&keys(&dedupe, &["a", "b"])).await;
        let waiting = tokio::spawn({
            let (dedupe, keys) = (dedupe.clone(), keys(&dedupe, &["c", "b"]));
            async move { new(&dedupe.claim(&keys).await, 2) }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiting.is_finished(), "it waits");
        // It holds nothing meanwhile.
        assert!(dedupe.claim(&keys(&dedupe, &["c"])).await.is_new(0));
        if stored {
            first.stored()
        } else {
            drop(first)
        }
        let found = tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap().unwrap();
        assert_eq!(found, [true, !stored]);
    }
}

#[tokio::test]
async fn keys_are_known_for_the_window_and_little_longer() {
    let (dedupe, clock) = dedupe(60, 1_000);
    for second in 0..60 {
        dedupe.claim(&keys(&dedupe, &[&second.to_string()])).await.stored();
        clock.advance(Duration::from_secs(1));
    }
    assert!(!dedupe.claim(&keys(&dedupe, &["0"])).await.is_new(0), "it is 60 s old");
    clock.advance(Duration::from_secs(16));
    assert!(dedupe.claim(&keys(&dedupe, &["0"])).await.is_new(0), "it is 76 s old");
    assert!(!dedupe.claim(&keys(&dedupe, &["17"])).await.is_new(0), "it is 59 s old");
    clock.advance(Duration::from_secs(600));
    assert!(dedupe.claim(&keys(&dedupe, &["59"])).await.is_new(0));
    assert_eq!(dedupe.len(), 0, "nothing is held for nothing");
}

#[tokio::test]
async fn the_number_of_keys_is_bounded_and_the_oldest_go_first() {
    let (dedupe, _) = dedupe(60, 100);
    for number in 0..10_000 {
        dedupe.claim(&keys(&dedupe, &[&number.to_string()])).await.stored();
        assert!(dedupe.len() <= 100, "{}", dedupe.len());
    }
    assert!(dedupe.len() >= 75, "{}", dedupe.len());
    assert!(!dedupe.claim(&keys(&dedupe, &["9999"])).await.is_new(0));
    assert!(!dedupe.claim(&keys(&dedupe, &["9930"])).await.is_new(0));
    assert!(dedupe.claim(&keys(&dedupe, &["9000"])).await.is_new(0));
}

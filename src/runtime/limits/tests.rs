//! What each limit lets through, and what many threads at once get.

mod model;

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::model::VersionState;
use crate::runtime::tests::spec;
use crate::units::Timestamp;

fn version(spec: FunctionSpec) -> Arc<FunctionVersion> {
    let deployed_at = Timestamp::from_micros(1);
    Arc::new(FunctionVersion { spec, version: 1, sha256: String::new(), state: VersionState::Active, deployed_at })
}

fn reserved(name: &str, most: Option<u32>) -> Arc<FunctionVersion> {
    version(FunctionSpec { reserved_concurrency: most, ..spec(name) })
}

fn manual() -> Clock {
    Clock::manual(Timestamp::from_micros(1))
}

fn limits(clock: &Clock, change: impl FnOnce(&mut Config)) -> Arc<Limits> {
    let mut config = Config::new(std::path::Path::new(""));
    change(&mut config);
    Arc::new(Limits::new(&config, clock.clone()))
}

fn account(most: u32) -> Arc<Limits> {
    limits(&manual(), |config| config.account_concurrency = most)
}

fn refused(limits: &Arc<Limits>, function: &Arc<FunctionVersion>) -> Option<ThrottleReason> {
    admit(limits, function).err().map(|throttled| throttled.reason)
}

#[test]
fn each_limit_turns_away_exactly_what_is_over_it() {
    let limits = account(3);
    let (own, free, stopped) = (reserved("own", Some(2)), reserved("free", None), reserved("stopped", Some(0)));
    assert_eq!(refused(&limits, &stopped), Some(ThrottleReason::FunctionConcurrency));
    let first = admit(&limits, &own).unwrap();
    let second = admit(&limits, &own).unwrap();
    assert_eq!(refused(&limits, &own), Some(ThrottleReason::FunctionConcurrency));
    let third = admit(&limits, &free).unwrap();
    assert_eq!(refused(&limits, &free), Some(ThrottleReason::AccountConcurrency));
    drop(first);
    assert_eq!(limits.running(), 2);
    let fourth = admit(&limits, &own).unwrap();
    drop((second, third, fourth));
    assert_eq!(limits.running(), 0);
    limits.sweep();
    let counts = limits.lock();
    assert!(counts.functions.is_empty() && counts.tenants.is_empty() && counts.unused == 0);
}

#[test]
fn what_is_reserved_is_kept_for_its_function() {
    let limits = account(5);
    let (own, free) = (reserved("own", Some(2)), reserved("free", None));
    limits.set_aside(&own.spec);
    let others: Vec<_> = (0..3).map(|_| admit(&limits, &free).unwrap()).collect();
    assert_eq!(refused(&limits, &free), Some(ThrottleReason::AccountConcurrency), "two places are set aside");
    let mine: Vec<_> = (0..2).map(|_| admit(&limits, &own).unwrap()).collect();
    assert_eq!(refused(&limits, &own), Some(ThrottleReason::FunctionConcurrency));
    drop((others, mine));
    limits.release("own");
    let all: Vec<_> = (0..5).map(|_| admit(&limits, &free).unwrap()).collect();
    limits.set_aside(&own.spec);
    assert_eq!(refused(&limits, &own), Some(ThrottleReason::AccountConcurrency), "those that run go on");
    drop(all);
    assert!(admit(&limits, &own).is_ok());
}

#[test]
fn what_is_provisioned_is_kept_and_the_rest_spills_over() {
    let limits = account(5);
    let warm = version(FunctionSpec { provisioned_concurrency: 2, ..spec("warm") });
    let free = reserved("free", None);
    limits.set_aside(&warm.spec);
    let others: Vec<_> = (0..2).map(|_| admit(&limits, &free).unwrap()).collect();
    let mine: Vec<_> = (0..3).map(|_| admit(&limits, &warm).unwrap()).collect();
    assert_eq!(refused(&limits, &warm), Some(ThrottleReason::AccountConcurrency));
    drop((others, mine));
    assert_eq!(limits.lock().unused, 2);
}

#[test]
fn no_more_is_set_aside_than_the_account_has() {
    let limits = account(10);
    limits.set_aside(&reserved("a", Some(6)).spec);
    limits.check(&reserved("b", Some(4)).spec).unwrap();
    limits.check(&reserved("a", Some(10)).spec).unwrap();
    let error = limits.check(&reserved("b", Some(5)).spec).unwrap_err().to_string();
    assert!(error.contains("5 of the account's 10") && error.contains("leave 4"), "{error}");
    // As after a restart with a lower limit: nothing is left for others, and the limit holds.
    limits.set_aside(&reserved("b", Some(9)).spec);
    assert_eq!(refused(&limits, &reserved("c", None)), Some(ThrottleReason::AccountConcurrency));
    let (a, b) = (reserved("a", Some(6)), reserved("b", Some(9)));
    let held: Vec<_> = [&a, &b].into_iter().cycle().take(40).filter_map(|f| admit(&limits, f).ok()).collect();
    assert_eq!(held.len(), 10);
    limits.release("a");
    drop(held);
    limits.release("b");
    assert_eq!(limits.lock().unused, 0);
}

#[test]
fn a_tenant_has_its_own_limits_or_those_of_every_tenant() {
    let limits = limits(&manual(), |config| {
        config.tenant = Quota { concurrency: Some(2), rate_per_s: Some(5) };
        config.tenants.insert("big".to_owned(), Quota { concurrency: Some(4), rate_per_s: None });
    });
    let of = |tenant: &str, name: &str| version(FunctionSpec { tenant: tenant.to_owned(), ..spec(name) });
    for (tenant, most) in [("big", 4), ("small", 2), ("other", 2)] {
        let (a, b) = (of(tenant, "a"), of(tenant, "b"));
        let held: Vec<_> = [&a, &b].into_iter().cycle().take(most).map(|f| admit(&limits, f).unwrap()).collect();
        for function in [a, b] {
            assert_eq!(refused(&limits, &function), Some(ThrottleReason::TenantConcurrency), "{tenant}");
        }
        drop(held);
    }
    assert!(admit(&limits, &of("big", "a")).is_ok());
    assert_eq!(refused(&limits, &of("big", "a")), Some(ThrottleReason::Rate), "the rate is that of every tenant");
}

#[test]
fn a_call_that_is_turned_away_counts_nowhere() {
    let clock = manual();
    let limits = limits(&clock, |config| config.account_rate_per_s = Some(3));
    let own = version(FunctionSpec { rate_per_s: Some(1), ..spec("own") });
    let free = reserved("free", None);
    assert!(admit(&limits, &own).is_ok());
    for _ in 0..10 {
        assert_eq!(refused(&limits, &own), Some(ThrottleReason::Rate));
    }
    assert!(admit(&limits, &free).is_ok() && admit(&limits, &free).is_ok(), "the account's rate was left alone");
    assert_eq!(refused(&limits, &free), Some(ThrottleReason::Rate));
}

#[test]
fn a_rate_says_to_the_nanosecond_when_to_come_again() {
    for rate in [1, 3, 7, 1_000, 999_983] {
        let clock = manual();
        let limits = limits(&clock, |_| {});
        let function = version(FunctionSpec { rate_per_s: Some(rate), ..spec("f") });
        for _ in 0..rate {
            assert!(admit(&limits, &function).is_ok());
        }
        let wait = admit(&limits, &function).err().unwrap().retry_after;
        assert!(wait <= Duration::from_secs(1) && wait > Duration::ZERO);
        clock.advance(wait - Duration::from_nanos(1));
        assert_eq!(admit(&limits, &function).err().map(|t| t.retry_after), Some(Duration::from_nanos(1)), "{rate}");
        clock.advance(Duration::from_nanos(1));
        assert!(admit(&limits, &function).is_ok());
        assert!(admit(&limits, &function).is_err());
        clock.advance(Duration::from_secs(3_600));
        assert_eq!((0..=rate).filter(|_| admit(&limits, &function).is_ok()).count(), rate as usize, "one burst");
    }
}

#[test]
fn a_new_rate_holds_at_once() {
    let clock = manual();
    let limits = limits(&clock, |_| {});
    let with = |rate| version(FunctionSpec { rate_per_s: rate, ..spec("f") });
    assert!(admit(&limits, &with(Some(100))).is_ok());
    assert!(admit(&limits, &with(Some(1))).is_ok());
    assert!(admit(&limits, &with(Some(1))).is_err());
    assert!(admit(&limits, &with(Some(100))).is_err(), "a new rate is no new burst");
    assert!(admit(&limits, &with(None)).is_ok());
}

/// Threads call as fast as they can: how many held a permit at once, and how many got one. A permit is counted for a
/// shorter time than it is held, so that nothing seems to be over that is not.
fn hammer(limits: &Arc<Limits>, functions: &[Arc<FunctionVersion>]) -> (u32, u32) {
    let (now, most, admitted) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let function = &functions[thread % functions.len()];
            let (now, most, admitted) = (&now, &most, &admitted);
            scope.spawn(move || {
                let mut held = Vec::new();
                for call in 0..10_000 {
                    if let Ok(permit) = admit(limits, function) {
                        admitted.fetch_add(1, Ordering::SeqCst);
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        held.push(permit);
                    }
                    if call % 3 == 0
                        && let Some(permit) = held.pop()
                    {
                        now.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                }
                now.fetch_sub(u32::try_from(held.len()).unwrap(), Ordering::SeqCst);
            });
        }
    });
    assert_eq!(limits.running(), 0);
    (most.load(Ordering::SeqCst), admitted.load(Ordering::SeqCst))
}

#[test]
fn many_threads_never_get_one_call_over() {
    let functions = [reserved("a", Some(5)), reserved("b", Some(5))];
    let (most, admitted) = hammer(&account(7), &functions);
    assert!(most <= 7 && admitted > 7, "{most} at once, {admitted} admitted");
    let (most, _) = hammer(&account(100), &functions[..1]);
    assert!(most <= 5, "{most}");
    let tenants = limits(&manual(), |config| config.tenant.concurrency = Some(6));
    let (most, _) = hammer(&tenants, &[reserved("a", None), reserved("b", None)]);
    assert!(most <= 6, "{most}");
}

#[test]
fn many_threads_get_the_rate_exactly() {
    let function = version(FunctionSpec { rate_per_s: Some(50), ..spec("f") });
    assert_eq!(hammer(&account(1_000_000), &[function]).1, 50);
    let frees = [reserved("a", None), reserved("b", None)];
    let of_account = limits(&manual(), |config| config.account_rate_per_s = Some(333));
    assert_eq!(hammer(&of_account, &frees).1, 333);
    let clock = manual();
    let of_tenant = limits(&clock, |config| config.tenant.rate_per_s = Some(70));
    assert_eq!(hammer(&of_tenant, &frees).1, 70);
    clock.advance(Duration::from_millis(100));
    assert_eq!(hammer(&of_tenant, &frees).1, 7);
}

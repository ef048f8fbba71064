//! From nothing to a thousand calls at once: served, or throttled by the limits that are set, and never by accident.

use std::sync::Arc;

use futures::future::join_all;

use super::{Bench, guest, spec};
use crate::clock::Clock;
use crate::model::{FunctionSpec, FunctionVersion, Outcome, ThrottleReason};
use crate::runtime::{Config, Quota, Reply};

const AT_ONCE: usize = 1_000;

/// Admits as many calls as there are at once, before the first of them ends, and runs those that are admitted.
async fn burst(bench: &Bench, functions: &[Arc<FunctionVersion>]) -> Vec<Result<Outcome, ThrottleReason>> {
    let admitted: Vec<_> = (0..AT_ONCE).map(|call| bench.runtime.admit(&functions[call % functions.len()])).collect();
    let calls = admitted.into_iter().map(|admitted| async {
        let admission = admitted.map_err(|throttled| throttled.reason)?;
        match bench.runtime.invoke(admission, bench.request("/sleep?ms=300", "300")).await {
            Reply::Whole { execution, .. } => Ok(execution.outcome),
            Reply::Streaming { .. } => panic!("the reply is short"),
        }
    });
    let ended = join_all(calls.map(Box::pin)).await;
    assert_eq!(bench.runtime.status().running, 0);
    ended
}

fn count(ended: &[Result<Outcome, ThrottleReason>], what: Result<Outcome, ThrottleReason>) -> usize {
    ended.iter().filter(|end| **end == what).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sleeping_guests_are_served_at_once() {
    let clock = Clock::system();
    let bench = Bench::with(clock, |config| {
        let defaults = Config::new(std::path::Path::new(""));
        (config.account_concurrency, config.idle_environments) =
            (defaults.account_concurrency, defaults.idle_environments);
    });
    let component = bench.deploy(spec("component"), 1, &guest("probe/probe.wasm")).await;
    let command = bench.deploy(spec("command"), 1, &guest("sleep.wat")).await;
    for functions in [vec![Arc::clone(&component)], vec![component, command]] {
        let ended = burst(&bench, &functions).await;
        assert_eq!(count(&ended, Ok(Outcome::Ok)), AT_ONCE, "{:?}", ended.iter().find(|end| **end != Ok(Outcome::Ok)));
    }
    assert_eq!(bench.runtime.status().idle_environments, 512);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_over_a_limit_is_throttled_exactly() {
    let start = |change: fn(&mut Config)| Bench::with(Clock::manual(crate::units::Timestamp::from_micros(1)), change);
    let account = start(|config| config.account_concurrency = 600);
    let function = account.deploy(spec("f"), 1, &guest("sleep.wat")).await;
    let other = account.deploy(FunctionSpec { tenant: "other".to_owned(), ..spec("g") }, 1, &guest("sleep.wat")).await;
    let admit = |bench: &Bench, functions: &[Arc<FunctionVersion>]| {
        let all: Vec<_> = (0..AT_ONCE).map(|call| bench.runtime.admit(&functions[call % functions.len()])).collect();
        let reason = all.iter().find_map(|admitted| admitted.as_ref().err()).map(|throttled| throttled.reason);
        (all.iter().filter(|admitted| admitted.is_err()).count(), reason)
    };
    assert_eq!(admit(&account, &[Arc::clone(&function)]), (400, Some(ThrottleReason::AccountConcurrency)));
    let tenants = start(|config| {
        config.account_concurrency = 2_000;
        config.tenant = Quota { concurrency: Some(250), rate_per_s: None };
    });
    let both = [Arc::clone(&function), other];
    assert_eq!(admit(&tenants, &both), (500, Some(ThrottleReason::TenantConcurrency)));
    let rates = start(|config| {
        config.account_concurrency = 2_000;
        config.account_rate_per_s = Some(900);
    });
    assert_eq!(admit(&rates, &both), (100, Some(ThrottleReason::Rate)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_does_not_let_through_leaves_the_rest_unharmed() {
    let bench = Bench::with(Clock::system(), |config| config.account_concurrency = 600);
    let function = bench.deploy(spec("component"), 1, &guest("probe/probe.wasm")).await;
    let ended = burst(&bench, &[function]).await;
    assert_eq!(count(&ended, Ok(Outcome::Ok)), 600);
    assert_eq!(count(&ended, Err(ThrottleReason::AccountConcurrency)), 400);
}

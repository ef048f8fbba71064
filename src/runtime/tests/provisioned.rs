//! Environments that are started ahead of calls, and those that serve one call only.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::{Bench, guest, spec};
use crate::clock::Clock;
use crate::model::{FunctionSpec, FunctionVersion, InitType};
use crate::runtime::Provisioned;
use crate::units::Timestamp;

const PROBE: &str = "probe/probe.wasm";

fn wants(name: &str, provisioned_concurrency: u32) -> FunctionSpec {
    FunctionSpec { provisioned_concurrency, ..spec(name) }
}

/// Waits until so many environments are started, and returns what the runtime says then.
async fn ready(bench: &Bench, function: &str, ready: u32) -> Provisioned {
    for _ in 0..2_000 {
        if let Some(provisioned) = bench.runtime.provisioned(function).filter(|found| found.ready == ready) {
            return provisioned;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{function}: {:?}, not {ready}", bench.runtime.provisioned(function));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_use_what_was_started_ahead_and_the_rest_spills_over() {
    for (file, pause) in [(PROBE, "/sleep?ms=400"), ("sleep.wat", "/")] {
        let bench = Bench::new();
        let function = bench.deploy(wants("f", 3), 1, &guest(file)).await;
        bench.runtime.activate(&function);
        let begun = ready(&bench, "f", 3).await;
        assert_eq!((begun.wanted, begun.in_use, begun.spillovers), (3, 0, 0));
        let first = bench.call(&function, pause, "1").await.execution;
        assert_eq!((first.cold, first.init_type), (false, InitType::Provisioned));
        assert_eq!((first.phases.load, first.phases.init), (Duration::ZERO, Duration::ZERO));
        // A command has a fresh instance for each call, in whatever slot.
        assert_eq!(first.phases.instantiate > Duration::ZERO, file != PROBE);

        let calls = join_all((0..5).map(|_| bench.call(&function, pause, "400"))).await;
        let of = |init_type| calls.iter().filter(move |done| done.execution.init_type == init_type);
        assert_eq!((of(InitType::Provisioned).count(), of(InitType::OnDemand).count()), (3, 2));
        assert!(of(InitType::Provisioned).all(|done| !done.execution.cold && done.ended() == ("ok", "")));
        assert!(of(InitType::OnDemand).all(|done| done.execution.cold));
        let mut ids: Vec<_> = calls.iter().map(|done| done.execution.environment_id.0.clone()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 5, "no environment serves two at once");
        let status = bench.runtime.status();
        let expected = Provisioned { function: "f".to_owned(), wanted: 3, ready: 3, in_use: 0, spillovers: 2 };
        assert_eq!((status.idle_environments, status.provisioned), (2, vec![expected]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn they_never_expire_and_are_replaced_when_a_fault_ends_one() {
    let clock = Clock::manual(Timestamp::from_micros(1_700_000_000_000_000));
    let bench = Bench::with(clock, |config| config.idle_timeout = Duration::from_secs(60));
    let function = bench.deploy(wants("f", 1), 1, &guest(PROBE)).await;
    bench.runtime.activate(&function);
    bench.runtime.activate(&function);
    ready(&bench, "f", 1).await;
    assert_eq!(bench.call(&function, "/count", "").await.text(), "1");
    bench.clock.advance(Duration::from_secs(86_400));
    bench.runtime.0.pool.reap();
    let again = bench.call(&function, "/count", "").await;
    assert_eq!((again.text(), again.execution.init_type), ("2", InitType::Provisioned));

    let trapped = bench.call(&function, "/trap", "").await;
    assert_eq!(
        (trapped.ended(), trapped.execution.init_type),
        (("error", "Trap.UnreachableCodeReached"), InitType::Provisioned)
    );
    ready(&bench, "f", 1).await;
    let new = bench.call(&function, "/count", "").await;
    assert_eq!((new.text(), new.execution.init_type, new.execution.cold), ("1", InitType::Provisioned, false));
    assert_ne!(new.execution.environment_id, again.execution.environment_id);
    assert_eq!(bench.runtime.provisioned("f").unwrap().spillovers, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_active_version_alone_has_them() {
    let bench = Bench::new();
    let wasm = guest(PROBE);
    let first = bench.deploy(wants("f", 2), 1, &wasm).await;
    let second = bench.deploy(wants("f", 3), 2, &wasm).await;
    bench.runtime.activate(&first);
    ready(&bench, "f", 2).await;
    let (old, ()) = tokio::join!(bench.call(&first, "/sleep?ms=300", ""), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        bench.runtime.activate(&second);
        ready(&bench, "f", 3).await;
    });
    assert_eq!((old.ended(), old.execution.init_type), (("ok", ""), InitType::Provisioned));
    assert_eq!(bench.runtime.provisioned("f").unwrap().ready, 3, "the old version's went when its call ended");
    assert_eq!(bench.call(&second, "/count", "").await.execution.init_type, InitType::Provisioned);
    // Back to the older version: it starts its own anew.
    bench.runtime.activate(&first);
    assert_eq!(ready(&bench, "f", 2).await.wanted, 2);
    assert_eq!(bench.call(&first, "/count", "").await.execution.init_type, InitType::Provisioned);
    let plain = Arc::new(FunctionVersion { spec: spec("f"), version: 3, ..(*first).clone() });
    bench.runtime.activate(&plain);
    assert_eq!(bench.runtime.provisioned("f"), None);
    assert_eq!(bench.call(&plain, "/count", "").await.execution.init_type, InitType::OnDemand);
    bench.runtime.activate(&first);
    ready(&bench, "f", 2).await;
    bench.runtime.remove("f");
    assert!(bench.runtime.provisioned("f").is_none() && bench.runtime.0.pool.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_does_not_start_is_tried_again_and_keeps_no_place() {
    let bench = Bench::new();
    let trap =
        r#"(module (func $start unreachable) (start $start) (memory (export "memory") 1) (func (export "_start")))"#;
    // A command has no start ahead of its call; its slots are ready whatever its code does then.
    let command = bench.deploy(wants("command", 2), 1, trap.as_bytes()).await;
    bench.runtime.activate(&command);
    ready(&bench, "command", 2).await;
    assert_eq!(bench.call(&command, "/", "").await.execution.outcome.as_str(), "error");
    ready(&bench, "command", 2).await;

    // An artifact that is not there and cannot be made: calls say so, and nothing is ready.
    let gone = FunctionVersion { spec: wants("gone", 2), sha256: "0".repeat(64), ..(*command).clone() };
    let gone = Arc::new(gone);
    bench.runtime.activate(&gone);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(bench.runtime.provisioned("gone").map(|found| (found.wanted, found.ready)), Some((2, 0)));
    assert_eq!(bench.call(&gone, "/", "").await.ended(), ("platform_error", "Platform.Artifact"));
    assert_eq!(bench.runtime.shutdown(Duration::from_secs(5)).await, 0);
    assert!(bench.runtime.status().provisioned.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_for_one_call_is_cold_each_time() {
    let bench = Bench::new();
    for file in [PROBE, "ok.wat"] {
        let once = bench
            .deploy(FunctionSpec { single_use: true, ..spec(file.split('/').next().unwrap_or(file)) }, 1, &guest(file))
            .await;
        let mut seen = Vec::new();
        for _ in 0..3 {
            let done = bench.call(&once, "/count", "1").await;
            assert_eq!((done.text(), done.execution.cold), ("1", true));
            assert_eq!(done.execution.init_type, InitType::OnDemand);
            seen.push(done.execution.environment_id);
        }
        seen.sort_by(|a, b| a.0.cmp(&b.0));
        seen.dedup();
        assert_eq!((seen.len(), bench.runtime.status().idle_environments), (3, 0));
    }
}

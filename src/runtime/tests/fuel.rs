//! Instructions that are counted: the same for the same call, and only where a function asks for it.

use std::time::Duration;

use super::{Bench, guest, spec};
use crate::model::FunctionSpec;

const PROBE: &str = "probe/probe.wasm";

fn counted(name: &str) -> FunctionSpec {
    FunctionSpec { fuel: true, ..spec(name) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_uses_the_same_fuel_every_time() {
    let bench = Bench::new();
    let function = bench.deploy(counted("hog"), 1, &guest("hog.wat")).await;
    let fuel = async |payload: &'static str| bench.call(&function, "/", payload).await.execution.fuel.unwrap();
    let (small, large) = (fuel("10").await, fuel("2000").await);
    assert!(small > 10_000 && large > 100 * small, "{small} and {large}");
    // Long enough to be interrupted many times, and with another one beside it.
    for _ in 0..3 {
        let (a, b) = tokio::join!(fuel("2000"), fuel("10"));
        assert_eq!((a, b), (large, small));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_in_the_same_state_uses_the_same_fuel() {
    let bench = Bench::new();
    let function = bench.deploy(counted("probe"), 1, &guest(PROBE)).await;
    let mut rounds = Vec::new();
    for _ in 0..3 {
        let mut calls = Vec::new();
        for path in ["/hog?steps=100000", "/hog?steps=100000", "/hog?steps=200000", "/count"] {
            let done = bench.call(&function, path, "").await;
            assert_eq!((done.ended(), done.execution.cold), (("ok", ""), calls.is_empty()));
            calls.push(done.execution.fuel.unwrap());
        }
        rounds.push(calls);
        bench.runtime.remove("probe");
    }
    assert!(rounds.iter().all(|calls| *calls == rounds[0]), "{rounds:?}");
    assert!(rounds[0][0] > 100_000 && rounds[0][2] > rounds[0][1] + 100_000, "{rounds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_is_counted_too() {
    let bench = Bench::new();
    let trap = bench.deploy(counted("trap"), 1, &guest("trap.wat")).await;
    let timeout = Duration::from_millis(300);
    let spin = bench.deploy(FunctionSpec { timeout, ..counted("spin") }, 1, &guest("spin.wat")).await;
    let (first, again) = (bench.call(&trap, "/", "").await, bench.call(&trap, "/", "").await);
    assert_eq!(first.ended(), ("error", "Trap.UnreachableCodeReached"));
    assert!(first.execution.fuel.is_some() && first.execution.fuel == again.execution.fuel);
    let spun = bench.call(&spin, "/", "").await;
    assert_eq!(spun.ended(), ("timeout", "Timeout"));
    assert!(spun.execution.fuel.unwrap() >= 10_000_000, "{:?}", spun.execution.fuel);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_ask_has_an_artifact_of_their_own() {
    let bench = Bench::new();
    let plain = bench.deploy(spec("hog"), 1, &guest("hog.wat")).await;
    assert_eq!(bench.runtime.status().compiled, 1);
    assert!(!bench.runtime.is_compiled(&plain.sha256, true), "nobody asked for it");
    assert_eq!(bench.call(&plain, "/", "10").await.execution.fuel, None);
    let counted = bench.deploy(counted("hog"), 2, &guest("hog.wat")).await;
    assert_eq!((bench.runtime.status().compiled, &counted.sha256), (2, &plain.sha256));
    assert!(bench.call(&counted, "/", "10").await.execution.fuel.is_some());
    assert_eq!(bench.call(&plain, "/", "10").await.execution.fuel, None);

    // What is missing is made again as it was asked for.
    let build = crate::runtime::artifact::Build::of(&counted);
    std::fs::remove_file(bench.runtime.0.artifacts.artifact(build)).unwrap();
    bench.runtime.remove("hog");
    let done = bench.call(&counted, "/", "10").await;
    assert!(done.execution.fuel.is_some() && done.execution.phases.compile > Duration::ZERO);
}

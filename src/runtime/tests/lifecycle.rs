//! Environments and artifacts over time: concurrency, expiry, retirement, eviction, restarts, shutting down.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::{Bench, guest, spec};
use crate::clock::Clock;
use crate::model::{FunctionSpec, ThrottleReason};
use crate::runtime::Runtime;
use crate::units::Timestamp;

const PROBE: &str = "probe/probe.wasm";

fn manual() -> Clock {
    Clock::manual(Timestamp::from_micros(1_700_000_000_000_000))
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_environments_expire_and_the_rest_stay() {
    let bench = Bench::with(manual(), |config| config.idle_timeout = Duration::from_secs(60));
    let function = bench.deploy(spec("probe"), 1, &guest(PROBE)).await;
    assert!(bench.call(&function, "/count", "").await.execution.cold);
    bench.clock.advance(Duration::from_secs(59));
    assert!(!bench.call(&function, "/count", "").await.execution.cold);
    bench.clock.advance(Duration::from_secs(60));
    let done = bench.call(&function, "/count", "").await;
    assert_eq!((done.execution.cold, done.text()), (true, "1"));
    bench.clock.advance(Duration::from_secs(61));
    bench.runtime.0.pool.reap();
    assert_eq!(bench.runtime.status().idle_environments, 0);
    assert!(bench.call(&function, "/count", "").await.execution.cold);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_idle_the_longest_makes_room() {
    let bench = Bench::with(Clock::system(), |config| config.idle_environments = 2);
    let ok = guest("ok.wat");
    let mut functions = Vec::new();
    for name in ["a", "b", "c"] {
        functions.push(bench.deploy(spec(name), 1, &ok).await);
    }
    for function in &functions {
        assert!(bench.call(function, "/", "").await.execution.cold);
    }
    assert_eq!(bench.runtime.status().idle_environments, 2);
    assert!(!bench.call(&functions[2], "/", "").await.execution.cold);
    assert!(!bench.call(&functions[1], "/", "").await.execution.cold);
    assert!(bench.call(&functions[0], "/", "").await.execution.cold);
    assert!(bench.call(&functions[2], "/", "").await.execution.cold, "c was idle longer than b");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_retires_the_old_one_busy_ones_too() {
    let bench = Bench::new();
    let wasm = guest(PROBE);
    let first = bench.deploy(spec("probe"), 1, &wasm).await;
    let second = bench.deploy(spec("probe"), 2, &wasm).await;
    bench.call(&first, "/count", "").await;
    let (slow, ()) = tokio::join!(bench.call(&first, "/sleep?ms=200", ""), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        bench.call(&second, "/count", "").await;
        bench.runtime.activate(&second);
    });
    assert_eq!(slow.ended(), ("ok", ""));
    assert_eq!(bench.runtime.status().idle_environments, 1, "version 2's");
    assert!(!bench.call(&second, "/count", "").await.execution.cold);
    assert!(bench.call(&first, "/count", "").await.execution.cold, "an old version can still be called");
    bench.runtime.remove("probe");
    assert_eq!(bench.runtime.status().idle_environments, 0);
    assert!(bench.runtime.0.pool.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_deployed_anew_gets_none_of_the_old_ones_environments() {
    let bench = Bench::new();
    let old = bench.deploy(spec("f"), 1, &guest(PROBE)).await;
    bench.call(&old, "/count", "").await;
    let deployed_at = Timestamp::from_micros(2);
    let new = Arc::new(crate::model::FunctionVersion { deployed_at, ..(*old).clone() });
    let done = bench.call(&new, "/count", "").await;
    assert_eq!((done.text(), done.execution.cold), ("1", true));
    assert_eq!(bench.runtime.status().idle_environments, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_at_once_are_admitted_up_to_the_limit_exactly() {
    let bench = Bench::with(Clock::system(), |config| config.account_concurrency = 30);
    let reserved_concurrency = Some(25);
    let function = bench.deploy(FunctionSpec { reserved_concurrency, ..spec("probe") }, 1, &guest(PROBE)).await;
    let attempts = join_all((0..100).map(|_| async {
        match bench.runtime.admit(&function) {
            Ok(admission) => {
                let request = bench.request("/sleep?ms=300", "");
                let reply = bench.runtime.invoke(admission, request).await;
                Ok(matches!(reply, crate::runtime::Reply::Whole { response: Some(_), .. }))
            }
            Err(throttled) => Err(throttled.reason),
        }
    }));
    let attempts = attempts.await;
    assert_eq!(attempts.iter().filter(|attempt| **attempt == Ok(true)).count(), 25);
    assert_eq!(attempts.iter().filter(|attempt| **attempt == Err(ThrottleReason::FunctionConcurrency)).count(), 75);
    assert_eq!(bench.runtime.status().running, 0);
    assert!(bench.runtime.admit(&function).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_instances_than_the_pool_has_slots_are_made_on_demand() {
    let bench = Bench::with(Clock::system(), |config| {
        config.account_concurrency = 1_000;
        config.idle_environments = 0;
    });
    // The pool is made for the account's concurrency; a small one shows what happens past it.
    let small = Bench::over(Arc::clone(&bench.dir), Clock::system(), |config| {
        config.account_concurrency = 4;
        config.idle_environments = 0;
    });
    let function = small.deploy(spec("probe"), 1, &guest(PROBE)).await;
    let plenty = crate::runtime::Config { account_concurrency: 100, ..crate::runtime::Config::new(small.dir.path()) };
    let limits = Arc::new(crate::runtime::limits::Limits::new(&plenty, small.clock.clone()));
    let calls = (0..60).map(|_| {
        let permit = crate::runtime::limits::admit(&limits, &function).unwrap();
        let admission = crate::runtime::Admission { function: Arc::clone(&function), permit };
        small.runtime.invoke(admission, small.request("/sleep?ms=300", ""))
    });
    for reply in join_all(calls).await {
        let crate::runtime::Reply::Whole { execution, .. } = reply else { panic!("it is short") };
        assert_eq!((execution.outcome.as_str(), execution.error_message), ("ok", None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_survive_a_restart_and_are_made_again_where_they_are_missing() {
    let first = Bench::new();
    let function = first.deploy(spec("probe"), 1, &guest(PROBE)).await;
    first.deploy(spec("other"), 1, &guest(PROBE)).await;
    assert_eq!(first.runtime.status().compiled, 1);
    let artifact = first.runtime.0.artifacts.artifact(crate::runtime::artifact::Build::of(&function));
    let dir = Arc::clone(&first.dir);
    drop(first);

    let second = Bench::over(Arc::clone(&dir), Clock::system(), |_| {});
    assert!(second.runtime.is_compiled(&function.sha256, false));
    let done = second.call(&function, "/count", "").await;
    assert_eq!((done.text(), done.execution.phases.compile), ("1", Duration::ZERO));
    assert_eq!(second.runtime.status().compiled, 0);
    drop(second);

    std::fs::remove_file(&artifact).unwrap();
    let third = Bench::over(Arc::clone(&dir), Clock::system(), |_| {});
    assert!(!third.runtime.is_compiled(&function.sha256, false));
    let done = third.call(&function, "/count", "").await;
    assert_eq!(done.ended(), ("ok", ""));
    assert!(done.execution.phases.compile > Duration::from_millis(1));
    assert_eq!(third.runtime.status().compiled, 1);
    drop(third);

    // A new file, as whoever still has the old one mapped may look at it.
    std::fs::remove_file(&artifact).unwrap();
    std::fs::write(&artifact, b"not an artifact").unwrap();
    let fourth = Bench::over(Arc::clone(&dir), Clock::system(), |_| {});
    assert_eq!(fourth.call(&function, "/count", "").await.ended(), ("ok", ""));
    assert_eq!(fourth.runtime.status().compiled, 1);
    drop(fourth);

    std::fs::remove_dir_all(dir.path()).unwrap();
    let fifth = Bench::over(dir, Clock::system(), |_| {});
    let done = fifth.call(&function, "/count", "").await;
    assert_eq!(done.ended(), ("platform_error", "Platform.Artifact"));
    assert_eq!(done.execution.phases.billed_ms(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_are_kept_whole_however_many_write_them() {
    let bench = Bench::new();
    let source = bench.runtime.check(&guest(PROBE)).unwrap();
    for saved in join_all((0..8).map(|_| bench.runtime.save(source.clone()))).await {
        saved.unwrap();
    }
    let saved = bench.runtime.saved(&source.sha256).await.unwrap();
    assert_eq!((saved.wasm, saved.kind), (source.wasm.clone(), source.kind));
    let path = bench.dir.path().join("sources").join(format!("{}.wasm", source.sha256));
    let mut changed = source.wasm.to_vec();
    changed[1_000] ^= 1;
    std::fs::write(&path, changed).unwrap();
    let error = bench.runtime.saved(&source.sha256).await.unwrap_err().to_string();
    assert!(error.contains("changed"), "{error}");
    assert!(bench.runtime.saved("../x").await.is_err());

    let unfinished = bench.dir.path().join("artifacts/x.1.tmp");
    std::fs::write(&unfinished, b"half").unwrap();
    let _again = Bench::over(Arc::clone(&bench.dir), Clock::system(), |_| {});
    assert!(!unfinished.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_link_fails_at_deploy() {
    let bench = Bench::new();
    let wrong = r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i64))) (func (export "_start")))"#;
    let refused = |upload: &'static str, runtime: Runtime| async move {
        let source = runtime.check(upload.as_bytes()).unwrap();
        let sha256 = source.sha256.clone();
        let error = runtime.compile(source).await.unwrap_err().to_string();
        assert!(!runtime.is_compiled(&sha256, false));
        error
    };
    let error = refused(wrong, bench.runtime.clone()).await;
    assert!(error.contains("fd_write"), "{error}");
    let error = refused(r#"(module (func (export "_start") (param i32)))"#, bench.runtime.clone()).await;
    assert!(error.contains("_start"), "{error}");
    for file in ["nostart.wat", "badimport.wat"] {
        let error = bench.runtime.check(&guest(file)).unwrap_err().to_string();
        assert!(error.contains("_start") || error.contains("env.open_till"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_waits_for_calls_and_counts_the_late_ones() {
    let bench = Bench::new();
    let function = bench.deploy(spec("probe"), 1, &guest(PROBE)).await;
    bench.call(&function, "/count", "").await;
    let runtime = bench.runtime.clone();
    let admission = runtime.admit(&function).unwrap();
    let request = bench.request("/sleep?ms=10000", "");
    let call = tokio::spawn(async move { runtime.invoke(admission, request).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(bench.runtime.shutdown(Duration::from_millis(100)).await, 1);
    assert_eq!(bench.runtime.status().idle_environments, 0);
    call.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn spinning_neighbours_leave_room_for_others() {
    let bench = Bench::new();
    let timeout = Duration::from_millis(1_500);
    let spin = bench.deploy(FunctionSpec { timeout, ..spec("spin") }, 1, &guest("spin.wat")).await;
    let ok = bench.deploy(spec("ok"), 1, &guest("ok.wat")).await;
    bench.call(&ok, "/", "").await;
    let spinning = join_all((0..4).map(|_| bench.call(&spin, "/", "")));
    let quick = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut slowest = Duration::ZERO;
        for _ in 0..50 {
            slowest = slowest.max(bench.call(&ok, "/", "x").await.execution.phases.felt());
        }
        slowest
    };
    let (spun, slowest) = tokio::join!(spinning, quick);
    assert!(spun.iter().all(|done| done.ended() == ("timeout", "Timeout")));
    assert!(slowest < Duration::from_millis(750), "{slowest:?}");
}

//! What charts mark and compare calls with: the versions and limits in SQL, how many calls ran at once, and what a cold
//! start's init costs.

use std::sync::Arc;

use serde_json::json;

use crate::support::cli::cli;
use crate::support::rows::Row;
use crate::support::server::{Home, Server, temporary_file};
use crate::support::{guest, money, probe, wait_until};

/// A command whose own start code takes some milliseconds.
const SLOW_START: &[u8] = br#"(module (memory (export "memory") 1)
    (func $init (local $n i32)
        (loop $more
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $n) (i32.const 20000000)))))
    (start $init)
    (func (export "_start")))"#;

#[test]
fn a_cold_starts_init_has_its_part_of_the_list_cost() {
    let server = Server::shared();
    let (_folder, module) = temporary_file("slow-start.wat", SLOW_START);
    let options = ["--memory-mb", "256", "--ephemeral-storage-mb", "1024", "--timeout", "60s"];
    server.deploy("deployments-init", &module, &options);
    let row = || server.record(server.invoke("deployments-init", "").invocation_id());
    let (cold, warm) = (row(), row());
    assert!(cold.flag("cold") && cold.int("init_ns") > 1_000_000, "{cold:?}");
    let handler_ms = (cold.int("duration_ns") - 1).div_euclid(1_000_000) + 1;
    let without = money::price(1, 256, 1_024, handler_ms.max(1), "x86_64");
    let (list_cost, init_cost) = (money::units(cold.text("list_cost")), money::units(cold.text("init_cost")));
    assert!(init_cost > 0 && init_cost + without == list_cost, "{cold:?}");
    assert!(!warm.flag("cold") && warm.int("init_ns") > 0, "{warm:?}");
    assert_eq!(money::units(warm.text("init_cost")), 0, "{warm:?}");
}

#[test]
fn a_record_says_how_many_calls_ran_at_once() {
    let server = Server::shared();
    server.deploy("deployments-busy", &probe(), &["--reserved-concurrency", "2", "--timeout", "30s"]);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| server.get("/fn/deployments-busy/sleep?ms=1500"));
        }
    });
    let sql = "SELECT outcome, concurrency, init_cost FROM invocations WHERE function = 'deployments-busy' \
               ORDER BY outcome, concurrency";
    let rows = wait_until("every call is on record", || Some(server.sql(sql)).filter(|rows| rows.len() == 3));
    let found: Vec<_> = rows.iter().map(|row| (row.text("outcome"), row.int("concurrency"))).collect();
    assert_eq!(found, [("ok", 1), ("ok", 2), ("throttled", 2)]);
    assert_eq!(money::units(rows[2].text("init_cost")), 0, "{rows:?}");
    let alone = server.record(server.get("/fn/deployments-busy/noread").invocation_id());
    assert_eq!(alone.int("concurrency"), 1);
}

/// Checks a version's row: its number, whether calls run it, its memory, and a limit that not each has.
fn check(row: &Row, version: &str, is_active: bool, memory_mb: i64, rate: Option<i64>) {
    let told = (row.text("version"), row.flag("is_active"), row.int("memory_mb"));
    assert_eq!(told, (version, is_active, memory_mb), "{row:?}");
    assert_eq!(row.get("rate_per_s").as_i64(), rate, "{row:?}");
    assert_eq!((row.text("tenant"), row.text("function"), row.text("state")), ("acme", "f", "active"), "{row:?}");
    assert_eq!((row.text("architecture"), row.int("timeout_ms")), ("arm64", 1_500), "{row:?}");
    assert_eq!((row.int("ephemeral_storage_mb"), row.int("provisioned_concurrency")), (512, 0), "{row:?}");
    assert_eq!((row.entry("tags", "team"), row.is_null("reserved_concurrency")), ("shop", true), "{row:?}");
}

#[test]
fn versions_and_limits_are_read_with_sql() {
    let home = Arc::new(Home::new().config("[runtime]\naccount_concurrency = 70\naccount_rate_per_s = 900\n"));
    let server = home.serve();
    let same = ["--tenant", "acme", "--tag", "team=shop", "--architecture", "arm64", "--timeout", "1500ms"];
    assert!(server.sql("SELECT * FROM deployments").is_empty());
    server.deploy("f", &guest("ok.wat"), &[&same[..], &["--memory-mb", "64", "--rate-per-s", "5"]].concat());
    server.invoke("f", "x");
    server.deploy("f", &guest("ok.wat"), &[&same[..], &["--memory-mb", "65"]].concat());
    server.invoke("f", "x");
    server.deploy("gone", &guest("ok.wat"), &[]);
    server.cli(&["remove", "gone"]).ok();

    let all = "SELECT * FROM deployments ORDER BY version";
    let versions = server.sql(all);
    assert_eq!(versions.len(), 2, "{versions:?}");
    check(&versions[0], "1", false, 64, Some(5));
    check(&versions[1], "2", true, 65, None);
    let first_calls = "SELECT d.version, min(CAST(i.started_at AS BIGINT) - CAST(d.deployed_at AS BIGINT)) AS after_us \
        FROM deployments d JOIN invocations i USING (function, version) GROUP BY d.version ORDER BY d.version";
    let calls = server.sql(first_calls);
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(calls.iter().all(|row| (1..600_000_000).contains(&row.int("after_us"))), "{calls:?}");
    server.cli(&["rollback", "f"]).ok();
    let active = "SELECT version FROM deployments WHERE is_active";
    assert_eq!(server.text(active, "version"), "1");
    let limits = server.row("SELECT * FROM limits");
    assert_eq!((limits.int("account_concurrency"), limits.int("account_rate_per_s")), (70, 900));
    let unknown = server.query("SELECT * FROM nothing", &json!({})).problem(400);
    assert!(unknown.contains("there are invocations, spans, logs, metrics, deployments, limits"), "{unknown}");
    assert!(server.stop().success());

    // The data folder alone tells the same, but for limits that only a server's own settings say.
    let data = home.data_text();
    let told = cli(&["query", active, "--data", &data, "--output", "csv"]).ok();
    assert_eq!(told.split_whitespace().collect::<Vec<_>>(), ["version", "1"]);
    let told = cli(&["query", "SELECT * FROM limits", "--data", &data, "--output", "json"]).ok();
    assert!(told.contains("\"account_concurrency\":1000") && told.contains("\"account_rate_per_s\":null"), "{told}");
}

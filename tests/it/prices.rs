//! Money: each record's list cost is what AWS' published prices come to, digit for digit, and so is every sum.

use crate::support::server::Server;
use crate::support::{guest, money};

#[test]
fn list_costs_are_exact_and_their_sums_are_the_price_of_the_sum() {
    let server = Server::start();
    let functions: [(&str, &str, &[&str]); 5] = [
        ("small", "sleep.wat", &["--memory-mb", "1"]),
        ("default", "sleep.wat", &[]),
        ("arm", "sleep.wat", &["--memory-mb", "1769", "--architecture", "arm64"]),
        ("disk", "sleep.wat", &["--memory-mb", "4096", "--ephemeral-storage-mb", "10240"]),
        ("late", "spin.wat", &["--memory-mb", "333", "--timeout", "150ms"]),
    ];
    for (name, file, options) in functions {
        server.deploy(name, &guest(file), options);
        for ms in ["0", "1", "13", "57"] {
            server.invoke(name, ms).invocation_id();
        }
    }
    server.deploy("stopped", &guest("ok.wat"), &["--reserved-concurrency", "0"]);
    assert_eq!(server.invoke("stopped", "x").status, 429);

    let mut sum = 0;
    let rows = server.sql("SELECT * FROM invocations");
    assert!(rows.len() >= functions.len() * 4, "{} rows", rows.len());
    for row in &rows {
        assert_eq!(money::units(row.text("list_cost")), money::price_of(row), "{row:?}");
        if row.text("outcome") == "throttled" {
            assert_eq!((row.int("billed_ms"), money::units(row.text("list_cost"))), (0, 0));
        } else {
            assert_eq!(row.int("billed_ms"), money::billed_ms(row), "{row:?}");
        }
        sum += money::price_of(row);
    }
    let ran = server.row("SELECT sum(list_cost) AS cost FROM invocations WHERE outcome <> 'throttled'");
    assert_eq!(money::units(ran.text("cost")), sum);

    let sets = server.sql(
        "SELECT memory_mb, ephemeral_storage_mb, architecture, count(*) AS requests, \
         CAST(sum(billed_ms) AS BIGINT) AS ms, sum(list_cost) AS cost \
         FROM invocations WHERE outcome <> 'throttled' GROUP BY 1, 2, 3",
    );
    assert_eq!(sets.len(), functions.len());
    for set in sets {
        let (memory, storage) = (set.int("memory_mb"), set.int("ephemeral_storage_mb"));
        let price = money::price(set.int("requests"), memory, storage, set.int("ms"), set.text("architecture"));
        assert_eq!(money::units(set.text("cost")), price, "{set:?}");
    }
}

#[test]
fn records_name_the_region_and_account_that_were_given() {
    let home = std::sync::Arc::new(
        crate::support::server::Home::new().arg("--region").arg("af-south-1").arg("--account").arg("shop-7"),
    );
    let server = home.serve();
    server.deploy("ok", &guest("ok.wat"), &["--memory-mb", "1024"]);
    let row = server.record(server.invoke("ok", "x").invocation_id());
    assert_eq!((row.text("region"), row.text("account")), ("af-south-1", "shop-7"));
    // 0.00000027 a request and 0.0000221 a GiB-second, in units of 10^-23.
    let price = 27 * 10i128.pow(15) + i128::from(row.int("billed_ms")) * 221 * 10i128.pow(16) / 1_000;
    assert_eq!(money::units(row.text("list_cost")), price);
    assert!(server.stop().success());
}

//! What the list of traces and a trace's page say of cost and counts, beside the records.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::support::money;
use crate::support::rows::Row;
use crate::support::server::{Home, Server};

/// Invocations, cold ones and the cost in 10^-23 of a trace.
type Sums = (i64, i64, i128);

fn sums(rows: &[Row]) -> BTreeMap<String, Sums> {
    let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.is_null("trace_id")) {
        let of = sums.entry(row.text("trace_id").to_owned()).or_default();
        of.0 += 1;
        of.1 += i64::from(row.flag("cold"));
        of.2 += if row.is_null("list_cost") { 0 } else { money::units(row.text("list_cost")) };
    }
    sums
}

fn cost(of: &Value) -> i128 {
    of.as_array().expect("amounts").iter().map(|of| money::units(of["amount"].as_str().expect("an amount"))).sum()
}

fn check(server: &Server, found: &Value, sums: &BTreeMap<String, Sums>) {
    let id = found["trace_id"].as_str().expect("an id");
    let said = (found["invocations"].as_i64(), found["cold"].as_i64(), cost(&found["list_cost"]));
    let (invocations, cold, expected) = sums[id];
    assert_eq!(said, (Some(invocations), Some(cold), expected), "{id}");
    let whole = server.get(&format!("/api/v1/traces/{id}")).json();
    assert_eq!(cost(&whole["list_cost"]), expected, "{id}");
    let items = whole["items"].as_array().expect("spans");
    let own: i128 = items.iter().filter_map(|item| item.get("own_cost")).map(cost).sum();
    let roots = items.iter().filter(|item| item["parent"].is_null()).filter_map(|item| item.get("list_cost"));
    assert_eq!((own, roots.map(cost).sum::<i128>()), (expected, expected), "{id}: own costs, and those of the roots");
}

/// Every trace is listed once, page by page, with the sums of its records to the last digit.
#[test]
fn traces_add_up() {
    let home = Home::demo().arg("--history").arg("4k").arg("--no-load").arg("--seed").arg("5");
    let server = Arc::new(home).serve();
    let rows = server.sql("SELECT trace_id, cold, list_cost FROM invocations");
    let sums = sums(&rows);
    assert!(sums.len() > 1_000, "{} traces", sums.len());
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/api/v1/traces?from=now-90d&limit=700{cursor}")).json();
        let items = page["items"].as_array().expect("items").clone();
        for (place, item) in items.iter().enumerate() {
            seen.push(item["trace_id"].as_str().expect("an id").to_owned());
            if place % 100 == 0 {
                check(&server, item, &sums);
            } else {
                assert_eq!(cost(&item["list_cost"]), sums[&seen[seen.len() - 1]].2, "{item}");
            }
        }
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((count, seen.len()), (seen.len(), sums.len()), "each trace once, and all of them");
}

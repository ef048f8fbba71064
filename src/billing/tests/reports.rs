//! Statements, chargebacks and bridges of stored records.

use crate::billing::bridge::amount;
use crate::billing::{Dimension, Kind, Report, Row, RowType};
use crate::cost::rating::Ratio;
use crate::model::{Architecture, InitType, Invocation, Outcome};
use crate::units::Megabytes;

use super::world::{World, month, ratio, record, small_books};

const NOW: &str = "2026-11-20T00:00:00Z";

fn sum(numbers: impl Iterator<Item = Ratio>) -> Ratio {
    numbers.fold(Ratio::ZERO, |sum, number| sum.plus(number).expect("in range"))
}

fn billed(row: &Row) -> Ratio {
    amount(row.billed_cost).expect("in range")
}

/// Ten days of two functions, in two regions and on two architectures, 1,000 GiB-s each hour.
fn several() -> Vec<Invocation> {
    let of = |n: usize| {
        let at = format!("2026-10-{:02}T{:02}:00:00.{:06}Z", n / 24 + 1, n % 24, n);
        let function = ["checkout", "search", "mail"][n % 3];
        let mut record = record(n, function, &at);
        record.billed_ms = Some(100_000 + 7 * n as i64);
        record.memory = Some(Megabytes(10_240));
        record.region = Some(["us-east-1", "af-south-1"][n / 2 % 2].to_owned());
        record.architecture = Some([Architecture::X86_64, Architecture::Arm64][n / 5 % 2]);
        record.tenant = ["acme", "globex"][n / 7 % 2].to_owned();
        record.ephemeral_storage = Some(Megabytes(512 + (n as u32 % 4) * 512));
        if !n.is_multiple_of(3) {
            record.tags = [("team".to_owned(), format!("t{}", n % 5))].into();
        }
        record
    };
    (0..90).map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_has_lines_by_region_meter_and_tier_that_add_up() {
    let world = World::new(small_books(), NOW).await;
    world.add("aws-lambda", several()).await;
    let report = world.service.report(Kind::Statement, month("2026-10")).await.expect("it is rated");
    assert!(!report.open);
    let lines: Vec<&Row> = report.rows.iter().filter(|row| row.row_type == RowType::Line).collect();
    let names: Vec<(&str, &str, Option<usize>)> =
        lines.iter().map(|row| (row.region.as_str(), row.meter.as_str(), row.tier)).collect();
    let expected = ["af-south-1", "us-east-1"].map(|region| {
        let tiers = if region == "us-east-1" { vec![1, 2] } else { vec![1] };
        let mut lines: Vec<_> = tiers.into_iter().map(|tier| (region, "duration_x86", Some(tier))).collect();
        lines.extend(
            [("duration_arm", 1), ("requests", 1), ("ephemeral_storage", 1)].map(|(m, t)| (region, m, Some(t))),
        );
        lines
    });
    assert_eq!(names, expected.concat());
    let free =
        |meter: &str| sum(lines.iter().filter(|row| row.meter.starts_with(meter)).filter_map(|r| r.free_quantity));
    assert_eq!((free("requests"), free("duration")), (ratio("20"), ratio("3000")), "all that is free is taken");
    let requests =
        |of: fn(&Row) -> Option<Ratio>| sum(lines.iter().filter(|r| r.meter == "requests").filter_map(|r| of(r)));
    assert_eq!(requests(|row| row.quantity), ratio("70"));
    check_totals(&report);
    check_bridge(&report);
    assert_eq!((report.sources.records, report.sources.unpriced, report.bills[0].records), (90, 0, 90));
    assert_eq!(report.bills[0].price_book, "aws-lambda@2025-10-01");
    let again = world.service.report(Kind::Statement, month("2026-10")).await.expect("it is rated");
    assert_eq!(again, report);
    let empty = world.service.report(Kind::Statement, month("2026-09")).await.expect("it is rated");
    assert_eq!((empty.rows, empty.bills), (vec![], vec![]));
}

/// Lines and rounding are the total, exactly and as invoiced.
fn check_totals(report: &Report) {
    let (totals, others): (Vec<&Row>, Vec<&Row>) = report.rows.iter().partition(|row| row.row_type == RowType::Total);
    let [total] = totals[..] else { panic!("one currency: {totals:?}") };
    assert_eq!(sum(others.iter().map(|row| billed(row))), billed(total));
    assert_eq!(sum(others.iter().map(|row| row.exact_cost)), total.exact_cost);
    assert_eq!((total.exact_cost, total.billed_cost), (report.bills[0].exact_total, report.bills[0].total));
}

/// Each row's parts are what is billed, all are the total, and list costs are the records'.
fn check_bridge(report: &Report) {
    for row in &report.bridge {
        let parts = sum([row.list, row.free, row.tiers, row.other, row.rounding].into_iter());
        assert_eq!(parts, amount(row.billed).expect("in range"), "{row:?}");
        assert!(!row.free.is_positive(), "{row:?}");
    }
    let all = sum(report.bridge.iter().map(|row| amount(row.billed).expect("in range")));
    assert_eq!(all, amount(report.bills[0].total).expect("in range"));
    assert_eq!(sum(report.bridge.iter().map(|row| row.list)), report.sources.list_cost[0].1);
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_of_any_kind_add_up_to_each_line() {
    let world = World::new(small_books(), NOW).await;
    world.add("aws-lambda", several()).await;
    let statement = world.service.report(Kind::Statement, month("2026-10")).await.expect("it is rated");
    let tag = Dimension::Tag("team".to_owned());
    for (dimension, names) in [
        (Dimension::Function, vec!["checkout", "mail", "search"]),
        (Dimension::Tenant, vec!["acme", "globex"]),
        (tag, vec!["", "t0", "t1", "t2", "t3", "t4"]),
    ] {
        let kind = Kind::Chargeback(dimension);
        let shared = world.service.report(kind.clone(), month("2026-10")).await.expect("it is rated");
        let mut seen: Vec<&str> = shared.rows.iter().map(|row| row.dimension.as_str()).collect();
        seen.sort_unstable();
        seen.dedup();
        let named: Vec<&str> = seen.into_iter().filter(|name| !name.is_empty() || names.contains(&"")).collect();
        assert_eq!(named, names);
        for line in statement.rows.iter().filter(|row| row.row_type == RowType::Line) {
            let is_same = |row: &&Row| (&row.region, &row.meter, row.tier) == (&line.region, &line.meter, line.tier);
            let shares: Vec<&Row> = shared.rows.iter().filter(is_same).collect();
            assert_eq!(sum(shares.iter().map(|row| billed(row))), billed(line), "{kind:?} {line:?}");
            assert_eq!(sum(shares.iter().map(|row| row.exact_cost)), line.exact_cost, "{kind:?} {line:?}");
            for of in [|row: &Row| row.quantity, |row: &Row| row.free_quantity] {
                assert_eq!(Some(sum(shares.iter().filter_map(|row| of(row)))), of(line), "{kind:?} {line:?}");
            }
        }
        check_totals(&shared);
        assert_eq!(shared.bridge, []);
    }
}

/// 2,990 GiB-s are used when two regions and an architecture use 20 more in one microsecond, and others before and after.
#[tokio::test(flavor = "multi_thread")]
async fn an_allowance_is_used_up_in_the_order_of_time_and_shared_by_what_has_the_same() {
    let world = World::new(small_books(), NOW).await;
    let use_up = |id, region: &str, architecture, at: &str, seconds: i64| Invocation {
        region: Some(region.to_owned()),
        architecture: Some(architecture),
        billed_ms: Some(seconds * 1_000),
        ..record(id, "f", at)
    };
    let (x86, arm) = (Architecture::X86_64, Architecture::Arm64);
    world
        .add(
            "aws-lambda",
            vec![
                use_up(0, "af-south-1", x86, "2026-10-05T10:30:00.000006Z", 100),
                use_up(1, "us-east-1", x86, "2026-10-01T00:00:00Z", 2_990),
                use_up(2, "us-east-1", x86, "2026-10-05T10:30:00.000005Z", 4),
                use_up(3, "af-south-1", x86, "2026-10-05T10:30:00.000005Z", 5),
                use_up(4, "us-east-1", arm, "2026-10-05T10:30:00.000005Z", 11),
                use_up(5, "us-east-1", arm, "2026-10-05T10:29:59.999999Z", 0),
            ],
        )
        .await;
    let report = world.service.report(Kind::Statement, month("2026-10")).await.expect("it is rated");
    let line = |region: &str, meter: &str| {
        let mut rows = report.rows.iter();
        let row = rows.find(|row| row.region == region && row.meter == meter).expect("the line is there");
        (row.free_quantity.expect("a number"), row.quantity.expect("a number"))
    };
    // 10 are left for 20: each has half of what it used.
    assert_eq!(line("us-east-1", "duration_x86"), (ratio("2992"), ratio("2")));
    assert_eq!(line("af-south-1", "duration_x86"), (ratio("2.5"), ratio("102.5")));
    assert_eq!(line("us-east-1", "duration_arm"), (ratio("5.5"), ratio("5.5")));
    check_totals(&report);
    check_bridge(&report);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_bill_holds_is_told() {
    let world = World::new(small_books(), NOW).await;
    let provisioned = Invocation {
        init_type: Some(InitType::Provisioned),
        billed_ms: Some(5_000_000),
        ..record(0, "f", "2026-11-01T00:00:00Z")
    };
    let snapped = Invocation { init_type: Some(InitType::SnapStart), ..record(1, "f", "2026-11-01T00:00:00Z") };
    let failed = Invocation { outcome: Outcome::PlatformError, ..record(2, "f", "2026-11-01T00:00:00Z") };
    let throttled = Invocation { outcome: Outcome::Throttled, ..record(3, "f", "2026-11-01T00:00:00Z") };
    let unpriced = Invocation { memory: None, ..record(4, "f", "2026-11-01T00:00:00Z") };
    let too_large = Invocation {
        memory: Some(Megabytes(10_241)),
        price_book: Some("aws-lambda@2025-10-01".to_owned()),
        ..record(5, "f", "2026-11-01T00:00:00Z")
    };
    world.add("aws-lambda", vec![provisioned, snapped, failed, throttled, unpriced]).await;
    let report = world.service.report(Kind::Statement, month("2026-11")).await.expect("it is rated");
    assert!(report.open);
    assert_eq!((report.sources.records, report.sources.unpriced, report.bills[0].records), (5, 1, 2));
    let meters: Vec<&str> = report.rows.iter().map(|row| row.meter.as_str()).collect();
    assert_eq!(meters, ["duration_x86", "requests", "provisioned_duration_x86", ""]);
    assert_eq!(report.rows[1].free_quantity, Some(ratio("2")), "what failed by our fault is no request");
    assert_eq!(report.rows[2].exact_cost, ratio("0.048611"));
    // List cost has the price on demand for what ran in provisioned environments.
    let row = report.bridge.iter().find(|row| row.meter == "recorded list cost").expect("it differs");
    assert_eq!(row.list, ratio("0.0347225"));
    check_bridge(&report);
    world.add_priced(vec![too_large]).await;
    let grown = world.service.report(Kind::Statement, month("2026-11")).await.expect("it is rated");
    assert_eq!((&grown.rows, &grown.bridge), (&report.rows, &report.bridge));
    let notes = grown.bills[0].notes.join("\n");
    assert!(notes.contains("1 records are left out: memory_mb is 10241, its functions have 10240 at most"), "{notes}");
    assert!(notes.contains("1 records ran in provisioned environments"), "{notes}");
    assert!(notes.contains("1 records ran in environments restored from snapshots"), "{notes}");
}

//! Charges of a month against a second, slow computation over the raw rows, record by record: the same digits. They survive
//! `kill -9`, and the same records make no new commit.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::json;

use crate::support::cli::cli;
use crate::support::money::units;
use crate::support::rows::Row;
use crate::support::server::{Home, Server, temporary_file};
use crate::support::{guest, path_text, wait_until};

/// MB·ms in a GiB-second.
const GIB_S: i128 = 1_024_000;
/// What prices are whole numbers of, in one of the currency.
const PRICE: i128 = 10_000_000_000;
/// Requests and MB·ms that are free each month, in all regions together.
const FREE: [i128; 2] = [10, 7 * GIB_S];

/// A book in the place of the program's, with few free units and prices that a few records turn into money.
const BOOK: &str = r#"
id = "aws-lambda"
name = "Agreed prices"
currency = "USD"
scope = "organization"
period = "calendar_month"
zone = "UTC"
invoice_rounding = "line"

[[edition]]
effective = "2020-01-01"
default_region = "us-east-1"

[edition.invocation]
bills_init = true
minimum_ms = 1
free_ephemeral_storage_mb = 512

[[edition.meter]]
name = "x86"
unit = "GiB-second"
counts = ["duration_memory"]
architecture = "x86_64"
price = [["5", "3.3333333333"], ["inf", "1.1111111111"]]

[[edition.meter]]
name = "arm"
unit = "GiB-second"
counts = ["duration_memory"]
architecture = "arm64"
price = "2.7182818284"

[[edition.meter]]
name = "requests"
unit = "request"
counts = ["requests", "provisioned_requests"]
price = "0.1234567891"

[[edition.allowance]]
name = "free requests"
meters = ["requests"]
quantity = "10"

[[edition.allowance]]
name = "free duration"
meters = ["x86", "arm"]
quantity = "7"

[edition.region.eu-west-1]
x86 = [["3", "4.1"], ["inf", "0.9"]]
"#;

/// The tiers of a meter in a region: upper bounds in MB·ms or requests, and prices.
fn tiers(region: &str, meter: &str) -> Vec<(i128, i128)> {
    match (region, meter) {
        ("eu-west-1", "x86") => vec![(3 * GIB_S, 41_000_000_000), (i128::MAX, 9_000_000_000)],
        (_, "x86") => vec![(5 * GIB_S, 33_333_333_333), (i128::MAX, 11_111_111_111)],
        (_, "arm") => vec![(i128::MAX, 27_182_818_284)],
        _ => vec![(i128::MAX, 1_234_567_891)],
    }
}

/// A month, region, meter and tier.
type Line = (String, String, String, i64);
/// A tenant, a function, and its tags.
type Owner = (String, String, BTreeMap<String, String>);

/// What a line comes to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    /// In MB·ms or requests.
    paid: i128,
    free: i128,
    /// Cents of each owner.
    shares: BTreeMap<Owner, i128>,
}

/// What is paid for and what is free, and by whom it was used.
type Used = (i128, i128, BTreeMap<Owner, i128>);

/// Goes through the records in the order of time, one by one, as a person with a pencil would.
fn slowly(records: &[Row]) -> BTreeMap<Line, Sums> {
    let mut used: BTreeMap<(String, String, String), Used> = BTreeMap::new();
    let mut left: BTreeMap<String, [i128; 2]> = BTreeMap::new();
    for record in records {
        let month = record.text("started_at")[..7].to_owned();
        let meter = if record.text("architecture") == "arm64" { "arm" } else { "x86" };
        let region = record.text("region").to_owned();
        let tags = record.get("tags").as_object().into_iter().flatten();
        let tags = tags.map(|(key, value)| (key.clone(), value.as_str().expect("text").to_owned())).collect();
        let owner = (record.text("tenant").to_owned(), record.text("function").to_owned(), tags);
        let left = left.entry(month.clone()).or_insert(FREE);
        let busy = i128::from(record.int("billed_ms")) * i128::from(record.int("memory_mb"));
        for (at, (meter, quantity)) in [("requests", 1), (meter, busy)].into_iter().enumerate() {
            let free = quantity.min(left[at]);
            left[at] -= free;
            let sums = used.entry((month.clone(), region.clone(), meter.to_owned())).or_default();
            sums.0 += quantity - free;
            sums.1 += free;
            *sums.2.entry(owner.clone()).or_default() += quantity;
        }
    }
    let mut lines = BTreeMap::new();
    for ((month, region, meter), (paid, free, weights)) in used {
        let per_unit = if meter == "requests" { 1 } else { GIB_S };
        let (mut below, mut tier) = (0, 0);
        for (up_to, price) in tiers(&region, &meter) {
            tier += 1;
            let quantity = (paid.min(up_to) - below).max(0);
            below = up_to;
            if quantity == 0 && tier > 1 {
                continue;
            }
            // Cents to the nearest, a half up.
            let (amount, cent) = (quantity * price, per_unit * PRICE / 100);
            let cents = (2 * amount + cent) / (2 * cent);
            let shares = split(cents, &weights);
            let free = if tier == 1 { free } else { 0 };
            lines.insert((month.clone(), region.clone(), meter.clone(), tier), Sums { paid: quantity, free, shares });
        }
    }
    lines
}

/// Cents one by one to whoever is owed most, after all were given what they are owed in whole cents.
fn split(cents: i128, weights: &BTreeMap<Owner, i128>) -> BTreeMap<Owner, i128> {
    let all: i128 = weights.values().sum();
    let mut shares: BTreeMap<Owner, i128> =
        weights.iter().map(|(owner, weight)| (owner.clone(), cents * weight / all)).collect();
    let mut owed: Vec<(i128, &Owner)> = weights.iter().map(|(owner, weight)| (cents * weight % all, owner)).collect();
    while shares.values().sum::<i128>() < cents {
        let most = (0..owed.len()).rev().max_by_key(|at| owed[*at].0).expect("someone is owed");
        *shares.get_mut(owed[most].1).expect("it has a share") += 1;
        owed[most].0 = -1;
    }
    shares
}

const RECORDS: &str = "SELECT started_at, region, architecture, memory_mb, billed_ms, tenant, function, tags \
    FROM invocations WHERE price_book LIKE 'aws-lambda@%' AND outcome NOT IN ('throttled', 'platform_error') \
    ORDER BY started_at";

const CHARGES: &str = "SELECT month, region_id, sku_meter, x_tier, sub_account_id, resource_id, tags, pricing_quantity, \
    x_free_quantity, contracted_cost, billed_cost FROM charges";

/// The same of the program's rows. Quantities of 13 decimals are compared in sum, exactly.
fn kept(charges: &[Row]) -> BTreeMap<Line, Sums> {
    let mut lines: BTreeMap<Line, ([i128; 3], Sums)> = BTreeMap::new();
    for row in charges {
        let [month, region, meter] = ["month", "region_id", "sku_meter"].map(|name| row.text(name).to_owned());
        let (exact, sums) = lines.entry((month, region, meter, row.int("x_tier"))).or_default();
        for (sum, name) in exact.iter_mut().zip(["pricing_quantity", "x_free_quantity", "contracted_cost"]) {
            *sum += units(row.text(name));
        }
        let tags = row.get("tags").as_object().into_iter().flatten();
        let tags = tags.map(|(key, value)| (key.clone(), value.as_str().expect("text").to_owned())).collect();
        let owner = (row.text("sub_account_id").to_owned(), row.text("resource_id").to_owned(), tags);
        let cents = units(row.text("billed_cost"));
        assert_eq!(cents % 10_i128.pow(21), 0, "whole cents: {row:?}");
        assert_eq!(sums.shares.insert(owner, cents / 10_i128.pow(21)), None, "once: {row:?}");
    }
    let whole = |(line, ([paid, free, cost], mut sums)): (Line, ([i128; 3], Sums))| {
        let per_unit = if line.2 == "requests" { 1 } else { GIB_S };
        let one = 10_i128.pow(23) / per_unit;
        assert_eq!((paid % one, free % one), (0, 0), "{line:?}");
        (sums.paid, sums.free) = (paid / one, free / one);
        let price = tiers(&line.1, &line.2)[usize::try_from(line.3).expect("a tier") - 1].1;
        assert_eq!(cost, sums.paid * price * (10_i128.pow(13) / per_unit), "{line:?}");
        (line, sums)
    };
    lines.into_iter().map(whole).collect()
}

/// CloudWatch events of invocations that were billed for various times in October.
fn logs(function: usize, count: usize) -> String {
    let mut text = String::from("{\"events\": [\n");
    for number in 0..count {
        let at = 1_791_000_000_000 + (number * 3_600_000 + function * 7_001) as i64;
        let id = format!("{function:08}-0000-0000-0000-{number:012}");
        let (billed, comma) = (150 + 37 * (number % 11), if number == 0 { "" } else { "," });
        let message = format!(
            "REPORT RequestId: {id}\tDuration: {billed}.00 ms\tBilled Duration: {billed} ms\tMemory Size: 512 MB\tMax Memory Used: 90 MB\n"
        );
        let event = json!({"logStreamName": format!("2026/10/01/[1]{function:032x}"), "timestamp": at, "message": message,
            "eventId": format!("{:056}", function * 1_000 + number)});
        writeln!(text, "{comma}{event}").expect("memory");
    }
    text + "]}"
}

fn commits(home: &Home) -> usize {
    let log = home.data().join("tables/charges/_delta_log");
    let files = std::fs::read_dir(log).expect("the log is there").map(|file| file.expect("a file").path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "json")).count()
}

/// Waits until all records are in the charges, and compares.
fn compare(server: &Server) -> BTreeMap<Line, Sums> {
    wait_until("all records are rated", || {
        let records = server.sql(RECORDS);
        let requests = "SELECT CAST(sum(pricing_quantity + x_free_quantity) AS BIGINT) AS n FROM charges WHERE sku_meter = 'requests'";
        let rated = server.row(requests);
        (!rated.is_null("n") && rated.int("n") == records.len() as i64).then_some(())
    });
    let (expected, found) = (slowly(&server.sql(RECORDS)), kept(&server.sql(CHARGES)));
    assert_eq!(found, expected);
    found
}

#[test]
fn charges_are_what_a_slow_computation_over_the_rows_comes_to() {
    let books = tempfile::tempdir().expect("a folder");
    std::fs::write(books.path().join("ours.toml"), BOOK).expect("written");
    let config = format!(
        "[retention]\ninvocations = \"40000d\"\n[billing]\nbooks = '{}'\ninterval = \"1s\"\n",
        path_text(books.path())
    );
    let home = Arc::new(Home::new().config(&config));
    let server = home.serve();
    for (name, options) in [
        ("tagged", vec!["--tag", "team=shop", "--tag", "env=prod"]),
        ("other", vec!["--tag", "team=it's, \"quoted\"", "--tenant", "acme", "--architecture", "arm64"]),
        ("plain", vec!["--memory-mb", "2048"]),
    ] {
        server.deploy(name, &guest("sleep.wat"), &options);
        for _ in 0..6 {
            server.invoke(name, "3");
        }
    }
    for (at, (region, tenant, architecture)) in
        [("us-east-1", "acme", "x86_64"), ("eu-west-1", "globex", "x86_64"), ("eu-west-1", "acme", "arm64")]
            .into_iter()
            .enumerate()
    {
        let (_kept, file) = temporary_file("events.json", logs(at, 60).as_bytes());
        let function = format!("imported-{at}");
        let args = ["import", "aws-lambda-logs", &file, "--function", &function, "--tenant", tenant];
        server.cli(&[&args[..], &["--region", region, "--architecture", architecture]].concat()).ok();
    }
    let lines = compare(&server);
    assert!(lines.keys().any(|line| line.3 == 2), "a second tier is reached: {lines:?}");
    let before = server.sql(&format!("{CHARGES} ORDER BY 1, 2, 3, 4, 5, 6, 10"));
    let made = commits(&home);
    server.kill();
    let server = home.serve();
    assert_eq!(server.sql(&format!("{CHARGES} ORDER BY 1, 2, 3, 4, 5, 6, 10")).len(), before.len());
    compare(&server);
    // Another record comes in: what is rated after it shows that the start before it made no commit.
    server.invoke("plain", "3");
    compare(&server);
    assert_eq!(commits(&home), made + 1);
    server.stop();
    let offline = cli(&["query", "SELECT count(*) AS n FROM charges", "--data", &home.data_text(), "--output", "csv"]);
    assert!(offline.ok().lines().nth(1).is_some_and(|count| count.parse::<usize>().expect("a number") >= before.len()));
}

#[test]
fn the_months_of_the_demo_are_what_a_slow_computation_over_its_rows_comes_to() {
    let books = tempfile::tempdir().expect("a folder");
    std::fs::write(books.path().join("ours.toml"), BOOK).expect("written");
    let config = format!("[billing]\nbooks = '{}'\n", path_text(books.path()));
    let home = Home::demo().config(&config).arg("--history").arg("30k").arg("--no-load").arg("--seed").arg("5");
    let server = Arc::new(home).serve();
    let lines = compare(&server);
    let months: BTreeSet<&str> = lines.keys().map(|line| line.0.as_str()).collect();
    let meters: BTreeSet<&str> = lines.keys().map(|line| line.2.as_str()).collect();
    assert!(months.len() >= 2 && meters.len() == 2, "{months:?}, {meters:?}");
    assert!(lines.keys().any(|line| line.3 == 2), "a second tier is reached: {lines:?}");
    for month in months {
        let free = lines.iter().filter(|(line, _)| line.0 == month && line.2 == "requests").map(|(_, sums)| sums.free);
        assert_eq!(free.sum::<i128>(), FREE[0], "{month}: all that is free is used up");
    }
    let owners: BTreeSet<&Owner> = lines.values().flat_map(|sums| sums.shares.keys()).collect();
    assert!(owners.len() > 10, "{owners:?}");
}

#[test]
fn a_wrong_book_refuses_to_start_with_its_line() {
    let books = tempfile::tempdir().expect("a folder");
    std::fs::write(books.path().join("ours.toml"), BOOK.replace("\"2.7182818284\"", "\"two\"")).expect("written");
    let (_kept, config) =
        temporary_file("c.toml", format!("[billing]\nbooks = '{}'\n", path_text(books.path())).as_bytes());
    let data = tempfile::tempdir().expect("a folder");
    let args = ["serve", "--config", &config, "--data", &path_text(data.path()), "--listen", "127.0.0.1:0"];
    let ran = cli(&[&args[..], &["--otlp-grpc", "off", "--otlp-http", "off"]].concat());
    let error = ran.failed(1);
    assert!(error.contains("ours.toml': price book aws-lambda, line 31: 'two' is not a decimal"), "{error}");
}

//! Books that price an invocation: each by its own rules, and what is refused.

use crate::model::{Architecture, Outcome, PhaseLengths};
use crate::units::InvocationId;

use super::*;

const BOOK: &str = r#"
id = "b"
name = "A book"
currency = "USD"
scope = "account"
period = "calendar_month"
zone = "UTC"
invoice_rounding = "line"
[[edition]]
effective = "2025-01-01"
default_region = "here"
invocation = { free_ephemeral_storage_mb = 512 }
meter = [
    { name = "requests", unit = "request", counts = ["requests"], price = "0.1" },
    { name = "x86", unit = "GiB-second", counts = ["duration_memory"], architecture = "x86_64", price = "0.1" },
    { name = "arm", unit = "GiB-second", counts = ["duration_memory"], architecture = "arm64", price = "0.1" },
    { name = "storage", unit = "GiB-second", counts = ["ephemeral_storage"], price = "0.1" },
]
"#;

#[test]
fn embedded_books_are_right() {
    let books = PriceBooks::embedded().expect("they parse");
    assert_eq!(books.get("aws-lambda").expect("it is there").currency().code(), "USD");
    let error = books.get("aws").expect_err("it is not there").to_string();
    assert_eq!(
        error,
        "'aws' is not a price book that prices an invocation; known are: \
        aws-lambda, aws-lambda-edge, azure-functions-consumption, cloudflare-workers-standard, gcp-functions-gen1"
    );
}

/// Each by its own rounding, worked out by hand: 250.4 ms after an init of 30 ms, 160 MB, 1.5 ms of CPU.
#[test]
fn every_book_prices_an_invocation_by_its_own_rules() {
    let books = PriceBooks::embedded().expect("they parse");
    let row = Invocation { memory: Some(Megabytes(160)), cpu_ns: Some(1_500_000), ..reported(None, 30_000, 250_400) };
    for (id, billed_ms, list_cost) in [
        // 281 ms x 160 MB / 1,024,000 x 0.0000166667 + 0.0000002
        ("aws-lambda", 281, "0.000000931772296875"),
        // 251 x 160 / 1,024,000 x 0.00005001 + 0.0000006
        ("aws-lambda-edge", 251, "0.0000025613296875"),
        // 251 x 256 / 1,024,000 x 0.000016 + 0.0000002
        ("azure-functions-consumption", 251, "0.000001204"),
        // 300 x 256 / 1,024,000 x 0.0000025 + 0.3 x 0.4 x 0.00001 + 0.0000004
        ("gcp-functions-gen1", 300, "0.0000017875"),
        // 1.5 x 0.00000002 + 0.0000003
        ("cloudflare-workers-standard", 251, "0.00000033"),
    ] {
        let book = books.get(id).expect("it is there");
        for row in [book.price_reported(row.clone()), book.bill(row.clone())] {
            let row = row.expect("in range");
            let cost = row.list_cost.map(|cost| cost.to_string());
            assert_eq!((row.billed_ms, cost.as_deref()), (Some(billed_ms), Some(list_cost)), "{id}");
            let label = row.price_book.as_deref().expect("it is priced");
            let usage = row.usage().expect("it is known");
            let receipt = books.receipt(label, "us-east-1", &usage).expect("in range").expect("it is there");
            let lines = receipt.lines.iter().fold(Money::ZERO, |sum, line| sum + line.amount);
            assert_eq!((receipt.total, Some(lines)), (lines, row.list_cost), "{id}");
        }
        let short = Invocation { ..reported(None, 0, 1) };
        let least = book.price_reported(short).expect("in range").billed_ms;
        let expected = if id.starts_with("azure") || id.starts_with("gcp") { 100 } else { 1 };
        assert_eq!(least, Some(expected), "{id}");
    }
    let unpriced = |id: &str, row: Invocation| {
        books.get(id).and_then(|book| book.price_reported(row)).expect("in range").list_cost.is_none()
    };
    assert!(unpriced("azure-functions-consumption", reported(None, 0, 1)), "there are none of 2,048 MB");
    assert!(unpriced("cloudflare-workers-standard", reported(None, 0, 1)), "its CPU time is not known");
    assert!(!unpriced("gcp-functions-gen1", reported(None, 0, 1)));
}

#[test]
fn a_wrong_book_says_what_is_wrong() {
    let refuse = |text: &str| PriceBook::parse("b", text).expect_err("it is wrong").to_string();
    assert!(PriceBook::parse("b", BOOK).is_ok());
    assert!(refuse(&BOOK.replace("[\"requests\"]", "[]")).contains("the rate 'request' is missing"));
    assert!(refuse(&BOOK.replace("2025-01-01", "2025-13-01")).contains("line 10: '2025-13-01' is not a date"));
    let arm = |price: &str| BOOK.replace("\"arm64\", price = \"0.1\"", &format!("\"arm64\", price = \"{price}\""));
    assert!(refuse(&arm("0.00000000001")).contains("ten decimals at most"));
    assert!(refuse(&arm("-1")).contains("'-1' is not a decimal of 0 or more"));
    assert!(refuse(&BOOK.replace("\"b\"", "\"c\"")).contains("its id is 'c'"));
}

/// 2,048 MB on x86_64, a handler of `handler_us` after an init of `init_us`.
fn reported(billed_ms: Option<i64>, init_us: u64, handler_us: u64) -> Invocation {
    let at = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").expect("a time");
    Invocation {
        billed_ms,
        architecture: Some(Architecture::X86_64),
        memory: Some(Megabytes(2_048)),
        cold: Some(init_us > 0),
        phases: PhaseLengths {
            init: Some(Duration::from_micros(init_us)),
            handler: Some(Duration::from_micros(handler_us)),
            ..PhaseLengths::default()
        },
        ..Invocation::reported("aws-lambda", InvocationId("a".to_owned()), "default", "f", at)
    }
}

#[test]
fn what_was_metered_elsewhere_is_priced_as_far_as_it_is_known() {
    let books = PriceBooks::embedded().expect("they parse");
    let book = books.get("aws-lambda").expect("it is there");
    let price = |row| book.price_reported(row).expect("in range");
    let row = price(reported(Some(154), 0, 127_100));
    assert_eq!(row.list_cost.map(|cost| cost.to_string()).as_deref(), Some("0.0000053333436"));
    assert_eq!((row.billed_ms, row.init_cost), (Some(154), Some(Money::ZERO)));
    assert_eq!(row.price_book.as_deref(), Some("aws-lambda@2025-10-01"));
    // Billed time is taken as given, whatever the phases say; where none is given it follows from them.
    assert_eq!(price(reported(None, 0, 153_001)).billed_ms, Some(154));
    for unknown in [
        Invocation { architecture: None, ..reported(Some(154), 0, 127_100) },
        Invocation { memory: None, ..reported(Some(154), 0, 127_100) },
        Invocation { phases: PhaseLengths::default(), ..reported(None, 0, 0) },
    ] {
        let row = price(unknown);
        assert_eq!((row.list_cost, row.init_cost, row.price_book, row.currency), (None, None, None, None));
    }
    let throttled = price(Invocation { outcome: Outcome::Throttled, ..reported(None, 0, 0) });
    assert_eq!((throttled.list_cost, throttled.billed_ms), (Some(Money::ZERO), Some(0)));
}

#[test]
fn what_init_costs_is_what_was_billed_beyond_the_handler() {
    let books = PriceBooks::embedded().expect("they parse");
    let book = books.get("aws-lambda").expect("it is there");
    let ms = |row: Invocation| {
        let row = book.price_reported(row).expect("in range");
        let per_ms = book.list_price("us-east-1", row.started_at, &Usage { requests: 0, billed_ms: 1, ..row.usage()? });
        Some(row.init_cost?.units() / per_ms.expect("in range").amount.units())
    };
    assert_eq!(ms(reported(Some(393), 264_750, 127_100)), Some(265), "init is billed");
    assert_eq!(ms(reported(Some(128), 264_750, 127_100)), Some(0), "init is not billed");
    assert_eq!(ms(reported(Some(154), 325_930, 127_100)), Some(26), "a part of a restore is billed");
    assert_eq!(ms(reported(Some(128), 264_750, 127_000)), Some(0), "the printed length was rounded down");
    assert_eq!(ms(reported(Some(2), 500, 600)), Some(1), "init took less than a millisecond");
    assert_eq!(ms(Invocation { cold: None, ..reported(Some(154), 0, 127_100) }), None);
}

//! Books that are wrong, and workloads that a book cannot price or does not look at in full.

use super::*;

const BOOK: &str = r#"id = "shop"
name = "The shop's own prices"
currency = "EUR"
minor_digits = 3
scope = "account"
period = "calendar_month"
zone = "UTC"
invoice_rounding = "line"

[[edition]]
effective = "2026-01-01"
default_region = "here"

[edition.invocation]
granularity_ms = 100

[[edition.meter]]
name = "requests"
unit = "request"
counts = ["requests"]
price = [["10", "0.5"], ["30", "0.25"]]

[[edition.meter]]
name = "time"
unit = "GiB-second"
counts = ["duration_memory"]
architecture = "arm64"
price = "0.1"

[[edition.allowance]]
name = "free"
meters = ["requests"]
quantity = "5"

[edition.region.there]
time = "unknown"
"#;

fn refusal(text: &str) -> String {
    Book::parse(text).expect_err("it is wrong").to_string()
}

#[test]
fn a_wrong_book_is_refused_with_its_line_and_the_reason() {
    assert!(Book::parse(BOOK).is_ok());
    for (from, to, line, reason) in [
        ("id = \"shop\"", "id = \"Shop 1\"", 1, "the id 'Shop 1' has other signs"),
        ("EUR", "euro", 3, "'euro'"),
        ("minor_digits = 3", "minor_digits = 9", 4, "minor_digits is 9, 6 at most"),
        ("scope = \"account\"", "scope = \"galaxy\"", 5, "galaxy"),
        ("zone = \"UTC\"", "zone = \"UTC\"\ncolour = 1", 8, "colour"),
        ("2026-01-01", "1st of May", 11, "'1st of May' is not a date"),
        ("granularity_ms = 100", "granularity_ms = 0", 14, "granularity_ms is 0, 1 at least"),
        ("granularity_ms = 100", "granularity = 100", 15, "granularity"),
        ("unit = \"request\"", "unit = \"GiB-second\"", 19, "the unit 'GiB-second' does not fit"),
        ("\"GiB-second\"", "\"GiB-seconds\"", 25, "write GiB-second or GiB-hour"),
        ("counts = [\"requests\"]", "counts = [\"wishes\"]", 20, "wishes"),
        ("[\"30\",", "[\"10\",", 21, "the tier up to 10 does not lie above the one before, up to 10"),
        ("[\"10\",", "[\"inf\",", 21, "a tier comes after the one up to \"inf\""),
        ("price = \"0.1\"", "price = 0.1", 28, "a price such as \"0.2\""),
        ("price = \"0.1\"", "price = \"-0.1\"", 28, "'-0.1' is not a decimal of 0 or more"),
        ("price = \"0.1\"", "price = \"1e-3\"", 28, "'1e-3' is not a decimal of 0 or more"),
        ("arm64", "mips", 27, "'mips' is not an architecture"),
        ("name = \"time\"", "name = \"requests\"", 24, "the meter 'requests' is there twice"),
        ("meters = [\"requests\"]", "meters = [\"request\"]", 32, "there is no meter 'request'"),
        ("meters = [\"requests\"]", "meters = [\"requests\", \"time\"]", 31, "is of request and of GiB-second"),
        ("quantity = \"5\"", "quantity = \"5\"\ncredit = \"1\"", 31, "needs either a quantity or a credit"),
        ("time = \"unknown\"", "space = \"1\"", 36, "there is no meter 'space'"),
    ] {
        assert!(BOOK.contains(from), "{from}");
        let error = refusal(&BOOK.replacen(from, to, 1));
        assert!(error.contains(reason), "{error}");
        assert!(error.contains(&format!(", line {line}: ")), "line {line}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    assert!(refusal("id = \"a\"\nname =").starts_with("price book a, line 2: "));
    let clock = BOOK.replace("\"duration_memory\"", "\"duration_clock\"").replace("\"GiB-second\"", "\"GHz-second\"");
    assert!(refusal(&clock).contains("each size needs mhz"));
    let twice = BOOK.replace(
        "quantity = \"5\"",
        "credit = \"1\"\n[[edition.allowance]]\nname = \"more\"\nmeters = [\"requests\"]\ncredit = \"2\"",
    );
    assert!(refusal(&twice).contains("the meter 'requests' has more than one credit"));
}

fn price(workload: &str, region: Option<&str>) -> Result<Bill, Error> {
    let workload = Workload::parse(workload).expect("the workload is right");
    Book::parse(BOOK).expect("the book is right").bill(&workload, region, now())
}

#[test]
fn a_users_book_is_priced_by_its_own_rules() {
    let workload = r#"{"requests": 17, "duration_ms": 33, "memory_mb": 1024, "architecture": "arm64"}"#;
    let bill = price(workload, None).expect("it can be priced");
    let lines: Vec<String> =
        bill.lines.iter().map(|l| format!("{} {} {} {}", l.meter, l.tier, l.quantity, l.rounded)).collect();
    assert_eq!(lines, ["requests 1 10 5.000", "requests 2 2 0.500", "time 1 1.7 0.170"]);
    assert_eq!((bill.total.to_string().as_str(), bill.currency.code()), ("5.670", "EUR"));
    assert_eq!(bill.price_book, "shop@2026-01-01");
}

#[test]
fn what_has_no_price_is_refused_and_not_free() {
    let refuse = |workload: &str, region| price(workload, region).expect_err("it has no price").to_string();
    let time = r#"{"requests": 1, "duration_ms": 1, "architecture": "arm64"}"#;
    for (workload, region, reason) in [
        (
            r#"{"requests": 36}"#,
            None,
            "shop cannot price this workload: what requests costs in here above 30 request is not known to it",
        ),
        (time, Some("there"), "what time costs in there is not known to it"),
        (r#"{"requests": 1, "duration_ms": 1}"#, None, "it has no prices for the architecture x86_64"),
        (r#"{"requests": 1, "meters": {"wishes": 1}}"#, None, "it has no meter 'wishes', it has requests, time"),
    ] {
        assert!(refuse(workload, region).contains(reason), "{}", refuse(workload, region));
    }
    let books = Books::embedded().expect("the books are right");
    let refuse = |book: &str, workload: &str| {
        let workload = Workload::parse(workload).expect("it is right");
        let book = books.get(book).expect("it is there");
        book.bill(&workload, None, now()).expect_err("it has no price").to_string()
    };
    let million = r#"{"requests": 1000000, "duration_ms": 100}"#;
    assert!(refuse("ec2", million).contains("'meters' can name m7g_xlarge_hour, c7i_xlarge_hour"));
    for book in ["fargate", "azure-functions-premium", "gcp-cloud-run-instance"] {
        assert!(refuse(book, million).contains("provisioned.concurrency"), "{book}");
    }
    let large = r#"{"requests": 1, "memory_mb": 4097}"#;
    assert!(
        refuse("azure-functions-consumption", large).contains("memory_mb is 4097, its functions have 1536 at most")
    );
    assert!(refuse("azure-functions-flex", large).contains("no size has memory_mb 4097 and vcpu 1"));
    assert!(refuse("aws-lambda", r#"{"requests": 1, "event_kb": 1025}"#).contains("event_kb is 1025, 1024 at most"));
    let endless = format!("{{\"requests\": 1{}, \"duration_ms\": 1e30}}", "0".repeat(30));
    assert!(refuse("aws-lambda", &endless).contains("more digits than 128 bits hold"));
    assert_eq!(
        books.get("aws").expect_err("it is not there").to_string().split(';').next(),
        Some("'aws' is not a price book")
    );
}

#[test]
fn what_a_book_does_not_meter_is_named() {
    let books = Books::embedded().expect("the books are right");
    let warnings = |book: &str, workload: &str| bill(&books, book, workload).warnings;
    let all = r#"{"requests": 3000000, "duration_ms": 120, "init_ms": 0, "memory_mb": 1536, "architecture": "x86_64",
        "ephemeral_storage_mb": 512, "cpu_ms": 7, "vcpu": 1, "concurrency_per_instance": 1, "free_tier": true,
        "provisioned": {"concurrency": 100, "seconds": 28800, "requests": 500000, "duration_ms": 100},
        "snap_start": {"cached_seconds": 2678400, "restores": 74400}, "streamed_bytes_per_request": 0,
        "meters": {}, "colour": "red"}"#;
    let ignored = "aws-lambda does not meter colour, concurrency_per_instance, cpu_ms, vcpu: ignored";
    assert_eq!(warnings("aws-lambda", all), [ignored]);
    assert_eq!(
        warnings("gcp-functions-gen1", r#"{"requests": 1, "duration_ms": 1, "memory_mb": 256, "free_tier": false}"#),
        [""; 0]
    );
    let cpu = warnings("cloudflare-workers-standard", r#"{"requests": 1, "duration_ms": 5}"#);
    assert_eq!(cpu, ["cpu_ms is not told: cloudflare-workers-standard takes all of duration_ms for CPU time"]);
    let workload = Workload::parse(r#"{"requests": 1}"#).expect("it is right");
    let early = Timestamp::parse_rfc3339("2020-01-01T00:00:00Z").expect("a time");
    let bill = books.get("aws-lambda").and_then(|book| book.bill(&workload, Some("mars-1"), early)).expect("it can be");
    assert!(bill.warnings[0].contains("aws-lambda@2025-10-01 is the first edition"), "{:?}", bill.warnings);
    assert!(bill.warnings[1].contains("no prices of its own for 'mars-1': those of us-east-1"), "{:?}", bill.warnings);
}

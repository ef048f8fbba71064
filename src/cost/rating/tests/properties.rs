//! What holds for every bill, whatever the usage.

use std::sync::OnceLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Books of each kind of rounding, allowance and instance.
const BOOKS: [&str; 8] = [
    "aws-lambda",
    "aws-lambda-edge",
    "azure-functions-consumption",
    "azure-functions-flex",
    "gcp-cloud-run-request",
    "gcp-functions-gen1",
    "cloudflare-workers-standard",
    "vercel-functions-pro",
];

prop_compose! {
    /// Requests of one kind on x86_64, so many that tiers and allowances are reached.
    fn part()(
        requests in prop_oneof![0u64..5_000_000, 0u64..20_000_000_000],
        duration in 0u32..900_000,
        tenths in 0u32..10,
        init in 0u32..3_000,
        memory in 1u32..=1_536,
        cpu in 0u32..5_000,
        vcpu in 1u32..=10,
        concurrency in 1u32..=80,
        streamed in 0u32..20_000_000,
        free_tier in any::<bool>(),
        provisioned in 0u32..5_000_000,
        seconds in 0u32..2_678_400,
    ) -> Value {
        let number = |whole: u32, tenths: u32| format!("{whole}.{tenths}").parse::<serde_json::Number>().expect("a number");
        json!({"requests": requests, "duration_ms": number(duration, tenths), "init_ms": init, "memory_mb": memory,
            "cpu_ms": cpu, "vcpu": number(vcpu / 10, vcpu % 10), "concurrency_per_instance": concurrency,
            "ephemeral_storage_mb": 512 + memory, "streamed_bytes_per_request": streamed, "free_tier": free_tier,
            "provisioned": {"concurrency": concurrency, "seconds": seconds, "requests": provisioned, "duration_ms": cpu}})
    }
}

/// The program's books, read once for all cases.
fn books() -> &'static Books {
    static BOOKS: OnceLock<Books> = OnceLock::new();
    BOOKS.get_or_init(|| Books::embedded().expect("the books are right"))
}

fn bill_of(books: &Books, book: &str, parts: &[Value]) -> Bill {
    bill(books, book, &Value::Array(parts.to_vec()).to_string())
}

/// The part with other numbers of requests.
fn with_requests(part: &Value, requests: u64, provisioned: u64) -> Value {
    let mut part = part.clone();
    part["requests"] = requests.into();
    part["provisioned"]["requests"] = provisioned.into();
    part
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn lines_and_rounding_add_up_and_nothing_is_negative(parts in prop::collection::vec(part(), 1..5)) {
        let books = books();
        for book in BOOKS {
            let bill = bill_of(books, book, &parts);
            let cents = |minor: Minor| number(&minor.to_string());
            let mut exact = Ratio::ZERO;
            let mut rounded = cents(bill.rounding);
            for line in &bill.lines {
                let charge = line.number.is_some();
                prop_assert!(!charge || line.exact.is_zero() || line.exact.is_positive(), "{:?}", line);
                prop_assert_eq!(line.quantity.times(line.unit_price), Ok(line.exact));
                exact = exact.plus(line.exact).expect("in range");
                rounded = rounded.plus(cents(line.rounded)).expect("in range");
                let off = line.exact.minus(cents(line.rounded)).expect("in range");
                let cent = Ratio::new(1, 100).expect("small");
                let close = [off, off.negative()].iter().all(|off| off.larger(cent) == Ok(cent));
                prop_assert!(!charge || close, "a cent at most: {:?}", line);
            }
            prop_assert_eq!(exact, bill.exact_total);
            prop_assert_eq!(rounded, cents(bill.total));
            prop_assert!(!bill.exact_total.negative().is_positive(), "{book}: {}", bill.exact_total);
            prop_assert!(!rounded.negative().is_positive(), "{book}: {}", bill.total);
        }
    }

    #[test]
    fn more_use_never_costs_less(parts in prop::collection::vec(part(), 1..4), more in 0u64..3_000_000_000) {
        let books = books();
        let mut larger = parts.clone();
        let requests = larger[0]["requests"].as_u64().expect("a number");
        larger[0]["requests"] = (requests + more).into();
        for book in BOOKS {
            let less = bill_of(books, book, &parts).exact_total;
            let grown = bill_of(books, book, &larger).exact_total;
            prop_assert_eq!(grown.larger(less), Ok(grown), "{}", book);
        }
    }

    #[test]
    fn parts_cost_what_the_whole_does(part in part(), share in 0u64..=100, provisioned_share in 0u64..=100) {
        let books = books();
        let part = { let mut part = part; part["provisioned"]["seconds"] = 0.into(); part };
        let requests = part["requests"].as_u64().expect("a number");
        let provisioned = part["provisioned"]["requests"].as_u64().expect("a number");
        let (first, ready) = (requests / 100 * share, provisioned / 100 * provisioned_share);
        let split = [
            with_requests(&part, first, ready),
            with_requests(&part, requests - first, provisioned - ready),
        ];
        for book in BOOKS {
            prop_assert_eq!(bill_of(books, book, &split), bill_of(books, book, std::slice::from_ref(&part)), "{}", book);
        }
    }

    #[test]
    fn the_order_of_parts_changes_nothing(parts in prop::collection::vec(part(), 1..5)) {
        let books = books();
        let reversed: Vec<Value> = parts.iter().rev().cloned().collect();
        for book in BOOKS {
            prop_assert_eq!(bill_of(books, book, &parts), bill_of(books, book, &reversed), "{}", book);
        }
    }
}

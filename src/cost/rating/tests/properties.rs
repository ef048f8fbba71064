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

    #[test]
    fn metered_usage_costs_what_the_workload_does(
        requests in 0i128..20_000_000_000, ms in 1i128..900_000, memory in 1i128..=1_536, storage in 512i128..2_048, cpu in 0i128..5_000,
    ) {
        for id in BOOKS {
            let book = books().get(id).expect("it is there");
            let rounds = book.rounds(now());
            let step = i128::from(rounds.granularity_ms);
            let billed = ((ms + step - 1) / step * step).max(rounds.minimum_ms.into());
            let alike = Alike {
                architecture: crate::model::Architecture::X86_64,
                memory_mb: memory,
                ephemeral_storage_mb: storage,
                provisioned: false,
                milli_vcpu: 1_000,
                requests,
                billed_ms: billed * requests,
                cpu_ns: cpu * requests * 1_000_000,
                streamed_bytes: 0,
            };
            let region = book.region(None, now()).to_owned();
            let one = |(meter, parts)| Metered { at: now(), region: region.clone(), meter, parts };
            let mut usage: Vec<Metered> =
                book.metered(&alike, now()).expect("it is priced").into_iter().map(one).collect();
            usage.extend(book.monthly(now()).into_iter().map(|meter| one((meter, 1))));
            let workload = json!({"requests": requests as u64, "duration_ms": ms as u64, "memory_mb": memory as u64,
                "ephemeral_storage_mb": storage as u64, "cpu_ms": cpu as u64});
            let (rated, billed) = (book.rate(&usage, now()).expect("priced"), bill_of(books(), id, &[workload]));
            prop_assert_eq!(&rated.lines, &billed.lines, "{}", id);
            prop_assert_eq!((rated.exact_total, rated.total), (billed.exact_total, billed.total), "{}", id);
        }
    }

    #[test]
    fn neither_the_order_of_usage_nor_the_splitting_of_equal_times_changes_a_bill(
        usage in prop::collection::vec((0i64..6, 0usize..3, 0usize..3, 0i128..2_000), 1..20),
        cuts in prop::collection::vec(0i128..=4, 20),
        turn in 0usize..20,
    ) {
        let book = books().get("aws-lambda").expect("it is there");
        let metered = |(at, region, meter, parts): &(i64, usize, usize, i128)| Metered {
            at: Timestamp::from_micros(*at),
            region: ["us-east-1", "eu-west-1", "af-south-1"][*region].to_owned(),
            meter: *meter,
            parts: parts * [1_000_000_000, 1_000_000_000, 50_000][*meter],
        };
        let whole: Vec<Metered> = usage.iter().map(metered).collect();
        let mut pieces = Vec::new();
        for (one, cut) in whole.iter().zip(&cuts) {
            let first = one.parts / 4 * cut;
            pieces.push(Metered { parts: first, ..one.clone() });
            pieces.push(Metered { parts: one.parts - first, ..one.clone() });
        }
        let turn = turn % pieces.len();
        pieces.rotate_left(turn);
        let bill = book.rate(&whole, now()).expect("it is priced");
        prop_assert_eq!(&book.rate(&pieces, now()).expect("it is priced"), &bill);
        let rounded = bill.lines.iter().map(|line| line.rounded.units()).sum::<i128>();
        prop_assert_eq!(rounded + bill.rounding.units(), bill.total.units());
        let mut more = whole.clone();
        more[0].parts += 1_000_000;
        let grown = book.rate(&more, now()).expect("it is priced").exact_total;
        prop_assert_eq!(grown.larger(bill.exact_total), Ok(grown), "more never costs less in one region's prices");
    }
}

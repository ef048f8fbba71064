//! Reports made by hand: a statement of two books with a fraction, a credit, a rounding and what is free; a chargeback of as
//! many functions as are asked for.

use crate::billing::{BillFacts, BridgeRow, Dimension, Head, Kind, Month, Report, Row, RowType, Sources};
use crate::cost::rating::{Minor, Ratio, Scope, Zone};
use crate::units::Currency;

pub(super) fn number(text: &str) -> Ratio {
    match text.strip_prefix('-') {
        Some(size) => Ratio::parse(size).expect("a number").negative(),
        None => Ratio::parse(text).expect("a number"),
    }
}

pub(super) fn cents(text: &str) -> Minor {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    Minor::new(format!("{whole}{decimals}").parse().expect("digits"), u32::try_from(decimals.len()).expect("few"))
}

pub(super) fn currency(code: &str) -> Currency {
    code.parse().expect("a currency")
}

pub(super) fn head() -> Head {
    Head {
        issuer: Some("Lighthouse Compute GmbH\nHafenstraße 12\n20457 Hamburg".into()),
        tax_id: Some("DE 123 456 789".into()),
        customer: Some("Nordwind Logistics ApS\nAccounts Payable\nKongens Nytorv 8\n1050 København K".into()),
        purchase_order: Some("PO-2026-0417".into()),
        payment_terms: Some("30 days net".into()),
    }
}

fn month() -> Month {
    "2026-03".parse().expect("a month")
}

fn bill(book: &str, name: &str, zone: Zone, code: &str, exact: &str, total: &str) -> BillFacts {
    BillFacts {
        book: book.into(),
        name: name.into(),
        price_book: format!("{book}@2025-10-01"),
        sha256: "5f".repeat(32),
        scope: Scope::Organization,
        zone,
        from: month().start(zone),
        to: month().end(zone),
        currency: currency(code),
        exact_total: number(exact),
        total: cents(total),
        records: 3_000_000,
        notes: vec!["Provisioned capacity is not in the records: none was assumed.".into()],
    }
}

pub(super) fn line(book: &str, meter: &str, exact: &str, billed: &str, code: &str) -> Row {
    Row {
        row_type: RowType::Line,
        book: book.into(),
        region: "us-east-1".into(),
        meter: meter.into(),
        tier: Some(1),
        dimension: String::new(),
        quantity: Some(number("140000.2")),
        free_quantity: Some(number("400000")),
        unit: "GiB-second".into(),
        unit_price: Some(number("0.0000166667")),
        exact_cost: number(exact),
        billed_cost: cents(billed),
        currency: currency(code),
    }
}

/// A row without a meter.
pub(super) fn end(row_type: RowType, book: &str, exact: &str, billed: &str, code: &str) -> Row {
    Row {
        row_type,
        region: String::new(),
        tier: None,
        quantity: None,
        free_quantity: None,
        unit: String::new(),
        unit_price: None,
        ..line(book, "", exact, billed, code)
    }
}

fn sources() -> Sources {
    Sources {
        table_version: 412,
        records: 4_000_021,
        unpriced: 21,
        list_cost: vec![(currency("USD"), number("9.600027"))],
        engine: "0.1.0",
    }
}

/// USD: 2.333341… + 1.20 - 0.50 = 3.03; EUR: thirds, whose rounded lines add up to one cent less than their total.
pub(super) fn statement() -> Report {
    let requests = Row {
        quantity: Some(number("3000000")),
        free_quantity: Some(number("1000000")),
        unit: "request".into(),
        unit_price: Some(number("0.0000002")),
        tier: Some(2),
        ..line("aws-lambda", "requests", "0.6", "0.60", "USD")
    };
    let credit = Row {
        tier: None,
        quantity: Some(number("0.5")),
        free_quantity: None,
        unit: "USD".into(),
        unit_price: Some(number("-1")),
        ..line("aws-lambda", "monthly_credit", "-0.5", "-0.50", "USD")
    };
    let third = |meter: &str| Row {
        region: String::new(),
        quantity: Some(number("100/3")),
        free_quantity: None,
        unit: "vCPU-second".into(),
        unit_price: Some(number("1/3")),
        ..line("cloud-run-request", meter, "100/9", "11.11", "EUR")
    };
    Report {
        kind: Kind::Statement,
        month: month(),
        open: false,
        bills: vec![
            bill("aws-lambda", "AWS Lambda", Zone::Utc, "USD", "2.43334133334", "2.43"),
            bill("cloud-run-request", "Cloud Run, billed by request", Zone::Pacific, "EUR", "100/3", "33.33"),
        ],
        rows: vec![
            line("aws-lambda", "duration_x86", "2.33334133334", "2.33", "USD"),
            requests,
            credit,
            third("cpu"),
            third("memory"),
            Row { exact_cost: number("100/9"), billed_cost: cents("11.12"), ..third("idle") },
            end(RowType::Rounding, "cloud-run-request", "0", "-0.01", "EUR"),
            end(RowType::Total, "", "100/3", "33.33", "EUR"),
            end(RowType::Total, "", "2.43334133334", "2.43", "USD"),
        ],
        bridge: vec![
            bridge(
                "aws-lambda",
                "duration_x86",
                ["9.00002133334", "-6.66668", "0", "0", "-0.00334133334"],
                "2.33",
                "USD",
            ),
            bridge("aws-lambda", "requests", ["0.8", "-0.2", "0", "0", "0"], "0.60", "USD"),
            bridge("aws-lambda", "monthly_credit", ["0", "-0.5", "0", "0", "0"], "-0.50", "USD"),
            bridge("cloud-run-request", "cpu", ["100/9", "0", "0", "0", "-1/900"], "11.11", "EUR"),
        ],
        sources: sources(),
    }
}

fn bridge(book: &str, meter: &str, steps: [&str; 5], billed: &str, code: &str) -> BridgeRow {
    let [list, free, tiers, other, rounding] = steps.map(number);
    let (book, meter, billed, currency) = (book.into(), meter.into(), cents(billed), currency(code));
    BridgeRow { book, region: "us-east-1".into(), meter, list, free, tiers, other, rounding, billed, currency }
}

/// A chargeback by tag: each share is a cent more than the one before, and the first has no tag.
pub(super) fn chargeback(shares: usize) -> Report {
    let meters = [("requests", "request"), ("duration_x86", "GiB-second")];
    let mut rows = Vec::new();
    let mut total = 0;
    for (meter, unit) in meters {
        for share in 0..shares {
            let billed = i128::try_from(share).expect("few");
            total += billed;
            let dimension = match share {
                0 => String::new(),
                7 => "checkout-payment-authorisation-and-settlement-service.with_a_name.that/nobody:wanted-to-shorten"
                    .into(),
                11 => "東京 =SUM(A1)".into(),
                _ => format!("team-{share:03}"),
            };
            let exact_cost = number(&format!("{share}.1e-2"));
            let billed_cost = Minor::new(billed, 2);
            rows.push(Row {
                dimension,
                exact_cost,
                billed_cost,
                unit: unit.into(),
                ..line("aws-lambda", meter, "0", "0.00", "USD")
            });
        }
    }
    let exact = format!("{}.{}", total * 10 + i128::try_from(shares).expect("few") * 2, "0e-3");
    let mut last = end(RowType::Total, "", "0", "0.00", "USD");
    (last.exact_cost, last.billed_cost) = (number(&exact), Minor::new(total, 2));
    let mut facts = bill("aws-lambda", "AWS Lambda", Zone::Utc, "USD", "0", "0.00");
    (facts.exact_total, facts.total) = (last.exact_cost, last.billed_cost);
    rows.push(last);
    let bills = vec![facts];
    Report {
        kind: Kind::Chargeback(Dimension::Tag("team".into())),
        month: month(),
        open: true,
        bills,
        rows,
        bridge: Vec::new(),
        sources: sources(),
    }
}

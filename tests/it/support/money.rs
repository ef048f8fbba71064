//! Exact amounts, computed apart from the program: whole numbers of 10^-23, and AWS' prices as they are published.

use super::rows::Row;

/// 0.0000002 per request.
const REQUEST: i128 = 2 * 10i128.pow(16);
/// 0.0000166667 and 0.0000133334 per GiB-second, for each MB and ms of one.
const X86_64: i128 = 166_667 * 10i128.pow(13) / (1024 * 1000);
const ARM64: i128 = 133_334 * 10i128.pow(13) / (1024 * 1000);
/// 0.0000000309 per GiB-second of ephemeral storage above 512 MB.
const STORAGE: i128 = 309 * 10i128.pow(13) / (1024 * 1000);

/// An amount in units of 10^-23, from its digits.
pub(crate) fn units(text: &str) -> i128 {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    assert!(decimals.len() <= 23, "at most 23 decimals: {text}");
    let digits = format!("{whole}{decimals:0<23}");
    digits.parse().unwrap_or_else(|_| panic!("'{text}' is an amount"))
}

/// What usage costs in us-east-1 at the first tier.
pub(crate) fn price(requests: i64, memory_mb: i64, storage_mb: i64, billed_ms: i64, architecture: &str) -> i128 {
    let rate = match architecture {
        "x86_64" => X86_64,
        "arm64" => ARM64,
        other => panic!("'{other}' is an architecture"),
    };
    let ms = i128::from(billed_ms);
    let paid_mb = i128::from((storage_mb - 512).max(0));
    i128::from(requests) * REQUEST + i128::from(memory_mb) * ms * rate + paid_mb * ms * STORAGE
}

/// What a record's own usage costs.
pub(crate) fn price_of(row: &Row) -> i128 {
    let billed = !matches!(row.text("outcome"), "throttled" | "platform_error");
    let (memory, storage) = (row.int("memory_mb"), row.int("ephemeral_storage_mb"));
    price(i64::from(billed), memory, storage, row.int("billed_ms"), row.text("architecture"))
}

/// What the executor bills for a record's phases.
pub(crate) fn billed_ms(row: &Row) -> i64 {
    let ns = row.int("init_ns") + row.int("duration_ns");
    (ns.div_euclid(1_000_000) + i64::from(ns % 1_000_000 != 0)).max(1)
}

#[test]
fn rates_divide_without_a_rest() {
    for rate in [166_667, 133_334, 309] {
        assert_eq!(rate * 10i128.pow(13) % (1024 * 1000), 0, "{rate}");
    }
    assert_eq!(units("0.00000000001627607421875"), X86_64);
    assert_eq!(units("2"), 2 * 10i128.pow(23));
}

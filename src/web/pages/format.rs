//! Writes quantities for people, with their units. A value that there is not is a dash, never 0.

/// What stands for a value that there is not.
pub(super) const NONE: &str = "—";

/// A length of time: `812 µs`, `12.3 ms`, `1.24 s`, `2 min 5 s`, `1 h`.
pub(super) fn duration(nanos: i64) -> String {
    let nanos = nanos.max(0);
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{} µs", three_digits(nanos, 1_000)),
        1_000_000..1_000_000_000 => format!("{} ms", three_digits(nanos, 1_000_000)),
        1_000_000_000..60_000_000_000 => format!("{} s", three_digits(nanos, 1_000_000_000)),
        60_000_000_000..3_600_000_000_000 => two(nanos / 1_000_000_000, 60, "min", "s"),
        3_600_000_000_000..172_800_000_000_000 => two(nanos / 60_000_000_000, 60, "h", "min"),
        _ => two(nanos / 3_600_000_000_000, 24, "d", "h"),
    }
}

/// Bytes in MB of 2^20, as memory is configured: `12.3 MB`; below that in KB.
pub(super) fn bytes(bytes: i64) -> String {
    let bytes = bytes.max(0);
    if bytes < 1 << 20 {
        format!("{} KB", three_digits(bytes, 1 << 10))
    } else {
        format!("{} MB", three_digits(bytes, 1 << 20))
    }
}

/// A count with its thousands apart: `1 234 567`.
pub(in crate::web) fn count(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut text = if count < 0 { "-".to_owned() } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// An estimate of a count, three digits of it: `821`, `8 210`, `412 k`, `2.34 M`.
pub(in crate::web) fn about(estimate: i64) -> String {
    match estimate.max(0) {
        estimate @ 0..1_000 => count(estimate),
        estimate @ 1_000..10_000 => count(estimate / 10 * 10),
        estimate @ 10_000..1_000_000 => format!("{} k", three_digits(estimate, 1_000)),
        estimate @ 1_000_000..1_000_000_000 => format!("{} M", three_digits(estimate, 1_000_000)),
        estimate => format!("{} G", three_digits(estimate, 1_000_000_000)),
    }
}

/// `part` of `whole` in percent: `3.42 %`.
pub(super) fn share(part: i64, whole: i64) -> String {
    if whole == 0 { NONE.to_owned() } else { format!("{} %", three_digits(part.saturating_mul(100), whole)) }
}

/// An exact amount cut to its first digits that matter, for narrow columns; the whole is shown beside it.
pub(super) fn short_amount(exact: &str) -> String {
    let Some((whole, decimals)) = exact.split_once('.') else { return exact.to_owned() };
    let zeros = if whole.trim_start_matches(['-', '0']).is_empty() {
        decimals.bytes().take_while(|b| *b == b'0').count()
    } else {
        0
    };
    let keep = zeros + 4;
    if decimals.len() <= keep {
        return exact.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    format!("{whole}.{}…", &decimals[..keep])
}

/// `value` small units in large ones of `ratio`, and what is left where something is.
fn two(value: i64, ratio: i64, large: &str, small: &str) -> String {
    match value % ratio {
        0 => format!("{} {large}", value / ratio),
        rest => format!("{} {large} {rest} {small}", value / ratio),
    }
}

/// `value / unit` with three digits that matter, rounded down: an amount never looks larger than it is.
fn three_digits(value: i64, unit: i64) -> String {
    let whole = value / unit;
    let thousandths = i128::from(value % unit) * 1_000 / i128::from(unit);
    match whole {
        0..10 => trimmed(whole, thousandths / 10, 2),
        10..100 => trimmed(whole, thousandths / 100, 1),
        _ => whole.to_string(),
    }
}

fn trimmed(whole: i64, decimals: i128, digits: usize) -> String {
    let text = format!("{whole}.{decimals:0digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_units_and_three_digits() {
        let durations = [(0, "0 ns"), (999, "999 ns"), (1_000, "1 µs"), (812_345, "812 µs"), (12_345_678, "12.3 ms")];
        for (nanos, text) in durations.into_iter().chain([(1_249_000_000, "1.24 s"), (125_000_000_000, "2 min 5 s")]) {
            assert_eq!(duration(nanos), text);
        }
        let long = [60, 3_600, 90_061, 172_800].map(|seconds| duration(seconds * 1_000_000_000));
        assert_eq!(long, ["1 min", "1 h", "25 h 1 min", "2 d"]);
        assert_eq!((bytes(0), bytes(65_536), bytes(134_217_728)), ("0 KB".into(), "64 KB".into(), "128 MB".into()));
        assert_eq!(
            (count(0), count(999), count(1_234_567)),
            ("0".into(), "999".into(), "1\u{202f}234\u{202f}567".into())
        );
        let estimates = [0, 9_999, 12_345, 999_999, 2_345_678, 51_000_000_000].map(about);
        assert_eq!(estimates, ["0", "9\u{202f}990", "12.3 k", "999 k", "2.34 M", "51 G"]);
        assert_eq!((share(1, 0), share(0, 5), share(342, 10_000)), ("—".into(), "0 %".into(), "3.42 %".into()));
    }

    #[test]
    fn amounts_are_cut_and_say_so() {
        let amounts = [
            ("0", "0"),
            ("0.0000002", "0.0000002"),
            ("0.00000041666675", "0.0000004166…"),
            ("12.345678", "12.3456…"),
            ("0.50000000000000000000000", "0.5000…"),
            ("3.00", "3"),
        ];
        for (exact, short) in amounts {
            assert_eq!(short_amount(exact), short);
        }
    }
}

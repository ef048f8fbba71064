//! Owns the reading of decimals as AWS prints them: exact, by their digits. There are no floats.

use std::time::Duration;

use crate::units::Megabytes;

/// Reads milliseconds such as `127.10`, exact to the nanosecond; what is finer is cut off. None where it is not a plain
/// decimal or does not fit.
pub(super) fn millis(text: &str) -> Option<Duration> {
    scaled(text, 6).map(Duration::from_nanos)
}

/// Reads seconds such as `3.00` or `3`.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    scaled(text, 9).map(Duration::from_nanos)
}

/// Reads a whole number such as `154`; a decimal is one where all its decimals are zero.
pub(super) fn whole(text: &str) -> Option<u64> {
    let (digits, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let zero = !decimals.is_empty() && decimals.bytes().all(|b| b == b'0');
    if zero { number(digits) } else { None }
}

/// Reads a count of megabytes of 2^20 bytes.
pub(super) fn megabytes(text: &str) -> Option<Megabytes> {
    whole(text).and_then(|mb| u32::try_from(mb).ok()).map(Megabytes)
}

/// The decimal times ten to the power of `places`.
fn scaled(text: &str, places: usize) -> Option<u64> {
    let (digits, decimals) = text.split_once('.').unwrap_or((text, "0"));
    if decimals.is_empty() || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let kept = &decimals[..decimals.len().min(places)];
    let fraction = number(kept)? * 10u64.pow(u32::try_from(places - kept.len()).ok()?);
    number(digits)?.checked_mul(10u64.pow(u32::try_from(places).ok()?))?.checked_add(fraction)
}

/// Digits alone: no sign and no space, which `parse` would take.
fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_to_the_last_digit() {
        assert_eq!(millis("127.10"), Some(Duration::from_nanos(127_100_000)));
        assert_eq!(millis("0.000001"), Some(Duration::from_nanos(1)));
        assert_eq!(millis("900000"), Some(Duration::from_secs(900)));
        assert_eq!(millis("101.51000000000001"), Some(Duration::from_nanos(101_510_000)));
        assert_eq!(seconds("3.00"), Some(Duration::from_secs(3)));
        assert_eq!((whole("154"), whole("154.0"), whole("154.5")), (Some(154), Some(154), None));
        assert_eq!(megabytes("2048"), Some(Megabytes(2_048)));
    }

    #[test]
    fn what_is_no_plain_decimal_is_refused() {
        for wrong in ["", ".", "1.", ".5", "-1", "+1", " 1", "1e3", "1.5.2", "NaN", "1,5", "99999999999999999999", "١"]
        {
            assert_eq!((millis(wrong), whole(wrong)), (None, None), "{wrong}");
        }
        assert_eq!(millis("18446744073709551"), None, "it does not fit");
        assert_eq!(megabytes("4294967296"), None);
    }
}

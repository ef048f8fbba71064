//! Digits of exact numbers: cut to so many decimals where a column or a page has no room for more. Nothing is lost in
//! silence: whoever asks is told whether digits were left out.

use crate::cost::rating::{Minor, Ratio};

/// Decimals of an amount on a page, and of a quantity.
const PAGE_DECIMALS: usize = 6;
/// Digits that are shown of a number below what the page's decimals tell.
const SMALL_DIGITS: usize = 4;

/// The number in units of `10^-decimals`, the nearest (a half away from zero), and whether that is the number itself. None
/// where it has more than 38 digits.
pub(super) fn units(number: Ratio, decimals: usize) -> Option<(i128, bool)> {
    let text = number.to_string();
    let (sign, size) = text.strip_prefix('-').map_or((1, text.as_str()), |size| (-1, size));
    let (whole, rest) = size.split_once('.').unwrap_or((size, ""));
    let (kept, beyond) = rest.split_at(rest.len().min(decimals));
    let down: i128 = format!("{whole}{kept:0<decimals$}").parse().ok()?;
    let up = beyond.bytes().next().is_some_and(|digit| digit >= b'5');
    let units = down.checked_add(i128::from(up)).filter(|units| *units < 10_i128.pow(38))?;
    Some((sign * units, beyond.is_empty() && number.as_fraction().is_none()))
}

/// The number with at most six decimals, or with its first four digits where it is smaller than those tell, thousands apart.
pub(super) fn brief(number: Ratio) -> String {
    let text = number.to_string();
    let decimals = text.split_once('.').map_or("", |(_, decimals)| decimals);
    let zeros = decimals.bytes().take_while(|digit| *digit == b'0').count();
    let is_small = text.trim_start_matches('-').starts_with("0.") && zeros + SMALL_DIGITS > PAGE_DECIMALS;
    let places = if is_small { zeros + SMALL_DIGITS } else { PAGE_DECIMALS };
    match u32::try_from(places).ok().zip(units(number, places)) {
        Some((digits, (units, _))) if places < 38 => grouped(trimmed(&Minor::new(units, digits).to_string())),
        _ => grouped(&text),
    }
}

/// The number with so many decimals, thousands apart.
pub(super) fn fixed(number: Ratio, decimals: u32) -> String {
    let units = units(number, decimals as usize);
    units.map_or_else(|| grouped(&number.to_string()), |(units, _)| grouped(&Minor::new(units, decimals).to_string()))
}

/// A number's text with commas between thousands: `-1,234.5`.
pub(super) fn grouped(text: &str) -> String {
    let (sign, size) = text.strip_prefix('-').map_or(("", text), |size| ("-", size));
    let (whole, decimals) = size.find('.').map_or((size, ""), |at| size.split_at(at));
    let mut grouped = String::with_capacity(text.len() + whole.len() / 3 + 1);
    grouped.push_str(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + decimals
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(text: &str) -> Ratio {
        Ratio::parse(text).expect("a number")
    }

    #[test]
    fn numbers_are_cut_to_the_nearest_and_say_so() {
        assert_eq!(units(ratio("12.345"), 3), Some((12_345, true)));
        assert_eq!(units(ratio("12.3455"), 3), Some((12_346, false)));
        assert_eq!(units(ratio("12.3454999"), 3), Some((12_345, false)));
        assert_eq!(units(ratio("0.0005").negative(), 3), Some((-1, false)));
        assert_eq!(units(ratio("2/3"), 2), Some((67, false)));
        assert_eq!(units(ratio("7"), 0), Some((7, true)));
        assert_eq!(
            units(ratio("999999999999999.5"), 23),
            Some((99_999_999_999_999_950_000_000_000_000_000_000_000, true))
        );
        assert_eq!(units(ratio("1e15"), 23), None, "39 digits");
    }

    #[test]
    fn pages_show_what_matters() {
        for (number, shown) in [
            ("0", "0"),
            ("1234567.8901234567", "1,234,567.890123"),
            ("0.0000166667", "0.00001667"),
            ("0.00001", "0.00001"),
            ("0.5", "0.5"),
            ("1000", "1,000"),
            ("2/3", "0.666667"),
            ("999.9999999", "1,000"),
        ] {
            assert_eq!(brief(ratio(number)), shown, "{number}");
        }
        assert_eq!(brief(ratio("1234.5").negative()), "-1,234.5");
        assert_eq!(fixed(ratio("1234.5"), 6), "1,234.500000");
        assert_eq!(
            (grouped("123"), grouped("-1234"), grouped("1234567.1234")),
            ("123".into(), "-1,234".into(), "1,234,567.1234".into())
        );
    }
}

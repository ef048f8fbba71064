//! Exact amounts of money. Nothing here rounds: an amount that cannot be held exactly is an error.

use std::fmt;
use std::ops::Add;
use std::str::FromStr;

/// Decimal digits after the point of every amount: 1 MB·ms at a rate of 10 decimals per GiB-second needs 23.
pub const MONEY_SCALE: i8 = 23;
/// Decimal digits of an amount in all: what a 128-bit decimal column holds.
pub const MONEY_PRECISION: u8 = 38;

const ONE: i128 = 10i128.pow(MONEY_SCALE as u32);
const LARGEST: i128 = 10i128.pow(MONEY_PRECISION as u32) - 1;

/// An amount of money in units of 10^-23 of its currency. The currency travels beside it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i128);

/// Why an amount could not be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MoneyError {
    /// The text is not a plain decimal number, or has more decimals than an amount holds.
    #[error("'{0}' is not an amount: write digits with at most {MONEY_SCALE} decimals, such as 0.0000166667")]
    Malformed(String),
    /// The amount is outside what a decimal of 38 digits holds.
    #[error("the amount is outside the range of ±10^15 that a ledger column holds")]
    OutOfRange,
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From units of 10^-23.
    pub fn from_units(units: i128) -> Result<Self, MoneyError> {
        if units.unsigned_abs() > LARGEST.unsigned_abs() { Err(MoneyError::OutOfRange) } else { Ok(Self(units)) }
    }

    /// The amount in units of 10^-23, as a decimal column holds it.
    #[must_use]
    pub const fn units(self) -> i128 {
        self.0
    }

    /// The sum, or an error where it leaves the range.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_add(other.0).ok_or(MoneyError::OutOfRange).and_then(Self::from_units)
    }

    /// The difference, or an error where it leaves the range.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_sub(other.0).ok_or(MoneyError::OutOfRange).and_then(Self::from_units)
    }

    /// This amount `times` over, or an error where the product leaves the range.
    pub fn checked_mul(self, times: i128) -> Result<Self, MoneyError> {
        self.0.checked_mul(times).ok_or(MoneyError::OutOfRange).and_then(Self::from_units)
    }
}

/// For sums that are known to stay in range, such as a handful of list costs.
impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.checked_add(other).expect("a sum of list costs stays below 10^15")
    }
}

/// All digits that matter, and none that do not: `0.0000166667`, `0`, `-1.5`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let units = self.0.unsigned_abs();
        let one = ONE.unsigned_abs();
        let decimals = format!("{:023}", units % one);
        let decimals = decimals.trim_end_matches('0');
        let point = if decimals.is_empty() { "" } else { "." };
        write!(f, "{sign}{}{point}{decimals}", units / one)
    }
}

/// Reads digits with an optional sign and at most 23 decimals; no exponent.
impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let fail = || MoneyError::Malformed(text.to_owned());
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let dangling = digits.contains('.') && decimals.is_empty();
        if whole.is_empty() || dangling || decimals.len() > 23 || !plain(whole) || !plain(decimals) {
            return Err(fail());
        }
        let padded = format!("{whole}{decimals:0<23}");
        let units: i128 = padded.parse().map_err(|_| MoneyError::OutOfRange)?;
        Self::from_units(if negative { -units } else { units })
    }
}

/// An ISO 4217 currency code, such as `USD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("made of upper-case ASCII letters")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let bytes: [u8; 3] = text.as_bytes().try_into().map_err(|_| MoneyError::Malformed(text.to_owned()))?;
        if bytes.iter().all(u8::is_ascii_uppercase) {
            Ok(Self(bytes))
        } else {
            Err(MoneyError::Malformed(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn amounts_print_as_they_are_read(units in -LARGEST..=LARGEST) {
            let money = Money::from_units(units).expect("in range");
            prop_assert_eq!(money.to_string().parse::<Money>(), Ok(money));
        }
    }

    #[test]
    fn text_that_is_no_amount_is_refused() {
        for wrong in ["", ".", "1.", ".5", "1e3", "0x1", "1,5", "--1", "+1", "0.000000000000000000000001"] {
            assert_eq!(wrong.parse::<Money>(), Err(MoneyError::Malformed(wrong.to_owned())));
        }
        assert_eq!("1000000000000000".parse::<Money>(), Err(MoneyError::OutOfRange));
    }

    #[test]
    fn a_sum_out_of_range_is_an_error() {
        let most = Money::from_units(LARGEST).expect("in range");
        let least = Money::from_units(1).expect("in range");
        assert_eq!(most.checked_add(least), Err(MoneyError::OutOfRange));
        assert_eq!(most.checked_sub(most), Ok(Money::ZERO));
        assert_eq!(least.checked_sub(most).and_then(|rest| rest.checked_sub(least)), Ok(Money(-LARGEST)));
        assert_eq!(Money(-LARGEST).checked_sub(least), Err(MoneyError::OutOfRange));
    }
}

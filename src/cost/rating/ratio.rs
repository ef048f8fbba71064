//! Exact fractions, for quantities and amounts whose decimals may not end. Nothing here rounds but `round`, and what does
//! not fit is an error.

use std::fmt;

use serde::{Serialize, Serializer};

/// Significant digits that are written of a number whose decimals do not end.
const DIGITS: usize = 60;
/// The largest denominator: a remainder times ten still fits.
const MAX_DENOMINATOR: i128 = 10_i128.pow(36);

/// A fraction in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ratio {
    numerator: i128,
    /// At least 1.
    denominator: i128,
}

/// A number left the range of 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number has more digits than 128 bits hold exactly")]
pub struct TooLarge;

/// How an amount becomes one of whole minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// The nearest; a half goes away from zero.
    Nearest,
    /// Towards zero.
    Zero,
}

impl Ratio {
    /// Nothing.
    pub const ZERO: Self = Self::whole(0);
    /// One.
    pub const ONE: Self = Self::whole(1);

    /// A whole number.
    #[must_use]
    pub const fn whole(number: i128) -> Self {
        Self { numerator: number, denominator: 1 }
    }

    /// The fraction; `denominator` is above zero.
    pub fn new(numerator: i128, denominator: i128) -> Result<Self, TooLarge> {
        if denominator < 1 || numerator == i128::MIN {
            return Err(TooLarge);
        }
        let divisor = gcd(numerator, denominator);
        let (numerator, denominator) = (numerator / divisor, denominator / divisor);
        if denominator > MAX_DENOMINATOR { Err(TooLarge) } else { Ok(Self { numerator, denominator }) }
    }

    /// The sum.
    pub fn plus(self, other: Self) -> Result<Self, TooLarge> {
        let divisor = gcd(self.denominator, other.denominator);
        let (own, theirs) = (other.denominator / divisor, self.denominator / divisor);
        let left = self.numerator.checked_mul(own).ok_or(TooLarge)?;
        let right = other.numerator.checked_mul(theirs).ok_or(TooLarge)?;
        let denominator = self.denominator.checked_mul(own).ok_or(TooLarge)?;
        Self::new(left.checked_add(right).ok_or(TooLarge)?, denominator)
    }

    /// The difference.
    pub fn minus(self, other: Self) -> Result<Self, TooLarge> {
        self.plus(other.negative())
    }

    /// The product.
    pub fn times(self, other: Self) -> Result<Self, TooLarge> {
        let (a, b) = (gcd(self.numerator, other.denominator), gcd(other.numerator, self.denominator));
        let numerator = (self.numerator / a).checked_mul(other.numerator / b).ok_or(TooLarge)?;
        let denominator = (self.denominator / b).checked_mul(other.denominator / a).ok_or(TooLarge)?;
        Self::new(numerator, denominator)
    }

    /// This divided by `parts`, which is above zero.
    pub fn divided_by(self, parts: i128) -> Result<Self, TooLarge> {
        self.times(Self::new(1, parts)?)
    }

    /// This divided by `other`, which is above zero.
    pub fn over(self, other: Self) -> Result<Self, TooLarge> {
        self.times(Self::new(other.denominator, other.numerator)?)
    }

    /// Above the line of the fraction in lowest terms.
    #[must_use]
    pub const fn numerator(self) -> i128 {
        self.numerator
    }

    /// Below it; at least 1.
    #[must_use]
    pub const fn denominator(self) -> i128 {
        self.denominator
    }

    /// The same number below zero.
    #[must_use]
    pub const fn negative(self) -> Self {
        Self { numerator: -self.numerator, ..self }
    }

    /// The smaller one.
    pub fn smaller(self, other: Self) -> Result<Self, TooLarge> {
        Ok(if self.minus(other)?.numerator <= 0 { self } else { other })
    }

    /// The larger one.
    pub fn larger(self, other: Self) -> Result<Self, TooLarge> {
        Ok(if self.minus(other)?.numerator >= 0 { self } else { other })
    }

    /// Whether it is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.numerator == 0
    }

    /// Whether it is above zero.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.numerator > 0
    }

    /// The number, where it is a whole one.
    #[must_use]
    pub const fn as_whole(self) -> Option<i128> {
        if self.denominator == 1 { Some(self.numerator) } else { None }
    }

    /// The smallest multiple of `step` (above zero) that is no smaller.
    pub fn up_to(self, step: i128) -> Result<Self, TooLarge> {
        let steps = self.divided_by(step)?;
        let up = i128::from(steps.numerator.rem_euclid(steps.denominator) != 0);
        let whole = steps.numerator.div_euclid(steps.denominator) + up;
        whole.checked_mul(step).map(Self::whole).ok_or(TooLarge)
    }

    /// The whole number that this is rounded to.
    pub(super) fn round(self, to: To) -> Result<i128, TooLarge> {
        let (sign, size) = (self.numerator.signum(), self.numerator.abs());
        let (whole, rest) = (size / self.denominator, size % self.denominator);
        let up = to == To::Nearest && rest >= self.denominator - rest;
        Ok(sign * whole.checked_add(i128::from(up)).ok_or(TooLarge)?)
    }

    /// `numerator/denominator`, where the decimals do not end.
    #[must_use]
    pub fn as_fraction(self) -> Option<String> {
        let mut rest = self.denominator;
        for factor in [2, 5] {
            while rest % factor == 0 {
                rest /= factor;
            }
        }
        (rest != 1).then(|| format!("{}/{}", self.numerator, self.denominator))
    }

    /// Reads a number of 0 or more as JSON writes it, `12.5` or `1e6`, or a fraction such as `275/9`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some((numerator, denominator)) = text.split_once('/') {
            return Self::new(digits(numerator)?, digits(denominator)?).ok();
        }
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, decimals) = match number.split_once('.') {
            Some((whole, decimals)) if !decimals.is_empty() => (whole, decimals),
            Some(_) => return None,
            None => (number, ""),
        };
        if whole.is_empty() || number.len() > 80 {
            return None;
        }
        let decimals = decimals.trim_end_matches('0');
        let all = digits(&format!("{whole}{decimals}"))?;
        let shift = exponent.checked_sub(i32::try_from(decimals.len()).ok()?)?;
        let power = 10_i128.checked_pow(shift.unsigned_abs());
        match power {
            _ if all == 0 => Some(Self::ZERO),
            Some(power) if shift < 0 => Self::new(all, power).ok(),
            Some(power) => all.checked_mul(power).map(Self::whole),
            None => None,
        }
    }
}

/// All digits that matter; of a number whose decimals do not end, the first 60.
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.numerator.abs();
        let sign = if self.numerator < 0 { "-" } else { "" };
        write!(f, "{sign}{}", size / self.denominator)?;
        let ends = self.as_fraction().is_none();
        let whole = (size / self.denominator).to_string();
        let mut significant = if whole == "0" { 0 } else { whole.len() };
        let (mut rest, mut point) = (size % self.denominator, ".");
        while rest != 0 && (ends || significant < DIGITS) {
            rest *= 10;
            write!(f, "{point}{}", rest / self.denominator)?;
            significant += usize::from(significant > 0 || rest >= self.denominator);
            (rest, point) = (rest % self.denominator, "");
        }
        Ok(())
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn digits(text: &str) -> Option<i128> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// The greatest common divisor, at least 1.
fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ratio(text: &str) -> Ratio {
        Ratio::parse(text).expect("a number")
    }

    #[test]
    fn numbers_are_read_and_written_digit_for_digit() {
        for (text, written) in [
            ("0", "0"),
            ("12.50", "12.5"),
            ("1e6", "1000000"),
            ("1.5E-3", "0.0015"),
            ("0.0000166667", "0.0000166667"),
            ("7/8", "0.875"),
            ("0.000e40", "0"),
        ] {
            assert_eq!(ratio(text).to_string(), written, "{text}");
            assert_eq!(ratio(text).as_fraction(), None, "{text}");
        }
        for wrong in ["", "-1", ".5", "1.", "1e", "0x1", "1/0", "1/", "a", "1e99", " 1", "1,5"] {
            assert_eq!(Ratio::parse(wrong), None, "{wrong}");
        }
        let third = ratio("200/3");
        assert_eq!(third.to_string(), format!("66.{}", "6".repeat(58)));
        assert_eq!(third.as_fraction().as_deref(), Some("200/3"));
        assert_eq!(ratio("1/300").to_string(), format!("0.00{}", "3".repeat(60)));
    }

    #[test]
    fn rounding_goes_to_the_nearest_or_to_zero() {
        let nearest = |text: &str| ratio(text).round(To::Nearest).expect("in range");
        assert_eq!((nearest("2.5"), nearest("2.49"), nearest("0.5"), nearest("8/3")), (3, 2, 1, 3));
        assert_eq!(ratio("2.5").negative().round(To::Nearest), Ok(-3));
        assert_eq!(ratio("2.99").round(To::Zero), Ok(2));
        assert_eq!(ratio("2.99").negative().round(To::Zero), Ok(-2));
        let up = |text: &str, step| ratio(text).up_to(step).expect("in range").to_string();
        assert_eq!(
            (up("2343.46", 1), up("260", 100), up("300", 100), up("0", 100)),
            ("2344".into(), "300".into(), "300".into(), "0".into())
        );
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let large = Ratio::whole(i128::MAX);
        assert_eq!(large.plus(Ratio::ONE), Err(TooLarge));
        assert_eq!(large.times(large), Err(TooLarge));
        assert_eq!(Ratio::new(1, i128::MAX), Err(TooLarge));
        assert_eq!(Ratio::new(1, 0), Err(TooLarge));
    }

    proptest! {
        #[test]
        fn sums_and_products_are_those_of_fractions(
            a in -1_000_000i128..1_000_000, b in 1i128..10_000, c in -1_000_000i128..1_000_000, d in 1i128..10_000,
        ) {
            let (x, y) = (Ratio::new(a, b).expect("small"), Ratio::new(c, d).expect("small"));
            prop_assert_eq!(x.plus(y), Ratio::new(a * d + c * b, b * d));
            prop_assert_eq!(x.times(y), Ratio::new(a * c, b * d));
            prop_assert_eq!(x.plus(y).and_then(|sum| sum.minus(y)), Ok(x));
            if c > 0 {
                prop_assert_eq!(x.over(y).and_then(|quotient| quotient.times(y)), Ok(x));
            }
            prop_assert_eq!(x.smaller(y).expect("small") == x, a * d <= c * b);
            let cents = x.round(To::Nearest).expect("small");
            prop_assert!((2 * (cents * b - a)).abs() <= b);
        }
    }
}

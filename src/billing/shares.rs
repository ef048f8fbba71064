//! Splits a line among those who used what it bills: amounts in whole minor units by largest remainder, quantities exactly.
//! Whose usage is how much comes from `counting`.

use std::collections::BTreeMap;

use arrow::datatypes::i256;

use crate::cost::rating::{Line, Ratio};

use super::cost_centers::{CostCenter, center};
use super::counting::{Owner, Shares};
use super::rated::Rated;
use super::{Dimension, Error};

/// Decimals to which a share's quantity is cut off, where the decimals of a quantity end there: a MB·ms is 13 decimals of
/// a GiB-second, and with a price of ten decimals amounts have 23.
const QUANTITY_DECIMALS: u32 = 13;

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share<K> {
    pub key: K,
    /// Of what is paid for, in units.
    pub quantity: Ratio,
    /// Of what is free beside it.
    pub free_quantity: Ratio,
    /// The quantity times the line's price.
    pub exact: Ratio,
    /// In minor units.
    pub billed: i128,
}

/// The name that an owner goes by in a dimension; `""` where there is no such tag.
pub(super) fn key(owner: &Owner, dimension: &Dimension, centers: &[CostCenter]) -> String {
    match dimension {
        Dimension::Function => owner.function.clone(),
        Dimension::Tenant => owner.tenant.clone(),
        Dimension::CostCenter => center(centers, owner).to_owned(),
        Dimension::Tag(tag) => owner.tags.get(tag).cloned().unwrap_or_default(),
    }
}

/// What everybody used, put together by a name of theirs.
pub struct Users<K>(BTreeMap<K, Shares>);

impl<K: Ord + Clone> Users<K> {
    /// Puts a month's owners together.
    pub fn of(rated: &Rated, name: impl Fn(&Owner) -> K) -> Result<Self, Error> {
        let mut users: BTreeMap<K, Shares> = BTreeMap::new();
        for (owner, shares) in &rated.counted.by_owner {
            let user = users.entry(name(owner)).or_default();
            user.requests += shares.requests;
            for (cell, parts) in &shares.cells {
                let sum = user.cells.entry(cell.clone()).or_default();
                *sum = sum.checked_add(*parts).ok_or(Error::TooLarge)?;
            }
        }
        Ok(Self(users))
    }

    /// The shares of a line of the month's bill, in the order of names. They add up to the line, digit for digit.
    pub fn share(&self, rated: &Rated, line: &Line) -> Result<Vec<Share<K>>, Error> {
        let weights = self.weights(rated, line)?;
        let users: Vec<(&K, i128)> = self.0.keys().zip(weights).filter(|(_, weight)| *weight > 0).collect();
        let weights: Vec<i128> = users.iter().map(|(_, weight)| *weight).collect();
        let quantities = exact(line.quantity, &weights)?;
        let free = exact(line.free_quantity, &weights)?;
        let billed = largest_remainder(line.rounded.units(), &weights)?;
        let mut shares = Vec::with_capacity(users.len());
        for (at, (key, _)) in users.into_iter().enumerate() {
            let exact = quantities[at].times(line.unit_price)?;
            let (quantity, free_quantity, billed) = (quantities[at], free[at], billed[at]);
            shares.push(Share { key: key.clone(), quantity, free_quantity, exact, billed });
        }
        Ok(shares)
    }

    /// What each used of what the line bills: of its meter in its region; requests where it bills the month itself; and for a
    /// credit what the lines cost that it is for, in units of 10^-13.
    fn weights(&self, rated: &Rated, line: &Line) -> Result<Vec<i128>, Error> {
        let Some(meter) = line.number else { return self.costs(rated, line) };
        if rated.monthly.contains(&meter) {
            return Ok(self.0.values().map(|user| user.requests).collect());
        }
        let cell = (line.region.clone(), meter);
        Ok(self.0.values().map(|user| user.cells.get(&cell).copied().unwrap_or_default()).collect())
    }

    fn costs(&self, rated: &Rated, credit: &Line) -> Result<Vec<i128>, Error> {
        let mut costs: BTreeMap<&K, i128> = self.0.keys().map(|key| (key, 0)).collect();
        let is_covered = |line: &&Line| line.number.is_some_and(|number| credit.covers.contains(&number));
        for line in rated.bill.lines.iter().filter(is_covered) {
            for share in self.share(rated, line)? {
                let units = floor(share.exact)?;
                let sum = costs.get_mut(&share.key).expect("shares are of the same users");
                *sum = sum.checked_add(units).ok_or(Error::TooLarge)?;
            }
        }
        Ok(self.0.keys().map(|key| costs[key]).collect())
    }
}

/// Splits whole units by weights of 0 or more: each gets what it is due cut off, and what is left over goes one by one to the
/// largest remainders, the earlier of equal ones first. Below zero likewise. Where all weights are 0 the first gets all.
pub fn largest_remainder(total: i128, weights: &[i128]) -> Result<Vec<i128>, Error> {
    let all = weights.iter().try_fold(0_i128, |sum, weight| sum.checked_add(*weight)).ok_or(Error::TooLarge)?;
    if all == 0 {
        let first = |at: usize| if at == 0 { total } else { 0 };
        return Ok((0..weights.len()).map(first).collect());
    }
    let size = i256::from_i128(total.checked_abs().ok_or(Error::TooLarge)?);
    let divisor = i256::from_i128(all);
    let mut shares = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut left = size;
    for (at, weight) in weights.iter().enumerate() {
        let due = size.checked_mul(i256::from_i128(*weight)).ok_or(Error::TooLarge)?;
        let (share, rest) = (due.wrapping_div(divisor), due.wrapping_rem(divisor));
        left = left.wrapping_sub(share);
        shares.push(share);
        remainders.push((std::cmp::Reverse(rest), at));
    }
    // Fewer are left over than there are shares.
    let left = left.to_i128().and_then(|left| usize::try_from(left).ok()).ok_or(Error::TooLarge)?;
    remainders.sort_unstable();
    for (_, at) in remainders.into_iter().take(left) {
        shares[at] = shares[at].wrapping_add(i256::ONE);
    }
    shares.into_iter().map(|share| share.to_i128().map(|share| share * total.signum()).ok_or(Error::TooLarge)).collect()
}

/// Splits a quantity of 0 or more in units of 10^-13 by largest remainder. What no such decimals can say goes to the first.
fn exact(total: Ratio, weights: &[i128]) -> Result<Vec<Ratio>, Error> {
    let units = floor(total)?;
    let one = 10_i128.pow(QUANTITY_DECIMALS);
    let rest = total.minus(Ratio::new(units, one)?)?;
    let mut shares = Vec::with_capacity(weights.len());
    for share in largest_remainder(units, weights)? {
        shares.push(Ratio::new(share, one)?);
    }
    if let Some(first) = shares.first_mut() {
        *first = first.plus(rest)?;
    }
    Ok(shares)
}

/// A number of 0 or more in whole units of 10^-13, the rest cut off.
fn floor(number: Ratio) -> Result<i128, Error> {
    let one = i256::from_i128(10_i128.pow(QUANTITY_DECIMALS));
    let units = i256::from_i128(number.numerator()).checked_mul(one).ok_or(Error::TooLarge)?;
    units.wrapping_div(i256::from_i128(number.denominator())).to_i128().ok_or(Error::TooLarge)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_left_over_goes_to_the_largest_remainders_and_to_the_earlier_of_equal_ones() {
        let split = |total, weights: &[i128]| largest_remainder(total, weights).expect("in range");
        assert_eq!(split(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(split(-100, &[1, 1, 1]), [-34, -33, -33]);
        assert_eq!(split(2, &[1, 6, 3]), [0, 1, 1]);
        assert_eq!(split(5, &[0, 0]), [5, 0]);
        assert_eq!(split(5, &[]), [0_i128; 0]);
        assert_eq!(split(10, &[i128::MAX / 2, i128::MAX / 2]), [5, 5]);
        assert!(matches!(largest_remainder(1, &[i128::MAX, 1]), Err(Error::TooLarge)));
    }

    proptest! {
        #[test]
        fn shares_add_up_and_none_is_off_by_a_unit(
            total in -1_000_000_000_000i128..1_000_000_000_000,
            weights in prop::collection::vec(0i128..1_000_000_000_000_000, 1..40),
        ) {
            let shares = largest_remainder(total, &weights).expect("in range");
            prop_assert_eq!(shares.iter().sum::<i128>(), total);
            let all: i128 = weights.iter().sum();
            for (share, weight) in shares.iter().zip(&weights) {
                let off = share * all - total * weight;
                prop_assert!(all == 0 || off.abs() < all, "{} of {}", share, total);
            }
        }

        #[test]
        fn quantities_add_up_whatever_their_decimals(
            numerator in 0i128..1_000_000_000_000, denominator in 1i128..10_000_000,
            weights in prop::collection::vec(1i128..1_000_000_000, 1..20),
        ) {
            let total = Ratio::new(numerator, denominator).expect("small");
            let shares = exact(total, &weights).expect("small");
            prop_assert_eq!(shares.into_iter().try_fold(Ratio::ZERO, Ratio::plus), Ok(total));
        }
    }
}

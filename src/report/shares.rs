//! What each share of a chargeback comes to over all its lines, for people who look at one before they look into it.

use std::collections::BTreeMap;

use crate::billing::{Report, RowType};
use crate::cost::rating::Minor;
use crate::units::Currency;

use super::shown;

/// A share in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share<'r> {
    /// Whose it is, in words where nobody is named.
    pub name: &'r str,
    pub currency: Currency,
    pub amount: Minor,
}

/// The shares by currency as the totals have it, the largest first. With the roundings they add up to the totals.
#[must_use]
pub fn shares(report: &Report) -> Vec<Share<'_>> {
    let totals = report.rows.iter().filter(|row| row.row_type == RowType::Total);
    totals.flat_map(|total| of_currency(report, total.currency, total.billed_cost.digits())).collect()
}

fn of_currency(report: &Report, currency: Currency, digits: u32) -> Vec<Share<'_>> {
    let mut sums: BTreeMap<&str, i128> = BTreeMap::new();
    for row in report.rows.iter().filter(|row| row.row_type != RowType::Total && row.currency == currency) {
        // The total is the sum of the same amounts, so parts of it fit too.
        let sum = sums.entry(shown::dimension_value(&report.kind, row)).or_default();
        *sum = sum.saturating_add(row.billed_cost.units());
    }
    let mut sums: Vec<(&str, i128)> = sums.into_iter().collect();
    sums.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    sums.into_iter().map(|(name, units)| Share { name, currency, amount: Minor::new(units, digits) }).collect()
}

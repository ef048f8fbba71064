//! What is free: a book's allowances, checked, and the quantities that they take off, part by part in the workload's order.
//! Money off is `bill`'s.

use std::collections::BTreeSet;

use toml::Spanned;

use super::TooLarge;
use super::book::{Edition, Fault, Meter};
use super::file::AllowanceFile;
use super::ratio::Ratio;
use super::workload::Workload;

/// What costs nothing.
#[derive(Debug, Clone)]
pub(super) struct Allowance {
    pub(super) name: String,
    /// The meters that share it, by number.
    pub(super) meters: Vec<usize>,
    pub(super) amount: Amount,
    /// Whether a fee pays for it, so that it is no free tier that can be left out.
    pub(super) included: bool,
}

/// How much an allowance holds, less what was used elsewhere.
#[derive(Debug, Clone, Copy)]
pub(super) enum Amount {
    /// Units of the meters.
    Quantity(Ratio),
    /// Money off what they cost.
    Credit(Ratio),
}

/// A meter's usage of the month, in units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    /// What is left to pay for.
    pub(super) paid: Ratio,
    /// What allowances took off.
    pub(super) free: Ratio,
    /// What of `paid` a free tier's money may still be taken off from.
    pub(super) eligible: Ratio,
}

/// Takes quantities off what each part used of each meter, and sums it by meter.
pub(super) fn deduct(edition: &Edition, workload: &Workload, used: Vec<Vec<Ratio>>) -> Result<Vec<Used>, TooLarge> {
    let quantity = |allowance: &Allowance| match allowance.amount {
        Amount::Quantity(quantity) => quantity,
        Amount::Credit(_) => Ratio::ZERO,
    };
    let mut left: Vec<Ratio> = edition.allowances.iter().map(quantity).collect();
    let nothing = Used { paid: Ratio::ZERO, free: Ratio::ZERO, eligible: Ratio::ZERO };
    let mut meters = vec![nothing; edition.meters.len()];
    for (part, mut quantities) in workload.parts.iter().zip(used) {
        for (allowance, left) in edition.allowances.iter().zip(&mut left) {
            if !part.free_tier && !allowance.included {
                continue;
            }
            for meter in &allowance.meters {
                let taken = quantities[*meter].smaller(*left)?;
                *left = left.minus(taken)?;
                quantities[*meter] = quantities[*meter].minus(taken)?;
                meters[*meter].free = meters[*meter].free.plus(taken)?;
            }
        }
        for (meter, quantity) in meters.iter_mut().zip(quantities) {
            meter.paid = meter.paid.plus(quantity)?;
            if part.free_tier {
                meter.eligible = meter.eligible.plus(quantity)?;
            }
        }
    }
    Ok(meters)
}

impl Allowance {
    /// Checks one; `number` finds a meter by its name.
    pub(super) fn check(
        file: AllowanceFile,
        meters: &[Meter],
        number: &dyn Fn(&Spanned<String>) -> Result<usize, Fault>,
    ) -> Result<Self, Fault> {
        let at = file.name.span();
        let name = file.name.into_inner();
        let fault = |reason: String| (at.clone(), format!("the allowance '{name}' {reason}"));
        let shared = file.meters.iter().map(number).collect::<Result<Vec<_>, _>>()?;
        if shared.is_empty() {
            return Err(fault("is for no meter".to_owned()));
        }
        let whole = match (file.quantity, file.credit) {
            (Some(quantity), None) => quantity.0,
            (None, Some(credit)) => credit.0,
            _ => return Err(fault("needs either a quantity or a credit".to_owned())),
        };
        let used = file.used_elsewhere.map_or(Ratio::ZERO, |used| used.0);
        let left = whole.minus(used).and_then(|left| left.larger(Ratio::ZERO)).map_err(|e| fault(e.to_string()))?;
        let amount = if file.quantity.is_some() {
            let unit = &meters[shared[0]].unit;
            if let Some(other) = shared.iter().map(|meter| &meters[*meter].unit).find(|other| *other != unit) {
                return Err(fault(format!("is of {unit} and of {other}")));
            }
            Amount::Quantity(left)
        } else {
            Amount::Credit(left)
        };
        Ok(Self { name, meters: shared, amount, included: file.included })
    }
}

/// A meter has one credit at most, so that none takes off what another took.
pub(super) fn check_credits(allowances: &[Allowance], meters: &[Meter]) -> Result<(), String> {
    let mut covered = BTreeSet::new();
    let credits = allowances.iter().filter(|allowance| matches!(allowance.amount, Amount::Credit(_)));
    for meter in credits.flat_map(|allowance| &allowance.meters) {
        if !covered.insert(meter) {
            return Err(format!("the meter '{}' has more than one credit", meters[*meter].name));
        }
    }
    Ok(())
}

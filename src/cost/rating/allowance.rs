//! What is free: a book's allowances, checked, and the quantities that they take off, in the order of time.
//! Money off is `bill`'s.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use super::TooLarge;
use super::book::{Edition, Fault, Meter};
use super::file::AllowanceFile;
use super::ratio::Ratio;

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

/// What one moment used of a meter in a region, in the meter's units. Regions are numbered by whoever bills.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    /// Earlier moments use up allowances first; equal ones share them.
    pub(super) at: i64,
    pub(super) cell: Cell,
    pub(super) quantity: Ratio,
    /// Whether free tiers are for it.
    pub(super) free_tier: bool,
}

/// When an allowance ran out among several regions or meters, and the meters that it is for.
pub(super) type RunOut = (i64, Vec<usize>);

/// A region by number, and a meter of it: tiers add up within.
pub(super) type Cell = (usize, usize);

/// A meter's usage of the month in a region, in units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    /// What is left to pay for.
    pub(super) paid: Ratio,
    /// What allowances took off.
    pub(super) free: Ratio,
    /// What of `paid` a free tier's money may still be taken off from.
    pub(super) eligible: Ratio,
}

/// Takes quantities off in the order of time, and sums what is left by region and meter. Regions share allowances; what one
/// moment used in several regions or meters is taken off in proportion, so that only times matter and no other order. Says
/// also where that happened.
pub(super) fn deduct(
    edition: &Edition,
    mut moments: Vec<Moment>,
) -> Result<(BTreeMap<Cell, Used>, Vec<RunOut>), TooLarge> {
    let quantity = |allowance: &Allowance| match allowance.amount {
        Amount::Quantity(quantity) => quantity,
        Amount::Credit(_) => Ratio::ZERO,
    };
    let mut left: Vec<Ratio> = edition.allowances.iter().map(quantity).collect();
    let mut cells: BTreeMap<Cell, Used> = BTreeMap::new();
    let mut run_out = Vec::new();
    moments.sort_by_key(|moment| moment.at);
    for together in moments.chunk_by_mut(|one, next| one.at == next.at) {
        for (allowance, left) in edition.allowances.iter().zip(&mut left) {
            if take(allowance, left, together, &mut cells)? {
                run_out.push((together[0].at, allowance.meters.clone()));
            }
        }
        for moment in together {
            let used = cells.entry(moment.cell).or_default();
            used.paid = used.paid.plus(moment.quantity)?;
            if moment.free_tier {
                used.eligible = used.eligible.plus(moment.quantity)?;
            }
        }
    }
    Ok((cells, run_out))
}

/// Takes what is left of an allowance off the usage of one time. True where it did not suffice for several regions or meters.
fn take(
    allowance: &Allowance,
    left: &mut Ratio,
    together: &mut [Moment],
    cells: &mut BTreeMap<Cell, Used>,
) -> Result<bool, TooLarge> {
    let is_for =
        |moment: &Moment| (moment.free_tier || allowance.included) && allowance.meters.contains(&moment.cell.1);
    let covered = together.iter().filter(|moment| is_for(moment));
    let all = covered.map(|moment| moment.quantity).try_fold(Ratio::ZERO, Ratio::plus)?;
    let taken = all.smaller(*left)?;
    if !taken.is_positive() {
        return Ok(false);
    }
    let shared: BTreeSet<Cell> = together.iter().filter(|moment| is_for(moment)).map(|moment| moment.cell).collect();
    *left = left.minus(taken)?;
    for moment in together.iter_mut().filter(|moment| is_for(moment)) {
        let free = if taken == all { moment.quantity } else { taken.times(moment.quantity.over(all)?)? };
        moment.quantity = moment.quantity.minus(free)?;
        let used = cells.entry(moment.cell).or_default();
        used.free = used.free.plus(free)?;
    }
    Ok(taken != all && shared.len() > 1)
}

impl Default for Used {
    fn default() -> Self {
        Self { paid: Ratio::ZERO, free: Ratio::ZERO, eligible: Ratio::ZERO }
    }
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

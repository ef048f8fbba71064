//! The bill: what each meter was used for, what of that is free, and what the rest costs by tiers, rounded once at the end.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::units::{Currency, Timestamp};

use super::allowance::{Amount, Used, deduct};
use super::book::{Book, Edition};
use super::file::Prices;
use super::ratio::{Ratio, To};
use super::source::Source;
use super::usage::Counter;
use super::workload::Workload;
use super::{Error, Period, Rounding, Scope, TooLarge, Zone};

/// What a month costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bill {
    /// The book's id.
    pub book: String,
    /// Id and edition.
    pub price_book: String,
    /// The digest of the book's text, in hex.
    pub sha256: String,
    /// The region whose prices these are.
    pub region: String,
    /// Within what tiers and allowances add up.
    pub scope: Scope,
    /// For how long.
    pub period: Period,
    /// The zone whose midnight begins it.
    pub zone: Zone,
    /// What all amounts are in.
    #[serde(serialize_with = "code")]
    pub currency: Currency,
    /// By meter in the book's order, and by tier; then credits.
    pub lines: Vec<Line>,
    /// What the rounded lines and the total differ by, where the book rounds the total and not the lines.
    pub rounding: Minor,
    /// The sum of the exact lines.
    pub exact_total: Ratio,
    /// The exact total as a fraction, where its decimals do not end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact_total_ratio: Option<String>,
    /// The sum of the rounded lines and the rounding.
    pub total: Minor,
    /// What was assumed or left out, one sentence each.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// What a meter costs in one tier, or what a credit takes off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The meter; for a credit the allowance.
    pub meter: String,
    /// What is paid for, in units.
    pub quantity: Ratio,
    /// The quantity as a fraction, where its decimals do not end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity_ratio: Option<String>,
    /// What was used beside it and is free; in a meter's first line.
    pub free_quantity: Ratio,
    /// What the quantity counts.
    pub unit: String,
    /// From 1.
    pub tier: usize,
    /// The price of one unit.
    pub unit_price: Ratio,
    /// Quantity times price.
    pub exact: Ratio,
    /// The amount as a fraction, where its decimals do not end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact_ratio: Option<String>,
    /// The amount as it is invoiced.
    pub rounded: Minor,
    #[serde(skip)]
    pub(super) by: Rounding,
    /// The meter's number; none for a credit.
    #[serde(skip)]
    pub(super) number: Option<usize>,
}

/// An amount in whole minor units, such as cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minor {
    units: i128,
    digits: u32,
}

impl Book {
    /// Bills a month's workload at the prices that hold in `region` at `at`; in the book's own region where none is named.
    pub fn bill(&self, workload: &Workload, region: Option<&str>, at: Timestamp) -> Result<Bill, Error> {
        let edition = self.edition(at);
        let mut warnings = self.warnings(edition, workload, at);
        let region = region.unwrap_or(&edition.default_region);
        if region != edition.default_region && !edition.regions.contains_key(region) {
            let default = &edition.default_region;
            warnings.push(format!("{} has no prices of its own for '{region}': those of {default} are used", self.id));
        }
        self.check_expressible(edition, workload)?;
        let used = self.used(edition, workload)?;
        let used = deduct(edition, workload, used)?;
        let mut lines = Vec::new();
        for (meter, used) in used.iter().enumerate() {
            if used.paid.is_positive() || used.free.is_positive() {
                lines.extend(self.lines(edition, region, meter, used)?);
            }
        }
        self.credit(edition, &used, &mut lines)?;
        let exact_total = lines.iter().try_fold(Ratio::ZERO, |sum, line| sum.plus(line.exact))?;
        let (total, rounding) = self.totals(&lines)?;
        Ok(Bill {
            book: self.id.clone(),
            price_book: edition.label.clone(),
            sha256: self.sha256.clone(),
            region: region.to_owned(),
            scope: self.scope,
            period: self.period,
            zone: self.zone,
            currency: self.currency,
            lines,
            rounding,
            exact_total,
            exact_total_ratio: exact_total.as_fraction(),
            total,
            warnings,
        })
    }

    /// What each part used of each meter, in units.
    fn used(&self, edition: &Edition, workload: &Workload) -> Result<Vec<Vec<Ratio>>, Error> {
        let mut used = Vec::with_capacity(workload.parts.len());
        for (at, part) in workload.parts.iter().enumerate() {
            let counter = Counter::new(&self.id, edition, part)?;
            self.check_architecture(edition, part, &counter)?;
            let mut meters = Vec::with_capacity(edition.meters.len());
            for meter in &edition.meters {
                let mut quantity = part.meters.get(&meter.name).copied().unwrap_or(Ratio::ZERO);
                let fits = meter.architecture.is_none_or(|only| only == part.architecture);
                for (source, per_unit) in meter.counts.iter().filter(|_| fits) {
                    // The month is one, whatever it is the sum of.
                    if *source != Source::Month || at == 0 {
                        quantity = quantity.plus(counter.count(*source)?.divided_by(*per_unit)?)?;
                    }
                }
                meters.push(quantity);
            }
            used.push(meters);
        }
        Ok(used)
    }

    /// A meter's lines: one for each tier that it reaches, at least one.
    fn lines(&self, edition: &Edition, region: &str, number: usize, used: &Used) -> Result<Vec<Line>, Error> {
        let meter = &edition.meters[number];
        let refuse = |reason: String| Error::NotPriced { book: self.id.clone(), reason };
        let Prices::Tiers(tiers) = edition.prices(Some(region), number) else {
            return Err(refuse(format!("what {} costs in {region} is not known to it", meter.name)));
        };
        let (mut lines, mut below, mut left) = (Vec::new(), Ratio::ZERO, used.paid);
        for (at, tier) in tiers.iter().enumerate() {
            let quantity = match tier.up_to {
                Some(up_to) => left.smaller(up_to.minus(below)?)?,
                None => left,
            };
            if quantity.is_positive() || at == 0 {
                let exact = quantity.times(tier.price)?;
                let by = meter.rounding.unwrap_or(self.rounding);
                let free_quantity = if at == 0 { used.free } else { Ratio::ZERO };
                lines.push(Line {
                    meter: meter.name.clone(),
                    quantity,
                    quantity_ratio: quantity.as_fraction(),
                    free_quantity,
                    unit: meter.unit.clone(),
                    tier: at + 1,
                    unit_price: tier.price,
                    exact,
                    exact_ratio: exact.as_fraction(),
                    rounded: self.minor(exact, if by == Rounding::Truncate { To::Zero } else { To::Nearest })?,
                    by,
                    number: Some(number),
                });
            }
            left = left.minus(quantity)?;
            below = tier.up_to.unwrap_or(below);
        }
        if left.is_positive() {
            let name = &meter.name;
            return Err(refuse(format!(
                "what {name} costs in {region} above {below} {} is not known to it",
                meter.unit
            )));
        }
        Ok(lines)
    }

    /// Adds the lines of money off. None takes off more than was billed, neither exactly nor rounded.
    fn credit(&self, edition: &Edition, used: &[Used], lines: &mut Vec<Line>) -> Result<(), Error> {
        for allowance in &edition.allowances {
            let Amount::Credit(most) = allowance.amount else { continue };
            let covered = lines.iter().filter(|l| l.number.is_some_and(|number| allowance.meters.contains(&number)));
            let covered: Vec<&Line> = covered.collect();
            let Some(by) = covered.first().map(|line| line.by) else { continue };
            let billed = covered.iter().try_fold(Ratio::ZERO, |sum, line| sum.plus(line.exact))?;
            let invoiced = sum(covered.iter().copied())?;
            let eligible = if allowance.included { billed } else { eligible(&covered, used)? };
            let taken = most.smaller(eligible)?;
            if !taken.is_positive() {
                continue;
            }
            let rounded = if taken == billed { invoiced } else { self.minor(taken, To::Nearest)?.units.min(invoiced) };
            let exact = taken.negative();
            lines.push(Line {
                meter: allowance.name.clone(),
                quantity: taken,
                quantity_ratio: taken.as_fraction(),
                free_quantity: Ratio::ZERO,
                unit: self.currency.code().to_owned(),
                tier: 1,
                unit_price: Ratio::ONE.negative(),
                exact,
                exact_ratio: exact.as_fraction(),
                rounded: Minor { units: -rounded, digits: self.minor_digits },
                by,
                number: None,
            });
        }
        Ok(())
    }

    /// The total, and what it differs by from the rounded lines.
    fn totals(&self, lines: &[Line]) -> Result<(Minor, Minor), TooLarge> {
        let together = || lines.iter().filter(|line| line.by == Rounding::Total);
        let exact = together().try_fold(Ratio::ZERO, |sum, line| sum.plus(line.exact))?;
        let difference = self.minor(exact, To::Nearest)?.units.checked_sub(sum(together())?).ok_or(TooLarge)?;
        let total = sum(lines.iter())?.checked_add(difference).ok_or(TooLarge)?;
        let minor = |units| Minor { units, digits: self.minor_digits };
        Ok((minor(total), minor(difference)))
    }

    fn minor(&self, exact: Ratio, to: To) -> Result<Minor, TooLarge> {
        let units = exact.times(Ratio::whole(10_i128.pow(self.minor_digits)))?.round(to)?;
        Ok(Minor { units, digits: self.minor_digits })
    }
}

impl Minor {
    /// So many minor units of a currency that has so many decimals.
    #[must_use]
    pub const fn new(units: i128, digits: u32) -> Self {
        Self { units, digits }
    }

    /// In minor units.
    #[must_use]
    pub const fn units(self) -> i128 {
        self.units
    }

    /// Decimals of the currency's smallest amount.
    #[must_use]
    pub const fn digits(self) -> u32 {
        self.digits
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.units == 0
    }
}

/// What of the lines' cost was made by usage that a free tier is for.
fn eligible(lines: &[&Line], used: &[Used]) -> Result<Ratio, TooLarge> {
    lines.iter().try_fold(Ratio::ZERO, |sum, line| {
        let used = line.number.map(|number| used[number]).filter(|used| used.paid.is_positive());
        let share = used.map_or(Ok(Ratio::ZERO), |used| used.eligible.over(used.paid))?;
        sum.plus(line.exact.times(share)?)
    })
}

/// The sum of rounded lines, in minor units.
fn sum<'a>(mut lines: impl Iterator<Item = &'a Line>) -> Result<i128, TooLarge> {
    lines.try_fold(0_i128, |sum, line| sum.checked_add(line.rounded.units)).ok_or(TooLarge)
}

fn code<S: Serializer>(currency: &Currency, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(currency.code())
}

/// With all decimals that the currency has: `2.73`, `0.00`.
impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let (size, one) = (self.units.unsigned_abs(), 10_u128.pow(self.digits));
        write!(f, "{sign}{}", size / one)?;
        match self.digits {
            0 => Ok(()),
            digits => write!(f, ".{:0width$}", size % one, width = digits as usize),
        }
    }
}

impl Serialize for Minor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

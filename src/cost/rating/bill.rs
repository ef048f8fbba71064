//! The bill: what each meter was used for, what of that is free, and what the rest costs by tiers, rounded once at the end.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::units::Currency;

use super::allowance::{Amount, Cell, Moment, Used, deduct};
use super::book::{Book, Edition};
use super::file::Prices;
use super::ratio::{Ratio, To};
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
    /// The region whose prices these are; empty where there are several, which the lines name.
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
    /// By region, by meter in the book's order, and by tier; then credits.
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
    /// The region whose price it is; empty for a credit, which is for all.
    #[serde(skip)]
    pub region: String,
    /// What a unit costs in the meter's first tier.
    #[serde(skip)]
    pub first_price: Ratio,
    /// Whether the list price of an invocation holds what the meter counts.
    #[serde(skip)]
    pub is_listed: bool,
    /// How it is rounded.
    #[serde(skip)]
    pub by: Rounding,
    /// The meter's number in the book; none for a credit.
    #[serde(skip)]
    pub number: Option<usize>,
    /// The meters that a credit is for, by number.
    #[serde(skip)]
    pub covers: Vec<usize>,
}

/// An amount in whole minor units, such as cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minor {
    units: i128,
    digits: u32,
}

impl Book {
    /// Bills what was used, whose regions are numbered as in `regions`, at an edition's prices.
    pub(super) fn bill_of(
        &self,
        edition: &Edition,
        regions: &[&str],
        moments: Vec<Moment>,
        mut warnings: Vec<String>,
    ) -> Result<Bill, Error> {
        warnings.extend(regions.iter().filter_map(|region| self.no_own_prices(edition, region)));
        let (used, _) = deduct(edition, moments)?;
        let mut lines = Vec::new();
        for ((region, meter), used) in &used {
            if used.paid.is_positive() || used.free.is_positive() {
                lines.extend(self.lines(edition, regions[*region], *meter, used)?);
            }
        }
        self.credit(edition, regions, &used, &mut lines)?;
        let exact_total = lines.iter().try_fold(Ratio::ZERO, |sum, line| sum.plus(line.exact))?;
        let (total, rounding) = self.totals(&lines)?;
        Ok(Bill {
            book: self.id.clone(),
            price_book: edition.label.clone(),
            sha256: self.sha256.clone(),
            region: if let [region] = regions { (*region).to_owned() } else { String::new() },
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

    /// Says so where a region's prices are another's.
    fn no_own_prices(&self, edition: &Edition, region: &str) -> Option<String> {
        let default = &edition.default_region;
        (region != default && !edition.regions.contains_key(region))
            .then(|| format!("{} has no prices of its own for '{region}': those of {default} are used", self.id))
    }

    /// A meter's lines: one for each tier that it reaches, at least one.
    fn lines(&self, edition: &Edition, region: &str, number: usize, used: &Used) -> Result<Vec<Line>, Error> {
        let meter = &edition.meters[number];
        let refuse = |reason: String| Error::NotPriced { book: self.id.clone(), reason };
        let Prices::Tiers(tiers) = edition.prices(Some(region), number) else {
            return Err(refuse(format!("what {} costs in {region} is not known to it", meter.name)));
        };
        let first_price = tiers.first().map_or(Ratio::ZERO, |tier| tier.price);
        let is_listed = meter.counts.iter().any(|(source, _)| source.is_listed());
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
                    region: region.to_owned(),
                    first_price,
                    is_listed,
                    by,
                    number: Some(number),
                    covers: Vec::new(),
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
    fn credit(
        &self,
        edition: &Edition,
        regions: &[&str],
        used: &BTreeMap<Cell, Used>,
        lines: &mut Vec<Line>,
    ) -> Result<(), Error> {
        for allowance in &edition.allowances {
            let Amount::Credit(most) = allowance.amount else { continue };
            let covered = lines.iter().filter(|l| l.number.is_some_and(|number| allowance.meters.contains(&number)));
            let covered: Vec<&Line> = covered.collect();
            let Some(by) = covered.first().map(|line| line.by) else { continue };
            let billed = covered.iter().try_fold(Ratio::ZERO, |sum, line| sum.plus(line.exact))?;
            let invoiced = sum(covered.iter().copied())?;
            let eligible = if allowance.included { billed } else { eligible(&covered, regions, used)? };
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
                region: String::new(),
                first_price: Ratio::ZERO,
                is_listed: false,
                by,
                number: None,
                covers: allowance.meters.clone(),
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
fn eligible(lines: &[&Line], regions: &[&str], used: &BTreeMap<Cell, Used>) -> Result<Ratio, TooLarge> {
    lines.iter().try_fold(Ratio::ZERO, |sum, line| {
        let region = regions.iter().position(|region| *region == line.region);
        let used = region.zip(line.number).and_then(|cell| used.get(&cell)).filter(|used| used.paid.is_positive());
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

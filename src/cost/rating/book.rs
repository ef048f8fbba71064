//! A price book for bills, checked: editions by date, meters, sizes, allowances, and regions' own prices. The keys of its
//! text are `file`'s.

use std::collections::BTreeMap;
use std::ops::Range;

use sha2::{Digest, Sha256};
use toml::Spanned;

use crate::model::Architecture;
use crate::units::{Currency, Timestamp};

use super::allowance::{Allowance, check_credits};
use super::file::{BookFile, EditionFile, MeterFile, Prices, Rules, Size};
use super::ratio::Ratio;
use super::source::Source;
use super::{Error, Period, Rounding, Scope, TooLarge, Zone};

/// One provider's price book.
#[derive(Debug, Clone)]
pub struct Book {
    pub(super) id: String,
    name: String,
    pub(super) currency: Currency,
    /// Decimals of the currency's smallest amount.
    pub(super) minor_digits: u32,
    pub(super) scope: Scope,
    pub(super) period: Period,
    pub(super) zone: Zone,
    pub(super) rounding: Rounding,
    pub(super) sha256: String,
    /// Oldest first, never empty.
    pub(in crate::cost) editions: Vec<Edition>,
}

/// What a book says from a day on.
#[derive(Debug, Clone)]
pub(in crate::cost) struct Edition {
    pub(in crate::cost) effective: Timestamp,
    /// Id and date, such as `aws-lambda@2025-10-01`.
    pub(in crate::cost) label: String,
    pub(super) default_region: String,
    pub(in crate::cost) rules: Rules,
    /// Smallest first.
    pub(super) sizes: Vec<Size>,
    pub(in crate::cost) meters: Vec<Meter>,
    pub(super) allowances: Vec<Allowance>,
    /// Regions with prices of their own, by the meter's number.
    pub(in crate::cost) regions: BTreeMap<String, BTreeMap<usize, Prices>>,
}

/// What is billed by one price.
#[derive(Debug, Clone)]
pub(in crate::cost) struct Meter {
    pub(super) name: String,
    pub(super) unit: String,
    /// What it counts, and how much of that makes a unit. Where there is nothing, only what a workload gives by name counts.
    pub(in crate::cost) counts: Vec<(Source, i128)>,
    /// The architecture that it is for; none for all.
    pub(in crate::cost) architecture: Option<Architecture>,
    pub(in crate::cost) prices: Prices,
    pub(super) rounding: Option<Rounding>,
}

/// Where in the text something is wrong, and what.
pub(super) type Fault = (Range<usize>, String);

impl Book {
    /// Reads a book's TOML text. A fault is named with its line.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let line = |at: usize| text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1;
        let file: BookFile = toml::from_str(text).map_err(|error| Error::Book {
            book: id_in(text),
            line: error.span().map_or(1, |span| line(span.start)),
            reason: error.message().split_whitespace().collect::<Vec<_>>().join(" "),
        })?;
        let book = file.id.get_ref().clone();
        Self::check(file, text).map_err(|(at, reason)| Error::Book { book, line: line(at.start), reason })
    }

    fn check(file: BookFile, text: &str) -> Result<Self, Fault> {
        let at = |error: &dyn std::fmt::Display| (file.currency.span(), error.to_string());
        let currency = file.currency.get_ref().parse().map_err(|error: crate::units::MoneyError| at(&error))?;
        let minor_digits = *file.minor_digits.get_ref();
        if minor_digits > 6 {
            return Err((file.minor_digits.span(), format!("minor_digits is {minor_digits}, 6 at most")));
        }
        let (id, id_at) = (file.id.get_ref().clone(), file.id.span());
        let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if id.is_empty() || !id.chars().all(named) {
            return Err((id_at, format!("the id '{id}' has other signs than a to z, 0 to 9 and -")));
        }
        let editions = file.edition.into_iter().map(|edition| Edition::check(&id, edition));
        let mut editions = editions.collect::<Result<Vec<_>, _>>()?;
        editions.sort_by_key(|edition| edition.effective);
        if editions.is_empty() {
            return Err((id_at, "it has no edition".to_owned()));
        }
        if let Some(twice) = editions.windows(2).find(|two| two[0].effective == two[1].effective) {
            return Err((id_at, format!("the edition {} is there twice", twice[0].label)));
        }
        let sha256 = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            id,
            name: file.name,
            currency,
            minor_digits,
            scope: file.scope,
            period: file.period,
            zone: file.zone,
            rounding: file.invoice_rounding,
            sha256,
            editions,
        })
    }

    /// The book's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its amounts are in.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// The zone whose midnights bound its months.
    #[must_use]
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// The digest of its text, in hex.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The edition that holds at `at`; usage from before the first is billed by that one.
    pub(super) fn edition(&self, at: Timestamp) -> &Edition {
        self.editions.iter().rev().find(|edition| edition.effective <= at).unwrap_or(&self.editions[0])
    }
}

impl Edition {
    fn check(book: &str, file: EditionFile) -> Result<Self, Fault> {
        let date = file.effective.get_ref();
        let effective = Timestamp::parse_rfc3339(&format!("{date}T00:00:00Z"))
            .ok_or_else(|| (file.effective.span(), format!("'{date}' is not a date: write YYYY-MM-DD")))?;
        let label = format!("{book}@{date}");
        check_rules(&file.invocation)?;
        let sizes = check_sizes(file.size)?;
        let mut meters: Vec<Meter> = Vec::new();
        for meter in file.meter {
            let meter = Meter::check(meter, &meters, &sizes)?;
            meters.push(meter);
        }
        let number = |name: &Spanned<String>| {
            let found = meters.iter().position(|meter| meter.name == *name.get_ref());
            found.ok_or_else(|| (name.span(), format!("there is no meter '{}'", name.get_ref())))
        };
        let allowances = file.allowance.into_iter().map(|allowance| Allowance::check(allowance, &meters, &number));
        let allowances = allowances.collect::<Result<Vec<_>, _>>()?;
        check_credits(&allowances, &meters).map_err(|reason| (file.effective.span(), reason))?;
        let own = |prices: BTreeMap<Spanned<String>, Prices>| {
            prices.into_iter().map(|(name, prices)| Ok((number(&name)?, prices))).collect::<Result<_, Fault>>()
        };
        let regions = file.region.into_iter().map(|(region, prices)| Ok((region, own(prices)?)));
        let regions = regions.collect::<Result<_, Fault>>()?;
        let (rules, default_region) = (file.invocation.into_inner(), file.default_region);
        Ok(Self { effective, label, default_region, rules, sizes, meters, allowances, regions })
    }

    /// What a unit of a meter costs in a region.
    pub(in crate::cost) fn prices(&self, region: Option<&str>, meter: usize) -> &Prices {
        let own = region.and_then(|region| self.regions.get(region)).and_then(|prices| prices.get(&meter));
        own.unwrap_or(&self.meters[meter].prices)
    }

    /// The first tier's price of the meter that counts `source` on `architecture`, by one of what the source is counted in.
    pub(in crate::cost) fn first_price(
        &self,
        region: Option<&str>,
        source: Source,
        architecture: Option<Architecture>,
    ) -> Option<Result<Ratio, TooLarge>> {
        let mut meters = self.meters.iter().enumerate();
        let (number, per_unit) = meters.find_map(|(number, meter)| {
            let (_, per_unit) = meter.counts.iter().find(|(counted, _)| *counted == source)?;
            (meter.architecture.is_none() || meter.architecture == architecture).then_some((number, *per_unit))
        })?;
        match self.prices(region, number) {
            Prices::Tiers(tiers) => Some(tiers.first()?.price.divided_by(per_unit)),
            Prices::Unknown => None,
        }
    }
}

impl Meter {
    fn check(file: MeterFile, before: &[Self], sizes: &[Size]) -> Result<Self, Fault> {
        let MeterFile { name, unit, counts, architecture, price, rounding } = file;
        if before.iter().any(|meter| meter.name == *name.get_ref()) {
            return Err((name.span(), format!("the meter '{}' is there twice", name.get_ref())));
        }
        let per_unit = |source: Source| {
            let per_unit = source.per_unit(unit.get_ref()).map_err(|reason| (unit.span(), reason))?;
            Ok((source, per_unit))
        };
        let counts = counts.into_iter().map(per_unit).collect::<Result<Vec<_>, Fault>>()?;
        let clock = [Source::DurationClock, Source::ProvisionedDurationClock];
        let clocked = counts.iter().any(|(source, _)| clock.contains(source));
        if clocked && (sizes.is_empty() || sizes.iter().any(|size| size.mhz.is_none())) {
            return Err((name.span(), "it counts clock time, so each size needs mhz".to_owned()));
        }
        let (name, unit) = (name.into_inner(), unit.into_inner());
        Ok(Self { name, unit, counts, architecture, prices: price, rounding })
    }
}

fn check_rules(rules: &Spanned<Rules>) -> Result<(), Fault> {
    let Rules { granularity_ms, memory_step_mb, provisioned_step_s, event, .. } = rules.get_ref();
    let step_kb = event.map_or(1, |event| event.step_kb);
    let steps = [
        ("granularity_ms", *granularity_ms),
        ("memory_step_mb", *memory_step_mb),
        ("provisioned_step_s", *provisioned_step_s),
        ("event.step_kb", step_kb),
    ];
    match steps.iter().find(|(_, step)| *step == 0) {
        Some((name, _)) => Err((rules.span(), format!("{name} is 0, 1 at least"))),
        None => Ok(()),
    }
}

fn check_sizes(sizes: Vec<Spanned<Size>>) -> Result<Vec<Size>, Fault> {
    let mut below = 0;
    for size in &sizes {
        let memory = size.get_ref().memory_mb;
        if memory <= below {
            return Err((
                size.span(),
                format!("the size of {memory} MB does not lie above the one before, {below} MB"),
            ));
        }
        below = memory;
    }
    Ok(sizes.into_iter().map(Spanned::into_inner).collect())
}

/// What the text says its id is, for errors in texts that cannot be read.
fn id_in(text: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix("id")).and_then(|rest| rest.split('"').nth(1));
    line.unwrap_or("without an id").to_owned()
}

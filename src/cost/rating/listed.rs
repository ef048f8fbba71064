//! What a book says, as rows for people and SQL to read: its tiers by region, and its free allowances.

use super::allowance::Amount;
use super::book::{Book, Edition};
use super::file::Prices;
use super::ratio::Ratio;
use crate::units::Timestamp;

/// A price and where it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTier {
    /// Id and edition.
    pub price_book: String,
    pub effective: Timestamp,
    pub region: String,
    /// Whether its prices are those of all regions that have none of their own.
    pub is_default: bool,
    pub meter: String,
    /// What the meter's quantities count.
    pub unit: String,
    /// From 1.
    pub tier: usize,
    /// Of the month's paid quantity, in units: above this it holds,
    pub above: Ratio,
    /// and up to this; without a bound in the last tier.
    pub up_to: Option<Ratio>,
    /// Of one unit.
    pub unit_price: Ratio,
}

/// What is free of some meters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedAllowance {
    /// Id and edition.
    pub price_book: String,
    pub effective: Timestamp,
    pub name: String,
    /// The meters that share it.
    pub meters: Vec<String>,
    /// What it counts; the currency where it is money.
    pub unit: String,
    /// How much there is in a month, less what is used elsewhere.
    pub quantity: Ratio,
    /// Whether it is money off rather than a quantity.
    pub is_credit: bool,
}

impl Book {
    /// All prices that are known: of each edition, its own region first, then those with prices of their own.
    pub fn listed_tiers(&self) -> impl Iterator<Item = ListedTier> {
        self.editions.iter().flat_map(|edition| {
            let own = std::iter::once(edition.default_region.as_str());
            let regions = own.chain(edition.regions.keys().map(String::as_str));
            regions.flat_map(move |region| edition.tiers_of(region))
        })
    }

    /// All free allowances.
    pub fn listed_allowances(&self) -> impl Iterator<Item = ListedAllowance> {
        self.editions.iter().flat_map(move |edition| {
            edition.allowances.iter().map(move |allowance| {
                let (quantity, is_credit) = match allowance.amount {
                    Amount::Quantity(quantity) => (quantity, false),
                    Amount::Credit(credit) => (credit, true),
                };
                let first = allowance.meters.first().map(|meter| edition.meters[*meter].unit.clone());
                ListedAllowance {
                    price_book: edition.label.clone(),
                    effective: edition.effective,
                    name: allowance.name.clone(),
                    meters: allowance.meters.iter().map(|meter| edition.meters[*meter].name.clone()).collect(),
                    unit: if is_credit { self.currency.to_string() } else { first.unwrap_or_default() },
                    quantity,
                    is_credit,
                }
            })
        })
    }

    /// The regions that have prices in the edition that holds at `at`, the book's own first; none where prices are the same
    /// everywhere.
    pub fn priced_regions(&self, at: Timestamp) -> Vec<&str> {
        let edition = self.edition(at);
        let own = std::iter::once(edition.default_region.as_str());
        own.chain(edition.regions.keys().map(String::as_str)).filter(|region| *region != "global").collect()
    }

    /// The same book with no free tier. What a fee pays for stays.
    #[must_use]
    pub fn without_free_tier(&self) -> Self {
        let mut book = self.clone();
        for edition in &mut book.editions {
            edition.allowances.retain(|allowance| allowance.included);
        }
        book
    }
}

impl Edition {
    fn tiers_of(&self, region: &str) -> Vec<ListedTier> {
        let mut listed = Vec::new();
        for (number, meter) in self.meters.iter().enumerate() {
            let Prices::Tiers(tiers) = self.prices(Some(region), number) else { continue };
            let mut above = Ratio::ZERO;
            for (at, tier) in tiers.iter().enumerate() {
                listed.push(ListedTier {
                    price_book: self.label.clone(),
                    effective: self.effective,
                    region: region.to_owned(),
                    is_default: region == self.default_region,
                    meter: meter.name.clone(),
                    unit: meter.unit.clone(),
                    tier: at + 1,
                    above,
                    up_to: tier.up_to,
                    unit_price: tier.price,
                });
                above = tier.up_to.unwrap_or(above);
            }
        }
        listed
    }
}

#[cfg(test)]
mod tests {
    use crate::cost::rating::Books;

    #[test]
    fn a_book_is_listed_with_its_tiers_and_what_is_free() {
        let books = Books::embedded().expect("they parse");
        let book = books.get("aws-lambda").expect("it is there");
        let second = book.listed_tiers().find(|t| t.meter == "duration_x86" && t.tier == 2 && t.region == "us-east-1");
        let second = second.expect("there are three");
        assert_eq!((second.above.to_string(), second.unit_price.to_string()), ("6000000000".into(), "0.000015".into()));
        assert_eq!(second.up_to.map(|up_to| up_to.to_string()).as_deref(), Some("15000000000"));
        let free: Vec<_> = book.listed_allowances().filter(|allowance| !allowance.is_credit).collect();
        assert!(free.iter().any(|allowance| allowance.quantity.to_string() == "400000" && allowance.meters.len() > 1));
        assert!(book.without_free_tier().listed_allowances().next().is_none());
        for book in books.all() {
            assert!(book.listed_tiers().next().is_some(), "{}", book.id());
        }
    }
}

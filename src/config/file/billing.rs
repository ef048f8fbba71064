//! The section `[billing]` of the configuration file: books, limits, the head of statements, cost centers.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

use crate::billing;

use super::{Length, set};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Billing {
    books: Option<PathBuf>,
    interval: Option<Length>,
    max_charges: Option<usize>,
    max_owners: Option<usize>,
    issuer: Option<String>,
    customer: Option<String>,
    purchase_order: Option<String>,
    tax_id: Option<String>,
    payment_terms: Option<String>,
    cost_centers: Vec<Center>,
}

impl Billing {
    pub(super) fn apply(self, config: &mut billing::Config) {
        set(&mut config.books, self.books.map(Some));
        set(&mut config.interval, self.interval.map(|length| length.0));
        set(&mut config.max_charges, self.max_charges);
        set(&mut config.max_owners, self.max_owners);
        let Self { issuer, customer, purchase_order, tax_id, payment_terms, cost_centers, .. } = self;
        config.cost_centers = cost_centers.into_iter().map(|center| center.0).collect();
        config.head = billing::Head { issuer, customer, purchase_order, tax_id, payment_terms };
    }
}

/// A rule for a cost center, checked.
#[derive(Debug)]
struct Center(billing::CostCenter);

impl<'de> Deserialize<'de> for Center {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let center = billing::CostCenter::deserialize(deserializer)?;
        center.check().map_err(serde::de::Error::custom)?;
        Ok(Self(center))
    }
}

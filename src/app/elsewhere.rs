//! Joins the parts that take in telemetry from elsewhere, for a server and for a folder that is imported into.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Clock;
use crate::cost::{self, PriceBooks};
use crate::ingest;
use crate::ingest::aws_lambda::{self, AwsLambda};
use crate::store::{self, Retention};

/// How long rows are kept: who brings older ones is told.
pub(super) struct Kept {
    all: Retention,
    tenants: BTreeMap<String, Retention>,
}

impl Kept {
    pub(super) fn of(config: &store::Config) -> Self {
        Self { all: config.retention, tenants: config.tenant_retention.clone() }
    }

    /// For how many days rows of everybody's are in a table.
    pub(super) fn days(&self, table: store::Table) -> u32 {
        let tenants = self.tenants.values().map(|retention| retention.days(table));
        tenants.chain([self.all.days(table)]).min().unwrap_or_default()
    }
}

/// What the parts that take in telemetry from elsewhere are made of.
pub(super) struct Elsewhere<'a> {
    pub(super) store: &'a store::Handle,
    pub(super) books: &'a Arc<PriceBooks>,
    pub(super) clock: &'a Clock,
}

impl Elsewhere<'_> {
    /// The parts of what takes in OTLP.
    pub(super) fn otlp(&self) -> ingest::Parts {
        ingest::Parts { store: self.store.clone(), books: Arc::clone(self.books), clock: self.clock.clone() }
    }

    /// What takes in AWS Lambda's logs.
    pub(super) fn aws_lambda(&self, config: aws_lambda::Config, kept: Kept) -> Result<AwsLambda, cost::Error> {
        let parts = aws_lambda::Parts {
            store: self.store.clone(),
            books: Arc::clone(self.books),
            clock: self.clock.clone(),
            retention: kept.all,
            tenant_retention: kept.tenants,
        };
        AwsLambda::new(config, parts)
    }
}

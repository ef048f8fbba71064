//! Joins the parts that take in telemetry from elsewhere. The only difference between a server and a folder is who listens.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Clock;
use crate::cost::PriceBooks;
use crate::ingest::aws_lambda::{self, AwsLambda};
use crate::ingest::{self, Receiver};
use crate::query::Engine;
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
}

/// What takes in telemetry from elsewhere.
pub(super) struct Elsewhere {
    pub(super) receiver: Receiver,
    pub(super) aws_lambda: AwsLambda,
}

impl Elsewhere {
    pub(super) async fn join(
        config: ingest::Config,
        store: &store::Handle,
        query: &Engine,
        books: &Arc<PriceBooks>,
        clock: &Clock,
        kept: Kept,
    ) -> anyhow::Result<Self> {
        let parts = ingest::Parts { store: store.clone(), books: Arc::clone(books), clock: clock.clone() };
        let receiver = Receiver::start(config, parts).await?;
        let parts = aws_lambda::Parts {
            store: store.clone(),
            query: query.clone(),
            books: Arc::clone(books),
            clock: clock.clone(),
            retention: kept.all,
            tenant_retention: kept.tenants,
        };
        Ok(Self { receiver, aws_lambda: AwsLambda::new(aws_lambda::Config::default(), parts)? })
    }
}

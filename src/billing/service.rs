//! What other parts hold of billing: reports of a month, rated when they are asked for. Rating by itself is `rater`'s.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::cost::rating::Books;
use crate::query::Engine;
use crate::store::{self, Table};
use crate::units::Timestamp;

use super::charges::{Charges, State};
use super::month_rated::{Overview, RatedMonth, overview, rate};
use super::what_if::Again;
use super::{BreakEvenError, Config, Error, FunctionBreakEven, Head, Kind, Month, Report, break_even, statement};

/// What billing works with.
#[derive(Clone)]
pub struct Parts {
    pub engine: Engine,
    pub store: store::Handle,
    pub charges: Charges,
    pub clock: Clock,
}

/// Rates months. A cheap clone.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    config: Config,
    books: Books,
    parts: Parts,
    /// Months that were rated, the last asked for at the end. One is rated at a time.
    remembered: Mutex<Vec<(Overview, Arc<RatedMonth>)>>,
}

impl Service {
    /// Bills with these books.
    #[must_use]
    pub fn new(config: Config, books: Books, parts: Parts) -> Self {
        Self(Arc::new(Inner { config, books, parts, remembered: Mutex::default() }))
    }

    /// The report of a month, of the records that are there now.
    pub async fn report(&self, kind: Kind, month: Month) -> Result<Report, Error> {
        let rated = self.rated(month).await?;
        statement::report(kind, &rated, &self.0.config.cost_centers, self.0.parts.clock.now())
    }

    /// The month, rated: as it was remembered, where its records are the same.
    pub async fn rated(&self, month: Month) -> Result<Arc<RatedMonth>, Error> {
        let Inner { config, books, parts, remembered } = &*self.0;
        let mut remembered = remembered.lock().await;
        let seen = overview(&parts.engine, books, month).await?;
        let known = remembered.iter().position(|(of, rated)| rated.month == month && *of == seen);
        if let Some(at) = known {
            let entry = remembered.remove(at);
            let rated = Arc::clone(&entry.1);
            remembered.push(entry);
            return Ok(rated);
        }
        let version = parts.store.table_version(Table::Invocations).await?;
        let mut rated = rate(&parts.engine, books, month, &seen, version, config.max_owners).await?;
        if let Some(version) = parts.charges.made_from(&rated)? {
            rated.sources.table_version = version;
        }
        let rated = Arc::new(rated);
        remembered.retain(|(_, other)| other.month != month);
        remembered.push((seen, Arc::clone(&rated)));
        let beyond = remembered.len().saturating_sub(config.months_remembered);
        remembered.drain(..beyond);
        Ok(rated)
    }

    /// What bills records anew, in one way after another: what it looked at for one serves the next.
    #[must_use]
    pub fn again(&self) -> Again<'_> {
        let Inner { config, books, parts, .. } = &*self.0;
        Again::new(&parts.engine, books, config.max_owners)
    }

    /// What provisioned environments would have cost a function, replayed over its own arrivals.
    pub async fn break_even(
        &self,
        function: &str,
        tenant: Option<&str>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<FunctionBreakEven, BreakEvenError> {
        break_even::break_even(&self.0.parts.engine, &self.0.books, function, tenant, from, to).await
    }

    /// The books that it bills with.
    #[must_use]
    pub fn books(&self) -> &Books {
        &self.0.books
    }

    /// What stands at the head of a statement.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.0.config.head
    }

    /// How far the table `charges` is.
    #[must_use]
    pub fn charges(&self) -> State {
        self.0.parts.charges.state()
    }

    pub(super) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.0.parts
    }
}

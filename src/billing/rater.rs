//! Rates months by itself: the running one, and past ones whose records changed, into `charges`. Reports on demand are
//! `service`'s.

use std::collections::BTreeSet;
use std::time::Duration;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::cost::rating::Zone;
use crate::query::{Param, Params};
use crate::units::Timestamp;

use super::sums::Columns;
use super::{Error, Month, Service};

/// The next look waits so many times as long as the last took: rating takes a twentieth of the time at most.
const REST: u32 = 20;
/// Seconds of a day.
const DAY_S: u64 = 86_400;

/// Who asks for a look may wait for it; others beyond these wait for a place first.
const MAX_ASKED: usize = 16;

/// The task that rates.
pub struct Rater {
    service: Service,
    asked: mpsc::Receiver<oneshot::Sender<()>>,
    bell: Bell,
    /// For how long records are kept: a month that is no longer whole keeps the charges that it has.
    kept: Duration,
}

/// Asks the rater for a look before its time. A cheap clone.
#[derive(Debug, Clone)]
pub struct Bell(mpsc::Sender<oneshot::Sender<()>>);

impl Bell {
    /// Waits until all records that are stored now were looked at; at once where nobody rates any more.
    pub async fn catch_up(&self) {
        let (answer, done) = oneshot::channel();
        if self.0.send(answer).await.is_ok() {
            let _nobody_rates = done.await;
        }
    }
}

/// What came in since a time.
struct News {
    months: BTreeSet<Month>,
    through: Timestamp,
}

impl Rater {
    /// Rates by `service`; records are kept for so many days.
    #[must_use]
    pub fn new(service: Service, kept_days: u32) -> Self {
        let (bell, asked) = mpsc::channel(MAX_ASKED);
        Self { service, asked, bell: Bell(bell), kept: Duration::from_secs(u64::from(kept_days) * DAY_S) }
    }

    /// Where a look can be asked for.
    #[must_use]
    pub fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Looks for new records until `stop`, at once and then every `Config::interval`. What fails is tried again at the next look.
    pub async fn run(mut self, stop: CancellationToken) {
        let clock = self.service.parts().clock.clone();
        let mut waiting = Vec::new();
        loop {
            while let Ok(asker) = self.asked.try_recv() {
                waiting.push(asker);
            }
            let begun = clock.instant();
            let Some(looked) = stop.run_until_cancelled(self.look()).await else { return };
            let failed = looked.err().map(|error| error.to_string());
            if let Some(error) = &failed {
                tracing::warn!(error, "the charges were not brought up to date");
            }
            self.service.parts().charges.looked(failed);
            let took = clock.instant().saturating_duration_since(begun);
            let rest = self.service.config().interval.max(took.saturating_mul(REST));
            for asker in waiting.drain(..) {
                let _gone = asker.send(());
            }
            let next = tokio::time::timeout(rest, self.asked.recv());
            match stop.run_until_cancelled(next).await {
                None => return,
                Some(asked) => waiting.extend(asked.ok().flatten()),
            }
        }
    }

    /// Rates the months of which records came in since the last look.
    pub(super) async fn look(&self) -> Result<(), Error> {
        let parts = self.service.parts();
        let after = parts.charges.state().rated_through;
        let Some(news) = self.news(after).await? else { return Ok(()) };
        let whole_since = parts.clock.now().minus(self.kept);
        let mut months: Vec<Month> = news.months.iter().copied().collect();
        months.retain(|month| self.is_whole(*month, whole_since));
        let Some(last) = months.last().copied() else {
            parts.charges.rated(Some(news.through));
            return Ok(());
        };
        // A month that cannot be rated holds up no other; the next look comes back to it.
        let mut failed = None;
        for month in months {
            let through = (month == last && failed.is_none()).then_some(news.through);
            if let Err(error) = self.keep(month, through).await {
                failed = failed.or(Some(error));
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Rates a month into `charges`.
    async fn keep(&self, month: Month, through: Option<Timestamp>) -> Result<(), Error> {
        let parts = self.service.parts();
        let rated = self.service.rated(month).await?;
        if parts.charges.replace(&rated, through, parts.clock.now()).await? {
            tracing::info!(month = %month, books = rated.books.len(), records = rated.sources.records, "rated");
        }
        Ok(())
    }

    /// Whether all records of the month are still kept.
    fn is_whole(&self, month: Month, since: Timestamp) -> bool {
        let whole = month.start(Zone::Utc) >= since;
        if !whole && !self.service.parts().charges.has_month(month) {
            tracing::debug!(month = %month, "not rated: records of it are past their retention");
        }
        whole
    }

    async fn news(&self, after: Option<Timestamp>) -> Result<Option<News>, Error> {
        let after = after.unwrap_or(Timestamp::from_micros(0));
        let params = Params::from([("after".to_owned(), Param::Text(after.to_string()))]);
        let answer = self.service.parts().engine.named("billed_months", &params).await?;
        let mut news = News { months: BTreeSet::new(), through: after };
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        for batch in &answer.batches {
            let column = Columns(batch);
            let (month, western) = (column.of("month", &time)?, column.of("western_month", &time)?);
            let last = column.of("last_ingested_at", &time)?;
            for at in 0..batch.num_rows() {
                let time = |array: &dyn Array| {
                    Timestamp::from_micros(array.as_primitive::<TimestampMicrosecondType>().value(at))
                };
                news.months.extend([time(&month), time(&western)].map(|start| Month::of(start, Zone::Utc)));
                news.through = news.through.max(time(&last));
            }
        }
        Ok(if news.months.is_empty() { None } else { Some(news) })
    }
}

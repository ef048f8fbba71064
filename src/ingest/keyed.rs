//! The keys that records are known by when they are sent again, and leaving out those that are stored already.

use std::collections::{HashMap, HashSet};

use crate::model::Records;
use crate::store::{self, Span, Table};
use crate::units::Timestamp;

use super::dedupe::{Claim, Dedupe, Key, recall};

/// The keys of records: one for each span and invocation; logs and metrics share one for each source, tenant and origin.
pub(super) struct Keyed {
    keys: Vec<Key>,
    /// For each row, tables in turn, the place of its key; none where it has no origin.
    places: Vec<Option<usize>>,
}

impl Keyed {
    pub(super) fn new(dedupe: &Dedupe, records: &Records) -> Self {
        let spans = records.spans.iter().map(|row| dedupe.span(&row.tenant, &row.trace_id, &row.span_id));
        let invocations =
            records.invocations.iter().map(|row| dedupe.invocation(&row.source, &row.invocation_id.0, row.attempt));
        let mut keys: Vec<Key> = spans.chain(invocations).collect();
        let mut places: Vec<Option<usize>> = (0..keys.len()).map(Some).collect();
        let logs = records.logs.iter().map(|row| (&row.source, &row.tenant, &row.origin_id));
        let metrics = records.metrics.iter().map(|row| (&row.source, &row.tenant, &row.origin_id));
        let mut known = HashMap::new();
        for (source, tenant, origin) in logs.chain(metrics) {
            let place = origin.as_deref().map(|origin| {
                *known.entry((source.as_str(), tenant.as_str(), origin)).or_insert_with(|| {
                    keys.push(dedupe.origin(source, tenant, origin));
                    keys.len() - 1
                })
            });
            places.push(place);
        }
        Self { keys, places }
    }

    /// What is to be claimed.
    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Leaves out of the records, which are those that it was made of, what the claim says was stored before.
    pub(super) fn leave_out(&self, claim: &Claim, records: &mut Records) {
        if claim.duplicates() == 0 {
            return;
        }
        let mut places = self.places.iter();
        let mut is_new = || places.next().copied().flatten().is_none_or(|key| claim.is_new(key));
        records.spans.retain(|_| is_new());
        records.invocations.retain(|_| is_new());
        records.logs.retain(|_| is_new());
        records.metrics.retain(|_| is_new());
    }

    /// Remembers those of the keys that are in the store, however long they have been there.
    pub(super) async fn recall(
        &self,
        dedupe: &Dedupe,
        store: &store::Handle,
        records: &Records,
    ) -> Result<(), store::Error> {
        let wanted: HashSet<Key> = self.keys.iter().copied().collect();
        let spans = records.spans.iter().map(|row| row.start);
        let invocations = records.invocations.iter().map(|row| row.started_at);
        // A record without a time of its own has that of its arrival, which is another each time.
        let logs =
            records.logs.iter().flat_map(|row| [row.time, if row.time == row.observed_time { EVER } else { row.time }]);
        let metrics = records.metrics.iter().map(|row| row.time);
        let tables = [
            (Table::Spans, around(spans)),
            (Table::Invocations, around(invocations)),
            (Table::Logs, around(logs)),
            (Table::Metrics, around(metrics)),
        ];
        for (table, within) in tables {
            if let Some(within) = within {
                recall(dedupe, store, table, within, &wanted).await?;
            }
        }
        Ok(())
    }
}

/// Before all times.
const EVER: Timestamp = Timestamp::from_nanos(i64::MIN);

/// From the first to the last of the times; none where there are none.
fn around(times: impl Iterator<Item = Timestamp> + Clone) -> Option<Span> {
    Some(Span::Between(times.clone().min()?, times.max()?))
}

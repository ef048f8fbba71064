//! Follows log records live, as server-sent events. A follower asks for what arrived since its last look, which leaves out
//! nothing, whatever the order in which calls end; so it holds no queue, and a client that reads slowly is looked for less
//! often. What is more than one look takes is counted and left out.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::Event;
use futures::stream::{self, Stream, StreamExt};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::query::{Engine, Error, Param, Params, format};
use crate::units::Timestamp;
use crate::web::rows::{Row, int};

use super::list;

/// Time between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Records that happened longer before they are looked for are not followed: they are of an import or a late sender.
const LATE: Duration = Duration::from_secs(3_600);

/// Somebody who follows.
pub(in crate::web) struct Tail {
    pub(in crate::web) engine: Engine,
    pub(in crate::web) clock: Clock,
    /// The filters.
    pub(in crate::web) params: Params,
    /// The last arrival that was seen.
    pub(in crate::web) after: String,
    /// Records that one look takes, at most.
    pub(in crate::web) most: usize,
    /// Ends it when the server stops.
    pub(in crate::web) stop: CancellationToken,
    /// Its place among those that may follow at once.
    pub(in crate::web) _place: OwnedSemaphorePermit,
}

/// What a look found.
struct Found {
    /// Oldest first.
    rows: Vec<Row>,
    /// Records that arrived and are not among them.
    dropped: i64,
}

impl Tail {
    /// Events: `logs` with records, `dropped` with how many were left out, `failed` when a look failed and is tried again.
    pub(in crate::web) fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        let begin = Event::default().event("open").id(&self.after).data("{}");
        let looks = stream::unfold(self, |mut tail| async move {
            loop {
                tokio::select! {
                    () = tail.stop.cancelled() => return None,
                    () = tokio::time::sleep(LOOK) => {}
                }
                let events = match tail.look().await {
                    Ok(found) => tail.told(found),
                    Err(error) => {
                        vec![Event::default().event("failed").data(json!({ "detail": error.to_string() }).to_string())]
                    }
                };
                if !events.is_empty() {
                    return Some((stream::iter(events), tail));
                }
            }
        });
        stream::iter([begin]).chain(looks.flatten()).map(Ok)
    }

    async fn look(&self) -> Result<Found, Error> {
        let mut params = self.params.clone();
        params.remove("to");
        let from = self.clock.now().minus(LATE);
        params.insert("from".to_owned(), Param::Text(from.to_string()));
        params.insert("after".to_owned(), Param::Text(self.after.clone()));
        params.insert("limit".to_owned(), Param::Int(i64::try_from(self.most).unwrap_or(i64::MAX)));
        let mut rows = format::rows(&self.engine.named("logs_tail", &params).await?)?;
        let arrived = rows.first().map_or(0, |row| int(row, "arrived"));
        let dropped = arrived.saturating_sub(i64::try_from(rows.len()).unwrap_or(i64::MAX));
        rows.reverse();
        for row in &mut rows {
            row.remove("arrived");
            list::exact_nanos(row);
        }
        Ok(Found { rows, dropped })
    }

    fn told(&mut self, found: Found) -> Vec<Event> {
        let Some(last) = list::last_arrival(&found.rows) else { return Vec::new() };
        self.after = last;
        let dropped = (found.dropped > 0)
            .then(|| Event::default().event("dropped").data(json!({ "dropped": found.dropped }).to_string()));
        let rows = serde_json::to_string(&found.rows).expect("rows have text keys and finite numbers");
        let logs = Event::default().event("logs").id(&self.after).data(rows);
        dropped.into_iter().chain([logs]).collect()
    }
}

/// Reads where a follower wants to go on: the `ingested_at` of a record, or the id of an event.
pub(in crate::web) fn read_after(text: &str) -> Result<String, &'static str> {
    Timestamp::parse_rfc3339(text).map(|at| at.to_string()).ok_or("no record or event gave this moment")
}

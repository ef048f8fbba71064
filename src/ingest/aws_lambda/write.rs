//! Owns the writing of batches: room in the store, what of a batch is new, its spans, and the append that outlives a crash.

use tokio::sync::mpsc::Receiver;

use crate::ingest::{Counts, Summary};
use crate::model::Records;
use crate::store;

use super::join::Made;
use super::known::Known;
use super::{AwsLambda, Error, Shared, spans};

impl AwsLambda {
    /// Writes batches until there are no more. Of `summary` it adds to what was stored and what was there.
    pub(super) async fn write_all(
        &self,
        batches: &mut Receiver<Made>,
        waits: bool,
        summary: &mut Summary,
    ) -> Result<(), Error> {
        while let Some(made) = batches.recv().await {
            let all = counts(&made, 0);
            let new = self.0.write(made, waits).await?;
            summary.stored.add(new);
            summary.duplicates.invocations += all.invocations - new.invocations;
            summary.duplicates.logs += all.logs - new.logs;
        }
        Ok(())
    }
}

impl Shared {
    /// Writes what of a batch is new, whole or not at all, and says how much that was.
    async fn write(&self, made: Made, waits: bool) -> Result<Counts, Error> {
        // Room is reserved before the gate is taken, so that an import that waits for room keeps nobody else waiting.
        let slot = self.room(bytes_of(&made), waits).await?;
        let mut hours = self.gate.lock().await;
        let made = Known::of(&self.parts.store, &mut hours, &made).await?.fresh(made);
        for row in made.invocations.iter().map(|finished| &finished.invocation) {
            hours.add(&row.invocation_id.0, row.started_at);
        }
        let spans: Vec<_> = made.invocations.iter().flat_map(spans::of).collect();
        let counts = counts(&made, spans.len() as u64);
        let invocations = made.invocations.into_iter().map(|finished| finished.invocation).collect();
        slot.append_durable(Records { invocations, spans, logs: made.logs, metrics: Vec::new() }).await?;
        Ok(counts)
    }

    /// Takes room in the store. Who waits takes a share of it, and leaves the rest to those who do not.
    async fn room(&self, bytes: u64, waits: bool) -> Result<store::Slot, Error> {
        loop {
            let status = self.parts.store.status();
            let share = self.config.import_buffer_bytes.min(status.buffer_limit_bytes / 2);
            let fits = status.buffered_bytes + bytes <= share || status.buffered_bytes == 0;
            if fits || !waits {
                match self.parts.store.reserve(bytes) {
                    Err(store::Error::Full { .. } | store::Error::Slots { .. }) if waits => {}
                    other => return Ok(other?),
                }
            }
            tokio::time::sleep(self.config.room_wait).await;
        }
    }
}

fn counts(made: &Made, spans: u64) -> Counts {
    Counts { invocations: made.invocations.len() as u64, logs: made.logs.len() as u64, spans, metrics: 0 }
}

/// About as many bytes as the batch's rows take; the store takes what they need when they are appended.
fn bytes_of(made: &Made) -> u64 {
    const ROW_BYTES: usize = 1 << 10;
    let rows = made.invocations.len() * 4 + made.logs.len();
    let texts: usize = made.logs.iter().map(|log| log.body.len()).sum();
    (rows * ROW_BYTES + texts) as u64
}

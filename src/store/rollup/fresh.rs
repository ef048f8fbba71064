//! Owns the rollup of rows that are in no file yet. Batches do not change, so what was made of a large one is kept for as
//! long as it lives; small ones are rolled up each time, together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arrow::array::Array;
use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;

use crate::store::Error;

use super::schema::Rollup;
use super::{errors, roll};

/// Rows of a batch whose rollup is kept, at least. Smaller ones are about to be joined to larger ones.
const LARGE_ROWS: usize = 512;

/// Rollups by the batches that they were made of.
#[derive(Default)]
pub(super) struct Fresh(Mutex<HashMap<usize, Kept>>);

struct Kept {
    /// The batch's first column: while this is held, its place in memory is not given to another.
    of: Weak<dyn Array>,
    made: Arc<Made>,
}

/// All rollups of some rows.
struct Made {
    minutes: RecordBatch,
    hours: RecordBatch,
    errors: Option<RecordBatch>,
}

impl Made {
    fn new(rows: &RecordBatch) -> Result<Self, Error> {
        let minutes = roll::minutes(rows)?;
        Ok(Self { hours: roll::hours(&minutes)?, minutes, errors: errors::of_rows(rows)? })
    }

    fn get(&self, rollup: Rollup) -> Option<RecordBatch> {
        match rollup {
            Rollup::Minute => Some(self.minutes.clone()),
            Rollup::Hour => Some(self.hours.clone()),
            Rollup::Errors => self.errors.clone(),
        }
    }
}

impl Fresh {
    /// The rollup of batches of `invocations`.
    pub(super) fn of(&self, rollup: Rollup, batches: &[RecordBatch]) -> Result<Vec<RecordBatch>, Error> {
        let (large, small): (Vec<&RecordBatch>, Vec<&RecordBatch>) =
            batches.iter().partition(|batch| batch.num_rows() >= LARGE_ROWS);
        let mut found = Vec::with_capacity(large.len() + 1);
        for batch in large {
            found.extend(self.kept(batch)?.get(rollup));
        }
        if let Some(first) = small.first() {
            let rows = concat_batches(&first.schema(), small.iter().copied())?;
            found.extend(Made::new(&rows)?.get(rollup));
        }
        Ok(found)
    }

    /// What was made of the batch before, or is now. Two that ask at once both make it.
    fn kept(&self, batch: &RecordBatch) -> Result<Arc<Made>, Error> {
        let place = Arc::as_ptr(batch.column(0)).cast::<()>().addr();
        if let Some(kept) = self.lock().get(&place).filter(|kept| kept.of.strong_count() > 0) {
            return Ok(Arc::clone(&kept.made));
        }
        let made = Arc::new(Made::new(batch)?);
        let mut all = self.lock();
        all.retain(|_, kept| kept.of.strong_count() > 0);
        all.insert(place, Kept { of: Arc::downgrade(batch.column(0)), made: Arc::clone(&made) });
        Ok(made)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<usize, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

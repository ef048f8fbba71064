//! Owns what readers see: the files of each table, the rows of sealed segments that are not committed yet, and those of the
//! segment that is being written. Whatever changes for readers together changes under one lock. It does no I/O.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use arrow::compute::concat_batches;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::tables::Rows;
use super::{DataFile, Table};

/// So many batches of one level are joined to one of the next, so that queries meet few batches and each row is copied
/// only a few times.
const FAN_IN: usize = 16;
/// A batch of so many rows is not joined any more: it costs queries little, and copying it costs the log's thread much.
const LARGE_ROWS: usize = 512;

/// The state that readers see.
pub(crate) struct Live(RwLock<State>);

struct State {
    tables: [TableState; 4],
    /// Segments that are not written to any more, oldest first.
    segments: Vec<Segment>,
}

#[derive(Default)]
struct TableState {
    files: Arc<[DataFile]>,
    /// What `files` was before, for as long as a view holds it.
    earlier: Vec<Weak<[DataFile]>>,
    /// Rows of sealed segments that are not in `files`, oldest first.
    sealed: Vec<Sealed>,
    active: Vec<Active>,
}

/// A table's rows in one sealed segment.
#[derive(Clone)]
pub(crate) struct Sealed {
    /// The segment's number.
    pub(crate) seq: u64,
    /// What the segment holds of the buffer, for all tables.
    pub(crate) bytes: u64,
    /// The rows, in the order of their coming.
    pub(crate) batches: Arc<[RecordBatch]>,
}

struct Active {
    batch: RecordBatch,
    level: u8,
}

/// A segment whose file is in the log still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) seq: u64,
    /// Bytes of the buffer that it holds.
    pub(crate) bytes: u64,
}

impl Live {
    /// With the files that the tables have.
    pub(crate) fn new(files: [Arc<[DataFile]>; 4]) -> Self {
        let tables = files.map(|files| TableState { files, ..TableState::default() });
        Self(RwLock::new(State { tables, segments: Vec::new() }))
    }

    /// A table's files and the rows that are in none of them.
    pub(crate) fn view(&self, table: Table) -> (Arc<[DataFile]>, Vec<RecordBatch>) {
        let state = self.read();
        let state = &state.tables[table.index()];
        let sealed = state.sealed.iter().flat_map(|sealed| sealed.batches.iter());
        let batches = sealed.chain(state.active.iter().map(|active| &active.batch)).cloned().collect();
        (Arc::clone(&state.files), batches)
    }

    /// Shows the rows of a group, in all tables at once. Only the log's thread calls this.
    pub(crate) fn append(&self, rows: Rows) {
        for (table, batch) in self.write().tables.iter_mut().zip(rows) {
            table.active.extend(batch.map(|batch| Active { batch, level: 0 }));
        }
    }

    /// Joins the newest batches of each table where there are enough of one level. Only the log's thread calls this, and
    /// nobody else changes the active rows: the joining needs no lock.
    pub(crate) fn compact(&self) -> Result<(), ArrowError> {
        Table::ALL.into_iter().try_for_each(|table| self.compact_table(table))
    }

    fn compact_table(&self, table: Table) -> Result<(), ArrowError> {
        loop {
            let Some((level, newest)) = self.joinable(table) else { return Ok(()) };
            let batch = concat_batches(&table.schema(), &newest)?;
            let mut state = self.write();
            let active = &mut state.tables[table.index()].active;
            active.truncate(active.len() - newest.len());
            active.push(Active { batch, level: level + 1 });
        }
    }

    fn joinable(&self, table: Table) -> Option<(u8, Vec<RecordBatch>)> {
        let state = self.read();
        let active = &state.tables[table.index()].active;
        let level = active.last()?.level;
        let small = |active: &&Active| active.level == level && active.batch.num_rows() < LARGE_ROWS;
        let count = active.iter().rev().take_while(small).count();
        let newest = active[active.len() - count..].iter().map(|active| active.batch.clone()).collect();
        (count >= FAN_IN).then_some((level, newest))
    }

    /// Counts the segment that was written until now as sealed: its rows wait for their commit.
    pub(crate) fn seal(&self, segment: Segment) {
        let mut state = self.write();
        for table in &mut state.tables {
            let batches: Arc<[RecordBatch]> = table.active.drain(..).map(|active| active.batch).collect();
            if !batches.is_empty() {
                table.sealed.push(Sealed { seq: segment.seq, bytes: segment.bytes, batches });
            }
        }
        state.segments.push(segment);
    }

    /// Adds a segment that was found at start: a table's batches are empty where they are in its files.
    pub(crate) fn restore(&self, segment: Segment, rows: [Vec<RecordBatch>; 4]) {
        let mut state = self.write();
        for (table, batches) in state.tables.iter_mut().zip(rows) {
            if !batches.is_empty() {
                table.sealed.push(Sealed { seq: segment.seq, bytes: segment.bytes, batches: batches.into() });
            }
        }
        state.segments.push(segment);
    }

    /// A table's oldest rows that wait for their commit: those of one segment or more, up to about `bytes`.
    pub(crate) fn waiting(&self, table: Table, bytes: u64) -> Vec<Sealed> {
        let state = self.read();
        let mut sum = 0_u64;
        let fits = |sealed: &&Sealed| {
            let first = sum == 0;
            sum = sum.saturating_add(sealed.bytes.max(1));
            first || sum <= bytes
        };
        state.tables[table.index()].sealed.iter().take_while(fits).cloned().collect()
    }

    /// Swaps a table's files for those that it has now, which hold the rows of the segments up to `through`.
    pub(crate) fn committed(&self, table: Table, through: u64, files: Arc<[DataFile]>) {
        let mut state = self.write();
        let table = &mut state.tables[table.index()];
        let before = std::mem::replace(&mut table.files, files);
        table.earlier.retain(|earlier| earlier.strong_count() > 0);
        table.earlier.push(Arc::downgrade(&before));
        table.sealed.retain(|sealed| sealed.seq > through);
    }

    /// A table's files as they are.
    pub(crate) fn files(&self, table: Table) -> Arc<[DataFile]> {
        Arc::clone(&self.read().tables[table.index()].files)
    }

    /// A table's files, as they are and as views hold them.
    pub(crate) fn held_files(&self, table: Table) -> Vec<Arc<[DataFile]>> {
        let state = self.read();
        let table = &state.tables[table.index()];
        table.earlier.iter().filter_map(Weak::upgrade).chain([Arc::clone(&table.files)]).collect()
    }

    /// Forgets the sealed segments that no table waits for any more, and returns them.
    pub(crate) fn take_done(&self) -> Vec<Segment> {
        let mut state = self.write();
        let State { tables, segments } = &mut *state;
        let waits =
            |segment: &Segment| tables.iter().any(|table| table.sealed.iter().any(|rows| rows.seq == segment.seq));
        let (kept, done) = segments.iter().partition(|segment| waits(segment));
        *segments = kept;
        done
    }

    /// Sealed segments whose files are in the log still.
    pub(crate) fn sealed_segments(&self) -> usize {
        self.read().segments.len()
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Owns the table `charges`: what each month costs, by meter, tier and owner, in FOCUS' terms. It is a Delta table of its own
//! beside those of the store, replaced month by month, and held in memory for SQL. When a month is rated is `rater`'s.

mod rows;
mod schema;
mod table;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::concat;
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use object_store::ObjectStore;

use crate::query::{self, Relation};
use crate::units::Timestamp;

use super::{Config, Error, Month, RatedMonth};
pub(super) use schema::QUANTITY_SCALE;
use schema::TABLE_VERSION;
use table::Table;

/// The table's name in SQL and in storage.
const NAME: &str = "charges";

/// The table. A cheap clone.
#[derive(Clone)]
pub struct Charges(Arc<Inner>);

struct Inner {
    max_rows: usize,
    vacuum_after: std::time::Duration,
    /// What SQL sees: each month's rows, by its name.
    months: RwLock<BTreeMap<String, RecordBatch>>,
    state: RwLock<State>,
    /// One writes at a time.
    table: tokio::sync::Mutex<Table>,
}

/// How far the table is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The version of the Delta table.
    pub version: u64,
    /// The months that it has, in order.
    pub months: Vec<String>,
    pub rows: usize,
    /// All records that came in until then are rated; none before anything was.
    pub rated_through: Option<Timestamp>,
    /// Why the last rating failed; none where it did not.
    pub failed: Option<String>,
}

impl Charges {
    /// Opens the table, or makes it, in the folder of the store's tables.
    pub async fn open(config: &Config, root: Arc<dyn ObjectStore>) -> Result<Self, Error> {
        let table = Table::open(root).await?;
        let (months, rated_through) = (table.read().await?, table.rated_through().await?);
        let state = State { version: table.version(), rated_through, ..State::default() };
        let inner = Inner {
            max_rows: config.max_charges,
            vacuum_after: config.vacuum_after,
            months: RwLock::new(months),
            state: RwLock::new(state),
            table: tokio::sync::Mutex::new(table),
        };
        let charges = Self(Arc::new(inner));
        charges.count();
        Ok(charges)
    }

    /// The table for SQL.
    #[must_use]
    pub fn relation(&self) -> Relation {
        let charges = self.clone();
        Relation::new(NAME, schema::schema(), move || std::future::ready(charges.columns()))
    }

    /// How far it is.
    #[must_use]
    pub fn state(&self) -> State {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a month's charges in the place of those that there are, in one commit; none where they are the same. Then all
    /// records until `through` are rated, where that is told. True where there was a commit.
    pub(super) async fn replace(
        &self,
        rated: &RatedMonth,
        through: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let rows = rows::of(rated)?;
        let month = rated.month.to_string();
        let others = self.rows_beside(&month);
        if others + rows.num_rows() > self.0.max_rows {
            return Err(Error::Limit(format!(
                "{month} has {} charges and the other months {others}: {} are kept at most",
                rows.num_rows(),
                self.0.max_rows
            )));
        }
        if self.has(&month, &rows) {
            self.rated(through);
            return Ok(false);
        }
        let mut table = self.0.table.lock().await;
        table.replace(&month, &rows, through, now).await?;
        let version = table.version();
        table.vacuum(now.minus(self.0.vacuum_after)).await?;
        drop(table);
        {
            let mut months = self.0.months.write().unwrap_or_else(PoisonError::into_inner);
            if rows.num_rows() > 0 {
                months.insert(month, rows)
            } else {
                months.remove(&month)
            };
        }
        self.0.state.write().unwrap_or_else(PoisonError::into_inner).version = version;
        self.rated(through);
        self.count();
        Ok(true)
    }

    /// The version of `invocations` that the month's charges were made from, where they are those of `rated`: what was done to the
    /// files since then has changed no record of it.
    pub(super) fn made_from(&self, rated: &RatedMonth) -> Result<Option<i64>, Error> {
        let (month, rows) = (rated.month.to_string(), rows::of(rated)?);
        if !self.has(&month, &rows) {
            return Ok(None);
        }
        let months = self.0.months.read().unwrap_or_else(PoisonError::into_inner);
        let versions =
            months.get(&month).and_then(|rows| rows.column_by_name(TABLE_VERSION)?.as_primitive_opt::<Int64Type>());
        Ok(versions.and_then(|versions| versions.iter().next().flatten()))
    }

    /// Whether there are charges of the month.
    pub(super) fn has_month(&self, month: Month) -> bool {
        self.0.months.read().unwrap_or_else(PoisonError::into_inner).contains_key(&month.to_string())
    }

    /// Notes how the last look at the records ended.
    pub(super) fn looked(&self, failed: Option<String>) {
        self.0.state.write().unwrap_or_else(PoisonError::into_inner).failed = failed;
    }

    /// Notes until when records are rated.
    pub(super) fn rated(&self, through: Option<Timestamp>) {
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        state.rated_through = state.rated_through.max(through);
    }

    fn count(&self) {
        let months = self.0.months.read().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        state.rows = months.values().map(RecordBatch::num_rows).sum();
        state.months = months.keys().cloned().collect();
    }

    fn rows_beside(&self, month: &str) -> usize {
        let months = self.0.months.read().unwrap_or_else(PoisonError::into_inner);
        months.iter().filter(|(name, _)| *name != month).map(|(_, rows)| rows.num_rows()).sum()
    }

    /// Whether the month has these very rows, whatever version of the records they were made from.
    fn has(&self, month: &str, rows: &RecordBatch) -> bool {
        let months = self.0.months.read().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = months.get(month) else { return rows.num_rows() == 0 };
        let schema = rows.schema();
        let mut columns = schema.fields().iter().zip(rows.columns());
        known.num_rows() == rows.num_rows()
            && columns.all(|(field, column)| {
                field.name() == TABLE_VERSION || known.column_by_name(field.name()) == Some(column)
            })
    }

    /// All rows, column by column.
    fn columns(&self) -> Result<Vec<ArrayRef>, query::Error> {
        let months = self.0.months.read().unwrap_or_else(PoisonError::into_inner);
        let schema = schema::schema();
        let none = RecordBatch::new_empty(Arc::clone(&schema));
        let column = |at: usize| {
            let mut parts: Vec<&dyn Array> = months.values().map(|rows| rows.column(at).as_ref()).collect();
            parts.push(none.column(at).as_ref());
            concat(&parts).map_err(|error| query::Error::Internal(format!("the charges do not fit: {error}")))
        };
        (0..schema.fields().len()).map(column).collect()
    }
}

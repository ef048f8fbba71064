//! Knows which rows of a file have which value of the columns of few values, by which failed calls and cold starts are found:
//! in memory, as runs of rows that have the same one, a few bytes for each call that did not end as the one before. Conditions on
//! these columns leave out rows before anything is read of them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, new_empty_array};
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_datafusion_err};
use datafusion::datasource::physical_plan::parquet::{ParquetAccessPlan, RowGroupAccess};
use futures::{StreamExt, stream};
use object_store::ObjectStore;
use object_store::path::Path;
use parquet::arrow::arrow_reader::RowSelection;

use crate::store::{self, Table};

use super::column_filter::ColumnFilter;
use super::kept::Kept;
use super::part::Part;
use super::runs::Runs;

/// Files that are looked at together.
const READS: usize = 8;
/// Ranges of rows that are named to readers of files by one plan, at most: 16 bytes each. Where rows lie in more, conditions are
/// asked as rows are read.
const MOST_RANGES: usize = 4 << 20;

/// The columns of a table that it is about.
pub(super) fn columns(table: Table) -> &'static [&'static str] {
    match table {
        Table::Invocations => &["outcome", "cold"],
        _ => &[],
    }
}

/// Which rows have which values.
#[derive(Debug)]
pub(super) struct Index {
    kept: Kept<(Path, &'static str), Arc<Column>>,
    most_ranges: usize,
}

impl Index {
    /// Keeps so many bytes at most.
    pub(super) fn new(limit: usize) -> Self {
        Self { kept: Kept::new(limit), most_ranges: MOST_RANGES }
    }

    /// With another limit of ranges.
    #[cfg(test)]
    pub(super) fn with_most_ranges(self, most_ranges: usize) -> Self {
        Self { most_ranges, ..self }
    }

    /// How many columns of files are kept.
    #[cfg(test)]
    pub(super) fn columns_kept(&self) -> usize {
        self.kept.size().0
    }

    /// The parts with only those rows for which all filters are true, each about one of the table's `columns`. None where that
    /// would be too many ranges.
    pub(super) async fn parts<'a>(
        &self,
        table: Table,
        store: &Arc<dyn ObjectStore>,
        parts: &[Part<'a>],
        filters: &[ColumnFilter],
    ) -> Result<Option<Vec<Part<'a>>>> {
        let mut parts = parts.to_vec();
        for filter in filters {
            let Some(name) = columns(table).iter().find(|name| **name == filter.column()) else { continue };
            let looks: Vec<_> = parts.iter().map(|part| self.get(table, store, &part.file.path, name)).collect();
            let mut looks = stream::iter(looks).buffered(READS);
            let (mut left, mut ranges) = (Vec::with_capacity(parts.len()), 0);
            for part in &parts {
                let Some(column) = looks.next().await else { break };
                if let Some((part, more)) = column?.left(part, filter)? {
                    left.push(part);
                    ranges += more;
                }
                if ranges > self.most_ranges {
                    return Ok(None);
                }
            }
            drop(looks);
            parts = left;
        }
        Ok(Some(parts))
    }

    /// Two that ask at once may both read.
    async fn get(
        &self,
        table: Table,
        store: &Arc<dyn ObjectStore>,
        path: &Path,
        name: &'static str,
    ) -> Result<Arc<Column>> {
        let key = (path.clone(), name);
        if let Some(known) = self.kept.get(&key) {
            return Ok(known);
        }
        let read = store::values(table, store, path, name, Spans::default(), Spans::add).await;
        let (mut spans, groups) = read.map_err(|error| DataFusionError::External(Box::new(error)))?;
        spans.of.shrink_to_fit();
        spans.ends.shrink_to_fit();
        let column = Arc::new(Column { spans, groups });
        let bytes = column.bytes() + path.as_ref().len();
        self.kept.put(key, Arc::clone(&column), bytes);
        Ok(column)
    }
}

/// A column of a file.
#[derive(Debug)]
struct Column {
    spans: Spans,
    /// How many rows each row group has.
    groups: Vec<usize>,
}

impl Column {
    /// What is left of a part, and in how many ranges its rows lie. None where no row is.
    fn left<'a>(&self, part: &Part<'a>, filter: &ColumnFilter) -> Result<Option<(Part<'a>, usize)>> {
        let mut rows = self.spans.selection(&filter.holds(self.spans.values(filter.data_type())?)?);
        let mut groups = part.groups.clone().unwrap_or_else(|| ParquetAccessPlan::new_all(self.groups.len()));
        let (mut ranges, mut count) = (0, 0);
        for (at, all) in self.groups.iter().enumerate() {
            let of_group = rows.split_off(*all);
            if of_group.skipped_row_count() > 0 {
                groups.scan_selection(at, of_group);
            }
            match &groups.inner()[at] {
                RowGroupAccess::Skip => {}
                RowGroupAccess::Scan => count += all,
                RowGroupAccess::Selection(selection) => match selection.row_count() {
                    0 => groups.skip(at),
                    some => (count, ranges) = (count + some, ranges + selection.iter().count()),
                },
            }
        }
        let part = Part { file: part.file, groups: Some(groups), rows: count as u64 };
        Ok((count > 0).then_some((part, ranges)))
    }

    fn bytes(&self) -> usize {
        let Self { spans: Spans { values, of, ends }, groups } = self;
        let values: usize = values.iter().map(ScalarValue::size).sum();
        size_of::<Self>() + values + of.len() + size_of_val(&ends[..]) + size_of_val(&groups[..])
    }
}

/// Runs of rows of the same value.
#[derive(Debug, Default)]
struct Spans {
    /// The values that there are; none is one too.
    values: Vec<ScalarValue>,
    /// For each run the place of its value, and the row behind its last.
    of: Vec<u8>,
    ends: Vec<u32>,
}

impl Spans {
    /// Adds the values of the next rows.
    fn add(&mut self, values: &ArrayRef) -> Result<(), store::Error> {
        let mut add = || match values.data_type() {
            DataType::Null => self.repeat(ScalarValue::Null, values.len()),
            _ => {
                let runs = Runs::of(std::slice::from_ref(values), values.len())?;
                let mut all = runs.starts().zip(runs.lengths());
                all.try_for_each(|(first, rows)| self.repeat(ScalarValue::try_from_array(values, first)?, rows))
            }
        };
        add().map_err(|error| store::Error::Internal(error.to_string()))
    }

    /// Adds rows of one value.
    fn repeat(&mut self, value: ScalarValue, rows: usize) -> Result<()> {
        let too_many = |what| exec_datafusion_err!("a file has more {what} than are known by their rows");
        let place = self.values.iter().position(|known| *known == value).unwrap_or_else(|| {
            self.values.push(value);
            self.values.len() - 1
        });
        let place = u8::try_from(place).map_err(|_| too_many("values"))?;
        let end = u32::try_from(self.rows() + rows).map_err(|_| too_many("rows"))?;
        match (self.of.last(), self.ends.last_mut()) {
            (Some(last), Some(known)) if *last == place => *known = end,
            _ => {
                self.of.push(place);
                self.ends.push(end);
            }
        }
        Ok(())
    }

    fn rows(&self) -> usize {
        self.ends.last().map_or(0, |end| *end as usize)
    }

    /// The values as an array of this type.
    fn values(&self, kind: &DataType) -> Result<ArrayRef> {
        if self.values.is_empty() {
            return Ok(new_empty_array(kind));
        }
        ScalarValue::iter_to_array(self.values.iter().map(|value| value.cast_to(kind)).collect::<Result<Vec<_>>>()?)
    }

    /// The rows that have one of the values for which `holds` is true.
    fn selection(&self, holds: &BooleanArray) -> RowSelection {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        let runs = self.of.iter().zip(starts.zip(&self.ends));
        let held = runs.filter(|(of, _)| holds.value(usize::from(**of)));
        RowSelection::from_consecutive_ranges(held.map(|(_, (start, end))| start as usize..*end as usize), self.rows())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, NullArray, StringViewArray};
    use proptest::prelude::*;

    use super::*;

    /// Runs of values in batches.
    fn batches() -> impl Strategy<Value = Vec<Vec<Option<u8>>>> {
        let run = (prop::option::weighted(0.9, 0..4_u8), 1..40_usize);
        let batch = prop::collection::vec(run, 0..12);
        let rows = |runs: Vec<(Option<u8>, usize)>| {
            runs.into_iter().flat_map(|(value, rows)| std::iter::repeat_n(value, rows)).collect::<Vec<_>>()
        };
        prop::collection::vec(batch.prop_map(rows), 1..5)
    }

    proptest! {
        #[test]
        fn rows_are_found_by_their_values(batches in batches(), wanted in prop::collection::vec(any::<bool>(), 5)) {
            let text = |value: u8| format!("the value number {value}");
            let is_wanted = |value: Option<u8>| wanted[value.map_or(4, usize::from)];
            let (mut texts, mut flags) = (Spans::default(), Spans::default());
            for batch in &batches {
                let values: StringViewArray = batch.iter().map(|value| value.map(text)).collect();
                texts.add(&(Arc::new(values) as ArrayRef)).unwrap();
                let values: BooleanArray = batch.iter().map(|value| value.map(|value| value > 1)).collect();
                flags.add(&(Arc::new(values) as ArrayRef)).unwrap();
            }
            let rows: Vec<Option<u8>> = batches.concat();
            let chosen = |selection: RowSelection| -> Vec<bool> {
                let select = |ranges: &parquet::arrow::arrow_reader::RowSelector| vec![!ranges.skip; ranges.row_count];
                selection.iter().flat_map(select).collect()
            };
            let known = texts.values(&DataType::Utf8View).unwrap();
            let holds = known.as_string_view().iter().map(|known| {
                Some(is_wanted(known.map(|known| known.as_bytes()[known.len() - 1] - b'0')))
            });
            prop_assert_eq!(chosen(texts.selection(&holds.collect())), rows.iter().map(|row| is_wanted(*row)).collect::<Vec<_>>());
            let known = flags.values(&DataType::Boolean).unwrap();
            let holds = known.as_boolean().iter().map(|known| Some(known == Some(true))).collect();
            prop_assert_eq!(chosen(flags.selection(&holds)), rows.iter().map(|row| row.is_some_and(|row| row > 1)).collect::<Vec<_>>());
            prop_assert!(texts.values.len() <= 5 && flags.values.len() <= 3);
        }
    }

    #[test]
    fn a_column_that_a_file_does_not_have_has_no_values() {
        let mut spans = Spans::default();
        spans.add(&(Arc::new(NullArray::new(3)) as ArrayRef)).unwrap();
        assert_eq!((spans.rows(), spans.of.len()), (3, 1));
        assert_eq!(spans.values(&DataType::Boolean).unwrap().as_boolean(), &BooleanArray::from(vec![None]));
    }

    #[test]
    fn what_is_no_column_of_few_values_is_refused() {
        let numbers: StringViewArray = (0..300).map(|number| Some(number.to_string())).collect();
        let error = Spans::default().add(&(Arc::new(numbers) as ArrayRef)).unwrap_err();
        assert!(error.to_string().contains("more values than are known by their rows"), "{error}");
    }
}

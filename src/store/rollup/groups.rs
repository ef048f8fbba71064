//! Owns which rows come together: those with the same dimensions and the same bucket. Rows that follow each other are mostly
//! alike, so that little is hashed. What is done with them is `roll`'s and `fold`'s.

use std::collections::HashMap;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::{partition, take};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

/// Rows of a batch in groups, numbered as they first come.
pub(super) struct Groups {
    /// Each row's group.
    pub(super) of_row: Vec<u32>,
    /// Each group's bucket, microseconds since the epoch.
    pub(super) buckets: Vec<i64>,
    /// Each group's first row.
    firsts: Vec<u32>,
}

impl Groups {
    /// Of rows with these dimensions and buckets.
    pub(super) fn new(dimensions: &[ArrayRef], buckets: impl Iterator<Item = i64>) -> Result<Self, ArrowError> {
        let mut groups = Self { of_row: Vec::new(), buckets: Vec::new(), firsts: Vec::new() };
        let combinations = Combinations::new(dimensions)?;
        let mut known: HashMap<(u32, i64), u32> = HashMap::new();
        let mut last: Vec<Option<(i64, u32)>> = vec![None; combinations.count];
        let mut run = 0;
        for (row, bucket) in buckets.enumerate() {
            while combinations.ends[run] <= row {
                run += 1;
            }
            let combination = combinations.of_run[run];
            let last = &mut last[combination as usize];
            let group = match *last {
                Some((same, group)) if same == bucket => group,
                _ => *known.entry((combination, bucket)).or_insert_with(|| groups.open(row, bucket)),
            };
            *last = Some((bucket, group));
            groups.of_row.push(group);
        }
        Ok(groups)
    }

    fn open(&mut self, row: usize, bucket: i64) -> u32 {
        self.buckets.push(bucket);
        self.firsts.push(row as u32);
        self.firsts.len() as u32 - 1
    }

    pub(super) fn len(&self) -> usize {
        self.buckets.len()
    }

    /// The values of each group's first row.
    pub(super) fn firsts(&self, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        take(column, &UInt32Array::from(self.firsts.clone()), None)
    }

    /// Each group's rows.
    pub(super) fn members(&self) -> Members {
        let mut ends = vec![0_u32; self.len()];
        for group in &self.of_row {
            ends[*group as usize] += 1;
        }
        let mut sum = 0;
        for end in &mut ends {
            (*end, sum) = (sum, sum + *end);
        }
        let mut rows = vec![0; self.of_row.len()];
        for (row, group) in self.of_row.iter().enumerate() {
            let next = &mut ends[*group as usize];
            rows[*next as usize] = row as u32;
            *next += 1;
        }
        Members { rows, ends }
    }

    /// Something of each group, to which each row adds.
    pub(super) fn gather<T: Clone>(&self, start: T, mut add: impl FnMut(&mut T, usize)) -> Vec<T> {
        let mut all = vec![start; self.len()];
        let (slots, groups) = (all.as_mut_slice(), self.of_row.as_slice());
        // Plain indices: this runs for each row and measure, and iterators are slow where they are not optimised.
        let mut row = 0;
        while row < groups.len() {
            add(&mut slots[groups[row] as usize], row);
            row += 1;
        }
        all
    }
}

/// Rows by group.
pub(super) struct Members {
    rows: Vec<u32>,
    ends: Vec<u32>,
}

impl Members {
    /// The rows of each group, one group after the other.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let rows = &self.rows[start..*end as usize];
            start = *end as usize;
            rows
        })
    }
}

/// The combinations of dimensions that there are, by runs of rows that share one.
struct Combinations {
    ends: Vec<usize>,
    of_run: Vec<u32>,
    count: usize,
}

impl Combinations {
    fn new(dimensions: &[ArrayRef]) -> Result<Self, ArrowError> {
        let runs = partition(dimensions)?.ranges();
        let firsts: UInt32Array = runs.iter().map(|run| run.start as u32).collect();
        let heads = dimensions.iter().map(|column| take(column, &firsts, None)).collect::<Result<Vec<_>, _>>()?;
        let fields = dimensions.iter().map(|column| SortField::new(column.data_type().clone()));
        let rows = RowConverter::new(fields.collect())?.convert_columns(&heads)?;
        let mut known = HashMap::new();
        let mut number = |row| {
            let next = known.len() as u32;
            *known.entry(row).or_insert(next)
        };
        let of_run = rows.iter().map(&mut number).collect();
        Ok(Self { ends: runs.iter().map(|run| run.end).collect(), of_run, count: known.len() })
    }
}

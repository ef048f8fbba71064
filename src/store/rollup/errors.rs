//! Owns the groups of errors: which failed rows come together by hour, and how many groups there may be. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, StringArray, UInt32Array};
use arrow::compute::{concat_batches, filter_record_batch, take};
use arrow::datatypes::{Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;

use crate::store::Error;
use crate::store::tables::times;

use super::groups::Groups;
use super::message::{error_fingerprint, error_shape};
use super::raw::{array, column, primitive, texts};
use super::roll::{assemble, dimensions, floor_to, money, sums, unit_of};
use super::schema::{BUCKET, ERROR_DIMENSIONS, Rollup};

/// Groups of a file for each function and hour, at most. Further errors are in the group [`OTHER`].
pub const ERROR_GROUPS: usize = 200;
/// The fingerprint of errors beyond [`ERROR_GROUPS`]. They have no type and no message.
pub const OTHER: &str = "other";

/// The groups of the failed ones among rows of `invocations`; none where none failed.
pub(super) fn of_rows(rows: &RecordBatch) -> Result<Option<RecordBatch>, Error> {
    let failed =
        |outcome: Option<&str>| Some(matches!(outcome, Some("error" | "timeout" | "out_of_memory" | "platform_error")));
    let failed: BooleanArray = texts(rows, "outcome")?.iter().map(failed).collect();
    if failed.true_count() == 0 {
        return Ok(None);
    }
    let rows = filter_record_batch(rows, &failed)?;
    let (fingerprints, messages) = describe(&rows)?;
    let mut all = dimensions(&rows, &["tenant", "function", "version", "region", "tags", "outcome", "error_type"])?;
    all.extend([fingerprints, messages, dimensions(&rows, &["currency"])?.remove(0)]);
    let started = primitive::<TimestampMicrosecondType>(&rows, "started_at")?;
    let groups = Groups::new(&all, started.iter().map(|at| floor_to(*at, unit_of(Rollup::Errors))))?;
    let costs = array::<Decimal128Type>(&rows, "list_cost")?;
    let seen = Seen {
        count: sums(&groups, |_| 1),
        cost: money(&groups, |row| costs.is_valid(row).then(|| costs.value(row))),
        first: started,
        last: started,
        ids: [column(&rows, "invocation_id")?, column(&rows, "trace_id")?],
    };
    limited(&seen.assemble(&groups, &all)?).map(Some)
}

/// Groups that are alike come together.
pub(super) fn fold(batches: &[RecordBatch]) -> Result<RecordBatch, Error> {
    limited(&merge(&concat_batches(&Rollup::Errors.schema(), batches)?)?)
}

fn merge(rows: &RecordBatch) -> Result<RecordBatch, Error> {
    let all = dimensions(rows, &ERROR_DIMENSIONS)?;
    let buckets = primitive::<TimestampMicrosecondType>(rows, BUCKET)?;
    let groups = Groups::new(&all, buckets.iter().copied())?;
    let (counts, costs) = (primitive::<Int64Type>(rows, "count")?, array::<Decimal128Type>(rows, "list_cost")?);
    let seen = Seen {
        count: sums(&groups, |row| counts[row]),
        cost: money(&groups, |row| costs.is_valid(row).then(|| costs.value(row))),
        first: primitive::<TimestampMicrosecondType>(rows, "first_seen")?,
        last: primitive::<TimestampMicrosecondType>(rows, "last_seen")?,
        ids: [column(rows, "sample_invocation_id")?, column(rows, "sample_trace_id")?],
    };
    seen.assemble(&groups, &all)
}

/// What is known of groups beside their dimensions.
struct Seen<'a> {
    count: ArrayRef,
    cost: ArrayRef,
    first: &'a [i64],
    last: &'a [i64],
    /// Of the invocation and of its trace.
    ids: [&'a dyn Array; 2],
}

impl Seen<'_> {
    fn assemble(self, groups: &Groups, dimensions: &[ArrayRef]) -> Result<RecordBatch, Error> {
        let first = groups.gather(i64::MAX, |first, row| *first = (*first).min(self.first[row]));
        let newest = groups.gather((i64::MIN, 0), |last, row| *last = (*last).max((self.last[row], row as u32)));
        let samples: UInt32Array = newest.iter().map(|(_, row)| *row).collect();
        let [invocation, trace] = self.ids.map(|ids| take(ids, &samples, None));
        let measures: [ArrayRef; 6] = [
            self.count,
            self.cost,
            Arc::new(times(first.into_iter())),
            Arc::new(times(newest.iter().map(|(at, _)| *at))),
            invocation?,
            trace?,
        ];
        assemble(Rollup::Errors, groups, dimensions, measures.into_iter().map(Ok))
    }
}

/// Fingerprints and shapes of failed rows. Messages repeat: each is looked at once.
fn describe(rows: &RecordBatch) -> Result<(ArrayRef, ArrayRef), Error> {
    let (outcomes, types, messages) =
        (texts(rows, "outcome")?, texts(rows, "error_type")?, texts(rows, "error_message")?);
    let mut known: HashMap<[Option<&str>; 3], (String, Option<String>)> = HashMap::new();
    let text = |texts: &'_ StringArray, row: usize| texts.is_valid(row).then(|| texts.value(row).to_owned());
    let (mut fingerprints, mut shapes) = (Vec::new(), Vec::new());
    for row in 0..rows.num_rows() {
        let key = [outcomes, types, messages].map(|texts| texts.is_valid(row).then(|| texts.value(row)));
        let (fingerprint, shape) = known.entry(key).or_insert_with(|| {
            let shape = text(messages, row).map(|message| error_shape(&message));
            (error_fingerprint(outcomes.value(row), text(types, row).as_deref(), shape.as_deref()), shape)
        });
        fingerprints.push(fingerprint.clone());
        shapes.push(shape.clone());
    }
    let fingerprints = StringArray::from(fingerprints);
    Ok((Arc::new(fingerprints), Arc::new(shapes.into_iter().collect::<StringArray>())))
}

/// With at most [`ERROR_GROUPS`] groups for each function and hour: the largest are kept.
fn limited(groups: &RecordBatch) -> Result<RecordBatch, Error> {
    let of_function = Groups::new(
        &dimensions(groups, &["tenant", "function"])?,
        primitive::<TimestampMicrosecondType>(groups, BUCKET)?.iter().copied(),
    )?;
    let counts: &Int64Array = array(groups, "count")?;
    let fingerprints = texts(groups, "fingerprint")?;
    let mut beyond = vec![false; groups.num_rows()];
    for rows in of_function.members().iter() {
        let mut named: Vec<u32> =
            rows.iter().copied().filter(|row| fingerprints.value(*row as usize) != OTHER).collect();
        if named.len() > ERROR_GROUPS {
            named.sort_by_key(|row| std::cmp::Reverse(counts.value(*row as usize)));
            named[ERROR_GROUPS..].iter().for_each(|row| beyond[*row as usize] = true);
        }
    }
    if !beyond.contains(&true) {
        return Ok(groups.clone());
    }
    let without = |name: &str| -> Result<ArrayRef, Error> {
        let kept = texts(groups, name)?.iter().zip(&beyond).map(|(text, beyond)| text.filter(|_| !beyond));
        Ok(Arc::new(kept.collect::<StringArray>()))
    };
    let fingerprints = fingerprints.iter().zip(&beyond).map(|(text, beyond)| if *beyond { Some(OTHER) } else { text });
    let mut columns = groups.columns().to_vec();
    for (name, column) in [
        ("error_type", without("error_type")?),
        ("message", without("message")?),
        ("fingerprint", Arc::new(fingerprints.collect::<StringArray>()) as ArrayRef),
    ] {
        columns[groups.schema().index_of(name)?] = column;
    }
    merge(&RecordBatch::try_new(groups.schema(), columns)?)
}

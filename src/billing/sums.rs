//! Reads columns of queries' answers, and rows of those that count usage. What becomes of them is `counting`'s.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;

use crate::model::Architecture;
use crate::units::{MONEY_PRECISION, MONEY_SCALE, Timestamp};

use super::Error;
use super::counting::Owner;

/// One row: records that are alike.
#[derive(Debug)]
pub(super) struct Sums {
    pub(super) bucket: Option<Timestamp>,
    pub(super) region: Option<String>,
    pub(super) architecture: Option<Architecture>,
    pub(super) provisioned: bool,
    pub(super) memory_mb: Option<i64>,
    pub(super) ephemeral_storage_mb: Option<i64>,
    pub(super) owner: Owner,
    pub(super) requests: i128,
    pub(super) billed_ms: i128,
    pub(super) cpu_ns: i128,
    pub(super) streamed_bytes: i128,
    pub(super) list_cost: i128,
    pub(super) snap_starts: u64,
    pub(super) large_events: u64,
}

/// Reads a batch of either query; columns that one of them lacks are as if nothing was told.
pub(super) fn read(batch: &RecordBatch) -> Result<Vec<Sums>, Error> {
    let column = Columns(batch);
    let bucket = column.optional("bucket", &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?;
    let (region, architecture) = (column.texts("region")?, column.texts("architecture")?);
    let provisioned = column.of("provisioned", &DataType::Boolean)?;
    let (memory, storage) = (column.whole("memory_mb")?, column.whole("ephemeral_storage_mb")?);
    let owner = [column.optional("tenant", &DataType::Utf8)?, column.optional("function", &DataType::Utf8)?];
    let tags = column.tags()?;
    let requests = column.whole("requests")?;
    let sums = ["billed_ms", "cpu_ns", "streamed_bytes"].map(|name| column.sum(name));
    let [billed_ms, cpu_ns, streamed_bytes] = sums;
    let (billed_ms, cpu_ns, streamed_bytes) = (billed_ms?, cpu_ns?, streamed_bytes?);
    let list_cost = column.optional("list_cost", &DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE))?;
    let counts =
        [column.optional("snap_starts", &DataType::Int64)?, column.optional("large_events", &DataType::Int64)?];
    let mut tags = tags.into_iter().flatten();
    let row = |at: usize| {
        let known = |text: &ArrayRef| text.is_valid(at).then(|| text.as_string::<i32>().value(at).to_owned());
        let number = |array: &ArrayRef| array.is_valid(at).then(|| array.as_primitive::<Int64Type>().value(at));
        let sum = |array: &ArrayRef| {
            if array.is_valid(at) { array.as_primitive::<Decimal128Type>().value(at) } else { 0 }
        };
        let [tenant, function] = owner.each_ref().map(|text| text.as_ref().and_then(known).unwrap_or_default());
        let [snap_starts, large_events] = counts.each_ref().map(|array| {
            array.as_ref().and_then(number).and_then(|count| u64::try_from(count).ok()).unwrap_or_default()
        });
        Sums {
            bucket: bucket
                .as_ref()
                .map(|array| Timestamp::from_micros(array.as_primitive::<TimestampMicrosecondType>().value(at))),
            region: known(&region),
            architecture: known(&architecture).and_then(|text| text.parse().ok()),
            provisioned: provisioned.as_boolean().value(at),
            memory_mb: number(&memory),
            ephemeral_storage_mb: number(&storage),
            owner: Owner { tenant, function, tags: tags.next().unwrap_or_default() },
            requests: number(&requests).unwrap_or_default().into(),
            billed_ms: sum(&billed_ms),
            cpu_ns: sum(&cpu_ns),
            streamed_bytes: sum(&streamed_bytes),
            list_cost: list_cost.as_ref().map_or(0, sum),
            snap_starts,
            large_events,
        }
    };
    Ok((0..batch.num_rows()).map(row).collect())
}

/// A batch's columns by name and type.
pub(super) struct Columns<'a>(pub(super) &'a RecordBatch);

impl Columns<'_> {
    pub(super) fn of(&self, name: &str, kind: &DataType) -> Result<ArrayRef, Error> {
        let found = self.optional(name, kind)?;
        found.ok_or_else(|| Error::Internal(format!("the answer has no column {name}")))
    }

    pub(super) fn optional(&self, name: &str, kind: &DataType) -> Result<Option<ArrayRef>, Error> {
        let column = self.0.column_by_name(name).map(|column| cast(column, kind));
        column.transpose().map_err(|error| Error::Internal(format!("the column {name} does not fit: {error}")))
    }

    pub(super) fn texts(&self, name: &str) -> Result<ArrayRef, Error> {
        self.of(name, &DataType::Utf8)
    }

    pub(super) fn whole(&self, name: &str) -> Result<ArrayRef, Error> {
        self.of(name, &DataType::Int64)
    }

    fn sum(&self, name: &str) -> Result<ArrayRef, Error> {
        self.of(name, &DataType::Decimal128(MONEY_PRECISION, 0))
    }

    /// The tags of each row; none where the query does not have them.
    fn tags(&self) -> Result<Option<Vec<BTreeMap<String, String>>>, Error> {
        let Some(column) = self.0.column_by_name("tags") else { return Ok(None) };
        let wrong = || Error::Internal("the column tags is no map of texts".to_owned());
        let maps = column.as_map_opt().ok_or_else(wrong)?;
        let text = |array: &ArrayRef| cast(array, &DataType::Utf8).map_err(|_| wrong());
        let (keys, values) = (text(maps.keys())?, text(maps.values())?);
        let (keys, values) = (keys.as_string::<i32>(), values.as_string::<i32>());
        let offsets = maps.value_offsets();
        let row = |at: usize| {
            let entries = if maps.is_valid(at) { offsets[at] as usize..offsets[at + 1] as usize } else { 0..0 };
            entries.map(|entry| (keys.value(entry).to_owned(), values.value(entry).to_owned())).collect()
        };
        Ok(Some((0..maps.len()).map(row).collect()))
    }
}

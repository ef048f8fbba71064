//! The rollup once more, in plain Rust, from records rather than columns; and what rollups hold, to compare with it.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, MapArray};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;

use crate::model::{InitType, Invocation, Outcome, ThrottleReason};
use crate::store::{Sketch, error_fingerprint, error_shape};
use crate::units::{ByteCount, Timestamp, nanos};

/// Bucket and dimensions, as text.
pub(crate) type Key = Vec<String>;

/// The sums of a key, by measure; maxima and sums of money are none where no row has a value.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Sums {
    numbers: BTreeMap<String, Option<i128>>,
    sketches: BTreeMap<String, Sketch>,
}

impl Sums {
    /// 64-bit sums wrap around.
    fn add(&mut self, name: &str, value: i64) {
        let sum = self.numbers.entry(name.to_owned()).or_insert(Some(0));
        *sum = sum.map(|sum| i128::from((sum as i64).wrapping_add(value)));
    }

    fn add_wide(&mut self, name: &str, value: Option<i128>) {
        let sum = self.numbers.entry(name.to_owned()).or_default();
        *sum = value.map(|value| sum.unwrap_or(0) + value).or(*sum);
    }

    fn most(&mut self, name: &str, value: Option<i64>) {
        let most = self.numbers.entry(name.to_owned()).or_default();
        *most = (*most).max(value.map(i128::from));
    }

    fn sketch(&mut self, name: &str, value: Option<i64>) {
        let sketch = self.sketches.entry(name.to_owned()).or_default();
        value.into_iter().for_each(|value| sketch.add(value as f64));
    }
}

fn bucket(at: Timestamp, unit_s: i64) -> String {
    (at.micros().div_euclid(unit_s * 1_000_000) * unit_s * 1_000_000).to_string()
}

fn key(row: &Invocation, unit_s: i64) -> Key {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut key = vec![bucket(row.started_at, unit_s), row.tenant.clone(), row.function.clone()];
    key.extend([&row.version, &row.region, &row.account].map(or_empty));
    key.extend([row.source.clone(), row.architecture.map_or(String::new(), |known| known.as_str().to_owned())]);
    key.extend([row.memory.map_or(String::new(), |memory| memory.0.to_string()), format!("{:?}", row.tags)]);
    key.push(currency(row));
    key
}

fn currency(row: &Invocation) -> String {
    row.currency.as_ref().map_or(String::new(), |currency| currency.code().to_owned())
}

/// What the rollup of these rows must hold.
pub(crate) fn expected(rows: &[Invocation], unit_s: i64) -> BTreeMap<Key, Sums> {
    let mut all: BTreeMap<Key, Sums> = BTreeMap::new();
    for row in rows {
        add(all.entry(key(row, unit_s)).or_default(), row);
    }
    all
}

fn add(sums: &mut Sums, row: &Invocation) {
    let ran = !matches!(row.outcome, Outcome::Throttled | Outcome::PlatformError);
    let cold = ran && row.cold == Some(true);
    let failed = matches!(row.outcome, Outcome::Error | Outcome::Timeout | Outcome::OutOfMemory);
    let thrown = row.outcome == Outcome::Throttled;
    let by = |reason| thrown && row.throttle_reason == Some(reason);
    for (name, counts) in [
        ("invocations", ran),
        ("errors", row.outcome == Outcome::Error),
        ("timeouts", row.outcome == Outcome::Timeout),
        ("out_of_memory", row.outcome == Outcome::OutOfMemory),
        ("platform_errors", row.outcome == Outcome::PlatformError),
        ("throttled_function", by(ThrottleReason::FunctionConcurrency)),
        ("throttled_tenant", by(ThrottleReason::TenantConcurrency)),
        ("throttled_account", by(ThrottleReason::AccountConcurrency)),
        ("throttled_rate", by(ThrottleReason::Rate)),
        ("throttled_budget", by(ThrottleReason::Budget)),
        ("throttled", thrown),
        ("cold", cold),
        ("provisioned", ran && row.init_type == Some(InitType::Provisioned)),
        ("retries", ran && row.attempt > 1),
        ("unpriced", ran && row.list_cost.is_none()),
    ] {
        sums.add(name, i64::from(counts));
    }
    let phases = row.phases.or_zero();
    let [queue, load, compile, instantiate, init, handler] =
        [phases.queue, phases.load, phases.compile, phases.instantiate, phases.init, phases.handler].map(nanos);
    let busy = load + compile + instantiate + init + handler;
    let bytes = |known: Option<ByteCount>| known.map_or(0, ByteCount::to_i64);
    for (name, counts, value) in [
        ("billed_ms", ran, row.billed_ms.unwrap_or(0)),
        ("cpu_ns", ran, row.cpu_ns.unwrap_or(0)),
        ("queue_ns", ran, queue),
        ("duration_ns", ran, handler),
        ("init_ns", ran, init),
        ("busy_ns", ran, busy),
        ("cold_load_ns", cold, load),
        ("cold_compile_ns", cold, compile),
        ("cold_instantiate_ns", cold, instantiate),
        ("cold_init_ns", cold, init),
        ("request_bytes", true, bytes(row.request_size)),
        ("response_bytes", true, bytes(row.response_size)),
        ("streamed_bytes", true, bytes(row.streamed)),
        ("egress_bytes", true, bytes(row.egress)),
    ] {
        sums.add(name, if counts { value } else { 0 });
    }
    let mb_ms = i128::from(row.billed_ms.unwrap_or(0)) * i128::from(row.memory.map_or(0, |memory| memory.0));
    sums.add_wide("billed_mb_ms", Some(if ran { mb_ms } else { 0 }));
    let cost = row.list_cost.map(|cost| cost.units());
    sums.add_wide("list_cost", cost);
    sums.add_wide("error_cost", if failed { cost } else { Some(0) });
    sums.add_wide("retry_cost", if row.attempt > 1 { cost } else { Some(0) });
    sums.most("peak_memory_bytes", row.peak_memory.map(ByteCount::to_i64));
    sums.sketch("duration_sketch", row.phases.handler.filter(|_| ran).map(nanos));
    sums.sketch("init_sketch", row.phases.init.filter(|_| cold).map(nanos));
    sums.sketch("cold_sketch", row.phases.handler.filter(|_| cold).map(|_| queue + busy));
}

/// Columns that this computation does not know.
const LEFT_OUT: [&str; 3] = ["date", "init_cost", "concurrency"];

/// What rollups hold, rows of the same key added up.
pub(crate) fn found(batches: &[RecordBatch]) -> BTreeMap<Key, Sums> {
    let mut all: BTreeMap<Key, Sums> = BTreeMap::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let key = (0..11).map(|column| text(batch.column(column), row).unwrap_or_default()).collect();
            let sums = all.entry(key).or_default();
            for (field, column) in batch.schema().fields().iter().zip(batch.columns()).skip(11) {
                let name = field.name().as_str();
                if LEFT_OUT.contains(&name) {
                    continue;
                }
                let there = column.is_valid(row);
                match column.data_type() {
                    DataType::Binary => {
                        let sketch = sums.sketches.entry(name.to_owned()).or_default();
                        if there {
                            sketch.merge(column.as_binary::<i32>().value(row)).unwrap();
                        }
                    }
                    DataType::Decimal128(..) => {
                        sums.add_wide(name, there.then(|| column.as_primitive::<Decimal128Type>().value(row)));
                    }
                    _ => {
                        let value = there.then(|| column.as_primitive::<Int64Type>().value(row));
                        match name == "peak_memory_bytes" {
                            true => sums.most(name, value),
                            false => sums.add(name, value.unwrap()),
                        }
                    }
                }
            }
        }
    }
    all
}

/// Groups of errors: how many, what they cost, when the first and the last were.
pub(crate) type ErrorGroups = BTreeMap<Key, (i64, Option<i128>, i64, i64, String)>;

pub(crate) fn expected_errors(rows: &[Invocation]) -> ErrorGroups {
    let mut all = ErrorGroups::new();
    for row in rows.iter().filter(|row| !matches!(row.outcome, Outcome::Ok | Outcome::Throttled)) {
        let shape = row.error_message.as_deref().map(error_shape);
        let outcome = row.outcome.as_str();
        let mut key = vec![bucket(row.started_at, 3_600)];
        key.extend([row.tenant.clone(), row.function.clone()]);
        key.extend([&row.version, &row.region].map(|text| text.clone().unwrap_or_default()));
        key.extend([format!("{:?}", row.tags), outcome.to_owned(), row.error_type.clone().unwrap_or_default()]);
        key.push(error_fingerprint(outcome, row.error_type.as_deref(), shape.as_deref()));
        key.extend([shape.unwrap_or_default(), currency(row)]);
        let (at, cost) = (row.started_at.micros(), row.list_cost.map(|cost| cost.units()));
        let group = all.entry(key).or_insert((0, None, at, at, row.invocation_id.0.clone()));
        group.0 += 1;
        group.1 = cost.map(|cost| group.1.unwrap_or(0) + cost).or(group.1);
        group.2 = group.2.min(at);
        if at >= group.3 {
            (group.3, group.4) = (at, row.invocation_id.0.clone());
        }
    }
    all
}

pub(crate) fn found_errors(batches: &[RecordBatch]) -> ErrorGroups {
    let mut all = ErrorGroups::new();
    for batch in batches {
        let int = |name: &str, row: usize| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().value(row);
        let time = |name: &str, row: usize| {
            batch.column_by_name(name).unwrap().as_primitive::<TimestampMicrosecondType>().value(row)
        };
        let costs = batch.column_by_name("list_cost").unwrap().as_primitive::<Decimal128Type>();
        for row in 0..batch.num_rows() {
            let key: Key = (0..11).map(|column| text(batch.column(column), row).unwrap_or_default()).collect();
            let cost = costs.is_valid(row).then(|| costs.value(row));
            let sample = text(batch.column_by_name("sample_invocation_id").unwrap(), row).unwrap();
            let last = time("last_seen", row);
            let group = all.entry(key).or_insert((0, None, i64::MAX, i64::MIN, String::new()));
            group.0 += int("count", row);
            group.1 = cost.map(|cost| group.1.unwrap_or(0) + cost).or(group.1);
            group.2 = group.2.min(time("first_seen", row));
            if last >= group.3 {
                (group.3, group.4) = (last, sample);
            }
        }
    }
    all
}

/// Some columns of each row as text.
pub(crate) fn texts<const N: usize>(batch: &RecordBatch, names: &[&str; N]) -> Vec<[Option<String>; N]> {
    let columns = names.map(|name| batch.column_by_name(name).unwrap());
    (0..batch.num_rows()).map(|row| columns.map(|column| text(column, row))).collect()
}

/// The sum of a column of whole numbers.
pub(crate) fn sum(batch: &RecordBatch, name: &str) -> i64 {
    arrow::compute::sum(batch.column_by_name(name).unwrap().as_primitive::<Int64Type>()).unwrap_or(0)
}

fn text(column: &dyn Array, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Timestamp(..) => column.as_primitive::<TimestampMicrosecondType>().value(row).to_string(),
        _ => format!("{:?}", tags(column.as_map(), row)),
    })
}

fn tags(map: &MapArray, row: usize) -> BTreeMap<String, String> {
    let entries = map.value(row);
    let [keys, values] = [0, 1].map(|at| entries.column(at).as_string::<i32>());
    keys.iter().zip(values).map(|(key, value)| (key.unwrap().to_owned(), value.unwrap().to_owned())).collect()
}

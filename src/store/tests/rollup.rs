//! The rollup while rows move: whatever happens to files, it equals the rows that a view shows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

use super::faulty::{Failure, Faulty};
use super::fixtures::Fixtures;
use super::*;
use crate::model::Invocation;
use crate::store::rollup::tests::plain::{expected, expected_errors, found, found_errors};
use crate::units::{InvocationId, Timestamp};

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);
const KEPT_DAYS: u32 = 5;

/// A store on a faulty object store, with a clock that stands, and the invocations that it must show.
struct Bench {
    _dir: tempfile::TempDir,
    objects: Arc<Faulty>,
    clock: Clock,
    config: Config,
    store: Running,
    fixtures: Fixtures,
    rows: Vec<Invocation>,
    appended: usize,
}

impl Bench {
    async fn new() -> Self {
        let (dir, objects) = (tempfile::tempdir().unwrap(), Faulty::new());
        let noon = (i64::from(Clock::system().now().days()) * 24 + 36) * 3_600_000_000;
        let clock = Clock::manual(Timestamp::from_micros(noon));
        let maintenance = Maintenance { fan_in: 2, ..quiet(dir.path()).maintenance };
        let object_store = Some(Arc::clone(&objects) as Arc<dyn ObjectStore>);
        let retention = Retention { invocations: KEPT_DAYS, ..FOREVER };
        let config = Config { object_store, min_free_bytes: 0, maintenance, retention, ..quiet(dir.path()) };
        let store = open(&config, &clock).await;
        let (fixtures, rows) = (Fixtures::new(1), Vec::new());
        Self { _dir: dir, objects, clock, config, store, fixtures, rows, appended: 0 }
    }

    /// Rows that are late by up to `late`, in few minutes.
    async fn append(&mut self, rows: usize, late: Duration) {
        let mut records = self.fixtures.records([rows, 0, 0, 0]);
        for (n, row) in records.invocations.iter_mut().enumerate() {
            let at = self.clock.now().minus(late * (n as u32 % 3) / 2);
            row.started_at = at.minus(Duration::from_secs(self.appended as u64 % 7 * 20));
            row.invocation_id = InvocationId(format!("call-{:06}", self.appended));
            row.error_message = Some(format!("order {n} is gone"));
            row.tags.retain(|_, _| n % 4 == 0);
            self.appended += 1;
        }
        self.rows.extend(records.invocations.iter().cloned());
        append(&self.store.handle, records).await;
    }

    async fn commit(&mut self, rows: usize) {
        self.append(rows, Duration::ZERO).await;
        self.store.handle.flush().await.unwrap();
    }

    /// Maintains; rows past their retention that are in files are gone then.
    async fn maintain(&mut self) {
        self.store.handle.flush().await.unwrap();
        self.store.handle.maintain().await.unwrap();
        let first = self.clock.now().days() - i32::try_from(KEPT_DAYS).unwrap();
        self.rows.retain(|row| row.started_at.days() >= first);
    }

    async fn reopen(&mut self, crash: bool) {
        self.store.reopen(&self.config, &self.clock, crash).await;
    }

    async fn check(&self) {
        let view = self.store.handle.view(Table::Invocations);
        assert_eq!(view.rows(), self.rows.len() as u64);
        check_view(&self.store.handle, &view, &self.rows).await;
    }

    /// Side files in storage, by rollup and data file.
    async fn sides(&self) -> Vec<String> {
        let all = self.objects.objects().await;
        all.into_iter().map(|(path, _)| path).filter(|path| path.starts_with("rollups/")).collect()
    }

    /// Each data file of the table has its side files, and there are no others.
    async fn check_sides(&self) {
        let files = self.store.handle.view(Table::Invocations).files;
        let mut minutes: Vec<String> = self
            .sides()
            .await
            .iter()
            .filter_map(|path| path.strip_prefix("rollups/1/minute/"))
            .map(str::to_owned)
            .collect();
        let mut data: Vec<String> = files.iter().map(|file| file.path.to_string()).collect();
        minutes.sort();
        data.sort();
        assert_eq!(minutes, data);
        for side in self.sides().await {
            assert!(data.iter().any(|data| side.ends_with(data)), "{side} is of no file");
        }
    }
}

/// What a rollup of the view holds, in files and in memory.
async fn contents(handle: &Handle, view: &View, rollup: Rollup) -> Vec<RecordBatch> {
    let RollupView { files, batches, object_store, .. } = handle.rollup(rollup, view).unwrap();
    let mut all = batches;
    for file in files {
        let bytes = object_store.get(&file.path).await.unwrap().bytes().await.unwrap();
        assert_eq!(bytes.len() as u64, file.bytes);
        all.extend(ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap().map(Result::unwrap));
    }
    all
}

async fn check_view(handle: &Handle, view: &View, rows: &[Invocation]) {
    assert_eq!(found(&contents(handle, view, Rollup::Minute).await), expected(rows, 60));
    assert_eq!(found(&contents(handle, view, Rollup::Hour).await), expected(rows, 3_600));
    let groups = found_errors(&contents(handle, view, Rollup::Errors).await);
    let without_sample = |groups: BTreeMap<_, (i64, Option<i128>, i64, i64, String)>| {
        groups
            .into_iter()
            .map(|(key, (count, cost, first, last, _))| (key, (count, cost, first, last)))
            .collect::<BTreeMap<Vec<String>, _>>()
    };
    assert_eq!(without_sample(groups), without_sample(expected_errors(rows)));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Append(usize, u64),
    Flush,
    Maintain,
    Wait(u64),
    Reopen(bool),
    Fail(&'static str, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    const PLACES: [&str; 6] =
        ["rollups/1/minute", "rollups/1/hour", "rollups/1/errors", "part-", "joined-", "_delta_log"];
    let step = prop_oneof![
        4 => (1_usize..40, 0_u64..100).prop_map(|(rows, late)| Step::Append(rows, late)),
        3 => Just(Step::Flush),
        2 => Just(Step::Maintain),
        1 => (1_u64..40).prop_map(Step::Wait),
        1 => any::<bool>().prop_map(Step::Reopen),
        1 => (prop::sample::select(&PLACES[..]), any::<bool>()).prop_map(|(place, after)| Step::Fail(place, after)),
    ];
    prop::collection::vec(step, 1..16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_rollup_equals_the_rows_whatever_happens(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut bench = Bench::new().await;
            for step in steps {
                match step {
                    Step::Append(rows, late_hours) => bench.append(rows, HOUR * late_hours as u32).await,
                    // What fails is tried again by the next ones.
                    Step::Flush => drop(bench.store.handle.flush().await),
                    Step::Maintain => {
                        let _ = bench.store.handle.maintain().await;
                        bench.objects.heal();
                        bench.maintain().await;
                    }
                    Step::Wait(hours) => bench.clock.advance(HOUR * hours as u32),
                    Step::Reopen(crash) => {
                        bench.objects.heal();
                        bench.reopen(crash).await;
                    }
                    Step::Fail(place, after) => {
                        bench.objects.fail(place, if after { Failure::After } else { Failure::Before }, 1);
                    }
                }
                // What is to fail does so in the next step, and not where the rollup is read here.
                if !matches!(step, Step::Fail(..)) {
                    bench.objects.heal();
                    bench.check().await;
                }
            }
            bench.objects.heal();
            bench.maintain().await;
            bench.check().await;
            bench.store.stop().await.unwrap();
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_anywhere_leaves_the_rollup_whole_and_no_side_file_behind() {
    for place in
        ["rollups/1/errors", "rollups/1/hour", "rollups/1/minute", "invocations/date", "invocations/_delta_log"]
    {
        for (failure, crash) in
            [(Failure::Before, false), (Failure::Before, true), (Failure::After, false), (Failure::After, true)]
        {
            let mut bench = Bench::new().await;
            bench.commit(20).await;
            bench.append(30, Duration::ZERO).await;
            bench.objects.fail(place, failure, 1);
            assert!(bench.store.handle.flush().await.is_err(), "{place}");
            bench.check().await;
            if crash {
                bench.reopen(true).await;
                bench.check().await;
            }
            bench.store.handle.flush().await.unwrap();
            bench.check().await;
            bench.maintain().await;
            bench.check().await;
            bench.clock.advance(3 * DAY);
            // Files whose commit had no answer are kept until the next one.
            bench.commit(1).await;
            bench.maintain().await;
            bench.clock.advance(2 * HOUR);
            bench.maintain().await;
            bench.check().await;
            bench.check_sides().await;
            bench.store.stop().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_whose_side_files_fail_is_made_later() {
    for place in ["rollups/1/hour", "rollups/1/minute", "joined-"] {
        let mut bench = Bench::new().await;
        for _ in 0..2 {
            bench.commit(20).await;
        }
        bench.objects.fail(place, Failure::Before, 1);
        assert!(bench.store.handle.maintain().await.is_err(), "{place}");
        bench.check().await;
        bench.maintain().await;
        assert_eq!(bench.store.handle.view(Table::Invocations).files.len(), 1);
        bench.check().await;
        bench.clock.advance(3 * DAY);
        bench.maintain().await;
        bench.check_sides().await;
        bench.store.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_retention_takes_leaves_the_rollup_too() {
    let mut bench = Bench::new().await;
    bench.append(60, 2 * DAY).await;
    bench.maintain().await;
    bench.check().await;
    bench.clock.advance(DAY * (KEPT_DAYS - 1));
    bench.maintain().await;
    let left = bench.rows.len();
    assert!(0 < left && left < 60, "{left}");
    bench.check().await;
    bench.clock.advance(DAY * (KEPT_DAYS + 3));
    bench.maintain().await;
    bench.clock.advance(2 * HOUR);
    bench.maintain().await;
    bench.check().await;
    assert_eq!(bench.sides().await, [""; 0]);
    bench.store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_keeps_its_rollup_for_as_long_as_it_lives() {
    let mut bench = Bench::new().await;
    bench.commit(20).await;
    bench.commit(20).await;
    bench.append(20, Duration::ZERO).await;
    let (view, rows) = (bench.store.handle.view(Table::Invocations), bench.rows.clone());
    for _ in 0..4 {
        bench.commit(10).await;
        bench.clock.advance(2 * HOUR);
        bench.maintain().await;
        check_view(&bench.store.handle, &view, &rows).await;
    }
    assert!(view.files.iter().all(|file| !bench.store.handle.view(Table::Invocations).files.contains(file)));
    drop(view);
    bench.clock.advance(2 * HOUR);
    bench.maintain().await;
    bench.check_sides().await;
    bench.store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_an_older_program_gains_side_files() {
    let mut bench = Bench::new().await;
    bench.append(300, 3 * DAY).await;
    bench.store.handle.flush().await.unwrap();
    bench.commit(20).await;
    let sides = bench.sides().await;
    for (at, side) in sides.iter().enumerate() {
        // Of some files all are missing, of others the one that is put last.
        if at % 2 == 0 || side.contains("/minute/") {
            bench.objects.delete(&side.as_str().into()).await.unwrap();
        }
    }
    bench.objects.put(&"rollups/0/minute/invocations/x.parquet".into(), "another format".into()).await.unwrap();
    bench.reopen(false).await;
    bench.check().await;
    bench.clock.advance(3 * DAY);
    bench.maintain().await;
    bench.clock.advance(2 * HOUR);
    bench.maintain().await;
    bench.check_sides().await;
    bench.check().await;
    bench.store.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn views_during_commits_and_joins_have_each_row_once() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let mut bench = Bench::new().await;
    let done = Arc::new(AtomicBool::new(false));
    let (handle, stop) = (bench.store.handle.clone(), Arc::clone(&done));
    let reader = tokio::spawn(async move {
        let mut looks = 0;
        while !stop.load(Ordering::SeqCst) {
            let view = handle.view(Table::Invocations);
            for rollup in [Rollup::Minute, Rollup::Hour] {
                let rows: i64 = contents(&handle, &view, rollup).await.iter().map(attempts).sum();
                assert_eq!(rows as u64, view.rows());
            }
            looks += 1;
        }
        looks
    });
    for round in 0..25 {
        bench.append(10 + round * 7, HOUR).await;
        let (flushed, looked_after) = tokio::join!(bench.store.handle.flush(), bench.store.handle.maintain());
        flushed.and(looked_after).unwrap();
    }
    done.store(true, Ordering::SeqCst);
    assert!(reader.await.unwrap() > 5);
    bench.check().await;
    bench.store.stop().await.unwrap();
}

/// Attempts in a rollup, however they ended.
pub(super) fn attempts(rollup: &RecordBatch) -> i64 {
    use crate::store::rollup::tests::plain::sum;
    ["invocations", "throttled", "platform_errors"].iter().map(|name| sum(rollup, name)).sum()
}

/// Attempts that the rollup of a view in a folder holds.
pub(super) async fn attempts_in(handle: &Handle, view: &View) -> u64 {
    let counts = contents(handle, view, Rollup::Minute).await;
    counts.iter().map(attempts).sum::<i64>().unsigned_abs()
}

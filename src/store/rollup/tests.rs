//! Tests of the rollup's making: against a computation in plain Rust, row by row.

pub(crate) mod plain;

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;

use super::schema::Rollup;
use super::{errors, roll};
use crate::model::{Invocation, Outcome, Records};
use crate::store::tests::fixtures::Fixtures;
use crate::store::{Table, batches};
use crate::units::Timestamp;
use plain::{expected, expected_errors, found, found_errors};

/// Invocations that meet in few minutes.
pub(crate) fn crowded(fixtures: &mut Fixtures, rows: usize) -> Vec<Invocation> {
    let mut all = fixtures.records([rows, 0, 0, 0]).invocations;
    for (n, row) in all.iter_mut().enumerate() {
        let within_minutes = row.started_at.nanos() % 300_000_000_000;
        row.started_at = Timestamp::from_nanos(20_000 * 86_400_000_000_000 - 120_000_000_000 + within_minutes);
        row.attempt = 1 + n as u32 % 2;
        row.tags.retain(|_, _| n % 3 == 0);
        row.tags.insert("team".to_owned(), format!("team-{}", n % 2));
    }
    all
}

fn batch(rows: &[Invocation]) -> RecordBatch {
    let records = Records { invocations: rows.to_vec(), ..Records::default() };
    batches(&records, Timestamp::from_micros(1)).remove(0).1
}

#[test]
fn rollups_equal_what_is_counted_row_by_row() {
    let mut fixtures = Fixtures::new(7);
    for rows in [1, 2, 10, 500, 3_000] {
        let rows = crowded(&mut fixtures, rows);
        let minutes = roll::minutes(&batch(&rows)).unwrap();
        assert_eq!(minutes.schema(), Rollup::Minute.schema());
        assert_eq!(found(std::slice::from_ref(&minutes)), expected(&rows, 60));
        assert_eq!(found(&[roll::hours(&minutes).unwrap()]), expected(&rows, 3_600));
        let keys = expected(&rows, 60).len();
        assert_eq!(minutes.num_rows(), keys, "within a batch there is one row for each key");
    }
}

#[test]
fn parts_add_up_to_the_whole() {
    let mut fixtures = Fixtures::new(8);
    let rows = crowded(&mut fixtures, 1_000);
    let parts: Vec<_> = rows.chunks(170).map(|part| roll::minutes(&batch(part)).unwrap()).collect();
    assert_eq!(found(&parts), expected(&rows, 60));
    let all = concat_batches(&Rollup::Minute.schema(), &parts).unwrap();
    let hours = roll::hours(&all).unwrap();
    assert_eq!(found(std::slice::from_ref(&hours)), expected(&rows, 3_600));
    assert_eq!(hours.num_rows(), expected(&rows, 3_600).len());
}

#[test]
fn columns_that_a_file_lacks_are_null() {
    let mut fixtures = Fixtures::new(9);
    let mut rows = crowded(&mut fixtures, 50);
    let whole = batch(&rows);
    let kept: Vec<usize> =
        (0..whole.num_columns()).filter(|at| whole.schema().field(*at).name() != "egress_bytes").collect();
    let minutes = roll::minutes(&whole.project(&kept).unwrap()).unwrap();
    rows.iter_mut().for_each(|row| row.egress = None);
    assert_eq!(found(&[minutes]), expected(&rows, 60));
}

#[test]
fn errors_are_grouped() {
    let mut fixtures = Fixtures::new(10);
    let mut rows = crowded(&mut fixtures, 400);
    for (n, row) in rows.iter_mut().enumerate() {
        row.error_message = (n % 5 > 0).then(|| format!("order {n} of kind {} is gone", ["a", "b"][n % 2]));
        row.error_type = (n % 3 > 0).then(|| "Trap".to_owned());
    }
    let groups = errors::of_rows(&batch(&rows)).unwrap().unwrap();
    assert_eq!(groups.schema(), Rollup::Errors.schema());
    assert_eq!(found_errors(std::slice::from_ref(&groups)), expected_errors(&rows));
    let parts: Vec<_> = rows.chunks(90).filter_map(|part| errors::of_rows(&batch(part)).unwrap()).collect();
    let folded = errors::fold(&parts).unwrap();
    assert_eq!(found_errors(&[folded]), expected_errors(&rows));
    rows.iter_mut().for_each(|row| row.outcome = Outcome::Ok);
    assert!(errors::of_rows(&batch(&rows)).unwrap().is_none());
}

#[test]
fn groups_of_errors_are_limited_for_each_function_and_nothing_is_lost() {
    let mut fixtures = Fixtures::new(11);
    let mut rows = crowded(&mut fixtures, 1_200);
    for (n, row) in rows.iter_mut().enumerate() {
        let word: String = format!("{n:04}").bytes().map(|digit| char::from(digit - b'0' + b'g')).collect();
        let noisy = n >= 100;
        row.outcome = Outcome::Error;
        (row.tenant, row.function) = ("t".to_owned(), if noisy { "noisy" } else { "quiet" }.to_owned());
        row.error_message = Some(if n == 1_199 || n == 1_198 { "twice".to_owned() } else { word });
        (row.error_type, row.started_at) = (None, rows_hour());
        (row.version, row.region, row.currency) = (None, None, None);
        row.tags.clear();
    }
    let groups = errors::of_rows(&batch(&rows)).unwrap().unwrap();
    let named = |function: &str| {
        let groups = plain::texts(&groups, &["function", "fingerprint", "message"]);
        groups.into_iter().filter(|group| group[0].as_deref() == Some(function)).collect::<Vec<_>>()
    };
    assert_eq!(named("quiet").len(), 100);
    let noisy = named("noisy");
    let other: Vec<_> = noisy.iter().filter(|group| group[1].as_deref() == Some(errors::OTHER)).collect();
    assert_eq!(noisy.len(), errors::ERROR_GROUPS + other.len());
    assert!(!other.is_empty() && other.iter().all(|group| group[2].is_none()));
    assert!(noisy.iter().any(|group| group[2].as_deref() == Some("twice")), "the largest are kept");
    assert_eq!(plain::sum(&groups, "count"), 1_200);
    let again = errors::fold(&[groups.clone(), groups]).unwrap();
    assert_eq!(plain::sum(&again, "count"), 2_400);
}

fn rows_hour() -> Timestamp {
    Timestamp::from_nanos(20_000 * 86_400_000_000_000)
}

#[test]
fn docs_and_names_are_there_once() {
    for rollup in Rollup::ALL {
        let schema = rollup.schema();
        let names: std::collections::BTreeSet<&String> = schema.fields().iter().map(|field| field.name()).collect();
        assert_eq!(names.len(), schema.fields().len());
        assert!(schema.fields().iter().all(|field| field.metadata().contains_key("comment")), "{schema:?}");
        assert_eq!(schema.fields().last().unwrap().name(), "date");
    }
    assert_eq!(Table::Invocations.time_column(), "started_at");
}

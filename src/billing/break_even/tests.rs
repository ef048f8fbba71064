//! The aggregate by itself: orders and batches of rows, nothing, too much, and what has no price.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array, StringViewArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::aggregate::{Arrivals, MAX_ARRIVALS};
use super::rows::{Head, Rows};
use crate::cost::rating::Books;
use crate::query::Fold;
use crate::units::{MONEY_PRECISION, MONEY_SCALE, Timestamp};

fn fold() -> Arrivals {
    let books = Arc::new(Books::embedded().expect("they parse"));
    Arrivals { books, head: Head::default(), rows: Rows::default() }
}

/// Rows of a second, an hour's time asked for: when it arrived (ms), how long it ran (ms), what it cost (10^-9).
fn batch(rows: &[(i64, i64, i128)]) -> Vec<ArrayRef> {
    let start = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").expect("a time").micros();
    let at = |times: Vec<i64>| Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")) as ArrayRef;
    let texts = |text: &str| Arc::new(StringViewArray::from(vec![text; rows.len()])) as ArrayRef;
    let costs = Decimal128Array::from_iter_values(rows.iter().map(|row| row.2 * 10_i128.pow(14)));
    let costs = costs.with_precision_and_scale(MONEY_PRECISION, MONEY_SCALE).expect("it fits");
    vec![
        at(rows.iter().map(|row| start + row.0 * 1_000).collect()),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1 * 1_000_000))),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| if row.0 % 2 == 0 { 1_024 } else { 512 }))),
        Arc::new(Int64Array::new_null(rows.len())),
        Arc::new(costs),
        Arc::new(BooleanArray::from(rows.iter().map(|row| row.2 % 3 == 0).collect::<Vec<_>>())),
        texts("aws-lambda@2025-10-01"),
        texts("us-east-1"),
        texts("x86_64"),
        at(vec![start; rows.len()]),
        at(vec![start + 3_600_000_000; rows.len()]),
    ]
}

fn answer(fold: &mut Arrivals) -> Value {
    let answer = fold.answer().expect("in range");
    let options = Arc::clone(answer.as_struct().column_by_name("options").expect("it is there"));
    let options = options.as_list::<i32>().value(0);
    let options = options.as_struct();
    let numbers = |name: &str| -> Vec<String> {
        let column = options.column_by_name(name).expect("it is there");
        let texts = arrow::compute::cast(column, &DataType::Utf8).expect("it is shown");
        texts.as_string::<i32>().iter().flatten().map(str::to_owned).collect()
    };
    json!([numbers("total_cost"), numbers("served"), numbers("cold_starts_saved"), numbers("busy_ns")])
}

#[test]
fn nothing_gives_null() {
    assert!(fold().answer().expect("it is answered").is_null(0));
    let mut empty = fold();
    empty.take(&batch(&[])).expect("it is taken");
    assert!(empty.answer().expect("it is answered").is_null(0));
}

#[test]
fn what_has_no_price_is_as_it_was_paid_and_says_so() {
    let mut columns = batch(&[(0, 10, 5), (1, 10, 6)]);
    columns[6] = Arc::new(StringViewArray::from(vec!["cloudflare-workers-standard@2026-01-01"; 2]));
    let mut fold = fold();
    fold.take(&columns).expect("it is taken");
    let answer = fold.answer().expect("in range");
    let reason = Arc::clone(answer.as_struct().column_by_name("reason").expect("it is there"));
    let reason = reason.as_string::<i32>().value(0);
    assert!(reason.ends_with("has no price for environments that stand ready"), "{reason}");
    assert_eq!(self::answer(&mut fold)[0], json!(["0.00000001100000000000000"]));
}

#[test]
fn of_too_many_the_newest_are_replayed() {
    let all: Vec<(i64, i64, i128)> = (0..MAX_ARRIVALS as i64 + 5).map(|at| (at, 1, 1)).collect();
    let mut fold = fold();
    for part in all.rchunks(300_000) {
        fold.take(&batch(part)).expect("it is taken");
    }
    let answer = fold.answer().expect("in range");
    let column = |name: &str| Arc::clone(answer.as_struct().column_by_name(name).expect("it is there"));
    assert_eq!(column("arrivals").as_primitive::<Int64Type>().value(0), MAX_ARRIVALS as i64);
    let [from, to] = ["from", "to"].map(|name| column(name).as_primitive::<TimestampMicrosecondType>().value(0));
    assert_eq!(to - from, 3_600_000_000 - 5_000);
}

proptest! {
    #[test]
    fn neither_the_order_nor_the_batches_of_rows_matter(
        rows in prop::collection::vec((0_i64..60, 1_i64..50, 1_i128..5), 1..40).prop_shuffle(),
        parts in 1_usize..9,
    ) {
        let mut sorted = rows.clone();
        sorted.sort_unstable();
        let mut at_once = fold();
        at_once.take(&batch(&sorted)).expect("it is taken");
        let mut merged = fold();
        for part in rows.chunks(parts) {
            let mut one = fold();
            part.iter().for_each(|row| one.take(&batch(&[*row])).expect("it is taken"));
            merged.merge(&one.state()).expect("it is a state");
        }
        prop_assert_eq!(answer(&mut merged), answer(&mut at_once));
    }
}

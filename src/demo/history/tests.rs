//! What the history holds: the same rows for the same seed and day, every row consistent, every incident to be seen, and
//! no seam where the live load goes on.

mod content;
mod loading;

use std::sync::Arc;
use std::time::Duration;

use crate::cost::PriceBooks;
use crate::demo::traffic::{Settings, Traffic};
use crate::model::Records;

use super::Place;
use super::rows::Rows;
use super::simulation::{Attempt, Simulation};

pub(super) const DAY: i32 = 20_778;
pub(super) const DAY_US: i64 = 86_400_000_000;
/// Half past nine on the history's last day.
pub(super) const NOW_US: i64 = DAY as i64 * DAY_US + 34_200_000_000;
pub(super) const IDLE: Duration = Duration::from_secs(300);

pub(super) fn settings(seed: u64, invocations: u64) -> Settings {
    Settings { seed, day: DAY, days: 65, invocations }
}

pub(super) fn traffic(seed: u64, invocations: u64) -> Arc<Traffic> {
    let samples = crate::demo::samples().expect("the samples are right");
    Arc::new(Traffic::new(settings(seed, invocations), &samples).expect("the recipe is right"))
}

pub(super) fn attempts(traffic: &Arc<Traffic>, from_us: i64, to_us: i64) -> Vec<Attempt> {
    let mut simulation = Simulation::new(Arc::clone(traffic), IDLE, from_us);
    std::iter::from_fn(|| simulation.next(to_us)).collect()
}

pub(super) fn place() -> Place {
    Place { region: "eu-west-1".to_owned(), account: "tests".to_owned() }
}

pub(super) fn rows(traffic: &Arc<Traffic>, attempts: &[Attempt]) -> Records {
    let books = PriceBooks::embedded().expect("the books are right");
    let rows = Rows::new(Arc::clone(traffic), &books, &place()).expect("every sample has a book");
    let mut records = Records::default();
    for attempt in attempts {
        rows.add(attempt, &mut records).expect("it has a price");
    }
    records
}

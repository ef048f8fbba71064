//! Makes the rows of a stretch of time in groups of a few thousand, in the order of time. What is done with them is
//! `load`'s.

use std::sync::Arc;
use std::time::Duration;

use crate::cost::PriceBooks;
use crate::demo::Error;
use crate::demo::traffic::Traffic;
use crate::model::Records;
use crate::units::Timestamp;

use super::Place;
use super::resume::Loaded;
use super::rows::Rows;
use super::simulation::Simulation;

/// Rows of a group, at least: few enough that a commit has few days.
const GROUP_ROWS: usize = 4_096;

/// The rows of all attempts before a moment, those excepted that are loaded.
pub struct Groups {
    pub(super) simulation: Simulation,
    pub(super) rows: Rows,
    pub(super) loaded: Loaded,
    pub(super) to_us: i64,
}

impl Groups {
    /// The whole history up to `to`, for whoever wants it without a store.
    pub fn whole(
        traffic: Traffic,
        books: &PriceBooks,
        place: &Place,
        idle: Duration,
        to: Timestamp,
    ) -> Result<Self, Error> {
        let traffic = Arc::new(traffic);
        let rows = Rows::new(Arc::clone(&traffic), books, place)?;
        let from_us = traffic.start_us;
        let simulation = Simulation::new(traffic, idle, from_us);
        Ok(Self { simulation, rows, loaded: Loaded::default(), to_us: to.micros() })
    }

    /// The next group; none at the end.
    pub fn make(&mut self) -> Result<Option<Records>, Error> {
        for _ in 0..std::mem::take(&mut self.loaded.first) {
            self.simulation.next(self.to_us);
        }
        let mut records = Records::default();
        while let Some(attempt) = self.simulation.next(self.to_us) {
            if !self.loaded.has(&attempt) {
                self.rows.add(&attempt, &mut records)?;
            }
            if records.len() >= GROUP_ROWS {
                break;
            }
        }
        Ok(Some(records).filter(|records| !records.is_empty()))
    }
}

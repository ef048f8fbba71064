//! Owns the loading of the history: which stretch of time is missing, making its rows on one thread while the store writes
//! those before, and waiting where the store has no room.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::cost::PriceBooks;
use crate::demo::traffic::Traffic;
use crate::demo::{Error, Sample};
use crate::model::Records;
use crate::query::Engine;
use crate::store::{self, size_of};
use crate::units::Timestamp;

use super::Place;
use super::groups::Groups;
use super::marker::{Marker, Stretch, Wanted};
use super::resume::{self, Loaded};
use super::rows::Rows;
use super::simulation::Simulation;

/// Groups that are made before they are asked for.
const GROUPS_AHEAD: usize = 4;
/// Time between looks at a buffer that has no room.
const ROOM_WAIT: Duration = Duration::from_millis(4);
/// So little time missing is left to the live load.
const CAUGHT_UP_US: i64 = 1_000_000;

/// What the history needs of the program.
pub struct Parts {
    /// Where the rows go.
    pub store: store::Handle,
    /// Asked for what is there already.
    pub query: Engine,
    /// Price the rows.
    pub books: PriceBooks,
    /// Tells where the history ends.
    pub clock: Clock,
    /// Where the rows say that they were made.
    pub place: Place,
    /// How long the executor keeps an idle environment.
    pub idle_timeout: Duration,
    /// The data folder.
    pub folder: PathBuf,
}

/// How far the load is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Invocations in the store.
    pub invocations: u64,
    /// Invocations that there will be, about.
    pub expected: u64,
    /// Rows of all tables.
    pub rows: u64,
}

impl Progress {
    /// Whole per cent: 100 only when `load` is over.
    #[must_use]
    pub fn per_cent(&self) -> u64 {
        (self.invocations * 100).checked_div(self.expected).unwrap_or(0).min(99)
    }
}

/// The history of one data folder.
pub struct History {
    parts: Parts,
    marker: Marker,
    traffic: Arc<Traffic>,
    /// Whether anything is to be loaded.
    wanted: bool,
}

impl History {
    /// Reads what the folder has, or plans what it gets.
    pub fn open(parts: Parts, wanted: Wanted, samples: &[Sample]) -> Result<Self, Error> {
        let marker = Marker::of(&parts.folder, wanted, parts.clock.now())?;
        let traffic = Arc::new(Traffic::new(marker.settings(), samples)?);
        Ok(Self { parts, marker, traffic, wanted: wanted.invocations != Some(0) })
    }

    /// The traffic that the history is of, and that goes on behind it.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Loads what is missing up to now, and says where it ends. The time until it is done, and until `ready`, is loaded
    /// too, so that a live load can go on without a gap.
    pub async fn load(
        &mut self,
        told: impl Fn(Progress),
        ready: &CancellationToken,
        stop: &CancellationToken,
    ) -> Result<Timestamp, Error> {
        if !self.wanted {
            ready.cancelled().await;
            return Ok(self.parts.clock.now());
        }
        let now = self.parts.clock.now();
        let begun = self.marker.stretches.last().is_some_and(|last| !last.loaded);
        if !begun {
            self.begin(now).await?;
        }
        let stretch = self.stretch();
        let mut simulation = Simulation::new(Arc::clone(&self.traffic), self.parts.idle_timeout, stretch.from_us);
        let mut loaded = if begun { self.find_loaded(&simulation).await? } else { Loaded::default() };
        let mut progress = Progress { invocations: loaded.count() as u64, ..Progress::default() };
        loop {
            let Stretch { from_us, to_us, .. } = self.stretch();
            progress.expected = self.traffic.expected(from_us, to_us) as u64;
            simulation = self.append(simulation, std::mem::take(&mut loaded), &mut progress, &told, stop).await?;
            ready.cancelled().await;
            let now_us = self.parts.clock.now().micros();
            if now_us - to_us <= CAUGHT_UP_US {
                break;
            }
            self.change(|stretch| stretch.to_us = now_us).await?;
        }
        self.change(|stretch| stretch.loaded = true).await?;
        Ok(Timestamp::from_micros(self.stretch().to_us))
    }

    /// The stretch that is being loaded.
    fn stretch(&self) -> Stretch {
        self.marker.stretches.last().copied().unwrap_or(Stretch { from_us: 0, to_us: 0, loaded: true })
    }

    /// Plans the stretch that is missing.
    async fn begin(&mut self, now: Timestamp) -> Result<(), Error> {
        let to_us = now.micros();
        let from_us = match self.marker.stretches.last() {
            None => self.traffic.start_us,
            Some(last) => {
                let row = resume::last_row(&self.parts.query, last.to_us).await?;
                let after = row.map_or(last.to_us, |row| row.micros() + 1).max(last.to_us);
                after.max(to_us - i64::from(self.marker.settings().days) * 86_400_000_000)
            }
        };
        self.marker.adopt();
        self.marker.stretches.push(Stretch { from_us, to_us: to_us.max(from_us), loaded: false });
        self.write_marker().await
    }

    /// What a load that was cut off has brought into the store.
    async fn find_loaded(&self, simulation: &Simulation) -> Result<Loaded, Error> {
        if !self.marker.is_ours() {
            return Err(Error::Begun { folder: self.parts.folder.clone() });
        }
        let (simulation, to_us) = (simulation.clone(), self.stretch().to_us);
        let probes =
            tokio::task::spawn_blocking(move || resume::probes(simulation, to_us)).await.map_err(Error::task)?;
        resume::find(&self.parts.query, &probes, to_us).await
    }

    async fn change(&mut self, change: impl FnOnce(&mut Stretch)) -> Result<(), Error> {
        if let Some(last) = self.marker.stretches.last_mut() {
            change(last);
        }
        self.write_marker().await
    }

    async fn write_marker(&self) -> Result<(), Error> {
        let (marker, folder) = (self.marker.clone(), self.parts.folder.clone());
        tokio::task::spawn_blocking(move || marker.write(&folder)).await.map_err(Error::task)?
    }

    /// Makes and appends the rows up to the stretch's end, and gives the simulation back.
    async fn append(
        &self,
        simulation: Simulation,
        loaded: Loaded,
        progress: &mut Progress,
        told: &impl Fn(Progress),
        stop: &CancellationToken,
    ) -> Result<Simulation, Error> {
        let (sender, mut groups) = channel(GROUPS_AHEAD);
        let rows = Rows::new(Arc::clone(&self.traffic), &self.parts.books, &self.parts.place)?;
        let making = Groups { simulation, rows, loaded, to_us: self.stretch().to_us };
        let made = tokio::task::spawn_blocking(move || make(making, &sender));
        let written = self.write(&mut groups, progress, told, stop).await;
        // Whoever makes rows ends when nobody takes them.
        drop(groups);
        let simulation = made.await.map_err(Error::task)??;
        written.map(|()| simulation)
    }

    async fn write(
        &self,
        groups: &mut Receiver<Records>,
        progress: &mut Progress,
        told: &impl Fn(Progress),
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        told(*progress);
        let mut next = groups.recv().await;
        while let Some(records) = next {
            let slot = self.room(size_of(&records), stop).await?;
            next = groups.recv().await;
            progress.invocations += records.invocations.len() as u64;
            progress.rows += records.len() as u64;
            // With the last one all are on disk, and the marker may say so.
            if next.is_some() { slot.append(records).await } else { slot.append_durable(records).await }?;
            told(*progress);
        }
        Ok(())
    }

    /// Waits for room. Half of the buffer is left to the calls that come meanwhile.
    async fn room(&self, bytes: u64, stop: &CancellationToken) -> Result<store::Slot, Error> {
        loop {
            if stop.is_cancelled() {
                return Err(Error::Stopped);
            }
            let status = self.parts.store.status();
            if status.buffered_bytes + bytes <= status.buffer_limit_bytes / 2 || status.buffered_bytes == 0 {
                match self.parts.store.reserve(bytes) {
                    Err(store::Error::Full { .. } | store::Error::Slots { .. }) => {}
                    other => return Ok(other?),
                }
            }
            tokio::time::sleep(ROOM_WAIT).await;
        }
    }
}

/// Makes the groups to the end, and gives the simulation back; ends early when nobody takes them.
fn make(mut making: Groups, groups: &Sender<Records>) -> Result<Simulation, Error> {
    while let Some(records) = making.make()? {
        if groups.blocking_send(records).is_err() {
            break;
        }
    }
    Ok(making.simulation)
}

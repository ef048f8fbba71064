//! Owns the store's life: opening it, the committer's loop, closing it.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use futures::future::try_join_all;
use object_store::ObjectStore;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{error, info};

use crate::clock::Clock;
use crate::units::Timestamp;

use super::budget::Budget;
use super::committer::{Committer, Request};
use super::delta::{DeltaTable, SyncedFolder};
use super::handle::{Answer, Shared};
use super::live::Live;
use super::maintain::{Ceiling, Maintainer};
use super::rollup::Rollups;
use super::status::Counters;
use super::tables::last_ingested;
use super::wal::{self, Command, Fault, Replayed, Stream, Syncer, Writer, WriterConfig};
use super::{Config, DataFile, Error, Handle, Table};

/// Attempts at the last commit, before the rows are left to the next start.
const LAST_ATTEMPTS: u32 = 3;
/// Flushes that may wait for the committer.
const FLUSHES: usize = 64;

/// Owns the log's threads and the committer. Dropping it without `run` leaves the rows in the log, for the next start.
pub struct Service {
    config: Config,
    committer: Committer,
    flushes: tokio::sync::mpsc::Receiver<Answer>,
    maintainer: Maintainer,
    requests: tokio::sync::mpsc::Receiver<Request>,
    full: Arc<Notify>,
    _log: LogThread,
    _lock: File,
}

/// The log's thread; dropping this ends it, after what it was told before.
struct LogThread {
    commands: mpsc::Sender<Command>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for LogThread {
    fn drop(&mut self) {
        // It fails when the thread has ended already.
        let _ = self.commands.send(Command::Stop);
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            error!("the thread that writes the log panicked");
        }
    }
}

impl Service {
    /// Opens or creates the store: locks the folder, opens tables, replays the log.
    pub async fn open(config: Config, clock: Clock) -> Result<(Self, Handle), Error> {
        let wal = config.dir.join("wal");
        make_folder(&wal)?;
        let lock = lock(&config.dir)?;
        let mut rng = StdRng::from_os_rng();
        let maintenance_rng = StdRng::from_rng(&mut rng);
        let stream = wal::stream_id(&wal, &mut rng)?;
        let object_store = object_store(&config)?;
        let rollups = Arc::new(Rollups::new(Arc::clone(&object_store)));
        let tables = open_tables(&object_store, &rollups, stream, &clock).await?;
        rollups.recover(&tables[Table::Invocations.index()].files()).await?;
        let watermarks = tables.each_ref().map(DeltaTable::watermark);
        let found = replay(&wal, stream, watermarks).await?;
        let live = Arc::new(Live::new(tables.each_ref().map(DeltaTable::files)));
        let budget = Arc::new(Budget::new(config.buffer_bytes, config.max_slots));
        let ingested_at = newest(&tables, &found);
        // A number that a table has committed is never given again, or rows under it would be taken for committed.
        let last = found.last().map_or(0, |last| last.segment.seq).max(watermarks.into_iter().max().unwrap_or(0));
        restore(found, &budget, &live);
        let segment = Writer::create_segment(&wal, &stream, last + 1)?;
        let (fault, full) = (Arc::<Fault>::default(), Arc::new(Notify::new()));
        let counters = Arc::new(Counters::default());
        let ceiling = Arc::new(Ceiling::new(&config, Arc::clone(&live)));
        let sync_interval = config.wal_sync_interval;
        let syncer =
            Syncer::start(&wal, sync_interval, Arc::clone(&fault)).map_err(|source| Error::io(&wal, source))?;
        let writer = WriterConfig {
            wal: wal.clone(),
            stream,
            sync: config.wal_sync,
            segment_bytes: config.segment_bytes,
            clock: clock.clone(),
            live: Arc::clone(&live),
            budget: Arc::clone(&budget),
            fault: Arc::clone(&fault),
            full: Arc::clone(&full),
            rows_appended: Arc::clone(&counters.rows_appended),
            ingested_at,
        };
        let log = start_log(Writer::new(writer, segment, syncer)?).map_err(|source| Error::io(&wal, source))?;
        let (flush, flushes) = tokio::sync::mpsc::channel(FLUSHES);
        let commands = log.commands.clone();
        let committer = Committer {
            wal,
            tables,
            commands: commands.clone(),
            live: Arc::clone(&live),
            budget: Arc::clone(&budget),
            counters: Arc::clone(&counters),
            rng,
            failures: 0,
        };
        let (request, requests) = tokio::sync::mpsc::channel(1);
        let (round, rounds) = tokio::sync::mpsc::channel(FLUSHES);
        let shared = Shared {
            commands,
            flushes: flush,
            rounds: round,
            budget,
            live,
            fault,
            ceiling,
            counters,
            object_store,
            rollups,
        };
        let maintainer = Maintainer::new(config.clone(), clock, &shared, request, rounds, maintenance_rng);
        let service = Self { config, committer, flushes, maintainer, requests, full, _log: log, _lock: lock };
        Ok((service, Handle(Arc::new(shared))))
    }

    /// Commits periodically until `shutdown`, then flushes and closes. An error says that the last flush failed: its rows
    /// are in the log, and are committed after the next start.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Error> {
        // The lock goes last, after the thread that writes the log.
        let Self { _lock, _log, config, mut committer, mut flushes, maintainer, mut requests, full } = self;
        let stop_maintenance = shutdown.child_token();
        let _stopped_if_dropped = stop_maintenance.clone().drop_guard();
        let maintenance = AbortOnDropHandle::new(tokio::spawn(maintainer.run(stop_maintenance)));
        let mut ticks = interval(config.commit_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is at once: what the last run left in the log is committed then. Failures are counted and logged
        // where they happen.
        ticks.tick().await;
        let _ = committer.commit().await;
        while !shutdown.is_cancelled() {
            let wait = committer.wait();
            let retry = async {
                match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            let _ = tokio::select! {
                () = shutdown.cancelled() => Ok(()),
                () = retry => committer.flush().await,
                _ = ticks.tick(), if wait.is_none() => committer.flush().await,
                () = full.notified(), if wait.is_none() => committer.commit().await,
                Some(done) = flushes.recv() => {
                    // Whoever gave up waiting needs no answer.
                    let _ = done.send(committer.flush().await);
                    Ok(())
                }
                Some(request) = requests.recv() => {
                    committer.answer(request).await;
                    Ok(())
                }
            };
        }
        // Whoever waits for an answer gets none, and ends.
        drop((requests, flushes));
        if maintenance.await.is_err() {
            error!("the maintenance of the tables panicked");
        }
        close(committer).await
    }
}

async fn close(mut committer: Committer) -> Result<(), Error> {
    let mut result = committer.flush().await;
    for _ in 1..LAST_ATTEMPTS {
        let Some(wait) = committer.wait() else { break };
        tokio::time::sleep(wait).await;
        result = committer.flush().await;
    }
    result
}

fn make_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|source| Error::io(path, source))
}

fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join("lock");
    let open = File::options().create(true).truncate(false).write(true).open(&path);
    let file = open.map_err(|source| Error::io(&path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(Error::io(&path, source)),
    }
}

fn object_store(config: &Config) -> Result<Arc<dyn ObjectStore>, Error> {
    if let Some(store) = &config.object_store {
        return Ok(Arc::clone(store));
    }
    let path = config.dir.join("tables");
    make_folder(&path)?;
    let folder = SyncedFolder::new(&path).map_err(|error| Error::io(&path, std::io::Error::other(error)))?;
    Ok(Arc::new(folder))
}

async fn open_tables(
    object_store: &Arc<dyn ObjectStore>,
    rollups: &Arc<Rollups>,
    stream: Stream,
    clock: &Clock,
) -> Result<[DeltaTable; 4], Error> {
    let open =
        |table| DeltaTable::open(table, Arc::clone(object_store), Arc::clone(rollups), stream.app_id(), clock.clone());
    let opened = Box::pin(try_join_all(Table::ALL.map(open))).await?;
    opened.try_into().map_err(|_| Error::Internal("four tables are four".to_owned()))
}

async fn replay(wal: &Path, stream: Stream, watermarks: [u64; 4]) -> Result<Vec<Replayed>, Error> {
    let wal = wal.to_owned();
    let reading = tokio::task::spawn_blocking(move || wal::replay(&wal, &stream, watermarks));
    let found = reading.await.map_err(|error| Error::Internal(format!("replay of the log: {error}")))??;
    if !found.is_empty() {
        let rows =
            found.iter().flat_map(|found| found.rows.iter().flatten()).map(|rows| rows.num_rows()).sum::<usize>();
        info!(segments = found.len(), rows, "replayed the log");
    }
    Ok(found)
}

fn restore(found: Vec<Replayed>, budget: &Budget, live: &Live) {
    for Replayed { segment, rows } in found {
        budget.hold(segment.bytes);
        live.restore(segment, rows);
    }
}

/// The greatest `ingested_at` in tables and log.
fn newest(tables: &[DeltaTable; 4], found: &[Replayed]) -> Timestamp {
    let files = tables.iter().flat_map(|table| table.files().iter().map(DataFile::last_ingested).collect::<Vec<_>>());
    let rows = found.iter().flat_map(|found| found.rows.iter().flatten()).map(last_ingested);
    Timestamp::from_micros(files.chain(rows).flatten().max().unwrap_or(0))
}

fn start_log(writer: Writer) -> std::io::Result<LogThread> {
    let (commands, received) = mpsc::channel();
    let thread = std::thread::Builder::new().name("faremeter-wal".to_owned());
    let thread = Some(thread.spawn(move || writer.run(&received))?);
    Ok(LogThread { commands, thread })
}

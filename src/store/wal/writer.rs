//! Owns the log's one writing thread: group commit, the order of groups, and the change from one segment to the next. The
//! disk is waited for by `sync`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;

use tokio::sync::{Notify, oneshot};
use tracing::warn;

use crate::clock::Clock;
use crate::model::Records;
use crate::store::budget::{Budget, Reservation};
use crate::store::live::{self, Live};
use crate::store::tables::merge;
use crate::store::{Error, WalSync};
use crate::units::Timestamp;

use super::codec::Encoder;
use super::sync::Waiter;
use super::{Fault, Segment, Stream, Syncer, frame, header};

/// Waiting groups are written as one until they have so many rows together.
const MERGED_ROWS: usize = 16_384;
/// The frame's buffer is given back to the system when one group made it larger than this.
const KEPT_BYTES: usize = 4 << 20;

/// What the thread is told, in order.
pub(crate) enum Command {
    Append(Group),
    /// Seals the active segment, if it has rows, and answers.
    Seal(oneshot::Sender<()>),
    /// Ends the thread.
    Stop,
}

/// Records that are written whole or not at all.
pub(crate) struct Group {
    pub(crate) records: Records,
    /// Held until the rows are counted as waiting for their commit.
    pub(crate) reservation: Reservation,
    /// Whether the answer waits for the disk.
    pub(crate) durable: bool,
    /// None when nobody waits.
    pub(crate) done: Option<Waiter>,
}

/// What the thread works with.
pub(crate) struct WriterConfig {
    pub(crate) wal: PathBuf,
    pub(crate) stream: Stream,
    pub(crate) sync: WalSync,
    pub(crate) segment_bytes: u64,
    pub(crate) clock: Clock,
    pub(crate) live: Arc<Live>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) fault: Arc<Fault>,
    /// Told when a segment is full.
    pub(crate) full: Arc<Notify>,
    pub(crate) rows_appended: Arc<AtomicU64>,
    /// The greatest `ingested_at` that was ever given.
    pub(crate) ingested_at: Timestamp,
}

/// The thread's state.
pub(crate) struct Writer {
    config: WriterConfig,
    segment: Segment,
    syncer: Syncer,
    encoder: Encoder,
    frame: Vec<u8>,
    ingested_at: Timestamp,
    /// Bytes of the buffer that the segment's rows hold.
    held_bytes: u64,
}

impl Writer {
    /// Takes over a segment that has been created.
    pub(crate) fn new(config: WriterConfig, segment: Segment, syncer: Syncer) -> Result<Self, Error> {
        syncer.created(&segment.file);
        let ingested_at = config.ingested_at;
        Ok(Self { config, segment, syncer, encoder: Encoder::new()?, frame: Vec::new(), ingested_at, held_bytes: 0 })
    }

    /// Makes the file of segment `seq`.
    pub(crate) fn create_segment(wal: &std::path::Path, stream: &Stream, seq: u64) -> Result<Segment, Error> {
        let header = header::encode(stream, seq)?;
        Segment::create(wal, seq, &header).map_err(|source| Error::io(wal, source))
    }

    /// Works until it is told to stop, or nobody is left to tell it anything.
    pub(crate) fn run(mut self, commands: &Receiver<Command>) {
        let fault = Arc::clone(&self.config.fault);
        let _guard = fault.on_panic("the thread that writes the log panicked");
        let mut next = None;
        while let Some(command) = next.take().or_else(|| commands.recv().ok()) {
            match command {
                Command::Append(group) => {
                    let mut groups = vec![group];
                    next = gather(commands, &mut groups);
                    self.append(groups);
                }
                Command::Seal(done) => {
                    self.seal();
                    // The committer may have been dropped meanwhile.
                    let _ = done.send(());
                }
                Command::Stop => return,
            }
        }
    }

    fn append(&mut self, groups: Vec<Group>) {
        match self.write(&groups) {
            Ok(bytes) => {
                self.config.budget.hold(bytes);
                self.held_bytes += bytes;
                self.acknowledge(groups);
                if let Err(error) = self.config.live.compact() {
                    warn!(%error, "cannot join small batches; queries are slower until the next commit");
                }
                if self.held_bytes >= self.config.segment_bytes {
                    self.seal();
                    self.config.full.notify_one();
                }
            }
            Err(why) => {
                let faulty = self.config.fault.get().is_some();
                let error =
                    |why: &String| if faulty { Error::Faulty(why.clone()) } else { Error::Internal(why.clone()) };
                for waiter in groups.into_iter().filter_map(|group| group.done) {
                    // Whoever gave up waiting needs no answer.
                    let _ = waiter.send(Err(error(&why)));
                }
            }
        }
    }

    /// Writes the groups as one frame and shows their rows. Returns how much room of the buffer they take.
    fn write(&mut self, groups: &[Group]) -> Result<u64, String> {
        if let Some(why) = self.config.fault.get() {
            return Err(why);
        }
        self.ingested_at = self.config.clock.now().max(Timestamp::from_micros(self.ingested_at.micros() + 1));
        let rows = merge(groups.iter().map(|group| &group.records), self.ingested_at);
        frame::begin(&mut self.frame);
        let bytes = self.encoder.encode(&rows, &mut self.frame).map_err(|error| error.to_string())?;
        if !frame::finish(&mut self.frame) {
            return Err(format!("a group of {} bytes does not fit into a frame", self.frame.len()));
        }
        if let Err(error) = self.segment.append(&self.frame) {
            let why = format!("cannot write the log: {error}");
            self.config.fault.set(why.clone());
            return Err(why);
        }
        self.config.live.append(rows);
        let rows = groups.iter().map(|group| group.records.len() as u64).sum();
        self.config.rows_appended.fetch_add(rows, Ordering::Relaxed);
        if self.frame.capacity() > KEPT_BYTES {
            self.frame = Vec::new();
        }
        Ok(bytes)
    }

    /// Answers those who do not wait for the disk, and hands the others on.
    fn acknowledge(&self, groups: Vec<Group>) {
        let always = self.config.sync == WalSync::Always;
        let mut durable = Vec::new();
        for Group { reservation, durable: waits, done, .. } in groups {
            drop(reservation);
            match done {
                Some(waiter) if waits || always => durable.push(waiter),
                // Whoever gave up waiting needs no answer.
                Some(waiter) => drop(waiter.send(Ok(()))),
                None => {}
            }
        }
        self.syncer.written(&self.segment.file, durable);
    }

    /// Counts the segment as sealed and begins the next. Without rows it goes on.
    fn seal(&mut self) {
        if !self.segment.has_rows {
            return;
        }
        let sealed = live::Segment { seq: self.segment.seq, bytes: std::mem::take(&mut self.held_bytes) };
        // After a fault nothing follows, but what was acknowledged is committed all the same.
        self.segment.has_rows = false;
        if self.config.fault.get().is_none() {
            match self.next_segment() {
                Ok(segment) => {
                    self.syncer.created(&segment.file);
                    self.segment = segment;
                }
                Err(error) => self.config.fault.set(format!("cannot begin a segment of the log: {error}")),
            }
        }
        self.config.live.seal(sealed);
    }

    /// The old segment is synced before the new one exists, so that after a power cut only the last can be torn.
    fn next_segment(&self) -> Result<Segment, Error> {
        self.segment.file.sync_data().map_err(|source| Error::io(&self.config.wal, source))?;
        Self::create_segment(&self.config.wal, &self.config.stream, self.segment.seq + 1)
    }
}

/// Takes the appends that wait already. Returns the first command that is none, if there is one.
fn gather(commands: &Receiver<Command>, groups: &mut Vec<Group>) -> Option<Command> {
    let mut rows = groups.iter().map(|group| group.records.len()).sum::<usize>();
    while rows < MERGED_ROWS {
        match commands.try_recv() {
            Ok(Command::Append(group)) => {
                rows += group.records.len();
                groups.push(group);
            }
            Ok(other) => return Some(other),
            Err(_) => return None,
        }
    }
    None
}

//! Frames, headers, replay, and the writing thread when the disk fails.

use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use proptest::prelude::*;
use tokio::sync::{Notify, oneshot};

use super::codec::{Encoder, decode};
use super::segment::path;
use super::*;
use crate::clock::Clock;
use crate::model::Records;
use crate::store::budget::Budget;
use crate::store::live::Live;
use crate::store::tables::merge;
use crate::store::tests::fixtures::Fixtures;
use crate::store::{Error, Table, WalSync};
use crate::units::Timestamp;

const STREAM: Stream = Stream::from_bytes([7; 16]);

fn frame_of(records: &Records) -> Vec<u8> {
    let mut frame = Vec::new();
    frame::begin(&mut frame);
    Encoder::new().unwrap().encode(&merge([records], Timestamp::from_micros(1)), &mut frame).unwrap();
    assert!(frame::finish(&mut frame));
    frame
}

/// A segment as a program wrote it whose invocations had the columns that `rows` have.
pub(crate) fn write_older(wal: &Path, stream: &Stream, seq: u64, rows: arrow::record_batch::RecordBatch) {
    let mut schemas = Table::ALL.map(Table::schema);
    schemas[Table::Invocations.index()] = rows.schema();
    let header = header::encode_with(stream, seq, &schemas).unwrap();
    let mut frame = Vec::new();
    frame::begin(&mut frame);
    Encoder::new().unwrap().encode(&[Some(rows), None, None, None], &mut frame).unwrap();
    assert!(frame::finish(&mut frame));
    Segment::create(wal, seq, &header).unwrap().append(&frame).unwrap();
}

/// A segment of the given groups, and where its frames begin; the end last.
fn write(wal: &Path, seq: u64, groups: &[Records]) -> Vec<usize> {
    let mut segment = Writer::create_segment(wal, &STREAM, seq).unwrap();
    let mut starts = vec![segment.bytes as usize];
    for group in groups {
        segment.append(&frame_of(group)).unwrap();
        starts.push(segment.bytes as usize);
    }
    starts
}

fn rows(found: &[Replayed]) -> [usize; 4] {
    let count = |at: usize| found.iter().flat_map(|found| &found.rows[at]).map(|rows| rows.num_rows()).sum();
    std::array::from_fn(count)
}

proptest! {
    #[test]
    fn rows_come_back_from_a_frame_as_they_went_in(seeds in prop::collection::vec(any::<u64>(), 1..5)) {
        let groups: Vec<Records> = seeds.into_iter().map(|seed| Fixtures::new(seed).some()).collect();
        let rows = merge(&groups, Timestamp::from_micros(1_000));
        let mut frame = Vec::new();
        frame::begin(&mut frame);
        Encoder::new().unwrap().encode(&rows, &mut frame).unwrap();
        prop_assert!(frame::finish(&mut frame));
        let frame::Found::Frame(payload) = frame::read(&frame) else { panic!("not a frame") };
        prop_assert_eq!(decode(payload, &Table::ALL.map(Table::schema)).unwrap(), rows);
        prop_assert_eq!(frame::length(payload), frame.len());
    }
}

#[test]
fn many_rows_are_compressed_and_come_back() {
    let rows = merge(&[Fixtures::new(5).records([600, 600, 600, 600])], Timestamp::from_micros(1_000));
    let mut payload = Vec::new();
    let bytes = Encoder::new().unwrap().encode(&rows, &mut payload).unwrap();
    assert!((payload.len() as u64) < bytes, "{} of {bytes} bytes", payload.len());
    assert_eq!(decode(&payload, &Table::ALL.map(Table::schema)).unwrap(), rows);
}

#[test]
fn a_last_frame_that_was_cut_off_anywhere_is_cut_away() {
    let dir = tempfile::tempdir().unwrap();
    let mut fixtures = Fixtures::new(1);
    let starts = write(dir.path(), 1, &[fixtures.records([2, 1, 0, 0]), fixtures.records([1, 0, 0, 0])]);
    let whole = fs::read(path(dir.path(), 1)).unwrap();
    for length in starts[1]..starts[2] {
        fs::write(path(dir.path(), 1), &whole[..length]).unwrap();
        let found = replay(dir.path(), &STREAM, [0; 4]).unwrap();
        assert_eq!(rows(&found), [2, 1, 0, 0], "cut at {length}");
        assert_eq!(fs::metadata(path(dir.path(), 1)).unwrap().len(), starts[1] as u64);
    }
    // What a file system may leave after a power cut: the length, but not the bytes.
    let mut zeroed = whole.clone();
    zeroed[starts[1] + 5..].fill(0);
    fs::write(path(dir.path(), 1), &zeroed).unwrap();
    assert_eq!(rows(&replay(dir.path(), &STREAM, [0; 4]).unwrap()), [2, 1, 0, 0]);
    fs::write(path(dir.path(), 1), &whole).unwrap();
    assert_eq!(rows(&replay(dir.path(), &STREAM, [0; 4]).unwrap()), [3, 1, 0, 0]);
}

#[test]
fn a_segment_that_was_cut_off_in_its_header_is_deleted_if_it_is_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let starts = write(dir.path(), 1, &[]);
    let whole = fs::read(path(dir.path(), 1)).unwrap();
    for length in [0, 1, 19, 20, 100, starts[0] - 1] {
        fs::write(path(dir.path(), 1), &whole[..length]).unwrap();
        assert!(replay(dir.path(), &STREAM, [0; 4]).unwrap().is_empty());
        assert!(!path(dir.path(), 1).exists());
    }
    fs::write(path(dir.path(), 1), &whole[..20]).unwrap();
    write(dir.path(), 2, &[]);
    assert!(matches!(replay(dir.path(), &STREAM, [0; 4]), Err(Error::CorruptLog { offset: 0, .. })));
}

#[test]
fn damage_before_the_last_frame_is_refused_wherever_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut fixtures = Fixtures::new(2);
    let starts = write(dir.path(), 1, &[fixtures.records([1, 0, 0, 0]), fixtures.records([0, 0, 1, 0])]);
    let whole = fs::read(path(dir.path(), 1)).unwrap();
    for at in (0..starts[1]).step_by(7) {
        let mut bad = whole.clone();
        bad[at] ^= 0x40;
        fs::write(path(dir.path(), 1), &bad).unwrap();
        let expected = if at < starts[0] { 0 } else { starts[0] as u64 };
        match replay(dir.path(), &STREAM, [0; 4]) {
            Err(Error::CorruptLog { path: found, offset, .. }) => {
                assert_eq!((found, offset), (path(dir.path(), 1), expected), "damaged at {at}");
            }
            other => panic!("damaged at {at}: {:?}", other.map(|found| rows(&found))),
        }
        assert_eq!(fs::read(path(dir.path(), 1)).unwrap(), bad, "left as it is");
    }
}

#[test]
fn an_older_segment_may_not_be_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let starts = write(dir.path(), 1, &[Fixtures::new(3).records([1, 1, 1, 1])]);
    write(dir.path(), 2, &[]);
    let whole = fs::read(path(dir.path(), 1)).unwrap();
    fs::write(path(dir.path(), 1), &whole[..whole.len() - 1]).unwrap();
    let Err(Error::CorruptLog { offset, .. }) = replay(dir.path(), &STREAM, [0; 4]) else { panic!("not refused") };
    assert_eq!(offset, starts[0] as u64);
}

#[test]
fn another_logs_segment_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 1, &[]);
    let other = Stream::from_bytes([8; 16]);
    let Err(error) = replay(dir.path(), &other, [0; 4]) else { panic!("not refused") };
    assert!(error.to_string().contains(&STREAM.to_string()), "{error}");
    fs::rename(path(dir.path(), 1), path(dir.path(), 3)).unwrap();
    let Err(error) = replay(dir.path(), &STREAM, [0; 4]) else { panic!("not refused") };
    assert!(error.to_string().ends_with("the segment says that it is number 1"), "{error}");
}

#[test]
fn rows_below_a_tables_watermark_are_not_shown_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut fixtures = Fixtures::new(4);
    for seq in 1..=3 {
        write(dir.path(), seq, &[fixtures.records([1, 1, 1, 1]), fixtures.records([1, 1, 1, 1])]);
    }
    assert_eq!(rows(&replay(dir.path(), &STREAM, [0, 1, 2, 3]).unwrap()), [6, 4, 2, 0]);
}

#[test]
fn the_streams_id_is_made_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(1);
    let first = stream_id(dir.path(), &mut rng).unwrap();
    assert_eq!(stream_id(dir.path(), &mut rng).unwrap(), first);
    fs::write(dir.path().join("stream"), "+123").unwrap();
    assert!(matches!(stream_id(dir.path(), &mut rng), Err(Error::CorruptLog { .. })));
}

/// A writing thread on the given segment.
fn thread(wal: &Path, segment: Segment) -> (std::sync::mpsc::Sender<Command>, Arc<Live>, Arc<Budget>, Arc<Fault>) {
    let (live, budget) = (Arc::new(Live::new(Default::default())), Arc::new(Budget::new(1 << 20, 100)));
    let fault = Arc::<Fault>::default();
    let syncer = Syncer::start(wal, Duration::from_millis(1), Arc::clone(&fault)).unwrap();
    let config = WriterConfig {
        wal: wal.to_owned(),
        stream: STREAM,
        sync: WalSync::Interval,
        segment_bytes: 1 << 20,
        clock: Clock::system(),
        live: Arc::clone(&live),
        budget: Arc::clone(&budget),
        fault: Arc::clone(&fault),
        full: Arc::new(Notify::new()),
        rows_appended: Arc::new(AtomicU64::new(0)),
        ingested_at: Timestamp::from_micros(0),
    };
    let (commands, received) = std::sync::mpsc::channel();
    let writer = Writer::new(config, segment, syncer).unwrap();
    std::thread::spawn(move || writer.run(&received));
    (commands, live, budget, fault)
}

fn send(commands: &std::sync::mpsc::Sender<Command>, budget: &Arc<Budget>) -> Result<(), Error> {
    let (done, answer) = oneshot::channel();
    let records = Fixtures::new(1).records([1, 0, 0, 0]);
    let reservation = budget.reserve(1_000).unwrap();
    commands.send(Command::Append(Group { records, reservation, durable: true, done: Some(done) })).unwrap();
    answer.blocking_recv().unwrap()
}

#[test]
fn a_full_disk_fails_the_group_and_all_that_follow() {
    let dir = tempfile::tempdir().unwrap();
    let file = Arc::new(OpenOptions::new().write(true).open("/dev/full").unwrap());
    let (commands, live, budget, fault) = thread(dir.path(), Segment { seq: 1, bytes: 0, has_rows: false, file });
    for _ in 0..2 {
        let Err(Error::Faulty(why)) = send(&commands, &budget) else { panic!("written to a full disk") };
        assert!(why.contains("No space left on device"), "{why}");
    }
    assert!(fault.get().is_some());
    assert_eq!((live.view(Table::Invocations).1.len(), budget.used()), (0, 0));
}

#[test]
fn rows_that_were_acknowledged_are_still_committed_after_a_fault() {
    let dir = tempfile::tempdir().unwrap();
    let wal = dir.path().join("wal");
    fs::create_dir(&wal).unwrap();
    let segment = Writer::create_segment(&wal, &STREAM, 1).unwrap();
    let (commands, live, budget, fault) = thread(&wal, segment);
    send(&commands, &budget).unwrap();
    // The next segment cannot be made where its name is taken.
    File::create(path(&wal, 2)).unwrap();
    let (done, sealed) = oneshot::channel();
    commands.send(Command::Seal(done)).unwrap();
    sealed.blocking_recv().unwrap();
    assert!(fault.get().is_some());
    let waiting = live.waiting(Table::Invocations, 1);
    assert_eq!((waiting.len(), waiting[0].seq, waiting[0].bytes), (1, 1, budget.used()));
    assert!(matches!(send(&commands, &budget), Err(Error::Faulty(_))));
    assert_eq!(fs::read_dir(&wal).unwrap().count(), 2);
}

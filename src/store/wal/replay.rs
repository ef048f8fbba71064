//! Owns the reading of the log at start: which segments are there, their rows, and the cut of a torn tail. It refuses a log
//! that is damaged in any other way, rather than lose what was acknowledged.

use std::fs::{self, File};
use std::path::Path;

use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use tracing::warn;

use crate::store::live::Segment;
use crate::store::{Error, Table};

use super::frame::{self, Found};
use super::header::{self, Header};
use super::segment::{list, path};
use super::{Stream, codec};

/// One segment as it was found.
pub(crate) struct Replayed {
    pub(crate) segment: Segment,
    /// The rows of each table that are above the table's watermark, in one batch if any.
    pub(crate) rows: [Vec<RecordBatch>; 4],
}

/// Reads every segment, oldest first. Rows at or below a table's watermark are in its files and left out.
pub(crate) fn replay(wal: &Path, stream: &Stream, watermarks: [u64; 4]) -> Result<Vec<Replayed>, Error> {
    let numbers = list(wal).map_err(|source| Error::io(wal, source))?;
    let last = numbers.last().copied();
    let mut segments = Vec::with_capacity(numbers.len());
    for seq in numbers {
        segments.extend(read(wal, seq, stream, watermarks, Some(seq) == last)?);
    }
    Ok(segments)
}

fn read(wal: &Path, seq: u64, stream: &Stream, watermarks: [u64; 4], last: bool) -> Result<Option<Replayed>, Error> {
    let path = path(wal, seq);
    let bytes = fs::read(&path).map_err(|source| Error::io(&path, source))?;
    let damaged =
        |offset: usize, reason: String| Error::CorruptLog { path: path.clone(), offset: offset as u64, reason };
    let (schemas, mut at) = match header::read(&bytes) {
        header::Found::Header(header, length) => (check(header, seq, stream).map_err(|why| damaged(0, why))?, length),
        header::Found::Torn if last && !frame::frame_behind(&bytes) => {
            warn!(segment = %path.display(), bytes = bytes.len(), "a segment of the log was cut off when it was begun: deleted");
            fs::remove_file(&path).map_err(|source| Error::io(&path, source))?;
            return Ok(None);
        }
        header::Found::Torn => return Err(damaged(0, "the header is cut off, and more follows".to_owned())),
        header::Found::Damaged(reason) => return Err(damaged(0, reason)),
    };
    let mut rows = <[Vec<RecordBatch>; 4]>::default();
    loop {
        match frame::read(&bytes[at..]) {
            Found::End => break,
            Found::Frame(payload) => {
                let found = codec::decode(payload, &schemas).map_err(|error| damaged(at, error.to_string()))?;
                for ((kept, found), watermark) in rows.iter_mut().zip(found).zip(watermarks) {
                    kept.extend(found.filter(|_| seq > watermark));
                }
                at += frame::length(payload);
            }
            Found::Torn if last => {
                warn!(segment = %path.display(), bytes = bytes.len() - at, "the log's last write was cut off: cut from the segment");
                truncate(&path, at).map_err(|source| Error::io(&path, source))?;
                break;
            }
            Found::Torn => return Err(damaged(at, "the frame is cut off, and newer segments follow".to_owned())),
            Found::Damaged(reason) => return Err(damaged(at, reason.to_owned())),
        }
    }
    let rows = join(rows)?;
    let bytes = rows.iter().flatten().map(RecordBatch::get_array_memory_size).sum::<usize>() as u64;
    Ok(Some(Replayed { segment: Segment { seq, bytes }, rows }))
}

/// Many frames as one batch for each table.
fn join(frames: [Vec<RecordBatch>; 4]) -> Result<[Vec<RecordBatch>; 4], Error> {
    let mut joined = <[Vec<RecordBatch>; 4]>::default();
    for ((joined, frames), table) in joined.iter_mut().zip(frames).zip(Table::ALL) {
        if !frames.is_empty() {
            joined.push(concat_batches(&table.schema(), &frames)?);
        }
    }
    Ok(joined)
}

fn check(header: Header, seq: u64, stream: &Stream) -> Result<[SchemaRef; 4], String> {
    if header.stream != *stream {
        return Err(format!("the segment is of stream {}, the folder's is {stream}", header.stream));
    }
    if header.seq != seq {
        return Err(format!("the segment says that it is number {}", header.seq));
    }
    Ok(header.schemas)
}

fn truncate(path: &Path, length: usize) -> std::io::Result<()> {
    let file = File::options().write(true).open(path)?;
    file.set_len(length as u64)?;
    file.sync_all()
}

//! Owns the write-ahead log: segments `wal/<number>.wal` of frames, one frame for each group; who writes them, who syncs
//! them, and how they are read again at start. It does not know Delta.
//!
//! A segment begins with a header (magic, format version, the stream's id, the segment's number, the Arrow schema of each
//! table); a frame is a length, checksums and one Arrow IPC record batch for each table that has rows. The schema stands in
//! the header, so that a frame is small, and the log stays readable after a table gained columns. Batches of many rows are
//! compressed: that takes less time than writing them as they are.
//!
//! Not the IPC stream format as it is, for that has no checksums and cannot tell a torn write from damage.

mod codec;
mod fault;
mod frame;
mod header;
mod replay;
mod segment;
mod stream;
mod sync;
mod writer;

pub(crate) use fault::Fault;
pub(crate) use replay::{Replayed, replay};
use segment::Segment;
pub(crate) use segment::delete;
pub(crate) use stream::{Stream, stream_id};
pub(crate) use sync::Syncer;
pub(crate) use writer::{Command, Group, Writer, WriterConfig};

#[cfg(test)]
pub(crate) mod tests;

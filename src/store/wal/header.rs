//! Owns the header of a segment: whose it is, its number, and the schemas that its frames are written with.

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use crate::store::Table;

use super::Stream;
use super::codec::{Encoder, decode_schema};

const MAGIC: [u8; 8] = *b"FAREWAL\n";
const VERSION: u32 = 1;
/// Magic, format version, length of the rest, checksum of the rest.
const PREFIX_BYTES: usize = 20;

/// What a segment's header says.
pub(super) struct Header {
    pub(super) stream: Stream,
    pub(super) seq: u64,
    pub(super) schemas: [SchemaRef; 4],
}

/// What is at the beginning of a segment.
pub(super) enum Found {
    /// A header and its length.
    Header(Header, usize),
    /// Less than a header: the segment was cut off when it was begun, so no group can be in it.
    Torn,
    /// No header of ours.
    Damaged(String),
}

/// Makes the header of a segment that is written with the schemas of today.
pub(super) fn encode(stream: &Stream, seq: u64) -> Result<Vec<u8>, ArrowError> {
    encode_with(stream, seq, &Table::ALL.map(Table::schema))
}

/// Makes the header of a segment.
pub(super) fn encode_with(stream: &Stream, seq: u64, schemas: &[SchemaRef; 4]) -> Result<Vec<u8>, ArrowError> {
    let mut body = Vec::new();
    body.extend(stream.bytes());
    body.extend(seq.to_le_bytes());
    let mut encoder = Encoder::new()?;
    for schema in schemas {
        let schema = encoder.schema(schema);
        body.extend(length(&schema).to_le_bytes());
        body.extend(schema);
    }
    let mut header = Vec::with_capacity(PREFIX_BYTES + body.len());
    header.extend(MAGIC);
    header.extend(VERSION.to_le_bytes());
    header.extend(length(&body).to_le_bytes());
    header.extend(crc32fast::hash(&body).to_le_bytes());
    header.extend(body);
    Ok(header)
}

/// Reads the header at the beginning of a segment.
pub(super) fn read(segment: &[u8]) -> Found {
    let Some((prefix, rest)) = segment.split_at_checked(PREFIX_BYTES) else { return Found::Torn };
    if segment.iter().all(|byte| *byte == 0) {
        return Found::Torn;
    }
    let number = |at: usize| u32::from_le_bytes([prefix[at], prefix[at + 1], prefix[at + 2], prefix[at + 3]]);
    if prefix[..8] != MAGIC {
        return Found::Damaged("this is not a segment of the log".to_owned());
    }
    if number(8) != VERSION {
        return Found::Damaged(format!("format version {} is unknown, {VERSION} is known", number(8)));
    }
    let length = number(12) as usize;
    let Some(body) = rest.get(..length) else { return Found::Torn };
    if crc32fast::hash(body) != number(16) {
        return Found::Damaged("the header's checksum is wrong".to_owned());
    }
    match parse(body) {
        Some(header) => Found::Header(header, PREFIX_BYTES + length),
        None => Found::Damaged("the header cannot be read".to_owned()),
    }
}

fn parse(body: &[u8]) -> Option<Header> {
    let (stream, body) = body.split_first_chunk::<16>()?;
    let (seq, mut body) = body.split_first_chunk::<8>()?;
    let mut schemas = Vec::with_capacity(4);
    for _ in Table::ALL {
        let (length, rest) = body.split_first_chunk::<4>()?;
        let (schema, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        schemas.push(decode_schema(schema).ok()?);
        body = rest;
    }
    let stream = Stream::from_bytes(*stream);
    Some(Header { stream, seq: u64::from_le_bytes(*seq), schemas: schemas.try_into().ok()? })
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("four schemas are some kilobytes")
}

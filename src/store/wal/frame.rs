//! Owns the frames around payloads: lengths, checksums, and telling a torn tail from damage. It does no I/O.

/// Begins each frame, so that a good frame behind a bad one can be found.
const MAGIC: [u8; 4] = *b"\xF5rec";
/// Magic, payload length, payload checksum, checksum of the three.
pub(super) const HEADER_BYTES: usize = 16;

/// Begins a frame in `out`; the payload is to follow.
pub(super) fn begin(out: &mut Vec<u8>) {
    out.clear();
    out.extend([0; HEADER_BYTES]);
}

/// Completes the frame that `begin` began. False when the payload is longer than a frame can hold (4 GiB).
pub(super) fn finish(frame: &mut [u8]) -> bool {
    let (header, payload) = frame.split_at_mut(HEADER_BYTES);
    let Ok(length) = u32::try_from(payload.len()) else { return false };
    header[..4].copy_from_slice(&MAGIC);
    header[4..8].copy_from_slice(&length.to_le_bytes());
    header[8..12].copy_from_slice(&crc32fast::hash(payload).to_le_bytes());
    let checksum = crc32fast::hash(&header[..12]);
    header[12..].copy_from_slice(&checksum.to_le_bytes());
    true
}

/// What is at a place in a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A frame, with its payload.
    Frame(&'a [u8]),
    /// Nothing more.
    End,
    /// No whole frame, and none behind it: what a write that was cut off leaves.
    Torn,
    /// No whole frame, but one behind it: damage. Says what is wrong.
    Damaged(&'static str),
}

/// Reads the frame that begins at `bytes`.
pub(super) fn read(bytes: &[u8]) -> Found<'_> {
    if bytes.is_empty() {
        return Found::End;
    }
    match parse(bytes) {
        Ok(payload) => Found::Frame(payload),
        Err(_) if !frame_behind(bytes) => Found::Torn,
        Err(reason) => Found::Damaged(reason),
    }
}

/// The length of a frame with this payload.
pub(super) fn length(payload: &[u8]) -> usize {
    HEADER_BYTES + payload.len()
}

fn parse(bytes: &[u8]) -> Result<&[u8], &'static str> {
    let (header, rest) = bytes.split_at_checked(HEADER_BYTES).ok_or("the frame's header is cut off")?;
    let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if header[..4] != MAGIC || number(12) != crc32fast::hash(&header[..12]) {
        return Err("the frame's header is not one");
    }
    let length = usize::try_from(number(4)).map_err(|_| "the frame is too long for this machine")?;
    let payload = rest.get(..length).ok_or("the frame is cut off")?;
    if number(8) == crc32fast::hash(payload) { Ok(payload) } else { Err("the frame's checksum is wrong") }
}

/// Whether a whole frame begins anywhere behind the first byte.
pub(super) fn frame_behind(bytes: &[u8]) -> bool {
    let starts = |at: &usize| bytes[*at..].starts_with(&MAGIC);
    (1..bytes.len()).filter(starts).any(|at| parse(&bytes[at..]).is_ok())
}

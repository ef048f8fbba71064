//! Tells gzip from what is plain, by how it begins.

/// How gzip begins.
const MARK: [u8; 2] = [0x1f, 0x8b];
/// Bytes that must be there to tell.
pub(super) const MARK_BYTES: usize = MARK.len();

/// Whether these bytes begin as gzip does.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&MARK)
}

//! Owns a segment's file: its name, beginning it, appending to it, deleting it. What the bytes mean is `frame`'s and
//! `header`'s.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The segment that is being written.
pub(crate) struct Segment {
    pub(crate) seq: u64,
    /// Length of what was written whole.
    pub(crate) bytes: u64,
    /// Whether there is anything behind the header.
    pub(crate) has_rows: bool,
    pub(crate) file: Arc<File>,
}

impl Segment {
    /// Begins a segment; its name must be new.
    pub(crate) fn create(wal: &Path, seq: u64, header: &[u8]) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create_new(true).open(path(wal, seq))?;
        (&file).write_all(header)?;
        Ok(Self { seq, bytes: header.len() as u64, has_rows: false, file: Arc::new(file) })
    }

    /// Writes a frame, whole or not at all: what a failed write left is cut off again.
    pub(crate) fn append(&mut self, frame: &[u8]) -> io::Result<()> {
        if let Err(error) = (&*self.file).write_all(frame) {
            // If this fails too, the next start finds a torn tail and cuts it.
            let _ = self.file.set_len(self.bytes);
            return Err(error);
        }
        self.bytes += frame.len() as u64;
        self.has_rows = true;
        Ok(())
    }
}

/// A segment's file.
pub(crate) fn path(wal: &Path, seq: u64) -> PathBuf {
    wal.join(format!("{seq:020}.wal"))
}

/// Deletes a segment whose rows are committed; one that is gone already is well.
pub(crate) fn delete(wal: &Path, seq: u64) -> io::Result<()> {
    match fs::remove_file(path(wal, seq)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The segments in the folder, oldest first. Other files are left alone.
pub(super) fn list(wal: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(wal)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".wal")).filter(|number| number.len() == 20);
        found.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

//! Owns the log's identity: an id that is made once for each data folder, and names the log in Delta's application
//! transactions. Two logs never share one, so that one's segment numbers say nothing about the other's.

use std::fmt;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use rand::RngCore;

use crate::store::Error;

/// The id of one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stream([u8; 16]);

impl Stream {
    pub(super) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> [u8; 16] {
        self.0
    }

    /// The name in Delta's application transactions.
    pub(crate) fn app_id(&self) -> String {
        format!("faremeter-wal-{self}")
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The log's id: `wal/stream`, which is made at the first start.
pub(crate) fn stream_id(wal: &Path, rng: &mut impl RngCore) -> Result<Stream, Error> {
    let path = wal.join("stream");
    match fs::read_to_string(&path) {
        Ok(text) => parse(text.trim()).ok_or_else(|| Error::CorruptLog {
            path,
            offset: 0,
            reason: format!("'{}' is not a stream id of 32 hex digits", text.trim()),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut bytes = [0; 16];
            rng.fill_bytes(&mut bytes);
            create(wal, &path, Stream(bytes)).map_err(|source| Error::io(&path, source))
        }
        Err(source) => Err(Error::io(&path, source)),
    }
}

fn create(wal: &Path, path: &Path, stream: Stream) -> std::io::Result<Stream> {
    let staged = wal.join("stream.new");
    let mut file = File::create(&staged)?;
    writeln!(file, "{stream}")?;
    file.sync_all()?;
    fs::rename(&staged, path)?;
    File::open(wal)?.sync_all()?;
    Ok(stream)
}

fn parse(text: &str) -> Option<Stream> {
    let number = u128::from_str_radix(text, 16).ok()?;
    (text.len() == 32 && !text.starts_with('+')).then_some(Stream(number.to_be_bytes()))
}

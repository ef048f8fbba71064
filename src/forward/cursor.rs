//! Owns the memory of what was handed on: the newest `ingested_at` of each kind, in a small file that is replaced whole.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::units::Timestamp;

use super::Error;
use super::records::Kind;

/// Up to where records were handed on.
pub(super) struct Cursor {
    file: PathBuf,
    /// By table.
    sent: BTreeMap<String, Timestamp>,
    /// Where a kind begins that was never sent.
    begin: Timestamp,
}

impl Cursor {
    /// What the file says; nothing where there is none yet.
    pub(super) fn read(file: &Path, begin: Timestamp) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Cursor { file: file.display().to_string(), reason };
        let texts: BTreeMap<String, String> = match std::fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(wrong(error.to_string())),
        };
        let time = |(kind, text): (String, String)| {
            let time = Timestamp::parse_rfc3339(&text).ok_or_else(|| wrong(format!("'{text}' is not a time")))?;
            Ok((kind, time))
        };
        let sent = texts.into_iter().map(time).collect::<Result<_, Error>>()?;
        Ok(Self { file: file.to_owned(), sent, begin })
    }

    /// Everything up to this was sent.
    pub(super) fn of(&self, kind: Kind) -> Timestamp {
        self.sent.get(kind.table()).copied().unwrap_or(self.begin)
    }

    /// Remembers it on disk.
    pub(super) fn advance(&mut self, kind: Kind, until: Timestamp) -> std::io::Result<()> {
        self.sent.insert(kind.table().to_owned(), until);
        let texts: BTreeMap<&String, String> = self.sent.iter().map(|(kind, time)| (kind, time.to_string())).collect();
        let beside = self.file.with_extension("new");
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(&serde_json::to_vec(&texts)?)?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_remembered_and_a_broken_file_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("forwarded.json");
        let at = Timestamp::from_micros;
        let mut cursor = Cursor::read(&file, at(5)).expect("there is none yet");
        assert_eq!(cursor.of(Kind::Spans), at(5));
        cursor.advance(Kind::Spans, at(9)).expect("it can be written");
        let again = Cursor::read(&file, at(50)).expect("it was written");
        assert_eq!((again.of(Kind::Spans), again.of(Kind::Logs)), (at(9), at(50)));
        std::fs::write(&file, r#"{"spans":"yesterday"}"#).expect("it can be written");
        let Err(error) = Cursor::read(&file, at(1)) else { panic!("it was read") };
        assert!(error.to_string().contains("'yesterday' is not a time"), "{error}");
    }
}

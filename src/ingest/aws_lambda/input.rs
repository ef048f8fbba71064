//! Owns what a file, or a body, of logs is: gzip or not, JSON or text. It hands on its messages one by one and holds one of
//! them at a time, however long the input is.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;
use serde_json::Value;

use crate::ingest::gzip::{MARK_BYTES, is_gzip};

use super::event::Broken;
use super::message::{Envelope, Message};
use super::split::{Piece, Splitter};
use super::text::Text;

/// Bytes that are looked at to tell what an input is.
const HEAD_BYTES: usize = 64 << 10;
/// Bytes that are read at once.
const CHUNK_BYTES: usize = 64 << 10;
/// Characters of a broken piece that are shown.
const SHOWN_CHARS: usize = 200;

/// What an input holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Whose the messages are that follow.
    Envelope(Envelope),
    Message(Message),
    /// What is none, and how it begins.
    Broken(Broken, String),
}

/// Reads an input to its end; `found` is given what it holds and the line that it begins on, and may end it. It may take
/// `room` bytes, uncompressed; what it takes is taken off.
pub(super) fn read<E: From<io::Error>>(
    mut input: impl Read,
    room: &mut u64,
    found: &mut impl FnMut(u64, Found) -> Result<(), E>,
) -> Result<(), E> {
    let head = head(&mut input, MARK_BYTES)?;
    let is_gzip = is_gzip(&head);
    let input = Cursor::new(head).chain(input);
    if is_gzip { plain(MultiGzDecoder::new(BufReader::new(input)), room, found) } else { plain(input, room, found) }
}

fn plain<E: From<io::Error>>(
    input: impl Read,
    room: &mut u64,
    found: &mut impl FnMut(u64, Found) -> Result<(), E>,
) -> Result<(), E> {
    let mut input = Within { input, room };
    let head = head(&mut input, HEAD_BYTES)?;
    let is_json = is_json(&head);
    let input = Cursor::new(head).chain(input);
    if is_json { json(input, found) } else { text(input, found) }
}

/// An input that ends with an error where it has more bytes than there is room for.
struct Within<'a, R> {
    input: R,
    room: &'a mut u64,
}

impl<R: Read> Read for Within<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer)?;
        match self.room.checked_sub(length as u64) {
            Some(left) => *self.room = left,
            None => return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has more bytes than are taken")),
        }
        Ok(length)
    }
}

/// The first bytes, `length` of them where there are so many.
fn head(input: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(length as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Whether an input that begins so is JSON with log events in it, rather than text, of which each line may be JSON too.
fn is_json(head: &[u8]) -> bool {
    let head = head.trim_ascii_start();
    match head.first() {
        Some(b'[') => matches!(head[1..].trim_ascii_start().first(), Some(b'{' | b'[' | b']')),
        Some(b'{') => {
            let line = head.split(|byte| *byte == b'\n').next().unwrap_or(head);
            // An object of several lines is no log line.
            let Ok(Value::Object(first)) = serde_json::from_slice(line) else { return true };
            let has_list = ["events", "logEvents"].iter().any(|key| first.get(*key).is_some_and(Value::is_array));
            has_list
                || (first.get("message").is_some_and(Value::is_string)
                    && first.get("timestamp").is_some_and(Value::is_number))
        }
        _ => false,
    }
}

fn json<E: From<io::Error>>(input: impl Read, found: &mut impl FnMut(u64, Found) -> Result<(), E>) -> Result<(), E> {
    let mut splitter = Splitter::default();
    let mut piece = |line: u64, piece: Piece<'_>| {
        let (read, bytes) = match piece {
            Piece::Object(bytes) => (Message::read(bytes).map(Found::Message), bytes),
            Piece::Envelope(bytes) => (Envelope::read(bytes).map(Found::Envelope), bytes),
            Piece::Broken(why, bytes) => (Err(Broken(why)), bytes),
        };
        found(line, read.unwrap_or_else(|broken| Found::Broken(broken, shown(bytes))))
    };
    chunks(input, |chunk| splitter.push(chunk, &mut piece))?;
    splitter.end(&mut piece)
}

fn text<E: From<io::Error>>(input: impl Read, found: &mut impl FnMut(u64, Found) -> Result<(), E>) -> Result<(), E> {
    let mut text = Text::default();
    let mut message = |line: u64, message: super::text::Found| {
        found(
            line,
            match message {
                Ok(message) => Found::Message(message),
                Err((broken, text)) => Found::Broken(broken, shown(text.as_bytes())),
            },
        )
    };
    chunks(input, |chunk| text.push(chunk, &mut message))?;
    text.end(&mut message)
}

fn chunks<E: From<io::Error>>(mut input: impl Read, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => take(&buffer[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The beginning of what is broken, on one line.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN_CHARS)]);
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<Found>, io::Error> {
        let (mut all, mut room) = (Vec::new(), u64::MAX);
        read(bytes, &mut room, &mut |_, found| {
            all.push(found);
            Ok::<(), io::Error>(())
        })?;
        Ok(all)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    fn messages(text: &str) -> usize {
        let found = all(text.as_bytes()).unwrap();
        assert!(!found.iter().any(|found| matches!(found, Found::Broken(..))), "{text}: {found:?}");
        found.iter().filter(|found| matches!(found, Found::Message(_))).count()
    }

    const EVENT: &str = r#"{"timestamp":1,"message":"m"}"#;

    #[test]
    fn each_shape_is_told_by_its_beginning() {
        for json in [
            format!("[{EVENT},{EVENT}]"),
            format!(" \n[\n{EVENT},\n{EVENT}\n]"),
            format!("{{\"events\":[{EVENT},{EVENT}],\"searchedLogStreams\":[]}}"),
            format!("{{\n  \"logGroup\": \"g\",\n  \"logEvents\": [{EVENT},{EVENT}]\n}}"),
            format!("{EVENT}\n{EVENT}\n"),
            "{\"time\":\"2024-09-05T12:00:00Z\",\"type\":\"platform.start\",\"record\":{}}\n{\"timestamp\":\"2024-09-05T12:00:00Z\",\"message\":\"m\"}".to_owned(),
            "[INFO]\t2024-09-05T12:00:00Z\tid\tone\n[INFO]\t2024-09-05T12:00:00Z\tid\ttwo".to_owned(),
        ] {
            assert_eq!(messages(&json), 2, "{json}");
        }
        assert_eq!(messages("[]"), 0);
        assert_eq!(messages(""), 0);
    }

    #[test]
    fn gzip_of_several_parts_is_one_input() {
        let bytes = [gzip(format!("[{EVENT},").as_bytes()), gzip(format!("{EVENT}]").as_bytes())].concat();
        assert_eq!(all(&bytes).unwrap().len(), 2);
        let mut cut = gzip(format!("[{EVENT},{EVENT}]").as_bytes());
        cut.truncate(cut.len() - 9);
        assert!(all(&cut).is_err(), "what is cut off says so");
    }

    #[test]
    fn what_grows_beyond_its_room_is_refused() {
        let bomb = gzip(&[b' '; 1 << 20]);
        assert!(bomb.len() < 20_000);
        let mut room = 100_000;
        let read = read(&bomb[..], &mut room, &mut |_, _| Ok::<(), io::Error>(()));
        assert_eq!(read.expect_err("too much").kind(), io::ErrorKind::FileTooLarge);
    }

    proptest! {
        /// Damaged files end with an error or with what is broken, and never with a panic.
        #[test]
        fn damaged_files_do_no_harm(
            gz in any::<bool>(),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            length in any::<prop::sample::Index>(),
        ) {
            let plain = format!("{{\"events\":[{EVENT},{EVENT},{EVENT}],\"x\":[{{}}]}}");
            let mut bytes = if gz { gzip(plain.as_bytes()) } else { plain.into_bytes() };
            for (at, byte) in cuts {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(length.index(bytes.len() + 1));
            let _either = all(&bytes);
        }

        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _either = all(&bytes);
        }
    }
}

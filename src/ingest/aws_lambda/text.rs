//! Owns log text, line by line, as `aws logs tail`, exports to S3 and `sam logs` write it, or as a function wrote it: which
//! lines make one message, and its time and stream where a prefix says them. What the messages say is `line`'s.

use serde_json::Value;

use crate::units::Timestamp;

use super::event::Broken;
use super::message::{MAX_TEXT_BYTES, Message, time_of};

/// Bytes of a broken line that are shown.
const SHOWN_BYTES: usize = 400;

/// Takes lines, and makes messages of them.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// The line so far that has not ended.
    line: Vec<u8>,
    /// Whether it has more bytes than are kept.
    too_long: bool,
    /// Lines that have ended.
    lines: u64,
    /// The message so far, and the line that it begins on: its next line may go on with it.
    pending: Option<(u64, Message)>,
    /// Whether messages have prefixes, so that a line without one goes on with the message before.
    prefixed: bool,
    /// The time of the message before.
    last_time: Option<Timestamp>,
}

/// A message, or a line that is none.
pub(super) type Found = Result<Message, (Broken, String)>;

impl Text {
    /// Takes the next chunk; `found` is given each message and the line that it begins on, and may end it.
    pub(super) fn push<E>(
        &mut self,
        chunk: &[u8],
        found: &mut impl FnMut(u64, Found) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = chunk;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.extend(&rest[..end]);
            self.end_line(found)?;
            rest = &rest[end + 1..];
        }
        self.extend(rest);
        Ok(())
    }

    /// Ends the text.
    pub(super) fn end<E>(&mut self, found: &mut impl FnMut(u64, Found) -> Result<(), E>) -> Result<(), E> {
        if !self.line.is_empty() || self.too_long {
            self.end_line(found)?;
        }
        self.flush(found)
    }

    fn extend(&mut self, bytes: &[u8]) {
        // A byte over the limit tells that there was more.
        let room = MAX_TEXT_BYTES - self.line.len();
        self.too_long |= bytes.len() > room;
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_line<E>(&mut self, found: &mut impl FnMut(u64, Found) -> Result<(), E>) -> Result<(), E> {
        self.lines += 1;
        let bytes = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.too_long) {
            self.flush(found)?;
            let broken = Broken("a line has more than 1 MiB");
            return found(self.lines, Err((broken, String::from_utf8_lossy(&bytes[..SHOWN_BYTES]).into_owned())));
        }
        let line = String::from_utf8_lossy(&bytes);
        let line = line.trim_end_matches('\r');
        let prefix = Prefix::read(line);
        self.prefixed |= prefix.time.is_some();
        if self.goes_on(&prefix)
            && let Some((_, message)) = &mut self.pending
            && message.text.len() + line.len() < MAX_TEXT_BYTES
        {
            message.text.push('\n');
            message.text.push_str(line);
            return Ok(());
        }
        self.flush(found)?;
        if prefix.text.trim().is_empty() {
            return Ok(());
        }
        let Some(time) = prefix.time.or_else(|| own_time(prefix.text)).or(self.last_time) else {
            let broken = Broken("a line without a time, before any line that has one");
            return found(self.lines, Err((broken, shown(line))));
        };
        self.last_time = Some(time);
        let stream = prefix.stream.map(str::to_owned);
        self.pending = Some((self.lines, Message { time, stream, id: None, text: prefix.text.to_owned() }));
        Ok(())
    }

    /// Whether a line goes on with the message before it.
    fn goes_on(&self, prefix: &Prefix<'_>) -> bool {
        let Some((_, message)) = &self.pending else { return false };
        if prefix.time.is_some() || prefix.stream.is_some() {
            return false;
        }
        let after = |begin: &str, next: &str| message.text.starts_with(begin) && prefix.text.starts_with(next);
        let goes_with = after("REPORT ", "XRAY TraceId: ") || after("RequestId: ", "Runtime.");
        goes_with || (self.prefixed && !begins_as_the_platforms(prefix.text))
    }

    fn flush<E>(&mut self, found: &mut impl FnMut(u64, Found) -> Result<(), E>) -> Result<(), E> {
        self.pending.take().map_or(Ok(()), |(line, message)| found(line, Ok(message)))
    }
}

fn shown(line: &str) -> String {
    line[..line.floor_char_boundary(SHOWN_BYTES)].to_owned()
}

fn begins_as_the_platforms(text: &str) -> bool {
    let words =
        ["START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_START ", "INIT_REPORT ", "RESTORE_"];
    words.iter().any(|word| text.starts_with(word))
}

/// What stands before a message on its line: a time, a stream, or both, in either order, with a space behind each.
struct Prefix<'a> {
    time: Option<Timestamp>,
    stream: Option<&'a str>,
    text: &'a str,
}

impl<'a> Prefix<'a> {
    fn read(line: &'a str) -> Self {
        let mut prefix = Self { time: None, stream: None, text: line };
        for _ in 0..2 {
            let Some((word, rest)) = prefix.text.split_once(' ') else { break };
            if prefix.time.is_none()
                && let Some(time) = time(word)
            {
                prefix.time = Some(time);
            } else if prefix.stream.is_none() && is_stream(word) {
                prefix.stream = Some(word);
            } else {
                break;
            }
            prefix.text = rest;
        }
        prefix
    }
}

/// RFC 3339, or without a zone, which is UTC then.
fn time(word: &str) -> Option<Timestamp> {
    let begins = word.len() >= 19 && word.as_bytes()[0].is_ascii_digit() && word.as_bytes()[10] == b'T';
    if !begins {
        return None;
    }
    Timestamp::parse_rfc3339(word).or_else(|| Timestamp::parse_rfc3339(&format!("{word}Z")))
}

/// `2024/09/05/[$LATEST]5b1105a6...`
fn is_stream(word: &str) -> bool {
    let bytes = word.as_bytes();
    word.len() <= 512
        && word.contains('[')
        && word.contains(']')
        && bytes.len() > 11
        && [4, 7, 10].iter().all(|at| bytes[*at] == b'/')
        && bytes[..4].iter().all(u8::is_ascii_digit)
}

/// The time that a message itself begins with: a runtime's line, or a JSON object.
fn own_time(text: &str) -> Option<Timestamp> {
    if text.starts_with('{') {
        let object: serde_json::Map<String, Value> = serde_json::from_str(text).ok()?;
        return object.get("time").or_else(|| object.get("timestamp")).and_then(time_of);
    }
    text.splitn(3, '\t').take(2).find_map(time)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, size: usize) -> Vec<(u64, Found)> {
        let mut all = Vec::new();
        let mut found = |line, message| {
            all.push((line, message));
            Ok::<(), Infallible>(())
        };
        let mut reader = Text::default();
        for chunk in text.as_bytes().chunks(size) {
            reader.push(chunk, &mut found).unwrap();
        }
        reader.end(&mut found).unwrap();
        all
    }

    fn texts(text: &str) -> Vec<String> {
        read(text, 11)
            .into_iter()
            .map(|(_, found)| found.map_or_else(|(why, _)| why.0.to_owned(), |m| m.text))
            .collect()
    }

    #[test]
    fn prefixes_are_taken_off_and_lines_without_one_go_on() {
        let tail = "2025-05-12T20:24:06.154000+00:00 2025/05/12/[$LATEST]5b START RequestId: a Version: 1\n\
                    2025-05-12T20:24:06.200000+00:00 2025/05/12/[$LATEST]5b first\nsecond\n\n  third\n\
                    2025-05-12T20:24:06.310000+00:00 2025/05/12/[$LATEST]5b REPORT RequestId: a\tDuration: 1.00 ms\t\n\
                    XRAY TraceId: 1-66d978e5-0af7651916cd43dd8448eb21\t\n";
        let all = read(tail, 5);
        assert_eq!(all.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 6]);
        let messages: Vec<Message> = all.into_iter().map(|(_, found)| found.expect("a message")).collect();
        assert!(messages.iter().all(|message| message.stream.as_deref() == Some("2025/05/12/[$LATEST]5b")));
        assert_eq!(messages[0].time, Timestamp::parse_rfc3339("2025-05-12T20:24:06.154Z").unwrap());
        assert_eq!(messages[1].text, "first\nsecond\n\n  third");
        assert!(messages[2].text.contains("\nXRAY TraceId: "));
    }

    #[test]
    fn other_prefixes() {
        assert_eq!(texts("2025/05/12/[7]5b 2025-05-12T20:24:06 x y"), ["x y"]);
        assert_eq!(texts("2025-05-12T20:24:06.1Z a\r\n2025-05-12T20:24:07Z b\n"), ["a", "b"]);
    }

    #[test]
    fn without_prefixes_each_line_is_a_message_at_the_time_of_the_one_before() {
        let text = "lost\n2025-05-12T20:24:06.1Z\tabc\tINFO\tone\nSTART RequestId: a\n{\"time\":\"2025-05-12T20:24:08Z\"}\nx\n";
        let all = read(text, 100);
        assert_eq!(
            all[0].1.as_ref().expect_err("no time yet").0,
            Broken("a line without a time, before any line that has one")
        );
        let times: Vec<i64> =
            all[1..].iter().map(|(_, m)| m.as_ref().expect("a message").time.nanos() / 100_000_000 % 100).collect();
        assert_eq!(times, [61, 61, 80, 80]);
    }

    #[test]
    fn a_crash_and_its_type_are_one_message() {
        let text = "2025-05-12T20:24:06.1Z\ta\tINFO\tx\nRequestId: a Error: Runtime exited\nRuntime.ExitError\nnext\n";
        assert_eq!(texts(text)[1..], ["RequestId: a Error: Runtime exited\nRuntime.ExitError", "next"]);
    }

    #[test]
    fn lines_that_are_too_long_are_left_out_and_take_no_memory() {
        let long = format!("2025-05-12T20:24:06Z a\n{}\n2025-05-12T20:24:07Z b\n", "x".repeat(3 * MAX_TEXT_BYTES));
        assert_eq!(texts(&long), ["a", "a line has more than 1 MiB", "b"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_alike_in_any_chunks(
            text in "(2025-05-12T20:24:06Z |2025/05/12/\\[1\\]a |START |x|\\PC|\n|\t|\r|\\{){0,60}",
            size in 1usize..9,
        ) {
            prop_assert_eq!(read(&text, size), read(&text, 10_000));
        }
    }
}

//! Owns the cutting of a JSON text of any length into the objects that each hold one event, without holding more than one of
//! them. A library would read the whole text as one value: it ends at the first fault. Here a broken event is left out, and
//! what follows it is found again. Reading the objects is `object`'s.
//!
//! An event is an object that stands alone, one after another, or in a list. A list may itself be in an object, an envelope,
//! under the key `events` or `logEvents`; what else the envelope says before that list is handed on.

/// Bytes that an object may have. CloudWatch's events have at most 1 MiB of text, which JSON may write six times as long.
const MAX_BYTES: usize = 8 << 20;
/// Lists and objects within each other, at most.
const MAX_DEPTH: usize = 64;
/// Bytes of a broken piece that are shown.
const SHOWN_BYTES: usize = 400;
/// The keys under which an envelope has its events.
const LISTS: [&[u8]; 2] = [b"\"events\"", b"\"logEvents\""];

/// A piece of the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// An object, whole.
    Object(&'a [u8]),
    /// What an envelope says before its list of events, as an object.
    Envelope(&'a [u8]),
    /// Something else, as much of it as is shown.
    Broken(&'static str, &'a [u8]),
}

/// What is open at a place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// A list of events, or of lists.
    List,
    /// An object around a list of events.
    Envelope,
    /// The object that is being kept.
    Item,
    /// Something within the kept object, or of no interest in an envelope.
    Object,
    Array,
}

/// Cuts a text that comes in chunks.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    open: Vec<Open>,
    /// Whether an object is being kept: `open` has an item.
    keeps: bool,
    /// The kept object so far.
    item: Vec<u8>,
    /// The line that it begins on.
    item_line: u64,
    in_string: bool,
    escaped: bool,
    /// Where the last string of the kept object itself lies, and whether a colon followed.
    string: (usize, usize),
    /// The last byte that was no space, outside of strings.
    last: u8,
    /// Whether what is being passed over was told already.
    told: bool,
    /// Lines that have ended.
    lines: u64,
}

impl Splitter {
    /// Takes the next chunk; `found` is given each piece and the line that it begins on, and may end it.
    pub(super) fn push<E>(
        &mut self,
        chunk: &[u8],
        found: &mut impl FnMut(u64, Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = chunk;
        while let Some(&byte) = rest.first() {
            // Most of a text is in strings, and most of those is taken at once.
            let plain = if self.in_string && !self.escaped { plain_bytes(rest) } else { 0 };
            if plain > 0 {
                self.keep(&rest[..plain], found)?;
                rest = &rest[plain..];
                continue;
            }
            if self.in_string {
                self.within_string(byte, found)?;
            } else {
                self.outside_string(byte, found)?;
            }
            self.lines += u64::from(byte == b'\n');
            rest = &rest[1..];
        }
        Ok(())
    }

    /// Ends the text.
    pub(super) fn end<E>(&mut self, found: &mut impl FnMut(u64, Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        if self.keeps { self.give_up("the text ends within an event", found) } else { Ok(()) }
    }

    fn within_string<E>(&mut self, byte: u8, found: &mut impl FnMut(u64, Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        let keeps = self.keep(&[byte], found)?;
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => {
                self.in_string = false;
                self.last = b'"';
                if keeps && self.open.last() == Some(&Open::Item) {
                    self.string.1 = self.item.len();
                }
            }
            // A string of JSON cannot hold a line break, so one that was never closed ends here.
            b'\n' => self.in_string = false,
            _ => {}
        }
        Ok(())
    }

    fn outside_string<E>(
        &mut self,
        byte: u8,
        found: &mut impl FnMut(u64, Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if byte.is_ascii_whitespace() {
            return self.keep(&[byte], found).map(|_| ());
        }
        let between = matches!(self.open.last(), None | Some(Open::List));
        if between {
            self.between_items(byte, found)?
        } else {
            self.within_item(byte, found)?
        }
        self.last = byte;
        Ok(())
    }

    /// At a place where an event may begin.
    fn between_items<E>(&mut self, byte: u8, found: &mut impl FnMut(u64, Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        match byte {
            b'{' => self.begin_item(),
            b'[' if self.open.len() < MAX_DEPTH => self.open.push(Open::List),
            b']' => _ = self.open.pop(),
            // What a broken event leaves behind.
            b',' | b'}' | b':' => {}
            _ => {
                self.in_string = byte == b'"';
                if !std::mem::replace(&mut self.told, true) {
                    found(self.lines + 1, Piece::Broken("what stands between the events is not JSON", &[byte]))?;
                }
            }
        }
        Ok(())
    }

    fn begin_item(&mut self) {
        self.open.push(Open::Item);
        self.keeps = true;
        self.item.clear();
        self.item.push(b'{');
        self.item_line = self.lines + 1;
        self.told = false;
    }

    /// Within an event or an envelope.
    fn within_item<E>(&mut self, byte: u8, found: &mut impl FnMut(u64, Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        // Between an object's fields there is no object: the one before was never closed.
        let in_object = self.open.last() != Some(&Open::Array);
        if byte == b'{' && in_object && matches!(self.last, b'{' | b',') && self.keeps {
            self.give_up("an event is not closed", found)?;
            self.begin_item();
            return Ok(());
        }
        if byte == b',' && self.keeps && matches!(self.last, b'[' | b'{' | b',' | b':') {
            return self.give_up("an event is not JSON", found);
        }
        if byte == b'[' && self.begins_list() {
            return self.begin_list(found);
        }
        if !self.keep(&[byte], found)? && !self.open.contains(&Open::Envelope) {
            return Ok(());
        }
        match byte {
            b'"' => {
                self.in_string = true;
                if self.open.last() == Some(&Open::Item) {
                    self.string = (self.item.len() - 1, 0);
                }
                Ok(())
            }
            b'{' | b'[' if self.open.len() >= MAX_DEPTH => self.give_up("an event is nested too deep", found),
            b'{' | b'[' => {
                self.open.push(if byte == b'{' { Open::Object } else { Open::Array });
                Ok(())
            }
            b'}' | b']' => self.close(byte, found),
            _ => Ok(()),
        }
    }

    /// Whether the list that begins here is an envelope's list of events.
    fn begins_list(&self) -> bool {
        let (begin, end) = self.string;
        self.open.last() == Some(&Open::Item)
            && self.last == b':'
            && self.item.get(begin..end).is_some_and(|key| LISTS.contains(&key))
    }

    fn begin_list<E>(&mut self, found: &mut impl FnMut(u64, Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        self.item.extend_from_slice(b"[]}");
        self.open.pop();
        self.open.extend([Open::Envelope, Open::List]);
        self.keeps = false;
        found(self.item_line, Piece::Envelope(&self.item))
    }

    fn close<E>(&mut self, byte: u8, found: &mut impl FnMut(u64, Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        let closed = self.open.pop();
        let fits = (byte == b']') == (closed == Some(Open::Array));
        match closed {
            Some(Open::Item) if fits => {
                self.keeps = false;
                found(self.item_line, Piece::Object(&self.item))
            }
            _ if fits => Ok(()),
            _ => {
                self.open.extend(closed);
                self.give_up("an event's brackets do not match", found)
            }
        }
    }

    /// Keeps bytes of the event; says whether one is kept.
    fn keep<E>(&mut self, bytes: &[u8], found: &mut impl FnMut(u64, Piece<'_>) -> Result<(), E>) -> Result<bool, E> {
        if !self.keeps {
            return Ok(false);
        }
        if self.item.len() + bytes.len() > MAX_BYTES {
            self.give_up("an event has more than 8 MiB", found)?;
            return Ok(false);
        }
        self.item.extend_from_slice(bytes);
        Ok(true)
    }

    /// Leaves the event out; the next one is looked for from here on.
    fn give_up<E>(
        &mut self,
        why: &'static str,
        found: &mut impl FnMut(u64, Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let item = self.open.iter().position(|open| matches!(open, Open::Item | Open::Envelope)).unwrap_or(0);
        self.open.truncate(item);
        self.keeps = false;
        self.told = true;
        self.item.truncate(SHOWN_BYTES);
        let told = found(self.item_line, Piece::Broken(why, &self.item));
        self.item.clear();
        told
    }
}

/// How many bytes of a string begin the text, before what ends, escapes or breaks it.
fn plain_bytes(text: &[u8]) -> usize {
    text.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n')).unwrap_or(text.len())
}

#[cfg(test)]
mod tests;

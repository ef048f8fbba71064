//! Owns how much memory decoding a request will take, found from its bytes before any of it is taken: two bytes of protobuf
//! are a span of hundreds of bytes, so the length of a body says little. Texts are not read here; decoding checks them.

use std::mem::size_of;

use crate::ingest::Error;

use super::schema::{Kind, Message};

/// Messages within each other, at most: as deep as the decoder goes.
const MAX_DEPTH: u32 = 100;

/// About how many bytes the message takes in memory once it is decoded: its own length and what each message in it has
/// beside its texts.
pub(super) fn weigh(message: &'static Message, bytes: &[u8]) -> Result<u64, Error> {
    let mut total = (bytes.len() + message.bytes) as u64;
    fields(message, bytes, 0, &mut total)?;
    Ok(total)
}

fn fields(message: &'static Message, mut rest: &[u8], depth: u32, total: &mut u64) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(Error::Bad(format!("the body has messages within each other deeper than {MAX_DEPTH}")));
    }
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let kind = message.fields.iter().find(|field| u64::from(field.number) == key >> 3).map(|field| field.kind);
        match key & 7 {
            0 => _ = varint(&mut rest)?,
            1 => _ = take(&mut rest, 8)?,
            2 => {
                let length = varint(&mut rest)?;
                let inner = take(&mut rest, length)?;
                match kind {
                    // It lies within what holds it.
                    Some(Kind::One(child)) => fields(child, inner, depth + 1, total)?,
                    Some(Kind::Many(child)) => {
                        *total = total.saturating_add(child.bytes as u64);
                        fields(child, inner, depth + 1, total)?;
                    }
                    // Packed: a number of one byte takes eight.
                    Some(Kind::Uint64s) => *total = total.saturating_add(length.saturating_mul(8)),
                    Some(Kind::Fixed64s | Kind::Doubles) => *total = total.saturating_add(length),
                    Some(Kind::Texts) => *total = total.saturating_add(size_of::<String>() as u64),
                    _ => {}
                }
                continue;
            }
            5 => _ = take(&mut rest, 4)?,
            wire => return Err(malformed(&format!("the wire type {wire} is not known"))),
        }
        if let Some(Kind::Uint64s | Kind::Fixed64s | Kind::Doubles) = kind {
            *total = total.saturating_add(size_of::<u64>() as u64);
        }
    }
    Ok(())
}

fn varint(rest: &mut &[u8]) -> Result<u64, Error> {
    let mut value = 0;
    for (at, byte) in rest.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            *rest = &rest[at + 1..];
            return Ok(value);
        }
    }
    Err(malformed("a number does not end"))
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> Result<&'a [u8], Error> {
    let end = usize::try_from(length).ok().filter(|end| *end <= rest.len());
    let end = end.ok_or_else(|| malformed("a field is longer than what holds it"))?;
    let (taken, left) = rest.split_at(end);
    *rest = left;
    Ok(taken)
}

fn malformed(why: &str) -> Error {
    Error::Bad(format!("the body is not valid protobuf: {why}"))
}

//! Owns how bodies are encoded: their format, and taking compression off within a limit.

use std::io::{self, Read};
use std::str::FromStr;

use bytes::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};

use crate::ingest::{Error, Room};

/// Bytes that are decompressed before room for more is taken.
const STEP_BYTES: usize = 256 << 10;
/// The largest window that a zstd body may ask for, as a power of two: 16 MiB.
const ZSTD_WINDOW_LOG: u32 = 24;

/// How a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/x-protobuf`
    Protobuf,
    /// `application/json`, as OTLP maps it
    Json,
}

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 1950.
    Deflate,
    /// RFC 8878.
    Zstd,
}

impl FromStr for Encoding {
    type Err = Error;

    /// Reads the value of `content-encoding` or `grpc-encoding`.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            "zstd" => Ok(Self::Zstd),
            _ => Err(Error::Unsupported(format!(
                "the encoding '{text}' is not taken here: send gzip, zstd, deflate or identity"
            ))),
        }
    }
}

/// The body without its compression: at most `limit` bytes, whatever it says of itself. Room is taken as they come.
pub(in crate::ingest) fn plain(body: Bytes, encoding: Encoding, limit: u64, room: &mut Room) -> Result<Bytes, Error> {
    let from = body.as_ref();
    match encoding {
        Encoding::Identity if body.len() as u64 > limit => Err(too_large(limit)),
        Encoding::Identity => Ok(body),
        Encoding::Gzip => read(MultiGzDecoder::new(from), "gzip", limit, room),
        Encoding::Deflate => read(ZlibDecoder::new(from), "deflate", limit, room),
        Encoding::Zstd => {
            let decoder = zstd::stream::read::Decoder::with_buffer(from).and_then(|mut decoder| {
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Ok(decoder)
            });
            read(decoder.map_err(|error| bad("zstd", &error))?, "zstd", limit, room)
        }
    }
}

fn read(mut from: impl Read, name: &str, limit: u64, room: &mut Room) -> Result<Bytes, Error> {
    let mut whole = Vec::new();
    loop {
        // One byte more than may be there shows that there are more.
        let left = limit.saturating_add(1).saturating_sub(whole.len() as u64);
        let step = usize::try_from(left).unwrap_or(usize::MAX).min(STEP_BYTES);
        room.hold(step as u64)?;
        let got = from.by_ref().take(step as u64).read_to_end(&mut whole).map_err(|error| bad(name, &error))?;
        if whole.len() as u64 > limit {
            return Err(too_large(limit));
        }
        if got < step {
            return Ok(Bytes::from(whole));
        }
    }
}

fn bad(name: &str, error: &io::Error) -> Error {
    Error::Bad(format!("the body cannot be decompressed as {name}: {error}"))
}

fn too_large(limit: u64) -> Error {
    Error::TooLarge(format!(
        "the body has more than {limit} bytes once it is decompressed, the most that is taken here"
    ))
}

//! Takes in request bodies within limits: their size, the time they take, and the memory that all of them hold.

use std::error::Error;
use std::sync::Arc;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderMap};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

use super::error::{BODY_TOO_LARGE, BODY_TOO_SLOW, BUSY, Problem, UNSUPPORTED_MEDIA_TYPE};
use super::state::AppState;

/// Bytes that are taken in before others get their turn.
const TURN_BYTES: usize = 256 << 10;

/// A body, and the room that it takes up until this is dropped.
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

/// Takes in a body of at most `limit` bytes.
pub(super) async fn take(state: &AppState, body: Body, limit: u64) -> Result<Held, Problem> {
    let said = body.size_hint().upper();
    let expected = said.unwrap_or(limit);
    if expected > limit {
        return Err(too_large(limit));
    }
    let room = room(state, expected)?;
    let bytes = arrive(state, body, limit, |_| Ok(())).await?;
    Ok(Held { bytes, _room: room })
}

/// Waits until all of a body of at most `limit` bytes is here. `hold` is asked before each piece is kept.
pub(super) async fn arrive(
    state: &AppState,
    body: Body,
    limit: u64,
    hold: impl FnMut(u64) -> Result<(), Problem>,
) -> Result<Bytes, Problem> {
    let said = body.size_hint().upper();
    let limited = Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX));
    let Ok(collected) = tokio::time::timeout(state.config.body_timeout, collect(limited, said, hold)).await else {
        let seconds = state.config.body_timeout.as_secs_f64();
        return Err(Problem::new(BODY_TOO_SLOW, format!("the body did not arrive within {seconds} s")));
    };
    collected.map_err(|broken| match broken {
        Broken::Refused(problem) => problem,
        Broken::Read(error) if error.downcast_ref::<LengthLimitError>().is_some() => too_large(limit),
        Broken::Read(error) => Problem::invalid(format!("the body could not be read: {error}")),
    })
}

/// Why a body is not here.
enum Broken {
    Read(Box<dyn Error + Send + Sync>),
    Refused(Problem),
}

/// Takes in all of a body, `said` bytes where that is known. A client on this machine always has more to give: others get
/// their turn in between.
async fn collect(
    mut body: Limited<Body>,
    said: Option<u64>,
    mut hold: impl FnMut(u64) -> Result<(), Problem>,
) -> Result<Bytes, Broken> {
    let (mut first, mut whole, mut since_turn) = (Bytes::new(), BytesMut::new(), 0);
    while let Some(frame) = body.frame().await.transpose().map_err(Broken::Read)? {
        let Ok(data) = frame.into_data() else { continue };
        hold(data.len() as u64).map_err(Broken::Refused)?;
        since_turn += data.len();
        if first.is_empty() {
            first = data;
            continue;
        }
        if whole.is_empty() {
            whole.reserve(said.and_then(|said| usize::try_from(said).ok()).unwrap_or(first.len() + data.len()));
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&data);
        if since_turn >= TURN_BYTES {
            since_turn = 0;
            tokio::task::yield_now().await;
        }
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

/// Takes in a body of JSON.
pub(super) async fn take_json<T: DeserializeOwned>(
    state: &AppState,
    headers: &HeaderMap,
    body: Body,
    limit: u64,
) -> Result<T, Problem> {
    let media_type = media_type(headers);
    if media_type.as_deref() != Some("application/json") {
        return Err(unsupported(media_type.as_deref(), "application/json"));
    }
    let held = take(state, body, limit).await?;
    serde_json::from_slice(&held.bytes)
        .map_err(|error| Problem::invalid(format!("the body is not as expected: {error}")))
}

/// The media type that the body is said to have, without its parameters, in lower case.
pub(super) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?;
    let text = String::from_utf8_lossy(value.as_bytes());
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// The answer to a body of a type that is not known here; `known` says what is.
pub(super) fn unsupported(media_type: Option<&str>, known: &str) -> Problem {
    let detail = match media_type {
        Some(given) => format!("the content type '{given}' is not taken here: send {known}"),
        None => format!("the content type is missing: send {known}"),
    };
    Problem::new(UNSUPPORTED_MEDIA_TYPE, detail)
}

pub(super) fn too_large(limit: u64) -> Problem {
    Problem::new(BODY_TOO_LARGE, format!("the body has more than {limit} bytes, the most that is taken here"))
        .with("limit_bytes", limit)
}

fn room(state: &AppState, bytes: u64) -> Result<Option<OwnedSemaphorePermit>, Problem> {
    if bytes == 0 {
        return Ok(None);
    }
    let kib = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX);
    let held = || format!("all bodies together would hold more than {} bytes", state.config.max_held_bytes);
    let room = Arc::clone(&state.body_room).try_acquire_many_owned(kib);
    room.map(Some).map_err(|_| Problem::new(BUSY, held()).retry())
}

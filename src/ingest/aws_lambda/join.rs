//! Owns the joining of events: a stream's START, REPORT and what stands about them become one invocation, and its lines know
//! whose they are. How rows look is `rows`'. Of each stream it holds what is open, within limits.

mod stream;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{Architecture, Invocation, LogRecord};
use crate::units::Timestamp;

use super::event::{Event, Trace};

pub(super) use stream::Stream;

/// Streams that are followed at once; the one longest without an event makes way.
const MAX_STREAMS: usize = 10_000;
/// Invocations that have begun and not ended, in all streams.
const MAX_OPEN: usize = 100_000;
/// Of so many streams one makes way at once, so that not each new one looks through all.
const EVICT_SHARE: usize = 8;

/// Whose a stream is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) tenant: String,
    pub(super) function: String,
    pub(super) group: Option<String>,
    pub(super) stream: Option<String>,
    /// Names the environment where its stream is not known.
    pub(super) instance: Option<String>,
    pub(super) architecture: Option<Architecture>,
    pub(super) account: Option<String>,
    pub(super) region: Option<String>,
}

/// An event, when it happened, and what tells its record from the same one sent again.
#[derive(Debug)]
pub(super) struct Happened {
    pub(super) time: Timestamp,
    pub(super) origin_id: String,
    pub(super) event: Event,
}

/// An invocation that is over; the number of its attempt is not known yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finished {
    pub(super) invocation: Invocation,
    pub(super) trace: Option<Trace>,
}

/// What was made of events.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) invocations: Vec<Finished>,
    pub(super) logs: Vec<LogRecord>,
}

/// The streams that go on from one request to the next.
#[derive(Debug, Default, Clone)]
pub(super) struct Kept(Arc<Mutex<HashMap<Place, Stream>>>);

/// Joins the events of one input.
#[derive(Debug)]
pub(super) struct Join {
    streams: HashMap<Place, Stream>,
    kept: Kept,
    /// Events so far: tells which stream was longest without one.
    events: u64,
    /// What `events` was when `settle_old` was last asked.
    settled: u64,
    open: usize,
    /// Invocations that were given up before their end.
    unfinished: u64,
}

impl Join {
    /// Goes on with the streams of `kept`; it is left as it is until `keep`.
    pub(super) fn over(kept: Kept) -> Self {
        Self { streams: HashMap::new(), kept, events: 0, settled: 0, open: 0, unfinished: 0 }
    }

    /// Takes the next event of a stream.
    pub(super) fn take(&mut self, place: &Place, happened: Happened, made: &mut Made) {
        self.events += 1;
        if !self.streams.contains_key(place) {
            let stream = self.kept.find(place).unwrap_or_else(|| Stream::new(place));
            self.open += stream.open();
            self.streams.insert(place.clone(), stream);
        }
        let Some(stream) = self.streams.get_mut(place) else { return };
        let before = stream.open();
        stream.take(self.events, happened, made);
        self.open = (self.open + stream.open()).saturating_sub(before);
        if self.streams.len() > MAX_STREAMS || self.open > MAX_OPEN {
            self.evict(made);
        }
    }

    /// Hands on the invocations that a late line could still change, of streams without an event since this was last asked.
    pub(super) fn settle_old(&mut self, made: &mut Made) {
        let before = std::mem::replace(&mut self.settled, self.events);
        self.streams.values_mut().filter(|stream| stream.touched <= before).for_each(|stream| stream.settle(made));
    }

    /// Hands on all invocations that are over.
    pub(super) fn settle(&mut self, made: &mut Made) {
        self.streams.values_mut().for_each(|stream| stream.settle(made));
    }

    /// Keeps the streams for the next request.
    pub(super) fn keep(self) {
        self.kept.put(self.streams);
    }

    /// Invocations that have begun and not ended.
    pub(super) fn unfinished(&self) -> u64 {
        self.unfinished + self.open as u64
    }

    fn evict(&mut self, made: &mut Made) {
        for (_, mut stream) in oldest(&mut self.streams) {
            stream.settle(made);
            self.open = self.open.saturating_sub(stream.open());
            self.unfinished += stream.open() as u64;
        }
    }
}

impl Kept {
    fn find(&self, place: &Place) -> Option<Stream> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stream = kept.get(place)?.clone();
        // What touched it last was another request.
        stream.touched = 0;
        Some(stream)
    }

    /// The function that an environment runs, where an earlier request told.
    pub(super) fn function_of(&self, instance: &str) -> Option<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.keys().find(|place| place.instance.as_deref() == Some(instance));
        place.map(|place| place.function.clone())
    }

    fn put(&self, streams: HashMap<Place, Stream>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = kept.values().map(|stream| stream.touched).max().unwrap_or(0) + 1;
        for (place, mut stream) in streams {
            stream.touched = now;
            kept.insert(place, stream);
        }
        let open = |kept: &HashMap<Place, Stream>| kept.values().map(Stream::open).sum::<usize>();
        while kept.len() > MAX_STREAMS || open(&kept) > MAX_OPEN {
            drop(oldest(&mut kept));
        }
    }
}

/// Takes out the streams that were longest without an event: an eighth of them, at least one.
fn oldest(streams: &mut HashMap<Place, Stream>) -> Vec<(Place, Stream)> {
    let mut touched: Vec<u64> = streams.values().map(|stream| stream.touched).collect();
    if touched.is_empty() {
        return Vec::new();
    }
    let share = touched.len() / EVICT_SHARE;
    let (_, limit, _) = touched.select_nth_unstable(share);
    let limit = *limit;
    streams.extract_if(|_, stream| stream.touched <= limit).collect()
}

#[cfg(test)]
mod tests;

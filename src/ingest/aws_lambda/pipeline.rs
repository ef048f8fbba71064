//! Owns the way of messages to batches of rows, on a thread of its own: each message is read, placed and joined. Writing the
//! batches is `write`'s.

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::sync::mpsc::Sender;

use crate::cost::PriceBook;
use crate::ingest::Summary;
use crate::store::Retention;
use crate::units::Timestamp;

use super::event::{Broken, first_chars};
use super::input::Found;
use super::join::{Finished, Happened, Join, Kept, Made, Place};
use super::message::{Envelope, Message};
use super::rows::init_of_stream;
use super::skips::Skips;
use super::{Error, Said, line};

/// Events of one batch, at most.
const BATCH_EVENTS: u64 = 10_000;
/// Bytes of their texts, at most.
const BATCH_BYTES: usize = 8 << 20;
/// Texts of one moment that are told apart where they have no ids.
const MAX_ALIKE: usize = 10_000;

/// Characters of a broken message that are shown.
const SHOWN_CHARS: usize = 200;

/// What batches are made with.
pub(super) struct Setting {
    pub(super) book: Arc<PriceBook>,
    pub(super) retention: Retention,
    pub(super) now: Timestamp,
    pub(super) said: Said,
}

/// Makes batches of messages.
pub(super) struct Pipeline {
    setting: Setting,
    envelope: Envelope,
    join: Join,
    alike: Alike,
    made: Made,
    events: u64,
    bytes: usize,
    batches: Sender<Made>,
    skips: Skips,
    read: u64,
    placed: u64,
    past_retention: u64,
}

impl Pipeline {
    pub(super) fn new(setting: Setting, kept: Kept, batches: Sender<Made>) -> Self {
        Self {
            setting,
            envelope: Envelope::default(),
            join: Join::over(kept),
            alike: Alike::default(),
            made: Made::default(),
            events: 0,
            bytes: 0,
            batches,
            skips: Skips::default(),
            read: 0,
            placed: 0,
            past_retention: 0,
        }
    }

    /// Takes what an input holds.
    pub(super) fn take(&mut self, line: u64, found: Found) -> Result<(), Error> {
        match found {
            Found::Envelope(envelope) => self.envelope = envelope,
            Found::Message(message) => return self.message(line, message),
            Found::Broken(why, text) => {
                self.read += 1;
                self.skips.add(why, line, || text);
            }
        }
        Ok(())
    }

    fn message(&mut self, line: u64, message: Message) -> Result<(), Error> {
        self.read += 1;
        let shown = |text: &str| first_chars(text.trim_end(), SHOWN_CHARS).to_owned();
        if self.envelope.is_control {
            return Ok(());
        }
        let Some(place) = self.place(&message) else {
            if self.placed == 0 {
                return Err(Error::Invalid(
                    "the input does not say which function wrote it: name the function".to_owned(),
                ));
            }
            self.skips
                .add(Broken("an event of which nothing says which function wrote it"), line, || shown(&message.text));
            return Ok(());
        };
        self.placed += 1;
        let Message { time, id, text, .. } = message;
        match line::parse(&text) {
            Err(why) => self.skips.add(why, line, || shown(&text)),
            Ok(event) => {
                let origin_id = id.unwrap_or_else(|| self.alike.id(&place, time, &text));
                self.join.take(&place, Happened { time, origin_id, event }, &mut self.made);
            }
        }
        self.events += 1;
        self.bytes += text.len();
        if self.events >= BATCH_EVENTS || self.bytes >= BATCH_BYTES {
            self.join.settle_old(&mut self.made);
            self.send()?;
        }
        Ok(())
    }

    /// Whose the message is; none where its function is not known.
    fn place(&self, message: &Message) -> Option<Place> {
        let Setting { said, .. } = &self.setting;
        let Envelope { group, stream, owner, .. } = &self.envelope;
        let stream = message.stream.as_ref().or(stream.as_ref());
        let of_group = || group.as_deref()?.strip_prefix("/aws/lambda/").map(str::to_owned);
        let of_stream = || init_of_stream(stream?).function;
        let function = said.function.clone().or_else(of_group).or_else(of_stream)?;
        Some(Place {
            tenant: said.tenant.clone(),
            function,
            group: group.clone(),
            stream: stream.cloned(),
            instance: said.instance.clone(),
            architecture: said.architecture,
            account: said.account.clone().or_else(|| owner.clone()),
            region: said.region.clone(),
        })
    }

    /// Learns more of all records that come from here on.
    pub(super) fn say(&mut self, said: Said) {
        self.setting.said = said;
    }

    /// Another payload begins, whose envelope is its own.
    pub(super) fn next_envelope(&mut self, envelope: Envelope) {
        self.envelope = envelope;
    }

    /// Hands on what is left at the end of an input.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.join.settle(&mut self.made);
        self.send()
    }

    /// What is told of the input; what is stored of it is the writer's to tell.
    pub(super) fn end(self) -> (Summary, Join) {
        let summary = Summary {
            read: self.read,
            unfinished: self.join.unfinished(),
            past_retention: self.past_retention,
            skipped: self.skips.into_list(),
            ..Summary::default()
        };
        (summary, self.join)
    }

    /// Prices what was made, and hands it to the writer, who may be behind.
    fn send(&mut self) -> Result<(), Error> {
        (self.events, self.bytes) = (0, 0);
        let mut made = std::mem::take(&mut self.made);
        let price = |finished: Finished| {
            let invocation = self.setting.book.price_reported(finished.invocation)?;
            Ok(Finished { invocation, ..finished })
        };
        made.invocations = made.invocations.into_iter().map(price).collect::<Result<_, Error>>()?;
        made.logs.iter_mut().for_each(|log| log.observed_time = self.setting.now);
        self.past_retention += past_retention(&made, &self.setting);
        if made.invocations.is_empty() && made.logs.is_empty() {
            return Ok(());
        }
        self.batches.blocking_send(made).map_err(|_| Error::Stopped)
    }
}

/// Rows whose day is dropped when the tables are next looked after.
fn past_retention(made: &Made, setting: &Setting) -> u64 {
    let past = |time: Timestamp, days: u32| {
        setting.now.days().saturating_sub(time.days()) > i32::try_from(days).unwrap_or(i32::MAX)
    };
    let Retention { invocations, logs, .. } = setting.retention;
    let old = made.invocations.iter().filter(|row| past(row.invocation.started_at, invocations)).count();
    (old + made.logs.iter().filter(|row| past(row.time, logs)).count()) as u64
}

/// Names messages that have no id of their own, so that the same one has the same name when it comes again, and two that are
/// alike in all have two.
#[derive(Debug, Default)]
struct Alike {
    time: Option<Timestamp>,
    /// How often a text came at that time.
    seen: HashMap<[u8; 16], u32>,
}

impl Alike {
    fn id(&mut self, place: &Place, time: Timestamp, text: &str) -> String {
        if self.time.replace(time) != Some(time) || self.seen.len() >= MAX_ALIKE {
            self.seen.clear();
        }
        let environment = place.stream.as_deref().or(place.instance.as_deref()).unwrap_or_default();
        let parts = [
            place.tenant.as_bytes(),
            place.function.as_bytes(),
            environment.as_bytes(),
            &time.nanos().to_be_bytes(),
            text.as_bytes(),
        ];
        let text = digest(parts);
        let before = self.seen.entry(text).or_default();
        let id = digest([&text[..], &before.to_be_bytes()]);
        *before += 1;
        id.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A digest of parts whose lengths it tells apart.
pub(super) fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut short = [0; 16];
    short.copy_from_slice(&hash.finalize()[..16]);
    short
}

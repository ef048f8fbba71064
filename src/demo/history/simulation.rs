//! Owns what becomes of the calls that arrive: which environment takes each, how long its phases are, how it ends, and
//! whether it is tried again. Rows are made of it elsewhere (`rows`): here all is plain numbers, so that passing over what
//! is loaded already costs little.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use crate::demo::arrivals::{Arrival, Arrivals, function_key};
use crate::demo::chance::{Chance, LogNormal, Place};
use crate::demo::measured::Start;
use crate::demo::traffic::{Function, Incident, TIMEOUT, Traffic, micros};
use crate::model::{Outcome, Phases, ThrottleReason};

use super::environments::Environments;

/// How late a time-out is noticed, µs.
const OVERSHOOT: LogNormal = LogNormal { median: 250.0, sigma: 0.5 };
/// What the column `runtime` says of a component.
const COMPONENT: &str = "wasi-http";
/// Memory grows by pages.
const PAGE_BYTES: f64 = 65_536.0;

/// One attempt, as its rows need it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Attempt {
    /// µs since the epoch; no two attempts have the same.
    pub(super) at_us: i64,
    pub(super) function: usize,
    pub(super) version: usize,
    /// 1, 2, ...
    pub(super) attempt: u8,
    /// The event's, so that attempts at it share them.
    pub(super) id: u128,
    pub(super) trace: u128,
    pub(super) span: u64,
    /// Why it did not run.
    pub(super) throttled: Option<ThrottleReason>,
    /// Calls of the function that run, itself included where it runs.
    pub(super) concurrency: usize,
    pub(super) environment: u128,
    pub(super) cold: bool,
    pub(super) phases: Phases,
    /// Which of the function's endings.
    pub(super) ending: usize,
    pub(super) request_bytes: u64,
    pub(super) response_bytes: u64,
    pub(super) peak_memory_bytes: u64,
    pub(super) cpu: Duration,
}

/// The attempts from a moment on, in order.
#[derive(Clone)]
pub(super) struct Simulation {
    traffic: Arc<Traffic>,
    idle_us: i64,
    arrivals: Arrivals,
    /// Attempts at the same event, the earliest first.
    again: BinaryHeap<Reverse<Again>>,
    fates: Vec<Chance>,
    environments: Vec<Environments>,
    last_us: i64,
}

/// An event that is tried once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Again {
    at_us: i64,
    id: u128,
    trace: u128,
    attempt: u8,
    call: Call,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    function: usize,
    wait_ms: u32,
    payload: usize,
}

impl Simulation {
    /// Begins at `from_us`, with no environments, as after a start of the server.
    pub(super) fn new(traffic: Arc<Traffic>, idle: Duration, from_us: i64) -> Self {
        let chance = |function| Chance::at(traffic.seed, Place::Fates, function_key(function), from_us as u64);
        Self {
            idle_us: micros(idle),
            arrivals: Arrivals::from(from_us),
            again: BinaryHeap::new(),
            fates: traffic.functions.iter().map(chance).collect(),
            environments: vec![Environments::default(); traffic.functions.len()],
            last_us: from_us - 1,
            traffic,
        }
    }

    /// The next attempt before `before_us`. When there is none, a later moment may be asked for.
    pub(super) fn next(&mut self, before_us: i64) -> Option<Attempt> {
        let first = self.arrivals.peek(&self.traffic, before_us).map(|arrival| arrival.at_us);
        let again = self.again.peek().map(|again| again.0.at_us);
        let at_us = first.into_iter().chain(again).min()?.max(self.last_us + 1);
        if at_us >= before_us {
            return None;
        }
        let next = if again.is_some_and(|again| first.is_none_or(|first| again < first)) {
            Again { at_us, ..self.again.pop()?.0 }
        } else {
            let Arrival { function, wait_ms, payload, .. } = self.arrivals.next(&self.traffic, before_us)?;
            let fate = &mut self.fates[function];
            let (id, trace) = (uuid(at_us, fate), u128::from(fate.bits()) << 64 | u128::from(fate.bits().max(1)));
            Again { at_us, id, trace, attempt: 1, call: Call { function, wait_ms, payload } }
        };
        self.last_us = at_us;
        Some(self.attempt(next))
    }

    fn attempt(&mut self, event: Again) -> Attempt {
        let Again { at_us, id, trace, attempt, call } = event;
        let traffic = Arc::clone(&self.traffic);
        let (number, function) = (call.function, &traffic.functions[call.function]);
        let (incident, version) = (function.incident(at_us), traffic.version(number, at_us));
        let (fate, environments) = (&mut self.fates[number], &mut self.environments[number]);
        environments.expire(at_us, version, self.idle_us);
        let mut made = Attempt {
            at_us,
            function: number,
            version,
            attempt,
            id,
            trace,
            span: fate.bits().max(1),
            throttled: None,
            concurrency: environments.busy(at_us),
            environment: 0,
            cold: false,
            phases: Phases::default(),
            ending: Function::ending(call.payload),
            request_bytes: function.payload(call.payload).len() as u64,
            response_bytes: 0,
            peak_memory_bytes: 0,
            cpu: Duration::ZERO,
        };
        let limit = incident.and_then(|incident| incident.limit);
        match limit.filter(|(most, _)| made.concurrency >= *most) {
            Some((_, reason)) => made.throttled = Some(reason),
            None => {
                made.concurrency += 1;
                let taken = environments.take(at_us, version, || uuid(at_us, fate));
                (made.environment, made.cold) = (taken.id, taken.cold);
                run(&mut made, function, incident, call.wait_ms, fate);
                // A component that failed is not called again; nothing of a command is left in its slot.
                let failed = function.endings[made.ending].outcome.is_error();
                let reusable = !failed || function.figures.runtime != COMPONENT;
                environments.release(&taken, at_us + micros(made.phases.felt()), reusable);
            }
        }
        self.try_again(&made, call, incident);
        made
    }

    fn try_again(&mut self, made: &Attempt, call: Call, incident: Option<&Incident>) {
        let failed = made.throttled.is_some() || self.outcome(made).is_error();
        let Some(retry) = incident.and_then(|incident| incident.retry).filter(|_| failed) else { return };
        if made.attempt >= retry.attempts {
            return;
        }
        let jitter = 0.75 + self.fates[made.function].uniform() / 2.0;
        let pause = micros(retry.after) as f64 * f64::from(1_u32 << (made.attempt - 1)) * jitter;
        let at_us = made.at_us + micros(made.phases.felt()) + pause as i64;
        let Attempt { id, trace, .. } = *made;
        self.again.push(Reverse(Again { at_us, id, trace, attempt: made.attempt + 1, call }));
    }

    fn outcome(&self, made: &Attempt) -> Outcome {
        self.traffic.functions[made.function].endings[made.ending].outcome
    }
}

/// Lets it run to its end.
fn run(made: &mut Attempt, function: &Function, incident: Option<&Incident>, wait_ms: u32, fate: &mut Chance) {
    if let Some((_, ending)) = incident.and_then(|incident| incident.fails).filter(|(share, _)| fate.happens(*share)) {
        made.ending = ending;
    }
    let figures = &function.figures;
    let ending = &function.endings[made.ending];
    let start = if made.cold { &figures.cold } else { &figures.warm };
    let asked = ending.waits && wait_ms > 0;
    let wait = if asked { Duration::from_millis(wait_ms.into()) + draw(figures.late_us, fate) } else { Duration::ZERO };
    let (own, first) = (draw(ending.own_us, fate), draw(start.handler_us, fate));
    made.cpu = draw(ending.cpu_us, fate) + first;
    made.phases = Phases { handler: wait + own + first, ..phases(start, fate) };
    let limit = function.sample.spec.timeout;
    if made.phases.init + made.phases.handler > limit || ending.outcome == Outcome::Timeout {
        if ending.outcome != Outcome::Timeout {
            made.ending = TIMEOUT;
        }
        made.phases.handler = limit.saturating_sub(made.phases.init) + draw(OVERSHOOT, fate);
    }
    // What runs for its own sake has that much CPU time; what waits has little.
    made.cpu = made.cpu.min(made.phases.handler);
    let ending = &function.endings[made.ending];
    let peak = ending.peak_memory_kib.draw(fate) * 1_024.0;
    let most = function.versions[made.version].memory.bytes().0;
    made.peak_memory_bytes = (((peak / PAGE_BYTES).round().max(1.0) * PAGE_BYTES) as u64).min(most);
    made.response_bytes = ending.response_bytes;
}

fn phases(start: &Start, fate: &mut Chance) -> Phases {
    Phases {
        queue: draw(start.queue_us, fate),
        load: draw(start.load_us, fate),
        compile: Duration::ZERO,
        instantiate: draw(start.instantiate_us, fate),
        init: draw(start.init_us, fate),
        handler: Duration::ZERO,
    }
}

/// A length of time from microseconds.
fn draw(length_us: LogNormal, fate: &mut Chance) -> Duration {
    Duration::from_nanos((length_us.draw(fate) * 1_000.0) as u64)
}

/// A UUID of version 7, as the executor gives them.
fn uuid(at_us: i64, fate: &mut Chance) -> u128 {
    let mut random = [0; 10];
    random[..8].copy_from_slice(&fate.bits().to_le_bytes());
    random[8..].copy_from_slice(&fate.bits().to_le_bytes()[..2]);
    let millis = u64::try_from(at_us / 1_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().as_u128()
}

//! Owns one log stream's state: what its environment is, which invocations are open in it, and which one is over but may
//! still be changed by a late line.

use std::time::Duration;

use crate::model::InitType;
use crate::units::{ByteCount, Timestamp};

use super::super::event::{Event, Failure, Init, InitReport, Report, Trace};
use super::super::rows::{self, Run};
use super::{Finished, Happened, Made, Place};

/// Invocations that may be open in one stream: more than an environment ever runs at once.
const MAX_OPEN: usize = 1_000;

/// One log stream, which is one execution environment.
#[derive(Debug, Clone)]
pub(in super::super) struct Stream {
    place: Place,
    init: Init,
    /// An init that no invocation came after yet.
    init_report: Option<InitReport>,
    /// In the order that they began.
    open: Vec<Open>,
    /// The last one that ended: older logs say how it failed after its REPORT.
    settling: Option<Finished>,
    /// Which event was its last one.
    pub(super) touched: u64,
}

/// An invocation that has begun.
#[derive(Debug, Clone, Default)]
struct Open {
    request_id: String,
    started_at: Option<Timestamp>,
    version: Option<String>,
    response: Option<ByteCount>,
    failure: Option<Failure>,
    trace: Option<Trace>,
}

impl Stream {
    pub(super) fn new(place: &Place) -> Self {
        let named = place.stream.as_deref().map(rows::init_of_stream).unwrap_or_default();
        let instance = place.instance.clone().or(named.instance);
        Self {
            place: place.clone(),
            init: Init { instance, ..named },
            init_report: None,
            open: Vec::new(),
            settling: None,
            touched: 0,
        }
    }

    /// How many invocations are open.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Hands on the invocation that a late line could still have changed.
    pub(super) fn settle(&mut self, made: &mut Made) {
        made.invocations.extend(self.settling.take());
    }

    pub(super) fn take(&mut self, event: u64, happened: Happened, made: &mut Made) {
        self.touched = event;
        let Happened { time, origin_id, event } = happened;
        match event {
            Event::Init(init) => {
                self.settle(made);
                self.begin(init);
            }
            Event::InitReport(report) => self.init_reported(report),
            Event::Start { request_id, version, trace } => {
                self.settle(made);
                self.open.retain(|open| open.request_id != request_id);
                if self.open.len() == MAX_OPEN {
                    self.open.remove(0);
                }
                self.open.push(Open { request_id, started_at: Some(time), version, trace, ..Open::default() });
            }
            Event::Done { request_id, response, failure, trace } => {
                if let Some(open) = self.open.iter_mut().find(|open| open.request_id == request_id) {
                    open.response = response.or(open.response);
                    open.failure = merged(open.failure.take(), failure);
                    open.trace = trace.or(open.trace);
                }
            }
            Event::Report(report) => {
                self.settle(made);
                self.settling = Some(self.finish(*report, time));
            }
            Event::Failed { request_id, failure, line } => {
                let of = request_id.or_else(|| self.current());
                if let Some(id) = &of {
                    self.fail(id, failure);
                }
                made.logs.push(rows::log(&self.place, &self.init, of, time, origin_id, line));
            }
            Event::Trace(trace) => {
                if let Some(last) = &mut self.settling {
                    rows::set_trace(&mut last.invocation, trace);
                    last.trace = Some(trace);
                }
            }
            Event::Line(mut line) => {
                let of = line.request_id.take().or_else(|| self.current());
                made.logs.push(rows::log(&self.place, &self.init, of, time, origin_id, line));
            }
            Event::Other => {}
        }
    }

    /// A new init says what the environment is; what it does not say is as before.
    fn begin(&mut self, init: Init) {
        let Init { runtime, region, function: _, version, instance, kind } = init;
        let known = &mut self.init;
        known.runtime = runtime.or(known.runtime.take());
        known.region = known.region.take().or(region);
        known.version = version.or(known.version.take());
        known.instance = known.instance.take().or(instance);
        known.kind = kind.or(known.kind);
        self.init_report = None;
    }

    fn init_reported(&mut self, report: InitReport) {
        self.init.kind = report.kind.or(self.init.kind);
        match self.open.last_mut().filter(|_| report.within_invocation) {
            Some(open) => open.failure = merged(open.failure.take(), report.failure),
            None => self.init_report = Some(report),
        }
    }

    /// Whose a line is that does not say so: the invocation that began last. Where streams are not told apart, it is nobody's
    /// while several are open.
    fn current(&self) -> Option<String> {
        let certain = self.init.instance.is_some() || self.open.len() == 1;
        self.open.last().filter(|_| certain).map(|open| open.request_id.clone())
    }

    fn fail(&mut self, request_id: &str, failure: Failure) {
        if let Some(open) = self.open.iter_mut().find(|open| open.request_id == request_id) {
            open.failure = merged(open.failure.take(), Some(failure));
        } else if let Some(last) = self.settling.as_mut().filter(|last| last.invocation.invocation_id.0 == request_id) {
            rows::set_failure(&mut last.invocation, failure);
        }
    }

    fn finish(&mut self, report: Report, time: Timestamp) -> Finished {
        let open = self.open.iter().position(|open| open.request_id == report.request_id);
        let open = open.map(|at| self.open.remove(at)).unwrap_or_default();
        let provisioned = self.init.kind == Some(InitType::Provisioned);
        // What an environment's first REPORT says of init, or else what was said when init ended, as where it failed.
        let earlier = self.init_report.take().filter(|earlier| !earlier.within_invocation);
        let cold = !provisioned && (report.init.is_some() || report.restore.is_some() || earlier.is_some());
        let init = report.init.or(report.restore).or(earlier.and_then(|earlier| earlier.length)).filter(|_| cold);
        let kind = report.restore.map(|_| InitType::SnapStart).or(self.init.kind);
        let trace = report.trace.or(open.trace);
        let run = Run {
            started_at: open.started_at.unwrap_or_else(|| time.minus(report.duration)),
            version: open.version.or_else(|| self.init.version.clone()),
            response: open.response,
            failure: merged(report.failure.clone(), open.failure),
            cold,
            init: init.unwrap_or(Duration::ZERO),
            kind,
        };
        let mut invocation = rows::invocation(&self.place, &self.init, &report, run);
        if let Some(trace) = trace {
            rows::set_trace(&mut invocation, trace);
        }
        Finished { invocation, trace }
    }
}

/// What two records say of one failure; the first is the better word.
fn merged(first: Option<Failure>, second: Option<Failure>) -> Option<Failure> {
    match first {
        Some(first) => Some(first.and(second)),
        None => second,
    }
}

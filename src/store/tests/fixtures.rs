//! Records of all shapes, from a seed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::model::*;
use crate::units::*;

/// Makes records; the same ones from the same seed.
pub(crate) struct Fixtures(StdRng);

impl Fixtures {
    pub(crate) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// So many rows for each table.
    pub(crate) fn records(&mut self, counts: [usize; 4]) -> Records {
        let [invocations, spans, logs, metrics] = counts;
        Records {
            invocations: (0..invocations).map(|_| self.invocation()).collect(),
            spans: (0..spans).map(|_| self.span()).collect(),
            logs: (0..logs).map(|_| self.log()).collect(),
            metrics: (0..metrics).map(|_| self.metric()).collect(),
        }
    }

    /// A few rows for some tables.
    pub(crate) fn some(&mut self) -> Records {
        let counts = std::array::from_fn(|_| self.0.random_range(0..4));
        self.records(counts)
    }

    pub(crate) fn invocation(&mut self) -> Invocation {
        Invocation {
            invocation_id: InvocationId(self.text()),
            attempt: self.0.random(),
            trace_id: self.maybe(Self::trace),
            span_id: self.maybe(Self::span_id),
            tenant: self.name(),
            function: self.name(),
            version: self.maybe(|_| "1".to_owned()),
            region: self.maybe(|_| "us-east-1".to_owned()),
            architecture: self.maybe(|this| if this.0.random() { Architecture::X86_64 } else { Architecture::Arm64 }),
            runtime: self.maybe(|_| "wasi-http".to_owned()),
            trigger: self.maybe(|this| this.pick(Trigger::ALL)),
            source: "executor".to_owned(),
            tags: self.map(),
            started_at: self.time(),
            account: self.maybe(|_| "default".to_owned()),
            environment_id: self.maybe(|this| EnvironmentId(this.text())),
            init_type: self.maybe(|this| this.pick(InitType::ALL)),
            ephemeral_storage: self.maybe(|this| Megabytes(this.0.random())),
            streamed: self.maybe(|this| ByteCount(this.0.random())),
            outcome: self.pick(Outcome::ALL),
            error_type: self.maybe(Self::text),
            error_message: self.maybe(Self::text),
            throttle_reason: self.maybe(|this| this.pick(ThrottleReason::ALL)),
            cold: self.maybe(|this| this.0.random()),
            phases: PhaseLengths {
                queue: self.maybe(Self::length),
                load: self.maybe(Self::length),
                compile: None,
                instantiate: Some(Duration::ZERO),
                init: self.maybe(Self::length),
                handler: self.maybe(Self::length),
            },
            billed_ms: self.maybe(|this| this.0.random()),
            memory: self.maybe(|_| Megabytes(128)),
            peak_memory: self.maybe(|this| ByteCount(this.0.random())),
            fuel: self.maybe(|this| this.0.random_range(0..1 << 50)),
            egress: self.maybe(|this| ByteCount(this.0.random_range(0..1 << 40))),
            cpu_ns: self.maybe(|this| this.0.random()),
            request_size: self.maybe(|this| ByteCount(this.0.random())),
            response_size: self.maybe(|this| ByteCount(this.0.random())),
            http_status: self.maybe(|this| this.0.random()),
            concurrency: self.maybe(|this| this.0.random_range(0..2_000)),
            price_book: self.maybe(|_| "aws-lambda@2026-01-01".to_owned()),
            list_cost: self.maybe(Self::money),
            init_cost: self.maybe(Self::money),
            currency: self.maybe(|_| "USD".parse().expect("a currency")),
        }
    }

    pub(crate) fn span(&mut self) -> Span {
        Span {
            tenant: self.name(),
            function: self.maybe(Self::name),
            source: "otlp".to_owned(),
            invocation_id: self.maybe(Self::text),
            trace_id: self.trace(),
            span_id: self.span_id(),
            parent_span_id: self.maybe(Self::span_id),
            trace_state: self.text(),
            flags: self.0.random(),
            name: self.text(),
            kind: SpanKind::Server,
            start: self.time(),
            end: self.time(),
            attributes: self.map(),
            dropped_attributes_count: self.0.random(),
            events: self.several(|this| Event {
                time: this.time(),
                name: this.text(),
                attributes: this.map(),
                dropped_attributes_count: this.0.random(),
            }),
            dropped_events_count: self.0.random(),
            links: self.several(|this| Link {
                trace_id: this.trace(),
                span_id: this.span_id(),
                trace_state: this.text(),
                attributes: this.map(),
                dropped_attributes_count: this.0.random(),
                flags: this.0.random(),
            }),
            dropped_links_count: self.0.random(),
            status_code: StatusCode::Error,
            status_message: self.text(),
            resource_attributes: self.map(),
            scope_name: self.text(),
            scope_version: self.text(),
        }
    }

    pub(crate) fn log(&mut self) -> LogRecord {
        LogRecord {
            tenant: self.name(),
            function: self.maybe(Self::name),
            version: self.maybe(Self::text),
            invocation_id: self.maybe(Self::text),
            environment_id: self.maybe(Self::text),
            source: "executor".to_owned(),
            time: self.time(),
            observed_time: self.time(),
            severity_number: self.0.random(),
            severity_text: self.text(),
            body: self.text(),
            attributes: self.map(),
            dropped_attributes_count: self.0.random(),
            flags: self.0.random(),
            trace_id: self.maybe(Self::trace),
            span_id: self.maybe(Self::span_id),
            event_name: self.text(),
            resource_attributes: self.map(),
            scope_name: self.text(),
            scope_version: self.text(),
            origin_id: self.maybe(Self::text),
        }
    }

    pub(crate) fn metric(&mut self) -> MetricPoint {
        MetricPoint {
            tenant: self.name(),
            function: self.maybe(Self::name),
            source: "otlp".to_owned(),
            name: self.name(),
            description: self.text(),
            unit: "s".to_owned(),
            start_time: self.maybe(Self::time),
            time: self.time(),
            data: self.data(),
            attributes: self.map(),
            flags: self.0.random(),
            exemplars: self.several(|this| Exemplar {
                time: this.time(),
                value: this.number(),
                trace_id: this.maybe(Self::trace),
                span_id: this.maybe(Self::span_id),
                filtered_attributes: this.map(),
            }),
            resource_attributes: self.map(),
            scope_name: self.text(),
            scope_version: self.text(),
            origin_id: self.maybe(Self::text),
        }
    }

    fn data(&mut self) -> MetricData {
        let temporality = Temporality::Cumulative;
        let (count, sum, min, max) = (self.0.random(), Some(1.5), None, Some(f64::MAX));
        match self.0.random_range(0..5) {
            0 => MetricData::Gauge(self.maybe(Self::number)),
            1 => MetricData::Sum { value: self.maybe(Self::number), temporality, is_monotonic: self.0.random() },
            2 => MetricData::Histogram {
                temporality,
                count,
                sum,
                min,
                max,
                bucket_counts: self.several(|this| this.0.random()),
                explicit_bounds: self.several(|this| this.0.random()),
            },
            3 => MetricData::ExponentialHistogram {
                temporality,
                count,
                sum,
                min,
                max,
                scale: self.0.random(),
                zero_count: self.0.random(),
                zero_threshold: 0.25,
                positive: ExponentialBuckets { offset: -3, bucket_counts: self.several(|this| this.0.random()) },
                negative: ExponentialBuckets::default(),
            },
            _ => MetricData::Summary {
                count,
                sum: 2.5,
                quantile_values: self.several(|_| QuantileValue { quantile: 0.5, value: -0.0 }),
            },
        }
    }

    fn number(&mut self) -> NumberValue {
        if self.0.random() { NumberValue::Int(self.0.random()) } else { NumberValue::Double(self.0.random()) }
    }

    fn several<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.0.random_range(0..3)).map(|_| make(self)).collect()
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.0.random() { Some(make(self)) } else { None }
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.0.random_range(0..all.len())]
    }

    fn map<M: FromIterator<(String, String)>>(&mut self) -> M {
        (0..self.0.random_range(0..3)).map(|_| (self.text(), self.text())).collect()
    }

    fn text(&mut self) -> String {
        (0..self.0.random_range(0..20)).map(|_| self.0.random::<char>()).collect()
    }

    fn name(&mut self) -> String {
        format!("name-{}", self.0.random_range(0..3))
    }

    fn trace(&mut self) -> TraceId {
        TraceId::from_bytes(self.0.random::<u128>().max(1).to_be_bytes()).expect("not zero")
    }

    fn span_id(&mut self) -> SpanId {
        SpanId::from_bytes(self.0.random::<u64>().max(1).to_be_bytes()).expect("not zero")
    }

    /// Within three days.
    fn time(&mut self) -> Timestamp {
        let day = 86_400_000_000_000;
        Timestamp::from_nanos(20_000 * day + self.0.random_range(0..3 * day))
    }

    fn length(&mut self) -> Duration {
        Duration::from_nanos(self.0.random_range(0..10_000_000_000))
    }

    fn money(&mut self) -> Money {
        Money::from_units(i128::from(self.0.random::<u64>())).expect("in range")
    }
}

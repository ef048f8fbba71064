//! Requests made up at random, whole and mutated: what is JSON reads as what is protobuf, every item is a row or rejected,
//! and no body does more than be refused.

use opentelemetry_proto::tonic::logs::v1::LogsData;
use opentelemetry_proto::tonic::metrics::v1::MetricsData;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use proptest::prelude::*;
use prost::Message;
use serde::Serialize;

use super::made;
use super::*;
use crate::ingest::otlp::{json, points, schema, weigh};

/// Random changes of a body: bytes put elsewhere, taken out, put twice, made another.
fn mutated(mut body: Vec<u8>, changes: &[(u8, usize, u8)]) -> Vec<u8> {
    for (kind, at, byte) in changes {
        let at = at % (body.len() + 1);
        match kind % 4 {
            0 if at < body.len() => body[at] = *byte,
            1 => body.truncate(at),
            2 => body.insert(at, *byte),
            _ => {
                let tail = body[at..].to_vec();
                body.extend(tail);
            }
        }
    }
    body
}

fn changes() -> impl Strategy<Value = Vec<(u8, usize, u8)>> {
    proptest::collection::vec((proptest::num::u8::ANY, proptest::num::usize::ANY, proptest::num::u8::ANY), 1..6)
}

/// JSON is written as the protobuf that it stands for, and what it weighs is no less than its length.
fn reads_alike<M: Message + Default + Serialize + PartialEq + std::fmt::Debug>(
    request: &M,
    message: &'static schema::Message,
) {
    let written = json::to_protobuf(message, &serde_json::to_vec(request).unwrap()).unwrap();
    assert_eq!(&M::decode(&written[..]).unwrap(), request);
    assert!(weigh::weigh(message, &written).unwrap() >= written.len() as u64);
}

/// Every item is a row or is counted as rejected.
fn accounts_for(signal: Signal, request: &impl Message, items: usize) {
    let read = read(signal, Format::Protobuf, request.encode_to_vec()).unwrap();
    let rows = read.records.spans.len() + read.records.logs.len() + read.records.metrics.len();
    assert_eq!(rows as u64 + read.rejected.count, items as u64);
    assert!(read.records.invocations.len() <= read.records.spans.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn traces_are_read(request in made::traces()) {
        reads_alike(&request, &schema::TRACES);
        let spans = request.resource_spans.iter().flat_map(|group| &group.scope_spans).map(|scope| scope.spans.len());
        accounts_for(Signal::Traces, &request, spans.sum());
    }

    #[test]
    fn logs_are_read(request in made::logs()) {
        reads_alike(&request, &schema::LOGS);
        let records = request.resource_logs.iter().flat_map(|group| &group.scope_logs).map(|scope| scope.log_records.len());
        accounts_for(Signal::Logs, &request, records.sum());
    }

    #[test]
    fn metrics_are_read(request in made::metrics()) {
        reads_alike(&request, &schema::METRICS);
        let metrics = request.resource_metrics.iter().flat_map(|group| &group.scope_metrics).flat_map(|scope| &scope.metrics);
        accounts_for(Signal::Metrics, &request, metrics.map(points::count).sum());
    }

    /// Reading ends with rows or a refusal that is the sender's to mend, whatever the bytes.
    #[test]
    fn mutated_bodies_are_refused_or_read(
        traces in made::traces(), logs in made::logs(), metrics in made::metrics(), changes in changes(),
    ) {
        let bodies = [
            (Signal::Traces, Format::Protobuf, traces.encode_to_vec()),
            (Signal::Logs, Format::Protobuf, logs.encode_to_vec()),
            (Signal::Metrics, Format::Protobuf, metrics.encode_to_vec()),
            (Signal::Traces, Format::Json, serde_json::to_vec(&traces).unwrap()),
            (Signal::Logs, Format::Json, serde_json::to_vec(&logs).unwrap()),
            (Signal::Metrics, Format::Json, serde_json::to_vec(&metrics).unwrap()),
        ];
        for (signal, format, body) in bodies {
            match read(signal, format, mutated(body, &changes)) {
                Ok(_) | Err(Error::Bad(_) | Error::TooLarge(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn bytes_of_no_meaning_are_refused_or_read(body in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        for signal in Signal::ALL {
            for format in [Format::Protobuf, Format::Json] {
                assert!(matches!(read(signal, format, body.clone()), Ok(_) | Err(Error::Bad(_))));
            }
        }
        for encoding in [Encoding::Gzip, Encoding::Deflate, Encoding::Zstd] {
            assert!(matches!(plain(body.clone(), encoding, 1 << 20), Ok(_) | Err(Error::Bad(_))));
        }
    }
}

#[test]
fn the_data_types_are_the_request_types_on_the_wire() {
    for (signal, empty) in [
        (Signal::Traces, TracesData::default().encode_to_vec()),
        (Signal::Logs, LogsData::default().encode_to_vec()),
        (Signal::Metrics, MetricsData::default().encode_to_vec()),
    ] {
        assert!(empty.is_empty());
        assert_eq!(read(signal, Format::Protobuf, empty).unwrap().records.len(), 0, "an empty request succeeds");
        assert_eq!(read(signal, Format::Json, "{}").unwrap().records.len(), 0);
    }
}

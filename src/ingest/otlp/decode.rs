//! From a plain body to rows: the steps that all signals share, each within its limit.

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::logs::v1::LogsData;
use opentelemetry_proto::tonic::metrics::v1::MetricsData;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::cost::PriceBooks;
use crate::ingest::{Error, Room};
use crate::model::Records;
use crate::units::Timestamp;

use super::rejected::Rejected;
use super::{Format, Signal, json, logs, metrics, schema, traces, weigh};

/// What rows say that a body does not.
#[derive(Clone)]
pub(in crate::ingest) struct Context {
    /// Whom what names no tenant belongs to.
    pub(in crate::ingest) tenant: String,
    /// When the request arrived.
    pub(in crate::ingest) received: Timestamp,
    /// What invocations are priced by.
    pub(in crate::ingest) books: Arc<PriceBooks>,
    /// `Config::max_decoded_bytes`
    pub(in crate::ingest) max_bytes: u64,
}

/// What a body holds.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Read {
    pub(in crate::ingest) records: Records,
    pub(in crate::ingest) rejected: Rejected,
}

/// Reads a plain body. Room is taken for what it becomes in memory.
pub(in crate::ingest) fn read(
    signal: Signal,
    format: Format,
    body: Bytes,
    context: &Context,
    room: &mut Room,
) -> Result<Read, Error> {
    let message = match signal {
        Signal::Traces => &schema::TRACES,
        Signal::Logs => &schema::LOGS,
        Signal::Metrics => &schema::METRICS,
    };
    let origin = || origin_id(signal, &context.tenant, &body);
    let protobuf = match format {
        Format::Protobuf => body.clone(),
        Format::Json => {
            let written = Bytes::from(json::to_protobuf(message, &body)?);
            room.hold(written.len() as u64)?;
            written
        }
    };
    let weight = weigh::weigh(message, &protobuf)?;
    if weight > context.max_bytes {
        let limit = context.max_bytes;
        return Err(Error::TooLarge(format!(
            "the request would take {weight} bytes of memory once it is decoded and may take {limit}: send less at once"
        )));
    }
    room.hold(weight)?;
    match signal {
        Signal::Traces => traces::read(decode::<TracesData>(protobuf)?, context, room),
        Signal::Logs => logs::read(decode::<LogsData>(protobuf)?, &origin(), context, room),
        Signal::Metrics => metrics::read(decode::<MetricsData>(protobuf)?, &origin(), context, room),
    }
}

/// The request types are the same on the wire as the data types of a file.
fn decode<M: Message + Default>(protobuf: Bytes) -> Result<M, Error> {
    M::decode(protobuf).map_err(|error| Error::Bad(format!("the body is not valid protobuf: {error}")))
}

/// Names a request by what it says and whom it is for: 128 bits, as hex.
fn origin_id(signal: Signal, tenant: &str, body: &[u8]) -> String {
    let mut digest = Sha256::new();
    for part in [signal.as_str().as_bytes(), tenant.as_bytes(), body] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

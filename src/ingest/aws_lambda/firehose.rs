//! Owns the body of Firehose's HTTP deliveries. What its records hold is `input`'s.

use std::borrow::Cow;
use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;

use crate::ingest::gzip::is_gzip;

use super::Error;
use super::message::Envelope;

/// Records that one delivery may have; AWS sends 500 at most.
const MAX_RECORDS: usize = 10_000;

/// Log groups and streams have at most 512 characters.
const MAX_NAME: usize = 2_048;

/// A delivery.
#[derive(Debug, Deserialize)]
pub(super) struct Delivery {
    /// Names it.
    #[serde(rename = "requestId")]
    pub(super) request_id: String,
    pub(super) records: Vec<Record>,
}

/// One payload of a subscription.
#[derive(Debug, Deserialize)]
pub(super) struct Record {
    /// Base64 of gzip of JSON.
    data: String,
}

impl Delivery {
    /// Reads a delivery's body, gzip or not, of at most `limit` bytes of JSON.
    pub(super) fn read(body: &[u8], limit: u64) -> Result<Self, Error> {
        let unpacked = unpack(body.into(), limit)?;
        let wrong = |error| Error::Invalid(format!("the body is not a delivery of Firehose: {error}"));
        let delivery: Self = serde_json::from_slice(&unpacked).map_err(wrong)?;
        match delivery.records.len() {
            0..=MAX_RECORDS => Ok(delivery),
            many => Err(Error::Invalid(format!("the delivery has {many} records: at most {MAX_RECORDS} are taken"))),
        }
    }
}

/// What bytes of gzip hold, `limit` bytes at most; other bytes are as they are.
fn unpack(bytes: Cow<'_, [u8]>, limit: u64) -> Result<Cow<'_, [u8]>, Error> {
    if !is_gzip(&bytes) {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    let read = MultiGzDecoder::new(&*bytes).take(limit.saturating_add(1)).read_to_end(&mut unpacked);
    read.map_err(|error| Error::Invalid(format!("gzip cannot be read to its end: {error}")))?;
    if unpacked.len() as u64 > limit { Err(Error::TooLarge { limit }) } else { Ok(unpacked.into()) }
}

/// The payload of a record, of at most `limit` bytes.
pub(super) fn decode(record: Record, limit: u64) -> Result<Cow<'static, [u8]>, Error> {
    let wrong = |error| Error::Invalid(format!("a record's data is not base64: {error}"));
    unpack(STANDARD.decode(record.data).map_err(wrong)?.into(), limit)
}

/// What a payload says of its events, wherever in it that stands; none where it is no such payload.
pub(super) fn envelope(payload: &[u8]) -> Option<Envelope> {
    let Payload { message_type, owner, log_group, log_stream } = serde_json::from_slice(payload).ok()?;
    let text = |text: Option<String>| text.filter(|text| !text.is_empty() && text.len() <= MAX_NAME);
    Some(Envelope {
        group: text(log_group),
        stream: text(log_stream),
        owner: text(owner),
        is_control: message_type == "CONTROL_MESSAGE",
    })
}

/// A subscription's payload, its events left out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    message_type: String,
    owner: Option<String>,
    log_group: Option<String>,
    log_stream: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_read_or_refused() {
        let delivery =
            Delivery::read(br#"{"requestId":"r","timestamp":1,"records":[{"data":"aGk="}]}"#, 1_000).expect("one");
        assert_eq!(delivery.request_id, "r");
        let records: Vec<_> = delivery.records.into_iter().map(|record| decode(record, 9).expect("base64")).collect();
        assert_eq!(records, [&b"hi"[..]]);
        for wrong in [
            "",
            "{}",
            "[]",
            r#"{"requestId":"r"}"#,
            r#"{"requestId":1,"records":[]}"#,
            r#"{"requestId":"r","records":[{}]}"#,
        ] {
            assert!(matches!(Delivery::read(wrong.as_bytes(), 1_000), Err(Error::Invalid(_))), "{wrong}");
        }
        let record = |data: &str| Record { data: data.to_owned() };
        assert!(decode(record("?"), 9).is_err() && decode(record("aGk"), 9).is_err());
        let many = format!(r#"{{"requestId":"r","records":[{}{{"data":""}}]}}"#, r#"{"data":""},"#.repeat(MAX_RECORDS));
        assert!(Delivery::read(many.as_bytes(), 1 << 20).is_err());
    }
}

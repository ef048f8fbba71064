//! Owns the body of Firehose's HTTP deliveries. What its records hold is `input`'s.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;

use super::Error;

/// Records that one delivery may have; AWS sends 500 at most.
const MAX_RECORDS: usize = 10_000;

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
        let unpacked = if body.starts_with(&[0x1f, 0x8b]) { Some(unpack(body, limit)?) } else { None };
        let wrong = |error| Error::Invalid(format!("the body is not a delivery of Firehose: {error}"));
        let delivery: Self = serde_json::from_slice(unpacked.as_deref().unwrap_or(body)).map_err(wrong)?;
        match delivery.records.len() {
            0..=MAX_RECORDS => Ok(delivery),
            many => Err(Error::Invalid(format!("the delivery has {many} records: at most {MAX_RECORDS} are taken"))),
        }
    }
}

fn unpack(body: &[u8], limit: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = MultiGzDecoder::new(body).take(limit.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| Error::Invalid(format!("the body is not gzip to its end: {error}")))?;
    if bytes.len() as u64 > limit { Err(Error::TooLarge { limit }) } else { Ok(bytes) }
}

/// The bytes of a record.
pub(super) fn decode(record: Record) -> Result<Vec<u8>, Error> {
    STANDARD.decode(record.data).map_err(|error| Error::Invalid(format!("a record's data is not base64: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_read_or_refused() {
        let delivery =
            Delivery::read(br#"{"requestId":"r","timestamp":1,"records":[{"data":"aGk="}]}"#, 1_000).expect("one");
        assert_eq!(delivery.request_id, "r");
        assert_eq!(
            delivery.records.into_iter().map(|record| decode(record).expect("base64")).collect::<Vec<_>>(),
            [b"hi"]
        );
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
        assert!(decode(record("?")).is_err() && decode(record("aGk")).is_err());
        let many = format!(r#"{{"requestId":"r","records":[{}{{"data":""}}]}}"#, r#"{"data":""},"#.repeat(MAX_RECORDS));
        assert!(Delivery::read(many.as_bytes(), 1 << 20).is_err());
    }
}

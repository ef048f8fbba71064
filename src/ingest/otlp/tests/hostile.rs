//! Bodies that mean harm, or are as good as if they did: bombs, lies about lengths, text that is none.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use super::*;

fn bad(read: Result<Read, Error>) -> String {
    match read {
        Err(Error::Bad(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_encoding_comes_off_and_is_limited_after_it() {
    let text = "a body of some length, ".repeat(1_000);
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(text.as_bytes()).unwrap();
    let bodies = [
        (Encoding::Identity, text.clone().into_bytes()),
        (Encoding::Gzip, gzip(text.as_bytes())),
        (Encoding::Deflate, zlib.finish().unwrap()),
        (Encoding::Zstd, zstd::encode_all(text.as_bytes(), 3).unwrap()),
    ];
    for (encoding, body) in bodies {
        let length = text.len() as u64;
        assert_eq!(plain(body.clone(), encoding, length).unwrap(), text, "{encoding:?}");
        assert!(matches!(plain(body.clone(), encoding, length - 1), Err(Error::TooLarge(_))), "{encoding:?}");
        if encoding != Encoding::Identity {
            assert!(matches!(plain(body[..body.len() / 2].to_vec(), encoding, length), Err(Error::Bad(_))));
            assert!(matches!(plain(text.clone(), encoding, length), Err(Error::Bad(_))), "{encoding:?}");
        }
    }
    let two = [gzip(b"one, "), gzip(b"two")].concat();
    assert_eq!(plain(two, Encoding::Gzip, 100).unwrap(), "one, two", "members of gzip follow each other");
    assert!(matches!("br".parse::<Encoding>(), Err(Error::Unsupported(_))));
    assert!(matches!("GZIP".parse::<Encoding>(), Ok(Encoding::Gzip)));
}

/// 64 GiB of zeros in 64 MiB of gzip would be the worst; a smaller one shows the same.
#[test]
fn a_bomb_takes_no_more_than_the_limit() {
    let zeros = vec![0; 64 << 20];
    let (gzip, zstd) = (gzip(&zeros), zstd::encode_all(&zeros[..], 1).unwrap());
    for (encoding, bomb) in [(Encoding::Gzip, gzip), (Encoding::Zstd, zstd)] {
        let config = Config { max_body_bytes: 1 << 20, max_decoded_bytes: 0, max_held_bytes: 0, ..Config::default() };
        let mut room = Rooms::new(&config).open();
        let read = super::super::plain(bomb.into(), encoding, config.max_body_bytes, &mut room);
        assert!(matches!(read, Err(Error::TooLarge(_))), "{encoding:?}: {read:?}");
    }
}

#[test]
fn a_window_of_zstd_that_is_too_large_is_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&vec![7; 1 << 20]).unwrap();
    assert!(matches!(plain(encoder.finish().unwrap(), Encoding::Zstd, 2 << 20), Err(Error::Bad(_))));
}

/// Two bytes are a span of hundreds: 64 MiB of them would be 10 GiB.
#[test]
fn a_body_that_would_outgrow_memory_once_decoded_is_refused_before_it_does() {
    let field = |number: u8, inner: &[u8]| {
        let mut bytes = vec![number << 3 | 2];
        prost::encoding::encode_varint(inner.len() as u64, &mut bytes);
        bytes.extend_from_slice(inner);
        bytes
    };
    let (empties, zeros) = ([0x12, 0].repeat(8 << 20), vec![1; 56 << 20]);
    let spans = field(1, &field(2, &empties));
    let scopes = field(1, &empties);
    let events = field(1, &field(2, &field(2, &[0x5a, 0].repeat(8 << 20))));
    let keys = field(1, &field(1, &field(3, &[0x1a, 0].repeat(16 << 20))));
    for (what, body) in [("spans", spans), ("scopes", scopes), ("events", events), ("keys of entities", keys)] {
        assert!(matches!(read(Signal::Traces, Format::Protobuf, body), Err(Error::TooLarge(_))), "{what}");
    }
    let buckets = field(1, &field(2, &field(2, &field(10, &field(1, &field(8, &field(2, &zeros)))))));
    assert!(matches!(read(Signal::Metrics, Format::Protobuf, buckets), Err(Error::TooLarge(_))));
    let json = format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{}{{}}]}}]}}]}}", "{},".repeat(2 << 20));
    assert!(matches!(read(Signal::Traces, Format::Json, json), Err(Error::TooLarge(_))));
}

/// A row has its resource's attributes: a large resource and many spans make more of a body than it has.
#[test]
fn rows_that_would_outgrow_memory_are_refused_before_they_are_made() {
    let mut body = one_span(&json!({"big": "x".repeat(1 << 20)}), &json!({}));
    let spans = &mut body["resourceSpans"][0]["scopeSpans"][0]["spans"];
    *spans = vec![spans[0].clone(); 500].into();
    assert!(matches!(read(Signal::Traces, Format::Json, body.to_string()), Err(Error::TooLarge(_))));
    let point = json!({"timeUnixNano": "1789999999000000000", "asInt": 1});
    let metric = json!({"name": "x".repeat(1 << 20), "gauge": {"dataPoints": vec![point; 500]}});
    let body = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]});
    assert!(matches!(read(Signal::Metrics, Format::Json, body.to_string()), Err(Error::TooLarge(_))));
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| {
        let value = format!("{}{{}}{}", "{\"arrayValue\":{\"values\":[".repeat(depth), "]}}".repeat(depth));
        format!("{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{{\"body\":{value}}}]}}]}}]}}")
    };
    assert_eq!(read(Signal::Logs, Format::Json, nested(20)).unwrap().records.logs.len(), 1);
    bad(read(Signal::Logs, Format::Json, nested(10_000)));
    let mut value: Vec<u8> = Vec::new();
    for _ in 0..500 {
        for number in [1, 5] {
            let mut outer = vec![number << 3 | 2];
            prost::encoding::encode_varint(value.len() as u64, &mut outer);
            outer.extend(value);
            value = outer;
        }
    }
    for number in [5_u8, 2, 2, 1] {
        let mut outer = vec![number << 3 | 2];
        prost::encoding::encode_varint(value.len() as u64, &mut outer);
        outer.extend(value);
        value = outer;
    }
    bad(read(Signal::Logs, Format::Protobuf, value));
}

#[test]
fn text_that_is_no_utf_8_is_refused() {
    // A key of the resource's attributes, of one byte that begins nothing.
    let body = [10, 9, 10, 7, 10, 5, 10, 1, 0xff, 18, 0];
    assert!(bad(read(Signal::Traces, Format::Protobuf, body.to_vec())).contains("UTF-8"));
    for text in [
        &b"{\"resourceSpans\":[{\"schemaUrl\":\"\xff\"}]}"[..],
        b"{\"resourceSpans\":[{\"schemaUrl\":\"\\ud800\"}]}",
        b"\xff\xfe{\0}\0",
    ] {
        bad(read(Signal::Traces, Format::Json, text.to_vec()));
    }
    let odd = one_span(&json!({"k": "\u{0}\u{202e}\u{fffd}🦀"}), &json!({"name": "\u{0}"}));
    assert_eq!(read_json(Signal::Traces, &odd).records.spans[0].resource_attributes["k"], "\u{0}\u{202e}\u{fffd}🦀");
}

#[test]
fn wrong_types_are_refused_by_name() {
    let cases = [
        (json!({"traceId": "xyz"}), "'traceId' is 'xyz': it must be hex digits"),
        (json!({"traceId": 7}), "'traceId' is 7"),
        (json!({"name": true}), "'name' is true: it must be a text"),
        (json!({"kind": "SPAN_KIND_SERVER"}), "'kind' is 'SPAN_KIND_SERVER': it must be a whole number of 32 bits"),
        (json!({"kind": 4_294_967_296_u64}), "'kind' is 4294967296"),
        (
            json!({"startTimeUnixNano": "-1"}),
            "'startTimeUnixNano' is '-1': it must be a whole number from 0 to 2^64 - 1",
        ),
        (json!({"startTimeUnixNano": 1.5}), "'startTimeUnixNano' is 1.5"),
        (json!({"attributes": {}}), "'attributes' is an object: it must be an array"),
        (json!({"status": []}), "'status' is an array: it must be an object"),
        (json!({"droppedAttributesCount": -1}), "'droppedAttributesCount' is -1"),
    ];
    for (fields, expected) in cases {
        let why = bad(read(Signal::Traces, Format::Json, one_span(&json!({}), &fields).to_string()));
        assert!(why.contains(expected) && why.contains("line 1 column"), "{fields}: {why}");
    }
    for text in ["", "[]", "null", "7", "{\"resourceSpans\": 7}", "{} {}", "{\"resourceSpans\":[{}"] {
        bad(read(Signal::Traces, Format::Json, text));
    }
    let double =
        json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"gauge": {"dataPoints": [{"asInt": "x"}]}}]}]}]});
    assert!(bad(read(Signal::Metrics, Format::Json, double.to_string())).contains("'asInt' is 'x'"));
}

#[test]
fn null_is_the_same_as_absent_and_empty_arrays_are_none() {
    let body = r#"{"resourceSpans": [{"resource": null, "scopeSpans": [{"scope": null, "spans": [
        {"traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174", "parentSpanId": null, "name": null,
         "startTimeUnixNano": 1789999999000000000, "endTimeUnixNano": "1789999999000000000", "kind": null, "status": null,
         "events": null, "links": [], "attributes": [{"key": "a", "value": {"arrayValue": {}}},
         {"key": "b", "value": {"kvlistValue": {"values": null}}}, {"key": "c", "value": null}, {"key": "d", "value": {}}]}]}]}]}"#;
    let read = read(Signal::Traces, Format::Json, body).unwrap();
    assert_eq!(read.rejected.count, 0);
    let values: Vec<&str> = read.records.spans[0].attributes.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(values, ["[]", "{}", "null", "null"]);
}

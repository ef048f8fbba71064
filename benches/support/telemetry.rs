//! The spans and log records that benches of telemetry write.

use std::time::Duration;

use faremeter::model::{Attributes, LogRecord, Records, Severity, Span, SpanKind, StatusCode};
use faremeter::units::{SpanId, Timestamp, TraceId};

/// Spans of a trace, and log records of it.
pub(crate) const OF_A_TRACE: u64 = 10;

/// The id of the `n`th trace: as random as a real one.
pub(crate) fn trace_id(n: u64) -> TraceId {
    let id = (u128::from(mixed(n)) << 64) | u128::from(mixed(n ^ 0x5eed));
    TraceId::from_bytes(id.to_be_bytes()).expect("it is not zero")
}

/// What one log record in 100,000 says, and no other.
pub(crate) fn needle(n: u64) -> String {
    format!("order {} was refused by the bank", 100_000 + n)
}

/// The `n`th trace, which began at `at`: an invocation with its children, and what they logged.
pub(crate) fn trace(n: u64, at: Timestamp) -> Records {
    let resource = map([
        ("service.name", function(n)),
        ("faas.name", function(n)),
        ("faas.version", "7".to_owned()),
        ("cloud.region", "eu-west-1".to_owned()),
        ("telemetry.sdk.name", "opentelemetry".to_owned()),
    ]);
    Records {
        spans: (0..OF_A_TRACE).map(|of| span(n, of, at, resource.clone())).collect(),
        logs: (0..OF_A_TRACE).map(|of| log(n, of, at, resource.clone())).collect(),
        ..Records::default()
    }
}

fn span(n: u64, of: u64, at: Timestamp, resource_attributes: Attributes) -> Span {
    let start = at.plus(Duration::from_micros(of * 900));
    let failed = n.is_multiple_of(50);
    Span {
        tenant: format!("tenant-{}", n % 5),
        function: Some(function(n)),
        source: "otlp".to_owned(),
        invocation_id: Some(span_id(n, 0).to_string()),
        trace_id: trace_id(n),
        span_id: span_id(n, of),
        parent_span_id: (of > 0).then(|| span_id(n, (of - 1) / 2)),
        trace_state: String::new(),
        flags: 1,
        name: ["GET /orders", "SELECT orders", "charge", "render"][(of % 4) as usize].to_owned(),
        kind: if of == 0 { SpanKind::Server } else { SpanKind::Client },
        start,
        end: start.plus(Duration::from_micros(500 + mixed(n * 31 + of) % 90_000)),
        attributes: map([
            ("http.request.method", "GET".to_owned()),
            ("url.path", format!("/orders/{}", mixed(n + of) % 10_000)),
            ("http.response.status_code", if failed { "500" } else { "200" }.to_owned()),
            ("server.address", format!("host-{}", of % 4)),
            ("thread.id", (of * 3).to_string()),
        ]),
        dropped_attributes_count: 0,
        events: Vec::new(),
        dropped_events_count: 0,
        links: Vec::new(),
        dropped_links_count: 0,
        status_code: if failed { StatusCode::Error } else { StatusCode::Unset },
        status_message: String::new(),
        resource_attributes,
        scope_name: "orders".to_owned(),
        scope_version: "1.4.0".to_owned(),
    }
}

fn log(n: u64, of: u64, at: Timestamp, resource_attributes: Attributes) -> LogRecord {
    let number = n * OF_A_TRACE + of;
    let time = at.plus(Duration::from_micros(of * 950));
    let body = match number % 100_000 {
        77_777 => needle(number / 100_000),
        _ => format!("handled item {} of basket {} in {} µs", number % 97, mixed(number) % 1_000_000, number % 8_191),
    };
    LogRecord {
        tenant: format!("tenant-{}", n % 5),
        function: Some(function(n)),
        version: Some("7".to_owned()),
        invocation_id: Some(span_id(n, 0).to_string()),
        environment_id: Some(format!("env-{}", n % 100)),
        source: "otlp".to_owned(),
        time,
        observed_time: time,
        severity_number: Severity::Info.number(),
        severity_text: "INFO".to_owned(),
        body,
        attributes: map([("thread", (of % 8).to_string())]),
        dropped_attributes_count: 0,
        flags: 1,
        trace_id: Some(trace_id(n)),
        span_id: Some(span_id(n, of)),
        event_name: String::new(),
        resource_attributes,
        scope_name: "orders".to_owned(),
        scope_version: "1.4.0".to_owned(),
        origin_id: None,
    }
}

fn function(n: u64) -> String {
    format!("function-{}", n % 20)
}

fn span_id(n: u64, of: u64) -> SpanId {
    SpanId::from_bytes(mixed(n * OF_A_TRACE + of + 1).to_be_bytes()).expect("it is not zero")
}

fn map<const N: usize>(pairs: [(&str, String); N]) -> Attributes {
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}

/// Another number for each, with nothing of the first to be seen in it.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc_def1);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)).max(1)
}

//! OTLP at the ports of the real program: what is acknowledged is there after `kill -9`, once, and no body does harm.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::cli::cli;
use crate::support::http::{Connection, Request, Response};
use crate::support::server::{Home, Server};

/// Spans from the `first`th on, each the entry of an invocation of the function `told`.
fn traces(first: u64, count: u64) -> String {
    let span = |n: u64| {
        let kind =
            json!({"kind": 2, "startTimeUnixNano": "1789999999000000000", "endTimeUnixNano": "1789999999100000000"});
        let ids = json!({"traceId": format!("{n:032x}"), "spanId": format!("{n:016x}"), "name": "told"});
        merged(&ids, &kind)
    };
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let memory = json!({"key": "faas.max_memory", "value": {"intValue": "134217728"}});
    let resource = [text("faas.name", "told"), text("host.arch", "amd64"), text("cloud.region", "us-east-1"), memory];
    let spans: Vec<Value> = (first + 1..=first + count).map(span).collect();
    json!({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"spans": spans}]}]}).to_string()
}

fn merged(one: &Value, other: &Value) -> Value {
    let both = [one, other].into_iter().flat_map(|value| value.as_object().expect("an object").clone());
    Value::Object(both.collect())
}

fn export(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Response {
    let request = Request::post(path, body).header("content-type", "application/json");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    Connection::open(address).and_then(|mut connection| connection.send(&request)).expect("an answer")
}

#[test]
fn what_is_acknowledged_survives_kill_9_and_is_stored_once_on_every_port() {
    let home = Arc::new(Home::new().otlp());
    let mut acknowledged = 0;
    for round in 0..4 {
        let server = home.serve();
        let ports = [server.otlp_http.expect("it is on"), server.address];
        let answer = export(ports[round % 2], "/v1/traces", &[], traces(acknowledged, 50));
        assert_eq!((answer.status, answer.text()), (200, "{}"));
        acknowledged += 50;
        server.kill();
        let server = home.serve();
        let again = export(server.otlp_http.expect("it is on"), "/v1/traces", &[], traces(0, acknowledged));
        assert_eq!(again.status, 200);
        assert_eq!(server.count("SELECT count(*) AS n FROM spans"), i64::try_from(acknowledged).expect("few"));
        server.kill();
    }
    let server = home.serve();
    let row = server.row(
        "SELECT count(*) AS n, count(DISTINCT invocation_id) AS d, count(cold) AS c, sum(billed_ms) AS b, \
         CAST(sum(list_cost) AS TEXT) AS cost, max(memory_mb) AS m FROM invocations WHERE source = 'otlp' AND function = 'told'",
    );
    assert_eq!((row.int("n"), row.int("d"), row.int("c"), row.int("b"), row.int("m")), (200, 200, 0, 20_000, 128));
    // Each: 100 ms at 128 MB on x86 is 0.0125 GiB·s at 0.0000166667, and a request at 0.0000002.
    assert!(row.text("cost").starts_with("0.00008166675"), "{}", row.text("cost"));
}

#[test]
fn a_store_that_is_full_says_when_to_come_again_and_has_what_it_acknowledged() {
    let config = "[store]\nbuffer_mb = 8\ncommit_interval = \"1h\"\n[runtime]\naccount_concurrency = 1\n";
    let server = Arc::new(Home::new().otlp().config(config)).serve();
    let address = server.otlp_http.expect("it is on");
    let (mut acknowledged, mut refused) = (0, None);
    for first in (0..40_000).step_by(1_000) {
        let answer = export(address, "/v1/traces", &[], traces(first, 1_000));
        match answer.status {
            200 => acknowledged += 1_000,
            _ => {
                refused = Some(answer);
                break;
            }
        }
    }
    let refused = refused.expect("8 MB are full some time");
    assert_eq!((refused.status, refused.header("content-type")), (503, "application/json"), "{refused:?}");
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    assert_eq!(refused.json()["code"], 14);
    assert_eq!(server.count("SELECT count(*) AS n FROM spans"), acknowledged);
}

/// A field of protobuf that holds these bytes.
fn message(number: u8, inner: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = inner.len();
    while length >= 0x80 {
        bytes.push(u8::try_from(length & 0x7f).expect("7 bits") | 0x80);
        length >>= 7;
    }
    bytes.push(u8::try_from(length).expect("7 bits"));
    [bytes, inner.to_vec()].concat()
}

/// The most memory that a process had, in bytes.
fn peak_memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says so");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

#[test]
fn bombs_are_refused_and_memory_stays_bounded() {
    let server = Arc::new(Home::new().otlp()).serve();
    let address = server.otlp_http.expect("it is on");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![0; 1 << 20];
    (0..256).for_each(|_| encoder.write_all(&zeros).expect("memory"));
    let bomb = encoder.finish().expect("memory");
    // Messages of two bytes, each hundreds once decoded.
    let spans = message(1, &message(2, &[0x12, 0].repeat(8 << 20)));
    let before = peak_memory(&server);
    std::thread::scope(|threads| {
        for at in 0..12 {
            let (bomb, spans) = (&bomb, &spans);
            threads.spawn(move || {
                let answer = if at % 2 == 0 {
                    export(address, "/v1/logs", &[("content-encoding", "gzip")], bomb.clone())
                } else {
                    let request =
                        Request::post("/v1/traces", spans.clone()).header("content-type", "application/x-protobuf");
                    Connection::open(address).and_then(|mut connection| connection.send(&request)).expect("an answer")
                };
                assert!([413, 503].contains(&answer.status), "{answer:?}");
            });
        }
    });
    let grown = peak_memory(&server).saturating_sub(before);
    println!("12 bombs at once took {} MiB", grown >> 20);
    assert!(grown < 3 << 29, "{grown}");
    assert_eq!(export(address, "/v1/traces", &[], traces(0, 1)).status, 200, "it goes on");
}

#[test]
fn a_port_that_is_taken_or_open_to_all_is_refused_by_name() {
    let running = Arc::new(Home::new().otlp()).serve();
    let home = Home::new();
    let data = home.data_text();
    let taken = running.otlp_grpc.expect("it is on").to_string();
    let serve = |args: &[&str]| cli(&[&["serve", "--data", &data, "--listen", "127.0.0.1:0"], args].concat());
    let ran = serve(&["--otlp-grpc", &taken, "--otlp-http", "off"]);
    assert!(ran.failed(1).contains(&taken) && ran.failed(1).contains("--otlp-grpc"), "{ran:?}");
    let ran = serve(&["--otlp-grpc", "off", "--otlp-http", &taken]);
    assert!(ran.failed(1).contains(&taken) && ran.failed(1).contains("--otlp-http"), "{ran:?}");
    let ran = serve(&["--otlp-grpc", "off", "--otlp-http", "0.0.0.0:0"]);
    assert!(ran.failed(1).contains("0.0.0.0"), "{ran:?}");
    assert!(serve(&["--otlp-grpc", "nowhere"]).failed(2).contains("nowhere"));
}

/// A connection of gRPC's port that speaks HTTP/1, and one of HTTP's that does not begin, do no harm.
#[test]
fn the_port_of_grpc_speaks_http_2_alone() {
    let server = Arc::new(Home::new().otlp()).serve();
    let sent = Connection::open(server.otlp_grpc.expect("it is on"))
        .and_then(|mut connection| connection.send(&Request::get("/")));
    assert!(sent.is_err(), "{sent:?}");
    let nothing = export(server.otlp_http.expect("it is on"), "/api/v1/functions", &[], "{}");
    assert_eq!(nothing.status, 404, "OTLP's port has nothing else");
}

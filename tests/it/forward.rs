//! What a server hands on to an OTLP endpoint arrives there: another server takes it in, so that both sides can be asked.

use std::sync::Arc;

use crate::support::rows::Row;
use crate::support::server::{Home, Server};
use crate::support::{guest, probe, wait_until};

/// The spans of a server's own functions, in an order of their own.
const SPANS: &str = "SELECT trace_id, span_id, parent_span_id, name, kind, start_time_unix_nano, end_time_unix_nano, status_code, \
    status_message, attributes['faas.trigger'] AS trigger, resource_attributes['faas.version'] AS version, function \
    FROM spans WHERE function LIKE 'forward-%' ORDER BY trace_id, span_id";
const LOGS: &str = "SELECT time_unix_nano, body, severity_number, trace_id, span_id, function FROM logs \
    WHERE function LIKE 'forward-%' ORDER BY time_unix_nano, body, span_id";

fn shown(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| serde_json::to_string(&row.0).expect("it is JSON")).collect()
}

/// Waits until the one has as many as the other, and says whether they are the same.
fn arrives(source: &Server, sink: &Server, sql: &str) {
    let sent = shown(&source.sql(sql));
    assert!(!sent.is_empty(), "there is something to send: {sql}");
    let arrived = wait_until("everything has arrived", || {
        let arrived = shown(&sink.sql(sql));
        (arrived.len() >= sent.len()).then_some(arrived)
    });
    assert_eq!(arrived, sent);
}

#[test]
fn what_functions_tell_arrives_once_though_the_server_is_killed() {
    for protocol in ["http/protobuf", "grpc"] {
        let sink = Arc::new(Home::new().otlp()).serve();
        let address = if protocol == "grpc" { sink.otlp_grpc } else { sink.otlp_http };
        let endpoint = format!("http://{}", address.expect("it listens for OTLP"));
        let config = format!(
            "[forward]\nendpoint = \"{endpoint}\"\nprotocol = \"{protocol}\"\nfunctions = true\ninterval = \"100ms\"\n\
             headers = {{ x-scope-orgid = \"default\" }}\n"
        );
        let home = Arc::new(Home::new().config(&config));
        let source = home.serve();
        source.deploy("forward-ok", &guest("ok.wat"), &[]);
        source.deploy("forward-probe", &probe(), &[]);
        for _ in 0..20 {
            source.invoke("forward-ok", "x");
            source.get("/fn/forward-probe/log");
        }
        source.kill();
        let source = home.serve();
        source.invoke("forward-ok", "x");
        source.get("/fn/forward-probe/trap");
        arrives(&source, &sink, SPANS);
        arrives(&source, &sink, LOGS);
        // The server's own: what it did, what it logged, and what /metrics shows.
        let own = |table: &str| format!("SELECT count(*) AS n FROM {table} WHERE resource_attributes['service.name'] = 'faremeter'");
        for table in ["spans", "logs", "metrics"] {
            wait_until(&format!("own {table} arrive by {protocol}"), || (sink.count(&own(table)) > 0).then_some(()));
        }
        let names = "SELECT count(*) AS n FROM metrics WHERE name = 'faremeter_invocations' AND attributes['function'] = 'forward-ok'";
        wait_until("the function's metrics arrive", || (sink.count(names) > 0).then_some(()));
        assert!(source.stop().success(), "{}", home.log());
    }
}

#[test]
fn an_endpoint_that_is_away_costs_calls_nothing_and_loses_nothing() {
    // A port on which nobody listens until later.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr()).expect("a port").port();
    let config = format!("[forward]\nendpoint = \"http://127.0.0.1:{port}\"\nfunctions = true\nown = false\ninterval = \"50ms\"\n");
    let home = Arc::new(Home::new().config(&config));
    let source = home.serve();
    source.deploy("forward-away", &guest("ok.wat"), &[]);
    for _ in 0..5 {
        assert_eq!(source.invoke("forward-away", "x").status, 200);
    }
    wait_until("it says that the endpoint is away", || home.log().contains("waits to be handed on").then_some(()));
    let sink = Arc::new(Home::new().arg("--otlp-http").arg(&format!("127.0.0.1:{port}"))).serve();
    arrives(&source, &sink, SPANS);
    assert!(source.stop().success(), "{}", home.log());
}

#[test]
fn a_wrong_endpoint_is_refused_at_the_start() {
    let ran = crate::support::cli::cli(&["serve", "--listen", "127.0.0.1:0", "--forward", "collector:4318"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("'collector:4318' is not a URL"), "{ran:?}");
}

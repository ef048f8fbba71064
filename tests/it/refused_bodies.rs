//! Who sends a body that is refused before it was read sees the answer, and no reset.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use crate::support::PATIENCE;
use crate::support::server::Home;

const MIB: usize = 1 << 20;

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    stream
}

fn head(path: &str, media_type: &str, bytes: usize, more: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {media_type}\r\ncontent-length: {bytes}\r\n{more}\r\n"
    )
}

/// The head of an answer; its body is read too.
fn answer(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("there is an answer");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("text").to_ascii_lowercase();
    let length = head.split_once("content-length: ").and_then(|(_, rest)| rest.lines().next()?.parse().ok());
    let mut body = vec![0; length.expect("a length")];
    stream.read_exact(&mut body).expect("the whole body");
    head
}

/// The client sends all of it and looks for an answer only then, as most do.
#[test]
fn a_body_that_is_refused_is_taken_in() {
    let server = Arc::new(Home::new().otlp().config("[ingest]\nmax_body_mb = 1\n")).serve();
    let (main, otlp) = (server.address, server.otlp_http.expect("it is on"));
    let cases = [
        (otlp, "/v1/traces", "text/plain", "415"),
        (otlp, "/v1/traces", "application/x-protobuf", "413"),
        (main, "/v1/logs", "application/json", "413"),
        (main, "/api/v1/query", "application/json", "413"),
        (main, "/api/v1/query", "text/plain", "415"),
        (main, "/fn/no-such", "text/plain", "413"),
    ];
    for (address, path, media_type, status) in cases {
        let mut stream = connect(address);
        stream.write_all(head(path, media_type, 24 * MIB, "").as_bytes()).expect("the head is taken in");
        for _ in 0..24 {
            stream.write_all(&vec![b'x'; MIB]).unwrap_or_else(|error| panic!("{path}, {media_type}: {error}"));
        }
        let found = answer(&mut stream);
        assert!(found.starts_with(&format!("http/1.1 {status} ")), "{path}, {media_type}: {found}");
        // The connection goes on with the next request.
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").expect("it is open");
        let next = answer(&mut stream);
        assert!(next.starts_with(if address == main { "http/1.1 200 " } else { "http/1.1 404 " }), "{path}: {next}");
    }
}

/// The answer does not wait for the body, and what asks first is not asked to send it.
#[test]
fn a_body_that_never_comes_is_not_waited_for() {
    let server = Arc::new(Home::new().otlp()).serve();
    for more in ["", "expect: 100-continue\r\n"] {
        let mut stream = connect(server.address);
        stream.write_all(head("/api/v1/query", "text/plain", MIB, more).as_bytes()).expect("the head is taken in");
        let found = answer(&mut stream);
        assert!(found.starts_with("http/1.1 415 "), "{found}");
        // Once it has waited in vain the server closes.
        let mut rest = Vec::new();
        let closed = stream.read_to_end(&mut rest).is_ok();
        assert!(closed && rest.is_empty(), "closed {closed}, with {} bytes", rest.len());
    }
    // More than is taken in of what is refused.
    let mut stream = connect(server.address);
    stream.write_all(head("/api/v1/query", "text/plain", 1 << 40, "").as_bytes()).expect("the head is taken in");
    assert!(answer(&mut stream).starts_with("http/1.1 415 "));
}

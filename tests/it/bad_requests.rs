//! Wrong input for every route: always problem+json, always the right status, and the server goes on.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::support::http::{Connection, Request, Response};
use crate::support::server::Server;
use crate::support::{PATIENCE, guest};

fn json(target: &str, body: impl Into<Vec<u8>>) -> Request {
    Request::post(target, body).header("content-type", "application/json")
}

fn wasm(target: &str, body: impl Into<Vec<u8>>) -> Request {
    Request::post(target, body).header("content-type", "application/wasm")
}

#[test]
fn what_is_not_there_is_404() {
    let server = Server::shared();
    let targets = [
        "/nope",
        "/api/v1/nope",
        "/api/v2/functions",
        "/fn/no-such",
        "/fn/no-such/deep/path?x=1",
        "/fn/..%2f..%2fetc%2fpasswd",
        "/api/v1/functions/no-such",
        "/api/v1/functions/no-such/unheard-of",
        "/index.php",
    ];
    for target in targets {
        server.get(target).problem(404);
    }
    let called = server.send(&Request::post("/api/v1/functions/no-such/invocations", "x"));
    assert!(called.problem(404).contains("no-such"));
    server.send(&Request::new("DELETE", "/api/v1/functions/no-such")).problem(404);
    assert_eq!(server.send(&Request::new("HEAD", "/nope")).status, 404);
    assert_eq!(server.send(&Request::new("HEAD", "/healthz")).status, 200);
}

/// Every route of the description, with a method that it does not have.
#[test]
fn a_wrong_method_is_405() {
    let server = Server::shared();
    let openapi = server.get("/api/openapi.json").json();
    let paths = openapi["paths"].as_object().expect("paths");
    let mut checked = 0;
    // OTLP has errors of its own form.
    let own = |path: &str| path.starts_with("/fn/") || path.starts_with("/v1/");
    for (path, methods) in paths.iter().filter(|(path, _)| !own(path)) {
        let target = path.replace("{name}", "x").replace("{trace_id}", "1").replace("{kind}", "x");
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            if methods.get(method.to_ascii_lowercase()).is_none() {
                let answer = server.send(&Request::new(method, &target));
                // Asking which methods there are is no fault.
                if method == "OPTIONS" {
                    assert_eq!((answer.status, answer.body.len()), (204, 0));
                } else {
                    answer.problem(405);
                }
                assert!(!answer.header("allow").is_empty(), "{method} {target}: {answer:?}");
                checked += 1;
            }
        }
    }
    assert!(checked > 20, "{checked} wrong methods were tried");
}

#[test]
fn an_upload_that_cannot_be_is_refused() {
    let server = Server::shared();
    let module = std::fs::read(guest("ok.wat")).expect("a guest");
    let deploy = |settings: &str, body: &[u8]| server.send(&wasm(&format!("/api/v1/functions?{settings}"), body));
    let cases = [
        ("", "name"),
        ("name=", "''"),
        ("name=a%20b", "a b"),
        ("name=bad&memory_mb=abc", "abc"),
        ("name=bad&memory_mb=5000", "5000"),
        ("name=bad&memory_mb=-1", "-1"),
        ("name=bad&timeout=soon", "soon"),
        ("name=bad&timeout=0s", "0"),
        ("name=bad&env=NOVALUE", "NOVALUE"),
        ("name=bad&tag=%3Dx", "''"),
        ("name=bad&architecture=sparc", "sparc"),
        ("name=bad&reserved_concurrency=-1", "-1"),
        ("name=bad&price_book=acme", "acme"),
        ("name=bad&tenant=a/b", "a/b"),
        ("name=bad&frobnicate=1", "frobnicate"),
    ];
    for (settings, part) in cases {
        let detail = deploy(settings, &module).problem(400);
        assert!(detail.contains(part), "{settings}: {detail}");
    }
    for (body, part) in [(&b""[..], "empty"), (b"no code", "WebAssembly"), (b"\0asm\x02\0\0\0", "version")] {
        let answer = deploy("name=bad", body);
        let detail = answer.problem(answer.status);
        assert!([400, 422].contains(&answer.status) && detail.contains(part), "{detail}");
    }
    for file in ["nostart.wat", "badimport.wat"] {
        let answer = deploy("name=bad", &std::fs::read(guest(file)).expect("a guest"));
        answer.problem(answer.status);
        assert!([400, 422].contains(&answer.status), "{answer:?}");
    }
    let page = Request::post("/api/v1/functions?name=bad", "<p>hello").header("content-type", "text/html");
    server.send(&page).problem(415);
    server.get("/api/v1/functions/bad").problem(404);
}

#[test]
fn a_query_that_is_no_query_is_refused() {
    let server = Server::shared();
    let bodies: [&[u8]; 8] = [
        b"",
        b"SELECT 1",
        b"[]",
        b"{}",
        b"{\"sql\": 1}",
        b"{\"sql\": \"SELECT 1\", \"params\": [1]}",
        b"{\"sql\": \"SELECT 1\"",
        b"{\"sql\": \"\xff\"}",
    ];
    for body in bodies {
        let answer = server.send(&json("/api/v1/query", body));
        answer.problem(answer.status);
        assert!([400, 422].contains(&answer.status), "{answer:?}");
    }
    server.send(&Request::post("/api/v1/query", "{}").header("content-type", "text/plain")).problem(415);
    server.send(&Request::post("/api/v1/query", "{}")).problem(415);
}

#[test]
fn a_page_that_is_no_page_is_refused() {
    let server = Server::shared();
    for query in ["limit=0", "limit=1001", "limit=x", "limit=-1", "limit=", "limit=99999999999999999999"] {
        server.get(&format!("/api/v1/functions?{query}")).problem(400);
    }
    server.get("/api/v1/functions/x/logs?since=yesterday").problem(400);
    server.get("/api/v1/functions/x/logs?limit=0").problem(400);
}

#[test]
fn what_is_too_large_is_413() {
    let server = Server::shared();
    server.deploy("bad-large", &guest("noinput.wat"), &[]);
    // The length alone is enough to say no.
    for (target, bytes) in [
        ("/fn/bad-large", (6 << 20) + 1),
        ("/api/v1/functions/bad-large/invocations", 1 << 40),
        ("/api/v1/query", 2 << 20),
        ("/api/v1/functions?name=bad", 65 << 20),
    ] {
        let request = Request::new("POST", target).header("content-length", &i64::to_string(&bytes));
        let kind = if target.ends_with("query") { "application/json" } else { "application/wasm" };
        server.send(&request.header("content-type", kind)).problem(413);
    }
    // And where no length is given, the body is counted.
    let request = Request::post("/fn/bad-large", chunks(7 << 20)).header("transfer-encoding", "chunked");
    server.send(&request).problem(413);
    let request = Request::post("/fn/bad-large", chunks(5 << 20)).header("transfer-encoding", "chunked");
    assert_eq!(server.send(&request).text(), "ok", "what is not too large is taken");
}

/// A body in chunks of 64 KiB.
fn chunks(bytes: usize) -> Vec<u8> {
    let chunk = [b"10000\r\n".as_slice(), &[b'x'; 65_536], b"\r\n"].concat();
    [chunk.repeat(bytes / 65_536).as_slice(), b"0\r\n\r\n"].concat()
}

/// No web page can drive the server: another host's name and another site's origin are refused.
#[test]
fn other_hosts_and_origins_are_refused() {
    let server = Server::shared();
    server.deploy("bad-origin", &guest("ok.wat"), &[]);
    let calls = [
        Request::get("/"),
        Request::get("/api/v1/functions"),
        Request::post("/fn/bad-origin", "x"),
        Request::post("/api/v1/functions/bad-origin/invocations", "x"),
        json("/api/v1/query", r#"{"sql":"SELECT 1"}"#),
    ];
    let refused = |answer: Response| {
        answer.problem(answer.status);
        assert!([400, 403, 421].contains(&answer.status), "{answer:?}");
    };
    for call in &calls {
        for host in ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""] {
            refused(server.send(&call.clone().header("host", host)));
        }
    }
    for call in &calls[2..] {
        for origin in ["http://evil.example", "null", "http://127.0.0.1.evil.example"] {
            refused(server.send(&call.clone().header("origin", origin)));
        }
        let own = server.send(&call.clone().header("origin", &server.url));
        assert_eq!(own.status, 200, "its own pages may: {own:?}");
    }
    let port = server.address.port();
    assert_eq!(server.send(&Request::get("/healthz").header("host", &format!("localhost:{port}"))).status, 200);
    let count = "SELECT count(*) AS n FROM invocations WHERE function = 'bad-origin'";
    assert_eq!(server.count(count), 2, "what was refused did not run");
}

/// Bytes that are no HTTP, or an end in the middle of it, harm nobody.
#[test]
fn noise_is_survived() {
    let server = Server::shared();
    let long = format!("GET / HTTP/1.1\r\nhost: {}\r\nx: {}\r\n\r\n", server.address, "y".repeat(200_000));
    let noise: [&[u8]; 7] = [
        b"\r\n\r\n",
        b"HELO\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
        b"POST /api/v1/query HTTP/1.1\r\nhost: localhost\r\ncontent-length: abc\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        long.as_bytes(),
    ];
    for bytes in noise {
        let mut stream = TcpStream::connect(server.address).expect("the server accepts connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let _may_be_closed_already = stream.write_all(bytes);
        let _may_be_closed_already = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _may_be_reset = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
    }
    let mut torn = TcpStream::connect(server.address).expect("the server accepts connections");
    torn.write_all(b"POST /api/v1/query HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{").expect("sent");
    drop(torn);
    let mut connection = Connection::open(server.address).expect("the server goes on");
    for _ in 0..3 {
        assert_eq!(connection.send(&Request::get("/healthz")).expect("an answer").status, 200);
    }
}

#[test]
fn a_guest_fault_is_a_problem_that_names_the_invocation() {
    let server = Server::shared();
    server.deploy("bad-trap", &guest("trap.wat"), &[]);
    let answer = server.invoke("bad-trap", "x");
    answer.problem(502);
    let body = answer.json();
    assert!(body.to_string().contains(answer.invocation_id()), "{body}");
    assert!(body.get("error_type").and_then(Value::as_str).is_some(), "{body}");
}

//! Guests and clients that mean harm: each ends within its limits with its own error type and one record, and a
//! neighbour beside it loses no call. How much slower the neighbour gets is `benches/hostile.rs`'s to measure.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::http::Request;
use crate::support::load::Load;
use crate::support::rows::Row;
use crate::support::server::Server;
use crate::support::{PATIENCE, guest, probe, wait_until};

/// Calls that the neighbour makes at least, beside each of them.
const NEIGHBOURS: i64 = 20;

/// A steady load of short calls.
struct Neighbour<'a> {
    server: &'a Server,
    name: &'static str,
    load: Load,
}

impl<'a> Neighbour<'a> {
    fn begin(server: &'a Server, name: &'static str) -> Self {
        server.deploy(name, &guest("ok.wat"), &["--timeout", "30s"]);
        Self { server, name, load: Load::begin(server.address, name, 2) }
    }

    /// Waits until it has gone on for a while.
    fn goes_on(&self) {
        let answered = || self.load.progress.answered.load(std::sync::atomic::Ordering::SeqCst);
        let before = answered();
        wait_until("the neighbour is answered", || (answered() >= before + NEIGHBOURS).then_some(()));
    }

    /// Ends it: every call was answered well, and is on record as such.
    fn lost_nothing(self) {
        let begun = std::sync::Arc::clone(&self.load.progress);
        let answered = self.load.end().len();
        let begun = begun.begun.load(std::sync::atomic::Ordering::SeqCst);
        assert_eq!(i64::try_from(answered).expect("few"), begun, "every call was answered well");
        let count = |and: &str| {
            let sql = format!("SELECT count(*) AS n FROM invocations WHERE function = '{}'{and}", self.name);
            self.server.count(&sql)
        };
        assert_eq!((count(" AND outcome = 'ok'"), count("")), (begun, begun));
    }
}

/// The one record of a function that was called once.
fn one_record(server: &Server, function: &str) -> Row {
    let sql = format!("SELECT * FROM invocations WHERE function = '{function}'");
    let mut rows = wait_until("the record is written", || Some(server.sql(&sql)).filter(|rows| !rows.is_empty()));
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

/// A guest, what it is asked, how it ends, and its error type.
type Case = (&'static str, &'static str, &'static str, &'static str);

/// Commands, by their file.
const COMMANDS: &[Case] = &[
    ("spin.wat", "", "timeout", "Timeout"),
    ("bomb.wat", "", "timeout", "Timeout"),
    ("grow.wat", "", "out_of_memory", "OutOfMemory"),
    ("overflow.wat", "", "error", "Trap.StackOverflow"),
    ("trap.wat", "", "error", "Trap.UnreachableCodeReached"),
    ("gigabyte.wat", "", "error", "ResponseTooLarge"),
    ("deluge.wat", "", "timeout", "Timeout"),
    ("noinput.wat", "5000000", "ok", ""),
];

/// What the probe is asked.
const PROBES: &[Case] = &[
    ("spin", "", "timeout", "Timeout"),
    ("grow", "", "out_of_memory", "OutOfMemory"),
    ("recurse", "", "error", "Trap.StackOverflow"),
    ("trap", "", "error", "Trap.UnreachableCodeReached"),
    ("big?bytes=1073741824", "", "error", "ResponseTooLarge"),
    ("noread", "5000000", "ok", ""),
];

/// Some end by the time limit; what ends otherwise has time enough, however slow the machine.
fn options(outcome: &str) -> [&'static str; 4] {
    ["--memory-mb", "64", "--timeout", if outcome == "timeout" { "500ms" } else { "20s" }]
}

#[test]
fn hostile_commands_end_and_their_neighbour_goes_on() {
    let server = Server::start();
    let neighbour = Neighbour::begin(&server, "neighbour");
    for (file, payload, outcome, error) in COMMANDS {
        let name = format!("hostile-{}", file.trim_end_matches(".wat"));
        server.deploy(&name, &guest(file), &options(outcome));
        let body = vec![b'y'; payload.parse().unwrap_or(0)];
        server.send(&Request::post(&format!("/fn/{name}"), body));
        check(&server, &name, outcome, error);
        neighbour.goes_on();
    }
    let kept = "SELECT CAST(sum(length(body)) AS BIGINT) AS n FROM logs WHERE function = 'hostile-deluge'";
    assert!(server.count(kept) <= 256 << 10, "the flood is cut at its limit");
    neighbour.lost_nothing();
    assert!(server.stop().success());
}

#[test]
fn hostile_components_end_and_their_neighbour_goes_on() {
    let server = Server::start();
    let neighbour = Neighbour::begin(&server, "neighbour");
    for (path, payload, outcome, error) in PROBES {
        let name = format!("hostile-{}", path.split('?').next().expect("a path"));
        server.deploy(&name, &probe(), &options(outcome));
        let body = vec![b'y'; payload.parse().unwrap_or(0)];
        // A reply that is cut off is an error to the client.
        let _answer = server.connect().send(&Request::post(&format!("/fn/{name}/{path}"), body));
        check(&server, &name, outcome, error);
        neighbour.goes_on();
    }
    neighbour.lost_nothing();
    assert!(server.stop().success());
}

fn check(server: &Server, function: &str, outcome: &str, error: &str) {
    let row = one_record(server, function);
    assert_eq!(row.text("outcome"), outcome, "{row:?}");
    match error {
        "" => assert!(row.is_null("error_type"), "{row:?}"),
        error => assert_eq!(row.text("error_type"), error, "{row:?}"),
    }
    assert!(row.int("peak_memory_bytes") <= 64 << 20 && row.int("response_bytes") <= 21 << 20, "{row:?}");
}

/// Sends the head of a request with 40 bytes of body, then this much of the body byte by byte, with pauses between.
fn send_slowly(server: &Server, function: &str, body: &[u8], pause: Duration) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).expect("the server accepts connections");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let head = format!(
        "POST /fn/{function}/echo HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 40\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    for byte in body {
        stream.write_all(&[*byte]).expect("sent");
        std::thread::sleep(pause);
    }
    stream
}

#[test]
fn slow_clients_hold_up_nobody_but_themselves() {
    let server = Server::start();
    let neighbour = Neighbour::begin(&server, "neighbour");
    for name in ["slow-sender", "slow-reader", "no-reader", "gone"] {
        server.deploy(name, &probe(), &["--timeout", if name == "no-reader" { "500ms" } else { "20s" }]);
    }
    let body = [b'z'; 40];
    let mut answer = Vec::new();
    let mut sender = send_slowly(&server, "slow-sender", &body, Duration::from_millis(25));
    sender.read_to_end(&mut answer).expect("an answer");
    assert!(answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(&body), "{answer:?}");
    let row = one_record(&server, "slow-sender");
    assert!(
        row.text("outcome") == "ok" && row.felt_ns() < 900_000_000,
        "waiting for the client is not the call's: {row:?}"
    );
    neighbour.goes_on();

    // A client that goes away in the middle of its body never made a call.
    drop(send_slowly(&server, "gone", &body[..20], Duration::ZERO));

    read_slowly(&server);
    neighbour.goes_on();

    let mut reader = TcpStream::connect(server.address).expect("the server accepts connections");
    reader.write_all(b"GET /fn/no-reader/big?bytes=19000000 HTTP/1.1\r\nhost: localhost\r\n\r\n").expect("sent");
    let row = one_record(&server, "no-reader");
    assert_eq!((row.text("outcome"), row.text("error_type")), ("timeout", "Timeout"), "{row:?}");
    drop(reader);
    neighbour.goes_on();
    assert_eq!(server.count("SELECT count(*) AS n FROM invocations WHERE function = 'gone'"), 0);
    neighbour.lost_nothing();
    assert!(server.stop().success());
}

/// Takes a large reply in little by little: it arrives whole.
fn read_slowly(server: &Server) {
    const BYTES: usize = 12_000_000;
    let mut connection = server.connect();
    let request = Request::get(&format!("/fn/slow-reader/big?bytes={BYTES}"));
    let mut answer = connection.begin(&request).expect("an answer begins");
    let (mut bytes, mut pieces) = (0, 0);
    while let Some(piece) = connection.next(&mut answer).expect("the answer goes on") {
        bytes += piece.len();
        pieces += 1;
        if pieces % 10 == 0 {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    assert_eq!((answer.status, answer.complete, bytes), (200, true, BYTES));
    let row = one_record(server, "slow-reader");
    assert_eq!((row.text("outcome"), row.int("response_bytes")), ("ok", 12_000_000), "{row:?}");
}

/// Calls of a command share a warm slot, and none of its memory; functions share nothing at all.
#[test]
fn no_call_sees_what_another_left_in_memory() {
    let server = Server::shared();
    for name in ["hostile-peek-a", "hostile-peek-b"] {
        server.deploy(name, &guest("peek.wat"), &["--timeout", "30s"]);
    }
    for round in 0..6 {
        for name in ["hostile-peek-a", "hostile-peek-b"] {
            assert_eq!(server.invoke(name, "").text(), "0000", "round {round} of {name}");
        }
    }
    server.deploy("hostile-file", &probe(), &[]);
    let answer = server.get("/fn/hostile-file/file");
    assert!(answer.text().starts_with("error: "), "a guest has no files: {answer:?}");
}

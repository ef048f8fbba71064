//! Large and slow replies: what streams arrives as it is written, what passes the limit is cut, and the record says so.

use std::io::ErrorKind;

use crate::support::http::Request;
use crate::support::server::Server;
use crate::support::{guest, probe, wait_until};

#[test]
fn a_slow_reply_arrives_piece_by_piece() {
    let server = Server::shared();
    server.deploy("stream-slow", &probe(), &["--timeout", "30s"]);
    let mut connection = server.connect();
    let request = Request::get("/fn/stream-slow/stream?chunks=4&ms=1000").header("te", "trailers");
    let mut answer = connection.begin(&request).expect("an answer begins");
    let id = answer.invocation_id().to_owned();
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    while let Some(piece) = connection.next(&mut answer).expect("the answer goes on") {
        if pieces.is_empty() {
            let sql = format!("SELECT count(*) AS n FROM invocations WHERE invocation_id = '{id}'");
            assert_eq!(server.count(&sql), 0, "the first piece is here while the function runs");
        }
        pieces.push(piece);
    }
    assert_eq!(pieces.concat(), b"chunk 0\nchunk 1\nchunk 2\nchunk 3\n");
    assert!(pieces.len() >= 4, "{pieces:?}");
    assert_eq!((answer.status, answer.complete), (200, true));
    let head = answer.header("server-timing");
    assert!(head.contains("queue;dur=") && !head.contains("handler"), "what is known when the stream begins: {head}");
    assert!(answer.trailer("server-timing").contains("handler;dur="), "{answer:?}");

    let row = server.record(&id);
    assert_eq!((row.text("outcome"), row.int("response_bytes"), row.int("streamed_bytes")), ("ok", 32, 32));
    assert!(row.int("duration_ns") >= 3_000_000_000, "the handler lasts as long as its reply: {row:?}");
}

#[test]
fn a_caller_that_goes_away_leaves_a_record() {
    let server = Server::shared();
    server.deploy("stream-left", &probe(), &["--timeout", "30s"]);
    let mut connection = server.connect();
    let request = Request::get("/fn/stream-left/stream?chunks=3&ms=500");
    let mut answer = connection.begin(&request).expect("an answer begins");
    connection.next(&mut answer).expect("the first piece");
    let id = answer.invocation_id().to_owned();
    drop(connection);
    let sql = format!("SELECT outcome FROM invocations WHERE invocation_id = '{id}'");
    wait_until("the record is written", || server.sql(&sql).pop());
    assert_eq!(server.get("/fn/stream-left/noread").text(), "ok");
}

#[test]
fn a_large_reply_arrives_whole() {
    let server = Server::shared();
    server.deploy("stream-large", &probe(), &["--timeout", "30s"]);
    for bytes in [1, 65_536, 1_048_577, 5 << 20] {
        let answer = server.get(&format!("/fn/stream-large/big?bytes={bytes}"));
        assert_eq!((answer.status, answer.body.len(), answer.complete), (200, bytes, true));
        assert!(answer.body.iter().all(|byte| *byte == b'x'));
        let row = server.record(answer.invocation_id());
        assert_eq!((row.text("outcome"), row.int("response_bytes")), ("ok", bytes as i64), "{row:?}");
    }
    let payload = vec![b'y'; 5 << 20];
    let answer = server.send(&Request::post("/fn/stream-large/echo", payload.clone()));
    assert!(answer.status == 200 && answer.body == payload, "a large request comes back whole");
}

/// A reply over the limit cannot be sent whole: the caller sees it cut or refused, and the record an error.
#[test]
fn a_reply_over_the_limit_is_cut() {
    let server = Server::shared();
    server.deploy("stream-over", &probe(), &["--timeout", "30s"]);
    server.deploy("stream-over-wat", &guest("bigreply.wat"), &["--timeout", "30s"]);
    for target in ["/fn/stream-over/big?bytes=31457280", "/fn/stream-over-wat"] {
        let mut connection = server.connect();
        let mut answer = connection.begin(&Request::get(target)).expect("an answer begins");
        let mut bytes = 0;
        let end = loop {
            match connection.next(&mut answer) {
                Ok(Some(piece)) => bytes += piece.len(),
                Ok(None) => break None,
                Err(error) => break Some(error.kind()),
            }
        };
        assert!(bytes <= 20 << 20, "{bytes} bytes of {target}");
        if answer.status == 200 {
            let cut = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::ConnectionAborted];
            assert!(end.is_some_and(|kind| cut.contains(&kind)), "cut short, {target} does not look whole: {end:?}");
        } else {
            assert_eq!(answer.status, 502, "{answer:?}");
        }
        let sql = format!("SELECT * FROM invocations WHERE invocation_id = '{}'", answer.invocation_id());
        let row = wait_until("the record is written", || server.sql(&sql).pop());
        assert_eq!(row.text("outcome"), "error", "{row:?}");
        assert!(!row.is_null("error_type"), "{row:?}");
    }
    assert_eq!(server.get("/fn/stream-over/noread").text(), "ok");
}

/// A guest that dies in the middle of its reply: the caller can tell, and so can the record.
#[test]
fn a_reply_that_breaks_off_does_not_look_whole() {
    let server = Server::shared();
    server.deploy("stream-cut", &probe(), &[]);
    let mut connection = server.connect();
    let mut answer = connection.begin(&Request::get("/fn/stream-cut/cut")).expect("an answer begins");
    let mut broken = answer.status == 502;
    loop {
        match connection.next(&mut answer) {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(_) => {
                broken = true;
                break;
            }
        }
    }
    assert!(broken, "{answer:?}");
    let sql = format!("SELECT * FROM invocations WHERE invocation_id = '{}'", answer.invocation_id());
    let row = wait_until("the record is written", || server.sql(&sql).pop());
    assert_eq!((row.text("outcome"), row.is_null("error_type")), ("error", false), "{row:?}");
}

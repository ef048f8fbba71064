//! What guests send to other hosts, by way of the probe's `/outgoing` and a host on loopback that remembers every byte.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Bench, Done, guest, spec};
use crate::clock::Clock;
use crate::model::{FunctionSpec, FunctionVersion};
use crate::units::ByteCount;

const PROBE: &str = "probe/probe.wasm";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// A host that answers every connection once, after a pause.
struct Host {
    port: u16,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    closed: AtomicUsize,
    bytes: Mutex<Vec<u8>>,
}

impl Host {
    async fn start(answer: &'static [u8], pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Seen::default());
        let host = Self { port, seen: Arc::clone(&seen) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                seen.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(converse(stream, Arc::clone(&seen), answer, pause));
            }
        });
        host
    }

    fn name(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn url(&self) -> String {
        format!("http://{}/path?q=1", self.name())
    }

    fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    fn received(&self) -> Vec<u8> {
        self.seen.bytes.lock().unwrap().clone()
    }

    async fn all_closed(&self) {
        for _ in 0..500 {
            if self.seen.closed.load(Ordering::SeqCst) == self.connections() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("a connection outlives its call");
    }
}

/// Reads until the other side closes; the answer goes out when nothing more comes for the length of the pause.
async fn converse(mut stream: TcpStream, seen: Arc<Seen>, answer: &'static [u8], pause: Duration) {
    let (mut buffer, mut answered) = (vec![0; 65_536], false);
    loop {
        let read = tokio::time::timeout(pause, stream.read(&mut buffer)).await;
        match read {
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(bytes)) => seen.bytes.lock().unwrap().extend(&buffer[..bytes]),
            Err(_) if !answered => {
                answered = true;
                let _gone = stream.write_all(answer).await;
            }
            Err(_) => {}
        }
    }
    seen.closed.fetch_add(1, Ordering::SeqCst);
}

const SOON: Duration = Duration::from_millis(50);
const NEVER: Duration = Duration::from_secs(3_600);

fn allowing(host: &str) -> FunctionSpec {
    FunctionSpec { allowed_hosts: [host.to_owned()].into(), ..spec("probe") }
}

async fn outgoing(bench: &Bench, function: &Arc<FunctionVersion>, url: &str, more: &str) -> Done {
    let url = url.replace('?', "%3f").replace('=', "%3d");
    bench.call(function, &format!("/outgoing?url={url}{more}"), "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_reached_that_was_not_named() {
    let (bench, host) = (Bench::new(), Host::start(ANSWER, SOON).await);
    let other_port = format!("127.0.0.1:{}", if host.port == 81 { 82 } else { 81 });
    for (version, spec) in (1..).zip([spec("probe"), allowing(&other_port), allowing("localhost")]) {
        let function = bench.deploy(spec, version, &guest(PROBE)).await;
        let done = outgoing(&bench, &function, &host.url(), "&send=1000").await;
        assert_eq!(done.ended(), ("ok", ""), "the guest goes on");
        assert!(done.text().starts_with("error: ") && done.text().contains("HttpRequestDenied"), "{}", done.text());
        assert_eq!(done.execution.egress, ByteCount(0));
    }
    assert_eq!((host.connections(), host.received().len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_to_a_host_that_was_named_is_counted_to_the_byte() {
    let (bench, host) = (Bench::new(), Host::start(ANSWER, SOON).await);
    let function = bench.deploy(allowing(&host.name()), 1, &guest(PROBE)).await;
    let done = outgoing(&bench, &function, &host.url(), "&read=1").await;
    assert_eq!((done.ended(), done.text()), (("ok", ""), "status 200, 5 bytes"));
    let first = host.received();
    let head = String::from_utf8(first.clone()).unwrap();
    assert!(head.starts_with("GET /path?q=1 HTTP/1.1\r\n") && head.contains(&host.name()), "{head}");
    assert_eq!(done.execution.egress, ByteCount(first.len() as u64));

    let done = outgoing(&bench, &function, &host.url(), "&send=200000").await;
    assert_eq!(done.text(), "status 200");
    let second = host.received().split_off(first.len());
    assert_eq!(done.execution.egress, ByteCount(second.len() as u64), "each call counts its own");
    assert_eq!(second.iter().filter(|byte| **byte == b'x').count(), 200_000);
    assert!(!done.execution.cold && bench.call(&function, "/count", "").await.execution.egress == ByteCount(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_once_are_limited_and_the_place_is_given_back() {
    let bench = Bench::with(Clock::system(), |config| config.outgoing_requests_of_call = 3);
    let host = Host::start(ANSWER, Duration::from_millis(300)).await;
    let function = bench.deploy(allowing("127.0.0.1"), 1, &guest(PROBE)).await;
    for _ in 0..2 {
        let done = outgoing(&bench, &function, &host.url(), "&times=5").await;
        let (ok, refused): (Vec<_>, Vec<_>) = done.text().lines().partition(|line| *line == "status 200");
        assert_eq!((ok.len(), refused.len()), (3, 2), "{}", done.text());
        assert!(refused.iter().all(|line| line.contains("ConnectionLimitReached")), "{refused:?}");
    }
    assert_eq!(host.connections(), 6);
    host.all_closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_ends_with_its_call() {
    let (bench, host) = (Bench::new(), Host::start(ANSWER, NEVER).await);
    let timeout = Duration::from_millis(400);
    let hurried = FunctionSpec { timeout, ..allowing("127.0.0.1") };
    let hurried = bench.deploy(hurried, 1, &guest(PROBE)).await;
    let done = outgoing(&bench, &hurried, &host.url(), "").await;
    assert_eq!(done.ended(), ("timeout", "Timeout"));
    assert_eq!(done.execution.egress, ByteCount(host.received().len() as u64), "what was sent was sent");
    assert!(done.execution.phases.handler < timeout * 5);
    host.all_closed().await;

    let function = bench.deploy(allowing("127.0.0.1"), 2, &guest(PROBE)).await;
    let url = host.url().replace('?', "%3f").replace('=', "%3d");
    let done = bench.call(&function, &format!("/leave?url={url}"), "").await;
    assert_eq!(done.text(), "left");
    host.all_closed().await;
    let again = bench.call(&function, "/count", "").await;
    assert_eq!((again.text(), again.execution.cold), ("1", false), "the environment is well");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_the_guests_to_know() {
    let bench = Bench::new();
    let function = bench.deploy(allowing("127.0.0.1"), 1, &guest(PROBE)).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let garbage = Host::start(b"not HTTP at all\r\n\r\n", SOON).await;
    let cut = Host::start(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhel", SOON).await;
    let redirect =
        Host::start(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n", SOON).await;
    let cases = [
        (format!("http://{closed}/"), "ConnectionRefused"),
        (format!("https://{}/", garbage.name()), "TlsProtocolError"),
        (garbage.url(), "HttpProtocolError"),
        (redirect.url(), "status 302"),
        (cut.url(), "status 200"),
    ];
    for (url, part) in cases {
        let done = outgoing(&bench, &function, &url, "").await;
        assert!(done.ended() == ("ok", "") && done.text().contains(part), "{url}: {}", done.text());
    }
    assert_eq!(redirect.connections(), 1, "a redirect is the guest's to follow");
}

//! The listener: where it listens, how it stops, and what a slow or broken client gets.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::{PROBE, parts};
use crate::web::{Config, Error, Listen, Service};

fn any_port() -> Config {
    let off = Listen(None);
    Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), otlp_grpc: off, otlp_http: off, ..Config::default() }
}

/// Sends bytes and reads to the end of the connection.
async fn exchange(address: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_loopback_is_listened_on() {
    let (dir, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new());
    let config = Config { listen: SocketAddr::from(([0, 0, 0, 0], 0)), ..Config::default() };
    let error = Service::bind(config, parts(&dir, &stop).await).await.err().unwrap();
    assert!(matches!(error, Error::NotLoopback(_)));
    assert!(error.to_string().contains("0.0.0.0:0"), "{error}");
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_running_calls_end() {
    let (dir, stop_store, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new(), CancellationToken::new());
    let parts = parts(&dir, &stop_store).await;
    let deployer = parts.deployer.clone();
    let service = Service::bind(any_port(), parts).await.unwrap();
    let address = service.local_addr();
    let running = tokio::spawn(service.run(stop.clone()));
    let upload = format!(
        "POST /api/v1/functions?name=probe HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        PROBE.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(upload.as_bytes()).await.unwrap();
    stream.write_all(PROBE).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    while deployer.get("probe").is_none_or(|function| function.active.is_none()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let idle = TcpStream::connect(address).await.unwrap();
    let call = tokio::spawn(exchange(address, "GET /fn/probe/sleep?ms=500 HTTP/1.1\r\nhost: localhost\r\n\r\n"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    stop.cancel();
    let answer = call.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("slept"), "{answer}");
    tokio::time::timeout(Duration::from_secs(5), running).await.expect("it stops in time").unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens");
    drop(idle);
    stop_store.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_no_request_is_let_go() {
    let (dir, stop_store, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new(), CancellationToken::new());
    let config = Config { head_timeout: Duration::from_millis(100), max_connections: 1, ..any_port() };
    let service = Service::bind(config, parts(&dir, &stop_store).await).await.unwrap();
    let address = service.local_addr();
    let running = tokio::spawn(service.run(stop.clone()));
    for slow in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: localhost\r\n"] {
        let answer = exchange(address, slow).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    let answer = exchange(address, "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "the only place is free again: {answer}");
    let none = exchange(address, "GET /healthz HTTP/1.0\r\n\r\n").await;
    assert!(none.starts_with("HTTP/1.0 400") && none.contains("application/problem+json"), "{none}");
    stop.cancel();
    running.await.unwrap();
    stop_store.cancel();
}

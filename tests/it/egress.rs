//! What a function reaches: no host, and no other function, but those that it names; and what it sent is on its record.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned, crypto};

use crate::support::http::Response;
use crate::support::server::{Home, Server};
use crate::support::{PATIENCE, path_text, probe, repository};

/// A host on loopback that answers each connection once, and remembers what each sent.
struct Host {
    port: u16,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Host {
    fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let host = Self { port, requests: Arc::clone(&requests) };
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
                match &tls {
                    None => answer(stream, &requests),
                    Some(config) => {
                        let session = ServerConnection::new(Arc::clone(config)).expect("a session");
                        answer(StreamOwned::new(session, stream), &requests);
                    }
                }
            }
        });
        host
    }

    fn requests(&self) -> Vec<Vec<u8>> {
        self.requests.lock().expect("nobody panicked").clone()
    }
}

/// Takes a request to its end, keeps it, answers. A connection that breaks off is kept as far as it came.
fn answer(mut stream: impl Read + Write, requests: &Mutex<Vec<Vec<u8>>>) {
    let (mut request, mut buffer) = (Vec::new(), vec![0; 65_536]);
    while !is_whole(&request) {
        match stream.read(&mut buffer) {
            Ok(bytes) if bytes > 0 => request.extend(&buffer[..bytes]),
            _ => break,
        }
    }
    requests.lock().expect("nobody panicked").push(request);
    let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
    let _gone = stream.flush();
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().expect("a length"))
}

/// Calls the probe's `/outgoing`, and says what it replied and the bytes on its record.
fn outgoing(server: &Server, function: &str, url: &str, more: &str) -> (String, i64) {
    let answer: Response = server.get(&format!("/fn/{function}/outgoing?url={url}{more}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    let row = server.record(answer.invocation_id());
    assert_eq!((row.text("outcome"), row.is_null("error_type")), ("ok", true), "{row:?}");
    (answer.text().to_owned(), row.int("egress_bytes"))
}

#[test]
fn only_hosts_that_are_named_are_reached() {
    let (server, host) = (Server::shared(), Host::start(None));
    let url = format!("http://127.0.0.1:{}/x", host.port);
    server.deploy("egress-none", &probe(), &[]);
    server.deploy("egress-wrong", &probe(), &["--allow-host", "127.0.0.1:9", "--allow-host", "localhost"]);
    for function in ["egress-none", "egress-wrong"] {
        let (reply, bytes) = outgoing(&server, function, &url, "&send=5000");
        assert!(reply.starts_with("error: ") && reply.contains("HttpRequestDenied"), "{reply}");
        assert_eq!(bytes, 0);
    }
    std::thread::sleep(Duration::from_millis(50));
    assert!(host.requests().is_empty(), "no connection arrived");

    server.deploy("egress-named", &probe(), &["--allow-host", &format!("127.0.0.1:{}", host.port)]);
    let (reply, bytes) = outgoing(&server, "egress-named", &url, "&send=5000&read=1");
    assert_eq!(reply, "status 200, 5 bytes");
    let requests = host.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].starts_with(b"POST /x HTTP/1.1\r\n") && requests[0].ends_with(&[b'x'; 5_000]));
    assert_eq!(bytes, i64::try_from(requests[0].len()).expect("few"), "to the byte");
    assert_eq!(server.record(server.get("/fn/egress-named/noread").invocation_id()).int("egress_bytes"), 0);
}

#[test]
fn another_function_is_reached_only_by_naming_this_server() {
    let server = Server::shared();
    let options = ["--allow-host", &server.address.to_string()];
    server.deploy("egress-target", &probe(), &[]);
    server.deploy("egress-alone", &probe(), &[]);
    server.deploy("egress-caller", &probe(), &options);
    let url = format!("{}/fn/egress-target/noread", server.url);
    let calls = "SELECT count(*) AS n FROM invocations WHERE function = 'egress-target'";
    assert!(outgoing(&server, "egress-alone", &url, "").0.contains("HttpRequestDenied"));
    assert_eq!(server.count(calls), 0);
    let (reply, bytes) = outgoing(&server, "egress-caller", &url, "");
    assert!(reply == "status 200" && bytes > 40, "{reply}, {bytes} bytes");
    assert_eq!(server.count(calls), 1);
}

#[test]
fn https_hosts_are_reached_when_this_machine_trusts_them() {
    let folder = repository().join("tests/tls");
    let authority = path_text(folder.join("authority.pem"));
    let certificate = CertificateDer::from_pem_file(folder.join("localhost.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(folder.join("localhost.key")).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(vec![certificate], key))
        .expect("a configuration");
    let host = Host::start(Some(Arc::new(config)));
    let home = Arc::new(Home::new().var("SSL_CERT_FILE", &authority));
    let server = home.serve();
    let options = ["--allow-host", "localhost", "--allow-host", "127.0.0.1", "--timeout", "30s"];
    server.deploy("egress-https", &probe(), &options);
    let (reply, bytes) = outgoing(&server, "egress-https", &format!("https://localhost:{}/x", host.port), "&read=1");
    assert_eq!(reply, "status 200, 5 bytes");
    let requests = host.requests();
    assert!(requests.len() == 1 && requests[0].starts_with(b"GET /x HTTP/1.1\r\n"), "{requests:?}");
    assert_eq!(bytes, i64::try_from(requests[0].len()).expect("few"));
    let (reply, bytes) = outgoing(&server, "egress-https", &format!("https://127.0.0.1:{}/x", host.port), "");
    assert!(reply.contains("TlsCertificateError") && bytes == 0, "another name than its certificate's: {reply}");
    assert!(server.stop().success());
}

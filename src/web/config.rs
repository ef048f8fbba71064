//! The limits of the web part. What each protects is said at its field.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// An address to listen on, or none: `off` where it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen(pub Option<SocketAddr>);

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        let wrong = |_| format!("'{text}' is not an address to listen on, such as 127.0.0.1:4317, nor off");
        text.parse().map(|address| Self(Some(address))).map_err(wrong)
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("off"),
        }
    }
}

/// Where to listen, and every limit on what clients may ask. Defaults in brackets.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on (127.0.0.1:8080). Port 0 takes a free one. Loopback only.
    pub listen: SocketAddr,
    /// The address of OTLP over gRPC (127.0.0.1:4317), or off. Loopback only.
    pub otlp_grpc: Listen,
    /// The address of OTLP over HTTP (127.0.0.1:4318), or off: it is on the main port too. Loopback only.
    pub otlp_http: Listen,
    /// Connections at once on each port (2048: the account's calls at once and as many others); more wait to be accepted.
    pub max_connections: usize,
    /// Requests at once (2048); more are answered 503.
    pub max_requests: usize,
    /// Bytes of a call's body (6 MiB); more is answered 413.
    pub max_request_bytes: u64,
    /// Bytes of an upload (64 MiB).
    pub max_deploy_bytes: u64,
    /// Bytes of a query's body (1 MiB).
    pub max_query_bytes: u64,
    /// Bytes of all bodies that are held at once (512 MiB); more is answered 503.
    pub max_held_bytes: u64,
    /// Bytes of a request's head (64 KiB); more is answered 431.
    pub max_head_bytes: usize,
    /// Time for a request's head to arrive, and for an idle connection to send the next (30 s).
    pub head_timeout: Duration,
    /// Time for a request's body to arrive (30 s); later is answered 408.
    pub body_timeout: Duration,
    /// Bytes of a body that was refused which are taken in all the same, so that its sender sees the answer (64 MiB); a body
    /// that has more is cut off.
    pub max_drain_bytes: u64,
    /// Time for that (1 s).
    pub drain_timeout: Duration,
    /// Time for the client to take in more of an answer (60 s); then the connection is closed.
    pub write_timeout: Duration,
    /// A folder with boards and queries beside those of the program (none).
    pub dashboards: Option<PathBuf>,
    /// Queries of one request for a board's data that run at once (3).
    pub panel_queries: usize,
    /// Rows of a panel that are sent to the page (50,000); the rest is cut off, and the answer says how many there are.
    pub max_panel_rows: usize,
    /// Clients that follow log records at once (16); more are answered 503.
    pub max_tails: usize,
    /// Log records that a follower gets a second, at most (500); what is more is counted and left out.
    pub tail_rows: usize,
    /// Reports that are written at once (4); more are answered 503.
    pub max_reports: usize,
    /// Rows of a report that is written for a client (200,000); a larger one is answered 422.
    pub max_report_rows: usize,
    /// Time for requests to end after a stop (10 s); then their connections are closed.
    pub stop_deadline: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            otlp_grpc: Listen(Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 4317)))),
            otlp_http: Listen(Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 4318)))),
            max_connections: 2_048,
            max_requests: 2_048,
            max_request_bytes: 6 << 20,
            max_deploy_bytes: 64 << 20,
            max_query_bytes: 1 << 20,
            max_held_bytes: 512 << 20,
            max_head_bytes: 64 << 10,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            max_drain_bytes: 64 << 20,
            drain_timeout: Duration::from_secs(1),
            write_timeout: Duration::from_secs(60),
            dashboards: None,
            panel_queries: 3,
            max_panel_rows: 50_000,
            max_tails: 16,
            tail_rows: 500,
            max_reports: 4,
            max_report_rows: 200_000,
            stop_deadline: Duration::from_secs(10),
        }
    }
}

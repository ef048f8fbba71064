//! Keeps web pages from driving a server that trusts whoever reaches its loopback address: the Host must be a loopback
//! name (a page that rebinds its DNS name keeps its own Host), and a page of another origin is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, HeaderMap, ORIGIN};
use http::{HeaderValue, Method, Uri};

use super::error::{CROSS_ORIGIN, MISDIRECTED, Problem};

/// Answers 421 or 403 unless the request comes from this machine's own tools or from our own pages.
pub(super) async fn check(request: Request, next: Next) -> Response {
    match checked(request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn checked(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let mut hosts: Vec<&str> = uri.authority().map(http::uri::Authority::as_str).into_iter().collect();
    for host in headers.get_all(HOST) {
        hosts.push(host.to_str().map_err(|_| Problem::invalid("the Host header is not plain text"))?);
    }
    if headers.get_all(HOST).iter().count() > 1 {
        return Err(Problem::invalid("there is more than one Host header"));
    }
    let host = *hosts.last().ok_or_else(|| Problem::invalid("the Host header is missing"))?;
    for host in hosts {
        loopback_port(host).ok_or_else(|| {
            let detail = format!("'{host}' is not a loopback name: use localhost, 127.0.0.1 or [::1]");
            Problem::new(MISDIRECTED, detail)
        })?;
    }
    for origin in headers.get_all(ORIGIN) {
        if !is_same_origin(origin, host) {
            let detail = format!("a page of the origin {} may not ask this server", shown(origin));
            return Err(Problem::new(CROSS_ORIGIN, detail));
        }
    }
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) if is_followed_link(method, uri, headers) => Ok(()),
        Some(_) => Err(Problem::new(CROSS_ORIGIN, "a page of another site may not ask this server")),
    }
}

/// The port of a loopback `host[:port]`, 80 where none is given; none where the host is another.
fn loopback_port(authority: &str) -> Option<u16> {
    let end = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, port) = authority.split_at(end);
    let port = match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
        None if port.is_empty() => 80,
        _ => return None,
    };
    is_loopback(host).then_some(port)
}

fn is_loopback(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback());
    }
    host.eq_ignore_ascii_case("localhost") || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// Whether the origin is this server by any of its loopback names.
fn is_same_origin(origin: &HeaderValue, host: &str) -> bool {
    let authority = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
    let port = authority.and_then(loopback_port);
    port.is_some() && port == loopback_port(host)
}

/// Whether somebody followed a link to one of our pages: the page that held the link learns nothing by it, and
/// nothing is done. A function's URL does something, so links to it are not followed.
fn is_followed_link(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let says = |name: &str, value: &str| headers.get(name).is_some_and(|given| given == value);
    let looks = matches!(*method, Method::GET | Method::HEAD) && !uri.path().starts_with("/fn/");
    looks && says("sec-fetch-mode", "navigate") && says("sec-fetch-dest", "document")
}

fn shown(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// Whether an address may be listened on before there is access control.
pub(super) fn may_listen_on(address: IpAddr) -> bool {
    address.is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::error;

    fn ask(path: &'static str, headers: &[(&'static str, &'static str)]) -> Result<(), &'static error::Kind> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value)))
            .collect();
        checked(&Method::GET, &Uri::from_static(path), &headers).map_err(|problem| problem.kind())
    }

    #[test]
    fn hosts_are_loopback_names() {
        for good in ["localhost", "LocalHost:8080", "127.0.0.1", "127.3.2.1:1", "[::1]", "[::1]:8080"] {
            assert!(loopback_port(good).is_some(), "{good}");
        }
        let wrong = [
            "",
            "evil.example",
            "localhost.evil.example",
            "evil.localhost",
            "127.0.0.1.evil.example",
            "10.0.0.1:8080",
            "[::2]",
            "[::1",
            "::1",
            "localhost:",
            "localhost:x",
            "localhost:+1",
            "localhost:99999",
            "0.0.0.0",
            "user@localhost",
            "2130706433",
        ];
        for wrong in wrong {
            assert!(loopback_port(wrong).is_none(), "{wrong}");
        }
        assert_eq!(ask("/", &[("host", "evil.example")]), Err(error::MISDIRECTED));
        assert_eq!(ask("/", &[]), Err(error::INVALID_REQUEST));
        assert_eq!(ask("/", &[("host", "localhost"), ("host", "localhost")]), Err(error::INVALID_REQUEST));
        assert_eq!(ask("http://evil.example/", &[("host", "localhost")]), Err(error::MISDIRECTED));
    }

    #[test]
    fn origins_are_our_own() {
        let ask_from = |origin| ask("/", &[("host", "localhost:8080"), ("origin", origin)]);
        for good in ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"] {
            assert_eq!(ask_from(good), Ok(()), "{good}");
        }
        for wrong in [
            "null",
            "",
            "http://localhost",
            "http://localhost:3000",
            "https://localhost:8080",
            "http://evil.example:8080",
        ] {
            assert_eq!(ask_from(wrong), Err(error::CROSS_ORIGIN), "{wrong}");
        }
    }

    #[test]
    fn other_sites_may_link_to_pages_and_nothing_else() {
        let host = ("host", "localhost");
        let (cross, link) = (("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"));
        let page = ("sec-fetch-dest", "document");
        assert_eq!(ask("/", &[host, ("sec-fetch-site", "same-origin")]), Ok(()));
        assert_eq!(ask("/", &[host, ("sec-fetch-site", "none")]), Ok(()));
        assert_eq!(ask("/", &[host, cross, link, page]), Ok(()));
        assert_eq!(ask("/", &[host, cross]), Err(error::CROSS_ORIGIN));
        assert_eq!(ask("/", &[host, ("sec-fetch-site", "same-site")]), Err(error::CROSS_ORIGIN));
        assert_eq!(ask("/", &[host, cross, link, ("sec-fetch-dest", "iframe")]), Err(error::CROSS_ORIGIN));
        assert_eq!(ask("/fn/shop", &[host, cross, link, page]), Err(error::CROSS_ORIGIN));
    }
}

//! What the probes need of HTTP: query, body, reply, pause; and as much JSON as they write.

use std::io::{Read, Write};

use wasip2::clocks::monotonic_clock;
use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::streams::OutputStream;

/// The part of the target after `?`.
pub(crate) struct Query<'a>(pub(crate) &'a str);

impl Query<'_> {
    /// The value of `name` with `%xx` decoded; empty if it is not there.
    pub(crate) fn text(&self, name: &str) -> String {
        let pairs = self.0.split('&').filter_map(|pair| pair.split_once('='));
        let value = pairs.into_iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value);
        let mut bytes = Vec::new();
        let mut rest = value.as_bytes();
        while let [first, tail @ ..] = rest {
            let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
            match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                Some(byte) if *first == b'%' => {
                    bytes.push(byte);
                    rest = &tail[2..];
                }
                _ => {
                    bytes.push(*first);
                    rest = tail;
                }
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(crate) fn number(&self, name: &str, default: u64) -> u64 {
        self.text(name).parse().unwrap_or(default)
    }
}

pub(crate) fn body(request: &IncomingRequest) -> Result<Vec<u8>, String> {
    let incoming = request.consume().map_err(|()| "body was read before")?;
    let mut stream = incoming.stream().map_err(|()| "body was read before")?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

pub(crate) fn pause(ms: u64) {
    monotonic_clock::subscribe_duration(ms.saturating_mul(1_000_000)).block();
}

/// `text` as a JSON string, quotes included.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// An object of `fields`, whose values are JSON already.
pub(crate) fn json_object(fields: impl Iterator<Item = (String, String)>) -> String {
    let fields: Vec<String> = fields.map(|(name, value)| format!("{}:{value}", quoted(&name))).collect();
    format!("{{{}}}", fields.join(","))
}

/// A response that is not sent yet.
pub(crate) struct Reply(OutgoingResponse);

impl Reply {
    /// A status or content type that the host does not accept is left out.
    pub(crate) fn new(status: u16, content_type: &str) -> Reply {
        let headers = Fields::new();
        let _ = headers.set("content-type", &[content_type.as_bytes().to_vec()]);
        let response = OutgoingResponse::new(headers);
        let _ = response.set_status_code(status);
        Reply(response)
    }

    pub(crate) fn send(self, out: ResponseOutparam, bytes: &[u8]) {
        let mut body = self.start(out);
        if body.write(bytes) && body.flush() {
            body.finish();
        }
    }

    /// Sends the head; the body follows through what this returns.
    pub(crate) fn start(self, out: ResponseOutparam) -> Body {
        let body = self.0.body().expect("the body is taken once");
        ResponseOutparam::set(out, Ok(self.0));
        let stream = body.write().expect("the stream is taken once");
        Body { stream, body }
    }
}

/// A body under way. The stream stands first: it has to be dropped before the body it belongs to.
pub(crate) struct Body {
    stream: OutputStream,
    body: OutgoingBody,
}

impl Body {
    /// Whether the host took it all.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    pub(crate) fn flush(&mut self) -> bool {
        Write::flush(&mut self.stream).is_ok()
    }

    pub(crate) fn finish(self) {
        drop(self.stream);
        let _ = OutgoingBody::finish(self.body, None);
    }
}

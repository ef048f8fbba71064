//! A plain HTTP/1.1 client: it can send what a polite one would not, and shows frames and trailers as they arrive.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::PATIENCE;

/// A request; `Host` and `Content-Length` are added where they are not given.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Header or trailer fields, names in lower case.
pub(crate) type Fields = Vec<(String, String)>;

/// An answer, whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Fields,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Fields,
    /// Whether the body ended as its framing says.
    pub(crate) complete: bool,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self { method: method.to_owned(), target: target.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn post(target: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::new("POST", target) }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    fn head(&self, host: &str) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        if !self.has("host") {
            head += &format!("host: {host}\r\n");
        }
        let sized = !self.body.is_empty() || matches!(self.method.as_str(), "POST" | "PUT" | "PATCH");
        if sized && !self.has("content-length") && !self.has("transfer-encoding") {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        self.headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
        head + "\r\n"
    }
}

impl Response {
    /// A header's value; empty when it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        field(&self.headers, name)
    }

    /// A trailer's value; empty when it is absent.
    pub(crate) fn trailer(&self, name: &str) -> &str {
        field(&self.trailers, name)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("the body is JSON ({error}): {}", self.text()))
    }

    /// The invocation's id, which every call's answer has.
    pub(crate) fn invocation_id(&self) -> &str {
        let id = self.header("x-faremeter-invocation-id");
        assert!(!id.is_empty(), "a call's answer names its invocation: {self:?}");
        id
    }

    /// Checks that this is the problem `status`, as RFC 9457 has it, and returns its detail.
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let body = self.json();
        let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        assert_eq!(body.get("status").and_then(Value::as_u64), Some(u64::from(status)), "{body}");
        assert!(text("type").is_some() && text("title").is_some(), "{body}");
        let detail = text("detail").unwrap_or_else(|| panic!("a problem has a detail: {body}"));
        assert!(!detail.contains("RUST_BACKTRACE") && !detail.contains('\n'), "one sentence: {detail}");
        detail.to_owned()
    }
}

fn has_no_body(request: &Request, response: &Response) -> bool {
    request.method == "HEAD" || matches!(response.status, 204 | 304)
}

fn field<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

/// One connection, for one request after another.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream), host: address.to_string() })
    }

    /// Sends a request and reads its whole answer; an answer that is cut off is an error.
    pub(crate) fn send(&mut self, request: &Request) -> io::Result<Response> {
        let response = self.begin(request)?;
        self.finish(request, response)
    }

    fn finish(&mut self, request: &Request, mut response: Response) -> io::Result<Response> {
        response.complete = has_no_body(request, &response);
        while let Some(piece) = self.next(&mut response)? {
            response.body.extend(piece);
        }
        Ok(response)
    }

    /// Sends a request; `read` reads its answer.
    pub(crate) fn write(&mut self, request: &Request) -> io::Result<()> {
        let head = request.head(&self.host);
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&request.body))
    }

    /// Reads the whole answer to a request that was sent.
    pub(crate) fn read(&mut self, request: &Request) -> io::Result<Response> {
        let head = self.read_head()?;
        self.finish(request, head)
    }

    /// Sends a request and reads the head of its answer; `next` reads on.
    pub(crate) fn begin(&mut self, request: &Request) -> io::Result<Response> {
        let sent = self.write(request);
        // A server may answer and close before it has read everything: its answer counts.
        let mut response = match (self.read_head(), sent) {
            (Ok(response), _) => response,
            (Err(_), Err(error)) | (Err(error), Ok(())) => return Err(error),
        };
        response.complete = has_no_body(request, &response);
        Ok(response)
    }

    /// The next piece of the body: a chunk as it was sent, or all of a body of known length. None at the end.
    pub(crate) fn next(&mut self, response: &mut Response) -> io::Result<Option<Vec<u8>>> {
        if response.complete {
            return Ok(None);
        }
        if response.header("transfer-encoding") == "chunked" {
            return self.next_chunk(response);
        }
        response.complete = true;
        let mut body = Vec::new();
        match response.header("content-length").parse::<usize>() {
            Ok(length) => {
                body.resize(length, 0);
                self.stream.read_exact(&mut body)?;
            }
            Err(_) => _ = self.stream.read_to_end(&mut body)?,
        }
        Ok(Some(body))
    }

    fn next_chunk(&mut self, response: &mut Response) -> io::Result<Option<Vec<u8>>> {
        let line = self.line()?;
        let length = usize::from_str_radix(line.split(';').next().unwrap_or_default(), 16)
            .map_err(|_| io::Error::new(ErrorKind::InvalidData, format!("no chunk length: '{line}'")))?;
        if length == 0 {
            response.trailers = self.fields()?;
            response.complete = true;
            return Ok(None);
        }
        let mut chunk = vec![0; length];
        self.stream.read_exact(&mut chunk)?;
        self.line()?;
        Ok(Some(chunk))
    }

    fn read_head(&mut self) -> io::Result<Response> {
        loop {
            let line = self.line()?;
            let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
            let status =
                status.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, format!("no status: '{line}'")))?;
            let headers = self.fields()?;
            if status != 100 {
                return Ok(Response { status, headers, ..Response::default() });
            }
        }
    }

    fn fields(&mut self) -> io::Result<Fields> {
        let mut fields = Vec::new();
        loop {
            let line = self.line()?;
            match line.split_once(':') {
                Some((name, value)) => fields.push((name.to_ascii_lowercase(), value.trim().to_owned())),
                None => return Ok(fields),
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "the connection ended"));
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

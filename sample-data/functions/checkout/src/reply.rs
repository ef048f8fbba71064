//! The way in and out: reads a request's body, sends a reply, writes log lines.

use std::io::{Read, Write};

use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

const MAX_BODY_BYTES: u64 = 256 * 1024;

pub(crate) fn body(request: IncomingRequest) -> Result<String, String> {
    let incoming = request.consume().map_err(|()| "body was read before")?;
    let stream = incoming.stream().map_err(|()| "body was read before")?;
    let mut bytes = Vec::new();
    stream.take(MAX_BODY_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_BODY_BYTES {
        return Err(format!("body is longer than {MAX_BODY_BYTES} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "body is not UTF-8".to_string())
}

pub(crate) fn send(out: ResponseOutparam, status: u16, json: &str) {
    let headers = Fields::new();
    headers.set("content-type", &[b"application/json".to_vec()]).expect("the name and the value are valid");
    let response = OutgoingResponse::new(headers);
    response.set_status_code(status).expect("only 200 and 400 are sent");
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let mut stream = body.write().expect("the stream is taken once");
    // A caller who hung up is no fault of the order.
    let _ = stream.write_all(json.as_bytes());
    let _ = stream.blocking_flush();
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

/// One JSON log line, written at once so that it arrives whole. `fields` hold JSON values.
pub(crate) fn log(level: &str, message: &str, fields: &[(&str, String)]) {
    let mut line = format!("{{\"level\":\"{level}\",\"message\":\"{message}\"");
    for (name, value) in fields {
        line.push_str(&format!(",\"{name}\":{value}"));
    }
    line.push_str("}\n");
    // A log that cannot be written is no reason to fail the call.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

//! The way in and out of a component: reads a request whole, waits as it asks, sends the reply.

use std::io::{Read, Write};

use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

use crate::json;

const MAX_BODY_BYTES: u64 = 256 * 1024;

pub struct Request {
    /// Without the question mark.
    pub query: String,
    pub body: String,
    headers: Vec<(String, Vec<u8>)>,
}

pub struct Reply {
    status: u16,
    json: String,
}

impl Reply {
    pub fn ok(json: String) -> Reply {
        Reply { status: 200, json }
    }

    /// Refuses the request, and says so in the log.
    pub fn refused(status: u16, reason: &str) -> Reply {
        let reason = json::quoted(reason);
        crate::log("warn", "request refused", &[("status", status.to_string()), ("reason", reason.clone())]);
        Reply { status, json: json::object(&[("error", reason)]) }
    }
}

impl Request {
    fn read(incoming: IncomingRequest) -> Result<Request, String> {
        let path = incoming.path_with_query().unwrap_or_default();
        let query = path.split_once('?').map_or("", |(_, query)| query).to_string();
        let headers = incoming.headers().entries();
        let body = incoming.consume().map_err(|()| "body was read before")?;
        let stream = body.stream().map_err(|()| "body was read before")?;
        let mut bytes = Vec::new();
        stream.take(MAX_BODY_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        if bytes.len() as u64 > MAX_BODY_BYTES {
            return Err(format!("body is longer than {MAX_BODY_BYTES} bytes"));
        }
        let body = String::from_utf8(bytes).map_err(|_| "body is not UTF-8")?;
        Ok(Request { query, body, headers })
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }
}

/// Answers one request with what `handle` makes of it.
pub fn serve(incoming: IncomingRequest, response: ResponseOutparam, handle: impl FnOnce(&Request) -> Reply) {
    let reply = match Request::read(incoming) {
        Ok(request) => {
            crate::wait_as_asked(&request.query);
            handle(&request)
        }
        Err(reason) => Reply::refused(400, &reason),
    };
    send(response, &reply);
}

fn send(out: ResponseOutparam, reply: &Reply) {
    let headers = Fields::new();
    headers.set("content-type", &[b"application/json".to_vec()]).expect("the name and the value are valid");
    let response = OutgoingResponse::new(headers);
    response.set_status_code(reply.status).expect("only valid ones are sent");
    let body = response.body().expect("the body is taken once");
    ResponseOutparam::set(out, Ok(response));
    let mut stream = body.write().expect("the stream is taken once");
    // A caller who hung up is no fault of the function.
    let _ = stream.write_all(reply.json.as_bytes());
    let _ = stream.blocking_flush();
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

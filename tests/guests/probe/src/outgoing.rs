//! Outgoing requests.

use std::io::{Read, Write};

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
};

use crate::http::Query;

/// Makes as many requests at once as the query says, and says how each ended.
pub(crate) fn call(query: &Query) -> String {
    let started: Vec<_> = (0..query.number("times", 1)).map(|_| start(query)).collect();
    let ended = started.into_iter().map(|started| match started.and_then(|future| finish(future, query)) {
        Ok(answer) => answer,
        Err(error) => format!("error: {error}"),
    });
    ended.collect::<Vec<_>>().join("\n")
}

/// Sends a request; whoever drops what this returns gives it up.
pub(crate) fn start(query: &Query) -> Result<FutureIncomingResponse, String> {
    let url = query.text("url");
    let (scheme, rest) = url.split_once(':').ok_or("url without a scheme")?;
    let rest = rest.trim_start_matches('/');
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_string()),
    };
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let send = query.number("send", 0);
    let headers = Fields::new();
    if send > 0 {
        headers.set("content-length", &[send.to_string().into_bytes()]).map_err(|error| error.to_string())?;
    }
    let request = OutgoingRequest::new(headers);
    if send > 0 {
        request.set_method(&Method::Post).map_err(|()| "method refused")?;
    }
    request.set_scheme(Some(&scheme)).map_err(|()| "scheme refused")?;
    request.set_authority(Some(authority)).map_err(|()| "authority refused")?;
    request.set_path_with_query(Some(path)).map_err(|()| "path refused")?;
    let body = request.body().map_err(|()| "body taken before")?;
    let future = outgoing_handler::handle(request, None).map_err(|error| error.to_string())?;
    if send > 0 {
        let mut stream = body.write().map_err(|()| "stream taken before")?;
        // Where the host ends the request, its answer says why.
        let _ = stream.write_all(&vec![b'x'; send as usize]).and_then(|()| Write::flush(&mut stream));
    }
    let _ = OutgoingBody::finish(body, None);
    Ok(future)
}

fn finish(future: FutureIncomingResponse, query: &Query) -> Result<String, String> {
    future.subscribe().block();
    let response = future.get().ok_or("no answer after the wait")?.map_err(|()| "answer taken before")?;
    let response = response.map_err(|error| error.to_string())?;
    let status = response.status();
    match query.number("read", 0) {
        0 => Ok(format!("status {status}")),
        _ => Ok(format!("status {status}, {} bytes", read(&response)?)),
    }
}

fn read(response: &IncomingResponse) -> Result<usize, String> {
    let body = response.consume().map_err(|()| "body was read before")?;
    let mut stream = body.stream().map_err(|()| "body was read before")?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes.len())
}

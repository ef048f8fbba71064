//! probe: a wasi:http component that provokes each outcome, chosen by the last segment of the request's path,
//! so that `/echo` and `/fn/probe/echo` do the same. An unknown path gives 404.
//!
//! | path | what it does |
//! |---|---|
//! | `/echo` | replies the body, with the request's content-type |
//! | `/noread` | replies "ok" and never reads the body |
//! | `/status?code=` | replies that status (200), the body names it |
//! | `/headers` | replies the request's headers as a JSON object of lists |
//! | `/env` | replies the environment variables as a JSON object |
//! | `/count` | replies how many calls this instance has counted here: over 1 shows that it was reused |
//! | `/log` | writes plain and JSON lines to stdout and stderr, replies "logged" |
//! | `/big?bytes=` | replies so many "x" (1 MiB) |
//! | `/stream?chunks=&ms=` | replies lines "chunk 0", ... (3), each flushed, with pauses between (100 ms) |
//! | `/sleep?ms=` | waits (1,000), replies "slept" |
//! | `/hog?steps=` | burns CPU for so many loop steps (10,000,000), replies "burned" |
//! | `/spin` | loops for ever |
//! | `/trap` | executes `unreachable` |
//! | `/panic` | panics with a message |
//! | `/recurse` | recurses until the stack is exhausted |
//! | `/grow` | allocates and touches 1 MiB at a time until refused, then aborts |
//! | `/grow_ok` | allocates until refused, frees all, replies the MiB that it got |
//! | `/never` | returns without a response |
//! | `/cut` | sets a response, writes half of it, then traps |
//! | `/outgoing?url=&send=&times=&read=` | makes an outgoing GET, or a POST of so many "x"; so many at once (1); replies a line for each: "status N" or "error: ..."; where `read` is 1 it reads the answers: "status N, N bytes" |
//! | `/leave?url=` | sends an outgoing request, and replies "left" without waiting for the answer; the next call ends it |
//! | `/file` | opens /etc/passwd, replies the error |

mod http;
mod outgoing;
mod strain;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{FutureIncomingResponse, IncomingRequest, ResponseOutparam};

use http::{json_object, Query, Reply};

struct Probe;

wasip2::http::proxy::export!(Probe);

impl Guest for Probe {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query = Query(query);
        match path.trim_end_matches('/').rsplit('/').next().unwrap_or_default() {
            "echo" => echo(request, out),
            "noread" => Reply::new(200, "text/plain").send(out, b"ok"),
            "status" => status(query.number("code", 200), out),
            "headers" => headers(&request, out),
            "env" => env(out),
            "count" => count(out),
            "log" => log(out),
            "big" => big(query.number("bytes", 1 << 20), out),
            "stream" => stream(query.number("chunks", 3), query.number("ms", 100), out),
            "sleep" => {
                http::pause(query.number("ms", 1000));
                Reply::new(200, "text/plain").send(out, b"slept");
            }
            "hog" => {
                strain::hog(query.number("steps", 10_000_000));
                Reply::new(200, "text/plain").send(out, b"burned");
            }
            "spin" => strain::spin(),
            "trap" => core::arch::wasm32::unreachable(),
            "panic" => panic!("panicked because it was asked to"),
            "recurse" => {
                let depth = strain::recurse(0);
                Reply::new(200, "text/plain").send(out, depth.to_string().as_bytes());
            }
            "grow" => strain::grow_and_abort(),
            "grow_ok" => Reply::new(200, "text/plain").send(out, strain::grow().to_string().as_bytes()),
            "never" => drop(out),
            "cut" => cut(out),
            "outgoing" => {
                Reply::new(200, "text/plain").send(out, outgoing::call(&query).as_bytes());
            }
            "leave" => leave(&query, out),
            "file" => file(out),
            _ => Reply::new(404, "text/plain").send(out, b"no such probe"),
        }
    }
}

fn echo(request: IncomingRequest, out: ResponseOutparam) {
    let content_type = request.headers().get("content-type").into_iter().next();
    let content_type = content_type.unwrap_or_else(|| b"application/octet-stream".to_vec());
    match http::body(&request) {
        Ok(body) => Reply::new(200, &String::from_utf8_lossy(&content_type)).send(out, &body),
        Err(error) => Reply::new(500, "text/plain").send(out, error.as_bytes()),
    }
}

fn status(code: u64, out: ResponseOutparam) {
    let code = u16::try_from(code).unwrap_or(200);
    Reply::new(code, "text/plain").send(out, format!("status {code}").as_bytes());
}

fn headers(request: &IncomingRequest, out: ResponseOutparam) {
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in request.headers().entries() {
        fields.entry(name).or_default().push(http::quoted(&String::from_utf8_lossy(&value)));
    }
    let fields = fields.into_iter().map(|(name, values)| (name, format!("[{}]", values.join(","))));
    Reply::new(200, "application/json").send(out, json_object(fields).as_bytes());
}

fn env(out: ResponseOutparam) {
    let fields = std::env::vars().map(|(name, value)| (name, http::quoted(&value)));
    Reply::new(200, "application/json").send(out, json_object(fields).as_bytes());
}

fn count(out: ResponseOutparam) {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    Reply::new(200, "text/plain").send(out, calls.to_string().as_bytes());
}

fn log(out: ResponseOutparam) {
    // Whole lines in one write each, but for the last: it comes in two pieces.
    let lines: [&[u8]; 5] = [
        b"plain line on stderr\n",
        b"{\"level\":\"warn\",\"message\":\"careful\",\"n\":7}\n",
        b"ERROR something broke\n",
        b"in two ",
        b"pieces\n",
    ];
    for line in lines {
        let _ = std::io::stderr().write_all(line);
    }
    println!("plain line on stdout");
    println!("{{\"level\":\"info\",\"message\":\"json on stdout\"}}");
    // No newline: a host must not lose the rest when the call ends.
    eprint!("last line without an end");
    Reply::new(200, "text/plain").send(out, b"logged");
}

fn big(bytes: u64, out: ResponseOutparam) {
    let piece = [b'x'; 64 * 1024];
    let mut body = Reply::new(200, "application/octet-stream").start(out);
    let mut left = bytes;
    while left > 0 {
        let length = left.min(piece.len() as u64);
        if !body.write(&piece[..length as usize]) {
            return;
        }
        left -= length;
    }
    body.finish();
}

fn stream(chunks: u64, ms: u64, out: ResponseOutparam) {
    let mut body = Reply::new(200, "text/plain").start(out);
    for chunk in 0..chunks {
        if chunk > 0 {
            http::pause(ms);
        }
        if !(body.write(format!("chunk {chunk}\n").as_bytes()) && body.flush()) {
            return;
        }
    }
    body.finish();
}

fn cut(out: ResponseOutparam) {
    let mut body = Reply::new(200, "text/plain").start(out);
    body.write(b"the first half, and then");
    body.flush();
    core::arch::wasm32::unreachable()
}

fn leave(query: &Query, out: ResponseOutparam) {
    static LEFT: Mutex<Option<FutureIncomingResponse>> = Mutex::new(None);
    let text = match outgoing::start(query) {
        Ok(future) => {
            *LEFT.lock().unwrap_or_else(PoisonError::into_inner) = Some(future);
            "left".to_owned()
        }
        Err(error) => format!("error: {error}"),
    };
    Reply::new(200, "text/plain").send(out, text.as_bytes());
}

fn file(out: ResponseOutparam) {
    let text = match std::fs::read("/etc/passwd") {
        Ok(bytes) => format!("read {} bytes", bytes.len()),
        Err(error) => format!("error: {error}"),
    };
    Reply::new(200, "text/plain").send(out, text.as_bytes());
}

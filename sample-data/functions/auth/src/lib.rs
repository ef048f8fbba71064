//! auth: checks a customer's token, a JSON Web Token signed with HMAC-SHA-256. wasi:http component in Rust.
//!
//! Request: POST with the token as the body, or without a body and with `authorization: Bearer TOKEN`. The key is the
//! variable AUTH_KEY of the function.
//! Reply:   `{"subject":"C-32218","scope":"orders:read","expires_at":4102444800}`; a token that is malformed, expired
//!          or signed with another key gives 401 and `{"error":"..."}`; a function without a key 500.
//!
//! `wait_ms` in the query waits so long. One JSON line goes to stderr, which is the function's log.

mod base64;
mod token;

use std::time::{SystemTime, UNIX_EPOCH};

use kit::http::{Reply, Request};
use kit::json;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use token::Claims;

struct Auth;

wasip2::http::proxy::export!(Auth);

impl Guest for Auth {
    fn handle(request: IncomingRequest, response: ResponseOutparam) {
        kit::http::serve(request, response, answer);
    }
}

fn answer(request: &Request) -> Reply {
    let Ok(key) = std::env::var("AUTH_KEY") else {
        return Reply::refused(500, "the function has no AUTH_KEY");
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    match Claims::of(token(request), key.as_bytes(), now) {
        Ok(claims) => {
            let subject = json::quoted(&claims.subject);
            kit::log("info", "token accepted", &[("subject", subject.clone())]);
            Reply::ok(json::object(&[
                ("subject", subject),
                ("scope", json::quoted(&claims.scope)),
                ("expires_at", claims.expires_at.to_string()),
            ]))
        }
        Err(reason) => Reply::refused(401, &reason),
    }
}

fn token(request: &Request) -> &str {
    let body = request.body.trim();
    if !body.is_empty() {
        return body;
    }
    request.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().trim()
}

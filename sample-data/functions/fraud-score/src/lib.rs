//! fraud-score: how likely a payment is fraud, by a small logistic model. wasi:http component in Rust, heavy on CPU.
//!
//! Request: POST `{"payment":"P-1","cents":12900,"country":"DE","card_country":"FR","hour":3,"history":800}`, where
//!          `history` is how many earlier payments of the customer are looked at (0 if left out, at most 1,000,000).
//! Reply:   `{"payment":"P-1","score":412,"decision":"review"}`: the score is 0 to 1000, the decision `accept`,
//!          `review` (from 300 on) or `reject` (from 700 on). A request that is not understood gives 400 and
//!          `{"error":"..."}`.
//!
//! The history is made up from the payment's name, so that no database is needed. Each pair of its payments is
//! compared, so CPU time grows with its square: a very long history runs into the time-out.
//! `wait_ms` in the query waits so long. One JSON line goes to stderr, which is the function's log.

mod history;
mod model;

use kit::http::{Reply, Request};
use kit::json;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use model::Payment;

const REVIEW_FROM: u32 = 300;
const REJECT_FROM: u32 = 700;

struct FraudScore;

wasip2::http::proxy::export!(FraudScore);

impl Guest for FraudScore {
    fn handle(request: IncomingRequest, response: ResponseOutparam) {
        kit::http::serve(request, response, answer);
    }
}

fn answer(request: &Request) -> Reply {
    let payment = match Payment::parse(&request.body) {
        Ok(payment) => payment,
        Err(reason) => return Reply::refused(400, &reason),
    };
    let score = payment.score();
    let (level, decision) = match score {
        REJECT_FROM.. => ("warn", "reject"),
        REVIEW_FROM.. => ("warn", "review"),
        _ => ("info", "accept"),
    };
    let fields =
        [("payment", json::quoted(&payment.name)), ("score", score.to_string()), ("decision", json::quoted(decision))];
    kit::log(level, "payment scored", &fields);
    Reply::ok(json::object(&fields))
}

//! checkout: prices a cart. wasi:http component in Rust.
//!
//! Request: POST `{"order_id":"A-1001","items":[{"sku":"MUG-BLUE","cents":1290,"quantity":2}]}`.
//! Reply:   `{"order_id":"A-1001","pieces":2,"subtotal_cents":2580,"discount_cents":206,"total_cents":2374,`
//!          `"average_cents":1187,"risk":17}`; a cart that is not understood gives 400 and `{"error":"..."}`.
//!
//! - The first call of an environment builds the discount rules (about 20 ms): that is what a cold start costs here.
//! - CPU time grows with the lines of the cart, as each is rated for risk.
//! - `wait_ms` in the query waits so long. JSON log lines go to stderr.
//! - `?fail=1` or a header `x-fail: 1` makes it panic. So does a cart without items, whose average divides by
//!   zero: a bug that is left in so that there are errors to see.

mod cart;
mod pricing;

use kit::http::{Reply, Request};
use kit::json;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use cart::Cart;

struct Checkout;

wasip2::http::proxy::export!(Checkout);

impl Guest for Checkout {
    fn handle(request: IncomingRequest, response: ResponseOutparam) {
        kit::http::serve(request, response, |request| {
            if asked_to_fail(request) {
                kit::log("error", "payment service gave no answer", &[]);
                panic!("payment service gave no answer");
            }
            match Cart::parse(&request.body) {
                Ok(cart) => Reply::ok(priced(&cart)),
                Err(reason) => Reply::refused(400, &reason),
            }
        });
    }
}

fn asked_to_fail(request: &Request) -> bool {
    request.query.split('&').any(|pair| pair == "fail=1") || request.header("x-fail") == Some("1")
}

/// The reply for `cart`, as JSON.
fn priced(cart: &Cart) -> String {
    let quote = pricing::quote(cart);
    let order_id = json::quoted(&cart.order_id);
    let total = quote.subtotal_cents - quote.discount_cents;
    let (level, message) = if quote.risk >= 95 { ("warn", "order looks risky") } else { ("info", "order priced") };
    kit::log(
        level,
        message,
        &[("order_id", order_id.clone()), ("total_cents", total.to_string()), ("risk", quote.risk.to_string())],
    );
    json::object(&[
        ("order_id", order_id),
        ("pieces", quote.pieces.to_string()),
        ("subtotal_cents", quote.subtotal_cents.to_string()),
        ("discount_cents", quote.discount_cents.to_string()),
        ("total_cents", total.to_string()),
        ("average_cents", quote.average_cents.to_string()),
        ("risk", quote.risk.to_string()),
    ])
}

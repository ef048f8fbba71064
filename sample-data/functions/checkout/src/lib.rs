//! checkout: prices a cart. wasi:http component in Rust.
//!
//! Request: POST `{"order_id":"A-1001","items":[{"sku":"MUG-BLUE","cents":1290,"quantity":2}]}`.
//! Reply:   `{"order_id":"A-1001","pieces":2,"subtotal_cents":2580,"discount_cents":206,"total_cents":2374,`
//!          `"average_cents":1187,"risk":17}`; a cart that is not understood gives 400 and `{"error":"..."}`.
//!
//! - The first call of an environment builds the discount rules (about 20 ms): that is what a cold start costs here.
//! - CPU time grows with the lines of the cart, as each is rated for risk.
//! - JSON log lines go to stderr.
//! - `?fail=1` or a header `x-fail: 1` makes it panic. So does a cart without items, whose average divides by
//!   zero: a bug that is left in so that there are errors to see.

mod cart;
mod json;
mod pricing;
mod reply;

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use cart::Cart;

struct Checkout;

wasip2::http::proxy::export!(Checkout);

impl Guest for Checkout {
    fn handle(request: IncomingRequest, response: ResponseOutparam) {
        if asked_to_fail(&request) {
            reply::log("error", "payment service gave no answer", &[]);
            panic!("payment service gave no answer");
        }
        match reply::body(request).and_then(|body| Cart::parse(&body)) {
            Ok(cart) => reply::send(response, 200, &priced(&cart)),
            Err(reason) => {
                reply::log("warn", "cart refused", &[("reason", json::quoted(&reason))]);
                reply::send(response, 400, &format!("{{\"error\":{}}}", json::quoted(&reason)));
            }
        }
    }
}

fn asked_to_fail(request: &IncomingRequest) -> bool {
    let path = request.path_with_query().unwrap_or_default();
    let query = path.split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|pair| pair == "fail=1") || request.headers().get("x-fail").iter().any(|value| value == b"1")
}

/// The reply for `cart`, as JSON.
fn priced(cart: &Cart) -> String {
    let quote = pricing::quote(cart);
    let order_id = json::quoted(&cart.order_id);
    let total = quote.subtotal_cents - quote.discount_cents;
    reply::log(
        "info",
        "order priced",
        &[("order_id", order_id.clone()), ("total_cents", total.to_string()), ("risk", quote.risk.to_string())],
    );
    if quote.risk >= 95 {
        reply::log("warn", "order looks risky", &[("order_id", order_id.clone()), ("risk", quote.risk.to_string())]);
    }
    format!(
        "{{\"order_id\":{order_id},\"pieces\":{},\"subtotal_cents\":{},\"discount_cents\":{},\"total_cents\":{total},\
         \"average_cents\":{},\"risk\":{}}}",
        quote.pieces, quote.subtotal_cents, quote.discount_cents, quote.average_cents, quote.risk
    )
}

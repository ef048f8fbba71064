//! notify: renders a message to a customer from a template and an event. wasi:http component in Rust.
//!
//! Request: POST `{"template":"order-shipped","to":"ada@example.com","event":{"customer":"Ada","order":"A-1001",`
//!          `"parcel":"00340"}}`.
//! Reply:   `{"to":"ada@example.com","subject":"Your order A-1001 is on its way","text":"Hello Ada,..."}`.
//!          An unknown template, or an event without a field that the template shows, gives 422 and `{"error":"..."}`;
//!          a request that is not understood 400.
//!
//! The template `newsletter` contains itself by way of another one, so rendering it never ends and traps: a bug that is
//! left in so that there are errors to see.
//! `wait_ms` in the query waits so long. One JSON line goes to stderr, which is the function's log.

mod template;

use kit::http::{Reply, Request};
use kit::json::{self, Value};
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

struct Notify;

wasip2::http::proxy::export!(Notify);

impl Guest for Notify {
    fn handle(request: IncomingRequest, response: ResponseOutparam) {
        kit::http::serve(request, response, answer);
    }
}

struct Order {
    template: String,
    to: String,
    event: Value,
}

impl Order {
    fn parse(text: &str) -> Result<Order, String> {
        let Value::Object(fields) = json::parse(text)? else {
            return Err("not an object".to_string());
        };
        let mut order = Order { template: String::new(), to: String::new(), event: Value::Null };
        for (name, value) in fields {
            match (name.as_str(), value) {
                ("template", Value::Text(text)) => order.template = text,
                ("to", Value::Text(text)) => order.to = text,
                ("event", value @ Value::Object(_)) => order.event = value,
                _ => return Err(format!("{name} is not known, or not of its type")),
            }
        }
        if order.to.is_empty() {
            return Err("to is missing".to_string());
        }
        Ok(order)
    }
}

fn answer(request: &Request) -> Reply {
    let order = match Order::parse(&request.body) {
        Ok(order) => order,
        Err(reason) => return Reply::refused(400, &reason),
    };
    let mut message = String::new();
    if let Err(reason) = template::render(&order.template, &order.event, &mut message) {
        return Reply::refused(422, &reason);
    }
    // The first line of each template is the subject.
    let (subject, text) = message.split_once('\n').unwrap_or((&message, ""));
    let template = json::quoted(&order.template);
    kit::log("info", "message rendered", &[("template", template), ("bytes", message.len().to_string())]);
    Reply::ok(json::object(&[
        ("to", json::quoted(&order.to)),
        ("subject", json::quoted(subject)),
        ("text", json::quoted(text.trim())),
    ]))
}

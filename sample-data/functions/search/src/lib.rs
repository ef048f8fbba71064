//! search: finds products by words, misspelt ones too. wasi:http component in Rust.
//!
//! Request: POST `{"query":"porcelaine mug","page":1,"page_size":3}`; pages count from 1. Both numbers may be left out.
//! Reply:   `{"found":160,"products":[{"sku":"MUG-02-WHITE-S","name":"Porcelain mug with lid, white, small",`
//!          `"cents":1590},...]}`, the best first. A request that is not understood gives 400 and `{"error":"..."}`.
//!
//! - The index is built before the first call, when the environment starts: that is what a cold start costs here.
//! - A page behind the last one makes it panic: a bug that is left in so that there are errors to see.
//! - `wait_ms` in the query waits so long. One JSON line for a call goes to stderr, which is the function's log, and
//!   one for the index.

mod catalogue;
mod index;

use kit::http::{Reply, Request};
use kit::json;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use catalogue::Product;

const MAX_PAGE_SIZE: u64 = 100;

struct Search;

wasip2::http::proxy::export!(Search);

impl Guest for Search {
    fn handle(request: IncomingRequest, response: ResponseOutparam) {
        kit::http::serve(request, response, answer);
    }
}

/// Called once, when the environment starts and before any request.
#[no_mangle]
extern "C" fn _initialize() {
    index::get();
}

struct Query {
    words: Vec<String>,
    page: usize,
    page_size: usize,
}

impl Query {
    fn parse(text: &str) -> Result<Query, String> {
        let value = json::parse(text)?;
        let words: Vec<String> = index::words(&value.text("query")?).collect();
        let page = value.number_or("page", 1)?;
        let page_size = value.number_or("page_size", 10)?;
        if words.is_empty() || page == 0 || !(1..=MAX_PAGE_SIZE).contains(&page_size) {
            return Err(format!("query needs a word, page counts from 1, page_size is 1 to {MAX_PAGE_SIZE}"));
        }
        Ok(Query { words, page: usize::try_from(page).map_err(|_| "page is too high")?, page_size: page_size as usize })
    }
}

fn answer(request: &Request) -> Reply {
    let query = match Query::parse(&request.body) {
        Ok(query) => query,
        Err(reason) => return Reply::refused(400, &reason),
    };
    let found = index::get().find(&query.words);
    let (level, message) = if found.is_empty() { ("warn", "nothing found") } else { ("info", "products found") };
    let words = json::quoted(&query.words.join(" "));
    kit::log(level, message, &[("query", words), ("found", found.len().to_string())]);
    // Past the end of `found` where the page is: see the top of this file.
    let page = &found[(query.page - 1) * query.page_size..];
    let products: Vec<String> = page.iter().take(query.page_size).map(|product| as_json(product)).collect();
    Reply::ok(format!("{{\"found\":{},\"products\":[{}]}}", found.len(), products.join(",")))
}

fn as_json(product: &Product) -> String {
    json::object(&[
        ("sku", json::quoted(&product.sku)),
        ("name", json::quoted(&product.name)),
        ("cents", product.cents.to_string()),
    ])
}

//! One attempt as its page shows it: how it ended and why, who it was, what it used.

use serde::Serialize;

use crate::units::Timestamp;
use crate::web::pages::format::{self, NONE};
use crate::web::pages::phases;
use crate::web::pages::range::{self, Pair};
use crate::web::pages::row::{Row, int, map, number, text, text_or_none};
use crate::web::state::AppState;

use super::cost::Cost;
use super::waterfall::{self, Waterfall};

/// How far around an attempt others like it are looked for.
const AROUND: std::time::Duration = std::time::Duration::from_secs(43_200);

#[derive(Serialize)]
pub(super) struct Attempt {
    number: i64,
    function: String,
    function_href: String,
    version: String,
    started_at: String,
    /// The same, RFC 3339.
    at: String,
    outcome: String,
    /// What that means, in a sentence.
    meaning: String,
    error_type: String,
    error_message: String,
    alike: Option<Alike>,
    start: &'static str,
    tiles: Vec<Tile>,
    facts: Vec<Fact>,
    tags: Vec<(String, String)>,
    waterfall: Waterfall,
    cost: Cost,
}

/// Others that ended like this one.
#[derive(Serialize)]
struct Alike {
    href: String,
    group_href: String,
}

#[derive(Serialize)]
struct Tile {
    name: &'static str,
    value: String,
    note: String,
}

#[derive(Serialize)]
struct Fact {
    name: &'static str,
    value: String,
    /// Ids are shown in even letters.
    is_id: bool,
}

/// What an attempt is shown with.
pub(super) struct Context<'a> {
    pub(super) state: &'a AppState,
    /// Of the traces of all attempts.
    pub(super) spans: &'a [Row],
    pub(super) spans_error: Option<&'a str>,
    /// What links keep.
    pub(super) zone: &'a [Pair],
}

impl Attempt {
    pub(super) fn of(row: &Row, context: &Context<'_>) -> Self {
        let function = text(row, "function");
        let started_at = text(row, "started_at");
        let cost = Cost::of(row, context.state);
        Self {
            number: int(row, "attempt"),
            function: function.to_owned(),
            function_href: range::href(&format!("/functions/{}", range::segment(function)), &around(row, context.zone)),
            version: text(row, "version").to_owned(),
            started_at: started_at.replace('T', " ").trim_end_matches('Z').to_owned(),
            at: started_at.to_owned(),
            outcome: text(row, "outcome").to_owned(),
            meaning: meaning(row),
            error_type: text(row, "error_type").to_owned(),
            error_message: text(row, "error_message").to_owned(),
            alike: alike(row, context.zone),
            start: phases::start(row),
            tiles: tiles(row, &cost),
            facts: facts(row),
            tags: map(row, "tags"),
            waterfall: waterfall::of(row, context.spans, context.spans_error, context.zone),
            cost,
        }
    }
}

/// The range of half a day before and after, and what links keep.
fn around(row: &Row, zone: &[Pair]) -> Vec<Pair> {
    let Some(began) = Timestamp::parse_rfc3339(text(row, "started_at")) else { return Vec::new() };
    let range = [("from", began.minus(AROUND).to_string()), ("to", began.plus(AROUND).to_string())];
    range.into_iter().chain(zone.iter().cloned()).collect()
}

fn alike(row: &Row, zone: &[Pair]) -> Option<Alike> {
    let group = ("fingerprint", text(row, "fingerprint").to_owned());
    if group.1.is_empty() {
        return None;
    }
    let function = ("fn", text(row, "function").to_owned());
    let outcome = ("outcome", text(row, "outcome").to_owned());
    let range = around(row, zone);
    Some(Alike {
        href: range::href("/invocations", range.iter().chain([&outcome, &group])),
        group_href: range::href("/errors", range.iter().chain([&function])),
    })
}

fn meaning(row: &Row) -> String {
    match text(row, "outcome") {
        "ok" => "The function answered.",
        "error" => "The function failed.",
        "timeout" => "The function ran into its time limit and was stopped.",
        "out_of_memory" => "The function wanted more memory than its limit.",
        "platform_error" => {
            "Faremeter failed to run the function: this is not billed and counts as no error of the function."
        }
        "throttled" => match text(row, "throttle_reason") {
            "function-concurrency" => "The function's reserved concurrency was in use: nothing ran.",
            "tenant-concurrency" => "The tenant's calls at once were at their limit: nothing ran.",
            "account-concurrency" => "The account's calls at once were at their limit: nothing ran.",
            "rate" => "More calls a second came than are admitted: nothing ran.",
            "budget" => "A budget is used up: nothing ran.",
            _ => "A limit turned the call away: nothing ran.",
        },
        _ => "",
    }
    .to_owned()
}

fn tiles(row: &Row, cost: &Cost) -> Vec<Tile> {
    let none = || NONE.to_owned();
    let known = |column: &str, write: &dyn Fn(i64) -> String| {
        number(row, column).filter(|_| phases::has_run(row)).map_or_else(none, write)
    };
    let always = |column: &str, write: &dyn Fn(i64) -> String| number(row, column).map_or_else(none, write);
    let used = match (number(row, "peak_memory_bytes"), number(row, "memory_mb")) {
        (Some(peak), Some(limit)) => format::share(peak, limit.saturating_mul(1 << 20)),
        _ => none(),
    };
    vec![
        Tile {
            name: "Felt by the caller",
            value: phases::felt_text(row),
            note: format!("handler {}", known("duration_ns", &format::duration)),
        },
        Tile {
            name: "Billed",
            value: known("billed_ms", &|ms| format!("{} ms", format::count(ms))),
            note: format!("CPU {}", known("cpu_ns", &format::duration)),
        },
        Tile {
            name: "Memory, peak",
            value: known("peak_memory_bytes", &format::bytes),
            note: format!("of {}, {used}", always("memory_mb", &|mb| format!("{mb} MB"))),
        },
        Tile {
            name: "Reply",
            value: always("http_status", &|status| status.to_string()),
            note: format!("{} in, {} out", always("request_bytes", &size), always("response_bytes", &size)),
        },
        Tile { name: "List cost", value: cost.total().to_owned(), note: cost.currency().to_owned() },
    ]
}

fn size(bytes: i64) -> String {
    if bytes < 1_024 { format!("{bytes} B") } else { format::bytes(bytes) }
}

fn facts(row: &Row) -> Vec<Fact> {
    let plain = |name, value: String| Fact { name, value, is_id: false };
    let id = |name, column| Fact { name, value: text_or_none(row, column), is_id: true };
    let optional = |column: &str| number(row, column);
    let mut facts = vec![
        id("Invocation", "invocation_id"),
        id("Trace", "trace_id"),
        id("Span", "span_id"),
        id("Environment", "environment_id"),
        plain("Environment started", text_or_none(row, "init_type")),
        plain("Tenant", text_or_none(row, "tenant")),
        plain("Account", text_or_none(row, "account")),
        plain("Region", text_or_none(row, "region")),
        plain("Architecture", text_or_none(row, "architecture")),
        plain("Runtime", text_or_none(row, "runtime")),
        plain("Trigger", text_or_none(row, "trigger")),
        plain("Source", text_or_none(row, "source")),
        plain(
            "Ephemeral storage",
            optional("ephemeral_storage_mb").map_or_else(|| NONE.to_owned(), |mb| format!("{mb} MB")),
        ),
    ];
    let streamed = optional("streamed_bytes").filter(|bytes| *bytes > 0);
    facts.extend(streamed.map(|bytes| plain("Streamed", size(bytes))));
    facts.extend(optional("egress_bytes").map(|bytes| plain("Sent to other hosts", size(bytes))));
    facts.extend(optional("fuel").map(|fuel| plain("Instructions", format::count(fuel))));
    facts.extend(optional("concurrency").map(|calls| plain("Calls at once", format::count(calls))));
    facts
}

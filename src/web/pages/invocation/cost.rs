//! An attempt's list cost worked out: what was metered, at which rate, and the sum, to the last digit. Where the recorded
//! amount cannot be worked out by a book of this server, it is shown as it is, and why.

use serde::Serialize;

use crate::model::{Architecture, Outcome, Usage};
use crate::trigger::{Receipt, ReceiptLine};
use crate::units::{ByteCount, Megabytes, Money};
use crate::web::pages::format::{self, NONE};
use crate::web::pages::row::{Row, int, number, text, text_or_none};
use crate::web::state::AppState;

#[derive(Serialize)]
pub(super) struct Cost {
    total: String,
    currency: String,
    price_book: String,
    lines: Vec<Line>,
    /// How the billed time came to be.
    billed: Option<String>,
    /// What a cold start's init made of it.
    init: Option<String>,
    /// What a million of these would cost.
    million: Option<String>,
    /// What is to be said of it.
    note: Option<String>,
}

#[derive(Serialize)]
struct Line {
    meter: &'static str,
    quantity: String,
    unit: &'static str,
    rate: String,
    amount: String,
}

impl Cost {
    pub(super) fn of(row: &Row, state: &AppState) -> Self {
        let recorded: Option<Money> = text(row, "list_cost").parse().ok();
        let outcome: Option<Outcome> = text(row, "outcome").parse().ok();
        let is_billed = outcome.is_some_and(Outcome::is_billed);
        let worked = is_billed.then(|| worked_out(row, state)).flatten();
        let fits = worked.as_ref().is_some_and(|receipt| Some(receipt.total) == recorded);
        let note = note(row, outcome, recorded, worked.as_ref());
        let init: Option<Money> = text(row, "init_cost").parse().ok();
        let million = recorded.filter(|cost| *cost > Money::ZERO).and_then(|cost| cost.checked_mul(1_000_000).ok());
        Self {
            total: recorded.map_or_else(|| NONE.to_owned(), |cost| cost.to_string()),
            currency: if recorded.is_some() { text(row, "currency").to_owned() } else { String::new() },
            price_book: text_or_none(row, "price_book"),
            lines: worked.filter(|_| fits).map(|receipt| receipt.lines.iter().map(line).collect()).unwrap_or_default(),
            billed: is_billed.then(|| billed(row)).flatten(),
            init: init.filter(|init| *init > Money::ZERO).map(|init| init.to_string()),
            million: million.map(|cost| cost.to_string()),
            note,
        }
    }

    pub(super) fn total(&self) -> &str {
        &self.total
    }

    pub(super) fn currency(&self) -> &str {
        &self.currency
    }
}

fn worked_out(row: &Row, state: &AppState) -> Option<Receipt> {
    let megabytes = |size: i64| u32::try_from(size).ok().map(Megabytes);
    let architecture: Architecture = text(row, "architecture").parse().ok()?;
    let usage = Usage {
        requests: 1,
        billed_ms: number(row, "billed_ms")?,
        memory: megabytes(number(row, "memory_mb")?)?,
        ephemeral_storage: megabytes(int(row, "ephemeral_storage_mb"))?,
        streamed: ByteCount(u64::try_from(int(row, "streamed_bytes")).ok()?),
        cpu_ns: number(row, "cpu_ns"),
        architecture,
    };
    state.deployer.receipt(text(row, "price_book"), text(row, "region"), &usage)
}

fn note(row: &Row, outcome: Option<Outcome>, recorded: Option<Money>, worked: Option<&Receipt>) -> Option<String> {
    let note = match (outcome, recorded, worked) {
        (Some(Outcome::Throttled), ..) => "A limit turned the call away before it ran: it costs nothing.".to_owned(),
        (Some(Outcome::PlatformError), ..) => "It failed by a fault of Faremeter's: it is not billed.".to_owned(),
        (_, None, _) if text(row, "price_book").is_empty() => {
            "It has no price: the record does not say all of billed time, memory and architecture.".to_owned()
        }
        (_, None, _) => "Its price book does not price an invocation by itself.".to_owned(),
        (_, Some(_), None) => {
            format!("The amount is as recorded: this server has no price book '{}'.", text(row, "price_book"))
        }
        (_, Some(recorded), Some(worked)) if worked.total != recorded => format!(
            "The amount is as recorded. The book's rates of this server make {} of the recorded usage.",
            worked.total
        ),
        _ => return None,
    };
    Some(note)
}

/// How the billed time follows from the phases; where it does not, as in imported records, what was given.
fn billed(row: &Row) -> Option<String> {
    let billed = number(row, "billed_ms")?;
    let (init, handler) = (int(row, "init_ns"), int(row, "duration_ns"));
    let whole = (init.saturating_add(handler)).div_euclid(1_000_000) + i64::from((init + handler) % 1_000_000 > 0);
    let memory = number(row, "memory_mb").map_or_else(|| NONE.to_owned(), |mb| format!("{} MB", format::count(mb)));
    Some(if whole.max(1) == billed && number(row, "duration_ns").is_some() {
        let ms = |nanos: i64| format!("{}.{:06} ms", format::count(nanos / 1_000_000), nanos % 1_000_000);
        let init = if init > 0 { format!("init {} + ", ms(init)) } else { String::new() };
        format!("{init}handler {}, rounded up to {} ms, at {memory}", ms(handler), format::count(billed))
    } else {
        format!("{} ms as the record gives them, at {memory}", format::count(billed))
    })
}

fn line(line: &ReceiptLine) -> Line {
    let ReceiptLine { meter, quantity, unit, rate, amount } = line;
    Line { meter, quantity: quantity.clone(), unit, rate: rate.to_string(), amount: amount.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(json: &str) -> Row {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn billed_time_is_explained() {
        let own = row(r#"{"init_ns": 20000000, "duration_ns": 133100001, "billed_ms": 154, "memory_mb": 2048}"#);
        let expected = "init 20.000000 ms + handler 133.100001 ms, rounded up to 154 ms, at 2\u{202f}048 MB";
        assert_eq!(billed(&own).as_deref(), Some(expected));
        let warm = row(r#"{"init_ns": 0, "duration_ns": 133100001, "billed_ms": 134, "memory_mb": 512}"#);
        assert_eq!(billed(&warm).as_deref(), Some("handler 133.100001 ms, rounded up to 134 ms, at 512 MB"));
        let given = row(r#"{"init_ns": 0, "duration_ns": 1000000, "billed_ms": 100, "memory_mb": 128}"#);
        assert_eq!(billed(&given).as_deref(), Some("100 ms as the record gives them, at 128 MB"));
        assert_eq!(billed(&row(r#"{"billed_ms": null}"#)), None);
    }
}

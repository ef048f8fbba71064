//! The page at `/settings`: what the server is set to and where that is changed, how full its tables are, and the price
//! books as they are. Nothing is changed here.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::Uri;
use serde::Serialize;

use crate::units::{Money, nanos};
use crate::web::error::Problem;
use crate::web::panel::window::read_zone;
use crate::web::params::QueryString;
use crate::web::settings::{Setting, Value};
use crate::web::state::AppState;

use super::format;

const PATH: &str = "/settings";

#[derive(Serialize)]
struct Page {
    sections: Vec<Section>,
    tables: Vec<Table>,
    disk: Disk,
    editions: Vec<Edition>,
    books_error: Option<String>,
}

#[derive(Serialize)]
struct Section {
    title: &'static str,
    settings: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    title: String,
    value: String,
    keys: &'static [&'static str],
}

#[derive(Serialize)]
struct Table {
    name: &'static str,
    rows: String,
    files: String,
    bytes: String,
    kept: String,
}

#[derive(Serialize)]
struct Disk {
    used: String,
    free: String,
    shortage: Option<String>,
}

/// An edition of a book: rates of all regions, and of those that have their own.
#[derive(Serialize)]
struct Edition {
    price_book: String,
    effective: String,
    currency: String,
    free_storage: String,
    rates: Vec<Rates>,
}

#[derive(Serialize)]
struct Rates {
    region: String,
    request: String,
    x86_64: String,
    arm64: String,
    clock: String,
    cpu: String,
    storage: String,
}

/// The settings
#[utoipa::path(get, path = "/settings", tag = "pages", responses((status = 200, description = "An HTML page", content_type = "text/html", body = String)))]
pub(in crate::web) async fn settings(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Response, Problem> {
    let mut query = QueryString::of(&uri);
    // It shows no times, and hands the zone on.
    read_zone(&mut query)?;
    query.finish()?;
    let sections = state
        .settings
        .sections
        .iter()
        .map(|section| Section { title: section.title, settings: section.settings.iter().map(shown).collect() });
    let (editions, books_error) = match editions(&state) {
        Ok(editions) => (editions, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let status = state.store.status();
    let page = Page {
        sections: sections.collect(),
        tables: tables(&state),
        disk: Disk {
            used: size(status.disk.used_bytes),
            free: size(status.disk.free_bytes),
            shortage: status.disk.shortage(),
        },
        editions,
        books_error,
    };
    state.pages.render(&state, "settings.html", PATH, &page)
}

fn tables(state: &AppState) -> Vec<Table> {
    let status = state.store.status();
    let count = |count: u64| format::count(i64::try_from(count).unwrap_or(i64::MAX));
    let named = state.settings.retention_days.iter().zip(status.tables);
    let table = named.map(|((name, days), table)| Table {
        name,
        rows: count(table.rows),
        files: count(table.files),
        bytes: size(table.bytes),
        kept: format!("{days} days"),
    });
    table.collect()
}

/// A setting with its unit, in words.
pub(super) fn in_words(setting: &Setting) -> String {
    shown(setting).value
}

fn shown(setting: &Setting) -> Shown {
    let value = match &setting.value {
        Value::Text(text) => text.clone(),
        Value::Count(count) => format::count(i64::try_from(*count).unwrap_or(i64::MAX)),
        Value::PerSecond(Some(rate)) => format!("{}/s", format::count(i64::from(*rate))),
        Value::AtOnce(Some(calls)) => format!("{} at once", format::count(i64::from(*calls))),
        Value::Bytes(Some(bytes)) => size(*bytes),
        Value::PerSecond(None) | Value::AtOnce(None) | Value::Bytes(None) => "no limit".to_owned(),
        Value::Length(length) => format::duration(nanos(*length)),
        Value::Days(days) => format!("{days} days"),
    };
    Shown { title: setting.title.clone(), value, keys: setting.keys }
}

/// Bytes in the largest unit of 1,024 that leaves a whole part.
fn size(bytes: u64) -> String {
    const GB: u64 = 1 << 30;
    if bytes < GB {
        return format::bytes(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
    let tenths = bytes / (GB / 10);
    format!("{}.{} GB", tenths / 10, tenths % 10)
}

/// The books' editions, rates of all regions first.
fn editions(state: &AppState) -> Result<Vec<Edition>, String> {
    let mut editions: Vec<Edition> = Vec::new();
    for rates in state.deployer.rates().map_err(|error| error.to_string())? {
        // A book that does not bill a meter has no rate of it.
        let shown = |rate: Money| if rate == Money::ZERO { "—".to_owned() } else { rate.to_string() };
        let row = Rates {
            region: rates.region.clone().unwrap_or_else(|| "all others".to_owned()),
            request: shown(rates.request),
            x86_64: shown(rates.duration_x86_64),
            arm64: shown(rates.duration_arm64),
            clock: shown(rates.clock),
            cpu: shown(rates.cpu),
            storage: shown(rates.ephemeral_storage),
        };
        match editions.last_mut() {
            Some(edition) if edition.price_book == rates.price_book => edition.rates.push(row),
            _ => editions.push(Edition {
                price_book: rates.price_book,
                effective: rates.effective,
                currency: rates.currency.to_string(),
                free_storage: format!("{} MB", rates.free_ephemeral_storage_mb),
                rates: vec![row],
            }),
        }
    }
    Ok(editions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_units() {
        let text = |value: Value| shown(&Setting { title: String::new(), value, keys: &[] }).value;
        assert_eq!(text(Value::Bytes(Some(512 << 20))), "512 MB");
        assert_eq!(text(Value::Bytes(Some(3 << 29))), "1.5 GB");
        assert_eq!(text(Value::Bytes(None)), "no limit");
        assert_eq!(text(Value::PerSecond(Some(2_000))), "2\u{202f}000/s");
        assert_eq!(text(Value::Length(std::time::Duration::from_millis(20))), "20 ms");
        assert_eq!(text(Value::Days(400)), "400 days");
    }
}

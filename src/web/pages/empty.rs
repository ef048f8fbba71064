//! Why a page of telemetry shows nothing: nothing came yet, it is no longer kept, or the filters let nothing through.

use http::HeaderMap;
use http::header::HOST;
use serde::Serialize;

use crate::query::Params;
use crate::units::Timestamp;
use crate::web::panel::window::Window;
use crate::web::rows::text;
use crate::web::state::AppState;

const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// What `empty.html` says.
#[derive(Serialize)]
pub(super) struct Empty {
    /// `first`, `outside`, `filtered` or `none`
    why: &'static str,
    /// The first day that is kept, and for how many.
    since: Option<Since>,
    /// Where this server is reached.
    server: String,
}

/// From when on the rows of a table are kept.
#[derive(Serialize)]
pub(super) struct Since {
    table: &'static str,
    /// `2026-03-01`
    day: String,
    days: u32,
    #[serde(skip)]
    begin: Timestamp,
}

impl Empty {
    /// Why there is nothing of this table, or of another that would do, in the range.
    pub(super) async fn of(
        state: &AppState,
        headers: &HeaderMap,
        window: &Window,
        tables: &[&'static str],
        is_filtered: bool,
    ) -> Self {
        let since = since(state, window, tables);
        let is_outside = since.as_ref().is_some_and(|since| window.to <= since.begin);
        let why = match (is_outside, is_filtered) {
            (true, _) => "outside",
            _ if !seen(state, tables).await => "first",
            (_, true) => "filtered",
            _ => "none",
        };
        let server = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost").to_owned();
        Self { why, since, server }
    }
}

impl Empty {
    /// Whether the range is no longer kept.
    pub(super) fn is_outside(&self) -> bool {
        self.why == "outside"
    }
}

/// From when on the table that is kept longest of these is kept.
pub(super) fn since(state: &AppState, window: &Window, tables: &[&'static str]) -> Option<Since> {
    let tenant = &window.url.filters.tenant;
    let kept = tables.iter().filter_map(|table| Some((state.settings.kept_days_of(tenant, table)?, *table)));
    let (days, table) = kept.max()?;
    let begin = state.clock.now().minus(DAY * days);
    let day = begin.to_string().get(..10)?.to_owned();
    Some(Since { table, begin: Timestamp::parse_rfc3339(&format!("{day}T00:00:00Z"))?, day, days })
}

/// That the range begins before the first day that is kept.
pub(super) fn cut(state: &AppState, window: &Window, tables: &[&'static str]) -> Option<String> {
    let since = since(state, window, tables).filter(|since| window.from < since.begin)?;
    Some(format!("{} are kept for {} days: since {}.", since.table, since.days, since.day))
}

/// Whether any of the tables has a row; where that cannot be read, yes.
async fn seen(state: &AppState, tables: &[&'static str]) -> bool {
    match state.query.named("telemetry_seen", &Params::new()).await.and_then(|found| crate::query::format::rows(&found))
    {
        Ok(rows) => rows.iter().any(|row| tables.contains(&text(row, "kind"))),
        Err(_) => true,
    }
}

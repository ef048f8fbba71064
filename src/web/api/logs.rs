//! A function's log records, by page or followed.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::Uri;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::query::{Param, Params, format};
use crate::trigger;
use crate::units::{Timestamp, parse_duration};

use super::ProblemBody;
use crate::web::call::FunctionName;
use crate::web::error::Problem;
use crate::web::params::QueryString;
use crate::web::state::AppState;

/// The column that says how far a follower has read.
const CURSOR: &str = "ingested_at";

/// A page of log records.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct LogPage {
    /// Records in the order that they arrived, newest last: `time`, `severity_text`, `severity_number`, `body`,
    /// `attributes`, `scope_name`, `invocation_id`, `trace_id`, `version`, ...
    #[schema(value_type = Vec<Object>)]
    items: Vec<Map<String, Value>>,
    /// Given as `after` it asks for what arrived since, at once or later; null when there is nothing.
    next_cursor: Option<String>,
}

/// Reads a function's log
///
/// To follow it, ask again with `after` set to the last `next_cursor` that was not null: no record is left out or
/// repeated. The name need not be that of a function that still exists.
#[utoipa::path(
    get,
    operation_id = "read_logs",
    path = "/api/v1/functions/{name}/logs",
    tag = "telemetry",
    params(
        ("name" = String, Path, description = "The function's name"),
        ("since" = Option<String>, Query, description = "How far back, such as 10m (1h)"),
        ("limit" = Option<u32>, Query, description = "Records in a page, 1 to 1000 (1000), and the rest of those that arrived in the same moment"),
        ("after" = Option<String>, Query, description = "`next_cursor` of the page before; `cursor` means the same"),
    ),
    responses(
        (status = 200, description = "The records", body = LogPage),
        (status = 400, description = "A parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such function, nor a record of one", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn logs(
    State(state): State<Arc<AppState>>,
    FunctionName(name): FunctionName,
    uri: Uri,
) -> Result<Json<LogPage>, Problem> {
    let mut query = QueryString::of(&uri);
    let since = query.read_with("since", parse_duration)?.unwrap_or(Duration::from_secs(3_600));
    let limit = query.limit(1_000)?;
    let after = query.text("after")?.or(query.text("cursor")?);
    query.finish()?;
    let after = match after {
        Some(text) if Timestamp::parse_rfc3339(&text).is_some() => Param::Text(text),
        Some(text) => return Err(Problem::invalid(format!("after={text}: no page gave this cursor"))),
        None => Param::Null,
    };
    let first_page = after == Param::Null;
    let params = Params::from([
        ("function".to_owned(), Param::Text(name.clone())),
        ("from".to_owned(), Param::Text(state.clock.now().minus(since).to_string())),
        ("after_ingested".to_owned(), after),
        ("limit".to_owned(), Param::Int(i64::try_from(limit).unwrap_or(i64::MAX))),
    ]);
    let items = format::rows(&state.query.named("function_logs", &params).await?)?;
    if items.is_empty() && first_page && state.deployer.get(&name).is_none() {
        return Err(trigger::Error::NotFound(name).into());
    }
    let cursor = items.last().and_then(|row| row.get(CURSOR)).and_then(Value::as_str);
    let next_cursor = cursor.map(str::to_owned);
    Ok(Json(LogPage { items, next_cursor }))
}

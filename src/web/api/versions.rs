//! Lists a function's versions and chooses which of them calls run.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use http::Uri;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::trigger;

use super::functions::{FunctionItem, PAGE};
use super::{ProblemBody, page};
use crate::web::body;
use crate::web::call::FunctionName;
use crate::web::error::Problem;
use crate::web::params::QueryString;
use crate::web::state::AppState;

/// Bytes of a choice's body, at most.
const MAX_CHOICE_BYTES: u64 = 4 << 10;

/// A page of versions.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct VersionPage {
    /// The newest first; each item is about the version that it names.
    items: Vec<FunctionItem>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// Lists a function's versions
///
/// Each can be called at its `url`, whether it is the active one or not. What a function had before it was removed is
/// not among them.
#[utoipa::path(
    get,
    operation_id = "list_versions",
    path = "/api/v1/functions/{name}/versions",
    tag = "functions",
    params(
        ("name" = String, Path, description = "The function's name"),
        ("limit" = Option<u32>, Query, description = "Versions in a page, 1 to 1000 (100)"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses(
        (status = 200, description = "A page of versions, the newest first", body = VersionPage),
        (status = 400, description = "A parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such function", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn list(
    State(state): State<Arc<AppState>>,
    FunctionName(name): FunctionName,
    uri: Uri,
) -> Result<Json<VersionPage>, Problem> {
    let mut query = QueryString::of(&uri);
    let limit = query.limit(PAGE)?;
    let unknown = |_| "no list gave this cursor";
    let before = query.read_with("cursor", |text| text.parse::<u32>().map_err(unknown))?;
    query.finish()?;
    let versions = state.deployer.versions(&name, before, limit + 1).await?;
    let function = state.deployer.get(&name).ok_or(trigger::Error::NotFound(name))?;
    let (versions, next_cursor) = page(versions, limit, |version| version.version.to_string());
    let active = function.active.map(|active| active.version);
    let items = versions.iter().map(|version| FunctionItem::of_version(&state, version, active)).collect();
    Ok(Json(VersionPage { items, next_cursor }))
}

/// Which version calls are to run.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Choice {
    /// Its number.
    #[schema(example = 1)]
    version: u32,
}

/// Chooses the version that calls run
///
/// It stays so, over restarts too, until another one is chosen or a later deployment has compiled.
#[utoipa::path(
    put,
    operation_id = "choose_version",
    path = "/api/v1/functions/{name}/active",
    tag = "functions",
    params(("name" = String, Path, description = "The function's name")),
    request_body(content = Choice, content_type = "application/json"),
    responses(
        (status = 200, description = "Calls run it from now on", body = FunctionItem),
        (status = 400, description = "The body is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such function or version", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The version cannot run: it failed to deploy or is still being compiled", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn choose(
    State(state): State<Arc<AppState>>,
    FunctionName(name): FunctionName,
    request: Request,
) -> Result<Json<FunctionItem>, Problem> {
    let (parts, body) = request.into_parts();
    QueryString::of(&parts.uri).finish()?;
    let choice: Choice = body::take_json(&state, &parts.headers, body, MAX_CHOICE_BYTES).await?;
    state.deployer.activate(&name, choice.version).await?;
    let function = state.deployer.get(&name).ok_or(trigger::Error::NotFound(name))?;
    Ok(Json(FunctionItem::of(&state, &function)))
}

//! Lists, shows and removes functions. Deploying is `deploy`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::{StatusCode, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use crate::catalog::Function;
use crate::model::{FunctionVersion, VersionState, check_name};
use crate::trigger;

use super::{ProblemBody, page};
use crate::web::call::FunctionName;
use crate::web::error::Problem;
use crate::web::params::QueryString;
use crate::web::state::AppState;

/// Functions in a page where the request does not say.
pub(super) const PAGE: usize = 100;

/// A version of a function, in lists of functions the newest, and which version calls run.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct FunctionItem {
    /// Its name.
    name: String,
    /// The version that what follows is about.
    version: u32,
    /// `pending`, `active` or `failed`.
    #[schema(example = "active")]
    state: &'static str,
    /// Why it failed; null when it did not.
    reason: Option<String>,
    /// The version that calls run; null when none can.
    active_version: Option<u32>,
    /// Whom it belongs to.
    tenant: String,
    /// Memory limit in MB of 2^20 bytes.
    memory_mb: u32,
    /// Wall-clock limit.
    timeout_ms: u64,
    /// Names of its environment variables. Their values may be secret and are not shown.
    env_names: Vec<String>,
    /// Cost allocation tags.
    tags: BTreeMap<String, String>,
    /// `x86_64` or `arm64`.
    #[schema(example = "x86_64")]
    architecture: &'static str,
    /// Ephemeral storage in MB of 2^20 bytes.
    ephemeral_storage_mb: u32,
    /// Calls at once, at most; null where it has no limit of its own.
    reserved_concurrency: Option<u32>,
    /// Environments that are started ahead of calls and kept.
    provisioned_concurrency: u32,
    /// Environments that are started ahead of calls by now, for the version that calls run.
    provisioned_ready: u32,
    /// Calls a second, at most; null where it has no limit of its own.
    rate_per_s: Option<u32>,
    /// Whether each environment serves one call only.
    single_use: bool,
    /// Whether the guest's instructions are counted.
    fuel: bool,
    /// Hosts that it may call.
    allowed_hosts: BTreeSet<String>,
    /// The price book that its calls are priced by.
    price_book: String,
    /// SHA-256 of the module's binary form.
    sha256: String,
    /// RFC 3339.
    deployed_at: String,
    /// Where it is called, relative to this server.
    #[schema(example = "/fn/shop")]
    url: String,
}

impl FunctionItem {
    /// A version, where `active_version` is what calls run.
    pub(in crate::web) fn new(version: &FunctionVersion, active_version: Option<u32>) -> Self {
        let FunctionVersion { spec, version, sha256, state, deployed_at } = version;
        Self {
            name: spec.name.clone(),
            version: *version,
            state: state.as_str(),
            reason: if let VersionState::Failed(reason) = state { Some(reason.clone()) } else { None },
            active_version,
            tenant: spec.tenant.clone(),
            memory_mb: spec.memory.0,
            timeout_ms: u64::try_from(spec.timeout.as_millis()).unwrap_or(u64::MAX),
            env_names: spec.env.keys().cloned().collect(),
            tags: spec.tags.clone(),
            architecture: spec.architecture.as_str(),
            ephemeral_storage_mb: spec.ephemeral_storage.0,
            reserved_concurrency: spec.reserved_concurrency,
            provisioned_concurrency: spec.provisioned_concurrency,
            provisioned_ready: 0,
            rate_per_s: spec.rate_per_s,
            single_use: spec.single_use,
            fuel: spec.fuel,
            allowed_hosts: spec.allowed_hosts.clone(),
            price_book: spec.price_book.clone(),
            sha256: sha256.clone(),
            deployed_at: deployed_at.to_string(),
            url: format!("/fn/{}", spec.name),
        }
    }

    /// A function as it is now.
    pub(super) fn of(state: &AppState, function: &Function) -> Self {
        let item = Self::new(&function.latest, function.active.as_ref().map(|active| active.version));
        Self { provisioned_ready: provisioned_ready(state, &function.latest.spec.name), ..item }
    }

    /// One version of many: it is called at a URL of its own.
    pub(super) fn of_version(state: &AppState, version: &FunctionVersion, active_version: Option<u32>) -> Self {
        let name = &version.spec.name;
        let is_active = active_version == Some(version.version);
        let provisioned_ready = if is_active { provisioned_ready(state, name) } else { 0 };
        let url = format!("/fn/{name}@{}", version.version);
        Self { url, provisioned_ready, ..Self::new(version, active_version) }
    }
}

fn provisioned_ready(state: &AppState, function: &str) -> u32 {
    state.runtime.provisioned(function).map_or(0, |provisioned| provisioned.ready)
}

/// A page of functions.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct FunctionPage {
    /// By name.
    items: Vec<FunctionItem>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// Lists functions
#[utoipa::path(
    get,
    operation_id = "list_functions",
    path = "/api/v1/functions",
    tag = "functions",
    params(
        ("limit" = Option<u32>, Query, description = "Functions in a page, 1 to 1000 (100)"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses(
        (status = 200, description = "A page of functions, by name", body = FunctionPage),
        (status = 400, description = "A parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn list(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Json<FunctionPage>, Problem> {
    let mut query = QueryString::of(&uri);
    let limit = query.limit(PAGE)?;
    let cursor = query.text("cursor")?;
    query.finish()?;
    if let Some(cursor) = &cursor {
        check_name(cursor, "function")
            .map_err(|_| Problem::invalid(format!("cursor={cursor}: no list gave this cursor")))?;
    }
    let functions = state.deployer.list(cursor.as_deref(), limit + 1);
    let (functions, next_cursor) = page(functions, limit, |function| function.latest.spec.name.clone());
    let items = functions.iter().map(|function| FunctionItem::of(&state, function)).collect();
    Ok(Json(FunctionPage { items, next_cursor }))
}

/// Shows a function
#[utoipa::path(
    get,
    operation_id = "get_function",
    path = "/api/v1/functions/{name}",
    tag = "functions",
    params(("name" = String, Path, description = "The function's name")),
    responses(
        (status = 200, description = "The function", body = FunctionItem),
        (status = 404, description = "There is no such function", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn get(
    State(state): State<Arc<AppState>>,
    FunctionName(name): FunctionName,
) -> Result<Json<FunctionItem>, Problem> {
    let function = state.deployer.get(&name).ok_or(trigger::Error::NotFound(name))?;
    Ok(Json(FunctionItem::of(&state, &function)))
}

/// Removes a function
///
/// Calls that run go on to their end; what was recorded stays. Deployed again, its version numbers go on.
#[utoipa::path(
    delete,
    operation_id = "remove_function",
    path = "/api/v1/functions/{name}",
    tag = "functions",
    params(("name" = String, Path, description = "The function's name")),
    responses(
        (status = 204, description = "It is removed"),
        (status = 404, description = "There is no such function", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn remove(
    State(state): State<Arc<AppState>>,
    FunctionName(name): FunctionName,
) -> Result<StatusCode, Problem> {
    state.deployer.remove(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Takes deployments: the module is the body, its settings are the query string.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode, Uri};

use crate::model::FunctionSpec;
use crate::units::{Megabytes, parse_duration};

use super::ProblemBody;
use super::functions::FunctionItem;
use crate::web::body::{self, media_type, unsupported};
use crate::web::error::Problem;
use crate::web::params::QueryString;
use crate::web::state::AppState;

/// What an upload may say that it is. What it is, is seen from its bytes.
const MEDIA_TYPES: [&str; 4] = ["application/wasm", "application/octet-stream", "text/plain", "text/wat"];

/// Deploys a function
///
/// The body is the module or component, binary or as WebAssembly text. The function, or its next version, is recorded
/// when this returns; it can be called once it was compiled and its state is `active`.
#[utoipa::path(
    post,
    operation_id = "deploy_function",
    path = "/api/v1/functions",
    tag = "functions",
    params(
        ("name" = String, Query, description = "The function's name"),
        ("memory_mb" = Option<u32>, Query, description = "Memory limit, 1 to 4096 MB of 2^20 bytes (128)"),
        ("timeout" = Option<String>, Query, description = "Wall-clock limit, such as 500ms or 3s (3s)"),
        ("env" = Option<Vec<String>>, Query, description = "An environment variable, NAME=VALUE; repeatable"),
        ("tag" = Option<Vec<String>>, Query, description = "A cost allocation tag, KEY=VALUE; repeatable"),
        ("tenant" = Option<String>, Query, description = "Whom it belongs to (default)"),
        ("architecture" = Option<String>, Query, description = "What it is billed as: x86_64 or arm64 (x86_64)"),
        ("ephemeral_storage_mb" = Option<u32>, Query, description = "Ephemeral storage, 512 to 10240 MB (512)"),
        ("reserved_concurrency" = Option<u32>, Query, description = "Calls at once, at most (no limit of its own)"),
        ("provisioned_concurrency" = Option<u32>, Query, description = "Environments started ahead of calls and kept (0)"),
        ("rate_per_s" = Option<u32>, Query, description = "Calls a second, at most, with a burst of one second's worth (no limit of its own)"),
        ("single_use" = Option<bool>, Query, description = "Whether each environment serves one call only (false)"),
        ("fuel" = Option<bool>, Query, description = "Whether the guest's instructions are counted: repeatable figures, slower calls (false)"),
        ("allow_host" = Option<Vec<String>>, Query, description = "A host that it may call, host or host:port; repeatable (none)"),
        ("price_book" = Option<String>, Query, description = "What its calls are priced by (aws-lambda)"),
    ),
    request_body(content = Vec<u8>, content_type = "application/wasm", description = "The module, at most 64 MiB; also application/octet-stream or text/plain"),
    responses(
        (status = 202, description = "Recorded, and being compiled", body = FunctionItem, headers(
            ("location" = String, description = "Where the function's state is seen"),
        )),
        (status = 400, description = "A setting is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "No more functions fit", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The upload is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The upload is said to be something else", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The upload is not a function", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn deploy(State(state): State<Arc<AppState>>, request: Request) -> Result<Response, Problem> {
    let (parts, upload) = request.into_parts();
    let spec = spec(&parts.uri)?;
    spec.check().map_err(|error| Problem::invalid(error.to_string()))?;
    if let Some(given) = media_type(&parts.headers).filter(|given| !MEDIA_TYPES.contains(&given.as_str())) {
        return Err(unsupported(Some(&given), "application/wasm, or text/plain for WebAssembly text"));
    }
    let held = body::take(&state, upload, state.config.max_deploy_bytes).await?;
    if held.bytes.is_empty() {
        return Err(Problem::invalid("the body is empty: send the module"));
    }
    let version = state.deployer.deploy(spec, held.bytes.clone()).await?;
    let active = state.deployer.get(&version.spec.name).and_then(|function| function.active);
    let item = FunctionItem::new(&version, active.map(|active| active.version));
    let mut response = (StatusCode::ACCEPTED, Json(item)).into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/functions/{}", version.spec.name)) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

fn spec(uri: &Uri) -> Result<FunctionSpec, Problem> {
    let mut query = QueryString::of(uri);
    let name = query.text("name")?;
    let defaults = FunctionSpec::new(name.clone().unwrap_or_default());
    let spec = FunctionSpec {
        name: defaults.name,
        tenant: query.text("tenant")?.unwrap_or(defaults.tenant),
        memory: query.read("memory_mb")?.map_or(defaults.memory, Megabytes),
        timeout: query.read_with("timeout", parse_duration)?.unwrap_or(defaults.timeout),
        env: query.pairs("env")?.into_iter().collect(),
        tags: query.pairs("tag")?.into_iter().collect(),
        architecture: query.read("architecture")?.unwrap_or(defaults.architecture),
        ephemeral_storage: query.read("ephemeral_storage_mb")?.map_or(defaults.ephemeral_storage, Megabytes),
        reserved_concurrency: query.read("reserved_concurrency")?,
        provisioned_concurrency: query.read("provisioned_concurrency")?.unwrap_or(defaults.provisioned_concurrency),
        rate_per_s: query.read("rate_per_s")?,
        single_use: query.read("single_use")?.unwrap_or(defaults.single_use),
        fuel: query.read("fuel")?.unwrap_or(defaults.fuel),
        allowed_hosts: query.texts("allow_host").into_iter().collect(),
        price_book: query.text("price_book")?.unwrap_or(defaults.price_book),
    };
    query.finish()?;
    if name.is_none() {
        return Err(Problem::invalid("the parameter 'name' is missing"));
    }
    Ok(spec)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::Architecture;

    #[test]
    fn settings_left_out_have_their_defaults() {
        let spec = spec(&Uri::from_static("/api/v1/functions?name=f&env=A=1&env=B=2&tag=team=x")).expect("a spec");
        assert_eq!((spec.memory, spec.timeout), (Megabytes(128), Duration::from_secs(3)));
        assert_eq!((spec.tenant.as_str(), spec.price_book.as_str()), ("default", "aws-lambda"));
        assert_eq!((spec.architecture, spec.ephemeral_storage), (Architecture::X86_64, Megabytes(512)));
        assert_eq!(spec.env.len(), 2);
        assert_eq!(spec.check(), Ok(()));
    }
}

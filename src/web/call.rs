//! Takes calls of functions: at their own URLs, and through the API with a raw payload.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, Method, Uri};

use crate::model::Trigger;
use crate::trigger::{self, Call};

use super::error::{Problem, VERSION_NOT_FOUND};
use super::params::QueryString;
use super::state::AppState;
use super::{answer, body};

/// The function that a path names.
pub(super) struct FunctionName(pub(super) String);

impl FromRequestParts<Arc<AppState>> for FunctionName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params =
            params.map_err(|error| Problem::invalid(format!("the path is not valid: {}", error.body_text())))?;
        let name = params.iter().find(|(param, _)| *param == "name").map(|(_, value)| value.to_owned());
        name.map(Self).ok_or_else(|| Problem::invalid("the path names no function"))
    }
}

/// The function that a call's path names, and the version, where it says `name@version`.
pub(super) struct FunctionTarget {
    name: String,
    version: Option<u32>,
}

impl FromRequestParts<Arc<AppState>> for FunctionTarget {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, Problem> {
        let FunctionName(path) = FunctionName::from_request_parts(parts, state).await?;
        let Some((name, version)) = path.split_once('@') else { return Ok(Self { name: path, version: None }) };
        let unknown = || {
            let detail = format!("function '{name}' has no version '{version}': write {name}@1 for its first");
            Problem::new(VERSION_NOT_FOUND, detail)
        };
        let number = Some(version).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let number = number.and_then(|text| text.parse().ok()).ok_or_else(unknown)?;
        Ok(Self { name: name.to_owned(), version: Some(number) })
    }
}

/// `ANY /fn/{name}/...`: the function's URL.
pub(super) async fn at_url(State(state): State<Arc<AppState>>, function: FunctionTarget, request: Request) -> Response {
    let target = (request.method().clone(), request.uri().clone());
    call(&state, function, Trigger::Http, target, request).await
}

/// Invokes a function
///
/// The body goes to the function as it is, at the path `/fn/{name}`. The answer is the function's own, with the same
/// statuses and headers as at its URL.
#[utoipa::path(
    post,
    operation_id = "invoke_function",
    path = "/api/v1/functions/{name}/invocations",
    tag = "invocations",
    params(
        ("name" = String, Path, description = "The function's name"),
        ("version" = Option<u32>, Query, description = "The version that is to run (the active one)"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The payload, at most 6 MiB"),
    responses(
        (status = 200, description = "The function's reply, with its own status, headers and body", headers(
            ("x-faremeter-invocation-id" = String, description = "The invocation's id"),
            ("traceparent" = String, description = "W3C trace context of the invocation's span"),
            ("server-timing" = String, description = "Each phase that took time, in ms; a trailer when the reply streams"),
            ("x-faremeter-outcome" = String, description = "How it ended"),
            ("x-faremeter-version" = String, description = "The function's version"),
            ("x-faremeter-cold" = bool, description = "Whether it was the first of its environment"),
            ("x-faremeter-billed-ms" = i64, description = "Milliseconds billed"),
            ("x-faremeter-memory-mb" = i64, description = "Memory configured"),
            ("x-faremeter-peak-memory-bytes" = i64, description = "The most memory that it held"),
            ("x-faremeter-list-cost" = String, description = "List cost, exact"),
            ("x-faremeter-currency" = String, description = "The list cost's currency"),
        )),
        (status = 400, description = "A parameter is wrong", body = super::api::ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such function or version", body = super::api::ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The function, or the version that was asked for, failed to deploy; or that version is still being compiled", body = super::api::ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The payload is too large", body = super::api::ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "A limit turned the call away: `reason` says which, `retry-after` when to come again", body = super::api::ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Faremeter failed; not billed", body = super::api::ProblemBody, content_type = "application/problem+json"),
        (status = 502, description = "The function failed or ran out of memory", body = super::api::ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Being compiled, too busy or stopping: try again", body = super::api::ProblemBody, content_type = "application/problem+json"),
        (status = 504, description = "The function ran out of time", body = super::api::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn by_api(
    State(state): State<Arc<AppState>>,
    FunctionName(name): FunctionName,
    request: Request,
) -> Response {
    let mut query = QueryString::of(request.uri());
    let version = match query.read("version").and_then(|version| query.finish().map(|()| version)) {
        Ok(version) => version,
        Err(problem) => return problem.into_response(),
    };
    let Ok(uri) = format!("/fn/{name}").parse::<Uri>() else {
        return Problem::from(trigger::Error::NotFound(name)).into_response();
    };
    call(&state, FunctionTarget { name, version }, Trigger::Other, (Method::POST, uri), request).await
}

async fn call(
    state: &Arc<AppState>,
    FunctionTarget { name, version }: FunctionTarget,
    trigger: Trigger,
    (method, uri): (Method, Uri),
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let held = match body::take(state, body, state.config.max_request_bytes).await {
        Ok(held) => held,
        Err(problem) => return problem.into_response(),
    };
    let call = Call {
        function: name.clone(),
        version,
        trigger,
        method,
        uri: path_and_query(&uri),
        headers: handed_on(parts.headers),
        body: held.bytes.clone(),
        started_at: state.clock.now(),
        arrived: state.clock.instant(),
    };
    match state.dispatcher.invoke(call).await {
        Ok(invoked) => answer::to_call(state, &name, invoked),
        Err(error) => {
            if error.is_store_full() {
                state.metrics.store_refused();
            }
            Problem::from(error).into_response()
        }
    }
}

/// What the guest sees of a URI: not the authority that an absolute one has.
fn path_and_query(uri: &Uri) -> Uri {
    uri.path_and_query().map_or_else(Uri::default, |path| Uri::from(path.clone()))
}

fn handed_on(mut headers: HeaderMap) -> HeaderMap {
    answer::strip_hop_by_hop(&mut headers);
    headers
}

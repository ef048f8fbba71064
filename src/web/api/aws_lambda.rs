//! Takes in what AWS Lambda wrote: imports, the Telemetry API's events, and Firehose's deliveries. What is in them is
//! `crate::ingest`'s.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::Uri;
use http::header::{CONTENT_ENCODING, HeaderMap};
use http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ingest::Summary;
use crate::ingest::aws_lambda::Said;
use crate::model::check_name;

use super::ProblemBody;
use crate::web::body;
use crate::web::error::{Problem, UNSUPPORTED_MEDIA_TYPE};
use crate::web::params::QueryString;
use crate::web::state::AppState;
use crate::web::upload::upload;

/// The longest name of an account, a region or an environment.
const MAX_NAME: usize = 512;

/// Imports AWS Lambda's logs
///
/// The body is a file of any length, gzip or not: what `aws logs filter-log-events` or `get-log-events` prints, an array of
/// such events, payloads of a CloudWatch Logs subscription, events of the Telemetry API, or log text. It is answered when
/// all is on disk. What was stored before an error stays, and the same file again completes it: nothing is stored twice.
#[utoipa::path(
    post,
    operation_id = "import_aws_lambda_logs",
    path = "/api/v1/import/aws-lambda-logs",
    tag = "ingest",
    params(
        ("function" = Option<String>, Query, description = "The function that wrote them, where the file does not say"),
        ("tenant" = Option<String>, Query, description = "Whom the function belongs to (default)"),
        ("architecture" = Option<String>, Query, description = "What it runs on: x86_64 or arm64; without it invocations have no price"),
        ("region" = Option<String>, Query, description = "Where it runs, where the file does not say"),
        ("account" = Option<String>, Query, description = "The billing account, where the file does not say"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file"),
    responses(
        (status = 200, description = "All was read", body = Summary),
        (status = 400, description = "A parameter is wrong, or the file cannot be read to its end", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The file is compressed otherwise than by gzip", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many imports run, or the store takes nothing", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn import(
    State(state): State<Arc<AppState>>,
    request: Request,
) -> Result<Json<Summary>, Problem> {
    let (parts, body) = request.into_parts();
    let said = said(&parts.uri, false)?;
    check_encoding(&parts.headers)?;
    let (upload, bring) = upload(body, state.config.body_timeout);
    let (imported, ()) = tokio::join!(state.aws_lambda.import(upload, said), bring);
    Ok(Json(imported?))
}

/// Takes in events of the Lambda Telemetry API
///
/// The body is an array of events as Lambda sends them to an extension, which forwards them. It is answered when they are on
/// disk; the same events sent again are not stored again.
#[utoipa::path(
    post,
    operation_id = "receive_aws_lambda_telemetry",
    path = "/api/v1/aws-lambda/telemetry",
    tag = "ingest",
    params(
        ("function" = Option<String>, Query, description = "The function, where no platform.initStart said it"),
        ("tenant" = Option<String>, Query, description = "Whom the function belongs to (default)"),
        ("architecture" = Option<String>, Query, description = "What it runs on: x86_64 or arm64; without it invocations have no price"),
        ("region" = Option<String>, Query, description = "Where it runs"),
        ("account" = Option<String>, Query, description = "The billing account"),
        ("instance" = Option<String>, Query, description = "The execution environment that sends them; else `instanceId` of platform.initStart"),
    ),
    request_body(content = Vec<Object>, content_type = "application/json", description = "The events, at most 64 MiB; gzip or not"),
    responses(
        (status = 200, description = "They are on disk", body = Summary),
        (status = 400, description = "The function is not known, or a parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The events are too many", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The events are compressed otherwise than by gzip", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too much at once: send them again later", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn telemetry(
    State(state): State<Arc<AppState>>,
    request: Request,
) -> Result<Json<Summary>, Problem> {
    let (parts, body) = request.into_parts();
    let said = said(&parts.uri, true)?;
    check_encoding(&parts.headers)?;
    let held = body::take(&state, body, state.aws_lambda.max_request_bytes()).await?;
    Ok(Json(state.aws_lambda.telemetry(held.bytes.clone(), said).await?))
}

/// What Firehose wants to be answered.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::web) struct FirehoseAnswer {
    /// The delivery's.
    request_id: String,
    /// When it was answered, ms since 1970 UTC.
    timestamp: i64,
    /// Why it was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
}

/// Takes in CloudWatch Logs from Firehose
///
/// An HTTP endpoint for a stream that a CloudWatch Logs subscription fills. It is answered when the events are on disk; a
/// delivery that comes again is not stored again.
#[utoipa::path(
    post,
    operation_id = "receive_aws_firehose",
    path = "/api/v1/aws-lambda/firehose",
    tag = "ingest",
    params(
        ("x-amz-firehose-request-id" = String, Header, description = "Names the delivery"),
        ("x-amz-firehose-source-arn" = Option<String>, Header, description = "The stream: tells the region"),
        ("function" = Option<String>, Query, description = "The function, where the log group is not /aws/lambda/NAME"),
        ("tenant" = Option<String>, Query, description = "Whom the functions belong to (default)"),
        ("architecture" = Option<String>, Query, description = "What they run on: x86_64 or arm64; without it invocations have no price"),
        ("region" = Option<String>, Query, description = "Where they run"),
        ("account" = Option<String>, Query, description = "The billing account, instead of the payload's owner"),
    ),
    request_body(content = Object, content_type = "application/json", description = "`requestId`, `timestamp` and `records`, each with `data`; at most 64 MiB, gzip or not"),
    responses(
        (status = 200, description = "They are on disk", body = FirehoseAnswer),
        (status = 400, description = "The delivery cannot be read", body = FirehoseAnswer),
        (status = 413, description = "The delivery is too large", body = FirehoseAnswer),
        (status = 503, description = "Too much at once: Firehose sends it again", body = FirehoseAnswer),
    )
)]
pub(in crate::web) async fn firehose(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let request_id = text(&parts.headers, "x-amz-firehose-request-id").unwrap_or_default();
    let taken = take_delivery(&state, &parts, body, request_id.clone()).await;
    let timestamp = state.clock.now().nanos() / 1_000_000;
    let Err(problem) = taken else {
        return Json(FirehoseAnswer { request_id, timestamp, error_message: None }).into_response();
    };
    let (status, detail, headers) = problem.into_parts();
    let answer = FirehoseAnswer { request_id, timestamp, error_message: Some(detail) };
    let mut response = (status, Json(answer)).into_response();
    response.headers_mut().extend(headers);
    response
}

async fn take_delivery(state: &AppState, parts: &Parts, body: Body, request_id: String) -> Result<Summary, Problem> {
    if request_id.is_empty() {
        return Err(Problem::invalid("the header X-Amz-Firehose-Request-Id is missing"));
    }
    let mut said = said(&parts.uri, false)?;
    // arn:aws:firehose:REGION:ACCOUNT:deliverystream/NAME
    let source = text(&parts.headers, "x-amz-firehose-source-arn").unwrap_or_default();
    let region = source.split(':').nth(3).filter(|region| !region.is_empty() && region.len() <= MAX_NAME);
    said.region = said.region.or(region.map(str::to_owned));
    check_encoding(&parts.headers)?;
    let held = body::take(state, body, state.aws_lambda.max_request_bytes()).await?;
    Ok(state.aws_lambda.firehose(held.bytes.clone(), request_id, said).await?)
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// What the query string says of all records.
fn said(uri: &Uri, of_one_instance: bool) -> Result<Said, Problem> {
    let mut query = QueryString::of(uri);
    let defaults = Said::default();
    let said = Said {
        function: query.text("function")?,
        tenant: query.text("tenant")?.unwrap_or(defaults.tenant),
        architecture: query.read("architecture")?,
        region: query.text("region")?,
        account: query.text("account")?,
        instance: if of_one_instance { query.text("instance")? } else { None },
    };
    query.finish()?;
    let names = said.function.iter().map(|name| (name, "function")).chain([(&said.tenant, "tenant")]);
    for (name, what) in names {
        check_name(name, what).map_err(|error| Problem::invalid(error.to_string()))?;
    }
    let texts = [("region", &said.region), ("account", &said.account), ("instance", &said.instance)];
    for (what, text) in texts {
        if text.as_ref().is_some_and(|text| text.is_empty() || text.len() > MAX_NAME) {
            return Err(Problem::invalid(format!("{what}: it must have from 1 to {MAX_NAME} bytes")));
        }
    }
    Ok(said)
}

/// Gzip is seen from the bytes; what is said to be compressed otherwise is refused.
fn check_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    let said =
        headers.get(CONTENT_ENCODING).map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase());
    match said.as_deref() {
        None | Some("gzip" | "identity" | "") => Ok(()),
        Some(other) => {
            let detail = format!("the content encoding '{other}' is not taken here: send gzip or none");
            Err(Problem::new(UNSUPPORTED_MEDIA_TYPE, detail))
        }
    }
}

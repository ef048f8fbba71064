//! The API under `/api`: its document, and what its files share. Calls are `call`'s.

pub(super) mod aws_lambda;
pub(super) mod dashboards;
pub(super) mod deploy;
pub(super) mod functions;
pub(super) mod log_records;
pub(super) mod logs;
pub(super) mod otlp_import;
pub(super) mod query;
pub(super) mod reports;
pub(super) mod traces;
pub(super) mod versions;

use axum::Extension;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathItemBuilder};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Required};

use super::router::ApiDocument;

/// The first `limit` of what a list found, which looked for one more, and the cursor of the page after them if there is one.
fn page<T>(mut found: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
    let more = found.len() > limit;
    found.truncate(limit);
    let next_cursor = found.last().filter(|_| more).map(cursor);
    (found, next_cursor)
}

/// RFC 9457: why a request was not done. Some kinds have more members, such as `reason`.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody {
    /// Names the kind of problem.
    #[schema(example = "urn:faremeter:problem:function-not-found")]
    r#type: String,
    /// The kind of problem in words.
    title: String,
    /// The answer's status.
    status: u16,
    /// What was wrong this time.
    detail: String,
    /// Names this occurrence, such as the invocation.
    instance: Option<String>,
    /// The invocation that failed or was turned away.
    invocation_id: Option<String>,
    /// The finer cause of a function's failure, such as `Trap.Unreachable`.
    error_type: Option<String>,
    /// Which limit turned a call away.
    #[schema(example = "function-concurrency")]
    reason: Option<String>,
}

/// The document before its routes.
pub(super) fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Faremeter")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Runs functions, meters and prices every invocation, and answers SQL over the records. Every error is \
             RFC 9457 `application/problem+json`; lists page with `limit` and `cursor`.",
        ))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let tag = |name: &str, about: &str| TagBuilder::new().name(name).description(Some(about)).build();
    let tags = [
        tag("functions", "Deploying, listing and removing functions"),
        tag("invocations", "Calling functions"),
        tag("telemetry", "Reading what was recorded"),
        tag("otlp", "Taking in telemetry from elsewhere, as OTLP has it; errors are `google.rpc.Status`"),
        tag("ingest", "Taking in telemetry from elsewhere"),
        tag("billing", "What months cost"),
        tag("dashboards", "Boards and what their panels show"),
        tag("server", "Health, metrics and this document"),
        tag("pages", "What people look at"),
    ];
    OpenApiBuilder::new().info(info).tags(Some(tags)).build()
}

/// The OpenAPI document
#[utoipa::path(
    get,
    operation_id = "get_openapi",
    path = "/api/openapi.json",
    tag = "server",
    responses((status = 200, description = "OpenAPI 3.1 of every route", body = serde_json::Value))
)]
pub(super) async fn openapi(Extension(ApiDocument(document)): Extension<ApiDocument>) -> Response {
    let mut response = document.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The description of a function's URL, which takes every method.
pub(super) fn call_item(path: &str) -> PathItem {
    let text = || ObjectBuilder::new().schema_type(Type::String).build();
    let param = |name: &str, about: &str| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(about))
            .schema(Some(text()))
            .build()
    };
    let variant = if path.contains("{*path}") {
        "_path"
    } else if path.ends_with('/') {
        "_slash"
    } else {
        ""
    };
    let methods = [
        (HttpMethod::Get, "get"),
        (HttpMethod::Head, "head"),
        (HttpMethod::Post, "post"),
        (HttpMethod::Put, "put"),
        (HttpMethod::Patch, "patch"),
        (HttpMethod::Delete, "delete"),
        (HttpMethod::Options, "options"),
        (HttpMethod::Trace, "trace"),
    ];
    let mut item = PathItemBuilder::new();
    for (method, word) in methods {
        let mut operation = OperationBuilder::new()
            .operation_id(Some(format!("call_{word}{variant}")))
            .tag("invocations")
            .summary(Some("The function's URL"))
            .description(Some(
                "The request goes to the function and its reply comes back, with the headers and statuses of \
                 `POST /api/v1/functions/{name}/invocations`.",
            ))
            .parameter(param("name", "The function's name; `name@version` runs that version instead of the active one"))
            .response("default", ResponseBuilder::new().description("The function's reply, or a problem").build());
        if path.contains("{*path}") {
            operation = operation.parameter(param("path", "What the function sees behind its name"));
        }
        item = item.operation(method, operation);
    }
    item.build()
}

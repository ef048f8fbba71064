//! Every route, with the action that it needs and its place in the OpenAPI document, and what all requests go through.

use std::any::Any;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Extension, Router};
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tracing::{Instrument, Span, field, info_span};
use utoipa::openapi::OpenApi;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, PathItem, Paths};
use utoipa_axum::router::{UtoipaMethodRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use super::access::{self, Action};
use super::answer::GuestReply;
use super::error::{BUSY, HEAD_TOO_LARGE, INTERNAL, METHOD_NOT_ALLOWED, NOT_FOUND, Problem};
use super::state::AppState;
use super::{api, call, drain, health, origin, otlp, pages, panel};

/// Where the document says which action an operation needs.
pub(super) const ACTION: &str = "x-faremeter-action";

/// The OpenAPI document, as it is served.
#[derive(Clone)]
pub(super) struct ApiDocument(pub(super) Bytes);

/// Routes that are being gathered. `add` is the only way in, so that none is without an action.
pub(super) struct Routes {
    router: Router<Arc<AppState>>,
    document: OpenApi,
}

/// The routes of the port of OTLP over HTTP.
pub(super) fn otlp_http() -> Routes {
    Routes { router: Router::new(), document: api::document() }.otlp()
}

/// The routes of the port of OTLP over gRPC.
pub(super) fn otlp_grpc() -> Routes {
    Routes { router: Router::new(), document: api::document() }
        .add_call(Action::TelemetryWrite, otlp::grpc::TRACES, otlp::grpc::traces)
        .add_call(Action::TelemetryWrite, otlp::grpc::LOGS, otlp::grpc::logs)
        .add_call(Action::TelemetryWrite, otlp::grpc::METRICS, otlp::grpc::metrics)
}

/// Every route of the main port.
pub(super) fn all() -> Routes {
    use Action::{
        BillingRead, FunctionsRead, FunctionsWrite, Invoke, Query, ServerRead, TelemetryRead, TelemetryWrite,
    };
    Routes { router: Router::new(), document: api::document() }
        .otlp()
        .add(FunctionsRead, routes!(api::functions::list))
        .add(FunctionsWrite, routes!(api::deploy::deploy))
        .add(FunctionsRead, routes!(api::functions::get))
        .add(FunctionsWrite, routes!(api::functions::remove))
        .add(FunctionsRead, routes!(api::versions::list))
        .add(FunctionsWrite, routes!(api::versions::choose))
        .add(Invoke, routes!(call::by_api))
        .add(TelemetryRead, routes!(api::logs::logs))
        .add(TelemetryRead, compressed(routes!(api::log_records::list)))
        .add(TelemetryRead, compressed(routes!(api::log_records::histogram)))
        .add(TelemetryRead, compressed(routes!(api::log_records::facets)))
        .add(TelemetryRead, compressed(routes!(api::log_records::context)))
        .add(TelemetryRead, routes!(api::log_records::follow))
        .add(TelemetryRead, compressed(routes!(api::traces::list)))
        .add(TelemetryRead, compressed(routes!(api::traces::points)))
        .add(TelemetryRead, compressed(routes!(api::traces::get)))
        .add(TelemetryRead, compressed(routes!(api::traces::span)))
        .add(TelemetryRead, compressed(routes!(api::traces::logs)))
        .add(TelemetryWrite, routes!(api::aws_lambda::import))
        .add(TelemetryWrite, routes!(api::otlp_import::import))
        .add(TelemetryWrite, routes!(api::aws_lambda::telemetry))
        .add(TelemetryWrite, routes!(api::aws_lambda::firehose))
        .add(Query, routes!(api::query::run))
        .add(Query, routes!(api::query::list))
        .add(BillingRead, routes!(api::reports::file))
        .add(BillingRead, compressed(routes!(api::reports::manifest)))
        .add(ServerRead, compressed(routes!(api::openapi)))
        .add(ServerRead, routes!(health::live))
        .add(ServerRead, routes!(health::ready))
        .add(ServerRead, compressed(routes!(health::metrics)))
        .add(TelemetryRead, compressed(routes!(pages::board::overview)))
        .add(TelemetryRead, compressed(routes!(pages::functions::functions)))
        .add(TelemetryRead, compressed(routes!(pages::invocations::invocations)))
        .add(TelemetryRead, compressed(routes!(pages::invocation::invocation)))
        .add(TelemetryRead, compressed(routes!(pages::traces::traces)))
        .add(TelemetryRead, compressed(routes!(pages::trace::trace)))
        .add(TelemetryRead, compressed(routes!(pages::logs::logs)))
        .add(BillingRead, compressed(routes!(pages::what_if::what_if)))
        .add(BillingRead, compressed(routes!(pages::reports::reports)))
        .add(Query, compressed(routes!(pages::sql::sql)))
        .add(ServerRead, compressed(routes!(pages::settings::settings)))
        .add(TelemetryRead, compressed(routes!(pages::board::function)))
        .add(TelemetryRead, compressed(routes!(pages::board::cold_starts)))
        .add(TelemetryRead, compressed(routes!(pages::board::errors)))
        .add(TelemetryRead, compressed(routes!(pages::board::throttles)))
        .add(TelemetryRead, compressed(routes!(pages::board::costs)))
        .add(TelemetryRead, compressed(routes!(pages::board::by_name)))
        .add(TelemetryRead, compressed(routes!(api::dashboards::list)))
        .add(TelemetryRead, compressed(routes!(api::dashboards::get)))
        .add(TelemetryRead, compressed(routes!(panel::data)))
        .add(TelemetryRead, compressed(routes!(panel::raw::panel)))
        .add(TelemetryRead, compressed(routes!(panel::filters::list)))
        .add(ServerRead, routes!(pages::assets::asset))
        .add(ServerRead, routes!(pages::assets::favicon))
        .add(ServerRead, routes!(pages::assets::favicon_ico))
        .add_any(Invoke, &["/fn/{name}", "/fn/{name}/", "/fn/{name}/{*path}"], call::at_url)
}

impl Routes {
    fn otlp(self) -> Self {
        self.add(Action::TelemetryWrite, routes!(otlp::traces))
            .add(Action::TelemetryWrite, routes!(otlp::logs))
            .add(Action::TelemetryWrite, routes!(otlp::metrics))
    }

    /// Adds the handler of a call of gRPC, which OpenAPI has no words for.
    fn add_call<H, T>(mut self, action: Action, path: &str, handler: H) -> Self
    where
        H: Handler<T, Arc<AppState>>,
        T: 'static,
    {
        self.router = self.router.route(path, post(handler).layer(from_fn_with_state(action, access::guard)));
        self
    }

    /// Adds the routes of handlers that utoipa describes.
    fn add(mut self, action: Action, (schemas, paths, handlers): UtoipaMethodRouter<Arc<AppState>>) -> Self {
        let handlers = handlers.layer(from_fn_with_state(action, access::guard));
        for path in paths.paths.keys() {
            self.router = self.router.route(path, handlers.clone());
        }
        self.declare(action, paths);
        let components = self.document.components.get_or_insert_default();
        components.schemas.extend(schemas);
        self
    }

    /// Adds a handler that takes every method.
    fn add_any<H, T>(mut self, action: Action, at: &[&str], handler: H) -> Self
    where
        H: Handler<T, Arc<AppState>>,
        T: 'static,
    {
        let handlers = any(handler).layer(from_fn_with_state(action, access::guard));
        let mut paths = Paths::new();
        for path in at {
            self.router = self.router.route(path, handlers.clone());
            paths.paths.insert((*path).to_owned(), api::call_item(path));
        }
        self.declare(action, paths);
        self
    }

    fn declare(&mut self, action: Action, paths: Paths) {
        for (path, mut item) in paths.paths {
            let path = path.replace("{*", "{");
            operations(&mut item).for_each(|operation| {
                operation.extensions = Some(Extensions::builder().add(ACTION, action.as_str()).build());
            });
            match self.document.paths.paths.get_mut(&path) {
                Some(known) => known.merge_operations(item),
                None => {
                    self.document.paths.paths.insert(path, item);
                }
            }
        }
    }

    /// The OpenAPI document of all of them.
    #[cfg(test)]
    pub(super) fn document(&self) -> &OpenApi {
        &self.document
    }

    /// The routes with what all requests go through.
    pub(super) fn finish(self, state: &Arc<AppState>) -> Result<Router, serde_json::Error> {
        let document = ApiDocument(Bytes::from(self.document.to_json()?));
        let router = self
            .router
            .fallback(not_found)
            .method_not_allowed_fallback(wrong_method)
            .layer(Extension(document))
            .layer(from_fn_with_state(Arc::clone(state), follow_boards))
            .layer(from_fn_with_state(Arc::clone(state), access::identify))
            .layer(from_fn(origin::check))
            .layer(from_fn_with_state(Arc::clone(state), admit))
            .layer(from_fn(secure))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn(otlp::status::answer))
            .layer(from_fn_with_state(Arc::clone(state), drain::rest))
            .layer(from_fn_with_state(Arc::clone(state), observe));
        Ok(router.with_state(Arc::clone(state)))
    }
}

/// Answers of these routes are compressed where the client takes it.
fn compressed(routes: UtoipaMethodRouter<Arc<AppState>>) -> UtoipaMethodRouter<Arc<AppState>> {
    routes.layer(CompressionLayer::new())
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, head, post, put, patch, delete, options, trace, .. } = item;
    [get, head, post, put, patch, delete, options, trace].into_iter().filter_map(Option::as_mut)
}

async fn not_found(uri: Uri) -> Problem {
    Problem::new(NOT_FOUND, format!("nothing is at '{}'", uri.path()))
}

/// The router adds the header that says which methods there are.
async fn wrong_method(method: Method, uri: Uri) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    Problem::new(METHOD_NOT_ALLOWED, format!("{method} is not known at '{}'", uri.path())).into_response()
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(panic = text, "a request's handler panicked");
    Problem::new(INTERNAL, "the request met a fault in Faremeter; its log says more").into_response()
}

/// Turns requests away that are too many at once or whose head is too large.
async fn admit(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let head = head_bytes(request.uri(), request.headers());
    let limit = state.config.max_head_bytes;
    if head > limit {
        let detail = format!("the request's head has {head} bytes: at most {limit} are taken");
        return Problem::new(HEAD_TOO_LARGE, detail).into_response();
    }
    let Ok(_permit) = state.requests.try_acquire() else {
        let detail = format!("{} requests are being answered, the most at once", state.config.max_requests);
        return Problem::new(BUSY, detail).retry().into_response();
    };
    next.run(request).await
}

/// Takes up boards that were edited before anything that shows them is answered; calls do not wait for that.
async fn follow_boards(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    if request.method() == Method::GET && !request.uri().path().starts_with("/fn/") {
        state.boards.follow(state.clock.instant()).await;
    }
    next.run(request).await
}

fn head_bytes(uri: &Uri, headers: &HeaderMap) -> usize {
    let path = uri.path_and_query().map_or(0, |path| path.as_str().len());
    let fields: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    path + fields
}

/// Sets the headers that keep browsers careful with our own answers; a function's are its own.
async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.extensions().get::<GuestReply>().is_some() {
        return response;
    }
    let set: [(HeaderName, &'static str); 7] = [
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in set {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// The span of a request. Requests that bring telemetry have none: where ours is sent to ourselves it would never end.
fn span(method: &Method, route: Option<&str>, uri: &Uri) -> Span {
    if uri.path().starts_with("/v1/") {
        return Span::none();
    }
    let route = route.unwrap_or_default();
    info_span!(
        target: "faremeter::traced", "request", otel.name = format!("{method} {route}"), otel.kind = "server",
        http.request.method = method.as_str(), http.route = route, url.path = uri.path(),
        http.response.status_code = field::Empty, otel.status_code = field::Empty,
    )
}

/// Counts requests and how long they take to the head of their answer.
async fn observe(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let began = state.clock.instant();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let in_flight = state.metrics.begin_request();
    let span = span(&method, route.as_deref(), request.uri());
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    if response.status().is_server_error() {
        span.record("otel.status_code", "error");
    }
    drop(in_flight);
    let took = state.clock.instant().saturating_duration_since(began);
    state.metrics.request(route.as_deref(), &method, response.status(), took);
    response
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_problem() {
        async fn fails() {
            panic!("on purpose");
        }
        let router = Router::<()>::new().route("/", any(fails)).layer(CatchPanicLayer::custom(panicked));
        let response = router.oneshot(Request::new(axum::body::Body::empty())).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    }
}

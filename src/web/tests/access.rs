//! Every route names its action and is in the document; what no route takes is a problem all the same.

use std::str::FromStr;

use http::{Method, Request};

use super::{App, request};
use crate::web::access::{Action, Principal, Role};
use crate::web::{Config, router};

const ACTIONS: [Action; 8] = [
    Action::FunctionsRead,
    Action::FunctionsWrite,
    Action::Invoke,
    Action::Query,
    Action::TelemetryRead,
    Action::TelemetryWrite,
    Action::BillingRead,
    Action::ServerRead,
];

/// Every operation of the document: its method, a path that it takes, and its action.
fn operations() -> Vec<(Method, String, Action)> {
    let document = serde_json::to_value(router::all().document()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let target = path.replace("{name}", "x").replace("{path}", "deep/path").replace("{file}", "x");
        for (method, operation) in item.as_object().unwrap() {
            let word = operation[router::ACTION].as_str().unwrap_or_else(|| panic!("{method} {path} names no action"));
            let action = ACTIONS.into_iter().find(|action| action.as_str() == word).unwrap();
            operations.push((Method::from_str(&method.to_uppercase()).unwrap(), target.clone(), action));
        }
    }
    operations
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_holds_to_its_action() {
    let viewer = Principal { id: "a-viewer".to_owned(), role: Role::Viewer, tenant: None };
    let app = App::with(Config::default(), viewer).await;
    let operations = operations();
    assert!(operations.len() > 30, "{operations:?}");
    for (method, target, action) in operations {
        if target == "/api/v1/logs/tail" {
            // Its answer has no end.
            app.state.stopping.cancel();
        }
        let reply = app.send(request(&method, &target), "").await;
        if Role::Viewer.may(action) {
            assert_ne!(reply.status, 403, "{method} {target}");
        } else if method == Method::HEAD || action == Action::TelemetryWrite {
            assert_eq!(reply.status, 403);
        } else {
            let detail = reply.problem(403, "not-allowed");
            assert!(detail.contains("a-viewer") && detail.contains(action.as_str()), "{detail}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_whole() {
    let app = App::new().await;
    let reply = app.get("/api/openapi.json").await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "application/json"));
    let document = reply.json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    let contract = [
        ("/", "get"),
        ("/fn/{name}", "put"),
        ("/fn/{name}/{path}", "get"),
        ("/api/v1/functions", "post"),
        ("/api/v1/functions", "get"),
        ("/api/v1/functions/{name}", "get"),
        ("/api/v1/functions/{name}", "delete"),
        ("/api/v1/functions/{name}/invocations", "post"),
        ("/api/v1/functions/{name}/logs", "get"),
        ("/api/v1/query", "post"),
        ("/api/v1/queries", "get"),
        ("/api/openapi.json", "get"),
        ("/v1/traces", "post"),
        ("/v1/logs", "post"),
        ("/v1/metrics", "post"),
        ("/healthz", "get"),
        ("/readyz", "get"),
        ("/metrics", "get"),
    ];
    for (path, method) in contract {
        assert!(paths.get(path).is_some_and(|item| item.get(method).is_some()), "{method} {path}");
    }
    let mut ids: Vec<&str> = Vec::new();
    let operations = paths.values().flat_map(|item| item.as_object().unwrap().values());
    ids.extend(operations.map(|operation| operation["operationId"].as_str().unwrap()));
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "operation ids are unique");
    references(&document, &document);
}

/// Checks that everything that is referred to is there.
fn references(value: &serde_json::Value, document: &serde_json::Value) {
    if let Some(target) = value.get("$ref").and_then(serde_json::Value::as_str) {
        assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target}");
    }
    match value {
        serde_json::Value::Object(members) => members.values().for_each(|member| references(member, document)),
        serde_json::Value::Array(items) => items.iter().for_each(|item| references(item, document)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_route_takes_is_a_problem() {
    let app = App::new().await;
    assert!(app.get("/nope").await.problem(404, "not-found").contains("'/nope'"));
    let wrong = app.send(Request::delete("/healthz"), "").await;
    wrong.problem(405, "method-not-allowed");
    assert_eq!(wrong.header("allow"), "GET,HEAD");
    let asked = app.send(request(&Method::OPTIONS, "/api/v1/functions"), "").await;
    assert_eq!((asked.status.as_u16(), asked.body.len()), (204, 0));
    assert!(asked.header("allow").contains("POST"));
    assert_eq!(app.send(Request::head("/healthz"), "").await.status, 200);
    let away = app.send(Request::get("/").header("host", "evil.example"), "").await;
    away.problem(421, "misdirected");
    let page = app.send(Request::post("/fn/x").header("origin", "http://evil.example"), "").await;
    page.problem(403, "cross-origin");
    let long = app.send(Request::get("/healthz").header("x-long", "y".repeat(70_000)), "").await;
    long.problem(431, "head-too-large");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_keep_browsers_careful() {
    let app = App::new().await;
    for target in ["/", "/healthz", "/nope", "/api/v1/functions"] {
        let reply = app.get(target).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{target}");
        assert_eq!(reply.header("x-frame-options"), "DENY");
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_at_once_is_refused() {
    let config = Config { max_requests: 1, max_held_bytes: 64 << 10, ..Config::default() };
    let app = App::with(config, Principal::local_operator()).await;
    let reply = app.post("/fn/x", vec![0; 65 << 10]).await;
    reply.problem(503, "busy");
    assert_eq!(reply.header("retry-after"), "1");
    let taken = app.state.requests.try_acquire().unwrap();
    app.get("/healthz").await.problem(503, "busy");
    drop(taken);
    assert_eq!(app.get("/healthz").await.status, 200);
}

//! The web part over real parts in a folder of its own. This file holds what the tests share.

mod access;
mod aws_lambda;
mod board_pages;
mod calls;
mod dashboards;
mod functions;
mod logs;
mod otlp;
mod pages;
mod reported;
mod server;
mod telemetry;
mod traces;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::billing::{self, Charges};
use crate::bus::Bus;
use crate::catalog::{self, Catalog};
use crate::clock::Clock;
use crate::cost::PriceBooks;
use crate::ingest::aws_lambda::{self as lambda, AwsLambda};
use crate::ingest::{self, Receiver};
use crate::query::{self, Engine};
use crate::runtime::{self, Runtime};
use crate::store;
use crate::trigger::{self, Deployer, Dispatcher};
use crate::units::IdSource;

use super::access::Principal;
use super::state::AppState;
use super::{Config, Parts, Readiness, Section, Setting, Settings, Value as SettingValue, router};

/// Answers every call with its payload.
const ECHO: &str = include_str!("../../tests/guests/ok.wat");
/// Traps.
const TRAP: &str = include_str!("../../tests/guests/trap.wat");
/// Does what the path says.
const PROBE: &[u8] = include_bytes!("../../tests/guests/probe/probe.wasm");

/// Every part, and the router over them. Dropping it stops the store.
struct App {
    router: Router,
    state: Arc<AppState>,
    bus: Bus,
    _stop: tokio_util::sync::DropGuard,
    _dir: tempfile::TempDir,
}

/// An answer, its body read to the end.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    trailers: HeaderMap,
}

async fn parts(dir: &tempfile::TempDir, stop: &CancellationToken) -> Parts {
    let (clock, ids, bus) = (Clock::system(), IdSource::seeded(7), Bus::default());
    let (service, store) = store::Service::open(store::Config::at(dir.path()), clock.clone()).await.unwrap();
    tokio::spawn(service.run(stop.clone()));
    let catalog = Catalog::open(catalog::Config::at(dir.path().join("catalog.db"))).await.unwrap();
    let books = Arc::new(PriceBooks::embedded().unwrap());
    let runtime = Runtime::start(runtime::Config::new(dir.path()), clock.clone(), ids.clone()).unwrap();
    let charges = Charges::open(&billing::Config::default(), store.object_store()).await.unwrap();
    let bill_books = billing::read_books(None).unwrap();
    let additions = query::Additions {
        relations: vec![charges.relation()],
        aggregates: vec![billing::break_even_aggregate(bill_books.clone())],
    };
    let query = Engine::start_with(query::Config::default(), store.clone(), additions).unwrap();
    let rated = billing::Parts { engine: query.clone(), store: store.clone(), charges, clock: clock.clone() };
    let billing = billing::Service::new(billing::Config::default(), bill_books, rated);
    let deployer = Deployer::new(catalog.clone(), runtime.clone(), Arc::clone(&books), bus.clone(), clock.clone());
    let joined = trigger::Parts {
        catalog,
        runtime: runtime.clone(),
        store: store.clone(),
        books: Arc::clone(&books),
        bus: bus.clone(),
        clock: clock.clone(),
        ids,
    };
    let parts = lambda::Parts {
        store: store.clone(),
        books: Arc::clone(&books),
        clock: clock.clone(),
        retention: store::Config::at(dir.path()).retention,
        tenant_retention: std::collections::BTreeMap::new(),
    };
    let aws_lambda = AwsLambda::new(lambda::Config::default(), parts).unwrap();
    let dispatcher = Dispatcher::new(trigger::Config::default(), joined);
    let parts = ingest::Parts { store: store.clone(), books, clock: clock.clone() };
    let receiver = Receiver::start(ingest::Config::default(), parts).await.unwrap();
    Parts {
        deployer,
        dispatcher,
        aws_lambda,
        query,
        billing,
        receiver,
        store,
        runtime,
        bus,
        readiness: Readiness::default(),
        clock,
        settings: settings(),
    }
}

fn settings() -> Settings {
    let setting = |title: &str, value, keys| Setting { title: title.to_owned(), value, keys };
    let settings = vec![
        setting("Memory", SettingValue::Bytes(Some(3 << 29)), &["query.memory_mb"]),
        setting("Time", SettingValue::Length(std::time::Duration::from_secs(20)), &["query.timeout"]),
    ];
    let retention_days = vec![("invocations", 400), ("spans", 30), ("logs", 30), ("metrics", 90)];
    let tenant_retention_days = vec![("brief".to_owned(), "logs", 3)];
    Settings { sections: vec![Section { title: "Limits of queries", settings }], retention_days, tenant_retention_days }
}

impl App {
    async fn new() -> Self {
        Self::with(Config::default(), Principal::local_operator()).await
    }

    /// An app where everybody is `anyone`.
    async fn with(config: Config, anyone: Principal) -> Self {
        let (dir, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new());
        let parts = parts(&dir, &stop).await;
        let bus = parts.bus.clone();
        let mut state = AppState::new(config, parts).await.unwrap();
        state.anyone = anyone;
        let state = Arc::new(state);
        let router = router::all().finish(&state).unwrap();
        Self { router, state, bus, _stop: stop.drop_guard(), _dir: dir }
    }

    async fn send(&self, request: http::request::Builder, body: impl Into<Body>) -> Reply {
        let mut request = request.body(body.into()).unwrap();
        request.headers_mut().entry("host").or_insert("localhost:8080".parse().unwrap());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().cloned().unwrap_or_default();
        Reply { status: head.status, headers: head.headers, body: collected.to_bytes(), trailers }
    }

    async fn get(&self, target: &str) -> Reply {
        self.send(Request::get(target), "").await
    }

    async fn post(&self, target: &str, body: impl Into<Body>) -> Reply {
        self.send(Request::post(target), body).await
    }

    async fn sql(&self, sql: &str) -> Value {
        let body = serde_json::json!({ "sql": sql }).to_string();
        let reply = self.send(Request::post("/api/v1/query").header("content-type", "application/json"), body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// Deploys a module and waits until it is active; `settings` go into the query string.
    async fn deploy(&self, name: &str, module: impl Into<Body>, settings: &str) {
        let reply = self.post(&format!("/api/v1/functions?name={name}{settings}"), module).await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        assert_eq!(self.settled(name).await, "active");
    }

    /// The state of a function's newest version once the compiler is done with it.
    async fn settled(&self, name: &str) -> String {
        for _ in 0..3_000 {
            let item = self.get(&format!("/api/v1/functions/{name}")).await.json();
            if item["state"] != "pending" {
                return item["state"].as_str().unwrap().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("'{name}' stays pending");
    }
}

impl Reply {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that this is a problem of the status and type, whole, and gives its detail.
    fn problem(&self, status: u16, slug: &str) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let body = self.json();
        assert_eq!(body["type"], format!("urn:faremeter:problem:{slug}"), "{body}");
        assert_eq!(body["status"], status);
        assert!(!body["title"].as_str().unwrap().is_empty());
        body["detail"].as_str().unwrap().to_owned()
    }
}

/// A request of any method.
fn request(method: &Method, target: &str) -> http::request::Builder {
    Request::builder().method(method.clone()).uri(target)
}

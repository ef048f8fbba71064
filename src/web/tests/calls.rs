//! Calls: what the function sees, what the caller gets, and what the headers say of it.

use http::{Method, Request};

use super::{App, ECHO, PROBE, TRAP, request};
use crate::web::Config;
use crate::web::access::Principal;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_says_what_it_did_and_cost() {
    let app = App::new().await;
    app.deploy("echo", ECHO, "").await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (target, cold) in
        [("/api/v1/functions/echo/invocations", "true"), ("/fn/echo", "false"), ("/fn/echo/", "false")]
    {
        let reply = app.send(Request::post(target).header("traceparent", parent), "payload").await;
        assert_eq!((reply.status.as_u16(), reply.text()), (200, "payload"), "{target}");
        assert!(reply.header("traceparent").starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
        assert_ne!(reply.header("traceparent"), parent);
        assert!(reply.header("server-timing").contains("handler;dur="), "{}", reply.header("server-timing"));
        assert_eq!((reply.header("x-faremeter-outcome"), reply.header("x-faremeter-cold")), ("ok", cold));
        assert_eq!((reply.header("x-faremeter-version"), reply.header("x-faremeter-memory-mb")), ("1", "128"));
        assert!(reply.header("x-faremeter-peak-memory-bytes").parse::<u64>().unwrap() > 0);
        let id = reply.header("x-faremeter-invocation-id");
        let row = app.sql(&format!("SELECT * FROM invocations WHERE invocation_id = '{id}'")).await["rows"][0].clone();
        assert_eq!(row["billed_ms"].to_string(), reply.header("x-faremeter-billed-ms"));
        let cost = row["list_cost"].as_str().unwrap().trim_end_matches('0');
        assert_eq!((cost, &row["currency"]), (reply.header("x-faremeter-list-cost"), &"USD".into()));
        assert_eq!(row["trigger"], if target.starts_with("/fn") { "http" } else { "other" });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_function_sees_the_request_as_it_was() {
    let app = App::new().await;
    app.deploy("probe", PROBE, "").await;
    for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        let reply = app.send(request(&method, "/fn/probe/status?code=418"), "").await;
        assert_eq!(reply.status, 418, "{method}: the function's own status");
        assert_eq!(reply.header("x-faremeter-outcome"), "ok");
    }
    let asked =
        Request::get("/fn/probe/headers").header("x-own", "1").header("connection", "x-gone").header("x-gone", "1");
    let seen = app.send(asked, "").await.json();
    assert!(seen.get("x-own").is_some() && seen.get("x-gone").is_none() && seen.get("connection").is_none(), "{seen}");
    let reply = app.get("/fn/probe/headers").await;
    assert!(reply.header("content-security-policy").starts_with("sandbox"), "a function's page has its own origin");
    assert_eq!(reply.header("x-frame-options"), "", "its other headers are its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_reply_ends_with_trailers() {
    let app = App::new().await;
    app.deploy("probe", PROBE, "&timeout=20s").await;
    let reply = app.get("/fn/probe/stream?chunks=3&ms=150").await;
    assert_eq!((reply.status.as_u16(), reply.text()), (200, "chunk 0\nchunk 1\nchunk 2\n"));
    let announced: Vec<&str> = reply.header("trailer").split(", ").collect();
    assert!(!reply.trailers.is_empty());
    for name in reply.trailers.keys() {
        assert!(announced.contains(&name.as_str()), "{name} is announced");
    }
    assert!(reply.trailers["server-timing"].to_str().unwrap().contains("handler;dur="));
    assert_eq!(reply.trailers["x-faremeter-outcome"], "ok");
    assert!(!reply.header("x-faremeter-invocation-id").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_reply_that_fails_is_cut_off() {
    let app = App::new().await;
    app.deploy("probe", PROBE, "&timeout=400ms").await;
    let request = Request::get("/fn/probe/stream?chunks=50&ms=150").header("host", "localhost");
    let response =
        tower::ServiceExt::oneshot(app.router.clone(), request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    let error = http_body_util::BodyExt::collect(response.into_body()).await.expect_err("not whole");
    assert!(error.to_string().contains("timeout"), "{error}");
    app.state.background.close();
    app.state.background.wait().await;
    let metrics = app.get("/metrics").await;
    let counted = "faremeter_function_invocations_total{function=\"probe\",outcome=\"timeout\"} 1";
    assert!(metrics.text().contains(counted), "{}", metrics.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_problems_that_name_the_invocation() {
    let app = App::new().await;
    app.deploy("trap", TRAP, "").await;
    app.deploy("probe", PROBE, "&timeout=300ms&memory_mb=32").await;
    let cases = [
        ("/fn/trap", 502, "function-error", "error", "Trap.UnreachableCodeReached"),
        ("/fn/probe/grow", 502, "out-of-memory", "out_of_memory", "OutOfMemory"),
        ("/fn/probe/spin", 504, "timeout", "timeout", "Timeout"),
    ];
    for (target, status, slug, outcome, error_type) in cases {
        let reply = app.get(target).await;
        let detail = reply.problem(status, slug);
        let body = reply.json();
        let id = reply.header("x-faremeter-invocation-id");
        assert!(!detail.is_empty() && !id.is_empty(), "{body}");
        assert_eq!((&body["invocation_id"], &body["instance"]), (&id.into(), &format!("urn:uuid:{id}").into()));
        assert_eq!((&body["error_type"], &body["outcome"]), (&error_type.into(), &outcome.into()));
        assert_eq!(reply.header("x-faremeter-outcome"), outcome);
        assert!(!reply.header("x-faremeter-list-cost").is_empty() && !reply.header("server-timing").is_empty());
    }
    let missing = app.get("/fn/nobody").await;
    assert_eq!(missing.problem(404, "function-not-found"), "there is no function 'nobody'");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_a_limit_is_turned_away() {
    let app = App::new().await;
    app.deploy("none", ECHO, "&reserved_concurrency=0").await;
    let reply = app.post("/fn/none", "x").await;
    reply.problem(429, "throttled");
    assert_eq!(reply.json()["reason"], "function-concurrency");
    assert_eq!((reply.header("retry-after"), reply.header("x-faremeter-outcome")), ("1", "throttled"));
    let metrics = app.get("/metrics").await;
    let counted = "faremeter_function_throttles_total{function=\"none\",reason=\"function-concurrency\"} 1";
    assert!(metrics.text().contains(counted), "{}", metrics.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_have_a_limit() {
    let app = App::with(Config { max_request_bytes: 1_000, ..Config::default() }, Principal::local_operator()).await;
    app.deploy("echo", ECHO, "").await;
    assert_eq!(app.post("/fn/echo", vec![b'x'; 1_000]).await.body.len(), 1_000);
    let reply = app.post("/fn/echo", vec![b'x'; 1_001]).await;
    reply.problem(413, "body-too-large");
    assert_eq!(reply.json()["limit_bytes"], 1_000);
    let pieces = futures::stream::iter((0..11).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 100])));
    app.post("/fn/echo", axum::body::Body::from_stream(pieces)).await.problem(413, "body-too-large");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_given_up() {
    let config = Config { body_timeout: std::time::Duration::from_millis(30), ..Config::default() };
    let app = App::with(config, Principal::local_operator()).await;
    let never = futures::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    app.post("/fn/echo", axum::body::Body::from_stream(never)).await.problem(408, "body-too-slow");
    let broken = futures::stream::iter([Err::<Vec<u8>, _>(std::io::Error::other("gone"))]);
    let detail = app.post("/fn/echo", axum::body::Body::from_stream(broken)).await.problem(400, "invalid-request");
    assert!(detail.contains("could not be read"), "{detail}");
    assert_ne!(app.state.body_room.available_permits(), 0);
}

//! The page at `/` and the files that it needs.

use super::{App, ECHO, TRAP};

#[tokio::test(flavor = "multi_thread")]
async fn the_empty_page_says_how_to_begin() {
    let app = App::new().await;
    let reply = app.get("/").await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "text/html; charset=utf-8"));
    let html = reply.text();
    assert!(
        html.contains("faremeter deploy hello") && html.contains("curl -i http://localhost:8080/fn/hello"),
        "{html}"
    );
    assert!(html.contains("Nothing was called yet"));
    let rate = html.split("Error rate").nth(1).unwrap();
    assert!(rate.contains('—'), "no invocations, no rate");
    let small = app.send(http::Request::get("/").header("accept-encoding", "gzip"), "").await;
    assert_eq!(small.header("content-encoding"), "gzip");
    assert!(small.body.len() < reply.body.len() / 2);
    app.get("/?x=1").await.problem(400, "invalid-request");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_functions_and_calls() {
    let app = App::new().await;
    app.deploy("echo", ECHO, "&tenant=shop").await;
    app.deploy("trap", TRAP, "").await;
    app.deploy("idle", ECHO, "").await;
    let called = app.post("/fn/echo", "x").await;
    app.post("/fn/echo", "x").await;
    app.get("/fn/trap").await;
    let html = app.get("/").await.text().to_owned();
    for part in ["echo", "trap", "idle", "shop", "Trap.UnreachableCodeReached", "cold", "warm", "128 MB", "33.3 %"] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    assert!(html.contains(called.header("x-faremeter-list-cost")), "each cost is exact");
    assert!(html.contains("<rect class=\"handler\""));
    assert!(!html.contains("style=") && !html.contains("<script"), "nothing in line");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_function_says_is_shown_as_text() {
    let app = App::new().await;
    let failing = r#"(module (memory (export "memory") 1) (func (export "<script>alert(1)</script>") unreachable)
        (func (export "_start") unreachable))"#;
    app.deploy("f", failing, "&tag=k=%3Cscript%3E").await;
    app.get("/fn/f").await;
    assert!(!app.get("/").await.text().contains("<script"));
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_are_kept_for_good() {
    let app = App::new().await;
    let html = app.get("/").await.text().to_owned();
    for asset in [&app.state.pages.assets().style, &app.state.pages.assets().icon] {
        assert!(html.contains(&asset.path));
        let reply = app.get(&asset.path).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("cache-control")),
            (200, "public, max-age=31536000, immutable")
        );
    }
    app.get("/assets/faremeter.0.css").await.problem(404, "not-found");
    assert_eq!(app.get("/favicon.ico").await.header("content-type"), "image/svg+xml");
}

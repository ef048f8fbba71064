//! `faremeter demo`: one command, and functions are called and seen; when it ends nothing of it is left.

use std::sync::Arc;

use crate::support::server::{Home, Server};
use crate::support::wait_until;

const SAMPLES: [&str; 12] = [
    "auth",
    "checkout",
    "export-csv",
    "fraud-score",
    "geocode",
    "hello",
    "invoice",
    "notify",
    "report",
    "search",
    "thumbnail",
    "wordcount",
];

/// The demo's own folder, which it makes where temporary folders go.
fn scratch(home: &Home, server: &Server) -> std::path::PathBuf {
    home.folder().join(format!("faremeter-demo-{}", server.pid()))
}

#[test]
fn the_demo_calls_its_functions_and_shows_them() {
    let home = Arc::new(Home::demo());
    let server = home.serve();
    let scratch = scratch(&home, &server);
    assert!(scratch.is_dir(), "{}", scratch.display());
    wait_until("every sample function was called and answered", || {
        let rows = server.sql("SELECT DISTINCT function FROM invocations WHERE outcome = 'ok' ORDER BY function");
        let found: Vec<&str> = rows.iter().map(|row| row.text("function")).collect();
        (found == SAMPLES).then_some(())
    });
    assert!(server.printed().iter().any(|line| line.contains("faremeter invoke hello")), "it says what to try");
    let hello = server.cli(&["invoke", "hello", "--payload", "Ada"]).ok();
    assert!(hello.contains("Hello, Ada!"), "{hello}");

    let shown = server.sql("SELECT invocation_id FROM invocations ORDER BY started_at DESC LIMIT 10");
    let page = server.get("/");
    assert_eq!(page.status, 200);
    for name in SAMPLES {
        assert!(page.text().contains(name), "{name} is on the page");
    }
    assert!(shown.iter().any(|row| page.text().contains(row.text("invocation_id"))), "calls are on the page");
    assert_eq!(server.get("/readyz").status, 200);
    assert!(server.stop().success(), "{}", home.log());
    assert!(!scratch.exists(), "the demo cleans up");
}

#[test]
fn without_load_the_demo_makes_no_calls() {
    let home = Arc::new(Home::demo().arg("--no-load"));
    let server = home.serve();
    let scratch = scratch(&home, &server);
    let functions = server.get("/api/v1/functions").json();
    let names: Vec<&str> =
        functions["items"].as_array().expect("items").iter().filter_map(|f| f["name"].as_str()).collect();
    assert_eq!(names, SAMPLES);
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(server.count("SELECT count(*) AS n FROM invocations"), 0);
    assert!(server.stop().success(), "{}", home.log());
    assert!(!scratch.exists(), "the demo cleans up");
}

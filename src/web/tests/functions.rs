//! Deploying, listing and removing through the API.

use http::Request;

use super::{App, ECHO, PROBE};

#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_deployed_shown_and_removed() {
    let app = App::new().await;
    let settings = "&memory_mb=64&timeout=1500ms&env=LEVEL=debug&env=SECRET=s3cret&tag=team=a&tag=cost=b&tenant=shop\
                    &architecture=arm64&reserved_concurrency=3&rate_per_s=40&single_use=true\
                    &allow_host=b.example:81&allow_host=a.example";
    let reply = app.post(&format!("/api/v1/functions?name=hello{settings}"), ECHO).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    assert_eq!(reply.header("location"), "/api/v1/functions/hello");
    let item = reply.json();
    assert_eq!((&item["name"], &item["version"], &item["state"]), (&"hello".into(), &1.into(), &"pending".into()));
    assert_eq!(app.settled("hello").await, "active");

    let reply = app.get("/api/v1/functions/hello").await;
    assert!(!reply.text().contains("s3cret"), "values may be secret");
    let item = reply.json();
    let expected = serde_json::json!({
        "name": "hello", "version": 1, "state": "active", "reason": null, "active_version": 1, "tenant": "shop",
        "memory_mb": 64, "timeout_ms": 1500, "env_names": ["LEVEL", "SECRET"], "tags": {"cost": "b", "team": "a"},
        "architecture": "arm64", "ephemeral_storage_mb": 512, "reserved_concurrency": 3, "provisioned_concurrency": 0,
        "provisioned_ready": 0,
        "rate_per_s": 40, "single_use": true, "fuel": false, "allowed_hosts": ["a.example", "b.example:81"], "price_book": "aws-lambda",
        "sha256": item["sha256"], "deployed_at": item["deployed_at"], "url": "/fn/hello",
    });
    assert_eq!(item, expected);

    assert_eq!(app.send(Request::delete("/api/v1/functions/hello"), "").await.status, 204);
    app.get("/api/v1/functions/hello").await.problem(404, "function-not-found");
    app.send(Request::delete("/api/v1/functions/hello"), "").await.problem(404, "function-not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_come_in_pages() {
    let app = App::new().await;
    let names = ["a", "b", "c"];
    for name in names {
        app.deploy(name, ECHO, "").await;
    }
    let mut seen = Vec::new();
    let mut target = "/api/v1/functions?limit=2".to_owned();
    loop {
        let page = app.get(&target).await.json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        target = format!("/api/v1/functions?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, names);
    let whole = app.get("/api/v1/functions?limit=3").await.json();
    assert!(whole["next_cursor"].is_null(), "the last page says so");
    for wrong in ["limit=0", "limit=1001", "limit=x", "cursor=a/b", "page=2", "limit=1&limit=2"] {
        app.get(&format!("/api/v1/functions?{wrong}")).await.problem(400, "invalid-request");
    }
    app.get("/api/v1/functions/%ff").await.problem(400, "invalid-request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_deployment_names_what_is_wrong() {
    let app = App::new().await;
    let cases = [
        ("memory_mb=1", "'name' is missing"),
        ("name=f&provisioned_concurrency=1001", "provisioned_concurrency is 1001"),
        ("name=f&reserved_concurrency=1001", "1001 of the account's 1000"),
        ("name=f&provisioned=2", "'provisioned' is not known"),
        ("name=f&name=g", "given 2 times"),
        ("name=f&env=A=1&env=A=2", "env=A"),
        ("name=f&env=1A=x", "'1A'"),
        ("name=f&memory_mb=4097", "4097"),
        ("name=f&timeout=16m", "960000"),
        ("name=f&price_book=acme", "acme"),
    ];
    for (settings, part) in cases {
        let detail = app.post(&format!("/api/v1/functions?{settings}"), ECHO).await.problem(400, "invalid-request");
        assert!(detail.contains(part), "{settings}: {detail}");
    }
    app.post("/api/v1/functions?name=f", "").await.problem(400, "invalid-request");
    app.post("/api/v1/functions?name=f", "(module").await.problem(422, "invalid-function");
    let page = Request::post("/api/v1/functions?name=f").header("content-type", "application/json");
    app.send(page, "{}").await.problem(415, "unsupported-media-type");
    assert_eq!(app.get("/api/v1/functions").await.json()["items"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn environments_are_started_ahead_of_calls_and_shown() {
    let app = App::new().await;
    let settings = "&provisioned_concurrency=2";
    let ready = async |name: &str, count: u32| {
        for _ in 0..3_000 {
            let item = app.get(&format!("/api/v1/functions/{name}")).await.json();
            if item["provisioned_ready"] == count {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("'{name}' never has {count} environments");
    };
    app.deploy("shop", PROBE, settings).await;
    ready("shop", 2).await;
    let page = app.get("/api/v1/functions").await.json();
    assert_eq!(page["items"][0]["provisioned_ready"], 2);
    let calls = futures::future::join_all((0..3).map(|_| app.get("/fn/shop/sleep?ms=400"))).await;
    assert!(calls.iter().all(|reply| reply.status == 200));
    let metrics = app.get("/metrics").await;
    for (name, value) in
        [("environments_wanted", 2), ("environments_ready", 2), ("environments_in_use", 0), ("spillovers_total", 1)]
    {
        let line = format!("faremeter_function_provisioned_{name}{{function=\"shop\"}} {value}\n");
        assert!(metrics.text().contains(&line), "{line}: {}", metrics.text());
    }
    let rows = app.sql("SELECT init_type, cold, count(*) AS n FROM invocations GROUP BY 1, 2 ORDER BY 1").await;
    let expected = serde_json::json!([
        {"init_type": "on-demand", "cold": true, "n": 1}, {"init_type": "provisioned", "cold": false, "n": 2},
    ]);
    assert_eq!(rows["rows"], expected);

    // Two of the account's thousand are set aside already.
    let refused = app.post("/api/v1/functions?name=more&reserved_concurrency=999", PROBE).await;
    assert!(refused.problem(400, "invalid-request").contains("leave 998"));
    assert_eq!(app.send(Request::delete("/api/v1/functions/shop"), "").await.status, 204);
    let metrics = app.get("/metrics").await;
    assert!(!metrics.text().contains("faremeter_function_provisioned_environments_wanted{"), "{}", metrics.text());
    app.deploy("more", PROBE, "&reserved_concurrency=999").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_can_be_called_and_gone_back_to() {
    let app = App::new().await;
    for settings in ["&memory_mb=64", "&memory_mb=65", "&memory_mb=66"] {
        app.deploy("f", ECHO, settings).await;
    }
    let ran = async |target: &str| {
        let reply = app.post(target, "tea").await;
        assert_eq!((reply.status.as_u16(), reply.text()), (200, "tea"), "{target}");
        reply.header("x-faremeter-version").to_owned()
    };
    assert_eq!(ran("/fn/f").await, "3");
    for target in ["/fn/f@1", "/fn/f@1/", "/fn/f@1/deep/path?x=1", "/api/v1/functions/f/invocations?version=1"] {
        assert_eq!(ran(target).await, "1", "{target}");
    }
    let page = app.get("/api/v1/functions/f/versions?limit=2").await.json();
    let numbers = |page: &serde_json::Value| -> Vec<u64> {
        page["items"].as_array().unwrap().iter().map(|item| item["version"].as_u64().unwrap()).collect()
    };
    assert_eq!((numbers(&page), &page["next_cursor"]), (vec![3, 2], &"2".into()));
    assert_eq!((&page["items"][1]["url"], &page["items"][1]["memory_mb"]), (&"/fn/f@2".into(), &65.into()));
    let page = app.get("/api/v1/functions/f/versions?limit=2&cursor=2").await.json();
    assert!(numbers(&page) == [1] && page["next_cursor"].is_null(), "{page}");

    let choose = async |body: &str| {
        let request = Request::put("/api/v1/functions/f/active").header("content-type", "application/json");
        app.send(request, body.to_owned()).await
    };
    let item = choose(r#"{"version":2}"#).await.json();
    assert_eq!((&item["version"], &item["active_version"], &item["memory_mb"]), (&3.into(), &2.into(), &66.into()));
    assert_eq!((ran("/fn/f").await.as_str(), ran("/fn/f@3").await.as_str()), ("2", "3"));
    choose(r#"{"version":9}"#).await.problem(404, "version-not-found");
    for wrong in ["", "{}", "{\"version\":-1}", "{\"version\":1,\"x\":1}", "1"] {
        choose(wrong).await.problem(400, "invalid-request");
    }
    app.deploy("f", ECHO, "&memory_mb=67").await;
    assert_eq!(ran("/fn/f").await, "4", "a later deployment moves on");

    assert_eq!(app.send(Request::delete("/api/v1/functions/f"), "").await.status, 204);
    app.get("/fn/f@1").await.problem(404, "function-not-found");
    app.get("/api/v1/functions/f/versions").await.problem(404, "function-not-found");
    app.deploy("f", ECHO, "").await;
    app.get("/fn/f@1").await.problem(404, "version-not-found");
    assert_eq!(ran("/fn/f@5").await, "5");
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_that_cannot_run_say_so() {
    let app = App::new().await;
    app.deploy("f", ECHO, "").await;
    let wrong =
        "(module (import \"wasi_snapshot_preview1\" \"fd_write\" (func (param i64))) (func (export \"_start\")))";
    assert_eq!(app.post("/api/v1/functions?name=f", wrong).await.status, 202);
    assert_eq!(app.settled("f").await, "failed");
    for target in ["/fn/f@2", "/api/v1/functions/f/invocations?version=2"] {
        let detail = app.post(target, "").await.problem(409, "function-failed");
        assert!(detail.contains("fd_write"), "{detail}");
    }
    let request = Request::put("/api/v1/functions/f/active").header("content-type", "application/json");
    app.send(request, "{\"version\":2}").await.problem(409, "function-failed");
    for unknown in ["/fn/f@3", "/fn/f@0", "/fn/f@", "/fn/f@x", "/fn/f@-1", "/fn/f@+1", "/fn/f@1@1", "/fn/f@99999999999"]
    {
        app.get(unknown).await.problem(404, "version-not-found");
    }
    app.get("/fn/g@1").await.problem(404, "function-not-found");
    for wrong in ["version=x", "version=1&version=1", "versoin=1"] {
        app.post(&format!("/api/v1/functions/f/invocations?{wrong}"), "").await.problem(400, "invalid-request");
    }
}

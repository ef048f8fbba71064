//! The whole line, as a newcomer goes along it: deploy, call, read what the call did and cost, list, replace, remove.

use serde_json::Value;

use crate::support::money;
use crate::support::rows::Row;
use crate::support::server::Server;
use crate::support::{guest, http::Request, probe, sample};

#[test]
fn a_function_is_deployed_called_and_recorded() {
    let server = Server::shared();
    let deployed = server.cli(&["deploy", "line-hello", &sample("hello/hello.wat"), "--tag", "team=shop"]).ok();
    assert!(deployed.contains("line-hello version 1 is active"), "{deployed}");

    let called = server.cli(&["invoke", "line-hello", "--payload", "Ada", "--report"]);
    assert_eq!((called.code, called.stdout.trim_end()), (0, r#"{"greeting":"Hello, Ada!"}"#));
    let report = called.stderr.trim_end();
    assert!(report.starts_with("ok 200 · cold · "), "{report}");
    for part in ["handler ", " ms · billed ", " of 128 MB · ", " USD · "] {
        assert!(report.contains(part), "{part}: {report}");
    }

    let id = report.rsplit(' ').next().expect("a report ends with the id");
    let row = server.record(id);
    check_origin(&row);
    check_usage(&row);
    assert_eq!(row.int("response_bytes"), called.stdout.len() as i64);
    let cost = report.split(" · ").find_map(|part| part.strip_suffix(" USD")).expect("a report names the cost");
    assert_eq!(money::units(cost), money::units(row.text("list_cost")), "the report and the record agree");

    let again = server.cli(&["invoke", "line-hello", "--payload", "Grace", "--report"]);
    assert!(again.stderr.contains("ok 200 · warm · "), "{again:?}");
}

/// Who ran it, where, when, and for whom.
fn check_origin(row: &Row) {
    let expected = [
        ("tenant", "default"),
        ("function", "line-hello"),
        ("version", "1"),
        ("region", "us-east-1"),
        ("architecture", "x86_64"),
        ("runtime", "wasi-preview1"),
        ("source", "executor"),
        ("account", "default"),
        ("init_type", "on-demand"),
        ("outcome", "ok"),
        ("currency", "USD"),
    ];
    for (column, value) in expected {
        assert_eq!(row.text(column), value, "{column}");
    }
    let hex = |column: &str, length| {
        let text = row.text(column);
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    assert!(hex("trace_id", 32) && hex("span_id", 16), "{row:?}");
    assert_eq!((row.text("invocation_id").len(), row.int("attempt")), (36, 1));
    assert!(["http", "other"].contains(&row.text("trigger")), "{row:?}");
    assert_eq!(row.entry("tags", "team"), "shop");
    assert!(!row.text("environment_id").is_empty() && row.flag("cold"), "{row:?}");
    for column in ["error_type", "error_message", "throttle_reason"] {
        assert!(row.is_null(column), "{column}: {row:?}");
    }
}

/// What it used, and what that costs.
fn check_usage(row: &Row) {
    for phase in ["queue_ns", "load_ns", "init_ns"] {
        assert!(row.int(phase) >= 0, "{phase}: {row:?}");
    }
    assert_eq!(row.int("compile_ns"), 0, "it was compiled when it was deployed");
    assert!(row.int("load_ns") + row.int("instantiate_ns") > 0, "a cold start takes time: {row:?}");
    assert!(row.int("duration_ns") > 0 && row.int("cpu_ns") > 0, "{row:?}");
    assert_eq!(row.int("billed_ms"), money::billed_ms(row));
    assert_eq!((row.int("memory_mb"), row.int("ephemeral_storage_mb"), row.int("streamed_bytes")), (128, 512, 0));
    assert!((65_536..=128 << 20).contains(&row.int("peak_memory_bytes")), "{row:?}");
    assert_eq!((row.int("request_bytes"), row.int("http_status")), (3, 200));
    assert!(row.text("price_book").starts_with("aws-lambda@"), "{row:?}");
    assert_eq!(money::units(row.text("list_cost")), money::price_of(row));
}

#[test]
fn a_component_has_a_url_of_its_own() {
    let server = Server::shared();
    server.deploy("line-probe", &probe(), &["--env", "SHOP=tea"]);
    let request = Request::post("/fn/line-probe/deep/echo?x=1", "über alles\0").header("content-type", "text/x-own");
    let answer = server.send(&request);
    assert_eq!((answer.status, answer.text()), (200, "über alles\0"));
    assert_eq!(answer.header("content-type"), "text/x-own");
    let row = server.record(answer.invocation_id());
    assert_eq!((row.text("runtime"), row.text("trigger"), row.text("outcome")), ("wasi-http", "http", "ok"));
    assert_eq!((row.int("request_bytes"), row.int("response_bytes")), (12, 12));

    assert_eq!(server.get("/fn/line-probe/status?code=418").status, 418, "a guest's own status goes through");
    assert_eq!(server.get("/fn/line-probe/unheard-of").status, 404);
    let env = server.get("/fn/line-probe/env").json();
    assert_eq!(env.get("SHOP").and_then(Value::as_str), Some("tea"));
    assert!(env.get("PATH").is_none() && env.get("HOME").is_none(), "nothing of the host's own: {env}");
    let head = server.send(&Request::new("HEAD", "/fn/line-probe/echo"));
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn variables_of_a_command_are_those_it_was_deployed_with() {
    let server = Server::shared();
    server.deploy("line-environ", &guest("environ.wat"), &["--env", "ONE=1", "--env", "TWO=a=b"]);
    let answer = server.invoke("line-environ", "");
    let lines: Vec<&str> = answer.text().lines().collect();
    assert!(lines.contains(&"ONE=1") && lines.contains(&"TWO=a=b"), "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with("PATH=") || line.starts_with("HOME=")), "{lines:?}");
}

#[test]
fn a_second_deployment_is_version_two() {
    let server = Server::shared();
    server.deploy("line-versions", &guest("ok.wat"), &["--memory-mb", "64"]);
    let first = server.record(server.invoke("line-versions", "x").invocation_id());
    let deployed = server.cli(&["deploy", "line-versions", &guest("noinput.wat"), "--memory-mb", "96"]).ok();
    assert!(deployed.contains("line-versions version 2 is active"), "{deployed}");

    let answer = server.invoke("line-versions", "x");
    assert_eq!(answer.text(), "ok", "the new code answers");
    let second = server.record(answer.invocation_id());
    assert_eq!((first.text("version"), first.int("memory_mb")), ("1", 64));
    assert_eq!((second.text("version"), second.int("memory_mb"), second.flag("cold")), ("2", 96, true));
    assert_ne!(first.text("environment_id"), second.text("environment_id"));

    let refused = server.cli(&["deploy", "line-versions", &guest("nostart.wat")]);
    assert!(refused.failed(1).contains("_start"), "{refused:?}");
    assert_eq!(server.invoke("line-versions", "x").text(), "ok", "a failed deployment leaves the old version");
}

#[test]
fn functions_are_listed_and_removed() {
    let server = Server::shared();
    let options = ["--tenant", "acme", "--architecture", "arm64", "--reserved-concurrency", "7", "--timeout", "1500ms"];
    server.deploy("line-listed", &guest("ok.wat"), &options);
    let listed = server.cli(&["functions"]).ok();
    assert!(listed.contains("line-listed") && listed.contains("active"), "{listed}");
    let csv = server.cli(&["functions", "--output", "csv"]).ok();
    assert!(csv.starts_with("name,version,state,"), "{csv}");
    let all: Value = serde_json::from_str(&server.cli(&["functions", "--output", "json"]).ok()).expect("JSON");
    let mine = all.as_array().and_then(|all| all.iter().find(|item| item["name"] == "line-listed")).expect("listed");
    assert_eq!((&mine["version"], &mine["state"], &mine["tenant"]), (&1.into(), &"active".into(), &"acme".into()));
    assert_eq!((&mine["architecture"], &mine["timeout_ms"]), (&"arm64".into(), &1500.into()));
    assert_eq!((&mine["memory_mb"], &mine["reserved_concurrency"]), (&128.into(), &7.into()));

    let id = server.invoke("line-listed", "last words").invocation_id().to_owned();
    server.cli(&["remove", "line-listed"]).ok();
    server.invoke("line-listed", "x").problem(404);
    server.get("/api/v1/functions/line-listed").problem(404);
    assert_eq!(server.record(&id).text("tenant"), "acme", "records outlive their function");
    let again = server.cli(&["remove", "line-listed"]);
    assert!(again.failed(1).contains("line-listed"), "{again:?}");
}

#[test]
fn functions_come_in_pages() {
    let server = Server::shared();
    let wanted = ["line-page-a", "line-page-b", "line-page-c"];
    wanted.iter().for_each(|name| server.deploy(name, &guest("ok.wat"), &[]));
    let mut names: Vec<String> = Vec::new();
    let mut target = "/api/v1/functions?limit=2".to_owned();
    loop {
        let page = server.get(&target).json();
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= 2, "{page}");
        names.extend(items.iter().map(|item| item["name"].as_str().expect("a name").to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        let cursor: String = url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
        target = format!("/api/v1/functions?limit=2&cursor={cursor}");
    }
    assert!(wanted.iter().all(|wanted| names.iter().filter(|name| name == wanted).count() == 1), "{names:?}");
}

#[test]
fn what_watches_a_server_finds_what_it_needs() {
    let server = Server::shared();
    server.deploy("line-watched", &guest("ok.wat"), &[]);
    let id = server.invoke("line-watched", "x").invocation_id().to_owned();
    assert_eq!((server.get("/healthz").status, server.get("/readyz").status), (200, 200));
    let metrics = server.get("/metrics");
    assert_eq!(metrics.status, 200);
    assert!(metrics.text().contains("line-watched") && metrics.text().contains("# TYPE faremeter_"), "{metrics:?}");

    for (path, shown) in [("/", "Overview"), ("/functions", "line-watched"), ("/invocations", id.as_str())] {
        let page = server.get(path);
        assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
        assert!(page.text().contains(shown), "{path}: {}", page.text());
    }

    let openapi = server.get("/api/openapi.json").json();
    assert!(openapi["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{openapi}");
    let paths = ["/api/v1/functions", "/api/v1/functions/{name}/invocations", "/api/v1/query", "/healthz", "/readyz"];
    for path in paths {
        assert!(openapi["paths"].get(path).is_some(), "{path} is described");
    }
}

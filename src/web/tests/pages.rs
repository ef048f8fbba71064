//! The pages beside the boards: what they show, that what a function says is shown as text, and the files that they need.

use serde_json::Value;

use super::{App, ECHO, PROBE, TRAP};

/// What a strict policy would refuse.
fn assert_strict(html: &str) {
    assert!(!html.contains("style=\"") && !html.contains("<style"), "no style in line");
    for script in html.split("<script").skip(1) {
        let tag = script.split('>').next().unwrap();
        assert!(tag.contains("src=\"/assets/") || tag.contains("type=\"application/json\""), "in line: {tag}");
    }
    for event in ["onclick=", "onload=", "onerror=", "javascript:"] {
        assert!(!html.contains(event), "{event}");
    }
}

impl App {
    async fn page(&self, target: &str) -> String {
        let reply = self.get(target).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("content-type")),
            (200, "text/html; charset=utf-8"),
            "{target}"
        );
        assert_strict(reply.text());
        reply.text().to_owned()
    }

    /// The value of one column of the only row.
    async fn one(&self, sql: &str) -> Value {
        let rows = self.sql(sql).await["rows"].clone();
        let row = rows[0].as_object().unwrap_or_else(|| panic!("{sql}: {rows}"));
        row.values().next().unwrap().clone()
    }
}

fn assert_has(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}

/// The names of functions in the order of the page.
fn names(html: &str) -> Vec<&str> {
    let rows = html.split("<a href=\"/functions/").skip(1);
    rows.map(|row| row.split(['"', '?']).next().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_empty_page_says_how_to_begin() {
    let app = App::new().await;
    let html = app.page("/functions").await;
    assert_has(&html, &["faremeter deploy hello", "curl -i http://localhost:8080/fn/hello"]);
    let small = app.send(http::Request::get("/functions").header("accept-encoding", "gzip"), "").await;
    assert_eq!(small.header("content-encoding"), "gzip");
    app.get("/functions?x=1").await.problem(400, "invalid-request");
    assert_has(&app.page("/invocations").await, &["Nothing was called in this range"]);
    assert_has(&app.page("/sql").await, &["read-only · at most 20 s</span>"]);
    for page in ["/", "/functions", "/invocations", "/reports", "/what-if", "/sql", "/settings"] {
        let html = app.page(page).await;
        assert!(html.contains(&format!("<a href=\"{page}\" aria-current=\"page\"")), "{page} is in the navigation");
        assert!(html.contains("<h1") && html.contains(" · Faremeter</title>"), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_are_listed_sorted_searched_and_paged() {
    let app = App::new().await;
    let limits = "&tenant=shop&tag=team=a&reserved_concurrency=7&rate_per_s=40&memory_mb=64&timeout=1500ms";
    app.deploy("echo", ECHO, limits).await;
    app.deploy("trap", TRAP, "").await;
    app.deploy("idle", ECHO, "").await;
    app.post("/fn/echo", "x").await;
    app.post("/fn/echo", "x").await;
    app.get("/fn/trap").await;
    app.deploy("gone", ECHO, "").await;
    app.post("/fn/gone", "x").await;
    app.send(http::Request::delete("/api/v1/functions/gone"), "").await;
    let html = app.page("/functions").await;
    let parts = ["shop", "team:a", "64 MB", "1.5 s", "7 reserved", "40/s", "100 %", ">removed<", "<polyline points=\""];
    assert_has(&html, &parts);
    let exact = app.one("SELECT sum(list_cost) AS c FROM invocations WHERE function = 'echo'").await;
    assert_has(&html, &[&format!("exactly {} USD", exact.as_str().unwrap())]);
    assert_eq!(names(&html), ["echo", "gone", "trap", "idle"]);
    assert_eq!(names(&app.page("/functions?sort=name&dir=desc").await), ["trap", "idle", "gone", "echo"]);
    assert_eq!(names(&app.page("/functions?sort=errors&dir=desc").await)[0], "trap");
    assert_eq!(names(&app.page("/functions?q=TEAM").await), ["echo"]);
    assert_eq!(names(&app.page("/functions?tenant=shop").await), ["echo"]);
    assert_eq!(names(&app.page("/functions?tag=team:a").await), ["echo"]);
    assert_has(&app.page("/functions?q=nobody").await, &["No function matches", "Clear them"]);
    let earlier = app.page("/functions?from=now-7d&to=now-1h").await;
    assert_eq!(names(&earlier), ["echo", "idle", "trap"], "what is deployed is there without calls");
    for wrong in ["sort=size", "dir=up", "page=0", "page=x", "from=soon"] {
        app.get(&format!("/functions?{wrong}")).await.problem(400, "invalid-request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invocations_are_filtered_and_paged() {
    let app = App::new().await;
    app.deploy("echo", ECHO, "&tenant=shop&tag=team=a").await;
    app.deploy("trap", TRAP, "").await;
    app.deploy("shut", ECHO, "&reserved_concurrency=0").await;
    let called = app.post("/fn/echo", "x").await;
    for _ in 0..4 {
        app.post("/fn/echo", "x").await;
    }
    app.get("/fn/trap").await;
    app.get("/fn/shut").await;
    let ids = |html: &str| -> Vec<String> {
        let rows = html.split("href=\"/invocations/").skip(1);
        rows.map(|row| row.split('"').next().unwrap().to_owned()).collect()
    };
    // A call that was turned away leaves its row without waiting for it.
    let mut html = app.page("/invocations").await;
    while ids(&html).len() < 7 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        html = app.page("/invocations").await;
    }
    let parts = [
        "Trap.UnreachableCodeReached",
        "function-concurrency",
        ">cold<",
        "warm",
        "of 128 MB",
        "<rect class=\"handler\"",
    ];
    assert_has(&html, &parts);
    assert_has(&html, &[called.header("x-faremeter-list-cost"), called.header("x-faremeter-invocation-id")]);
    assert_eq!(ids(&html).len(), 7);
    let counts = [
        ("outcome=failed", 1),
        ("outcome=ok,throttled", 6),
        ("fn=echo&cold=no", 4),
        ("cold=yes&fn=echo", 1),
        ("tag=team:a", 5),
        ("tenant=shop", 5),
        ("ver=2", 0),
        ("min_duration=1h", 0),
        ("throttle_reason=function-concurrency", 1),
        ("error=unreachablecode", 1),
        ("error=wasm%20%60unreachable", 1),
        ("from=now-2h&to=now-1h", 0),
    ];
    for (filter, count) in counts {
        assert_eq!(ids(&app.page(&format!("/invocations?{filter}")).await).len(), count, "{filter}");
    }
    assert_has(&app.page("/invocations?fn=nobody").await, &["matches the filters", "Clear them"]);
    let mut seen = Vec::new();
    let mut target = "/invocations?limit=3".to_owned();
    for pages in 1.. {
        let html = app.page(&target).await;
        seen.extend(ids(&html));
        let Some((before, _)) = html.split_once("\" rel=\"next\"") else {
            assert_eq!(pages, 3);
            break;
        };
        target = format!("{}&limit=3", before.rsplit("href=\"").next().unwrap().replace("&amp;", "&"));
    }
    assert_eq!(seen, ids(&html), "each row once, in one order");
    let csv = app.get("/invocations?format=csv&fn=echo").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.text().lines().count(), 6);
    assert_eq!(app.get("/invocations?format=json&outcome=failed").await.json()["rows"][0]["function"], "trap");
    for wrong in ["outcome=bad", "cold=1", "cursor=x", "limit=0", "format=xls", "tag=team", "min_duration=1"] {
        app.get(&format!("/invocations?{wrong}")).await.problem(400, "invalid-request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invocation_says_what_it_did_and_cost() {
    let app = App::new().await;
    app.deploy("probe", PROBE, "&memory_mb=256&tag=team=a&tenant=shop").await;
    let called = app.get("/fn/probe/log").await;
    let id = called.header("x-faremeter-invocation-id").to_owned();
    let html = app.page(&format!("/invocations/{id}")).await;
    let cost = called.header("x-faremeter-list-cost");
    assert_has(&html, &[cost, "0.0000166667", "aws-lambda@2025-10-01", "GiB·s", "team:a", "shop", ">cold<", &id]);
    let trace = app.one(&format!("SELECT trace_id FROM invocations WHERE invocation_id = '{id}'")).await;
    assert_has(&html, &[trace.as_str().unwrap(), "<rect class=\"handler\"", "<rect class=\"whole\"", "billed"]);
    let amounts = html.split("<td class=\"n exact\">").skip(1).map(|cell| cell.split('<').next().unwrap());
    let amounts: Vec<crate::units::Money> = amounts.map(|amount| amount.parse().unwrap()).collect();
    let (total, lines) = amounts.split_last().unwrap();
    assert_eq!(lines.len(), 2, "a request and its duration");
    assert_eq!(lines.iter().fold(crate::units::Money::ZERO, |sum, line| sum + *line), *total);
    assert_eq!(total.to_string(), cost);
    let records = app.one(&format!("SELECT count(*) AS n FROM logs WHERE invocation_id = '{id}'")).await;
    assert_eq!(html.matches("<li class=\"").count() as u64, records.as_u64().unwrap());
    assert!(records.as_u64() > Some(0), "the probe logs");
    let json = app.get(&format!("/invocations/{id}?format=json")).await.json();
    assert_eq!(json["rows"][0]["invocation_id"], id.as_str());
    assert!(app.get(&format!("/invocations/{id}?format=csv")).await.text().starts_with("invocation_id,attempt,"));
    app.get(&format!("/invocations/{id}?x=1")).await.problem(400, "invalid-request");
}

#[tokio::test(flavor = "multi_thread")]
async fn invocations_that_failed_or_did_not_run_have_a_page() {
    let app = App::new().await;
    app.deploy("trap", TRAP, "").await;
    app.deploy("shut", ECHO, "&reserved_concurrency=0").await;
    app.get("/fn/trap").await;
    app.get("/fn/shut").await;
    let id = async |function: &str| {
        let sql = format!("SELECT invocation_id FROM invocations WHERE function = '{function}'");
        app.one(&sql).await.as_str().unwrap().to_owned()
    };
    let failed = app.page(&format!("/invocations/{}", id("trap").await)).await;
    let parts = [
        "The function failed",
        "Trap.UnreachableCodeReached",
        "Similar errors",
        "&amp;fingerprint=",
        "outcome=error",
        "Errors of the function",
    ];
    assert_has(&failed, &parts);
    // The link leads to the errors of the group, and to those alone.
    app.deploy("other", "(module (func (export \"_start\") (drop (i32.div_s (i32.const 1) (i32.const 0)))))", "").await;
    app.get("/fn/other").await;
    let group = app.one("SELECT fingerprint FROM error_groups WHERE function = 'trap'").await;
    let group = format!("/invocations?outcome=error&fingerprint={}", group.as_str().unwrap());
    assert!(failed.contains(&group.split_once('?').unwrap().1.replace('&', "&amp;")), "{group} is not in {failed}");
    let alike = app.page(&group).await;
    assert!(alike.contains(&id("trap").await) && !alike.contains(&id("other").await), "{alike}");
    assert_has(&alike, &["error group"]);
    app.get("/invocations?fingerprint=other").await.problem(400, "invalid-request");
    let shut = app.page(&format!("/invocations/{}", id("shut").await)).await;
    assert_has(&shut, &["reserved concurrency was in use", "Nothing ran.", "it costs nothing", "It wrote none."]);
    let reply = app.get("/invocations/nobody%3Cscript%3E").await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (404, "text/html; charset=utf-8"));
    assert_strict(reply.text());
    assert_has(reply.text(), &["nobody&lt;script&gt;", "invocation_id", "kept for 400 days"]);
    let old = app.get("/invocations/01900000-0000-7000-8000-000000000000").await;
    assert_has(old.text(), &["This id was made "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn times_name_their_instant_and_links_keep_the_zone() {
    let app = App::new().await;
    app.deploy("probe", PROBE, "").await;
    app.get("/fn/probe/log").await;
    let began = app.one("SELECT started_at FROM invocations").await.as_str().unwrap().to_owned();
    let clock = &began[11..23];
    let time = format!("datetime=\"{began}\" data-part=\"clock\">{clock}</time>");
    for list in ["/invocations", "/traces"] {
        let html = app.page(&format!("{list}?tz=local&from=1772323200000")).await;
        assert_has(&html, &[&time, "<span class=\"zone\">UTC</span>", "<option value=\"local\" selected>"]);
        assert_has(&html, &["<time datetime=\"2026-03-01T00:00:00", "name=\"from\" value=\"2026-03-01T00:00:00Z\""]);
        let to = html.split(&format!("href=\"{list}/")).nth(1).unwrap().split('"').next().unwrap();
        assert!(to.ends_with("?tz=local"), "{to}");
        let one = app.page(&format!("{list}/{to}")).await;
        assert_has(&one, &[&format!("datetime=\"{began}\" data-part=\"full\">"), "tz=local"]);
        assert_has(&app.page(&format!("{list}/{}", to.replace("local", "UTC"))).await, &[clock]);
    }
    assert_has(&app.page("/logs?tz=local").await, &["data-part=\"clock\">", "?tz=local\">Invocation</a>"]);
    app.page("/settings?tz=local").await;
    for page in ["/settings", "/invocations", "/logs", "/sql"] {
        app.get(&format!("{page}?tz=Mars")).await.problem(400, "invalid-request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_function_says_is_shown_as_text() {
    let app = App::new().await;
    let failing = r#"(module (memory (export "memory") 1) (func $"<script>alert(1)</script>" unreachable)
        (func (export "_start") call $"<script>alert(1)</script>"))"#;
    app.deploy("f", failing, "&tag=k=%3Cscript%3Ealert(2)%3C/script%3E").await;
    app.get("/fn/f/%3Cscript%3E").await;
    let message = app.one("SELECT error_message FROM invocations").await;
    assert!(message.as_str().unwrap().contains("<script>"), "the name is in the message: {message}");
    let id = app.one("SELECT invocation_id FROM invocations").await;
    for page in ["/functions", "/invocations", &format!("/invocations/{}", id.as_str().unwrap())] {
        let html = app.page(page).await;
        assert!(!html.contains("<script>"), "{page}");
    }
    let sql = app.page("/sql?sql=%3C/textarea%3E%3Cscript%3Ealert(3)").await;
    assert!(!sql.contains("</textarea><script>") && sql.contains("&lt;script&gt;alert(3)"));
    let params = app.page("/sql?name=functions_page&tenant=%3C/script%3E%3Cscript%3E").await;
    assert!(!params.contains("</script><script>"), "what goes to the script stays in it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_editor_knows_tables_queries_and_panels() {
    let app = App::new().await;
    let html = app.page("/sql").await;
    let docs = [
        "list price of this attempt",
        "/sql?name=invocations_by_function",
        "data-insert=\"list_cost\"",
        "at most 20 s",
    ];
    assert_has(&html, &docs);
    for table in ["invocations", "spans", "logs", "metrics"] {
        assert_has(&html, &[&format!("<summary>{table}</summary>")]);
    }
    assert_has(&app.page("/sql?sql=SELECT%201").await, &[">SELECT 1</textarea>"]);
    let named = app.page("/sql?name=cost_by_function&from=2026-03-01&to=2026-03-02").await;
    assert_has(&named, &["FROM invocations", "2026-03-01T00:00:00.000000Z"]);
    let board = &app.state.boards.all()[0];
    let panel = &board.panels[0];
    let target = format!("/sql?dashboard={}&panel={}&from=2026-03-01&to=2026-03-02&fn=checkout", board.name, panel.id);
    let html = app.page(&target).await;
    assert_has(&html, &["2026-03-01T00:00:00.000000Z", "\"run\":true"]);
    app.get("/sql?name=nothing").await.problem(404, "not-found");
    app.get("/sql?dashboard=x&panel=y").await.problem(404, "not-found");
    for wrong in ["sql=1&name=cost_by_function", "dashboard=overview", "x=1"] {
        app.get(&format!("/sql?{wrong}")).await.problem(400, "invalid-request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_say_what_is_set_and_where() {
    let app = App::new().await;
    let html = app.page("/settings").await;
    let parts = [
        "Limits of queries",
        "1.5 GB",
        "query.memory_mb",
        "400 days",
        "aws-lambda@2025-10-01",
        "0.0000166667",
        "af-south-1",
    ];
    assert_has(&html, &parts);
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_are_kept_for_good() {
    let app = App::new().await;
    let html = app.page("/functions").await;
    let assets = app.state.pages.assets();
    for asset in [&assets.style, &assets.icon, &assets.pages_style] {
        assert!(html.contains(&asset.path));
        let reply = app.get(&asset.path).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("cache-control")),
            (200, "public, max-age=31536000, immutable")
        );
    }
    assert_eq!(app.get(&assets.sql.path).await.header("content-type"), "text/javascript; charset=utf-8");
    app.get("/assets/faremeter.0.css").await.problem(404, "not-found");
    assert_eq!(app.get("/favicon.ico").await.header("content-type"), "image/svg+xml");
}

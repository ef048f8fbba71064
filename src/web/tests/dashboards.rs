//! Boards by the API: what they are, the lines of their data, one panel's rows, and files that are edited.

use std::path::Path;

use http::Request;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{App, ECHO};
use crate::web::{Config, Principal};

const CALLS: &str = "-- Calls.\n-- param from: timestamp, required\n-- param to: timestamp, required\n\
    -- param step: int = 60\n-- param function: text = null\n-- column bucket: timestamp\n-- column calls: bigint\n\
    SELECT date_bin(CAST($step || ' seconds' AS INTERVAL), started_at) AS bucket, count(*) AS calls\nFROM invocations\n\
    WHERE started_at >= $from AND started_at < $to AND ($function IS NULL OR function = $function)\nGROUP BY 1\n";

fn board(title: &str) -> String {
    let panel =
        |id: &str, more: &str| format!("\n[[panels]]\nid = \"{id}\"\ntitle = \"{id}\"\nquery = \"calls\"\n{more}\n");
    format!("title = \"{title}\"\nabout = \"What is called.\"\n")
        + &panel("over-time", "kind = \"TimeSeriesChart\"\ngap = \"zero\"")
        + &panel("rows", "kind = \"Table\"")
        + &panel("now", "kind = \"StatChart\"\nvalue = \"calls\"\ntrend = { query = \"calls\", value = \"calls\" }")
        + &panel("short", "kind = \"Table\"\nmax_range = \"1h\"")
}

fn write(folder: &Path, file: &str, text: &str) {
    std::fs::write(folder.join(file), text).unwrap();
}

/// An app with a board `mine`, whose function `echo` was called twice.
async fn app() -> (App, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "calls.sql", CALLS);
    write(folder.path(), "mine.toml", &board("Mine"));
    let config = Config { dashboards: Some(folder.path().to_owned()), ..Config::default() };
    let app = App::with(config, Principal::local_operator()).await;
    app.deploy("echo", ECHO, "").await;
    app.post("/fn/echo", "x").await;
    app.post("/fn/echo", "x").await;
    (app, folder)
}

async fn lines(app: &App, target: &str) -> Vec<Value> {
    let reply = app.get(target).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("content-type")),
        (200, "application/x-ndjson"),
        "{}",
        reply.text()
    );
    reply.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn line<'a>(lines: &'a [Value], panel: &str) -> &'a Value {
    lines.iter().find(|line| line["panel"] == panel).unwrap_or_else(|| panic!("{panel} is not in {lines:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reader_sets_reaches_the_query() {
    let (app, folder) = app().await;
    write(folder.path(), "priced.sql", "-- Priced.\n-- param price: decimal, required\nSELECT 3 * $price AS cost");
    let text = "title = \"Priced\"\n[[variables]]\nname = \"price\"\ntitle = \"Price\"\nkind = \"decimal\"\ndefault = \"0.05\"\n\
                [[panels]]\nid = \"p\"\ntitle = \"P\"\nkind = \"Table\"\nquery = \"priced\"\n";
    write(folder.path(), "priced.toml", text);
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    for (query, cost) in [("", 0.15), ("?var-price=1.5", 4.5)] {
        let reply = app.get(&format!("/api/v1/dashboards/priced/panels/p{query}")).await.json();
        let found: f64 = reply["rows"][0]["cost"].as_str().expect("a decimal").parse().expect("a number");
        assert!((found - cost).abs() < 1e-12, "{reply}");
        let page = app.get(&format!("/dashboards/priced{query}")).await;
        assert!(page.text().contains("name=\"var-price\""), "{}", page.text());
    }
    for target in ["/api/v1/dashboards/priced/data", "/dashboards/priced"] {
        let reply = app.get(&format!("{target}?var-price=dear")).await;
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains("var-price=dear: it takes a number"), "{}", reply.text());
    }
    assert_eq!(app.get("/api/v1/dashboards/mine/data?var-price=1").await.status, 400, "mine has no variables");
}

#[tokio::test(flavor = "multi_thread")]
async fn boards_are_listed_and_described() {
    let (app, _folder) = app().await;
    let all = app.get("/api/v1/dashboards").await.json();
    let items = all["items"].as_array().unwrap();
    let mine = json!({"name": "mine", "title": "Mine", "path": "/dashboards/mine", "about": "What is called."});
    assert!(items.contains(&mine) && items.iter().any(|item| item["path"] == "/"), "{all}");
    assert_eq!(all["next_cursor"], Value::Null);
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/api/v1/dashboards?limit=1&cursor={cursor}")).await.json();
        names.push(page["items"][0]["name"].clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        next.clone_into(&mut cursor);
    }
    assert_eq!(names, items.iter().map(|item| item["name"].clone()).collect::<Vec<_>>());
    let board = app.get("/api/v1/dashboards/mine").await.json();
    assert_eq!(
        (&board["panels"][0]["id"], &board["panels"][0]["kind"]),
        (&json!("over-time"), &json!("TimeSeriesChart"))
    );
    let detail = app.get("/api/v1/dashboards/none").await.problem(404, "not-found");
    assert!(detail.contains("'none'") && detail.contains("mine"), "{detail}");
    app.get("/api/v1/dashboards/mine?x=1").await.problem(400, "invalid-request");
    let page = app.get("/dashboards/mine").await;
    assert!(page.status == 200 && page.text().contains("Mine"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_panel_has_a_line() {
    let (app, _folder) = app().await;
    let all = lines(&app, "/api/v1/dashboards/mine/data?from=now-10m&cmp=-1d").await;
    assert_eq!(all.len(), 5, "four panels and the marks: {all:?}");
    let chart = line(&all, "over-time");
    let values = chart["series"][0]["values"].as_array().unwrap();
    assert_eq!(values.len(), chart["times"].as_array().unwrap().len());
    assert_eq!(values.iter().map(|value| value.as_i64().unwrap()).sum::<i64>(), 2, "each bucket has a value: {chart}");
    let now = line(&all, "now");
    assert!(now["trend"]["times"].is_array(), "{now}");
    assert_eq!(now["previous"]["columns"][1]["values"], json!([]), "nothing was called a day ago: {now}");
    assert_eq!(line(&all, "rows")["columns"][1]["name"], "calls");
    let day = lines(&app, "/api/v1/dashboards/mine/data?panel=short&panel=rows").await;
    assert_eq!(day.len(), 2, "no chart, no marks: {day:?}");
    assert!(line(&day, "short")["notice"].as_str().unwrap().contains("the last 1h of the range"), "{day:?}");
    let none = lines(&app, "/api/v1/dashboards/mine/data?panel=rows&fn=other").await;
    assert_eq!(line(&none, "rows")["columns"][1]["values"], json!([]));
    let detail = app.get("/api/v1/dashboards/mine/data?panel=none").await.problem(404, "not-found");
    assert!(detail.contains("'none'"), "{detail}");
    app.get("/api/v1/dashboards/none/data").await.problem(404, "not-found");
    app.get("/api/v1/dashboards/mine/data?from=tomorrow").await.problem(400, "invalid-request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_is_taken_away_as_it_is() {
    let (app, _folder) = app().await;
    let rows = app.get("/api/v1/dashboards/mine/panels/rows?fn=echo").await;
    assert_eq!((rows.header("content-type"), rows.header("content-disposition")), ("application/json", ""));
    let json = rows.json();
    assert_eq!((&json["panel"], &json["query"]), (&json!("rows"), &json!("calls")));
    assert!(json["sql"].as_str().unwrap().contains("FROM invocations"));
    assert_eq!((&json["params"]["function"], &json["params"]["step"]), (&json!("echo"), &json!(300)));
    assert!(json["params"]["from"].as_str().unwrap().ends_with('Z'));
    assert_eq!((json["rows"][0]["calls"].as_i64(), &json["columns"][1]["type"]), (Some(2), &json!("bigint")));
    let csv = app.get("/api/v1/dashboards/mine/panels/rows?from=2026-03-01&to=2026-03-02&format=csv").await;
    assert_eq!((csv.header("content-type"), csv.text()), ("text/csv", "bucket,calls\r\n"));
    assert_eq!((csv.header("x-faremeter-rows"), csv.header("x-faremeter-query")), ("0", "calls"));
    let file = "attachment; filename=\"mine-rows-20260301T000000-20260302T000000.csv\"";
    assert_eq!(csv.header("content-disposition"), file);
    let by_accept =
        app.send(Request::get("/api/v1/dashboards/mine/panels/rows").header("accept", "text/csv"), "").await;
    assert!(by_accept.text().starts_with("bucket,calls\r\n"), "{}", by_accept.text());
    let html = app.send(Request::get("/api/v1/dashboards/mine/panels/rows").header("accept", "text/html"), "").await;
    html.problem(406, "not-acceptable");
    let detail = app.get("/api/v1/dashboards/mine/panels/rows?format=pdf").await.problem(400, "invalid-request");
    assert!(detail.contains("format=pdf: there are json, csv, arrow"), "{detail}");
    let range = "from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z";
    let part = app.get(&format!("/api/v1/dashboards/mine/panels/short?{range}")).await.json();
    assert_eq!(part["params"]["from"], "2026-03-01T23:00:00.000000Z", "the last part of a long range: {part}");
    app.get("/api/v1/dashboards/mine/panels/none").await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_board_is_shown_and_a_wrong_one_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "calls.sql", CALLS);
    write(folder.path(), "mine.toml", &board("Mine"));
    let config = Config { dashboards: Some(folder.path().to_owned()), ..Config::default() };
    let app = App::with(config, Principal::local_operator()).await;
    write(folder.path(), "mine.toml", &board("Mine, edited"));
    assert_eq!(app.get("/api/v1/dashboards/mine").await.json()["title"], "Mine, edited");
    let names = app.get("/api/v1/queries?limit=1000").await.json();
    assert!(names["items"].as_array().unwrap().iter().any(|query| query["name"] == "calls"));
    write(folder.path(), "mine.toml", "title = 7");
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    let page = app.get("/dashboards/mine").await;
    assert!(
        page.text().contains("Mine, edited") && page.text().contains("mine.toml:1: invalid type"),
        "{}",
        page.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_offer_what_was_called() {
    let (app, _folder) = app().await;
    let offered = app.get("/api/v1/filters?from=now-1h").await.json();
    let expected = json!([{"name": "echo", "tenant": "default", "versions": ["1"]}]);
    assert_eq!((&offered["functions"], &offered["tenants"]), (&expected, &json!(["default"])));
    assert_eq!((&offered["regions"], &offered["tags"]), (&json!(["us-east-1"]), &json!([])));
    let before = app.get("/api/v1/filters?from=2026-03-01&to=2026-03-02").await.json();
    assert_eq!(before["functions"], json!([]));
}

//! The pages of boards as the server sends them: the frame, a card for each panel, controls that work as links, and the
//! files that they need. What scripts make of them is seen by the browser's tests.

use serde_json::Value;

use super::{App, ECHO};

/// What the style sheet and all own scripts may take together, compressed.
const OWN_BYTES: usize = 40 * 1024;

fn script_data(html: &str) -> Value {
    let (_, rest) = html.split_once(r#"<script type="application/json" id="board">"#).expect("the board's data");
    let (json, _) = rest.split_once("</script>").expect("its end");
    serde_json::from_str(json).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_board_has_a_page_with_its_panels() {
    let app = App::new().await;
    for board in app.state.boards.all().iter() {
        let path = board.path.replace("{name}", "echo");
        let reply = app.get(&path).await;
        assert_eq!(reply.status.as_u16(), 200, "{path}");
        let html = reply.text();
        assert_eq!(html.matches("<h1").count(), 1, "{path}");
        for panel in &board.panels {
            let card = format!("{:?} w{} h{}\" id=\"panel-{}\"", panel.kind, panel.grid.w, panel.grid.h, panel.id);
            assert!(html.contains(&card), "{path} has no {card}");
        }
        let without_data = html.replace(r#"<script type="application/json""#, "").replace("<script src=", "");
        assert!(!without_data.contains("<script") && !html.contains("style="), "{path} has something in line");
        let panels = script_data(html)["board"]["panels"].as_array().map(Vec::len);
        assert_eq!(panels, Some(board.panels.len()), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_keep_range_and_filters() {
    let app = App::new().await;
    let html = app.get("/?from=now-7d&tenant=a%26b&step=1h&fn=echo").await.text().to_owned();
    let kept = "from=now-7d&amp;tenant=a%26b&amp;fn=echo";
    assert!(html.contains(&format!("href=\"/errors?{kept}\"")), "the navigation keeps them, and no step: {html}");
    assert!(html.contains(r#"href="?from=now-1h&amp;to=now&amp;tenant=a%26b&amp;fn=echo""#), "so do ranges");
    assert!(
        html.contains(r#"<a class="chip" href="?from=now-7d&amp;tenant=a%26b" data-drop="fn">"#),
        "a chip drops one"
    );
    let fixed = app.get("/functions/echo?region=eu&from=1772323200000&to=1772326800000").await.text().to_owned();
    let label = "data-part=\"minute\">2026-03-01 00:00</time> – <time datetime=\"2026-03-01T01:00:00.000000Z\"";
    assert!(fixed.contains("<h1>echo</h1>") && fixed.contains(label), "{fixed}");
    assert!(
        fixed.contains(r#"data-drop="region""#) && !fixed.contains(r#"data-drop="fn""#),
        "the path's function stays"
    );
    assert!(fixed.contains("href=\"?from=1772321400000&amp;to=1772325000000&amp;region=eu\""), "half an hour earlier");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_address_is_shown_as_text() {
    let app = App::new().await;
    let html = app.get("/functions/%3Cscript%3Ex?tenant=%22%3E%3Cscript%3E").await.text().to_owned();
    assert!(!html.contains("<script>") && html.contains("&lt;script&gt;x"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_learns_which_functions_there_are() {
    let app = App::new().await;
    assert_eq!(script_data(app.get("/").await.text())["functions"], Value::Array(Vec::new()));
    app.deploy("echo", ECHO, "").await;
    let data = script_data(app.get("/").await.text());
    assert_eq!((&data["functions"][0], &data["server"]), (&Value::from("echo"), &Value::from("localhost:8080")));
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_are_all_there_and_light() {
    let app = App::new().await;
    let html = app.get("/").await.text().to_owned();
    let assets = app.state.pages.assets();
    let mut bytes = 0;
    for asset in assets.modules.iter().chain([&assets.style, &assets.theme]) {
        let text = app.get(&asset.path).await.text().to_owned();
        assert!(!text.contains("from \"./"), "{} takes from a module that is not before it", asset.path);
        for named in text.split("from \"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert_eq!(app.get(named).await.status.as_u16(), 200, "{} takes from {named}", asset.path);
        }
        assert!(html.contains(&asset.path), "the page does not name {}", asset.path);
        let small = app.send(http::Request::get(&asset.path).header("accept-encoding", "gzip"), "").await;
        bytes += small.body.len();
    }
    assert!(bytes < OWN_BYTES, "own scripts and style take {bytes} bytes");
}

/// The paths of all that a script takes from, each once.
async fn taken(app: &App, path: &str, all: &mut Vec<String>) {
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        if all.contains(&path) {
            continue;
        }
        let text = app.get(&path).await.text().to_owned();
        assert!(!text.contains("from \"./"), "{path} takes from a module that is not before it");
        waiting.extend(text.split("from \"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        all.push(path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_telemetry_are_light_too() {
    let app = App::new().await;
    let assets = app.state.pages.assets();
    for (name, script) in &assets.scripts {
        let mut all = vec![assets.style.path.clone(), assets.pages_style.path.clone(), assets.theme.path.clone()];
        taken(&app, &script.path, &mut all).await;
        let mut bytes = 0;
        for path in &all {
            bytes += app.send(http::Request::get(path).header("accept-encoding", "gzip"), "").await.body.len();
        }
        assert!(bytes < OWN_BYTES, "own scripts and styles of {name} take {bytes} bytes");
    }
}

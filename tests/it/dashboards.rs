//! Boards as files: the check, the export, and a server with boards of its user's.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::support::cli::cli;
use crate::support::path_text;
use crate::support::server::Home;

const BOARD: &str = "title = \"Slow calls\"\n\n[[panels]]\nid = \"over-time\"\ntitle = \"Calls\"\n\
    kind = \"TimeSeriesChart\"\nquery = \"slow_calls\"\n";
const QUERY: &str = "-- Calls by function.\n-- param from: timestamp, required\n-- param to: timestamp, required\n\
    -- param step: int = 3600\n-- column bucket: timestamp\n-- column series: text\n-- column calls: bigint\n\
    SELECT date_bin(CAST($step || ' seconds' AS INTERVAL), started_at) AS bucket, function AS series, count(*) AS calls\n\
    FROM invocations WHERE started_at >= $from AND started_at < $to GROUP BY 1, 2\n";

fn write(folder: &Path, file: &str, text: &str) {
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join(file), text).expect("written");
}

#[test]
fn boards_are_checked_before_they_are_served() {
    let all = cli(&["dashboard", "check"]).ok();
    assert!(all.starts_with("the boards of the program are right: "), "{all}");
    let home = Home::new();
    let (folder, boards) = (home.folder().join("boards"), path_text(home.folder().join("boards")));
    write(&folder, "slow-calls.toml", BOARD);
    let ran = cli(&["dashboard", "check", &boards]);
    let expected = format!("{boards}/slow-calls.toml:7: there is no query 'slow_calls': ");
    assert!(ran.stdout.starts_with(&expected) && ran.stdout.lines().count() == 1, "{ran:?}");
    assert!(ran.failed(1).contains("1 fault in the boards of"), "{ran:?}");
    let home = Arc::new(home.arg("--dashboards").arg(&boards));
    let refused = cli(&["serve", "--listen", "127.0.0.1:0", "--data", &home.data_text(), "--dashboards", &boards]);
    assert!(refused.code == 1 && refused.stderr.contains(&expected), "{refused:?}");

    write(&folder, "slow_calls.sql", QUERY);
    let ok = cli(&["dashboard", "check", &boards]).ok();
    assert!(ok.ends_with("are right: 1 board, 1 query\n"), "{ok}");
    let server = home.serve();
    let board = server.get("/api/v1/dashboards/slow-calls");
    assert_eq!(board.status, 200);
    let answer = server.get("/api/v1/dashboards/slow-calls/data?from=now-1h");
    let lines = answer.text();
    let ours = lines.lines().find(|line| line.contains("over-time")).expect("a line for the panel");
    let line: Value = serde_json::from_str(ours).expect("JSON");
    assert!(line["times"].is_array() && line["error"].is_null(), "{line}");
}

#[test]
fn boards_are_written_for_other_programs() {
    let grafana: Value =
        serde_json::from_str(&cli(&["dashboard", "export", "overview", "--to", "grafana"]).ok()).expect("JSON");
    let panels = grafana["panels"].as_array().expect("panels");
    assert!(!panels.is_empty() && panels.iter().all(|panel| panel["targets"][0]["url_options"]["data"].is_string()));
    let folder = tempfile::tempdir().expect("a folder");
    let out = path_text(folder.path());
    cli(&["dashboard", "export", "--to", "perses", "--out", &out]).ok();
    let perses = std::fs::read_to_string(folder.path().join("costs.json")).expect("a file for each board");
    let perses: Value = serde_json::from_str(&perses).expect("JSON");
    assert_eq!((&perses["kind"], &perses["metadata"]["name"]), (&Value::from("Dashboard"), &Value::from("costs")));
    let none = cli(&["dashboard", "export", "nope", "--to", "grafana"]);
    assert!(none.failed(1).contains("there is no board 'nope'; there are "), "{none:?}");
    assert!(cli(&["dashboard", "export", "overview"]).failed(2).contains("--to"));
    assert!(cli(&["dashboard", "export", "--to", "perses"]).failed(1).contains("--out"));
}

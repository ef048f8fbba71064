//! Exported boards are what Grafana and Perses say that boards are: they are held to the types that both publish, by TypeScript's own
//! compiler. Without Node.js, npm or a registry to install from, that is left out.

use std::path::Path;
use std::process::Command;

use crate::support::cli::cli;
use crate::support::packages::{installed, ran};
use crate::support::{path_text, repository};

/// What the program's own boards do not use.
const EVERY: &str = r#"
title = "Every word"
about = "What the program's own boards do not use."
variables = [
    { name = "least", title = "At least", kind = "int", default = "5", options = ["5", "50"] },
    { name = "word", title = "Word", kind = "text", default = "x" },
]
panels = [
    { id = "log", title = "Log", kind = "TimeSeriesChart", query = "durations_over_time", unit = "nanoseconds", scale = "log", thresholds = [
        { value = 1000000.0, color = "warn", title = "slow" },
        { value = 2000000.0, color = "bad" },
    ] },
    { id = "areas", title = "Areas", kind = "TimeSeriesChart", query = "invocations_over_time_by_version", unit = "per-second", display = "stacked-area", gap = "zero", filter = "ver" },
    { id = "histogram", title = "Histogram", kind = "HistogramChart", query = "duration_histogram", unit = "milliseconds" },
    { id = "bars", title = "Bars", kind = "BarChart", query = "idle_before_cold_starts", unit = "megabytes" },
    { id = "stat", title = "Stat", kind = "StatChart", query = "overview_figures", value = "errors", unit = "bytes", trend = { query = "counts_over_time", value = "errors" } },
]
"#;

#[test]
fn exported_boards_have_the_published_types() {
    let boards = tempfile::tempdir().expect("a folder");
    std::fs::write(boards.path().join("every.toml"), EVERY).expect("written");
    let scripts = repository().join("tests/clients/boards");
    let wanted = scripts.join("package.json");
    let has_node = ran(Command::new("node").arg("--version"));
    let folder = installed("board-types", &wanted, |folder| {
        let copied = std::fs::copy(&wanted, folder.join("package.json")).is_ok();
        // The plugins' types are wanted, and not what their drawing needs.
        let options =
            ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--legacy-peer-deps"];
        has_node && copied && ran(Command::new("npm").args(options).current_dir(folder))
    });
    for kind in ["grafana", "perses"] {
        let exported = tempfile::tempdir().expect("a folder");
        export(kind, exported.path(), boards.path());
        if let Some(folder) = &folder {
            check(kind, exported.path(), folder, &scripts);
        }
    }
}

fn export(kind: &str, into: &Path, boards: &Path) {
    let (folder, boards) = (path_text(into), path_text(boards));
    cli(&["dashboard", "export", "--to", kind, "--out", &folder, "--dashboards", &boards]).ok();
    let written = std::fs::read_dir(into).expect("a folder").count();
    assert_eq!(written, 7, "six boards of the program and one of a user's");
}

fn check(kind: &str, exported: &Path, folder: &Path, scripts: &Path) {
    // A module takes packages from the folders around it, so that the script runs where they are.
    std::fs::copy(scripts.join("check.mjs"), folder.join("check.mjs")).expect("copied");
    std::fs::copy(scripts.join(format!("{kind}.ts")), folder.join(format!("{kind}.ts"))).expect("copied");
    let checked = Command::new("node")
        .arg(folder.join("check.mjs"))
        .arg(kind)
        .arg(exported)
        .current_dir(folder)
        .output()
        .expect("node runs");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success() && said.contains("7 boards, 0 faults"), "{kind}: {said}");
}

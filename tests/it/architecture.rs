//! The rules of ARCHITECTURE.md that text alone can show: who imports whom, who reads the clock, how large files are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::repository;

/// What each part may import. `lib.rs` and `main.rs` only name the parts.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("units", &[]),
    ("telemetry", &[]),
    ("clock", &["units"]),
    ("model", &["units"]),
    ("bus", &["model", "units"]),
    ("cost", &["model", "units"]),
    ("runtime", &["clock", "model", "units"]),
    ("store", &["clock", "model", "units"]),
    ("catalog", &["clock", "model", "units"]),
    ("trigger", &["bus", "catalog", "clock", "cost", "model", "runtime", "store", "units"]),
    ("query", &["clock", "model", "store", "units"]),
    ("dashboard", &["query", "units"]),
    ("billing", &["clock", "cost", "model", "query", "store", "units"]),
    ("report", &["billing", "cost", "units"]),
    ("forward", &["clock", "query", "telemetry", "units"]),
    ("ingest", &["bus", "clock", "cost", "model", "store", "units"]),
    (
        "web",
        &["billing", "bus", "catalog", "clock", "dashboard", "ingest", "model", "query", "report", "trigger", "units"],
    ),
    ("demo", &["clock", "cost", "model", "query", "store", "units"]),
    (
        "config",
        &[
            "billing",
            "catalog",
            "forward",
            "ingest",
            "model",
            "query",
            "runtime",
            "store",
            "telemetry",
            "trigger",
            "units",
            "web",
        ],
    ),
];

/// The files of `web` that see more: what handlers share, the status that is watched, and errors turned into answers.
const WEB_SEES: &[(&str, &[&str])] = &[
    ("web/state.rs", &["runtime", "store"]),
    ("web/metrics.rs", &["runtime", "store"]),
    ("web/metrics/store_figures.rs", &["store"]),
    ("web/metrics/provisioned.rs", &["runtime"]),
    ("web/error.rs", &["cost", "runtime", "store"]),
];

/// The parts that may import every part but those here.
const MAY_NOT_IMPORT: &[(&str, &[&str])] = &[("app", &["cli", "demo"]), ("cli", &[])];

/// A source file, without comments and without the tests at its foot.
struct Source {
    /// Below `src/`, such as `web/state.rs`.
    path: String,
    part: String,
    code: String,
    lines: usize,
    first_line: String,
}

fn sources() -> Vec<Source> {
    let root = repository().join("src");
    let mut files: Vec<PathBuf> = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry")) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 50, "src/ was found");
    files.iter().map(|file| source(&root, file)).collect()
}

fn source(root: &Path, file: &Path) -> Source {
    let text = std::fs::read_to_string(file).expect("a source file is text");
    let path = file.strip_prefix(root).expect("it is below").to_str().expect("plain names").to_owned();
    let part = path.split(['/', '.']).next().expect("a name").to_owned();
    let product = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let code: Vec<&str> = product.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let first_line = text.lines().next().unwrap_or_default().to_owned();
    Source { part, code: code.join("\n"), lines: text.lines().count(), first_line, path }
}

/// The parts that come after `crate::` in the code, groups in braces included.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group_heads(group)),
            None => found.extend(head(rest)),
        }
    }
    found
}

/// The first names of a group's items: `a::b, c::{d, e}}` are `a` and `c`.
fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut item, mut heads) = (0, String::new(), Vec::new());
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => heads.extend(head(&std::mem::take(&mut item))),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                item.push(c);
            }
        }
    }
    heads.extend(head(&item));
    heads
}

fn head(path: &str) -> Option<String> {
    let name: String = path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// Files that hold tests alone see what they need.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.ends_with("/testing.rs")
}

#[test]
fn parts_import_only_what_lies_below_them() {
    let mut offences = Vec::new();
    for source in sources().iter().filter(|source| !is_test(&source.path)) {
        if ["lib", "main"].contains(&source.part.as_str()) {
            continue;
        }
        let mut imports = imports(&source.code);
        imports.remove(&source.part);
        let find = |list: &[(&str, &'static [&'static str])], name: &str| {
            list.iter().find(|(known, _)| *known == name).map(|(_, parts)| *parts)
        };
        let more = find(WEB_SEES, &source.path).unwrap_or_default();
        let (allowed, barred) = (find(MAY_IMPORT, &source.part), find(MAY_NOT_IMPORT, &source.part));
        assert!(allowed.is_some() || barred.is_some(), "{}: no rule for this part", source.path);
        let may = |part: &str| match allowed {
            Some(allowed) => allowed.contains(&part) || more.contains(&part),
            None => barred.is_some_and(|barred| !barred.contains(&part)),
        };
        let wrong = imports.iter().filter(|part| !may(part));
        offences.extend(wrong.map(|part| format!("src/{} imports crate::{part}", source.path)));
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

#[test]
fn only_the_clock_reads_the_time() {
    let calls = ["Instant::now", "SystemTime::now", "Utc::now", "Local::now", ".elapsed()"];
    let reads = |source: &Source| calls.iter().any(|call| source.code.contains(call));
    let offences: Vec<String> = sources()
        .iter()
        .filter(|source| source.path != "clock.rs" && !is_test(&source.path) && reads(source))
        .map(|source| source.path.clone())
        .collect();
    assert!(offences.is_empty(), "{offences:?}");
}

#[test]
fn money_has_no_floats() {
    let floats =
        |source: &Source| source.part == "cost" && ["f64", "f32"].iter().any(|float| source.code.contains(float));
    let offences: Vec<String> = sources().iter().filter(|source| floats(source)).map(|s| s.path.clone()).collect();
    assert!(offences.is_empty(), "{offences:?}");
}

#[test]
fn each_file_says_what_it_owns_and_is_short() {
    let mut offences = Vec::new();
    for source in sources() {
        let Source { path, lines, first_line, .. } = source;
        if !first_line.starts_with("//! ") {
            offences.push(format!("src/{path} does not open with what it owns"));
        }
        if lines > 400 {
            offences.push(format!("src/{path} has {lines} lines, 400 at most"));
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

#[test]
fn imports_are_found_wherever_they_are() {
    let code = "use crate::store::{self, Slot};\nuse crate::{\n  bus::Bus, model::{a, b::{c}},\n  units,\n};\n\
                let x = crate::clock::Clock; let y = my_crate::no::no; pub(in crate::web) fn f() {}";
    let found: Vec<String> = imports(code).into_iter().collect();
    assert_eq!(found, ["bus", "clock", "model", "store", "units", "web"]);
}

//! Lists the files of `queries/` and `dashboards/` for the program to embed, and takes Apache ECharts out of the sources of
//! the crate `charming`, which is never compiled: so the repository holds no third-party source, and a build needs no other
//! network than cargo's own.

use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::{env, fs};

use serde_json::Value;

/// The crate that carries the script.
const CRATE: &str = "charming";

fn main() {
    println!("cargo::rerun-if-changed=Cargo.lock");
    println!("cargo::rerun-if-changed=build.rs");
    let embedded = embed("queries", "sql").and_then(|()| embed("dashboards", "toml")).and_then(|()| copy_echarts());
    if let Err(error) = embedded {
        println!("cargo::error={error}");
        exit(1);
    }
}

/// Writes `<folder>.rs`: name and text of each file with this extension, by name.
fn embed(folder: &str, extension: &str) -> Result<(), String> {
    println!("cargo::rerun-if-changed={folder}");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("CARGO_MANIFEST_DIR is not set")?).join(folder);
    let entries = fs::read_dir(&root).map_err(|error| format!("cannot list {}: {error}", root.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    let mut list = String::from("&[\n");
    for path in &files {
        let name =
            path.file_stem().and_then(|stem| stem.to_str()).ok_or_else(|| format!("{path:?} has no plain name"))?;
        list += &format!("    ({name:?}, include_str!({path:?})),\n");
    }
    list.push(']');
    write(&format!("{folder}.rs"), &list)
}

/// Writes a file for the program to include.
fn write(name: &str, text: &str) -> Result<(), String> {
    let target = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?).join(name);
    fs::write(&target, text).map_err(|error| format!("cannot write {}: {error}", target.display()))
}

/// Copies the script, its licence notice at its head included, to where `include_str!` finds it.
fn copy_echarts() -> Result<(), String> {
    let assets = source_of_crate()?.join("src/asset");
    let script = find_script(&assets)?;
    let text = fs::read_to_string(&script).map_err(|error| format!("cannot read {}: {error}", script.display()))?;
    if !text.trim_start().starts_with("/*") || !text.contains("Apache Software Foundation") {
        return Err(format!("{} has no licence notice at its head", script.display()));
    }
    write("echarts.min.js", &text)
}

/// Where cargo unpacked the crate.
fn source_of_crate() -> Result<PathBuf, String> {
    let cargo = env::var_os("CARGO").ok_or("CARGO is not set")?;
    let output = Command::new(cargo)
        .args(["metadata", "--locked", "--format-version", "1"])
        .output()
        .map_err(|error| format!("cargo metadata does not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).replace('\n', " ")));
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata is not JSON: {error}"))?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata has no packages")?;
    let package = packages.iter().find(|package| package["name"] == CRATE);
    let manifest = package.and_then(|package| package["manifest_path"].as_str());
    let manifest = manifest.ok_or_else(|| format!("cargo metadata does not name the crate {CRATE}"))?;
    Path::new(manifest).parent().map(Path::to_path_buf).ok_or_else(|| format!("{manifest} is in no folder"))
}

/// The one file `echarts*.min.js`.
fn find_script(folder: &Path) -> Result<PathBuf, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
    let is_script = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("echarts") && name.ends_with(".min.js")
    };
    let found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_script).collect();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        _ => Err(format!("{} holds {} files named echarts*.min.js, and one is wanted", folder.display(), found.len())),
    }
}

//! `faremeter functions`: lists what is deployed.

use clap::Args;

use super::client::Connect;
use super::output::{self, Format, Output};

const COLUMNS: &[&str] = &[
    "name",
    "version",
    "state",
    "active_version",
    "reason",
    "memory_mb",
    "timeout_ms",
    "tenant",
    "architecture",
    "reserved_concurrency",
    "tags",
];

#[derive(Debug, Args)]
pub(super) struct Functions {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connect: Connect,
}

impl Functions {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let functions = self.connect.client()?.items(&["api", "v1", "functions"]).await?;
        match self.output.format {
            Format::Table if functions.is_empty() => {
                output::line("no functions yet: deploy one with `faremeter deploy NAME FILE.wasm`")
            }
            Format::Table => output::print(output::table(COLUMNS, &functions).as_bytes()),
            Format::Csv => output::print(output::csv(COLUMNS, &functions).as_bytes()),
            Format::Json => output::line(&serde_json::to_string_pretty(&functions)?),
        }
    }
}

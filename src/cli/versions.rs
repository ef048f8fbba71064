//! `faremeter versions`: lists a function's versions. `faremeter rollback`: makes calls run an older one again.

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::Args;
use http::Method;
use serde_json::{Value, json};

use super::client::{Client, Connect};
use super::output::{self, Format, Output};

const COLUMNS: &[&str] = &["version", "state", "active", "reason", "memory_mb", "timeout_ms", "deployed_at", "sha256"];

#[derive(Debug, Args)]
pub(super) struct Versions {
    /// The function's name
    name: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connect: Connect,
}

impl Versions {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let client = self.connect.client()?;
        let mut versions = client.items(&["api", "v1", "functions", &self.name, "versions"]).await?;
        versions.iter_mut().for_each(|version| version["active"] = is_active(version).into());
        match self.output.format {
            Format::Table => output::print(output::table(COLUMNS, &versions).as_bytes()),
            Format::Csv => output::print(output::csv(COLUMNS, &versions).as_bytes()),
            Format::Json => output::line(&serde_json::to_string_pretty(&versions)?),
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// The function's name
    name: String,
    /// The version that calls are to run [default: the last one before the active one that can run]
    #[arg(long, value_name = "VERSION")]
    to: Option<u32>,
    #[command(flatten)]
    connect: Connect,
}

impl Rollback {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let client = self.connect.client()?;
        let version = match self.to {
            Some(version) => u64::from(version),
            None => self.before_active(&client).await?,
        };
        let url = client.url(&["api", "v1", "functions", &self.name, "active"]);
        client.json(Method::PUT, url, Bytes::from(json!({ "version": version }).to_string())).await?;
        output::line(&format!("{} runs version {version} now", self.name))
    }

    async fn before_active(&self, client: &Client) -> anyhow::Result<u64> {
        let versions = client.items(&["api", "v1", "functions", &self.name, "versions"]).await?;
        let mut older = versions.iter().skip_while(|version| !is_active(version)).skip(1);
        let Some(found) = older.find(|version| version["state"] == "active") else {
            bail!("{} has no version before the active one that can run: name one with --to", self.name);
        };
        found["version"].as_u64().context("the server's reply names no version")
    }
}

/// Whether calls run this version.
fn is_active(version: &Value) -> bool {
    version["version"].is_number() && version["version"] == version["active_version"]
}

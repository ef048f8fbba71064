//! `faremeter deploy`: uploads a function and waits until its version can be called.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::Args;
use http::Method;
use serde_json::Value;

use super::client::{Client, Connect};
use super::{key_value, output};

/// Time between looks at a version that is being compiled.
const POLL: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
pub(super) struct Deploy {
    /// The function's name: 1 to 64 letters, digits, '-' and '_'
    name: String,
    /// A WebAssembly component (wasi:http), a WASI preview 1 command, or its text form
    file: PathBuf,
    /// Memory limit in MB, 1 to 4096
    #[arg(long, default_value_t = 128)]
    memory_mb: u32,
    /// Wall-clock limit of a call, such as 500ms, 3s, 5m
    #[arg(long, default_value = "3s", value_parser = super::duration, value_name = "TIME")]
    timeout: Duration,
    /// Environment variable; may be given again
    #[arg(long, value_parser = key_value, value_name = "KEY=VALUE")]
    env: Vec<(String, String)>,
    /// Cost allocation tag; may be given again
    #[arg(long, value_parser = key_value, value_name = "KEY=VALUE")]
    tag: Vec<(String, String)>,
    /// Whom the function belongs to
    #[arg(long, default_value = "default")]
    tenant: String,
    /// What it is billed as running on: x86_64 or arm64
    #[arg(long, default_value = "x86_64")]
    architecture: String,
    /// Ephemeral storage in MB, 512 to 10240
    #[arg(long, default_value_t = 512)]
    ephemeral_storage_mb: u32,
    /// Calls at once, at most; 0 stops the function
    #[arg(long)]
    reserved_concurrency: Option<u32>,
    /// Environments that are started ahead of calls and kept
    #[arg(long, default_value_t = 0, value_name = "N")]
    provisioned_concurrency: u32,
    /// Calls a second, at most, with a burst of one second's worth
    #[arg(long, value_name = "N")]
    rate_per_s: Option<u32>,
    /// Use each environment for one call only
    #[arg(long)]
    single_use: bool,
    /// Count the guest's instructions: repeatable figures, slower calls
    #[arg(long)]
    fuel: bool,
    /// A host that the function may call; may be given again
    #[arg(long, value_name = "HOST[:PORT]")]
    allow_host: Vec<String>,
    /// The price book that its calls are priced by
    #[arg(long, default_value = "aws-lambda", value_name = "ID")]
    price_book: String,
    /// Return as soon as the version is recorded, before it is compiled
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    connect: Connect,
}

impl Deploy {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let file = self.file.display();
        let module = std::fs::read(&self.file).with_context(|| format!("'{file}' cannot be read"))?;
        let client = self.connect.client()?;
        let mut url = client.url(&["api", "v1", "functions"]);
        url.query_pairs_mut().extend_pairs(self.settings());
        let wasm = [("content-type", "application/wasm")];
        let answer = client.send(Method::POST, url, &wasm, Bytes::from(module)).await?.success()?;
        let deployed: Value = serde_json::from_slice(&answer.body).context("the server's reply is not JSON")?;
        let version = deployed.get("version").and_then(Value::as_u64).context("the server's reply names no version")?;
        if !self.no_wait {
            self.wait(&client, version).await?;
        }
        let state = if self.no_wait { "is being compiled" } else { "is active" };
        output::line(&format!("{} version {version} {state}: {}", self.name, client.url(&["fn", &self.name])))
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("name", self.name.clone()),
            ("memory_mb", self.memory_mb.to_string()),
            ("timeout", format!("{}ms", self.timeout.as_millis())),
            ("tenant", self.tenant.clone()),
            ("architecture", self.architecture.clone()),
            ("ephemeral_storage_mb", self.ephemeral_storage_mb.to_string()),
            ("provisioned_concurrency", self.provisioned_concurrency.to_string()),
            ("single_use", self.single_use.to_string()),
            ("fuel", self.fuel.to_string()),
            ("price_book", self.price_book.clone()),
        ];
        settings.extend(self.reserved_concurrency.map(|n| ("reserved_concurrency", n.to_string())));
        settings.extend(self.rate_per_s.map(|n| ("rate_per_s", n.to_string())));
        settings.extend(self.allow_host.iter().map(|host| ("allow_host", host.clone())));
        settings.extend(self.env.iter().map(|(key, value)| ("env", format!("{key}={value}"))));
        settings.extend(self.tag.iter().map(|(key, value)| ("tag", format!("{key}={value}"))));
        settings
    }

    /// Waits until the compiler is done with the version; a newer one that overtook it ends the wait too.
    async fn wait(&self, client: &Client, version: u64) -> anyhow::Result<()> {
        loop {
            let url = client.url(&["api", "v1", "functions", &self.name]);
            let function = client.json(Method::GET, url, Bytes::new()).await?;
            let latest = function.get("version").and_then(Value::as_u64).unwrap_or(0);
            let state = function.get("state").and_then(Value::as_str).unwrap_or_default();
            match state {
                _ if latest > version => return Ok(()),
                "active" => return Ok(()),
                "failed" => {
                    let reason = function.get("reason").and_then(Value::as_str).unwrap_or("no reason is known");
                    bail!("{} version {version} failed: {reason}", self.name);
                }
                _ => tokio::time::sleep(POLL).await,
            }
        }
    }
}

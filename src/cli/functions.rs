//! `faremeter functions`: lists what is deployed.

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use http::Method;
use serde_json::Value;

use super::client::Connect;
use super::output::{self, Format, Output};

const COLUMNS: &[&str] = &[
    "name",
    "version",
    "state",
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
        let functions = self.all().await?;
        match self.output.format {
            Format::Table if functions.is_empty() => {
                output::line("no functions yet: deploy one with `faremeter deploy NAME FILE.wasm`")
            }
            Format::Table => output::print(output::table(COLUMNS, &functions).as_bytes()),
            Format::Csv => output::print(output::csv(COLUMNS, &functions).as_bytes()),
            Format::Json => output::line(&serde_json::to_string_pretty(&functions)?),
        }
    }

    async fn all(&self) -> anyhow::Result<Vec<Value>> {
        let client = self.connect.client()?;
        let mut functions = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut url = client.url(&["api", "v1", "functions"]);
            url.query_pairs_mut().append_pair("limit", "1000");
            if let Some(cursor) = &cursor {
                url.query_pairs_mut().append_pair("cursor", cursor);
            }
            let mut page = client.json(Method::GET, url, Bytes::new()).await?;
            let items =
                page.get_mut("items").and_then(Value::as_array_mut).context("the server's reply has no items")?;
            functions.append(items);
            cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
            if cursor.is_none() {
                return Ok(functions);
            }
        }
    }
}

//! `faremeter query`: SQL through the server, or on the data folder itself when no server has it open.

use std::path::PathBuf;

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::Args;
use http::Method;
use serde_json::{Value, json};

use crate::app::Offline;
use crate::query::{self as engine, Param, Params, format};

use super::ask::Asker;
use super::client::{Client, Connect};
use super::output::{self, Format, Output};
use super::{Common, key_value};

#[derive(Debug, Args)]
pub(super) struct Query {
    /// One SELECT over invocations, spans, logs, metrics, deployments and limits
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    sql: Option<String>,
    /// Read the SQL from a file, such as one of queries/
    #[arg(long)]
    file: Option<PathBuf>,
    /// Value of a $KEY in the SQL; may be given again
    #[arg(long, value_parser = key_value, value_name = "KEY=VALUE")]
    param: Vec<(String, String)>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connect: Connect,
}

impl Query {
    pub(super) async fn run(&self, common: &Common) -> anyhow::Result<()> {
        let sql = self.text()?;
        match Asker::open(common, &self.connect).await? {
            Asker::Server(client) => self.remote(&client, &sql).await,
            Asker::Folder(offline) => self.local(offline, &sql).await,
        }
    }

    fn text(&self) -> anyhow::Result<String> {
        match (&self.sql, &self.file) {
            (Some(sql), _) => Ok(sql.clone()),
            (None, Some(file)) => {
                std::fs::read_to_string(file).with_context(|| format!("'{}' cannot be read", file.display()))
            }
            (None, None) => bail!("write SQL, or name a file with --file"),
        }
    }

    async fn remote(&self, client: &Client, sql: &str) -> anyhow::Result<()> {
        let params: serde_json::Map<String, Value> =
            self.param.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
        let body = Bytes::from(json!({"sql": sql, "params": params}).to_string());
        let headers = [("content-type", "application/json"), ("accept", self.output.format.accept())];
        let url = client.url(&["api", "v1", "query"]);
        let answer = client.send(Method::POST, url, &headers, body).await?.success()?;
        if self.output.format != Format::Table {
            return output::print(&answer.body);
        }
        let result: Value = serde_json::from_slice(&answer.body).context("the server's reply is not JSON")?;
        let columns = result.get("columns").and_then(Value::as_array).context("the server's reply has no columns")?;
        let columns: Vec<&str> = columns.iter().filter_map(|column| column.get("name")?.as_str()).collect();
        let rows = result.get("rows").and_then(Value::as_array).context("the server's reply has no rows")?;
        output::print(output::table(&columns, rows).as_bytes())
    }

    async fn local(&self, offline: Offline, sql: &str) -> anyhow::Result<()> {
        let params: Params =
            self.param.iter().map(|(name, value)| (name.clone(), Param::Text(value.clone()))).collect();
        let result = offline.query.sql(sql, &params).await;
        let printed = result.map_err(anyhow::Error::new).and_then(|result| self.print(&result));
        offline.close().await?;
        printed
    }

    fn print(&self, result: &engine::QueryResult) -> anyhow::Result<()> {
        match self.output.format {
            Format::Table => output::print(format::table(result)?.as_bytes()),
            Format::Json => output::print(&format::json(result)?),
            Format::Csv => output::print(&format::csv(result)?),
        }
    }
}

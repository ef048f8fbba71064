//! `faremeter logs`: a function's log records, newest last, and live with `--follow`.

use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::Method;
use serde_json::Value;

use super::client::{Client, Connect};
use super::output::{self, Format, Output};

/// Time between looks for new records.
const POLL: Duration = Duration::from_millis(500);
const COLUMNS: &[&str] = &["time", "severity_text", "body", "attributes", "invocation_id", "trace_id"];

#[derive(Debug, Args)]
pub(super) struct Logs {
    /// The function's name
    name: String,
    /// Go on with new records as they come, until interrupted
    #[arg(long)]
    follow: bool,
    /// How far back to begin, such as 10m, 2h, 1d
    #[arg(long, default_value = "10m", value_parser = super::duration, value_name = "TIME")]
    since: Duration,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connect: Connect,
}

impl Logs {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let client = self.connect.client()?;
        let mut after = None;
        let mut first = true;
        loop {
            let mut page = self.page(&client, after.as_deref()).await?;
            // Records come in the order that the store took them in, so that none is missed; people read them by time.
            if let Some(last) = page.last().and_then(|row| row.get("ingested_at")).and_then(Value::as_str) {
                after = Some(last.to_owned());
            }
            let full = page.len() >= PAGE;
            page.sort_by(|a, b| text(a, "time").cmp(text(b, "time")));
            self.print(&page, first)?;
            first = false;
            match (self.follow, full) {
                (_, true) => {}
                (true, false) => tokio::time::sleep(POLL).await,
                (false, false) => return Ok(()),
            }
        }
    }

    async fn page(&self, client: &Client, after: Option<&str>) -> anyhow::Result<Vec<Value>> {
        let mut url = client.url(&["api", "v1", "functions", &self.name, "logs"]);
        url.query_pairs_mut()
            .append_pair("since", &format!("{}ms", self.since.as_millis()))
            .append_pair("limit", &PAGE.to_string())
            .extend_pairs(after.map(|after| ("after", after)));
        let mut page = client.json(Method::GET, url, Bytes::new()).await?;
        Ok(page.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default())
    }

    fn print(&self, rows: &[Value], first: bool) -> anyhow::Result<()> {
        match self.output.format {
            Format::Table => rows.iter().try_for_each(|row| output::line(&readable(row))),
            Format::Json => rows.iter().try_for_each(|row| output::line(&row.to_string())),
            Format::Csv => {
                let csv = output::csv(COLUMNS, rows);
                let skip = if first { 0 } else { csv.find('\n').map_or(0, |end| end + 1) };
                output::print(&csv.as_bytes()[skip..])
            }
        }
    }
}

/// Records asked for at once.
const PAGE: usize = 1_000;

fn text<'a>(row: &'a Value, column: &str) -> &'a str {
    row.get(column).and_then(Value::as_str).unwrap_or_default()
}

/// `2026-03-01T00:00:00.000001Z INFO  order priced  order_id=7`
fn readable(row: &Value) -> String {
    let attributes = row.get("attributes").and_then(Value::as_object);
    let pair = |(name, value): (&String, &Value)| {
        let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!(" {name}={plain}")
    };
    let attributes: String = attributes.into_iter().flatten().map(pair).collect();
    format!("{} {:<5} {}{attributes}", text(row, "time"), text(row, "severity_text"), text(row, "body"))
}

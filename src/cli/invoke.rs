//! `faremeter invoke`: one call; the reply's body on standard output, one line about the call on standard error.

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::Args;
use http::Method;

use super::client::{Answer, Connect};
use super::output;

#[derive(Debug, Args)]
pub(super) struct Invoke {
    /// The function's name
    name: String,
    /// The payload, or @FILE to read it from a file
    #[arg(long, default_value = "", value_name = "STRING|@FILE")]
    payload: String,
    /// The version that is to run [default: the active one]
    #[arg(long, value_name = "VERSION")]
    version: Option<u32>,
    /// Print a line about the call: status, cold or warm, phases, billed time, memory, cost
    #[arg(long)]
    report: bool,
    #[command(flatten)]
    connect: Connect,
}

impl Invoke {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let client = self.connect.client()?;
        let mut url = client.url(&["api", "v1", "functions", &self.name, "invocations"]);
        if let Some(version) = self.version {
            url.query_pairs_mut().append_pair("version", &version.to_string());
        }
        let answer = client.send(Method::POST, url, &[], self.payload()?).await?;
        let ran = !answer.header("x-faremeter-invocation-id").is_empty();
        if self.report && ran {
            output::note(&report(&answer));
        }
        if answer.header("content-type").starts_with("application/problem+json") && !answer.status.is_success() {
            bail!("{}", answer.problem());
        }
        output::print(&answer.body)?;
        // A function's own status is its answer, and an answer is success unless it says that it is not.
        if answer.status.is_success() || answer.status.is_redirection() {
            return Ok(());
        }
        bail!("the function answered {}", answer.status)
    }

    fn payload(&self) -> anyhow::Result<Bytes> {
        match self.payload.strip_prefix('@') {
            Some(file) => Ok(std::fs::read(file).with_context(|| format!("'{file}' cannot be read"))?.into()),
            None => Ok(Bytes::from(self.payload.clone())),
        }
    }
}

/// `ok 200 · cold · queue 0.01 ms, init 20.10 ms, handler 1.20 ms · billed 22 ms · 3.2 of 128 MB · 0.0000002 USD`
fn report(answer: &Answer) -> String {
    let header = |name: &str| answer.header(name);
    let warmth = if header("x-faremeter-cold") == "true" { "cold" } else { "warm" };
    let phase = |entry: &str| {
        let (name, length) = entry.trim().split_once(";dur=")?;
        Some(format!("{name} {length} ms"))
    };
    let phases: Vec<String> = header("server-timing").split(',').filter_map(phase).collect();
    let peak_bytes: u64 = header("x-faremeter-peak-memory-bytes").parse().unwrap_or(0);
    let tenths = peak_bytes.saturating_mul(10).div_ceil(1 << 20);
    format!(
        "{} {} · {warmth} · {} · billed {} ms · {}.{} of {} MB · {} {} · {}",
        header("x-faremeter-outcome"),
        answer.status.as_u16(),
        phases.join(", "),
        header("x-faremeter-billed-ms"),
        tenths / 10,
        tenths % 10,
        header("x-faremeter-memory-mb"),
        header("x-faremeter-list-cost"),
        header("x-faremeter-currency"),
        header("x-faremeter-invocation-id"),
    )
}

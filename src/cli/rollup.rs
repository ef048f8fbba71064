//! `faremeter rollup check`: compares the rollup with the rows that it is of, day by day, through the server or on the data
//! folder itself. The comparison is a statement of `crate::query`.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use crate::query::rollup_check;
use crate::store::Rollup as Kind;
use crate::units::Timestamp;

use super::Common;
use super::ask::Asker;
use super::client::Connect;
use super::output;

const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);
const DAYS: &str = "SELECT CAST(min(first) AS TEXT) AS first, CAST(max(last) AS TEXT) AS last FROM (
    SELECT min(date) AS first, max(date) AS last FROM invocations
    UNION ALL SELECT min(date), max(date) FROM rollup_minute)";

#[derive(Debug, Args)]
pub(super) struct Rollup {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compare the rollup with the raw rows; exit 1 where they differ
    Check(Check),
}

#[derive(Debug, Args)]
struct Check {
    /// First day, such as 2026-03-01 [default: the first that has rows]
    #[arg(long, value_name = "DAY", value_parser = day)]
    from: Option<Timestamp>,
    /// First day that is not looked at any more [default: after the last that has rows]
    #[arg(long, value_name = "DAY", value_parser = day)]
    to: Option<Timestamp>,
    #[command(flatten)]
    connect: Connect,
}

impl Rollup {
    pub(super) async fn run(&self, common: &Common) -> anyhow::Result<()> {
        let Command::Check(check) = &self.command;
        let asker = Asker::open(common, &check.connect).await?;
        let checked = check.all(&asker).await;
        asker.close().await?;
        let different = checked?;
        if different > 0 {
            bail!("the rollup differs from the rows in {different} keys");
        }
        Ok(())
    }
}

impl Check {
    /// How many keys differ.
    async fn all(&self, asker: &Asker) -> anyhow::Result<u64> {
        let days = asker.rows(DAYS, &[]).await?;
        let known = |name: &str| days.first().and_then(|row| row[name].as_str()).map(day).transpose();
        let first = known("first").map_err(anyhow::Error::msg)?;
        let last = known("last").map_err(anyhow::Error::msg)?.map(|last| last.plus(DAY));
        let (Some(from), Some(to)) = (self.from.or(first), self.to.or(last)) else {
            output::line("there are no rows to compare")?;
            return Ok(0);
        };
        let mut different = 0;
        for kind in Kind::ALL {
            different += compare(asker, kind, from, to).await?;
        }
        Ok(different)
    }
}

/// Compares one rollup a day at a time, so that memory does not grow with the number of days.
async fn compare(asker: &Asker, kind: Kind, from: Timestamp, to: Timestamp) -> anyhow::Result<u64> {
    let sql = rollup_check(kind);
    let (mut rows, mut keys, mut different, mut day) = (0, 0, 0, from);
    while day < to {
        let next = day.plus(DAY).min(to);
        let params = [("from", day.to_string()), ("to", next.to_string()), ("step", "1".to_owned())];
        let answer = asker.rows(&sql, &params).await?;
        let row = answer.first().context("the comparison has no answer")?;
        let count = |name: &str| count(row, name);
        (rows, keys, different) = (rows + count("rows")?, keys + count("keys")?, different + count("different")?);
        if let Some(first) = row["first"].as_str() {
            output::line(&format!("{}: {} keys differ, the first is {first}", kind.name(), count("different")?))?;
        }
        day = next;
    }
    output::line(&format!("{}: {rows} rows in {keys} keys compared, {different} differ", kind.name()))?;
    Ok(different)
}

fn count(row: &Map<String, Value>, name: &str) -> anyhow::Result<u64> {
    row[name].as_u64().with_context(|| format!("the comparison has no number of {name}"))
}

/// The start of a day.
fn day(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z"))
        .ok_or_else(|| format!("'{text}' is not a day such as 2026-03-01"))
}

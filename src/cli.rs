//! Owns the command line: arguments, exit codes, and what is printed. One file for each command; the work is the
//! parts' own. Exit 0 is done, 1 failed, 2 wrong usage.

mod ask;
mod bar;
mod client;
mod dashboard;
mod demo;
mod deploy;
mod functions;
mod import;
mod invoke;
mod logs;
mod output;
mod price;
mod query;
mod remove;
mod report;
mod rollup;
mod scratch;
mod serve;
mod versions;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::config::Flags;

/// The meter for serverless functions.
#[derive(Debug, Parser)]
#[command(name = "faremeter", version, about, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
struct Common {
    /// Configuration file (TOML)
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder that holds everything [default: ./faremeter-data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Common {
    fn flags(&self) -> Flags {
        Flags { config: self.config.clone(), data: self.data.clone(), ..Flags::default() }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything in one process: the page, the API and the executor
    Serve(serve::Serve),
    /// Serve with sample functions deployed and a live workload that calls them
    Demo(demo::Demo),
    /// Deploy a function, or a new version of it
    Deploy(deploy::Deploy),
    /// List the functions
    Functions(functions::Functions),
    /// List a function's versions
    Versions(versions::Versions),
    /// Make calls run an older version of a function again
    Rollback(versions::Rollback),
    /// Remove a function; its records stay
    Remove(remove::Remove),
    /// Call a function once and print what it replies
    #[command(disable_version_flag = true)]
    Invoke(invoke::Invoke),
    /// Print a function's log records, newest last
    Logs(logs::Logs),
    /// Bring in records from elsewhere; what is there already is left out
    Import(import::Import),
    /// Run SQL over invocations, spans, logs, metrics, deployments and limits
    Query(query::Query),
    /// Price a month's workload by a provider's rules: tiers, free allowances, rounding
    Price(price::Price),
    /// Write a month's statement or chargeback to a file, with its manifest
    Report(report::Report),
    /// Check dashboards, or write them for other programs
    #[command(subcommand)]
    Dashboard(dashboard::Dashboard),
    /// Look after the rollup that dashboards read
    Rollup(rollup::Rollup),
}

/// How long a thread for work that blocks is kept when it has none: each keeps memory of its own for the sizes that it met.
const IDLE_THREAD: Duration = Duration::from_secs(1);

/// Runs the command to its end.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = match builder.thread_keep_alive(IDLE_THREAD).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::Error::new(error).context("the program's threads cannot be started")),
    };
    match runtime.block_on(Box::pin(dispatch(cli))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

async fn dispatch(cli: Cli) -> anyhow::Result<()> {
    let common = cli.common;
    match cli.command {
        Command::Serve(command) => command.run(&common).await,
        Command::Demo(command) => command.run(&common).await,
        Command::Deploy(command) => command.run().await,
        Command::Functions(command) => command.run().await,
        Command::Versions(command) => command.run().await,
        Command::Rollback(command) => command.run().await,
        Command::Remove(command) => command.run().await,
        Command::Invoke(command) => command.run().await,
        Command::Logs(command) => command.run().await,
        Command::Import(command) => command.run(&common).await,
        Command::Query(command) => command.run(&common).await,
        Command::Price(command) => command.run(),
        Command::Report(command) => command.run(&common).await,
        Command::Dashboard(command) => command.run().await,
        Command::Rollup(command) => command.run(&common).await,
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    let _nowhere_to_tell = writeln!(std::io::stderr(), "error: {error:#}");
    if error.is::<Usage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// Arguments that are each well written and wrong together, or wrong for the day.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Whether whoever read our output has seen enough, as `| head` does.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    kind == Some(std::io::ErrorKind::BrokenPipe)
}

/// Reads `KEY=VALUE`.
fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("'{text}' is not KEY=VALUE")),
    }
}

/// Reads a length of time such as `10m`.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    crate::units::parse_duration(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn key_value_pairs_need_a_key() {
        assert_eq!(key_value("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(key_value("a="), Ok(("a".to_owned(), String::new())));
        assert_eq!(key_value("=b"), Err("'=b' is not KEY=VALUE".to_owned()));
        assert_eq!(key_value("ab"), Err("'ab' is not KEY=VALUE".to_owned()));
    }
}

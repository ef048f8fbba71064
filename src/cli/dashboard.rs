//! `faremeter dashboard`: checks boards and their queries, and writes them for Grafana and Perses. No server is needed, and
//! no data is read.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};

use crate::app::Offline;
use crate::config::Config;
use crate::dashboard::{self, Boards, Counted, Faults, export};
use crate::query::Engine;

use super::output;
use super::scratch::Scratch;

#[derive(Debug, Subcommand)]
pub(super) enum Dashboard {
    /// Name everything that is wrong with boards and their queries, by file and line
    Check(Check),
    /// Write a board as another program has it
    Export(Export),
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Folder with boards (*.toml) and queries (*.sql, queries/*.sql) [default: the boards of the program]
    dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The board's name [default: all boards]
    name: Option<String>,
    /// The program that it is for
    #[arg(long, value_enum)]
    to: Target,
    /// File to write, or folder where all boards are written [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Folder with boards beside those of the program
    #[arg(long, value_name = "DIR")]
    dashboards: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Target {
    Grafana,
    Perses,
}

impl Dashboard {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let scratch = Scratch::make("dashboard")?;
        let offline = Offline::open(Config::at(scratch.path())).await?;
        let done = match self {
            Self::Check(check) => check.run(&offline.query).await,
            Self::Export(export) => export.run(&offline.query).await,
        };
        offline.close().await?;
        done
    }
}

impl Check {
    async fn run(&self, engine: &Engine) -> anyhow::Result<()> {
        let (what, checked) = match &self.dir {
            Some(dir) => (format!("'{}'", dir.display()), dashboard::check_folder(engine, dir).await),
            None => ("the program".to_owned(), dashboard::check_program(engine).await),
        };
        match checked {
            Ok(Counted { boards, queries }) => output::line(&format!(
                "the boards of {what} are right: {}, {}",
                count(boards, "board", "boards"),
                count(queries, "query", "queries")
            )),
            Err(Faults(faults)) => {
                for fault in &faults {
                    output::line(&fault.to_string())?;
                }
                bail!("{} in the boards of {what}", count(faults.len(), "fault", "faults"))
            }
        }
    }
}

impl Export {
    async fn run(&self, engine: &Engine) -> anyhow::Result<()> {
        let boards = Boards::open(engine.clone(), self.dashboards.as_deref()).await?;
        let all = boards.all();
        let write = |board: &dashboard::Dashboard| {
            let queries = engine.list();
            let json = match self.to {
                Target::Grafana => export::grafana(board, &queries),
                Target::Perses => export::perses(board, &queries),
            };
            format!("{json:#}\n")
        };
        let Some(name) = &self.name else {
            let Some(folder) = &self.out else { bail!("name a board, or a folder for all of them with --out") };
            std::fs::create_dir_all(folder).with_context(|| format!("'{}' cannot be made", folder.display()))?;
            for board in &*all {
                let file = folder.join(format!("{}.json", board.name));
                std::fs::write(&file, write(board))
                    .with_context(|| format!("'{}' cannot be written", file.display()))?;
            }
            return output::line(&format!(
                "{} are written to '{}'",
                count(all.len(), "board", "boards"),
                folder.display()
            ));
        };
        let Some(board) = boards.get(name) else {
            let names: Vec<&str> = all.iter().map(|board| board.name.as_str()).collect();
            bail!("there is no board '{name}'; there are {}", names.join(", "));
        };
        match &self.out {
            Some(file) => {
                std::fs::write(file, write(&board)).with_context(|| format!("'{}' cannot be written", file.display()))
            }
            None => output::print(write(&board).as_bytes()),
        }
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

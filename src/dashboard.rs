//! Dashboards as files: what a board shows and which named query answers each panel, in the words of Perses. Owns the
//! file's format, its checks, the boards that are part of the program and those of a folder, and what other programs make
//! of them. Queries are run by `web::panel`.

mod boards;
mod check;
pub mod export;
mod file;
mod folder;
mod near;
mod panel;
mod read;
mod sql;
mod variable;

use std::fmt;

use crate::query::ParamType;

pub use boards::Boards;
pub use file::{
    Better, Column, Dashboard, Display, Gap, Grid, Kind, Panel, Scale, Threshold, Trend, Unit, Variable, VariableKind,
};

/// Columns of the grid that panels lie on.
const GRID_COLUMNS: u32 = 24;

/// What a panel gives to its query, where the query's head declares it: the range, the step in seconds, and the filters,
/// which are null where none is set. A board's variables come beside these.
pub const PARAMS: [(&str, ParamType); 9] = [
    ("from", ParamType::Timestamp),
    ("to", ParamType::Timestamp),
    ("step", ParamType::Int),
    ("tenant", ParamType::Text),
    ("function", ParamType::Text),
    ("version", ParamType::Text),
    ("region", ParamType::Text),
    ("tag_key", ParamType::Text),
    ("tag_value", ParamType::Text),
];

/// Why a dashboard or its query is not taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{file}:{line}: {reason}")]
pub struct Error {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there, and what would be right.
    pub reason: String,
}

/// Everything that is wrong with a set of boards, by file and line; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<Error>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, fault) in self.0.iter().enumerate() {
            write!(f, "{}{fault}", if number > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

/// The boards of `dashboards/`, as the build found them: name and text.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/dashboards.rs"));

/// The boards that are part of the program, in the order of the navigation. Their format is read; `check_program` says
/// whether their queries are right too.
pub fn embedded() -> Result<Vec<Dashboard>, Faults> {
    let (mut boards, mut faults) = (Vec::new(), Vec::new());
    for (name, text) in FILES {
        let reading = read::read(&format!("{name}.toml"), name, text);
        faults.extend(reading.faults);
        boards.extend(reading.board);
    }
    in_order(&mut boards);
    if faults.is_empty() { Ok(boards) } else { Err(Faults(faults)) }
}

/// What a check came to where nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Boards that were checked.
    pub boards: usize,
    /// Queries that were checked: those of the folder, and those that boards ask for.
    pub queries: usize,
}

/// Checks the boards of the program: everything that is wrong, or how many there are.
pub async fn check_program(engine: &crate::query::Engine) -> Result<Counted, Faults> {
    let sources = folder::Sources::of_program(FILES);
    let sound = check::check(engine, &sources, check::Whose::Program).await?;
    Ok(Counted { boards: sound.boards.len(), queries: sound.asked })
}

/// Checks the boards and queries of a folder, which may ask the program's queries too: everything that is wrong, or how
/// many there are.
pub async fn check_folder(engine: &crate::query::Engine, folder: &std::path::Path) -> Result<Counted, Faults> {
    let sources = folder::Sources::read(folder).map_err(|error| Faults(vec![error]))?;
    let sound = check::check(engine, &sources, check::Whose::User).await?;
    Ok(Counted { boards: sound.boards.len(), queries: sound.asked })
}

fn in_order<T: AsRef<Dashboard>>(boards: &mut [T]) {
    boards.sort_by(|a, b| {
        let (a, b) = (a.as_ref(), b.as_ref());
        (a.order, &a.name).cmp(&(b.order, &b.name))
    });
}

#[cfg(test)]
mod tests;

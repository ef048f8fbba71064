//! Dashboards as files: what a board shows and which named query answers each panel, in the words of Perses. Owns the
//! file's format and the boards that are part of the program; queries are run by `web::panel`.

mod file;

pub use file::{Better, Column, Dashboard, Display, Gap, Grid, Kind, Panel, Scale, Threshold, Trend, Unit};

/// Why a dashboard is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {reason}")]
pub struct Error {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there, and what would be right.
    pub reason: String,
}

/// The boards of `dashboards/`, as the build found them: name and text.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/dashboards.rs"));

/// The boards that are part of the program, in the order of the navigation.
pub fn embedded() -> Result<Vec<Dashboard>, Error> {
    let mut boards = FILES.iter().map(|(name, text)| Dashboard::read(name, text)).collect::<Result<Vec<_>, _>>()?;
    boards.sort_by(|a, b| (a.order, &a.name).cmp(&(b.order, &b.name)));
    Ok(boards)
}

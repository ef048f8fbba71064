//! Reads the files of a folder of boards: `*.toml`, `*.sql` and `queries/*.sql`. What they say is for `read`, `sql` and
//! `check`.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Error;

/// Files of a folder, at most.
const MAX_FILES: usize = 500;
/// Bytes of a file, at most (1 MiB).
const MAX_BYTES: u64 = 1 << 20;

/// A file as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// How messages name it.
    pub(super) file: String,
    /// Its name without the extension.
    pub(super) name: String,
    /// Its text, or why it could not be read.
    pub(super) text: Result<String, String>,
}

/// The files of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sources {
    pub(super) boards: Vec<Source>,
    pub(super) queries: Vec<Source>,
}

/// When each file was changed and how long it is: differs where anything was edited.
pub(super) type Stamp = Vec<(PathBuf, Option<SystemTime>, u64)>;

impl Sources {
    /// The boards of the program.
    pub(super) fn of_program(boards: &[(&str, &str)]) -> Self {
        let board = |(name, text): &(&str, &str)| Source {
            file: format!("{name}.toml"),
            name: (*name).to_owned(),
            text: Ok((*text).to_owned()),
        };
        Self { boards: boards.iter().map(board).collect(), queries: Vec::new() }
    }

    /// Reads all files of the folder; fails where the folder itself cannot be read.
    pub(super) fn read(folder: &Path) -> Result<Self, Error> {
        let mut sources = Self::default();
        for (path, ..) in stamp(folder)? {
            let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            let source = Source { file: path.display().to_string(), name, text: text(&path) };
            let is_board = path.extension().is_some_and(|extension| extension == "toml");
            if is_board { &mut sources.boards } else { &mut sources.queries }.push(source);
        }
        Ok(sources)
    }

    /// The file that messages name so.
    pub(super) fn file(&self, file: &str) -> Option<&Source> {
        self.boards.iter().chain(&self.queries).find(|source| source.file == file)
    }
}

/// The folder's files, by name. Others than boards and queries are left out.
pub(super) fn stamp(folder: &Path) -> Result<Stamp, Error> {
    let refuse = |folder: &Path, reason: String| Error { file: folder.display().to_string(), line: 1, reason };
    let fail = |folder: &Path, error: io::Error| refuse(folder, format!("the folder cannot be read: {error}"));
    let mut found = list(folder, &["toml", "sql"]).map_err(|error| fail(folder, error))?;
    let queries = folder.join("queries");
    if queries.is_dir() {
        found.extend(list(&queries, &["sql"]).map_err(|error| fail(&queries, error))?);
    }
    if found.len() > MAX_FILES {
        let reason = format!("there are {} boards and queries: at most {MAX_FILES} are taken", found.len());
        return Err(refuse(folder, reason));
    }
    found.sort();
    Ok(found)
}

/// The files of one folder that have one of these extensions.
fn list(folder: &Path, extensions: &[&str]) -> io::Result<Stamp> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_ours = path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted));
        let Some(about) = fs::metadata(&path).ok().filter(|about| is_ours && about.is_file()) else { continue };
        found.push((path, about.modified().ok(), about.len()));
    }
    Ok(found)
}

fn text(path: &Path) -> Result<String, String> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| format!("the file cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("the file is longer than {MAX_BYTES} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "the file is not text in UTF-8".to_owned())
}

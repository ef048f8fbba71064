//! Checks a set of boards and queries as a whole: every fault of every file. Formats are `read`'s and `sql`'s, a panel's own
//! rules are `panel`'s.

use std::collections::{BTreeMap, BTreeSet};

use crate::query::{Engine, NamedQuery};

use super::folder::{Source, Sources};
use super::panel::{self, Asked};
use super::read::{self, Places};
use super::sql::{self, Described};
use super::{Dashboard, Error, FILES, Faults, variable};

/// Whose boards are checked: a user's have places of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Program,
    User,
}

/// A set of boards that is right.
#[derive(Debug)]
pub(super) struct Sound {
    pub(super) boards: Vec<Dashboard>,
    /// Those of the set, without the program's.
    pub(super) queries: Vec<NamedQuery>,
    /// Queries of the set, and those of the program that its boards ask.
    pub(super) asked: usize,
}

/// Gathers the faults of one board, and knows its lines.
pub(super) struct Notes<'a> {
    file: &'a str,
    places: &'a Places,
    faults: Vec<Error>,
}

impl Notes<'_> {
    /// Notes what is wrong at a key such as `panels.0.query`.
    pub(super) fn fault(&mut self, path: &str, reason: impl Into<String>) {
        self.faults.push(Error { file: self.file.to_owned(), line: self.places.line(path), reason: reason.into() });
    }

    /// Whether the text has this key.
    pub(super) fn has(&self, path: &str) -> bool {
        self.places.has(path)
    }
}

/// Checks all of it.
pub(super) async fn check(engine: &Engine, sources: &Sources, whose: Whose) -> Result<Sound, Faults> {
    let (mut faults, mut boards, mut queries) = (Vec::new(), Vec::new(), Vec::new());
    // A query that is there but wrong is told of once, at its own file.
    let mut known: BTreeMap<String, Asked> = BTreeMap::new();
    for source in &sources.queries {
        match read_query(engine, source, &known).await {
            Ok(described) => {
                queries.push(described.query.clone());
                known.insert(source.name.clone(), Asked::Sound(described));
            }
            Err(more) => {
                faults.extend(more);
                known.entry(source.name.clone()).or_insert(Asked::Wrong);
            }
        }
    }
    let read = |source: &Source| text_of(source).map(|text| read::read(&source.file, &source.name, text));
    let readings: Vec<_> = sources.boards.iter().map(|source| (source, read(source))).collect();
    for (_, reading) in &readings {
        let board = reading.as_ref().ok().and_then(|reading| reading.board.as_ref());
        for name in board.iter().flat_map(|board| panel::asks(board)) {
            if !known.contains_key(name)
                && let Some(asked) = ask_program(engine, name, whose, &mut faults).await
            {
                known.insert(name.to_owned(), asked);
            }
        }
    }
    let names: Vec<String> = engine.list().iter().map(|query| query.name.to_string()).collect();
    let all_names: BTreeSet<&str> = names.iter().chain(known.keys()).map(String::as_str).collect();
    for (source, reading) in readings {
        match reading {
            Err(fault) => faults.push(fault),
            Ok(reading) => {
                faults.extend(reading.faults);
                let Some(board) = reading.board else { continue };
                let mut notes = Notes { file: &source.file, places: &reading.places, faults: Vec::new() };
                check_board(&mut notes, &board, whose);
                variable::check(&mut notes, &board);
                for (number, panel) in board.panels.iter().enumerate().filter(|(n, _)| !reading.spoilt.contains(n)) {
                    panel::check(&mut notes, number, (panel, &board.variables), &known, &all_names);
                }
                faults.extend(notes.faults);
                boards.push((source.file.as_str(), reading.places.line("path"), board));
            }
        }
    }
    faults.extend(same_place(&boards));
    if faults.is_empty() {
        let boards = boards.into_iter().map(|(_, _, board)| board).collect();
        return Ok(Sound { boards, queries, asked: known.len() });
    }
    faults.sort();
    faults.dedup();
    Err(Faults(faults))
}

fn text_of(source: &Source) -> Result<&str, Error> {
    let fault = |reason: &String| Error { file: source.file.clone(), line: 1, reason: reason.clone() };
    source.text.as_deref().map_err(|reason| fault(&reason.to_string()))
}

/// A query of a folder: its name must be free.
async fn read_query(
    engine: &Engine,
    source: &Source,
    known: &BTreeMap<String, Asked>,
) -> Result<Described, Vec<Error>> {
    let name = &source.name;
    let fault = |reason: String| vec![Error { file: source.file.clone(), line: 1, reason }];
    if engine.is_program(name) {
        return Err(fault(format!("the program has a query '{name}' already: give this one another name")));
    }
    if known.contains_key(name) {
        return Err(fault(format!("there are two queries '{name}', here and in another folder")));
    }
    let query = sql::head(source)?;
    sql::describe(engine, &query, &source.file).await
}

/// A query of the program; none where there is none of this name.
async fn ask_program(engine: &Engine, name: &str, whose: Whose, faults: &mut Vec<Error>) -> Option<Asked> {
    let all = engine.list();
    let query = all.iter().find(|query| *query.name == *name && engine.is_program(name))?;
    match sql::describe(engine, query, &format!("queries/{name}.sql")).await {
        Ok(described) => Some(Asked::Sound(described)),
        Err(more) => {
            if whose == Whose::Program {
                faults.extend(more);
            }
            Some(Asked::Wrong)
        }
    }
}

/// What a board says of itself.
fn check_board(notes: &mut Notes<'_>, board: &Dashboard, whose: Whose) {
    if !panel::is_id(&board.name) {
        notes.fault(
            "",
            format!("the file's name '{}' may have a to z, 0 to 9 and '-' only: it is part of URLs", board.name),
        );
    }
    if board.title.trim().is_empty() {
        notes.fault("title", "the title is empty");
    }
    if board.panels.is_empty() && !notes.has("panels") {
        notes.fault("panels", "the board has no panels");
    }
    if !board.path.starts_with('/') {
        notes.fault("path", format!("the path '{}' does not begin with '/'", board.path));
    } else if whose == Whose::User && board.path != format!("/dashboards/{}", board.name) {
        notes.fault("path", format!("the board is at /dashboards/{}: leave 'path' out", board.name));
    }
    if whose == Whose::User && FILES.iter().any(|(name, _)| *name == board.name) {
        notes.fault("", format!("the program has a board '{}' already: give this one another name", board.name));
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, panel) in board.panels.iter().enumerate().filter(|(_, panel)| panel.id != "-") {
        if let Some(first) = seen.insert(&panel.id, number) {
            let reason = format!("the id '{}' is that of panel {} too: each panel has its own", panel.id, first + 1);
            notes.fault(&format!("panels.{number}.id"), reason);
        }
    }
}

/// Boards at the path of another.
fn same_place(boards: &[(&str, usize, Dashboard)]) -> Vec<Error> {
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    let mut faults = Vec::new();
    for (file, line, board) in boards {
        if let Some(other) = taken.insert(&board.path, file) {
            let reason = format!("the path '{}' is that of {other} too", board.path);
            faults.push(Error { file: (*file).to_owned(), line: *line, reason });
        }
    }
    faults
}

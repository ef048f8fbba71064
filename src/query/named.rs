//! The named queries: the files of `queries/`, read once. What they answer stands in the files.

use super::Error;
use super::header::{ColumnDoc, Header, ParamDoc};

/// A query of `queries/`, as its file's head describes it.
#[derive(Debug, Clone)]
pub struct NamedQuery {
    /// The file's name without `.sql`.
    pub name: &'static str,
    /// What it answers.
    pub doc: String,
    /// Its parameters.
    pub params: Vec<ParamDoc>,
    /// The columns that it returns, in order.
    pub columns: Vec<ColumnDoc>,
    /// The file's text.
    pub sql: &'static str,
}

/// Every file of `queries/` by name, as the build found them.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/queries.rs"));

/// All named queries; fails where a file's head is not understood.
pub(super) fn all() -> Result<Vec<NamedQuery>, Error> {
    let read = |&(name, sql): &(&'static str, &'static str)| {
        let Header { doc, params, columns } =
            Header::parse(sql).map_err(|error| Error::Internal(format!("queries/{name}.sql: {error}")))?;
        Ok(NamedQuery { name, doc, params, columns, sql })
    };
    FILES.iter().map(read).collect()
}

//! The named queries: the list of files in `queries/`, read once. What they answer stands in the files.

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

/// Every file of `queries/`, by name.
const FILES: [(&str, &str); 11] = [
    ("cold_starts_by_hour", include_str!("../../queries/cold_starts_by_hour.sql")),
    ("cost_by_function", include_str!("../../queries/cost_by_function.sql")),
    ("cost_by_tenant", include_str!("../../queries/cost_by_tenant.sql")),
    ("function_logs", include_str!("../../queries/function_logs.sql")),
    ("function_spans", include_str!("../../queries/function_spans.sql")),
    ("invocation", include_str!("../../queries/invocation.sql")),
    ("invocations_by_function", include_str!("../../queries/invocations_by_function.sql")),
    ("last_invocations", include_str!("../../queries/last_invocations.sql")),
    ("last_logs", include_str!("../../queries/last_logs.sql")),
    ("outcomes_by_minute", include_str!("../../queries/outcomes_by_minute.sql")),
    ("trace_spans", include_str!("../../queries/trace_spans.sql")),
];

/// All named queries; fails where a file's head is not understood.
pub(super) fn all() -> Result<Vec<NamedQuery>, Error> {
    let read = |(name, sql): (&'static str, &'static str)| {
        let Header { doc, params, columns } =
            Header::parse(sql).map_err(|error| Error::Internal(format!("queries/{name}.sql: {error}")))?;
        Ok(NamedQuery { name, doc, params, columns, sql })
    };
    FILES.into_iter().map(read).collect()
}

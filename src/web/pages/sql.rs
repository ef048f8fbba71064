//! The page at `/sql`: an editor with the tables and the named queries beside it. It begins with the SQL of the URL, with a
//! named query, or with the query of a board's panel and its parameters. Queries are run by the API, asked by the script.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::Uri;
use serde::Serialize;

use crate::query::{ColumnDoc, NamedQuery, Param, Params, TableDoc};
use crate::web::error::{NOT_FOUND, Problem};
use crate::web::panel::window::Window;
use crate::web::params::QueryString;
use crate::web::state::AppState;

use super::range;

const PATH: &str = "/sql";
/// What the editor holds where the URL says nothing.
const FIRST: &str = "SELECT function, count(*) AS calls, sum(billed_ms) AS billed_ms, sum(list_cost) AS list_cost, currency\n\
                     FROM invocations\n\
                     WHERE started_at >= now() - INTERVAL '1 hour'\n\
                     GROUP BY function, currency\n\
                     ORDER BY calls DESC\n\
                     LIMIT 100";

#[derive(Serialize)]
struct Page {
    sql: String,
    /// What it is, where it is one that has a name.
    doc: String,
    /// Parameters that have values, for the script.
    json: String,
    tables: Vec<Table>,
    queries: Vec<Query>,
    tables_error: Option<String>,
    /// How long a query may take, and how many rows it may return.
    limits: String,
}

#[derive(Serialize)]
struct Table {
    name: String,
    columns: Vec<Column>,
}

#[derive(Serialize)]
struct Column {
    name: String,
    kind: String,
    doc: String,
}

#[derive(Serialize)]
struct Query {
    name: String,
    href: String,
    doc: String,
}

/// What the editor begins with.
struct Start {
    sql: String,
    doc: String,
    params: Params,
    /// Whether it is to run at once.
    run: bool,
}

/// SQL
///
/// `sql` is what the editor begins with; or `name`, a named query; or `dashboard` and `panel`, whose query gets the range
/// and the filters of the URL.
#[utoipa::path(
    get,
    path = "/sql",
    tag = "pages",
    responses(
        (status = 200, description = "An HTML page", content_type = "text/html", body = String),
        (status = 404, description = "There is no such query or panel", body = crate::web::api::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(in crate::web) async fn sql(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Response, Problem> {
    let mut query = QueryString::of(&uri);
    let window = Window::read(&mut query, state.clock.now())?;
    let start = Start::read(&state, &window, &mut query)?;
    query.finish()?;
    let (tables, tables_error) = match state.query.tables().await {
        Ok(tables) => (tables, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let params: serde_json::Map<_, _> = start.params.into_iter().map(|(name, value)| (name, json(value))).collect();
    let script = serde_json::json!({ "params": params, "run": start.run });
    let page = Page {
        sql: start.sql,
        doc: start.doc,
        json: super::embedded(&script)?,
        tables: tables.into_iter().map(Table::of).collect(),
        queries: state.query.list().iter().map(Query::of).collect(),
        limits: limits(&state),
        tables_error,
    };
    state.pages.render(&state, "sql.html", PATH, &page)
}

fn limits(state: &AppState) -> String {
    let of = |key: &str| state.settings.of(key).map(super::settings::in_words);
    let limits = [of("query.timeout"), of("query.max_rows").map(|rows| format!("{rows} rows"))];
    limits.into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

impl Start {
    fn read(state: &AppState, window: &Window, query: &mut QueryString) -> Result<Self, Problem> {
        let (sql, name) = (query.text("sql")?, query.text("name")?);
        let (board, panel) = (query.text("dashboard")?, query.text("panel")?);
        match (sql, name, board, panel) {
            (None, None, None, None) => {
                Ok(Self { sql: FIRST.to_owned(), doc: String::new(), params: Params::new(), run: false })
            }
            (Some(sql), None, None, None) => Ok(Self { sql, doc: String::new(), params: Params::new(), run: false }),
            (None, Some(name), None, None) => Self::named(state, window, &name, false),
            (None, None, Some(board), Some(panel)) => {
                let none = || Problem::new(NOT_FOUND, format!("there is no panel '{panel}' of a board '{board}'"));
                let shown = state.boards.get(&board).ok_or_else(none)?;
                let found = shown.panel(&panel).ok_or_else(none)?;
                Self::named(state, window, &found.query, true)
            }
            _ => Err(Problem::invalid("give one of: 'sql', 'name', or 'dashboard' and 'panel'")),
        }
    }

    /// A named query with what the range and the filters say of its parameters.
    fn named(state: &AppState, window: &Window, name: &str, run: bool) -> Result<Self, Problem> {
        let all = state.query.list();
        let found = all
            .iter()
            .find(|query| *query.name == *name)
            .ok_or_else(|| Problem::new(NOT_FOUND, format!("there is no query '{name}'")))?;
        let mut params = window.params();
        params.retain(|name, _| found.params.iter().any(|param| param.name == *name));
        Ok(Self { sql: found.sql.to_string(), doc: found.doc.clone(), params, run })
    }
}

fn json(value: Param) -> serde_json::Value {
    match value {
        Param::Null => serde_json::Value::Null,
        Param::Bool(value) => value.into(),
        Param::Int(value) => value.into(),
        Param::Text(value) => value.into(),
        Param::Float(value) => value.into(),
    }
}

impl Table {
    fn of(table: TableDoc) -> Self {
        let column = |column: ColumnDoc| {
            let (kind, doc) = column.doc.split_once(", ").unwrap_or((&column.doc, ""));
            Column { kind: kind.to_owned(), doc: doc.to_owned(), name: column.name }
        };
        Self { name: table.name, columns: table.columns.into_iter().map(column).collect() }
    }
}

impl Query {
    fn of(query: &NamedQuery) -> Self {
        let href = range::href(PATH, &[("name", query.name.to_string())]);
        Self { name: query.name.to_string(), href, doc: query.doc.clone() }
    }
}

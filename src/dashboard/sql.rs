//! Checks a query's file: its head, and that its SQL plans over the tables and returns what its head says. It runs nothing.

use arrow::datatypes::{Schema, SchemaRef};

use crate::query::{self, Engine, NamedQuery};

use super::Error;
use super::folder::Source;

/// A query whose SQL was planned.
#[derive(Debug, Clone)]
pub(super) struct Described {
    pub(super) query: NamedQuery,
    /// The columns that it returns.
    pub(super) schema: SchemaRef,
}

/// Reads the head of a query's file, or says what is wrong with it.
pub(super) fn head(source: &Source) -> Result<NamedQuery, Vec<Error>> {
    let fault = |line: usize, reason: String| Error { file: source.file.clone(), line, reason };
    let mut faults = Vec::new();
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    if source.name.is_empty() || !source.name.chars().all(is_plain) {
        let reason = format!("the name '{}' may have a to z, 0 to 9, '_' and '-' only", source.name);
        faults.push(fault(1, reason));
    }
    let read = match &source.text {
        Ok(text) => NamedQuery::read(&source.name, text)
            .map_err(|wrong| wrong.into_iter().map(|wrong| fault(wrong.line, wrong.reason)).collect()),
        Err(reason) => Err(vec![fault(1, reason.clone())]),
    };
    match read {
        Ok(query) if faults.is_empty() => Ok(query),
        Ok(_) => Err(faults),
        Err(more) => Err([faults, more].concat()),
    }
}

/// Plans the SQL, and compares what it returns with its head.
pub(super) async fn describe(engine: &Engine, query: &NamedQuery, file: &str) -> Result<Described, Vec<Error>> {
    let fault = |line: usize, reason: String| Error { file: file.to_owned(), line, reason };
    let schema = engine.describe(query).await.map_err(|error| {
        let (line, reason) = explain(query, &error);
        vec![fault(line, reason)]
    })?;
    let faults: Vec<Error> =
        differences(query, &schema).into_iter().map(|(line, reason)| fault(line, reason)).collect();
    if faults.is_empty() { Ok(Described { query: query.clone(), schema }) } else { Err(faults) }
}

/// What the head declares that the SQL does not return, and the other way round. A head that declares no column is left alone.
fn differences(query: &NamedQuery, schema: &Schema) -> Vec<(usize, String)> {
    if query.columns.is_empty() {
        return Vec::new();
    }
    let returned: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let declared: Vec<&str> = query.columns.iter().map(|column| column.name.as_str()).collect();
    let line = |name: &str| line_with(&query.sql, &format!("-- column {name}:")).unwrap_or(1);
    let absent = declared
        .iter()
        .filter(|name| !returned.contains(name))
        .map(|name| (line(name), format!("the head declares the column '{name}', which the SQL does not return")));
    let unsaid = returned.iter().filter(|name| !declared.contains(name)).map(|name| {
        (first_of_sql(&query.sql), format!("the SQL returns the column '{name}', which the head does not declare"))
    });
    absent.chain(unsaid).collect()
}

/// The line of the SQL that a refusal is about, as well as can be told, and the reason.
fn explain(query: &NamedQuery, error: &query::Error) -> (usize, String) {
    let sql = &query.sql;
    let message = error.to_string();
    let missing = message.strip_prefix("the parameter $").and_then(|rest| rest.strip_suffix(" is missing"));
    if let Some(name) = missing {
        let line = line_with(sql, &format!("${name}")).unwrap_or_else(|| first_of_sql(sql));
        return (line, format!("the SQL uses ${name}, which its head does not declare"));
    }
    let told =
        message.split("Line: ").nth(1).map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    let told = told.and_then(|digits| digits.parse().ok()).filter(|line: &usize| *line > 0);
    let quoted = message.split('\'').nth(1).and_then(|name| name.rsplit('.').next());
    let named = || quoted.and_then(|name| line_with(sql, name));
    (told.or_else(named).unwrap_or_else(|| first_of_sql(sql)), message)
}

/// The first line of SQL that holds the text, comments left out unless the text is one.
fn line_with(sql: &str, text: &str) -> Option<usize> {
    let is_comment = |line: &str| line.trim_start().starts_with("--");
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let holds = |line: &str| !text.is_empty() && line.match_indices(text).any(|(at, _)| ends(&line[at + text.len()..]));
    let lines = sql.lines().zip(1..).filter(|(line, _)| is_comment(line) == text.starts_with("--"));
    lines.into_iter().find(|(line, _)| holds(line)).map(|(_, number)| number)
}

/// The first line that is neither empty nor a comment.
fn first_of_sql(sql: &str) -> usize {
    let is_sql = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with("--");
    sql.lines().zip(1..).find(|(line, _)| is_sql(line)).map_or(1, |(_, number)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(sql: &str, message: &str) -> (usize, String) {
        let query = NamedQuery::read("q", sql).unwrap();
        explain(&query, &query::Error::Invalid(message.to_owned()))
    }

    #[test]
    fn the_line_is_found() {
        let sql =
            "-- Doc of foo.\n-- param from: timestamp, required\n\nSELECT foo_x,\n  foo\nFROM t WHERE a > $tenant";
        assert_eq!(explained(sql, "column 't.foo' not found; there are a").0, 5);
        assert_eq!(explained(sql, "this is not SQL: Expected: x, found: y at Line: 6, Column: 2").0, 6);
        assert_eq!(explained(sql, "something else").0, 4);
        let (line, reason) = explained(sql, "the parameter $tenant is missing");
        assert_eq!((line, reason.as_str()), (6, "the SQL uses $tenant, which its head does not declare"));
    }
}

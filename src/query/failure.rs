//! Turns the failures of the libraries below into `Error`s: whose fault it is, in one sentence. It decides nothing else.

use arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use tokio::task::JoinError;

use super::Error;

/// Column names that a message lists at most.
const MAX_LISTED: usize = 50;

/// What is said where memory is at its limit, before the limit is put in.
const MEMORY: &str = "memory";

/// Names the limit on memory where that was passed.
pub(super) fn with_memory(error: Error, bytes: usize) -> Error {
    match error {
        Error::Limit(text) if text == MEMORY => Error::Limit(format!(
            "the query needs more memory than is left of the {bytes} bytes that queries may use together: \
             ask for a shorter time, fewer groups or a smaller join"
        )),
        other => other,
    }
}

/// From planning or running a query.
pub(super) fn of_datafusion(error: DataFusionError) -> Error {
    if let Some(fault) = of_regex(&error.strip_backtrace()) {
        return Error::Invalid(fault);
    }
    match error.find_root() {
        DataFusionError::External(own) if own.is::<Error>() => own.downcast_ref::<Error>().expect("it is one").clone(),
        DataFusionError::SQL(error, _) => of_parser(error),
        DataFusionError::SchemaError(error, _) => Error::Invalid(of_schema(error)),
        DataFusionError::ResourcesExhausted(_) => Error::Limit(MEMORY.to_owned()),
        DataFusionError::Plan(message)
        | DataFusionError::NotImplemented(message)
        | DataFusionError::Execution(message)
        | DataFusionError::Configuration(message) => Error::Invalid(sentence(message)),
        DataFusionError::ArrowError(error, _) => of_arrow(error),
        DataFusionError::ExecutionJoin(error) => of_task(error),
        DataFusionError::Collection(errors) if !errors.is_empty() => {
            Error::Invalid(sentence(&errors[0].strip_backtrace()))
        }
        other => Error::Internal(format!("the query failed: {}", sentence(&other.strip_backtrace()))),
    }
}

/// From a regular expression that is none, wherever it was found out: what is wrong and where. The library marks the place
/// below the expression, which stands four characters from the left.
fn of_regex(message: &str) -> Option<String> {
    if message.contains("regex exceeds size limit") {
        return Some("the regular expression is too large once it is compiled".to_owned());
    }
    let (_, rest) = message.split_once("regex parse error:")?;
    let is_mark = |line: &&str| line.contains('^') && line.trim_matches([' ', '^']).is_empty();
    let what = rest.lines().find_map(|line| line.trim().strip_prefix("error:")).map_or("it cannot be read", str::trim);
    let place = rest.lines().find(is_mark).and_then(|line| line.find('^'));
    let place = place.map_or_else(String::new, |at| format!(", at character {}", at.saturating_sub(4) + 1));
    Some(format!("the regular expression is wrong: {what}{place}"))
}

/// From reading the SQL.
pub(super) fn of_parser(error: &ParserError) -> Error {
    match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            Error::Invalid(format!("this is not SQL: {}", sentence(message)))
        }
        ParserError::RecursionLimitExceeded => {
            Error::Invalid("the statement is nested too deeply: at most 50 levels are allowed".to_owned())
        }
    }
}

/// From a task of the pool: it panicked, or the pool is going down.
pub(super) fn of_task(error: &JoinError) -> Error {
    let what = if error.is_panic() { "broke off by a fault of ours" } else { "was ended because the server stops" };
    Error::Internal(format!("the query {what}"))
}

fn of_arrow(error: &ArrowError) -> Error {
    let text = sentence(&error.to_string());
    match error {
        ArrowError::CastError(_)
        | ArrowError::ParseError(_)
        | ArrowError::ComputeError(_)
        | ArrowError::DivideByZero
        | ArrowError::ArithmeticOverflow(_)
        | ArrowError::InvalidArgumentError(_)
        | ArrowError::NotYetImplemented(_)
        | ArrowError::SchemaError(_) => Error::Invalid(text),
        ArrowError::ExternalError(inner) => match inner.downcast_ref::<DataFusionError>() {
            Some(DataFusionError::ResourcesExhausted(_)) => Error::Limit(MEMORY.to_owned()),
            Some(DataFusionError::Execution(message)) => Error::Invalid(sentence(message)),
            _ => Error::Internal(format!("the query failed: {text}")),
        },
        _ => Error::Internal(format!("the query failed: {text}")),
    }
}

fn of_schema(error: &SchemaError) -> String {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } if !valid_fields.is_empty() => {
            let mut names: Vec<&str> = valid_fields.iter().map(|column| column.name.as_str()).collect();
            names.dedup();
            let more = if names.len() > MAX_LISTED { ", ..." } else { "" };
            names.truncate(MAX_LISTED);
            format!("column '{}' not found; there are {}{more}", field.flat_name(), names.join(", "))
        }
        SchemaError::FieldNotFound { field, .. } => {
            format!("column '{}' not found: the statement names no table", field.flat_name())
        }
        SchemaError::AmbiguousReference { field } => {
            format!("column '{}' is in more than one table: write table.{}", field.name, field.name)
        }
        SchemaError::DuplicateQualifiedField { qualifier, name } => {
            format!("column '{qualifier}.{name}' is there twice: give one of them another name with AS")
        }
        SchemaError::DuplicateUnqualifiedField { name } => {
            format!("column '{name}' is there twice: give one of them another name with AS")
        }
    }
}

/// The first sentence of a library's message, without its own prefix and without a trace.
fn sentence(message: &str) -> String {
    let prefixes = [
        "Error during planning: ",
        "Execution error: ",
        "Schema error: ",
        "SQL error: ",
        "Arrow error: ",
        "sql parser error: ",
        "Cast error: ",
        "Parser error: ",
        "Compute error: ",
        "Invalid argument error: ",
        "Arithmetic overflow: ",
    ];
    let mut text = message.split("\n\nbacktrace:").next().unwrap_or(message).trim();
    while let Some(rest) = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest;
    }
    let text = text.split('\n').map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason is known");
    text.trim_end_matches(['.', ':']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_regular_expression_says_where() {
        let message = "External error: regex parse error:\n    a(b\n     ^\nerror: unclosed group";
        let fault = of_datafusion(DataFusionError::External(message.into()));
        let expected = "the regular expression is wrong: unclosed group, at character 2";
        assert_eq!(fault, Error::Invalid(expected.to_owned()));
        assert_eq!(of_regex("another"), None);
    }
}

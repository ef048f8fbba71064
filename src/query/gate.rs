//! Decides what SQL is let through: one statement that only reads the tables, of bounded size and depth.
//! It does not plan or run it.

use std::ops::ControlFlow;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    ObjectName, Query, Select, SetExpr, Statement as SqlStatement, TableFactor, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::{Error, failure};

/// Words and operators of a statement; values and commas are not counted. It bounds the depth of chains such as
/// `a + a + a`, which nest without parentheses.
const MAX_WORDS: usize = 5_000;

/// Arithmetic, `||`, `::`, `[` and the like: planning a chain of them takes time that grows with its square.
const MAX_OPERATORS: usize = 1_000;

/// Parentheses, subqueries and calls within each other.
const MAX_NESTING: usize = 50;

/// Tables that one statement names.
const MAX_TABLES: usize = 100;

/// SELECTs within one statement.
const MAX_SELECTS: usize = 500;

/// Table functions that make rows out of nothing, and read nothing.
const TABLE_FUNCTIONS: [&str; 3] = ["generate_series", "range", "unnest"];

const ALLOWED: &str = "queries only read: write SELECT, WITH, VALUES, EXPLAIN, SHOW TABLES, SHOW COLUMNS or DESCRIBE";

/// A statement that may be planned.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) statement: Statement,
    /// The tables that it names, CTEs included.
    pub(super) tables: Vec<String>,
}

/// Parses `sql` and refuses what does more than read.
pub(super) fn admit(sql: &str) -> Result<Admitted, Error> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql)
        .tokenize_with_location()
        .map_err(|error| failure::of_parser(&ParserError::from(error)))?;
    check_size(&tokens)?;
    let first = first_word(&tokens);
    let parsed = DFParserBuilder::new(tokens)
        .with_recursion_limit(MAX_NESTING)
        .build()
        .and_then(|mut parser| parser.parse_statements());
    let mut statements = parsed.map_err(|error| match &first {
        Some(word) if is_other_statement(word) => forbidden(word),
        _ => failure::of_datafusion(error),
    })?;
    let count = statements.len();
    let (Some(statement), 1) = (statements.pop_front(), count) else {
        return Err(Error::Invalid(format!("one statement is wanted, and there are {count}")));
    };
    check_statement(&statement, first.as_deref().unwrap_or("the statement"))?;
    let tables = check_tables(&statement)?;
    Ok(Admitted { statement, tables })
}

/// Refuses a plan that does more than read, however it came to be.
pub(super) fn check_plan(plan: &LogicalPlan) -> Result<(), Error> {
    let mut offence = None;
    plan.apply_with_subqueries(|node| {
        offence = match node {
            LogicalPlan::Ddl(ddl) => Some(ddl.name().to_owned()),
            LogicalPlan::Dml(dml) => Some(dml.op.to_string()),
            LogicalPlan::Copy(_) => Some("COPY".to_owned()),
            LogicalPlan::Statement(statement) => Some(statement.name().to_owned()),
            _ => return Ok(TreeNodeRecursion::Continue),
        };
        Ok(TreeNodeRecursion::Stop)
    })
    .map_err(failure::of_datafusion)?;
    offence.map_or(Ok(()), |name| Err(forbidden(&name)))
}

/// Whether the name looks like a file rather than a table.
pub(super) fn is_file_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let endings = [".parquet", ".csv", ".json", ".ndjson", ".arrow", ".avro", ".gz", ".tsv", ".txt", ".db"];
    name.contains(['/', '\\', ':', '*']) || endings.iter().any(|ending| lower.ends_with(ending))
}

/// The refusal to read a file.
pub(super) fn no_files(name: &str) -> Error {
    Error::Forbidden(format!("'{name}' is not a table: queries read the tables of the store, and no files"))
}

fn check_size(tokens: &[TokenWithSpan]) -> Result<(), Error> {
    let visible = tokens.iter().map(|token| &token.token).filter(|token| !matches!(token, Token::Whitespace(_)));
    let (mut words, mut operators, mut sign_fits) = (0, 0, true);
    for token in visible {
        let is_sign = sign_fits && matches!(token, Token::Minus | Token::Plus);
        words += usize::from(is_word(token) && !is_sign);
        operators += usize::from(is_operator(token) && !is_sign);
        sign_fits = matches!(token, Token::Comma | Token::LParen);
    }
    if words > MAX_WORDS {
        return Err(Error::Limit(format!(
            "the statement has {words} words and operators (values and commas not counted): at most {MAX_WORDS} are allowed"
        )));
    }
    if operators > MAX_OPERATORS {
        return Err(Error::Limit(format!(
            "the statement has {operators} operators: at most {MAX_OPERATORS} are allowed"
        )));
    }
    Ok(())
}

/// Whether it is more than what holds values together or apart, or compares two of them.
fn is_operator(token: &Token) -> bool {
    let small = matches!(
        token,
        Token::Word(_)
            | Token::Placeholder(_)
            | Token::LParen
            | Token::RParen
            | Token::RBracket
            | Token::Period
            | Token::SemiColon
            | Token::Eq
            | Token::DoubleEq
            | Token::Neq
            | Token::Lt
            | Token::Gt
            | Token::LtEq
            | Token::GtEq
    );
    is_word(token) && !small
}

fn is_word(token: &Token) -> bool {
    !matches!(
        token,
        Token::Whitespace(_)
            | Token::Comma
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::HexStringLiteral(_)
            | Token::EscapedStringLiteral(_)
            | Token::EOF
    )
}

fn first_word(tokens: &[TokenWithSpan]) -> Option<String> {
    tokens.iter().find_map(|token| match &token.token {
        Token::Whitespace(_) | Token::LParen | Token::SemiColon => None,
        other => Some(other.to_string().to_ascii_uppercase()),
    })
}

/// Whether a statement that begins so would not read, though it was not understood.
fn is_other_statement(word: &str) -> bool {
    let other = [
        "ALTER",
        "ANALYZE",
        "ATTACH",
        "BEGIN",
        "CALL",
        "COMMENT",
        "COMMIT",
        "COPY",
        "CREATE",
        "DEALLOCATE",
        "DELETE",
        "DETACH",
        "DROP",
        "EXECUTE",
        "EXPORT",
        "GRANT",
        "IMPORT",
        "INSERT",
        "INSTALL",
        "LOAD",
        "MERGE",
        "PRAGMA",
        "PREPARE",
        "RESET",
        "REVOKE",
        "ROLLBACK",
        "SET",
        "START",
        "TRUNCATE",
        "UNLOAD",
        "UPDATE",
        "USE",
        "VACUUM",
    ];
    other.contains(&word)
}

fn forbidden(what: &str) -> Error {
    Error::Forbidden(format!("{what} is not allowed: {ALLOWED}"))
}

fn check_statement(statement: &Statement, first: &str) -> Result<(), Error> {
    match statement {
        Statement::Explain(explain) => check_statement(&explain.statement, &name_of(&explain.statement)),
        Statement::Statement(inner) => match inner.as_ref() {
            SqlStatement::Query(_)
            | SqlStatement::ShowTables { .. }
            | SqlStatement::ShowColumns { .. }
            | SqlStatement::ShowFunctions { .. }
            | SqlStatement::ExplainTable { .. } => Ok(()),
            SqlStatement::Explain { statement, .. } => {
                let inner = Statement::Statement(statement.clone());
                check_statement(&inner, &name_of(&inner))
            }
            _ => Err(forbidden(first)),
        },
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => Err(forbidden(first)),
    }
}

/// The first word of a statement within EXPLAIN.
fn name_of(statement: &Statement) -> String {
    let text = statement.to_string();
    text.split_whitespace().next().unwrap_or("the statement").to_ascii_uppercase()
}

fn check_tables(statement: &Statement) -> Result<Vec<String>, Error> {
    let mut named = Named { tables: Vec::new(), selects: 0 };
    let inner = match statement {
        Statement::Explain(explain) => return check_tables(&explain.statement),
        Statement::Statement(inner) => inner,
        _ => return Ok(Vec::new()),
    };
    match inner.visit(&mut named) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(named.tables),
    }
}

/// Gathers the tables that a statement names.
struct Named {
    tables: Vec<String>,
    selects: usize,
}

impl Visitor for Named {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        let writes = match query.body.as_ref() {
            SetExpr::Insert(_) => "INSERT",
            SetExpr::Update(_) => "UPDATE",
            SetExpr::Delete(_) => "DELETE",
            SetExpr::Merge(_) => "MERGE",
            _ => return ControlFlow::Continue(()),
        };
        ControlFlow::Break(forbidden(writes))
    }

    fn pre_visit_select(&mut self, _: &Select) -> ControlFlow<Error> {
        self.selects += 1;
        if self.selects > MAX_SELECTS {
            return ControlFlow::Break(Error::Limit(format!("the statement has more than {MAX_SELECTS} SELECTs")));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Error> {
        match factor {
            TableFactor::Table { name, args: None, .. } => self.table(name),
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => function(name),
            _ => ControlFlow::Continue(()),
        }
    }
}

impl Named {
    fn table(&mut self, name: &ObjectName) -> ControlFlow<Error> {
        let parts: Vec<String> = name
            .0
            .iter()
            .map(|part| part.as_ident().map_or_else(|| part.to_string(), |ident| ident.value.clone()))
            .collect();
        self.tables.push(parts.join("."));
        if self.tables.len() > MAX_TABLES {
            return ControlFlow::Break(Error::Limit(format!("the statement names more than {MAX_TABLES} tables")));
        }
        ControlFlow::Continue(())
    }
}

fn function(name: &ObjectName) -> ControlFlow<Error> {
    let text = name.to_string().to_ascii_lowercase();
    if TABLE_FUNCTIONS.contains(&text.as_str()) {
        return ControlFlow::Continue(());
    }
    ControlFlow::Break(Error::Forbidden(format!(
        "the table function '{text}' is not allowed: queries read the tables of the store, generate_series and range, and no files"
    )))
}

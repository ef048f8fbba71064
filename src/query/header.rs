//! Reads the comment lines at the head of a statement: what it answers, its parameters and its columns.
//! Values for parameters are `params`'.
//!
//! ```text
//! -- Any text: what the statement answers.
//! -- param NAME: TYPE, required; any text
//! -- param NAME: TYPE = DEFAULT; any text
//! -- column NAME: any text: type, unit, meaning
//! ```
//! TYPE is text, int, float, bool, decimal or timestamp. DEFAULT runs to the `;` or the end of the line and may be `null`.

use arrow::datatypes::{DataType, TimeUnit};

use crate::units::{MONEY_PRECISION, MONEY_SCALE};

use super::{Error, Param};

/// What type a parameter is declared to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamType {
    /// `text`
    Text,
    /// `int`: 64 bits
    Int,
    /// `float`: 64 bits
    Float,
    /// `bool`
    Bool,
    /// `decimal`: as exact as money
    Decimal,
    /// `timestamp`: RFC 3339, microseconds, UTC where no zone is given
    Timestamp,
}

/// A parameter that a statement declares.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamDoc {
    /// Without the `$`.
    pub name: String,
    /// Its type.
    pub kind: ParamType,
    /// Its value where none is given; none where one must be given.
    pub default: Option<Param>,
    /// What it means.
    pub doc: String,
}

/// A column that a statement declares to return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDoc {
    /// The column's name.
    pub name: String,
    /// Its type, unit and meaning.
    pub doc: String,
}

/// A line of a statement's head that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderFault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there, and what would be right.
    pub reason: String,
}

/// What a statement says about itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Header {
    pub(super) doc: String,
    pub(super) params: Vec<ParamDoc>,
    pub(super) columns: Vec<ColumnDoc>,
}

impl ParamType {
    /// Every type there is.
    pub const ALL: [Self; 6] = [Self::Text, Self::Int, Self::Float, Self::Bool, Self::Decimal, Self::Timestamp];

    /// The word in the header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Decimal => "decimal",
            Self::Timestamp => "timestamp",
        }
    }

    /// The type of the bound value.
    pub(super) fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Decimal => DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE),
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }
}

impl Header {
    /// Reads the comment lines before the first line of SQL; stops at the first that is not understood.
    pub(super) fn parse(sql: &str) -> Result<Self, Error> {
        Self::read(sql).map_err(|mut faults| Error::Invalid(faults.swap_remove(0).reason))
    }

    /// Reads the comment lines before the first line of SQL; at least one fault where any is not understood.
    pub(super) fn read(sql: &str) -> Result<Self, Vec<HeaderFault>> {
        let (mut header, mut doc, mut faults) = (Self::default(), Vec::new(), Vec::new());
        let lines = sql.lines().map(str::trim).zip(1..);
        let comments = lines.take_while(|(line, _)| line.is_empty() || line.starts_with("--"));
        for (text, line) in comments.filter_map(|(text, line)| Some((text.strip_prefix("--")?.trim(), line))) {
            if let Some(declared) = text.strip_prefix("param ").filter(|text| text.contains(':')) {
                match param(declared) {
                    Ok(param) if header.param(&param.name).is_some() => {
                        faults.push(HeaderFault {
                            line,
                            reason: format!("the parameter '{}' is there twice", param.name),
                        });
                    }
                    Ok(param) => header.params.push(param),
                    Err(error) => faults.push(HeaderFault { line, reason: error.to_string() }),
                }
            } else if let Some((name, about)) = text.strip_prefix("column ").and_then(|text| text.split_once(':')) {
                header.columns.push(ColumnDoc { name: name.trim().to_owned(), doc: about.trim().to_owned() });
            } else {
                doc.push(text);
            }
        }
        header.doc = doc.join(" ").trim().to_owned();
        if faults.is_empty() { Ok(header) } else { Err(faults) }
    }

    /// The declaration of a parameter.
    pub(super) fn param(&self, name: &str) -> Option<&ParamDoc> {
        self.params.iter().find(|param| param.name == name)
    }
}

/// Reads `NAME: TYPE = DEFAULT; doc`.
fn param(text: &str) -> Result<ParamDoc, Error> {
    let fail = || {
        let kinds: Vec<&str> = ParamType::ALL.iter().map(|kind| kind.as_str()).collect();
        Error::Invalid(format!(
            "'-- param {text}' is not understood: write '-- param NAME: TYPE, required' or '-- param NAME: TYPE = DEFAULT', where TYPE is {}",
            kinds.join(", ")
        ))
    };
    let (declared, doc) = text.split_once(';').unwrap_or((text, ""));
    let (name, declared) = declared.split_once(':').ok_or_else(fail)?;
    let (kind, default) = match declared.split_once('=') {
        Some((kind, default)) => (kind, Some(default.trim())),
        None => (
            declared.trim().strip_suffix("required").and_then(|kind| kind.trim().strip_suffix(',')).ok_or_else(fail)?,
            None,
        ),
    };
    let kind = ParamType::ALL.into_iter().find(|known| known.as_str() == kind.trim()).ok_or_else(fail)?;
    let default = default.map(|text| if text == "null" { Param::Null } else { Param::Text(text.to_owned()) });
    Ok(ParamDoc { name: name.trim().to_owned(), kind, default, doc: doc.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read() {
        let sql = "-- Newest first.\n-- Of all functions.\n-- param from: timestamp, required; start, included\n\
                   -- param limit: int = 100\n-- param after: timestamp = null\n-- column cost: decimal, exact\n\nSELECT 1 -- param x\n";
        let header = Header::parse(sql).unwrap();
        assert_eq!(header.doc, "Newest first. Of all functions.");
        let from = ParamDoc {
            name: "from".to_owned(),
            kind: ParamType::Timestamp,
            default: None,
            doc: "start, included".to_owned(),
        };
        assert_eq!(header.param("from"), Some(&from));
        assert_eq!(header.param("limit").unwrap().default, Some(Param::Text("100".to_owned())));
        assert_eq!(header.param("after").unwrap().default, Some(Param::Null));
        assert_eq!(header.param("x"), None);
        assert_eq!(header.columns, [ColumnDoc { name: "cost".to_owned(), doc: "decimal, exact".to_owned() }]);
    }

    #[test]
    fn a_wrong_declaration_is_shown() {
        for wrong in ["-- param a: int", "-- param a: varchar, required", "-- param a: = 3"] {
            let error = Header::parse(wrong).unwrap_err().to_string();
            assert!(error.starts_with(&format!("'{wrong}' is not understood")), "{error}");
        }
    }

    #[test]
    fn every_wrong_line_is_named() {
        let sql = "-- Doc.\n-- param a: int\n-- param b: int = 1\n\n-- param b: text = x\n-- param c: x = 1\nSELECT 1";
        let faults = Header::read(sql).unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2, 5, 6]);
        assert_eq!(faults[1].reason, "the parameter 'b' is there twice");
    }
}

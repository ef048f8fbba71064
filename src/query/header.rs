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
    /// Reads the comment lines before the first line of SQL.
    pub(super) fn parse(sql: &str) -> Result<Self, Error> {
        let mut header = Self::default();
        let mut doc: Vec<&str> = Vec::new();
        let comments = sql.lines().map(str::trim).take_while(|line| line.is_empty() || line.starts_with("--"));
        for line in comments.filter_map(|line| line.strip_prefix("--")).map(str::trim) {
            if let Some(text) = line.strip_prefix("param ").filter(|text| text.contains(':')) {
                header.params.push(param(text)?);
            } else if let Some((name, text)) = line.strip_prefix("column ").and_then(|text| text.split_once(':')) {
                header.columns.push(ColumnDoc { name: name.trim().to_owned(), doc: text.trim().to_owned() });
            } else {
                doc.push(line);
            }
        }
        header.doc = doc.join(" ").trim().to_owned();
        Ok(header)
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
}

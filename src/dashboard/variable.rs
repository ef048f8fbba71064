//! A board's variables: what they take, and what of a board's file is wrong about them. Where a reader sets them is the page's.

use std::collections::BTreeSet;

use crate::query::{Param, ParamType};
use crate::units::Money;

use super::check::Notes;
use super::{Dashboard, PARAMS, Variable, VariableKind};

/// Variables of a board, at most.
const MOST: usize = 20;
/// Characters of a value, at most.
const MOST_CHARS: usize = 200;

impl Variable {
    /// What the URL calls it.
    #[must_use]
    pub fn control(&self) -> String {
        format!("var-{}", self.name)
    }

    /// The parameter that queries get of this value, or what would be right.
    pub fn read(&self, text: &str) -> Result<Param, String> {
        if text.chars().count() > MOST_CHARS {
            return Err(format!("it may have {MOST_CHARS} characters"));
        }
        if !self.options.is_empty() && !self.options.iter().any(|option| option == text) {
            return Err(format!("it may be {}", self.options.join(", ")));
        }
        match self.kind {
            VariableKind::Text => Ok(Param::Text(text.to_owned())),
            VariableKind::Int => text.parse().map(Param::Int).map_err(|_| "it takes a whole number".to_owned()),
            VariableKind::Decimal => {
                let read = text.parse::<Money>();
                read.map(|_| Param::Text(text.to_owned())).map_err(|_| "it takes a number such as 0.05".to_owned())
            }
        }
    }
}

impl VariableKind {
    /// The type of the parameter that queries get.
    #[must_use]
    pub fn param(self) -> ParamType {
        match self {
            Self::Text => ParamType::Text,
            Self::Int => ParamType::Int,
            Self::Decimal => ParamType::Decimal,
        }
    }
}

/// What is wrong with a board's variables.
pub(super) fn check(notes: &mut Notes<'_>, board: &Dashboard) {
    if board.variables.len() > MOST {
        notes.fault("variables", format!("the board has {} variables: {MOST} at most", board.variables.len()));
    }
    let mut seen = BTreeSet::new();
    for (number, variable) in board.variables.iter().enumerate() {
        let at = |key: &str| format!("variables.{number}.{key}");
        let name = variable.name.as_str();
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(is_plain) {
            notes.fault(&at("name"), format!("the name '{name}' may have a to z, 0 to 9 and '_', a letter first"));
        } else if PARAMS.iter().any(|(given, _)| *given == name) {
            notes.fault(&at("name"), format!("panels give ${name} already: give the variable another name"));
        } else if !seen.insert(name) {
            notes.fault(&at("name"), format!("the name '{name}' is that of another variable too"));
        }
        if variable.title.trim().is_empty() {
            notes.fault(&at("title"), "the title is empty");
        }
        if let Err(reason) = variable.read(&variable.default) {
            notes.fault(&at("default"), format!("the variable '{name}' cannot be '{}': {reason}", variable.default));
        }
        for option in &variable.options {
            if let Err(reason) = variable.read(option) {
                notes.fault(&at("options"), format!("the variable '{name}' cannot be '{option}': {reason}"));
            }
        }
    }
}

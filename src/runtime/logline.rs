//! Reads one line that a guest printed: severity, text and attributes. Collecting lines is `logs`'s.

use serde_json::{Map, Value};

use crate::model::{Attributes, Severity};

/// Fields that one line of JSON may have; more are left out.
const MAX_ATTRIBUTES: usize = 64;

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) severity: Severity,
    pub(super) body: String,
    pub(super) attributes: Attributes,
}

/// A JSON object gives severity (`level`, `severity`, `lvl`), text (`message`, `msg`, `body`) and attributes; any other
/// line is text, with the severity that it begins with, else info.
pub(super) fn read(text: String) -> Line {
    if text.starts_with('{')
        && let Ok(Value::Object(fields)) = serde_json::from_str(&text)
    {
        return read_object(fields, text);
    }
    Line { severity: severity_of_text(&text), body: text, attributes: Attributes::new() }
}

fn read_object(mut fields: Map<String, Value>, text: String) -> Line {
    let severity = take(&mut fields, &["level", "severity", "lvl"], severity_of_field).unwrap_or(Severity::Info);
    let body = take(&mut fields, &["message", "msg", "body"], |value| Some(plain(value))).unwrap_or(text);
    let attributes = fields.iter().take(MAX_ATTRIBUTES).map(|(name, value)| (name.clone(), plain(value))).collect();
    Line { severity, body, attributes }
}

/// Takes the first of `names` that `read` can read; a field that it cannot read stays an attribute.
fn take<T>(fields: &mut Map<String, Value>, names: &[&str], read: impl Fn(&Value) -> Option<T>) -> Option<T> {
    let (name, value) = names.iter().find_map(|name| fields.get(*name).and_then(&read).map(|value| (*name, value)))?;
    fields.remove(name);
    Some(value)
}

/// A word, or a number as bunyan and pino write it: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal.
fn severity_of_field(value: &Value) -> Option<Severity> {
    match value {
        Value::String(word) => Severity::parse(word),
        Value::Number(number) => Some(match number.as_u64()? {
            10 => Severity::Trace,
            20 => Severity::Debug,
            30 => Severity::Info,
            40 => Severity::Warn,
            50 => Severity::Error,
            60 => Severity::Fatal,
            _ => return None,
        }),
        _ => None,
    }
}

/// A string as it is, anything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The severity among the first words, where a time stamp may come first: `ERROR`, `[warn]` or `error:`, but not a
/// sentence's own `error`. A Rust panic is an error.
fn severity_of_text(text: &str) -> Severity {
    if text.starts_with("thread '") && text.contains("panicked at") {
        return Severity::Error;
    }
    let mut words = text.split_whitespace().take(3);
    let Some(first) = words.next() else { return Severity::Info };
    if let Some(severity) = severity_of_word(first) {
        return severity;
    }
    let stamped = first.trim_start_matches('[').starts_with(|c: char| c.is_ascii_digit());
    words.filter(|_| stamped).find_map(severity_of_word).unwrap_or(Severity::Info)
}

fn severity_of_word(word: &str) -> Option<Severity> {
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphabetic());
    let marked = bare.len() < word.len() || bare.chars().all(|c| c.is_ascii_uppercase());
    if marked && bare.len() > 1 { Severity::parse(bare) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn severity(text: &str) -> Severity {
        read(text.to_owned()).severity
    }

    #[test]
    fn a_plain_line_begins_with_its_severity_or_is_info() {
        assert_eq!(severity("ERROR no such cart"), Severity::Error);
        assert_eq!(severity("[warn] slow"), Severity::Warn);
        assert_eq!(severity("debug: x = 1"), Severity::Debug);
        assert_eq!(severity("2026-03-01T00:00:00Z ERROR boom"), Severity::Error);
        assert_eq!(severity("[12:00:01] main WARN boom"), Severity::Warn);
        assert_eq!(severity("thread 'main' panicked at src/lib.rs:1:2:"), Severity::Error);
        for info in ["", "error handling is on", "alert the user", "a fatal mistake", "17 errors: none", "E 1"] {
            assert_eq!(severity(info), Severity::Info, "{info}");
        }
    }

    #[test]
    fn a_json_object_gives_severity_text_and_attributes() {
        let line = read(r#"{"level":"warn","msg":"slow","ms":12,"user":"ada","tags":["a",1],"none":null}"#.to_owned());
        assert_eq!((line.severity, line.body.as_str()), (Severity::Warn, "slow"));
        let attributes = [("ms", "12"), ("none", "null"), ("tags", r#"["a",1]"#), ("user", "ada")];
        assert_eq!(line.attributes, attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        assert_eq!(severity(r#"{"level":50,"msg":"x"}"#), Severity::Error);
    }

    #[test]
    fn json_without_known_fields_keeps_everything() {
        let text = r#"{"level":"loud","a":1}"#;
        let line = read(text.to_owned());
        assert_eq!((line.severity, line.body.as_str()), (Severity::Info, text));
        assert_eq!(line.attributes.get("level").map(String::as_str), Some("loud"));
        for not_an_object in ["[1]", "{broken", "\"text\""] {
            assert_eq!(read(not_an_object.to_owned()).body, not_an_object);
        }
    }
}

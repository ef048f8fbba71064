//! How rows are printed: a table, JSON or CSV, as the flag says. It does not make the rows.

use std::io::Write;

use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

/// What every command that prints data takes.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Output {
    /// How data is printed
    #[arg(long = "output", value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub(super) format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Columns, for people
    Table,
    /// One document
    Json,
    /// RFC 4180, with a header
    Csv,
}

impl Format {
    /// The media type to ask the server for.
    pub(super) fn accept(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Table | Self::Json => "application/json",
        }
    }
}

/// Writes bytes to standard output.
pub(super) fn print(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(())
}

/// Writes one line to standard output.
pub(super) fn line(text: &str) -> anyhow::Result<()> {
    print(format!("{text}\n").as_bytes())
}

/// Writes one line to standard error.
pub(super) fn note(text: &str) {
    let _nowhere_to_tell = writeln!(std::io::stderr(), "{text}");
}

/// A table of rows, each a JSON object, with one column for each name.
pub(super) fn table(columns: &[&str], rows: &[Value]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns.iter().copied());
    for row in rows {
        table.add_row(columns.iter().map(|column| cell(row.get(*column).unwrap_or(&Value::Null))));
    }
    format!("{table}\n")
}

/// A CSV document of rows, each a JSON object.
pub(super) fn csv(columns: &[&str], rows: &[Value]) -> String {
    let quoted = |text: String| {
        let plain = !text.contains(['"', ',', '\n', '\r']);
        if plain { text } else { format!("\"{}\"", text.replace('"', "\"\"")) }
    };
    let row = |row: &Value| {
        let cells = columns.iter().map(|column| quoted(cell(row.get(*column).unwrap_or(&Value::Null))));
        cells.collect::<Vec<_>>().join(",") + "\r\n"
    };
    let header = columns.join(",") + "\r\n";
    header + &rows.iter().map(row).collect::<String>()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| format!("{key}={}", cell(value))).collect::<Vec<_>>().join(" ")
        }
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn csv_quotes_what_needs_it() {
        let rows = [json!({"a": "x,\"y\"", "b": 1, "c": {"k": "v"}}), json!({"a": null})];
        assert_eq!(csv(&["a", "b", "c"], &rows), "a,b,c\r\n\"x,\"\"y\"\"\",1,k=v\r\n,,\r\n");
    }
}

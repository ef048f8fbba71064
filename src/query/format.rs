//! Writes results as JSON, CSV, Arrow IPC and a table for people. It does not choose among them.

mod cell;
mod types;

use arrow::ipc::writer::StreamWriter;
use comfy_table::{CellAlignment, ContentArrangement, Table as TextTable, presets};

use super::{Error, QueryResult};

pub use types::type_name;

use cell::{Encoder, Style};

/// Bytes that a result may have when written (256 MiB).
pub const MAX_OUTPUT_BYTES: usize = 256 << 20;

/// `{"columns":[{"name","type"}],"rows":[{}]}`. Decimals are strings with all their digits; timestamps are RFC 3339 in
/// UTC; maps are objects; binary is hex; numbers that JSON does not know are null.
pub fn json(result: &QueryResult) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    out.extend_from_slice(b"{\"columns\":[");
    for (index, field) in result.schema.fields().iter().enumerate() {
        out.extend_from_slice(if index > 0 { b",{\"name\":" } else { b"{\"name\":" });
        cell::string(field.name(), &mut out);
        out.extend_from_slice(b",\"type\":");
        cell::string(&type_name(field.data_type()), &mut out);
        out.push(b'}');
    }
    out.extend_from_slice(b"],\"rows\":");
    json_rows(result, &mut out)?;
    out.push(b'}');
    Ok(out)
}

/// The rows alone, each an object, for pages and programs.
pub fn rows(result: &QueryResult) -> Result<Vec<serde_json::Map<String, serde_json::Value>>, Error> {
    let mut out = Vec::new();
    json_rows(result, &mut out)?;
    serde_json::from_slice(&out).map_err(|error| Error::Internal(format!("the rows are not JSON: {error}")))
}

fn json_rows(result: &QueryResult, out: &mut Vec<u8>) -> Result<(), Error> {
    let names: Vec<Vec<u8>> = result.schema.fields().iter().map(|field| key(field.name())).collect();
    out.push(b'[');
    let mut first = true;
    for batch in &result.batches {
        let cells: Vec<Encoder> = batch.columns().iter().map(|column| cell::encoder(column, Style::Json)).collect();
        for row in 0..batch.num_rows() {
            out.extend_from_slice(if first { b"{" } else { b",{" });
            first = false;
            for (index, (name, cell)) in names.iter().zip(&cells).enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(name);
                cell(row, out);
            }
            out.push(b'}');
            check_size(out)?;
        }
    }
    out.push(b']');
    Ok(())
}

fn key(name: &str) -> Vec<u8> {
    let mut key = Vec::new();
    cell::string(name, &mut key);
    key.push(b':');
    key
}

/// RFC 4180 with a header line. NULL is an empty field, empty text is `""`; maps and lists are JSON.
pub fn csv(result: &QueryResult) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for (index, field) in result.schema.fields().iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        csv_field(field.name().as_bytes(), &mut out);
    }
    out.extend_from_slice(b"\r\n");
    let mut text = Vec::new();
    for batch in &result.batches {
        let cells: Vec<Encoder> = batch.columns().iter().map(|column| cell::encoder(column, Style::Plain)).collect();
        let nulls: Vec<_> = batch.columns().iter().map(|column| column.logical_nulls()).collect();
        for row in 0..batch.num_rows() {
            for (index, (cell, nulls)) in cells.iter().zip(&nulls).enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                    text.clear();
                    cell(row, &mut text);
                    csv_field(&text, &mut out);
                }
            }
            out.extend_from_slice(b"\r\n");
            check_size(&out)?;
        }
    }
    Ok(out)
}

fn csv_field(text: &[u8], out: &mut Vec<u8>) {
    let plain = !text.is_empty() && !text.iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'));
    if plain {
        out.extend_from_slice(text);
        return;
    }
    out.push(b'"');
    for byte in text {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

/// An Arrow IPC stream.
pub fn arrow_ipc(result: &QueryResult) -> Result<Vec<u8>, Error> {
    let fail = |error: arrow::error::ArrowError| Error::Internal(format!("the rows are not written as Arrow: {error}"));
    let mut writer = StreamWriter::try_new(Vec::new(), &result.schema).map_err(fail)?;
    for batch in &result.batches {
        writer.write(batch).map_err(fail)?;
        check_size(writer.get_ref())?;
    }
    writer.into_inner().map_err(fail)
}

/// A table for a terminal. Control characters are shown, not sent.
pub fn table(result: &QueryResult) -> Result<String, Error> {
    let mut table = TextTable::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(result.schema.fields().iter().map(|field| visible(field.name().as_bytes())));
    for (index, field) in result.schema.fields().iter().enumerate() {
        if let Some(column) = table.column_mut(index).filter(|_| field.data_type().is_numeric()) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for batch in &result.batches {
        let cells: Vec<Encoder> = batch.columns().iter().map(|column| cell::encoder(column, Style::Plain)).collect();
        for row in 0..batch.num_rows() {
            table.add_row(cells.iter().map(|cell| {
                let mut text = Vec::new();
                cell(row, &mut text);
                visible(&text)
            }));
        }
    }
    Ok(format!("{table}\n"))
}

fn visible(text: &[u8]) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    String::from_utf8_lossy(text).chars().map(shown).collect()
}

fn check_size(out: &[u8]) -> Result<(), Error> {
    if out.len() > MAX_OUTPUT_BYTES {
        return Err(Error::Limit(format!(
            "the result is more than {MAX_OUTPUT_BYTES} bytes long when written: ask for fewer rows or columns"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! The rows as CSV: RFC 4180, a header, CRLF, UTF-8, a point in decimals. A text that a spreadsheet would take for a formula
//! is kept from that by an apostrophe; numbers are as they are.

use super::lines::{Cell, Column, Lines};

/// What spreadsheets begin a formula with, or skip before one.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

pub(super) fn write(lines: &Lines<'_>) -> Vec<u8> {
    let mut out = Column::ALL.map(Column::name).join(",");
    out.push_str("\r\n");
    for row in &lines.report.rows {
        for (at, column) in Column::ALL.into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            match lines.cell(row, column) {
                Cell::Empty => {}
                Cell::Text(text) => push_text(&mut out, &text),
                Cell::Count(count) => out.push_str(&count.to_string()),
                Cell::Exact(number) => out.push_str(&number.to_string()),
                Cell::Money(amount) => out.push_str(&amount.to_string()),
                Cell::Fraction(fraction) => out.push_str(&fraction),
            }
        }
        out.push_str("\r\n");
    }
    out.into_bytes()
}

fn push_text(out: &mut String, text: &str) {
    let guard = if text.starts_with(FORMULA) { "'" } else { "" };
    if text.contains(['"', ',', '\n', '\r']) {
        out.push('"');
        out.push_str(guard);
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(guard);
        out.push_str(text);
    }
}

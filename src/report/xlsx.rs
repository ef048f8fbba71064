//! The report as a workbook: a sheet for each table, numbers as numbers, totals as formulas beside what the report states. A
//! spreadsheet's numbers have 15 digits, so money is a number where it is rounded and text where it is exact.
//!
//! `lines` writes the rows, `facts` what is said about them; `sheet` is how both write cells and tables.

mod facts;
mod lines;
mod sheet;

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};

use crate::billing::{Head, Report};

use super::lines::Lines;
use super::{Error, Format};

/// Rows of a sheet, its header and totals left out: a sheet has 1,048,576.
const SHEET_ROWS: usize = 1_048_000;

pub(super) fn write(lines: &Lines<'_>, head: &Head, document: &str) -> Result<Vec<u8>, Error> {
    write_split(lines, head, document, SHEET_ROWS)
}

/// The workbook, with so many rows in each sheet.
pub(super) fn write_split(lines: &Lines<'_>, head: &Head, document: &str, rows: usize) -> Result<Vec<u8>, Error> {
    workbook(lines, head, document, rows).map_err(|error| Error::refused(Format::Xlsx, error))
}

fn workbook(lines: &Lines<'_>, head: &Head, document: &str, rows: usize) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    workbook.set_properties(&properties(lines.report, head, document)?);
    let totals = lines::write(&mut workbook, lines, rows)?;
    if !lines.report.bridge.is_empty() {
        facts::bridge(&mut workbook, lines)?;
    }
    facts::bills(&mut workbook, lines.report)?;
    facts::about(&mut workbook, lines, head, document, &totals)?;
    workbook.save_to_buffer()
}

/// What the file says of itself. Its date is the end of the month, so that the bytes are the same whenever it is made.
fn properties(report: &Report, head: &Head, document: &str) -> Result<DocProperties, XlsxError> {
    let next = report.month.next().to_string();
    let made = ExcelDateTime::parse_from_str(&format!("{next}-01"))?;
    let issuer = head.issuer.as_deref().and_then(|issuer| issuer.lines().next()).unwrap_or_default();
    Ok(DocProperties::new()
        .set_title(format!("{} {}", super::shown::meter(report.kind.as_str()), report.month))
        .set_subject(document)
        .set_author(issuer)
        .set_comment(format!("Faremeter {}", report.sources.engine))
        .set_creation_datetime(&made))
}
